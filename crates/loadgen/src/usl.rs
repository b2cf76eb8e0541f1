//! The Universal Scalability Law: how throughput follows concurrency, with contention and crosstalk.
//!
//! ```text
//!            λ·N                        X │      ╭─────╮
//!  X(N) = ───────────────────────         │    ╱         ╲   peak at N* = √((1−σ)/κ)
//!         1 + σ(N−1) + κN(N−1)            │  ╱
//!                                         └──────────────── N
//! ```
//!
//! `N / X(N)` is linear in three coefficients that cannot be below zero, so the fit needs no starting point and no
//! iteration: every way of holding some of them at zero is solved, and the best feasible one is it.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, StandardNormal};

/// One rung: a concurrency and the throughput that was measured there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rung {
    /// How many at once.
    pub concurrency: f64,
    /// Completions per second.
    pub throughput: f64,
    /// Standard error of the throughput.
    pub error: f64,
}

/// The coefficients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficients {
    /// Throughput of one alone, per second.
    pub lambda: f64,
    /// Contention: the share that goes one after the other.
    pub sigma: f64,
    /// Crosstalk: what each pair costs.
    pub kappa: f64,
}

/// A fitted law.
#[derive(Debug, Clone, PartialEq)]
pub struct Usl {
    /// The best coefficients.
    pub best: Coefficients,
    /// Lower ends of their 95 % intervals.
    pub low: Coefficients,
    /// Upper ends.
    pub high: Coefficients,
    /// The largest concurrency that was measured.
    pub measured_to: f64,
    /// The largest relative distance of a rung from the curve.
    pub worst_residual: f64,
}

/// Three coefficients are not judged by fewer rungs.
pub const FEWEST_RUNGS: usize = 4;

/// Repeats of the bootstrap.
const REPEATS: usize = 400;

/// The curve is not said further than this beyond the last rung.
const REACH: f64 = 2.0;

impl Coefficients {
    /// Completions per second at a concurrency.
    pub fn throughput(&self, concurrency: f64) -> f64 {
        let others = concurrency - 1.0;
        self.lambda * concurrency / (1.0 + self.sigma * others + self.kappa * concurrency * others)
    }

    /// The concurrency of the highest throughput; infinite without crosstalk.
    pub fn peak(&self) -> f64 {
        if self.kappa <= 0.0 {
            return f64::INFINITY;
        }
        ((1.0 - self.sigma).max(0.0) / self.kappa).sqrt().max(1.0)
    }
}

impl Usl {
    /// Fits the law; `None` with fewer than [`FEWEST_RUNGS`] rungs.
    ///
    /// The intervals are those of a bootstrap that redraws every rung within its error, or within the misfit if that is
    /// larger; `seed` makes them repeatable.
    pub fn fit(rungs: &[Rung], seed: u64) -> Option<Self> {
        let usable: Vec<Rung> = rungs
            .iter()
            .copied()
            .filter(|rung| rung.concurrency >= 1.0 && rung.throughput > 0.0)
            .collect();
        if usable.len() < FEWEST_RUNGS {
            return None;
        }
        let best = least_squares(&usable)?;
        let residual = |rung: &Rung| best.throughput(rung.concurrency) / rung.throughput - 1.0;
        let squares: f64 = usable.iter().map(|rung| residual(rung).powi(2)).sum();
        let misfit = (squares / usable.len() as f64).sqrt();
        let mut rng = StdRng::seed_from_u64(seed);
        let mut redrawn: Vec<Coefficients> = (0..REPEATS)
            .filter_map(|_| least_squares(&redraw(&usable, misfit, &mut rng)))
            .collect();
        let mut ends = |of: fn(&Coefficients) -> f64| {
            redrawn.sort_by(|left, right| of(left).total_cmp(&of(right)));
            let at = |share: f64| of(&redrawn[(share * (redrawn.len() - 1) as f64) as usize]);
            (at(0.025), at(0.975))
        };
        let (lambda, sigma, kappa) = (ends(|c| c.lambda), ends(|c| c.sigma), ends(|c| c.kappa));
        Some(Self {
            best,
            low: Coefficients {
                lambda: lambda.0.min(best.lambda),
                sigma: sigma.0.min(best.sigma),
                kappa: kappa.0.min(best.kappa),
            },
            high: Coefficients {
                lambda: lambda.1.max(best.lambda),
                sigma: sigma.1.max(best.sigma),
                kappa: kappa.1.max(best.kappa),
            },
            measured_to: usable
                .iter()
                .map(|rung| rung.concurrency)
                .fold(0.0, f64::max),
            worst_residual: usable
                .iter()
                .map(|rung| residual(rung).abs())
                .fold(0.0, f64::max),
        })
    }

    /// Completions per second at a concurrency; `None` further than twice beyond what was measured.
    pub fn throughput(&self, concurrency: f64) -> Option<f64> {
        let within = concurrency <= REACH * self.measured_to;
        within.then(|| self.best.throughput(concurrency))
    }
}

fn redraw(rungs: &[Rung], misfit: f64, rng: &mut StdRng) -> Vec<Rung> {
    let redrawn = rungs.iter().map(|rung| {
        let noise: f64 = StandardNormal.sample(rng);
        let error = rung.error.max(misfit * rung.throughput);
        Rung {
            throughput: (rung.throughput + noise * error).max(rung.throughput / 100.0),
            ..*rung
        }
    });
    redrawn.collect()
}

/// The coefficients of `N/X = (1 + σ(N−1) + κN(N−1)) / λ` with the smallest relative distance from the rungs.
fn least_squares(rungs: &[Rung]) -> Option<Coefficients> {
    let mut best: Option<(f64, [f64; 3])> = None;
    // The first coefficient, 1/λ, is never zero; either, both or none of the others are.
    for free in [[true, true], [true, false], [false, true], [false, false]] {
        let Some(solution) = solve(rungs, free) else {
            continue;
        };
        if solution[0] <= 0.0 || solution.iter().any(|coefficient| *coefficient < 0.0) {
            continue;
        }
        let distance = distance(rungs, solution);
        if best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, solution));
        }
    }
    let (_, [base, contention, crosstalk]) = best?;
    Some(Coefficients {
        lambda: 1.0 / base,
        sigma: contention / base,
        kappa: crosstalk / base,
    })
}

/// A rung's row, divided by its `N/X`, so that distances are relative.
fn row(rung: &Rung) -> [f64; 3] {
    let n = rung.concurrency;
    let scale = rung.throughput / n;
    [scale, (n - 1.0) * scale, n * (n - 1.0) * scale]
}

fn distance(rungs: &[Rung], solution: [f64; 3]) -> f64 {
    let square = |rung| {
        let fitted: f64 = row(rung).iter().zip(solution).map(|(x, c)| x * c).sum();
        (fitted - 1.0).powi(2)
    };
    rungs.iter().map(square).sum()
}

/// Solves the normal equations of the free coefficients by elimination; the others are zero.
fn solve(rungs: &[Rung], free: [bool; 2]) -> Option<[f64; 3]> {
    let columns: Vec<usize> = [Some(0), free[0].then_some(1), free[1].then_some(2)]
        .into_iter()
        .flatten()
        .collect();
    let size = columns.len();
    let mut matrix = vec![vec![0.0; size + 1]; size];
    for rung in rungs {
        let row = row(rung);
        for (i, left) in columns.iter().enumerate() {
            for (j, right) in columns.iter().enumerate() {
                matrix[i][j] += row[*left] * row[*right];
            }
            matrix[i][size] += row[*left];
        }
    }
    for pivot in 0..size {
        let largest = (pivot..size).max_by(|left, right| {
            f64::total_cmp(&matrix[*left][pivot].abs(), &matrix[*right][pivot].abs())
        })?;
        matrix.swap(pivot, largest);
        if matrix[pivot][pivot].abs() < f64::MIN_POSITIVE {
            return None;
        }
        for other in (0..size).filter(|other| *other != pivot) {
            let factor = matrix[other][pivot] / matrix[pivot][pivot];
            let row = matrix[pivot].clone();
            for (cell, above) in matrix[other].iter_mut().zip(row) {
                *cell -= factor * above;
            }
        }
    }
    let mut solution = [0.0; 3];
    for (index, column) in columns.into_iter().enumerate() {
        solution[column] = matrix[index][size] / matrix[index][index];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rungs(law: Coefficients, noise: f64) -> Vec<Rung> {
        let concurrencies = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
        let rung = |(index, concurrency): (usize, f64)| {
            let throughput = law.throughput(concurrency);
            let sign = if index % 2 == 0 { 1.0 } else { -1.0 };
            Rung {
                concurrency,
                throughput: throughput * (1.0 + sign * noise),
                error: throughput * noise,
            }
        };
        concurrencies.into_iter().enumerate().map(rung).collect()
    }

    proptest! {
        #[test]
        fn an_exact_law_is_found_again(lambda in 0.1..1000.0_f64, sigma in 0.0..0.5_f64, kappa in 0.0..0.01_f64) {
            let law = Coefficients { lambda, sigma, kappa };
            let fit = Usl::fit(&rungs(law, 0.0), 1).expect("six rungs are enough");
            prop_assert!((fit.best.lambda / lambda - 1.0).abs() < 1e-6, "{fit:?}");
            prop_assert!((fit.best.sigma - sigma).abs() < 1e-6, "{fit:?}");
            prop_assert!((fit.best.kappa - kappa).abs() < 1e-7, "{fit:?}");
            prop_assert!(fit.worst_residual < 1e-6);
        }

        #[test]
        fn no_coefficient_is_ever_below_zero(throughputs in prop::collection::vec(0.1..100.0_f64, 4..9)) {
            let rungs: Vec<Rung> = throughputs
                .iter()
                .enumerate()
                .map(|(index, throughput)| Rung {
                    concurrency: f64::from(1 << index),
                    throughput: *throughput,
                    error: 0.1,
                })
                .collect();
            let fit = Usl::fit(&rungs, 1).expect("rungs enough");
            prop_assert!(fit.low.lambda > 0.0 && fit.low.sigma >= 0.0 && fit.low.kappa >= 0.0);
            prop_assert!(fit.best.peak() >= 1.0);
        }
    }

    #[test]
    fn the_intervals_hold_the_truth_and_the_curve_is_not_said_far_beyond() {
        let law = Coefficients {
            lambda: 10.0,
            sigma: 0.05,
            kappa: 0.001,
        };
        let fit = Usl::fit(&rungs(law, 0.03), 1).expect("six rungs are enough");
        assert!(
            fit.low.lambda <= law.lambda && law.lambda <= fit.high.lambda,
            "{fit:?}"
        );
        assert!(
            fit.low.sigma <= law.sigma && law.sigma <= fit.high.sigma,
            "{fit:?}"
        );
        assert!(fit.throughput(64.0).is_some());
        assert_eq!(fit.throughput(65.0), None);
        assert!((law.peak() - 30.822).abs() < 0.001);
    }

    #[test]
    fn three_rungs_are_not_enough() {
        let law = Coefficients {
            lambda: 10.0,
            sigma: 0.05,
            kappa: 0.001,
        };
        assert_eq!(Usl::fit(&rungs(law, 0.0)[..3], 1), None);
    }
}

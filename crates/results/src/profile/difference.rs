//! What changed between two profiles, and how sure that is: pure.
//!
//! Samples are taken at a steady rate of CPU time, so a function's count scatters like a Poisson variable around its
//! share of that time. Of `m` samples of a function in both profiles together, the candidate's are then binomial with
//! the candidate's part of all samples, which gives an exact test; Holm's procedure shares its level among all functions.
//!
//! A share is of the program's own time, not a time per call: where one function grows, the shares of all others
//! shrink. Nothing here says how much slower a case is; pair mode does.

use std::collections::BTreeSet;

use statrs::distribution::{Binomial, DiscreteCDF as _};

use super::Profile;
use crate::stats;

/// The chance that a profile of unchanged code names any function at all.
pub const LEVEL: f64 = 0.05;

/// How many standard errors half of a 95 % interval has.
const HALF_WIDTH: f64 = 1.96;

/// Two profiles held against each other.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileDifference {
    /// Samples of the base.
    pub n_base: u64,
    /// Samples of the candidate.
    pub n_candidate: u64,
    /// Every function in which either was seen, the largest change of share first.
    pub functions: Vec<FunctionDifference>,
}

/// One function by the samples in which it was the innermost outside of the standard library.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionDifference {
    /// Its name, made comparable.
    pub function: String,
    /// Samples in the base.
    pub n_base: u64,
    /// Samples in the candidate.
    pub n_candidate: u64,
    /// The candidate's share of time minus the base's.
    pub change: f64,
    /// Half of the 95 % interval of `change`.
    pub half_width: f64,
    /// Whether the change is more than chance, among all functions together.
    pub is_beyond_chance: bool,
}

impl ProfileDifference {
    /// Of two profiles; `None` if one of them has no samples.
    pub fn of(base: &Profile, candidate: &Profile) -> Option<Self> {
        let (n_base, n_candidate) = (base.n_samples(), candidate.n_samples());
        if n_base == 0 || n_candidate == 0 {
            return None;
        }
        let (of_base, of_candidate) = (base.samples_by_function(), candidate.samples_by_function());
        let names: BTreeSet<&str> = of_base.keys().chain(of_candidate.keys()).copied().collect();
        let mut functions: Vec<FunctionDifference> = names
            .into_iter()
            .map(|name| {
                let in_base = of_base.get(name).copied().unwrap_or(0);
                let in_candidate = of_candidate.get(name).copied().unwrap_or(0);
                FunctionDifference {
                    function: name.to_owned(),
                    n_base: in_base,
                    n_candidate: in_candidate,
                    change: share(in_candidate, n_candidate) - share(in_base, n_base),
                    half_width: HALF_WIDTH
                        * error(in_base, n_base).hypot(error(in_candidate, n_candidate)),
                    is_beyond_chance: false,
                }
            })
            .collect();

        let part = n_candidate as f64 / (n_base + n_candidate) as f64;
        let p_values: Vec<f64> = functions
            .iter()
            .map(|function| p_value(function.n_base, function.n_candidate, part))
            .collect();
        let falls = stats::holm(&p_values, LEVEL, 0);
        for (function, falls) in functions.iter_mut().zip(falls) {
            function.is_beyond_chance = falls;
        }
        functions.sort_by(|left, right| {
            let by_change = right.change.abs().total_cmp(&left.change.abs());
            by_change.then_with(|| left.function.cmp(&right.function))
        });
        Some(Self {
            n_base,
            n_candidate,
            functions,
        })
    }

    /// The change of share that a function of average size would need to be told from chance, by its interval alone.
    pub fn smallest_visible(&self) -> f64 {
        // A tenth of the time: where a function is worth looking at.
        let error = |n_samples: u64| (0.1 / n_samples as f64).sqrt();
        2.0 * HALF_WIDTH * error(self.n_base).hypot(error(self.n_candidate))
    }
}

fn share(n_samples: u64, of: u64) -> f64 {
    n_samples as f64 / of as f64
}

/// The standard error of a share; one sample stands in for none, whose scatter is not nothing.
fn error(n_samples: u64, of: u64) -> f64 {
    (n_samples.max(1) as f64).sqrt() / of as f64
}

/// Two-sided: the chance of a split as lopsided, if the share of time were the same on both sides.
fn p_value(n_base: u64, n_candidate: u64, part: f64) -> f64 {
    let Ok(split) = Binomial::new(part, n_base + n_candidate) else {
        return 1.0;
    };
    let at_most = split.cdf(n_candidate);
    let at_least = match n_candidate.checked_sub(1) {
        Some(fewer) => split.sf(fewer),
        None => 1.0,
    };
    (2.0 * at_most.min(at_least)).min(1.0)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::{LEVEL, ProfileDifference, p_value};
    use crate::profile::Profile;

    /// So many samples of functions with these weights.
    fn sampled(weights: &[f64], n_samples: usize, rng: &mut StdRng) -> Profile {
        let total: f64 = weights.iter().sum();
        let mut text = String::new();
        for _ in 0..n_samples {
            let mut left = rng.random_range(0.0..total);
            let mut index = 0;
            while index + 1 < weights.len() && left >= weights[index] {
                left -= weights[index];
                index += 1;
            }
            text.push_str(&format!("suite;f{index} 1\n"));
        }
        Profile::parse(&text).expect("folded")
    }

    #[test]
    fn profiles_of_one_program_name_a_function_no_more_often_than_the_level() {
        let weights = [30.0, 20.0, 20.0, 10.0, 10.0, 5.0, 3.0, 1.0, 0.5, 0.5];
        let mut rng = StdRng::seed_from_u64(3);
        let n_runs = 400;
        let mut n_alarms = 0;
        for _ in 0..n_runs {
            let base = sampled(&weights, 1_250, &mut rng);
            let candidate = sampled(&weights, 1_000, &mut rng);
            let difference = ProfileDifference::of(&base, &candidate).expect("samples");
            n_alarms += u64::from(difference.functions.iter().any(|f| f.is_beyond_chance));
        }
        let least = crate::stats::rate_lower_bound(n_alarms, n_runs, 0.999);
        assert!(least <= LEVEL, "{n_alarms} of {n_runs}");
    }

    #[test]
    fn the_function_that_grew_stands_first_and_is_beyond_chance() {
        let mut rng = StdRng::seed_from_u64(4);
        let base = sampled(&[50.0, 30.0, 20.0], 1_250, &mut rng);
        let candidate = sampled(&[50.0, 60.0, 20.0], 1_250, &mut rng);
        let difference = ProfileDifference::of(&base, &candidate).expect("samples");
        let first = &difference.functions[0];
        assert_eq!(first.function, "f1");
        assert!(first.is_beyond_chance);
        let truth = 60.0 / 130.0 - 0.3;
        assert!(
            (first.change - truth).abs() <= 1.5 * first.half_width,
            "{first:?}"
        );
    }

    #[test]
    fn a_function_that_is_gone_or_new_is_listed() {
        let base = Profile::parse("s;old 100\ns;kept 900\n").expect("folded");
        let candidate = Profile::parse("s;new 100\ns;kept 900\n").expect("folded");
        let difference = ProfileDifference::of(&base, &candidate).expect("samples");
        let named: Vec<&str> = difference
            .functions
            .iter()
            .filter(|function| function.is_beyond_chance)
            .map(|function| &*function.function)
            .collect();
        assert_eq!(named, ["new", "old"]);
        assert!(ProfileDifference::of(&base, &Profile::default()).is_none());
    }

    #[test]
    fn the_test_is_that_of_a_fair_coin_where_both_sides_have_as_many_samples() {
        // Ten heads in a row, or ten tails.
        assert!((p_value(0, 10, 0.5) - 2.0 / 1024.0).abs() < 1e-12);
        assert!((p_value(10, 0, 0.5) - 2.0 / 1024.0).abs() < 1e-12);
        assert_eq!(p_value(5, 5, 0.5), 1.0);
    }
}

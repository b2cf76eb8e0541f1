//! The noises that shared machines were seen to make, as log times of the two turns of each pair of one round.
//!
//! The first turn of a pair is whose turn comes first, base or candidate. Every process differs from the next of the
//! same program by about 0.3 %, as measured for processes that alternate on one core.

/// Draws a round at a point of the run between 0 and 1: (first, second) turn of each pair.
pub(super) type Noise = fn(&mut Chance, f64) -> Vec<(f64, f64)>;

/// Every noise with its name.
pub(super) const NOISES: [(&str, Noise); 6] = [
    ("calm", calm),
    ("skewed", skewed),
    ("heavy-tailed", heavy_tailed),
    ("bimodal", bimodal),
    ("autocorrelated", autocorrelated),
    ("drifting", drifting),
];

const N_PAIRS: usize = 6;

/// Of the difference of two processes of one program.
const PROCESS_SPREAD: f64 = 0.003;

/// Normal between processes and within.
pub(super) fn calm(rng: &mut Chance, _progress: f64) -> Vec<(f64, f64)> {
    let lean = PROCESS_SPREAD * rng.normal();
    (0..N_PAIRS)
        .map(|_| (lean + 0.002 * rng.normal(), 0.002 * rng.normal()))
        .collect()
}

/// Noise only ever adds time, log-normally.
fn skewed(rng: &mut Chance, _progress: f64) -> Vec<(f64, f64)> {
    let lean = PROCESS_SPREAD * rng.normal();
    let mut turn = |lean: f64| lean + 0.01 * rng.normal().exp();
    (0..N_PAIRS).map(|_| (turn(lean), turn(0.0))).collect()
}

/// Student's t with three degrees of freedom between processes and within, and one turn in five preempted.
fn heavy_tailed(rng: &mut Chance, _progress: f64) -> Vec<(f64, f64)> {
    let lean = PROCESS_SPREAD * rng.student_3();
    let mut turn = |lean: f64| {
        let preempted = if rng.is(0.2) {
            0.1 + 1.4 * rng.uniform()
        } else {
            0.0
        };
        lean + preempted + 0.003 * rng.student_3()
    };
    (0..N_PAIRS).map(|_| (turn(lean), turn(0.0))).collect()
}

/// One process in five is 4 % slower for as long as it lives.
fn bimodal(rng: &mut Chance, _progress: f64) -> Vec<(f64, f64)> {
    let mut mode = || if rng.is(0.2) { 0.04 } else { 0.0 };
    let (first, second) = (mode(), mode());
    (0..N_PAIRS)
        .map(|_| (first + 0.003 * rng.normal(), second + 0.003 * rng.normal()))
        .collect()
}

/// Each turn is much like the one before it of the same process.
fn autocorrelated(rng: &mut Chance, _progress: f64) -> Vec<(f64, f64)> {
    let (mut first, mut second) = (0.005 * rng.normal(), 0.005 * rng.normal());
    let mut next = |state: &mut f64| {
        *state = 0.95 * *state + 0.0015 * rng.normal();
        *state
    };
    (0..N_PAIRS)
        .map(|_| (next(&mut first), next(&mut second)))
        .collect()
}

/// The machine grows slower by 40 % over the run, and within each pair: the second turn is always the slower one.
fn drifting(rng: &mut Chance, progress: f64) -> Vec<(f64, f64)> {
    let lean = PROCESS_SPREAD * rng.normal();
    (0..N_PAIRS)
        .map(|pair| {
            let drift = 0.4 * progress + 0.001 * pair as f64;
            let (first, second) = (0.002 * rng.normal(), 0.002 * rng.normal());
            (drift + lean + first, drift + 0.004 + second)
        })
        .collect()
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
///
/// Here, because the usual generator, built without optimisation, would take nine tenths of the simulations' time.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Between 0 and 1, and neither.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((mixed >> 11) as f64 + 0.5) / 2.0_f64.powi(53)
    }

    /// True with the probability.
    pub(crate) fn is(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    pub(crate) fn student_3(&mut self) -> f64 {
        let squares: f64 = (0..3).map(|_| self.normal().powi(2)).sum();
        self.normal() / (squares / 3.0).sqrt()
    }
}

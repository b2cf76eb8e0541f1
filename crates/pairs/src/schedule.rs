//! Which round comes when: a pure plan, drawn from a seed before anything runs.
//!
//! One lap is one round of every case. Laps follow each other, so that a slow drift of the machine, or a budget that
//! ends early, meets all cases alike.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// Every how many-th case the null control draws.
const NULL_ONE_IN: usize = 7;

/// Which rounds of a case a step belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Base against candidate.
    Judge,
    /// Base against base.
    Null,
    /// Base against candidate again, after an accusation.
    Confirm,
}

/// One round of one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The place of the case in the run.
    pub case: usize,
    /// What the round is for.
    pub stage: Stage,
    /// The core of both processes.
    pub core: u32,
    /// Whether the base takes the first turn.
    pub is_base_first: bool,
}

/// Draws steps; the same seed draws the same.
#[derive(Debug)]
pub struct Schedule {
    random: StdRng,
    cores: Vec<u32>,
    n_laps: [usize; 3],
}

impl Schedule {
    /// A schedule over these cores, of which there is at least one.
    pub fn new(seed: u64, cores: Vec<u32>) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            cores,
            n_laps: [0; 3],
        }
    }

    /// The cases of the null control: one in seven at random, and at least one of any.
    pub fn draw_null(&mut self, n_cases: usize) -> Vec<usize> {
        let mut cases: Vec<usize> = (0..n_cases).collect();
        cases.shuffle(&mut self.random);
        cases.truncate(n_cases.div_ceil(NULL_ONE_IN));
        cases.sort_unstable();
        cases
    }

    /// One round of every given case, in random order, on the core after that of the stage's last lap.
    ///
    /// The confirming rounds begin where the judged ones did not.
    pub fn lap(&mut self, cases: &[(usize, Stage)]) -> Vec<Step> {
        let mut cases = cases.to_vec();
        cases.shuffle(&mut self.random);
        let mut steps = Vec::with_capacity(cases.len());
        for (case, stage) in &cases {
            let first = usize::from(*stage == Stage::Confirm);
            let core = self.cores[(first + self.n_laps[*stage as usize]) % self.cores.len()];
            steps.push(Step {
                case: *case,
                stage: *stage,
                core,
                is_base_first: self.random.random(),
            });
        }
        for stage in [Stage::Judge, Stage::Null, Stage::Confirm] {
            let is_in = cases.iter().any(|(_, of)| *of == stage);
            self.n_laps[stage as usize] += usize::from(is_in);
        }
        steps
    }
}

/// How many samples a case takes per process, so that slow cases do not eat the budget of all others.
///
/// Fast ones take about 2 ms each. One whose single iteration takes longer gets fewer, down to Criterion's least.
pub fn n_samples(sample: Duration) -> usize {
    let fit = (2 * MEASURING).as_secs_f64() / sample.as_secs_f64().max(1e-9);
    (fit as usize).clamp(LEAST_SAMPLES, MOST_SAMPLES)
}

/// Samples per process of a case that is not slow.
pub const MOST_SAMPLES: usize = 30;

/// Criterion refuses fewer.
const LEAST_SAMPLES: usize = 10;

/// What all samples of a process take together, if the case is not slow: 30 of 2 ms.
pub const MEASURING: Duration = Duration::from_millis(60);

#[cfg(test)]
mod tests {
    use super::{Schedule, Stage, Step, n_samples};
    use std::collections::BTreeSet;
    use std::time::Duration;

    fn laps(seed: u64) -> Vec<Vec<Step>> {
        let mut schedule = Schedule::new(seed, vec![0, 1]);
        let cases: Vec<(usize, Stage)> = (0..8).map(|case| (case, Stage::Judge)).collect();
        (0..20).map(|_| schedule.lap(&cases)).collect()
    }

    #[test]
    fn the_seed_decides_all() {
        assert_eq!(laps(1), laps(1));
        assert_ne!(laps(1), laps(2));
    }

    #[test]
    fn every_lap_has_every_case_once_on_one_core_and_cores_alternate() {
        for (number, lap) in laps(3).iter().enumerate() {
            let cases: BTreeSet<usize> = lap.iter().map(|step| step.case).collect();
            assert_eq!(cases.len(), 8);
            assert!(lap.iter().all(|step| step.core == number as u32 % 2));
        }
    }

    #[test]
    fn either_side_begins_about_half_of_the_rounds() {
        let steps: Vec<Step> = laps(4).concat();
        let n_base = steps.iter().filter(|step| step.is_base_first).count();
        assert!((50..=110).contains(&n_base), "{n_base} of {}", steps.len());
    }

    #[test]
    fn confirming_rounds_begin_on_the_other_core() {
        let mut schedule = Schedule::new(5, vec![0, 1]);
        let core_of = |lap: Vec<Step>| lap[0].core;
        assert_eq!(core_of(schedule.lap(&[(0, Stage::Judge)])), 0);
        assert_eq!(core_of(schedule.lap(&[(0, Stage::Confirm)])), 1);
        assert_eq!(core_of(schedule.lap(&[(0, Stage::Confirm)])), 0);
        assert_eq!(core_of(schedule.lap(&[(0, Stage::Judge)])), 1);
    }

    #[test]
    fn the_null_control_draws_one_in_seven_and_at_least_one() {
        let mut schedule = Schedule::new(6, vec![0]);
        for (n_cases, expected) in [(0, 0), (1, 1), (7, 1), (8, 2), (90, 13)] {
            let drawn = schedule.draw_null(n_cases);
            assert_eq!(drawn.len(), expected, "{n_cases}");
            assert!(drawn.iter().all(|case| *case < n_cases));
        }
    }

    #[test]
    fn slow_cases_take_fewer_samples() {
        for (sample_ms, expected) in [(0, 30), (2, 30), (4, 30), (8, 15), (12, 10), (900, 10)] {
            assert_eq!(
                n_samples(Duration::from_millis(sample_ms)),
                expected,
                "{sample_ms} ms"
            );
        }
    }
}

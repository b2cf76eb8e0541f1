//! Which round comes when: a pure plan, drawn from a seed before anything runs.
//!
//! One lap is one round of every case. Laps follow each other, so that a slow drift of the machine, or a budget that
//! ends early, meets all cases alike.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// Every how many-th case the null control draws.
pub(crate) const NULL_ONE_IN: usize = 7;

/// Which rounds of a case a step belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Base against candidate.
    Judge,
    /// Base against base.
    Null,
    /// Base against candidate again, after an accusation.
    Confirm,
    /// Base against candidate, both in another order of their functions.
    Layout,
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
    n_laps: [usize; 4],
}

impl Schedule {
    /// A schedule over these cores, of which there is at least one.
    pub fn new(seed: u64, cores: Vec<u32>) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            cores,
            n_laps: [0; 4],
        }
    }

    /// Those of these cases that the null control takes: one in seven at random, and at least one of any.
    pub fn draw_null(&mut self, cases: &[usize]) -> Vec<usize> {
        let mut drawn = self.shuffled(cases);
        drawn.truncate(cases.len().div_ceil(NULL_ONE_IN));
        drawn.sort_unstable();
        drawn
    }

    /// The cases in random order.
    pub fn shuffled<T: Clone>(&mut self, cases: &[T]) -> Vec<T> {
        let mut cases = cases.to_vec();
        cases.shuffle(&mut self.random);
        cases
    }

    /// What draws an order of functions for each side.
    ///
    /// The sides' orders are independent, so that for equally fast code either may be the slower one.
    pub fn draw_layouts(&mut self) -> [u32; 2] {
        // Linkers give zero and the largest number meanings of their own.
        std::array::from_fn(|_| self.random.random_range(1..u32::MAX))
    }

    /// One round of every given case, in random order, on the core after that of the stage's last lap.
    ///
    /// The confirming rounds begin where the judged ones did not.
    pub fn lap(&mut self, cases: &[(usize, Stage)]) -> Vec<Step> {
        let cases = self.shuffled(cases);
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
        for stage in [Stage::Judge, Stage::Null, Stage::Confirm, Stage::Layout] {
            let is_in = cases.iter().any(|(_, of)| *of == stage);
            self.n_laps[stage as usize] += usize::from(is_in);
        }
        steps
    }
}

/// Of what is left to measure, all that fits into the time, the cheapest first: a case with long rounds must not keep
/// many with short ones from being decided.
pub(crate) fn affordable<T: Ord>(mut costs: Vec<(T, Duration)>, time: Duration) -> Vec<T> {
    costs.sort_by_key(|(_, cost)| *cost);
    let mut together = Duration::ZERO;
    let mut taken: Vec<T> = costs
        .into_iter()
        .take_while(|(_, cost)| {
            together += *cost;
            together <= time
        })
        .map(|(which, _)| which)
        .collect();
    taken.sort();
    taken
}

/// How much each process of a case measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// So many samples of [`SAMPLE`], or of one iteration where that takes longer.
    Samples(usize),
    /// One sample or two of whatever length, without a warm-up: ten, Criterion's least, would take seconds. The first is of
    /// one iteration, and each later one of twice as many, until the time is over.
    Quick {
        /// After which no further sample is begun.
        within: Duration,
    },
}

/// How fast the processes of a case are; in all their time, and not in that part of it which they report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// What one sample takes.
    pub(crate) sample: Duration,
    /// What a process takes beside its samples.
    pub(crate) around: Duration,
}

/// How long a process is asked to measure when nothing is known of its case.
///
/// Long enough for several samples of most cases, so that what a sample takes is seen without the start of its process.
pub(crate) const PROBING: Duration = Duration::from_millis(5);

/// Samples per process, if there is time for them.
///
/// More of them tell a process better, and more processes tell the program better, for processes of one program differ
/// by half a percent in how they lie in memory. The two were balanced on three micro cases: 160 take as long as all that
/// is around them, and a median over them is off by less than processes differ.
pub(crate) const MOST_SAMPLES: usize = 160;

/// Fewer short samples would take a tenth of what is around them.
const LEAST_SHORT_SAMPLES: usize = 40;

/// Criterion refuses fewer.
const LEAST_SAMPLES: usize = 10;

/// What a sample should take.
///
/// Neighbours on shared hardware disturb at all time scales alike: two samples that follow each other differ by 4 to 7 %,
/// whether they take 0.1 ms or 10. So the shorter, the more there are and the better their median: a round of 60 pairs of
/// 2 ms is off by 14 to 17 thousandths, one of 240 pairs of 0.12 ms by 4 to 6 in a quarter of the time. At this length a
/// hand-over costs an eighth of the time, and starting with the other side's data in the caches moves the fastest sample
/// by less than 1 %, on both sides alike.
pub(crate) const SAMPLE: Duration = Duration::from_micros(125);

/// What a turn takes beside its sample: two messages and two switches on one core.
const HAND_OVER: Duration = Duration::from_micros(15);

/// What a round takes beside its turns: starting, warming up and ending two processes. 31 to 55 ms on two shared cores.
const AROUND_SAMPLES: Duration = Duration::from_millis(40);

/// How long each process of a case with longer samples measures: fewer of them say less each.
const SLOW_CASE: Duration = Duration::from_millis(120);

/// A case with longer samples is measured quickly: rounds of ten samples of each side would take half a second.
const SLOW: Duration = Duration::from_millis(20);

impl Length {
    /// What so many rounds have time for.
    pub(crate) fn within(budget: Duration, n_rounds: usize) -> Self {
        let round = budget.as_secs_f64() / n_rounds.max(1) as f64;
        let pair = 2.0 * (SAMPLE + HAND_OVER).as_secs_f64();
        let n_pairs = (round - AROUND_SAMPLES.as_secs_f64()) / pair;
        Self::Samples((n_pairs as usize).clamp(LEAST_SHORT_SAMPLES, MOST_SAMPLES))
    }

    /// The same for a case whose samples were seen to take so long: a slow one must not eat the time of all others.
    pub(crate) fn of_case(self, sample: Duration) -> Self {
        let Self::Samples(n_samples) = self else {
            return self;
        };
        if sample > SLOW {
            return Self::Quick { within: SAMPLE };
        }
        // As much less as there is time for less.
        let allowed = SLOW_CASE.as_secs_f64() * n_samples as f64 / MOST_SAMPLES as f64;
        let n_fit = (allowed / sample.as_secs_f64().max(1e-9)) as usize;
        Self::Samples(n_fit.clamp(LEAST_SAMPLES, n_samples))
    }

    /// What a process of a case should take.
    pub(crate) fn process(self, pace: Pace) -> Duration {
        let n_samples = match self {
            // The warm-up is one more, or as long.
            Self::Samples(n_samples) => n_samples + 1,
            Self::Quick { .. } => 1,
        };
        pace.around + pace.sample * n_samples as u32
    }
}

#[cfg(test)]
mod tests {
    use super::{Length, MOST_SAMPLES, Pace, SAMPLE, Schedule, Stage, Step, affordable};
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
            let cases: Vec<usize> = (100..100 + n_cases).collect();
            let drawn = schedule.draw_null(&cases);
            assert_eq!(drawn.len(), expected, "{n_cases}");
            assert!(drawn.iter().all(|case| cases.contains(case)));
        }
    }

    #[test]
    fn what_does_not_fit_into_the_time_is_what_costs_most() {
        let seconds = Duration::from_secs;
        let costs = || {
            vec![
                ("slow", seconds(50)),
                ("new", seconds(0)),
                ("b", seconds(3)),
                ("a", seconds(2)),
            ]
        };
        for (time, expected) in [
            (55, vec!["a", "b", "new", "slow"]),
            (54, vec!["a", "b", "new"]),
            (4, vec!["a", "new"]),
            (0, vec!["new"]),
        ] {
            assert_eq!(affordable(costs(), seconds(time)), expected, "{time} s");
        }
    }

    #[test]
    fn slow_cases_take_fewer_samples() {
        let usual = Length::Samples(MOST_SAMPLES);
        for (sample_us, expected) in [
            (0, usual),
            (125, usual),
            (750, usual),
            (1_500, Length::Samples(80)),
            (6_000, Length::Samples(20)),
            (20_000, Length::Samples(10)),
            (20_001, Length::Quick { within: SAMPLE }),
        ] {
            let length = usual.of_case(Duration::from_micros(sample_us));
            assert_eq!(length, expected, "{sample_us} us");
        }
        let half = Length::Samples(MOST_SAMPLES / 2);
        let length = half.of_case(Duration::from_millis(3));
        assert_eq!(length, Length::Samples(20));
    }

    #[test]
    fn a_process_takes_its_samples_one_for_the_warm_up_and_what_is_around_them() {
        let pace = Pace {
            sample: Duration::from_millis(2),
            around: Duration::from_millis(30),
        };
        let of = |length: Length| length.process(pace).as_millis();
        assert_eq!(of(Length::Samples(10)), 52);
        assert_eq!(of(Length::Quick { within: SAMPLE }), 32);
    }

    #[test]
    fn a_small_budget_for_many_rounds_takes_fewer_samples() {
        for (seconds, n_rounds, n_samples) in [(300, 100, 160), (120, 2_000, 71), (10, 2_000, 40)] {
            let length = Length::within(Duration::from_secs(seconds), n_rounds);
            assert_eq!(
                length,
                Length::Samples(n_samples),
                "{seconds} s for {n_rounds}"
            );
        }
    }
}

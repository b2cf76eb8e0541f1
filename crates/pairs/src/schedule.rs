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

    /// The cases of the null control: one in seven at random, and at least one of any.
    pub fn draw_null(&mut self, n_cases: usize) -> Vec<usize> {
        let mut cases: Vec<usize> = (0..n_cases).collect();
        cases.shuffle(&mut self.random);
        cases.truncate(n_cases.div_ceil(NULL_ONE_IN));
        cases.sort_unstable();
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

/// Cases whose rounds say how long those of the others may take.
const FEW: usize = 8;

/// Whether there is time to begin a case of which nothing is known, and for so many rounds of it, beside those that were
/// begun: what a round of each takes, and how many are left.
///
/// Those that take longer than is typical do not count, for they give way to it in the end. Were they to, the first case
/// of seconds would keep a hundred of milliseconds from being measured at all.
pub(crate) fn has_room(begun: &[(Duration, usize)], n_rounds: usize, time: Duration) -> bool {
    if begun.len() < FEW {
        return true;
    }
    let typical = typical(begun.iter().map(|(round, _)| *round));
    let cheap = begun.iter().filter(|(round, _)| *round <= typical);
    let promised: Duration = cheap.map(|(round, n_left)| *round * *n_left as u32).sum();
    promised + typical * n_rounds as u32 <= time
}

/// The median, zero of none.
pub(crate) fn typical(costs: impl Iterator<Item = Duration>) -> Duration {
    let mut costs: Vec<Duration> = costs.collect();
    costs.sort_unstable();
    costs.get(costs.len() / 2).copied().unwrap_or_default()
}

/// How much each process of a case measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// So many samples of [`SAMPLE`], or of one iteration where that takes longer.
    Samples(usize),
    /// One sample or two of whatever length, without a warm-up: ten, Criterion's least, would take seconds.
    Quick,
}

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

/// A case with longer samples is measured quickly.
const SLOW: Duration = Duration::from_millis(50);

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
            return Self::Quick;
        }
        // As much less as there is time for less.
        let allowed = SLOW_CASE.as_secs_f64() * n_samples as f64 / MOST_SAMPLES as f64;
        let n_fit = (allowed / sample.as_secs_f64().max(1e-9)) as usize;
        Self::Samples(n_fit.clamp(LEAST_SAMPLES, n_samples))
    }
}

#[cfg(test)]
mod tests {
    use super::{Length, MOST_SAMPLES, Schedule, Stage, Step, affordable, has_room};
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
    fn a_case_of_seconds_keeps_none_of_milliseconds_from_being_begun() {
        let (slow, fast) = (Duration::from_secs(10), Duration::from_millis(100));
        let begun = |n_slow: usize, n_fast: usize| {
            let rounds = [vec![slow; n_slow], vec![fast; n_fast]].concat();
            rounds
                .into_iter()
                .map(|round| (round, 9))
                .collect::<Vec<_>>()
        };
        let minute = Duration::from_secs(60);
        assert!(has_room(&begun(1, 0), 10, minute));
        assert!(has_room(&begun(7, 0), 10, minute));
        assert!(has_room(&begun(3, 9), 10, minute));
        // 65 times 0.9 s and one more second.
        assert!(has_room(&begun(3, 65), 10, minute));
        assert!(!has_room(&begun(3, 66), 10, minute));
        assert!(!has_room(&begun(8, 0), 10, minute));
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
            (40_000, Length::Samples(10)),
            (900_000, Length::Quick),
        ] {
            let length = usual.of_case(Duration::from_micros(sample_us));
            assert_eq!(length, expected, "{sample_us} us");
        }
        let half = Length::Samples(MOST_SAMPLES / 2);
        let length = half.of_case(Duration::from_millis(3));
        assert_eq!(length, Length::Samples(20));
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

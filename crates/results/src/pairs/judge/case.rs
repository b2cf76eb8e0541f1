//! One case: both clocks together, and what to do next.

use super::delta::may_decide;
use crate::pairs::comparison::{
    ClockVerdict, Confirmation, Delta, Disturbance, LayoutCheck, Next, PairRow, Way,
};
use crate::pairs::sample::{CaseFailure, PairCase, Round, SameProgram, Sample};
use crate::pairs::test::Clock;
use crate::verdict::Verdict;

/// What both clocks say.
pub(super) struct Clocks {
    pub(super) wall: Option<Delta>,
    pub(super) cpu: Option<Delta>,
}

impl Clocks {
    /// Which way the case moved, until fresh rounds agree.
    pub(super) fn way(&self) -> Option<Way> {
        Way::of(self.verdict().0)
    }

    /// The clock that says so: wall time where it does, for that is what people wait for.
    pub(super) fn mover(&self, way: Way) -> Option<(Clock, &Delta)> {
        let moved = |delta: &&Delta| match way {
            Way::Slower => delta.verdict == ClockVerdict::Slower,
            Way::Faster => delta.verdict == ClockVerdict::Faster,
        };
        let wall = self.wall.as_ref().filter(moved);
        let cpu = self.cpu.as_ref().filter(moved);
        wall.map(|delta| (Clock::Wall, delta))
            .or(cpu.map(|delta| (Clock::Cpu, delta)))
    }

    /// Wall time decides where it can; CPU time, which preemption does not reach, helps where it cannot.
    ///
    /// Where the interval of CPU time lies wholly on the other side, wall time is no evidence, however sure: on a core that
    /// others shared, cases of two threads were 14 % faster by it, and 5 % slower by CPU time, which was the truth.
    fn verdict(&self) -> (Verdict, Option<&'static str>) {
        use ClockVerdict::{Faster, Open, Same, Slower};
        let verdict = |delta: &Option<Delta>| delta.as_ref().map(|delta| delta.verdict);
        let Some(wall) = verdict(&self.wall) else {
            return (Verdict::NotJudged, Some("too few rounds for an interval"));
        };
        let cpu = self.cpu.map(|delta| delta.ratio);
        match (wall, verdict(&self.cpu)) {
            (Slower, _) if cpu.is_some_and(|ratio| ratio.high < 1.0) => (
                Verdict::Inconclusive,
                Some("slower in wall time and faster in CPU time"),
            ),
            (Faster, _) if cpu.is_some_and(|ratio| ratio.low > 1.0) => (
                Verdict::Inconclusive,
                Some("faster in wall time and slower in CPU time"),
            ),
            (Slower, Some(Same)) => (
                Verdict::Regressed,
                Some("in wall time alone: it waits, or is preempted, more than before"),
            ),
            (Faster, Some(Same)) => (
                Verdict::Improved,
                Some("in wall time alone: it waits, or is preempted, less than before"),
            ),
            (Slower, _) => (Verdict::Regressed, None),
            (Faster, _) => (Verdict::Improved, None),
            (Same, Some(Slower)) => (
                Verdict::Unchanged,
                Some("CPU time is slower, and wall time does not show it"),
            ),
            (Same, Some(Faster)) => (
                Verdict::Unchanged,
                Some("CPU time is faster, and wall time does not show it"),
            ),
            (Same, _) => (Verdict::Unchanged, None),
            (Open, Some(Slower)) => (
                Verdict::Regressed,
                Some("by CPU time; wall time alone could not tell"),
            ),
            (Open, Some(Faster)) => (
                Verdict::Improved,
                Some("by CPU time; wall time alone could not tell"),
            ),
            (Open, _) => (Verdict::Inconclusive, None),
        }
    }
}

/// The row as the first rounds have it.
pub(super) fn row(case: &PairCase, relevance: f64, clocks: &Clocks) -> PairRow {
    let disturbance = Disturbance::of(&case.rounds);
    let (verdict, reason) = match (&case.failure, case.same_program) {
        (Some(failure), _) => failed(failure),
        (None, Some(same)) => (Verdict::Unchanged, Some(same_program(same).to_owned())),
        (None, None) if case.rounds.is_empty() => (
            Verdict::NotJudged,
            Some("there was no time for it".to_owned()),
        ),
        (None, None) => {
            let (verdict, reason) = clocks.verdict();
            let open = || why_open(clocks.wall.as_ref()?, relevance, disturbance.as_ref());
            let reason = reason.map(str::to_owned);
            match verdict {
                Verdict::Inconclusive => (verdict, reason.or_else(open)),
                _ => (verdict, reason),
            }
        }
    };
    PairRow {
        id: case.id.clone(),
        engine: case.engine,
        n_rounds: case.rounds.len(),
        relevance,
        wall: clocks.wall,
        cpu: clocks.cpu,
        disturbance,
        confirmation: Confirmation::NotNeeded,
        layout: LayoutCheck::NotNeeded,
        same_program: case.same_program,
        verdict,
        reason,
        next: Next::Nothing,
    }
}

fn same_program(same: SameProgram) -> &'static str {
    match same {
        SameProgram::Wholly => "both sides are the same program",
        SameProgram::ButForLines => {
            "both sides are the same program but for line numbers in the messages of panics"
        }
    }
}

fn failed(failure: &CaseFailure) -> (Verdict, Option<String>) {
    match failure {
        CaseFailure::MissingInBase => (Verdict::New, None),
        CaseFailure::MissingInCandidate => (Verdict::Missing, None),
        CaseFailure::PanickedInBase { message } => (
            Verdict::NotJudged,
            Some(format!("it panicked in the base: {message}")),
        ),
        CaseFailure::PanickedInCandidate { message } => (
            Verdict::NotJudged,
            Some(format!("it panicked in the candidate: {message}")),
        ),
        CaseFailure::TimedOut { after_ms } => (
            Verdict::NotJudged,
            Some(format!("it did not answer within {after_ms} ms")),
        ),
        CaseFailure::NoSamplesInBase { message } => (
            Verdict::NotJudged,
            Some(format!("it left no samples in the base: {message}")),
        ),
        CaseFailure::NoSamplesInCandidate { message } => (
            Verdict::NotJudged,
            Some(format!("it left no samples in the candidate: {message}")),
        ),
        CaseFailure::AmbiguousId { names } => (
            Verdict::NotJudged,
            Some(format!(
                "several benchmarks of one side have this id: {}; give each a name of its own",
                names.join(", ")
            )),
        ),
        CaseFailure::SettingsDiffer => (
            Verdict::NotJudged,
            Some(
                "the sides take samples that cannot be held against each other: its group has other settings on one \
                 side"
                    .to_owned(),
            ),
        ),
    }
}

/// Which edge the interval lies across.
fn why_open(delta: &Delta, relevance: f64, disturbance: Option<&Disturbance>) -> Option<String> {
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    let ratio = delta.ratio;
    let is_beyond = ratio.low.ln() > delta.floor.ln_1p() || ratio.high.ln() < -delta.floor.ln_1p();
    if is_beyond {
        let p = delta.p_corrected;
        return Some(format!(
            "it moved, but among so many tests its rounds do not settle it: p is {p:.2}"
        ));
    }
    if ratio.low > 1.0 || ratio.high < 1.0 {
        let limit = if delta.floor > relevance {
            format!("than equal code does ({})", percent(delta.floor))
        } else {
            format!("than matters ({})", percent(relevance))
        };
        return Some(format!("it moved, but not surely by more {limit}"));
    }
    let unseen = (ratio.high - 1.0).max(1.0 / ratio.low - 1.0);
    let preempted = disturbance
        .map(|disturbance| {
            disturbance
                .preempted_base
                .max(disturbance.preempted_candidate)
        })
        .filter(|share| *share >= 0.1)
        .map(|share| format!("; {:.0} % of its turns were preempted", share * 100.0));
    Some(format!(
        "noise would hide a change of {}{}",
        percent(unseen),
        preempted.unwrap_or_default()
    ))
}

/// Asks for more rounds where they could decide.
pub(super) fn plan(row: &mut PairRow, case: &PairCase, n_rounds_most: usize) {
    let is_open = matches!(row.verdict, Verdict::Inconclusive | Verdict::NotJudged)
        && row.confirmation == Confirmation::NotNeeded
        && case.failure.is_none();
    if !is_open || row.n_rounds >= n_rounds_most {
        return;
    }
    let factor = (row.n_rounds as f64 / n_rounds_most as f64).sqrt();
    let could_decide = |delta: &Delta| may_decide(delta, row.relevance, factor);
    let is_contradictory = |wall: &Delta| wall.verdict != ClockVerdict::Open;
    let is_decidable = match &row.wall {
        None => true,
        Some(wall) if is_contradictory(wall) => false,
        Some(wall) => could_decide(wall) || row.cpu.as_ref().is_some_and(could_decide),
    };
    if is_decidable {
        row.next = Next::MoreRounds;
    }
}

/// Takes back whatever was said: a machine on which equal programs differ says nothing about others.
///
/// A case that could not be measured keeps its own reason.
pub(super) fn contaminate(row: &mut PairRow) {
    row.next = Next::Nothing;
    let was_not_measured = [Verdict::Missing, Verdict::New, Verdict::NotJudged];
    if !was_not_measured.contains(&row.verdict) {
        row.verdict = Verdict::NotJudged;
        row.reason = Some("the run is contaminated".to_owned());
    }
}

impl Disturbance {
    fn of(rounds: &[Round]) -> Option<Self> {
        let pairs = || rounds.iter().flat_map(|round| &round.pairs);
        pairs().next()?;
        let base = || pairs().map(|pair| &pair.base);
        let candidate = || pairs().map(|pair| &pair.candidate);
        Some(Self {
            preempted_base: preempted(base()),
            preempted_candidate: preempted(candidate()),
            page_faults_base: page_faults(base()),
            page_faults_candidate: page_faults(candidate()),
        })
    }
}

fn preempted<'a>(samples: impl Iterator<Item = &'a Sample>) -> f64 {
    let (mut n_preempted, mut n_samples) = (0_u64, 0_u64);
    for sample in samples {
        n_preempted += u64::from(sample.n_involuntary_switches > 0);
        n_samples += 1;
    }
    n_preempted as f64 / n_samples as f64
}

fn page_faults<'a>(samples: impl Iterator<Item = &'a Sample>) -> f64 {
    let (mut n_faults, mut n_iterations) = (0_u64, 0_u64);
    for sample in samples {
        n_faults += u64::from(sample.n_page_faults);
        n_iterations += sample.n_iterations;
    }
    n_faults as f64 * 1000.0 / n_iterations as f64
}

//! Repetitions counted: how often the tool was wrong, and what it found.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::promise::{Promised, Standing, promised};
use super::repetition::{CaseOutcome, Means, Neighbour, Repetition, Subject};
use super::slowdowns::{SlowPath, Truth};
use crate::stats::{CONFIDENCE, rate_lower_bound, rate_upper_bound};
use crate::verdict::Verdict;

/// How often something happened, with its exact interval.
///
/// Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", 1934: it
/// holds the true rate at least as often as [`CONFIDENCE`] says, whatever that rate is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// How often it happened.
    pub n_events: u64,
    /// How often it could have.
    pub n_trials: u64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// What is asked of the repetitions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "asks")]
pub enum Question {
    /// Runs of equal programs that called a case slower: red for nothing.
    FalseAlarm,
    /// Runs of equal programs that called a case faster.
    FalsePraise,
    /// Runs of equal programs whose null control spoke, so that they gave no verdict.
    Contaminated,
    /// Runs of equal programs that the budget ended before their first rounds were taken; the lines above leave them out.
    Incomplete,
    /// Cases of equal programs that were left open.
    Open,
    /// Cases of equal programs that time did not reach: nothing could accuse them, rightly or wrongly.
    NotReached,
    /// Cases of equal programs that Criterion's rule calls slower or faster, from the samples of both sides.
    ByCriterion,
    /// The same from one run's samples against those of the run before.
    ByCriterionInARow,
    /// Slowed cases that were called slower.
    Found {
        /// By how many thousandths it was slowed.
        per_mille: u32,
        /// Unset for all paths together.
        path: Option<String>,
    },
    /// Slowed cases that Criterion's rule calls slower, from the samples of both sides.
    FoundByCriterion {
        /// By how many thousandths it was slowed.
        per_mille: u32,
    },
    /// Runs with one slowed path that called a case elsewhere slower.
    FalseAlarmElsewhere,
    /// Runs of code that was only linked in another order that called a case slower.
    LayoutAlarm,
    /// Cases of such code that were accused until other orders took that back: those without which the check is empty.
    CalledLayout,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What gave the verdicts.
    pub means: Means,
    /// What else ran.
    pub neighbour: Neighbour,
    /// What was asked.
    pub question: Question,
    /// The answer.
    pub rate: Rate,
    /// What is promised; unset where nothing is.
    pub promised: Option<Promised>,
    /// How the promise stands; unset with it.
    pub standing: Option<Standing>,
}

/// A whole check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tally {
    /// In the order of means, neighbour and question.
    pub rows: Vec<Row>,
    /// Cases of the largest repetition.
    pub n_cases: usize,
    /// Tests that shared the budget of the largest repetition of pair mode.
    pub n_tests: usize,
    /// The median time that a repetition of pair mode took, in seconds; unset without one.
    pub median_seconds: Option<f64>,
    /// Cases that were wrongly called slower, with how often.
    pub accused: BTreeMap<String, u64>,
}

impl Rate {
    /// Of so many trials.
    pub fn of(n_events: u64, n_trials: u64) -> Self {
        // Each end may be wrong by half of what the interval may be.
        let one_sided = f64::midpoint(1.0, CONFIDENCE);
        let is_any = n_trials > 0;
        Self {
            n_events,
            n_trials,
            low: if is_any {
                rate_lower_bound(n_events, n_trials, one_sided)
            } else {
                0.0
            },
            high: if is_any {
                rate_upper_bound(n_events, n_trials, one_sided)
            } else {
                1.0
            },
        }
    }

    fn of_all(answers: impl IntoIterator<Item = bool>) -> Self {
        let (mut n_events, mut n_trials) = (0, 0);
        for is_event in answers {
            n_events += u64::from(is_event);
            n_trials += 1;
        }
        Self::of(n_events, n_trials)
    }

    /// Events by trial; zero without trials.
    pub fn estimate(&self) -> f64 {
        self.n_events as f64 / self.n_trials.max(1) as f64
    }
}

/// Counts all repetitions; `paths` are those that can be made slower.
pub fn tally(repetitions: &[Repetition], paths: &[SlowPath]) -> Tally {
    let n_cases = repetitions
        .iter()
        .map(|one| one.cases.len())
        .max()
        .unwrap_or_default();
    let groups: BTreeSet<(Means, Neighbour)> = repetitions
        .iter()
        .map(|one| (one.trial.means, one.trial.neighbour))
        .collect();
    let mut rows = Vec::new();
    for (means, neighbour) in groups {
        let of_group: Vec<&Repetition> = repetitions
            .iter()
            .filter(|one| (one.trial.means, one.trial.neighbour) == (means, neighbour))
            .collect();
        for (question, rate) in answers(&of_group, paths) {
            if rate.n_trials == 0 {
                continue;
            }
            let promised = promised(means, neighbour, &question, n_cases);
            rows.push(Row {
                means,
                neighbour,
                rate,
                promised,
                standing: promised.map(|promised| promised.standing(&rate)),
                question,
            });
        }
    }
    let of_pairs = || {
        repetitions
            .iter()
            .filter(|one| one.trial.means == Means::Pairs)
    };
    let seconds: Vec<f64> = of_pairs().map(|one| one.took_ms as f64 / 1e3).collect();
    Tally {
        rows,
        n_cases,
        n_tests: of_pairs().map(|one| one.n_tests).max().unwrap_or_default(),
        median_seconds: crate::stats::quantile(&seconds, 0.5),
        accused: accused(repetitions),
    }
}

fn answers(repetitions: &[&Repetition], paths: &[SlowPath]) -> Vec<(Question, Rate)> {
    let with = |is_wanted: fn(&Subject) -> bool| -> Vec<&Repetition> {
        let wanted = repetitions
            .iter()
            .filter(|one| is_wanted(&one.trial.subject));
        wanted.copied().collect()
    };
    let all_same = with(|subject| *subject == Subject::Same);
    let is_complete = |one: &&Repetition| one.is_complete();
    let same: Vec<&Repetition> = all_same.iter().copied().filter(is_complete).collect();
    let uncontaminated = same.iter().copied().filter(|one| !one.is_contaminated);
    let uncontaminated: Vec<&Repetition> = uncontaminated.collect();
    let slower = with(|subject| matches!(subject, Subject::Slower { .. }));
    let relinked = with(|subject| *subject == Subject::Relinked);
    let runs_with = |runs: &[&Repetition], verdict| {
        Rate::of_all(runs.iter().map(|one| is_any_wrongly(one, verdict)))
    };
    let cases_of = |runs: &[&Repetition], is_event: fn(&CaseOutcome) -> Option<bool>| {
        Rate::of_all(runs.iter().flat_map(|one| &one.cases).filter_map(is_event))
    };
    let is_change = |verdict: Verdict| matches!(verdict, Verdict::Regressed | Verdict::Improved);
    let mut answers = vec![
        (Question::FalseAlarm, runs_with(&same, Verdict::Regressed)),
        (Question::FalsePraise, runs_with(&same, Verdict::Improved)),
        (
            Question::Contaminated,
            Rate::of_all(same.iter().map(|one| one.is_contaminated)),
        ),
        (
            Question::Incomplete,
            Rate::of_all(all_same.iter().map(|one| !one.is_complete())),
        ),
        (
            Question::Open,
            cases_of(&same, |case| Some(case.verdict == Verdict::Inconclusive)),
        ),
        (
            Question::NotReached,
            cases_of(&uncontaminated, |case| {
                Some(case.verdict == Verdict::NotJudged)
            }),
        ),
        (
            Question::ByCriterion,
            Rate::of_all(
                all(&all_same)
                    .filter_map(|case| case.criterion)
                    .map(is_change),
            ),
        ),
        (
            Question::ByCriterionInARow,
            Rate::of_all(
                all(&all_same)
                    .filter_map(|case| case.criterion_in_a_row)
                    .map(is_change),
            ),
        ),
    ];
    answers.extend(found(&slower, paths));
    answers.push((
        Question::FalseAlarmElsewhere,
        runs_with(&slower, Verdict::Regressed),
    ));
    answers.push((
        Question::LayoutAlarm,
        runs_with(&relinked, Verdict::Regressed),
    ));
    answers.push((
        Question::CalledLayout,
        cases_of(&relinked, |case| Some(case.is_layout)),
    ));
    answers
}

/// By size, from the largest: all paths together, Criterion beside it, then path by path.
fn found(slower: &[&Repetition], paths: &[SlowPath]) -> Vec<(Question, Rate)> {
    let of = |one: &Repetition| match &one.trial.subject {
        Subject::Slower { path, per_mille } => Some((path.clone(), *per_mille)),
        Subject::Same | Subject::Relinked => None,
    };
    let sizes: BTreeSet<u32> = slower
        .iter()
        .filter_map(|one| of(one))
        .map(|(_, size)| size)
        .collect();
    let mut answers = Vec::new();
    for per_mille in sizes.into_iter().rev() {
        let of_size: Vec<&Repetition> = slower
            .iter()
            .copied()
            .filter(|one| of(one).is_some_and(|(_, size)| size == per_mille))
            .collect();
        let slowed = |path: Option<&str>| {
            let of_path = of_size.iter().filter(|one| {
                path.is_none() || of(one).is_some_and(|(name, _)| Some(&*name) == path)
            });
            let cases: Vec<&CaseOutcome> = of_path
                .flat_map(|one| &one.cases)
                .filter(|case| case.truth == Truth::Slower)
                .collect();
            cases
        };
        let is_found = |case: &&CaseOutcome| case.verdict == Verdict::Regressed;
        let rate = Rate::of_all(slowed(None).iter().map(is_found));
        answers.push((
            Question::Found {
                per_mille,
                path: None,
            },
            rate,
        ));
        let by_criterion = slowed(None).into_iter().filter_map(|case| case.criterion);
        let rate = Rate::of_all(by_criterion.map(|verdict| verdict == Verdict::Regressed));
        answers.push((Question::FoundByCriterion { per_mille }, rate));
        for slow in paths {
            let rate = Rate::of_all(slowed(Some(&slow.name)).iter().map(is_found));
            let path = Some(slow.name.clone());
            answers.push((Question::Found { per_mille, path }, rate));
        }
    }
    answers
}

fn all<'a>(runs: &'a [&Repetition]) -> impl Iterator<Item = &'a CaseOutcome> {
    runs.iter().flat_map(|one| &one.cases)
}

fn is_any_wrongly(one: &Repetition, verdict: Verdict) -> bool {
    let same = one.cases.iter().filter(|case| case.truth == Truth::Same);
    same.into_iter().any(|case| case.verdict == verdict)
}

fn accused(repetitions: &[Repetition]) -> BTreeMap<String, u64> {
    let mut accused = BTreeMap::new();
    let cases = repetitions.iter().flat_map(|one| &one.cases);
    for case in cases.filter(|case| case.truth == Truth::Same && case.verdict == Verdict::Regressed)
    {
        *accused.entry(case.id.to_string()).or_default() += 1;
    }
    accused
}

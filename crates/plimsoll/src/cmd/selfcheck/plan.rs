//! Which repetitions a check consists of, and what they are called.

use std::collections::BTreeSet;

use pairs::tree::Source;
use results::case_id::CaseId;
use results::machine::Machine;
use results::relevance::fits;
use results::selfcheck::repetition::{Means, Neighbour, Subject, Trial};
use results::selfcheck::slowdowns::{SlowPath, Slowdowns};

use super::{SelfcheckSettings, neighbour};

/// One repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) trial: Trial,
    /// Of its trial.
    pub(super) number: usize,
}

impl Step {
    /// The name of its file.
    pub(super) fn file(&self) -> String {
        format!("{}-{:04}.json", name(&self.trial), self.number)
    }

    /// What a progress bar calls it.
    pub(super) fn words(&self) -> String {
        format!(
            "{}, number {}",
            name(&self.trial).replace('-', " "),
            self.number + 1
        )
    }
}

fn name(trial: &Trial) -> String {
    let means = match (trial.means, trial.neighbour) {
        (Means::Pairs, Neighbour::None) => "pairs",
        (Means::Pairs, Neighbour::Busy) => "pairs-busy",
        (Means::Counts, _) => "counts",
    };
    match &trial.subject {
        Subject::Same => format!("{means}-same"),
        Subject::Relinked => format!("{means}-relinked"),
        Subject::Slower { path, per_mille } => format!("{means}-slower-{path}-{per_mille:03}"),
    }
}

/// All repetitions, in an order in which a check that ends early has some of everything.
pub(super) fn steps(settings: &SelfcheckSettings, slowdowns: &Slowdowns) -> Vec<Step> {
    let paths: Vec<&SlowPath> = slowdowns
        .paths
        .iter()
        .filter(|slow| is_checked(slow, &settings.cases))
        .collect();
    let n_most = settings
        .n_same
        .max(settings.n_slower)
        .max(settings.n_counts);
    let mut steps = Vec::new();
    for number in 0..n_most {
        let mut add = |means, is_due: bool, subject: Subject| {
            let trial = Trial {
                means,
                neighbour: match means {
                    Means::Pairs => neighbour(settings),
                    Means::Counts => Neighbour::None,
                },
                subject,
            };
            if is_due {
                steps.push(Step { trial, number });
            }
        };
        // The paths take turns.
        let slower = |paths: &[&SlowPath], per_mille| {
            let slow = paths.get(number % paths.len().max(1))?;
            Some(Subject::Slower {
                path: slow.name.clone(),
                per_mille,
            })
        };
        let all: Vec<&SlowPath> = slowdowns.paths.iter().collect();
        add(Means::Pairs, number < settings.n_same, Subject::Same);
        add(Means::Counts, number < settings.n_counts, Subject::Same);
        for per_mille in &settings.per_mille {
            if let Some(subject) = slower(&paths, *per_mille) {
                add(Means::Pairs, number < settings.n_slower, subject);
            }
            if let Some(subject) = slower(&all, *per_mille) {
                add(Means::Counts, number < settings.n_counts, subject);
            }
        }
    }
    steps
}

/// Whether a case that is measured goes through the path.
fn is_checked(slow: &SlowPath, cases: &[String]) -> bool {
    // Either may have the star.
    let meet = |ours: &String, theirs: &String| fits(theirs, ours) || fits(ours, theirs);
    cases
        .iter()
        .any(|ours| slow.cases.iter().any(|theirs| meet(ours, theirs)))
}

/// The suites to build; `None` for all, where a pattern does not say which.
pub(super) fn suites(settings: &SelfcheckSettings) -> Option<Vec<String>> {
    if !settings.suites.is_empty() {
        return Some(settings.suites.clone());
    }
    let suite = |pattern: &String| {
        let (suite, _) = pattern.split_once('/')?;
        (!suite.contains('*')).then(|| suite.to_owned())
    };
    let suites: Option<BTreeSet<String>> = settings.cases.iter().map(suite).collect();
    Some(suites?.into_iter().collect())
}

/// The folder of the repetitions that belong together: one commit, machine and way to measure.
pub(super) fn folder_name(
    settings: &SelfcheckSettings,
    source: &Source,
    machine: &Machine,
) -> String {
    let commit = source.commit.get(..12).unwrap_or(&source.commit);
    let scope = scope(settings);
    let (seconds, n_rounds) = (settings.budget.as_secs(), settings.n_rounds);
    format!(
        "{commit}-{}-{seconds}s-{n_rounds}r-{scope}",
        machine.class()
    )
}

/// The name of the table that is kept.
pub(super) fn stored_name(settings: &SelfcheckSettings, machine: &Machine) -> String {
    let kind = if settings.cases.iter().any(|pattern| pattern == "*") {
        "-whole"
    } else {
        ""
    };
    format!("{}{kind}", machine.class())
}

/// A short name of the cases: what they begin with, or a hash where that says too little.
fn scope(settings: &SelfcheckSettings) -> String {
    let text = settings.cases.join(",");
    // FNV-1a: names a folder, and must not change with the toolchain.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let n_cases = settings.cases.len();
    let is_plain = settings
        .cases
        .iter()
        .all(|pattern| CaseId::new(pattern.clone()).is_some());
    let kind = if is_plain { "cases" } else { "patterns" };
    format!("{n_cases}-{kind}-{:08x}", hash as u32)
}

//! Which repetitions a check consists of, and what they are called.

use std::collections::BTreeSet;

use pairs::tree::Source;
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
        .max(settings.n_layouts)
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
        add(Means::Pairs, number < settings.n_layouts, Subject::Relinked);
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

/// The folder of the repetitions that belong together: one commit, machine, and way to measure and to judge.
pub(super) fn folder_name(
    settings: &SelfcheckSettings,
    source: &Source,
    machine: &Machine,
    relevances: &str,
) -> String {
    let commit = source.commit.get(..12).unwrap_or(&source.commit);
    let scope = scope(settings, relevances);
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

/// How many patterns there are, and a hash of them and of the relevances.
fn scope(settings: &SelfcheckSettings, relevances: &str) -> String {
    let text = format!("{}\n{relevances}", settings.cases.join(","));
    // FNV-1a: names a folder, and must not change with the toolchain.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{}-patterns-{:08x}", settings.cases.len(), hash as u32)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use results::selfcheck::slowdowns::{SlowPath, Slowdowns};

    use super::{steps, suites};
    use crate::cmd::selfcheck::SelfcheckSettings;
    use crate::tell::TableFormat;

    fn settings(cases: &[&str]) -> SelfcheckSettings {
        SelfcheckSettings {
            commit: "HEAD".to_owned(),
            n_same: 2,
            per_mille: vec![10],
            n_slower: 3,
            n_layouts: 1,
            n_counts: 0,
            suites: Vec::new(),
            cases: cases.iter().map(|case| (*case).to_owned()).collect(),
            budget: Duration::from_secs(15),
            n_rounds: 15,
            is_beside_busy: false,
            workspace: None,
            is_shown_only: false,
            is_stored: false,
            format: TableFormat::Text,
        }
    }

    fn slowdowns() -> Slowdowns {
        let path = |name: &str, cases: &str| SlowPath {
            name: name.to_owned(),
            cases: vec![cases.to_owned()],
            beside: Vec::new(),
            twins: Vec::new(),
            counted_percent: None,
        };
        Slowdowns {
            paths: vec![
                path("encode", "codec/encode/*"),
                path("caps", "quota/caps/*"),
                path("decode", "codec/decode/*"),
            ],
        }
    }

    #[test]
    fn paths_of_measured_cases_take_turns_and_an_early_end_has_some_of_everything() {
        let steps = steps(
            &settings(&["codec/encode/10kb", "quota/caps/one"]),
            &slowdowns(),
        );
        let files: Vec<String> = steps.iter().map(super::Step::file).collect();
        assert_eq!(
            files,
            [
                "pairs-same-0000.json",
                "pairs-relinked-0000.json",
                "pairs-slower-encode-010-0000.json",
                "pairs-same-0001.json",
                "pairs-slower-caps-010-0001.json",
                "pairs-slower-encode-010-0002.json",
            ]
        );
    }

    #[test]
    fn without_a_case_on_a_slow_path_equal_programs_are_left() {
        let steps = steps(&settings(&["llm/round_trip/one"]), &slowdowns());
        assert_eq!(steps.len(), 3);
    }

    #[test]
    fn counts_slow_every_path_whatever_is_measured_in_pairs() {
        let counting = SelfcheckSettings {
            n_same: 0,
            n_slower: 0,
            n_layouts: 0,
            n_counts: 3,
            ..settings(&["codec/encode/10kb"])
        };
        let steps = steps(&counting, &slowdowns());
        let files: Vec<String> = steps.iter().map(super::Step::file).collect();
        assert!(
            files.contains(&"counts-slower-decode-010-0002.json".to_owned()),
            "{files:?}"
        );
        assert_eq!(files.len(), 6);
    }

    #[test]
    fn a_pattern_that_hides_its_suite_builds_all() {
        let of = |cases: &[&str]| suites(&settings(cases));
        assert_eq!(
            of(&["codec/*", "codec/a/b"]),
            Some(vec!["codec".to_owned()])
        );
        assert_eq!(of(&["codec/*", "*"]), None);
        assert_eq!(of(&["co*/a/b"]), None);
    }
}

//! The cases of both sides, held against each other before anything is measured.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use results::case_id::CaseId;
use results::pairs::sample::{CaseFailure, SameProgram};

use crate::build::{Built, Suite};
use crate::cores::Cores;
use crate::error::Error;
use crate::peer::Fault;
use crate::process::{Place, Process};
use crate::watch::Watch;

/// How long a suite may take to name its cases; some prepare everything first.
const PATIENCE: Duration = Duration::from_secs(60);

/// What stands for the cases of a suite that no side could name.
const ALL: &str = "(all cases)";

/// A case that at least one side has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) case: CaseId,
    /// The bench target that holds it.
    pub(crate) suite: String,
    /// What Criterion calls it.
    pub(crate) name: String,
    /// Whether both sides' suites take turns.
    pub(crate) takes_turns: bool,
    /// Set if both sides' suites are the same program, and need no rounds.
    pub(crate) same_program: Option<SameProgram>,
    /// Why it cannot be measured.
    pub(crate) failure: Option<CaseFailure>,
}

impl Listed {
    /// Whether there is anything to measure, and nothing against it.
    pub(crate) fn is_to_measure(&self) -> bool {
        self.failure.is_none() && self.same_program.is_none()
    }
}

/// What one side's suite said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// The side has no such suite.
    NoSuite,
    /// Its cases, in its order.
    Cases {
        names: Vec<String>,
        takes_turns: bool,
    },
    /// It failed before it had named them.
    Failed(Failed),
}

/// How a suite failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failed {
    Panicked(String),
    Silent(Duration),
}

/// All cases of both sides, in the order of the candidate, then what is left of the base.
pub(crate) fn list(
    sides: [&Built; 2],
    same_programs: &BTreeMap<String, SameProgram>,
    watch: &dyn Watch,
) -> Result<Vec<Listed>, Error> {
    let mut names = BTreeSet::new();
    for side in sides {
        names.extend(side.suites.iter().map(|suite| suite.name.clone()));
    }
    let mut listed = Vec::new();
    for suite in names {
        let same_program = same_programs.get(&suite).copied();
        let of_base = ask(sides[0], &suite, watch)?;
        let of_candidate = match same_program {
            Some(_) => of_base.clone(),
            None => ask(sides[1], &suite, watch)?,
        };
        let mut cases = merge(&suite, &[of_base, of_candidate]);
        cases
            .iter_mut()
            .for_each(|case| case.same_program = same_program);
        listed.extend(cases);
    }
    Ok(listed)
}

/// Holds what both sides said against each other.
pub(crate) fn merge(suite: &str, said: &[Said; 2]) -> Vec<Listed> {
    let names_of = |said: &Said| match said {
        Said::Cases { names, .. } => names.clone(),
        Said::NoSuite | Said::Failed(_) => Vec::new(),
    };
    let [of_base, of_candidate] = [&said[0], &said[1]].map(names_of);
    let mut names = of_candidate.clone();
    names.extend(
        of_base
            .iter()
            .filter(|name| !of_candidate.contains(name))
            .cloned(),
    );

    if names.is_empty() && said.iter().any(|said| matches!(said, Said::Failed(_))) {
        // Nobody knows what it holds, and it must not disappear for that.
        names.push(ALL.to_owned());
    }

    let takes_turns = said.iter().all(|said| {
        matches!(
            said,
            Said::Cases {
                takes_turns: true,
                ..
            }
        )
    });
    let failure = |name: &String| {
        let ambiguous = ambiguous(suite, name, &of_base).or(ambiguous(suite, name, &of_candidate));
        if ambiguous.is_some() {
            return ambiguous;
        }
        let has_failed = |side: usize| matches!(said[side], Said::Failed(_));
        match (of_base.contains(name), of_candidate.contains(name)) {
            (true, true) => None,
            (false, false) if has_failed(1) => Some(why_missing(&said[1], 1)),
            (false, _) => Some(why_missing(&said[0], 0)),
            (true, false) => Some(why_missing(&said[1], 1)),
        }
    };
    let listed = names.iter().filter_map(|name| {
        Some(Listed {
            case: case_id(suite, name)?,
            suite: suite.to_owned(),
            name: name.clone(),
            takes_turns,
            same_program: None,
            failure: failure(name),
        })
    });
    // Several names of one case are one case that says so.
    let mut seen = BTreeSet::new();
    listed
        .filter(|listed| seen.insert(listed.case.clone()))
        .collect()
}

/// The failure of a case whose id several names of one side have.
fn ambiguous(suite: &str, name: &str, names: &[String]) -> Option<CaseFailure> {
    let case = case_id(suite, name)?;
    let has_its_id = |name: &&String| case_id(suite, name).as_ref() == Some(&case);
    let names: Vec<String> = names.iter().filter(has_its_id).cloned().collect();
    (names.len() > 1).then_some(CaseFailure::AmbiguousId { names })
}

/// The id of a case; one whose group does not have the name of its suite gets that in front.
fn case_id(suite: &str, name: &str) -> Option<CaseId> {
    let own = CaseId::new(name).filter(|id| id.suite() == suite);
    own.or_else(|| CaseId::of(suite, name))
}

fn why_missing(said: &Said, side: usize) -> CaseFailure {
    match (said, side) {
        (Said::Failed(Failed::Silent(after)), _) => timed_out(*after),
        (Said::Failed(Failed::Panicked(words)), _) => panicked(side, words.clone()),
        (Said::NoSuite | Said::Cases { .. }, 0) => CaseFailure::MissingInBase,
        (Said::NoSuite | Said::Cases { .. }, _) => CaseFailure::MissingInCandidate,
    }
}

/// The failure of a side that said this before it ended.
pub(crate) fn panicked(side: usize, message: String) -> CaseFailure {
    if side == 0 {
        CaseFailure::PanickedInBase { message }
    } else {
        CaseFailure::PanickedInCandidate { message }
    }
}

/// The failure of a side that ended well before it left a sample.
pub(crate) fn left_no_samples(side: usize, message: &str) -> CaseFailure {
    let message = message.to_owned();
    if side == 0 {
        CaseFailure::NoSamplesInBase { message }
    } else {
        CaseFailure::NoSamplesInCandidate { message }
    }
}

/// The failure of a case that was waited for so long.
pub(crate) fn timed_out(after: Duration) -> CaseFailure {
    CaseFailure::TimedOut {
        after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
    }
}

fn ask(side: &Built, name: &str, watch: &dyn Watch) -> Result<Said, Error> {
    let Some(suite) = side.suite(name) else {
        return Ok(Said::NoSuite);
    };
    let mut command = command(side, suite);
    command.arg("--list");
    let place = Place {
        cores: Cores::allowed()?,
        takes_turns: true,
    };
    let (mut process, mut peer) = Process::start(command, place)?;
    let mut around = process.watched(watch);
    match peer.answer(PATIENCE, &mut around) {
        // A suite of another version speaks, but not with us: it is measured as one that takes no turns.
        Ok(_) | Err(Fault::Garbled) => {}
        Err(Fault::Stopped) => return Err(Error::Interrupted),
        Err(Fault::Silent(after)) => return Ok(Said::Failed(Failed::Silent(after))),
    }
    let ended = process.wait()?;
    if !ended.status.success() {
        return Ok(Said::Failed(Failed::Panicked(ended.words())));
    }
    let names = ended
        .stdout
        .lines()
        .filter_map(|line| line.strip_suffix(": benchmark"));
    Ok(Said::Cases {
        names: names.map(str::to_owned).collect(),
        takes_turns: peer.said_hello(),
    })
}

/// A suite's program as Cargo would start it for `cargo bench`.
pub(crate) fn command(side: &Built, suite: &Suite) -> Command {
    let folder = side.folder(suite);
    let mut command = Command::new(suite.program());
    command
        .arg("--bench")
        .current_dir(&folder)
        .env("CARGO_MANIFEST_DIR", &folder)
        .envs(side.variables.iter().map(|(name, value)| (name, value)))
        .env_remove("CARGO_CRITERION_PORT");
    command
}

#[cfg(test)]
mod tests;

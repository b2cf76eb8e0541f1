//! `plimsoll power`: the smallest slowdown that pair mode finds here, from what equal programs gave before.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use results::case_id::CaseId;
use results::machine::Machine;
use results::pairs::control::NullEstimates;
use results::pairs::power::{NullRounds, Settings};
use results::pairs::sample::{self, Engine, PairRun};
use results::pairs::test::Clock;
use results::relevance::{PairRelevance, fits};
use results::report::power::{self as report, Powers};
use results::selfcheck::repetition::{self, Means, Neighbour, Repetition, Subject};

use crate::exit::{Exit, SuiteFailed};
use crate::say::say;
use crate::tell::TableFormat;
use crate::workspace::Workspace;

/// The draws are the same each time.
const SEED: u64 = 1;

/// For which settings.
#[derive(Debug)]
pub(crate) struct PowerSettings {
    /// Patterns; empty means all that are known.
    pub(crate) cases: Vec<String>,
    pub(crate) n_rounds: usize,
    /// Unset means those of the largest run that is known.
    pub(crate) n_tests: Option<usize>,
    /// A share; unset means what the table says.
    pub(crate) relevance: Option<f64>,
    pub(crate) workspace: Option<PathBuf>,
    pub(crate) format: TableFormat,
}

pub(crate) fn run(settings: &PowerSettings) -> anyhow::Result<Exit> {
    let workspace = Workspace::at(settings.workspace.as_deref())?;
    let relevance = PairRelevance::read(&workspace.root.join("benches"))?;
    let known = Known::of(&workspace, &Machine::here())?;
    let tests = Settings::of(settings.n_rounds, settings.n_tests.unwrap_or(known.n_tests));
    let is_wanted = |id: &CaseId| {
        settings.cases.is_empty()
            || settings
                .cases
                .iter()
                .any(|pattern| fits(pattern, id.as_str()))
    };
    let cases = known.rounds.iter().filter(|(id, _)| is_wanted(id));
    let powers = cases.filter_map(|(id, (engine, rounds))| {
        let relevance = settings
            .relevance
            .unwrap_or_else(|| relevance.of(id, *engine));
        let null_floor = known
            .estimates
            .floor(id, Clock::Wall)
            .unwrap_or(0.0)
            .exp_m1();
        let power = rounds.power(&tests, relevance.max(null_floor), SEED)?;
        Some((id.to_string(), power))
    });
    let powers = Powers {
        machine: Machine::here().class(),
        settings: tests,
        cases: powers.collect(),
    };
    if powers.cases.is_empty() {
        return Err(SuiteFailed(
            "found no rounds of equal programs on this machine; run `plimsoll selfcheck --runs 3 --sizes=` first"
                .to_owned(),
        )
        .into());
    }
    say(&match settings.format {
        TableFormat::Text => report::text(&powers),
        TableFormat::Json => report::json(&powers).context("failed to write JSON")?,
        TableFormat::Markdown => report::markdown(&powers),
    })?;
    Ok(Exit::Fine)
}

/// What equal programs gave on this machine.
#[derive(Default)]
struct Known {
    rounds: BTreeMap<CaseId, (Engine, NullRounds)>,
    estimates: NullEstimates,
    n_tests: usize,
}

impl Known {
    /// Of the null controls of `ab`, and of the equal programs of `selfcheck`.
    fn of(workspace: &Workspace, machine: &Machine) -> anyhow::Result<Self> {
        let mut known = Self::default();
        let scratch = workspace.scratch();
        for path in entries(&scratch.join("ab").join("null")) {
            if let Ok(run) = sample::read(&path) {
                known.add(&run, machine, false);
            }
        }
        for folder in entries(&scratch.join("selfcheck"))
            .into_iter()
            .filter(|path| path.is_dir())
        {
            let is_usable = |one: &Repetition| {
                one.trial.means == Means::Pairs && one.trial.neighbour == Neighbour::None
            };
            // The counts' own folder holds none.
            let Ok(repetitions) = repetition::read_all(&folder) else {
                continue;
            };
            for repetition in repetitions.into_iter().filter(is_usable) {
                known.n_tests = known.n_tests.max(repetition.n_tests);
                if let Some(run) = &repetition.run {
                    known.add(run, machine, repetition.trial.subject == Subject::Same);
                }
            }
        }
        Ok(known)
    }

    fn add(&mut self, run: &PairRun, machine: &Machine, is_same: bool) {
        if run.machine.class() != machine.class() {
            return;
        }
        self.estimates.add_run(run);
        self.n_tests = self.n_tests.max(2 * run.cases.len());
        for case in &run.cases {
            let known = self.rounds.entry(case.id.clone());
            let (_, rounds) = known.or_insert_with(|| (case.engine, NullRounds::default()));
            rounds.add_case(case, is_same);
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

//! Instruction counts with a known truth: the twins, alike and with one path made slower.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::Context as _;
use results::baseline::CountCase;
use results::case_id::CaseId;
use results::compare;
use results::iai::{self, Count};
use results::machine::Machine;
use results::selfcheck::repetition::{CaseOutcome, Repetition, SCHEMA, Subject};
use results::selfcheck::slowdowns::{self, Slowdowns};
use results::tables::Relevance;

use super::plan::Step;
use crate::bench;
use crate::exit::SuiteFailed;
use crate::workspace::{INSTRUCTIONS, Workspace};

/// The built twins with what equal ones counted.
pub(super) struct Counter {
    root: PathBuf,
    home: PathBuf,
    relevance: Relevance,
    /// By path: the counts of the program when that path is named and not slowed, smallest and largest.
    alike: BTreeMap<String, BTreeMap<CaseId, CountCase>>,
}

/// Counts of equal programs that make a band, before the first is held against them.
const N_FOR_BAND: usize = 3;

impl Counter {
    pub(super) fn build(workspace: &Workspace) -> anyhow::Result<Self> {
        Ok(Self {
            root: workspace.root.clone(),
            home: workspace.scratch().join("selfcheck").join("counts"),
            relevance: Relevance::read(&workspace.root.join("benches"))?,
            alike: BTreeMap::new(),
        })
    }

    pub(super) fn repeat(
        &mut self,
        step: &Step,
        slowdowns: &Slowdowns,
        machine: &Machine,
    ) -> anyhow::Result<Repetition> {
        let first = slowdowns.paths.first().map(|slow| slow.name.clone());
        let (path, per_mille) = match &step.trial.subject {
            Subject::Slower { path, per_mille } => (path.clone(), *per_mille),
            Subject::Same | Subject::Relinked => {
                (first.context("benches/slowdowns.toml names no path")?, 0)
            }
        };
        if !self.alike.contains_key(&path) {
            let counted = (0..N_FOR_BAND)
                .map(|_| self.count(&path, 0))
                .collect::<Result<Vec<_>, _>>()?;
            self.alike.insert(path.clone(), bands(&counted));
        }
        let began = Instant::now();
        let counted = self.count(&path, per_mille)?;
        let alike = &self.alike[&path];
        let cases = counted.values().filter_map(|count| {
            let base = alike.get(&count.id)?;
            let judgement =
                compare::count(base, count.instructions, self.relevance.of_count(&count.id));
            Some(CaseOutcome {
                id: count.id.clone(),
                truth: step.trial.truth(&count.id, &slowdowns.paths),
                verdict: judgement.verdict,
                is_layout: false,
                ratio: judgement.ratio.map(|ratio| ratio.estimate),
                criterion: None,
                criterion_in_a_row: None,
                base_ns: Vec::new(),
            })
        });
        let cases: Vec<CaseOutcome> = cases.collect();
        Ok(Repetition {
            schema: SCHEMA,
            trial: step.trial.clone(),
            took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            machine: machine.class(),
            n_tests: cases.len(),
            is_contaminated: false,
            cases,
            run: None,
        })
    }

    fn count(&self, path: &str, per_mille: u32) -> anyhow::Result<BTreeMap<CaseId, Count>> {
        clear(&self.home)?;
        let output = bench::cargo_bench(&self.root, &[INSTRUCTIONS])
            .args(["--features", super::FEATURE])
            .env("IAI_CALLGRIND_HOME", &self.home)
            .env(slowdowns::VARIABLE, slowdowns::value(path, per_mille))
            .stdin(Stdio::null())
            .output()
            .context("failed to start cargo; it must be in the path")?;
        // The table that closes the counts may call a slowed case regressed, which is no failure of the counting.
        iai::read(&self.home).map_err(|_| {
            let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            SuiteFailed(format!(
                "failed to count instructions ({}); {words}",
                output.status
            ))
            .into()
        })
    }
}

fn clear(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    Ok(())
}

fn bands(counted: &[BTreeMap<CaseId, Count>]) -> BTreeMap<CaseId, CountCase> {
    let ids = counted.iter().flat_map(BTreeMap::keys);
    ids.map(|id| {
        let counts = || {
            counted
                .iter()
                .filter_map(|counts| counts.get(id))
                .map(|count| count.instructions)
        };
        let smallest = counts().min().unwrap_or_default();
        let largest = counts().max().unwrap_or_default();
        let case = CountCase {
            instructions: smallest,
            band: largest - smallest,
            repeats: largest - smallest,
        };
        (id.clone(), case)
    })
    .collect()
}

//! `plimsoll selfcheck`: runs with a known truth, again and again, and a table of how often the tool was right.
//!
//! One program is built, with the feature `slowdown`, and held against its own copy: alike, or with one path made
//! slower by a variable. Every repetition is a file, so that a check that was interrupted goes on where it was.

mod counts;
mod plan;
mod progress;

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use pairs::build::{Built, Workshop};
use pairs::course::Plan;
use pairs::error::Error;
use pairs::referee::Patience;
use pairs::session::{EqualPrograms, Settings};
use pairs::tree::{Repository, Source};
use pairs::{interrupt, past, selfcheck};
use results::accept::today;
use results::changes;
use results::machine::Machine;
use results::relevance::{PairRelevance, fits};
use results::report::selfcheck as report;
use results::selfcheck::check::Check;
use results::selfcheck::promise::Standing;
use results::selfcheck::repetition::{self, Means, Neighbour, Repetition, Subject, Trial};
use results::selfcheck::slowdowns::{self, Slowdowns};
use results::selfcheck::tally::{Row, tally};

use crate::exit::{Exit, SuiteFailed};
use crate::say::say;
use crate::tell::TableFormat;
use crate::workspace::Workspace;

use counts::Counter;
use plan::{Step, steps};
use progress::Progress;

/// The feature of the suites' package that lets a path be made slower.
const FEATURE: &str = "slowdown";

/// The folder of the tables that are kept, in that of all baselines.
const SHELF: &str = "selfcheck";

/// What to check the tool with.
#[derive(Debug)]
pub(crate) struct SelfcheckSettings {
    pub(crate) commit: String,
    /// Runs of equal programs.
    pub(crate) n_same: usize,
    /// Slowdowns, in thousandths.
    pub(crate) per_mille: Vec<u32>,
    /// Runs of each slowdown.
    pub(crate) n_slower: usize,
    /// Runs of the program against itself in another link order.
    pub(crate) n_layouts: usize,
    /// Runs of the counts, alike and for each slowdown.
    pub(crate) n_counts: usize,
    /// Empty means those of the cases.
    pub(crate) suites: Vec<String>,
    /// Patterns.
    pub(crate) cases: Vec<String>,
    /// For the rounds of one run.
    pub(crate) budget: Duration,
    pub(crate) n_rounds: usize,
    pub(crate) is_beside_busy: bool,
    pub(crate) workspace: Option<PathBuf>,
    pub(crate) is_shown_only: bool,
    pub(crate) is_stored: bool,
    pub(crate) format: TableFormat,
}

/// What all repetitions share.
struct Ground<'a> {
    settings: &'a SelfcheckSettings,
    workspace: Workspace,
    repository: Repository,
    source: Source,
    slowdowns: Slowdowns,
    machine: Machine,
    /// Where the repetitions of these settings lie.
    folder: PathBuf,
}

pub(crate) fn run(settings: &SelfcheckSettings) -> anyhow::Result<Exit> {
    interrupt::listen();
    let ground = Ground::of(settings)?;
    if !settings.is_shown_only {
        match ground.measure() {
            Err(error) if matches!(error.downcast_ref(), Some(Error::Interrupted)) => {
                eprintln!(
                    "interrupted: the same command goes on from {}",
                    ground.folder.display()
                );
                if !repetition::read_all(&ground.folder)?.is_empty() {
                    ground.tell()?;
                }
                return Ok(Exit::CouldNotTell);
            }
            measured => measured?,
        }
        eprintln!("every repetition is a file in {}", ground.folder.display());
    }
    ground.tell()
}

impl<'a> Ground<'a> {
    fn of(settings: &'a SelfcheckSettings) -> anyhow::Result<Self> {
        let workspace = Workspace::at(settings.workspace.as_deref())?;
        let repository = Repository::around(&workspace.root)?;
        let source = repository.commit(&settings.commit)?;
        let slowdowns = Slowdowns::read(&workspace.root.join("benches"))?;
        let machine = Machine::here();
        // Without the table every case has the usual relevance.
        let relevances =
            fs::read_to_string(workspace.root.join("benches/relevance.toml")).unwrap_or_default();
        let name = plan::folder_name(settings, &source, &machine, &relevances);
        let folder = workspace.scratch().join("selfcheck").join(name);
        Ok(Self {
            settings,
            workspace,
            repository,
            source,
            slowdowns,
            machine,
            folder,
        })
    }

    /// Measures what is not there yet.
    fn measure(&self) -> anyhow::Result<()> {
        let wanted = steps(self.settings, &self.slowdowns);
        let missing: Vec<Step> = wanted
            .into_iter()
            .filter(|step| !self.folder.join(step.file()).is_file())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("failed to make {}", self.folder.display()))?;
        let progress = Progress::of(missing.len());
        let of_pairs = missing.iter().any(|step| step.trial.means == Means::Pairs);
        let mut bench = of_pairs
            .then(|| PairBench::build(self, &progress))
            .transpose()?;
        let of_counts = missing.iter().any(|step| step.trial.means == Means::Counts);
        let mut counter = of_counts
            .then(|| Counter::build(&self.workspace))
            .transpose()?;
        for step in &missing {
            progress.begin(step);
            if interrupt::stopped() {
                return Err(Error::Interrupted.into());
            }
            let repetition = match (step.trial.means, &mut bench, &mut counter) {
                (Means::Pairs, Some(bench), _) => bench.repeat(self, step, &progress)?,
                (Means::Counts, _, Some(counter)) => {
                    counter.repeat(step, &self.slowdowns, &self.machine)?
                }
                (Means::Pairs, None, _) | (Means::Counts, _, None) => continue,
            };
            repetition::write(&self.folder.join(step.file()), &repetition)?;
            progress.end(&repetition);
        }
        progress.finish();
        Ok(())
    }

    /// Shows all repetitions of these settings, and keeps the table if asked to.
    fn tell(&self) -> anyhow::Result<Exit> {
        let repetitions = repetition::read_all(&self.folder)?;
        if repetitions.is_empty() {
            bail!(
                "found no repetition in {}; leave --show out to measure some",
                self.folder.display()
            );
        }
        let check = Check {
            day: day_of_last(&self.folder),
            machine: self.machine.class(),
            fingerprint: self.machine.clone(),
            commit: self.source.known_commit.clone(),
            cases: self.settings.cases.clone(),
            budget_seconds: self.settings.budget.as_secs(),
            n_rounds: self.settings.n_rounds,
            counted_percents: Check::counted(&self.slowdowns),
            tally: tally(&repetitions, &self.slowdowns.paths),
        };
        let json = || report::json(&check).context("failed to write JSON");
        say(&match self.settings.format {
            TableFormat::Text => report::text(&check),
            TableFormat::Json => json()?,
            TableFormat::Markdown => report::markdown(&check),
        })?;
        if self.settings.is_stored {
            self.store(&json()?, &report::markdown(&check), repetitions.len())?;
        }
        let is_broken = |row: &Row| row.standing == Some(Standing::Broken);
        Ok(if check.tally.rows.iter().any(is_broken) {
            Exit::Regressed
        } else {
            Exit::Fine
        })
    }

    /// Keeps the table, with the line that says why it changed.
    fn store(&self, json: &str, markdown: &str, n_repetitions: usize) -> anyhow::Result<()> {
        let baselines = self.workspace.baselines();
        let name = plan::stored_name(self.settings, &self.machine);
        for (extension, text) in [("json", json), ("md", markdown)] {
            let path = baselines.join(SHELF).join(format!("{name}.{extension}"));
            results::selfcheck::check::write(&path, text)?;
            eprintln!("kept in {}", path.display());
        }
        let commit = &self.source.label;
        let because = format!("`plimsoll selfcheck` of {commit}, repetitions: {n_repetitions}");
        let path = changes::add(&baselines, &format!("{SHELF}/"), &because, today())?;
        eprintln!("why it changed is in {}", path.display());
        Ok(())
    }
}

/// Pair mode with one program and its copy.
struct PairBench {
    workshop: Workshop,
    program: Built,
    copy: Built,
    relevance: PairRelevance,
    before: Option<Repetition>,
}

impl PairBench {
    fn build(ground: &Ground<'_>, progress: &Progress) -> anyhow::Result<Self> {
        let workspace = &ground.workspace;
        let ours = workspace.scratch().join("ab");
        fs::create_dir_all(&ours).with_context(|| format!("failed to make {}", ours.display()))?;
        // A workspace without slow paths has no such feature either.
        let feature = (!ground.slowdowns.paths.is_empty()).then(|| FEATURE.to_owned());
        let features: Vec<String> = feature.into_iter().collect();
        let workshop = Workshop::open(&ground.repository, &workspace.root, &ours, &features)?;
        let suites = plan::suites(ground.settings);
        let source = &ground.source;
        let [program, _] = workshop
            .build_both([source, source], suites.as_deref(), progress)
            .map_err(undecided)?;
        let copy = program.copied()?;
        Ok(Self {
            workshop,
            program,
            copy,
            relevance: PairRelevance::read(&workspace.root.join("benches"))?,
            before: None,
        })
    }

    fn repeat(
        &mut self,
        ground: &Ground<'_>,
        step: &Step,
        progress: &Progress,
    ) -> anyhow::Result<Repetition> {
        let settings = ground.settings;
        let null = ground.folder.join("null");
        let plan = Plan {
            n_rounds: settings.n_rounds,
            budget: settings.budget,
            relevance: self.relevance.clone(),
            null_estimates: past::null_estimates(&null, &ground.machine),
            count_ratios: BTreeMap::new(),
        };
        let measured = Settings {
            seed: RandomState::new().hash_one(step.number),
            patience: Patience::default(),
            equal_programs: EqualPrograms::Measure,
        };
        let surroundings = (step.trial.neighbour, progress as &dyn pairs::watch::Watch);
        let is_wanted = |id: &results::case_id::CaseId| {
            settings
                .cases
                .iter()
                .any(|pattern| fits(pattern, id.as_str()))
        };
        let sides = self.sides(&step.trial, &ground.slowdowns)?;
        let measured = selfcheck::measure(
            &self.workshop,
            sides,
            &measured,
            &plan,
            surroundings,
            is_wanted,
        )
        .map_err(undecided)?;
        past::keep(&null, &measured.run)?;
        let before = self
            .before
            .as_ref()
            .filter(|_| step.trial.subject == Subject::Same);
        let repetition = Repetition::of_pairs(
            &step.trial,
            &measured.run,
            &measured.comparison,
            &ground.slowdowns.paths,
            before,
            measured.took,
        );
        self.before = Some(repetition.clone());
        Ok(repetition)
    }

    /// Environments of one length on both sides: a longer one would move the stack.
    fn sides(&self, trial: &Trial, slowdowns: &Slowdowns) -> Result<[Built; 2], Error> {
        let usual = slowdowns.paths.first().map(|slow| &slow.name);
        let (path, per_mille) = match &trial.subject {
            Subject::Slower { path, per_mille } => (Some(path), *per_mille),
            Subject::Same => (usual, 0),
            Subject::Relinked => {
                let seed = RandomState::new().hash_one(0) as u32;
                return Ok([self.program.clone(), self.program.shuffled(seed)?]);
            }
        };
        let Some(path) = path else {
            return Ok([self.program.clone(), self.copy.clone()]);
        };
        let with = |built: &Built, per_mille| {
            built.with_variable(slowdowns::VARIABLE, &slowdowns::value(path, per_mille))
        };
        Ok([with(&self.program, 0), with(&self.copy, per_mille)])
    }
}

/// A program that does not build is no wrong usage: nobody can tell.
fn undecided(error: Error) -> anyhow::Error {
    match error {
        Error::Unbuildable { .. } | Error::Metadata { .. } | Error::NothingToMeasure { .. } => {
            SuiteFailed(error.to_string()).into()
        }
        other => other.into(),
    }
}

/// The day of the newest repetition, by the file system; today if it does not tell.
fn day_of_last(folder: &Path) -> String {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let written = entries.filter_map(|entry| entry.metadata().ok()?.modified().ok());
    let last = written
        .max()
        .and_then(|time| jiff::Timestamp::try_from(time).ok());
    let last = last.unwrap_or_else(jiff::Timestamp::now);
    last.strftime("%Y-%m-%d").to_string()
}

fn neighbour(settings: &SelfcheckSettings) -> Neighbour {
    if settings.is_beside_busy {
        Neighbour::Busy
    } else {
        Neighbour::None
    }
}

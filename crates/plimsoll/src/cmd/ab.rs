//! `plimsoll ab <git-ref>`: a commit against another, in turns on one core, with an exit code.

use std::cell::Cell;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use pairs::build::{Built, Workshop};
use pairs::course::{self, Plan};
use pairs::error::Error;
use pairs::referee::Patience;
use pairs::session::{Session, Settings};
use pairs::tree::Repository;
use pairs::watch::{Event, Watch};
use pairs::{interrupt, past};
use results::accept::{Acceptances, today};
use results::machine::Machine;
use results::pairs::comparison::PairComparison;
use results::pairs::sample;
use results::relevance::PairRelevance;
use results::report::{Colour, pairs as report};

use crate::cmd::compare::Format;
use crate::exit::{Exit, SuiteFailed};
use crate::say::say;
use crate::workspace::Workspace;

/// What to hold against what, and for how long.
#[derive(Debug)]
pub(crate) struct AbSettings {
    /// The base, as git knows it.
    pub(crate) base: String,
    /// Unset means the files as they are now.
    pub(crate) candidate: Option<String>,
    /// Unset means all suites.
    pub(crate) suites: Option<Vec<String>>,
    /// How long all rounds together may take.
    pub(crate) budget: Duration,
    /// Fresh process pairs per case at first.
    pub(crate) n_rounds: usize,
    /// Unset means another one each time.
    pub(crate) seed: Option<u64>,
    /// Unset means the current folder's.
    pub(crate) workspace: Option<PathBuf>,
    /// Cargo features of both sides.
    pub(crate) features: Vec<String>,
    /// Where all samples go; unset means the target directory.
    pub(crate) output: Option<PathBuf>,
    pub(crate) format: Format,
}

pub(crate) fn run(settings: &AbSettings) -> anyhow::Result<Exit> {
    interrupt::listen();
    let folder = settings.workspace.as_deref().unwrap_or(Path::new("."));
    let workspace = Workspace::around(folder)?;
    let relevance = PairRelevance::read(&workspace.root.join("benches"))?;
    let acceptances = Acceptances::read(&workspace.baselines())?;
    let ours = workspace.scratch().join("ab");
    fs::create_dir_all(&ours).with_context(|| format!("failed to make {}", ours.display()))?;
    let watch = Bar::new();

    let repository = Repository::around(&workspace.root)?;
    let workshop = Workshop::open(&repository, &workspace.root, &ours, &settings.features)?;
    let built = sides(settings, &workspace, &repository, &workshop, &watch).map_err(undecided)?;
    let measured = Settings {
        seed: settings
            .seed
            .unwrap_or_else(|| RandomState::new().hash_one(0)),
        patience: Patience::default(),
    };
    let mut session = Session::open(&workshop, built, &measured, &watch).map_err(undecided)?;
    let plan = Plan {
        n_rounds: settings.n_rounds,
        budget: settings.budget,
        relevance,
        null_estimates: past::null_estimates(&ours.join("null"), &Machine::here()),
    };
    let judged = course::follow(&mut session, &plan);
    watch.finish();

    // Whatever it came to, what was measured is kept.
    let output = settings
        .output
        .clone()
        .unwrap_or_else(|| ours.join("last.json"));
    sample::write(&output, session.run())?;
    eprintln!("all samples are in {}", output.display());
    match judged {
        Ok(mut comparison) => {
            acceptances.apply_to_pairs(&mut comparison, today());
            past::keep(&ours.join("null"), session.run())?;
            tell(&comparison, settings.format)?;
            Ok(comparison.outcome().into())
        }
        Err(Error::Interrupted) => {
            eprintln!("interrupted: this is what the rounds so far say");
            tell(&course::verdict(&session, &plan), settings.format)?;
            Ok(Exit::CouldNotTell)
        }
        Err(error) => Err(error.into()),
    }
}

fn sides(
    settings: &AbSettings,
    workspace: &Workspace,
    repository: &Repository,
    workshop: &Workshop,
    watch: &dyn Watch,
) -> Result<[Built; 2], Error> {
    let base = repository.commit(&settings.base)?;
    let candidate = match &settings.candidate {
        Some(name) => repository.commit(name)?,
        None => repository.working_tree(&workspace.target)?,
    };
    workshop.build_both([&base, &candidate], settings.suites.as_deref(), watch)
}

/// A side that does not build, or an end before the first round, is no wrong usage: nobody can tell.
fn undecided(error: Error) -> anyhow::Error {
    match error {
        Error::Unbuildable { .. }
        | Error::Metadata { .. }
        | Error::NothingToMeasure { .. }
        | Error::Interrupted => SuiteFailed(error.to_string()).into(),
        other => other.into(),
    }
}

fn tell(comparison: &PairComparison, format: Format) -> anyhow::Result<()> {
    let text = match format {
        Format::Text => {
            let colour = Colour::wanted(std::io::stdout().is_terminal());
            report::text::render(comparison, colour)
        }
        Format::Json => report::json::render(comparison).context("failed to write JSON")?,
        Format::Markdown => report::markdown::render(comparison),
    };
    say(&text)
}

/// The progress of a run on stderr: a bar with the time left on a terminal, else a line per step.
pub(super) struct Bar {
    bar: ProgressBar,
    n_planned: Cell<u64>,
}

impl Bar {
    pub(super) fn new() -> Self {
        let style = ProgressStyle::with_template(
            "{bar:30} {pos}/{len} rounds, {elapsed} gone, {eta} left  {wide_msg}",
        );
        let bar = ProgressBar::hidden();
        // A template that does not parse leaves the usual bar.
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self {
            bar,
            n_planned: Cell::new(0),
        }
    }

    /// The last line of the bar is gone.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    pub(super) fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }
}

impl Watch for Bar {
    fn note(&self, event: Event<'_>) {
        match event {
            Event::Building { side, commit } => {
                self.say(&format!("building {side} ({})", short(commit)))
            }
            Event::Cached { side, commit } => {
                self.say(&format!("{side} ({}) is built already", short(commit)));
            }
            Event::Planned { n_rounds } => {
                if n_rounds == 0 {
                    return;
                }
                if !std::io::stderr().is_terminal() {
                    self.say(&format!("measuring {n_rounds} rounds"));
                } else if self.n_planned.get() == 0 {
                    self.bar
                        .set_draw_target(indicatif::ProgressDrawTarget::stderr());
                    self.bar.reset();
                }
                self.n_planned.set(self.n_planned.get() + n_rounds as u64);
                self.bar.set_length(self.n_planned.get());
            }
            Event::Round { case } => self.bar.set_message(case.to_owned()),
            Event::RoundDone => self.bar.inc(1),
        }
    }

    fn stopped(&self) -> bool {
        interrupt::stopped()
    }
}

fn short(commit: &str) -> &str {
    commit.get(..9).unwrap_or(commit)
}

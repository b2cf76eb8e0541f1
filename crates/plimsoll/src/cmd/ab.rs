//! `plimsoll ab <git-ref>`: a commit against another, in turns on one core, with an exit code.

use std::cell::Cell;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use pairs::build::{Built, Workshop};
use pairs::counts::{self, Tools};
use pairs::course::{self, Plan};
use pairs::error::Error;
use pairs::referee::Patience;
use pairs::session::{EqualPrograms, Session, Settings};
use pairs::tree::Repository;
use pairs::watch::{Event, Watch};
use pairs::{interrupt, past};
use results::accept::{Acceptances, today};
use results::machine::Machine;
use results::pairs::comparison::PairComparison;
use results::pairs::counts::PairCounts;
use results::pairs::sample::{self, PairCase};
use results::relevance::PairRelevance;
use results::report::model::Report;
use results::report::{self, json};

use crate::exit::{Exit, SuiteFailed};
use crate::tell::{Telling, beside};
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
    /// Fresh process pairs of each case that a first look does not settle.
    pub(crate) n_rounds: usize,
    /// Whether suites that are the same program on both sides take turns, too.
    pub(crate) measures_equal_programs: bool,
    /// Whether the instructions of both sides are counted where the tools are there.
    pub(crate) counts: bool,
    /// Unset means another one each time.
    pub(crate) seed: Option<u64>,
    /// Unset means the current folder's.
    pub(crate) workspace: Option<PathBuf>,
    /// Cargo features of both sides.
    pub(crate) features: Vec<String>,
    /// Where all samples go; unset means the target directory.
    pub(crate) output: Option<PathBuf>,
    pub(crate) telling: Telling,
}

pub(crate) fn run(settings: &AbSettings) -> anyhow::Result<Exit> {
    interrupt::listen();
    let teller = settings.telling.read()?;
    let workspace = Workspace::at(settings.workspace.as_deref())?;
    let relevance = PairRelevance::read(&workspace.root.join("benches"))?;
    let acceptances = Acceptances::read(&workspace.baselines())?;
    let ours = workspace.scratch().join("ab");
    fs::create_dir_all(&ours).with_context(|| format!("failed to make {}", ours.display()))?;
    let watch = Bar::within(settings.budget);

    let repository = Repository::around(&workspace.root)?;
    let workshop = Workshop::open(&repository, &workspace.root, &ours, &settings.features)?;
    let built = sides(settings, &workspace, &repository, &workshop, &watch).map_err(undecided)?;
    let measured = Settings {
        seed: settings
            .seed
            .unwrap_or_else(|| RandomState::new().hash_one(0)),
        patience: Patience::default(),
        equal_programs: if settings.measures_equal_programs {
            EqualPrograms::Measure
        } else {
            EqualPrograms::Leave
        },
    };
    let counted = built.clone();
    let mut session = Session::open(&workshop, built, &measured, &watch).map_err(undecided)?;
    let is_measured = |case: &PairCase| case.same_program.is_none();
    let counts = if settings.counts && session.run().cases.iter().any(is_measured) {
        let sides = [&counted[0], &counted[1]];
        let counts = counts::take(&workshop, sides, &Tools::look(), &watch);
        Some(counts.map_err(undecided)?)
    } else {
        None
    };
    let plan = Plan {
        n_rounds: settings.n_rounds,
        budget: settings.budget,
        relevance,
        null_estimates: past::null_estimates(&ours.join("null"), &Machine::here()),
        count_ratios: counts.as_ref().map(PairCounts::ratios).unwrap_or_default(),
    };
    let judged = course::follow(&mut session, &plan);
    watch.finish();

    // Whatever it came to, what was measured is kept.
    let output = settings
        .output
        .clone()
        .unwrap_or_else(|| workspace.last_ab());
    sample::write(&output, session.run())?;
    eprintln!("all samples are in {}", output.display());
    let tell = |comparison: PairComparison| -> anyhow::Result<()> {
        let comparison = PairComparison {
            counts,
            ..comparison
        };
        let report = Report::of_pairs(session.run(), &comparison);
        let text = json::render(&report).context("failed to write JSON")?;
        report::write(&beside(&output), &text)?;
        teller.tell(report)
    };
    match judged {
        Ok(mut comparison) => {
            acceptances.apply_to_pairs(&mut comparison, today());
            past::keep(&ours.join("null"), session.run())?;
            let exit = comparison.outcome().into();
            tell(comparison)?;
            Ok(exit)
        }
        Err(Error::Interrupted) => {
            eprintln!("interrupted: this is what the rounds so far say");
            tell(course::verdict(&session, &plan))?;
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
pub(super) fn undecided(error: Error) -> anyhow::Error {
    match error {
        Error::Unbuildable { .. }
        | Error::Metadata { .. }
        | Error::NothingToMeasure { .. }
        | Error::Interrupted => SuiteFailed(error.to_string()).into(),
        other => other.into(),
    }
}

/// The progress of a run on stderr: a bar with the time left on a terminal, else a line per step.
pub(super) struct Bar {
    bar: ProgressBar,
    n_planned: Cell<u64>,
}

impl Bar {
    /// The time left is never more than what is left of the budget, while there is any.
    pub(super) fn within(budget: Duration) -> Self {
        let left = move |state: &ProgressState, text: &mut dyn std::fmt::Write| {
            let of_budget = budget.saturating_sub(state.elapsed());
            let left = if of_budget.is_zero() {
                state.eta()
            } else {
                state.eta().min(of_budget)
            };
            // It is drawn as well as it can be; there is nobody to tell of a failure.
            let _ = write!(text, "{:#}", HumanDuration(left));
        };
        let style = ProgressStyle::with_template(
            "{bar:30} {pos}/{len} rounds, {elapsed} gone, {left} left  {wide_msg}",
        )
        .map(|style| style.with_key("left", left));
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
            Event::Counting { side, commit } => {
                self.say(&format!("counting {side} ({})", short(commit)));
            }
            Event::Counted { side, commit } => {
                self.say(&format!("{side} ({}) is counted already", short(commit)));
            }
            Event::SameProgram { suites } => {
                self.say(&format!("the same program on both sides, nothing to measure: {suites}"));
            }
            Event::SameButFiles { n_suites, file } => self.say(&format!(
                "{n_suites} suites are the same program on both sides, and measured, because they may read {file}"
            )),
            Event::Relinking { suite, n_layouts } => self.say(&format!(
                "relinking {suite}: is it the code, or where the linker put it? {n_layouts} orders of each side"
            )),
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

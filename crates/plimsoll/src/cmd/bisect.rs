//! `plimsoll bisect <case> <good> <bad>`: the commit that made a case slower, or the smallest range that holds it.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use pairs::bisect::Verdict;
use pairs::bisect::drive::{self, Found, Step};
use pairs::bisect::memory::Memory;
use pairs::bisect::probe::PairProbe;
use pairs::build::Workshop;
use pairs::course::Plan;
use pairs::error::Error;
use pairs::referee::Patience;
use pairs::session::{EqualPrograms, Settings};
use pairs::tree::{Repository, Source};
use pairs::{interrupt, past};
use results::case_id::CaseId;
use results::machine::Machine;
use results::relevance::PairRelevance;

use super::ab::Bar;
use crate::exit::{Exit, SuiteFailed};
use crate::say::say;
use crate::workspace::Workspace;

/// What to look for, and between which commits.
#[derive(Debug)]
pub(crate) struct BisectSettings {
    /// The whole id of the case.
    pub(crate) case: String,
    /// A commit in which it is fast, as git knows it.
    pub(crate) good: String,
    /// A later commit in which it is slow.
    pub(crate) bad: String,
    /// How long all rounds of one commit may take.
    pub(crate) budget: Duration,
    /// Fresh process pairs per commit at first.
    pub(crate) n_rounds: usize,
    /// Whether to forget what an interrupted search has learnt.
    pub(crate) is_fresh: bool,
    /// Unset means the current folder's.
    pub(crate) workspace: Option<PathBuf>,
    /// Cargo features of all commits.
    pub(crate) features: Vec<String>,
}

pub(crate) fn run(settings: &BisectSettings) -> anyhow::Result<Exit> {
    interrupt::listen();
    let Some(case) = CaseId::new(&*settings.case) else {
        bail!(
            "{:?} is no case; name it as suite/case/parameter",
            settings.case
        );
    };
    let workspace = Workspace::at(settings.workspace.as_deref())?;
    let ours = workspace.scratch().join("ab");
    fs::create_dir_all(&ours).with_context(|| format!("failed to make {}", ours.display()))?;

    let repository = Repository::around(&workspace.root)?;
    let good = repository.commit(&settings.good)?;
    let commits = repository.between(&good, &repository.commit(&settings.bad)?)?;
    let workshop = Workshop::open(&repository, &workspace.root, &ours, &settings.features)?;
    let mut memory = memory(settings, &workspace, &good, &commits)?;
    let watch = Bar::within(settings.budget);
    let mut probe = PairProbe {
        workshop: &workshop,
        case,
        good,
        commits: commits.clone(),
        plan: Plan {
            n_rounds: settings.n_rounds,
            budget: settings.budget,
            relevance: PairRelevance::read(&workspace.root.join("benches"))?,
            null_estimates: past::null_estimates(&ours.join("null"), &Machine::here()),
            count_ratios: BTreeMap::new(),
        },
        settings: Settings {
            seed: RandomState::new().hash_one(0),
            patience: Patience::default(),
            equal_programs: EqualPrograms::Leave,
        },
        watch: &watch,
    };
    let mut tell = |step| watch.say(&in_words(step, &commits));
    let found = drive::follow(commits.len(), &mut probe, &mut memory, &mut tell);
    watch.finish();
    match found {
        Ok(Found::BadIsNotSlower(verdict)) => {
            say(&not_slower(settings, verdict))?;
            Ok(Exit::CouldNotTell)
        }
        Ok(Found::Guilty {
            first,
            last,
            chance,
        }) => {
            say(&guilty(&commits[first - 1..last], chance, &repository)?)?;
            Ok(if first == last {
                Exit::Fine
            } else {
                Exit::CouldNotTell
            })
        }
        Err(Error::Interrupted) => {
            eprintln!("interrupted: the same command goes on from here");
            Ok(Exit::CouldNotTell)
        }
        // The good commit itself: nothing can be held against it.
        Err(error @ (Error::Unbuildable { .. } | Error::Metadata { .. })) => {
            Err(SuiteFailed(error.to_string()).into())
        }
        Err(error) => Err(error.into()),
    }
}

fn memory(
    settings: &BisectSettings,
    workspace: &Workspace,
    good: &Source,
    commits: &[Source],
) -> Result<Memory, Error> {
    let mut subject = vec![settings.case.clone(), good.commit.clone()];
    subject.extend(commits.iter().map(|source| source.commit.clone()));
    subject.extend(settings.features.iter().cloned());
    let mut memory = Memory::open(&workspace.scratch().join("bisect"), subject)?;
    if settings.is_fresh {
        memory.forget()?;
    }
    Ok(memory)
}

fn in_words(step: Step, commits: &[Source]) -> String {
    let name = |place: usize| &*commits[place - 1].label;
    match step {
        Step::Resumed { n_answers } => {
            format!("going on with {n_answers} answers of an interrupted search")
        }
        Step::Measuring { place, first, last } => format!(
            "measuring {} ({} of {} commits left)",
            name(place),
            last + 1 - first,
            commits.len()
        ),
        Step::Answered(answer) => {
            let verdict = match answer.verdict {
                Verdict::Slower => "slower",
                Verdict::NotSlower => "not slower",
                Verdict::Undecided => "could not tell",
                Verdict::Skipped => "skipped: it does not build, or the case fails in it",
            };
            format!("{}: {verdict}", name(answer.place))
        }
    }
}

fn not_slower(settings: &BisectSettings, verdict: Verdict) -> String {
    let BisectSettings {
        case, good, bad, ..
    } = settings;
    match verdict {
        Verdict::Skipped => format!("could not tell: {case} cannot be measured in {bad}\n"),
        Verdict::Undecided => format!(
            "could not tell: {case} is not surely slower in {bad} than in {good}; give it more time with --budget\n"
        ),
        Verdict::NotSlower | Verdict::Slower => {
            format!("nothing to find: {case} is not slower in {bad} than in {good}\n")
        }
    }
}

/// The guilty commits, one per line, the oldest first.
fn guilty(commits: &[Source], chance: f64, repository: &Repository) -> Result<String, Error> {
    let head = match commits {
        [_] => "guilty".to_owned(),
        _ => format!(
            "one of these {} is guilty; the others cannot be told apart",
            commits.len()
        ),
    };
    let mut text = format!("{head} (chance {:.0} %):\n", chance * 100.0);
    for commit in commits {
        let title = repository.title(&commit.commit)?;
        text.push_str(&format!("{} {title}\n", commit.commit));
    }
    Ok(text)
}

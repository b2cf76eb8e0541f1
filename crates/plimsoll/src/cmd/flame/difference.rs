//! `plimsoll flame --diff <git-ref> <case>`: one case of two commits under the profiler, in turns, and what changed.
//!
//! Slices of a second alternate between the sides, so that a slow minute of the machine is in both profiles alike.

use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use pairs::build::{Built, Workshop};
use pairs::interrupt;
use pairs::tree::Repository;
use results::case_id::{CaseId, nearest};
use results::error::Error;
use results::profile::difference::ProfileDifference;
use results::profile::{FOLDED, Profile, drawing};
use results::report::{self, Colour};

use super::FlameSettings;
use crate::bench::telling_lines;
use crate::cmd::ab::{Bar, undecided};
use crate::exit::{Exit, SuiteFailed};
use crate::say::say;
use crate::workspace::Workspace;

/// The name of the file with a side's flamegraph, as suites write it.
const FLAMEGRAPH: &str = "flamegraph.svg";

/// The two commits.
#[derive(Debug)]
pub(crate) struct DifferenceSettings {
    /// As git knows it.
    pub(crate) base: String,
    /// Unset means the files as they are now.
    pub(crate) candidate: Option<String>,
    /// Unset means the current folder's.
    pub(crate) workspace: Option<PathBuf>,
    /// Cargo features of both sides.
    pub(crate) features: Vec<String>,
}

/// The two sides by the names of their folders.
const SIDES: [&str; 2] = ["base", "candidate"];

pub(crate) fn run(settings: &FlameSettings, of: &DifferenceSettings) -> anyhow::Result<Exit> {
    interrupt::listen();
    let Some(id) = CaseId::new(&*settings.case) else {
        bail!(
            "found no suite in {:?}; name the whole id, such as codec/encode/10_kb",
            settings.case
        );
    };
    let workspace = Workspace::at(of.workspace.as_deref())?;
    let built = build(&workspace, of, &id)?;
    let names = names(&built, &id)?;

    let home = tempfile::tempdir().context("failed to make a temporary folder")?;
    let mut profiles = [Profile::default(), Profile::default()];
    eprintln!(
        "profiling {id}: {} s of each side, in turns",
        settings.seconds
    );
    for slice in 0..settings.seconds {
        // Base, candidate, candidate, base: a drift of the machine is in both alike.
        let order = if slice % 2 == 0 { [0, 1] } else { [1, 0] };
        for side in order {
            let home = home.path().join(format!("{slice}_{side}"));
            let profile = slice_of(&built[side], SIDES[side], &id, &names[side], &home)?;
            profiles[side].add(&profile);
        }
    }

    let folder = workspace.scratch().join("flame").join(slug(&id));
    let svg = keep(&folder, &profiles, &id)?;
    let [base, candidate] = &profiles;
    let Some(difference) = ProfileDifference::of(base, candidate) else {
        return Err(SuiteFailed(format!(
            "a side of {id} has no samples; give it more --seconds"
        ))
        .into());
    };
    let colour = Colour::wanted(std::io::stdout().is_terminal());
    say(&report::difference::render(&difference, colour))?;
    say(&format!("\n{}\n", svg.display()))?;
    Ok(Exit::Fine)
}

fn build(
    workspace: &Workspace,
    of: &DifferenceSettings,
    id: &CaseId,
) -> anyhow::Result<[Built; 2]> {
    let ours = workspace.scratch().join("ab");
    fs::create_dir_all(&ours).with_context(|| format!("failed to make {}", ours.display()))?;
    let repository = Repository::around(&workspace.root)?;
    let workshop = Workshop::open(&repository, &workspace.root, &ours, &of.features)?;
    let base = repository.commit(&of.base)?;
    let candidate = match &of.candidate {
        Some(name) => repository.commit(name)?,
        None => repository.working_tree(&workspace.target)?,
    };
    let wanted = [id.suite().to_owned()];
    let built = workshop.build_both(
        [&base, &candidate],
        Some(&wanted),
        &Bar::within(Duration::ZERO),
    );
    built.map_err(undecided)
}

/// What each side calls the case: a group may be called as its suite or not.
fn names(built: &[Built; 2], id: &CaseId) -> anyhow::Result<[String; 2]> {
    let mut found = [String::new(), String::new()];
    for ((built, side), found) in built.iter().zip(SIDES).zip(&mut found) {
        let listing = output(built, side, id, &["--list"], None)?;
        let names: Vec<&str> = listing
            .lines()
            .filter_map(|line| line.strip_suffix(": benchmark"))
            .collect();
        let is_meant = |name: &&&str| **name == id.as_str() || **name == id.key();
        let Some(name) = names.iter().find(is_meant) else {
            return Err(Error::Unknown {
                what: "case",
                name: id.to_string(),
                place: format!("the {side}"),
                nearest: nearest(id.as_str(), names.iter().copied()),
            }
            .into());
        };
        (*name).clone_into(found);
    }
    Ok(found)
}

/// One slice of one side.
fn slice_of(
    built: &Built,
    side: &str,
    id: &CaseId,
    name: &str,
    home: &Path,
) -> anyhow::Result<Profile> {
    let arguments = ["--profile-time", "1", "--exact", name];
    output(built, side, id, &arguments, Some(home))?;
    let Some(folded) = find(home)? else {
        bail!(
            "found no {FOLDED} of the {side}: its suite has no profiler that keeps folded stacks beside the flamegraph"
        );
    };
    Ok(Profile::read(&folded)?)
}

/// Runs a side's suite, and returns what it says.
fn output(
    built: &Built,
    side: &str,
    id: &CaseId,
    arguments: &[&str],
    home: Option<&Path>,
) -> anyhow::Result<String> {
    if interrupt::stopped() {
        return Err(SuiteFailed("interrupted".to_owned()).into());
    }
    let Some(mut command) = built.command(id.suite()) else {
        bail!("found no suite {} in the {side}", id.suite());
    };
    command.args(arguments);
    if let Some(home) = home {
        command.env("CRITERION_HOME", home);
    }
    let output = command
        .output()
        .with_context(|| format!("failed to start the suite of the {side}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let shown = telling_lines(&words).join("\n  ");
    let status = output.status;
    Err(SuiteFailed(format!(
        "suite {} of the {side} failed ({status}); its words:\n  {shown}",
        id.suite()
    ))
    .into())
}

/// The folded stacks below a Criterion home, whose folders are Criterion's own affair.
fn find(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry
                .with_context(|| format!("failed to read {}", folder.display()))?
                .path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == FOLDED) {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

/// Keeps both profiles and three drawings; returns where the difference is.
fn keep(folder: &Path, profiles: &[Profile; 2], id: &CaseId) -> anyhow::Result<PathBuf> {
    let drawing_failed = || format!("failed to draw the flamegraph of {id}");
    for (profile, side) in profiles.iter().zip(SIDES) {
        let folder = folder.join(side);
        profile.write(&folder.join(FOLDED))?;
        let title = format!("{id}, {side}");
        let svg = drawing::flamegraph(profile, &title).with_context(drawing_failed)?;
        report::write(&folder.join(FLAMEGRAPH), &svg)?;
    }
    let [base, candidate] = profiles;
    let svg = drawing::differential(base, candidate, id.as_str()).with_context(drawing_failed)?;
    let path = folder.join("difference.svg");
    report::write(&path, &svg)?;
    Ok(path)
}

/// A folder's name for a case.
fn slug(id: &CaseId) -> String {
    let letters = id.as_str().chars();
    letters
        .map(|letter| {
            if letter.is_alphanumeric() {
                letter
            } else {
                '_'
            }
        })
        .collect()
}

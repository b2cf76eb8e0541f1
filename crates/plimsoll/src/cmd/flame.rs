//! `plimsoll flame <case>`: profiles one case and prints the path of its flamegraph; with `--diff`, of two commits.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use results::case_id::{CaseId, nearest};
use results::error::Error;

use crate::bench::Run;
use crate::exit::Exit;
use crate::say::say;
use crate::workspace::Workspace;

pub(crate) mod difference;

/// Which case to profile, and for how long.
#[derive(Debug)]
pub(crate) struct FlameSettings {
    pub(crate) case: String,
    pub(crate) seconds: u32,
    /// Unset means the files as they are now alone.
    pub(crate) difference: Option<difference::DifferenceSettings>,
}

pub(crate) fn run(settings: &FlameSettings) -> anyhow::Result<Exit> {
    if let Some(of) = &settings.difference {
        return difference::run(settings, of);
    }
    let workspace = Workspace::here()?;
    let id = known_case(&workspace, &settings.case)?;
    let before = flamegraphs(&workspace.criterion())?;
    let seconds = settings.seconds;
    eprintln!("profiling {id} for {seconds} s");
    suite_with(
        &workspace,
        &id,
        &[
            "--profile-time",
            &seconds.to_string(),
            "--exact",
            id.as_str(),
        ],
    )
    .shown()?;
    let after = flamegraphs(&workspace.criterion())?;
    let mut written = after
        .iter()
        .filter(|(path, written)| before.get(*path) != Some(written));
    let Some((svg, _)) = written.next() else {
        bail!(
            "found no new flamegraph in {}; the suite's harness writes it with --profile-time",
            workspace.criterion().display()
        );
    };
    say(&format!("{}\n", svg.display()))?;
    Ok(Exit::Fine)
}

/// Asks the suite for its cases; an unknown suite or case is an error with the nearest names.
fn known_case(workspace: &Workspace, name: &str) -> anyhow::Result<CaseId> {
    let unknown = |what, known: &[&str]| Error::Unknown {
        what,
        name: name.to_owned(),
        place: "the command line".to_owned(),
        nearest: nearest(name, known.iter().copied()),
    };
    let suites: Vec<&str> = workspace.suites.iter().map(String::as_str).collect();
    let Some(id) = CaseId::new(name) else {
        return Err(unknown("suite/case/parameter", &suites).into());
    };
    if !suites.contains(&id.suite()) {
        let error = Error::Unknown {
            what: "suite",
            name: id.suite().to_owned(),
            place: "the command line".to_owned(),
            nearest: nearest(id.suite(), suites),
        };
        return Err(error.into());
    }
    let listing = suite_with(workspace, &id, &["--list"]).output()?;
    let cases: Vec<&str> = listing
        .lines()
        .filter_map(|line| line.strip_suffix(": benchmark"))
        .collect();
    if !cases.contains(&id.as_str()) {
        return Err(unknown("case", &cases).into());
    }
    Ok(id)
}

fn suite_with<'a>(workspace: &'a Workspace, id: &'a CaseId, arguments: &[&str]) -> Run<'a> {
    Run {
        workspace,
        target: id.suite(),
        variables: Vec::new(),
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
    }
}

/// Every flamegraph below a folder with the time it was written. Folder names are Criterion's own affair, so the one
/// of a case is not guessed: it is the one that changed.
fn flamegraphs(home: &Path) -> anyhow::Result<BTreeMap<PathBuf, SystemTime>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = || format!("failed to read {}", folder.display());
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries.with_context(failed)?,
        };
        for entry in entries {
            let path = entry.with_context(failed)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("profile/flamegraph.svg") {
                let written = fs::metadata(&path).and_then(|metadata| metadata.modified());
                found.insert(path, written.with_context(failed)?);
            }
        }
    }
    Ok(found)
}

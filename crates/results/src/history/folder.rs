//! The folder of a history: one file per run, added at once and never changed.
//!
//! ```text
//! <folder>/<machine class>/2026-11-21T020000Z.jsonl      one line per case
//! ```
//!
//! The folder is the user's choice, for example a checkout of a branch of its own. Files that never change merge without
//! conflict when two machines push their nights, and a run that is killed leaves a whole file or none.
//!
//! Reading takes what it can: a line that is cut short, damaged or of a later version is named and left out, and the
//! rest stands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::line::Line;
use crate::case_id::CaseId;
use crate::error::Error;
use crate::files;

/// What the names of its files end with.
const EXTENSION: &str = "jsonl";

/// All lines of a folder that can be believed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kept {
    /// In the order of their times.
    pub lines: Vec<Line>,
    /// What could not be believed.
    pub breaches: Vec<Breach>,
}

/// A line, or a case of a run, that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// The file.
    pub path: PathBuf,
    /// The number of the line, from one.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// What became of a run that was to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It is in this file now.
    To(PathBuf),
    /// It was there already, and nothing changed.
    Already(PathBuf),
}

/// Whether a run may be older than those that its machine has added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// No: the time is the clock's, and a clock that steps back would put the night among the old ones.
    Rising,
    /// Yes: somebody named the time.
    Any,
}

/// Adds the lines of one run; the same run twice is added once.
pub fn add(folder: &Path, lines: &[Line], order: Order) -> Result<Added, Error> {
    let refused = |reason: String, mend| Error::Refused {
        doing: format!("add the night to {}", folder.display()),
        reason,
        mend,
    };
    let Some(first) = lines.first() else {
        let mend = "measure with `plimsoll ab` first, and look at what it says";
        return Err(refused("no case of it has an effect".to_owned(), mend));
    };
    let shelf = folder.join(&first.machine);
    let mut newest: Option<(Line, PathBuf)> = None;
    for path in paths(&shelf)? {
        for (_, line) in parse(&path, &files::read(&path)?).0 {
            if line.run == first.run {
                return Ok(Added::Already(path));
            }
            if newest
                .as_ref()
                .is_none_or(|(newest, _)| newest.time <= line.time)
            {
                newest = Some((line, path.clone()));
            }
        }
    }
    if let Some((newest, path)) = newest
        && newest.time >= first.time
        && order == Order::Rising
    {
        return Err(refused(
            format!(
                "its time {} is not after {}, the last night of this machine ({})",
                first.time,
                newest.time,
                path.display()
            ),
            "set the clock, remove a night that a wrong clock dated, or name the time with --time",
        ));
    }
    let name = first.time.strftime("%Y-%m-%dT%H%M%SZ");
    let path = shelf.join(format!("{name}.{EXTENSION}"));
    if path.exists() {
        let reason = format!("another run has the same second ({})", path.display());
        return Err(refused(reason, "name another time with --time"));
    }
    files::write_at_once(&path, &text(&path, lines)?)?;
    Ok(Added::To(path))
}

fn text(path: &Path, lines: &[Line]) -> Result<String, Error> {
    let mut text = String::new();
    for line in lines {
        let line = serde_json::to_string(line)
            .map_err(|error| Error::malformed(path, error.to_string(), "report this as a bug"))?;
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

/// Reads all nights of all machines; a folder without any is an error.
pub fn read(folder: &Path) -> Result<Kept, Error> {
    let mut kept = Kept::default();
    let mut places: BTreeMap<(CaseId, String), Vec<(Line, Breach)>> = BTreeMap::new();
    for shelf in files::sorted_entries(folder)? {
        for path in paths(&shelf.path())? {
            let (lines, mut breaches) = parse(&path, &files::read(&path)?);
            kept.breaches.append(&mut breaches);
            for (number, line) in lines {
                let key = (line.case.clone(), line.run.clone());
                let breach = Breach {
                    path: path.clone(),
                    line: number,
                    reason: String::new(),
                };
                places.entry(key).or_default().push((line, breach));
            }
        }
    }
    for ((case, _), twins) in places {
        settle(&mut kept, &case, twins);
    }
    if kept.lines.is_empty() && kept.breaches.is_empty() {
        return Err(Error::Empty {
            path: folder.to_owned(),
            mend: "add a night with `plimsoll history record`, or name the folder with --folder",
        });
    }
    kept.lines.sort_by(|left, right| {
        let key = |line: &Line| (line.time, line.run.clone());
        key(left).cmp(&key(right))
    });
    kept.breaches
        .sort_by(|left, right| (&left.path, left.line).cmp(&(&right.path, right.line)));
    Ok(kept)
}

/// One case of one run stands once: copies of a line are one, and of two that differ neither can be believed.
fn settle(kept: &mut Kept, case: &CaseId, twins: Vec<(Line, Breach)>) {
    let is_one = twins.iter().all(|(line, _)| *line == twins[0].0);
    let mut twins = twins.into_iter();
    if is_one {
        kept.lines.extend(twins.next().map(|(line, _)| line));
    }
    kept.breaches.extend(twins.map(|(_, breach)| Breach {
        reason: if is_one {
            format!("case {case} of this run is there twice, and counts once")
        } else {
            format!("case {case} of this run is there twice with different numbers; neither counts")
        },
        ..breach
    }));
}

/// The files of a shelf, in the order of their names, which is that of their times; none if it is no folder.
fn paths(shelf: &Path) -> Result<Vec<PathBuf>, Error> {
    if !shelf.is_dir() {
        return Ok(Vec::new());
    }
    let entries = files::sorted_entries(shelf)?;
    let paths = entries.iter().map(std::fs::DirEntry::path);
    Ok(paths
        .filter(|path| path.extension().is_some_and(|found| found == EXTENSION))
        .collect())
}

/// The lines of a file that can be understood with their numbers, and what is wrong with the others.
fn parse(path: &Path, text: &str) -> (Vec<(usize, Line)>, Vec<Breach>) {
    let mut lines = Vec::new();
    let mut breaches = Vec::new();
    let n_lines = text.lines().count();
    let is_cut = !text.is_empty() && !text.ends_with('\n');
    for (number, line) in (1..).zip(text.lines()) {
        let breach = |reason| Breach {
            path: path.to_owned(),
            line: number,
            reason,
        };
        match Line::parse(line) {
            Ok(line) => lines.push((number, line)),
            Err(_) if is_cut && number == n_lines => {
                breaches.push(breach("the file is cut short here".to_owned()));
            }
            Err(reason) => breaches.push(breach(reason)),
        }
    }
    (lines, breaches)
}

#[cfg(test)]
mod tests;

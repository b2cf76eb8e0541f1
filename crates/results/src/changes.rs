//! `baselines/CHANGES.md`: why baselines changed, one line per change, each with a mark of what it vouches for.
//!
//! ```text
//! - 2026-11-21, `instructions/` `sha256:0123456789abcdef`: quota keys are hashed in one piece.
//! ```
//!
//! The mark is a hash of the content, so that no history of a repository is needed to see that a baseline changed without
//! a word: the newest line of each folder, and of `accepted.toml`, must carry the mark of what is there now.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use crate::accept;
use crate::error::Error;
use crate::files;

/// The file, in the folder of all baselines.
pub const FILE: &str = "CHANGES.md";

/// What a mark begins with.
const MARK: &str = "sha256:";

/// Hexadecimal digits of a mark: enough that no two contents meet, and few enough to read.
const DIGITS: usize = 16;

const HEAD: &str = "# Why baselines changed\n\nNewest first: date, folder or file, mark, reason.\n";

/// A folder or file that no line vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unvouched {
    /// As a line names it: `instructions/`, `accepted.toml`.
    pub name: String,
    /// The mark that the line must carry.
    pub mark: String,
}

/// Everything below the folder of all baselines whose newest line does not carry its mark, or has no reason.
pub fn unvouched(baselines: &Path) -> Result<Vec<Unvouched>, Error> {
    let text = files::read_if_there(&baselines.join(FILE))?.unwrap_or_default();
    let mut unvouched = Vec::new();
    for (name, path) in vouchable(baselines)? {
        let mark = mark(&path)?;
        if !newest(&text, &name).is_some_and(|line| vouches(line, &mark)) {
            unvouched.push(Unvouched { name, mark });
        }
    }
    Ok(unvouched)
}

/// Adds a line above all others that vouches for what the folder or file holds now.
pub fn add(baselines: &Path, name: &str, because: &str, on: Date) -> Result<PathBuf, Error> {
    let mark = mark(&baselines.join(name))?;
    let path = baselines.join(FILE);
    let text = files::read_if_there(&path)?.unwrap_or_else(|| HEAD.to_owned());
    // A line break would end the line, and with it the reason.
    let because = because.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = format!("- {on}, `{name}` `{mark}`: {because}\n");
    let place = text
        .find("\n- ")
        .map_or(text.len(), |line_feed| line_feed + 1);
    let (head, lines) = text.split_at(place);
    files::write_at_once(&path, &format!("{head}{line}{lines}"))?;
    Ok(path)
}

/// The folders and the file that need a line, by the names that lines have for them.
fn vouchable(baselines: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut found = Vec::new();
    for entry in files::sorted_entries(baselines)? {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            found.push((format!("{name}/"), path));
        } else if name == accept::FILE {
            found.push((name.into_owned(), path));
        }
    }
    Ok(found)
}

/// The first line of the list that is about this name; lines are newest first.
fn newest<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let about = format!("`{name}`");
    let mut lines = text.lines().filter(|line| line.starts_with("- "));
    lines.find(|line| line.contains(&about))
}

fn vouches(line: &str, mark: &str) -> bool {
    let quoted = format!("`{mark}`");
    line.split_once(&quoted)
        .is_some_and(|(_, reason)| reason.trim_start_matches([':', ' ']).len() > 1)
}

/// The hash of a file, or of all files of a folder with their names, in the order of the names.
fn mark(path: &Path) -> Result<String, Error> {
    let mut hash = Sha256::new();
    let mut left = vec![path.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = files::sorted_entries(&path)?;
            left.extend(entries.iter().rev().map(std::fs::DirEntry::path));
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let text = files::read(&path)?;
        for part in [&*name, &*text] {
            // The length keeps two parts from being read as two others.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    let digest = hash.finalize();
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{MARK}{}", &digits[..DIGITS]))
}

#[cfg(test)]
mod tests;

//! What a search has learnt so far, on disk, so that an interrupted one goes on.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Answer;
use crate::error::Error;

/// The version of the file that this code writes, and the only one that it reads.
const SCHEMA: u32 = 1;

/// The answers of one search.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    kept: Kept,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    schema: u32,
    /// What the search is about: case, good commit and the commits after it.
    subject: Vec<String>,
    answers: Vec<Answer>,
}

impl Memory {
    /// Opens the memory of a search in a folder of memories. The subject is all that the answers depend on.
    ///
    /// A file that cannot be understood, or is about something else, is as good as none: measuring again costs time only.
    pub fn open(folder: &Path, subject: Vec<String>) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
        let path = folder.join(format!("{}.json", key(&subject)));
        let text = fs::read_to_string(&path).unwrap_or_default();
        let kept: Option<Kept> = serde_json::from_str(&text).ok();
        let kept = kept.filter(|kept| kept.schema == SCHEMA && kept.subject == subject);
        let kept = kept.unwrap_or(Kept {
            schema: SCHEMA,
            subject,
            answers: Vec::new(),
        });
        Ok(Self { path, kept })
    }

    /// In the order in which they were given.
    pub fn answers(&self) -> &[Answer] {
        &self.kept.answers
    }

    /// Adds an answer, and stores it before anything else is measured.
    pub fn remember(&mut self, answer: Answer) -> Result<(), Error> {
        self.kept.answers.push(answer);
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer(&mut file, &self.kept)?;
            file.flush()?;
            file.as_file().sync_all()?;
            file.persist(&self.path)?;
            Ok(())
        };
        write().map_err(Error::file(&self.path))
    }

    /// Removes everything: the search is over, or shall begin anew.
    pub fn forget(&mut self) -> Result<(), Error> {
        self.kept.answers.clear();
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::file(&self.path)(error))
            }
            _ => Ok(()),
        }
    }
}

fn key(subject: &[String]) -> String {
    let mut hash = Sha256::new();
    for part in subject {
        // The length keeps two parts from being read as two others.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let digits = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
    digits.collect()
}

//! The programs of earlier runs: what is there of a key, and which keys are forgotten.

use std::fs;
use std::path::Path;

use super::Suite;
use crate::error::Error;

/// What is there of the programs of one key.
const LIST: &str = "suites.json";

/// Programs that are kept beside those of the current run; each is as large as all suites together.
const KEPT: usize = 6;

/// What an earlier run built; a list that cannot be read is as good as none.
pub(super) fn listed(programs: &Path) -> Vec<Suite> {
    let text = fs::read_to_string(programs.join(LIST)).unwrap_or_default();
    let mut suites: Vec<Suite> = serde_json::from_str(&text).unwrap_or_default();
    suites.retain(|suite| programs.join(&suite.file).is_file());
    suites
}

/// Written last and at once, so that a program is listed only when it is whole.
pub(super) fn list(programs: &Path, suites: &[Suite]) -> Result<(), Error> {
    let list = programs.join(LIST);
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(programs)?;
        let mut file = tempfile::NamedTempFile::new_in(programs)?;
        serde_json::to_writer(&mut file, suites)?;
        file.persist(&list)?;
        Ok(())
    };
    write().map_err(Error::file(&list))
}

/// Keeps the programs of the last few keys, the current one among them.
pub(super) fn forget_oldest(programs: &Path, current: &str) -> Result<(), Error> {
    let entries = fs::read_dir(programs).map_err(Error::file(programs))?;
    let mut others: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.file_name() != current)
        .filter_map(|entry| {
            let used = fs::metadata(entry.path().join(LIST)).and_then(|list| list.modified());
            Some((used.ok()?, entry.path()))
        })
        .collect();
    others.sort();
    let n_too_many = others.len().saturating_sub(KEPT);
    for (_, folder) in others.into_iter().take(n_too_many) {
        fs::remove_dir_all(&folder).map_err(Error::file(&folder))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Suite, list, listed};
    use std::path::{Path, PathBuf};

    #[test]
    fn only_programs_that_are_there_are_listed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let suite = |name: &str| Suite {
            name: name.to_owned(),
            folder: PathBuf::from("benches"),
            file: name.to_owned(),
            programs: PathBuf::new(),
        };
        assert_eq!(listed(folder.path()), []);
        std::fs::write(folder.path().join("queue"), "program").expect("a file");
        list(folder.path(), &[suite("codec"), suite("queue")]).expect("kept");
        assert_eq!(listed(folder.path()), [suite("queue")]);
        std::fs::write(folder.path().join("suites.json"), "cut sho").expect("a file");
        assert_eq!(listed(folder.path()), []);
        assert_eq!(listed(Path::new("/nowhere")), []);
    }
}

//! Which suites are the same program on both sides.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use results::pairs::sample::SameProgram;

use crate::build::{Built, Workshop};
use crate::error::Error;
use crate::likeness::{Likeness, Program};
use crate::watch::{Event, Watch};

/// Endings and names of files that a running suite does not read: the compiler and Cargo do.
const SOURCES: [&str; 4] = [".rs", "Cargo.toml", "Cargo.lock", "README.md"];

impl Workshop {
    /// The suites that are the same program on both sides, and read the same files: measuring them would compare a
    /// program with itself.
    ///
    /// A suite may read any file of its checkout while it runs. So if a file differs that is not there for the compiler,
    /// no suite is taken for the same.
    pub(crate) fn same_programs(
        &self,
        [base, candidate]: &[Built; 2],
        watch: &dyn Watch,
    ) -> Result<BTreeMap<String, SameProgram>, Error> {
        let mut same = BTreeMap::new();
        for suite in &base.suites {
            let Some(other) = candidate.suite(&suite.name) else {
                continue;
            };
            let likeness = if suite.program() == other.program() {
                Likeness::Equal
            } else {
                likeness([(base, &suite.program()), (candidate, &other.program())])?
            };
            let is_same = match likeness {
                Likeness::Equal => SameProgram::Wholly,
                Likeness::EqualButLines => SameProgram::ButForLines,
                Likeness::Different => continue,
            };
            same.insert(suite.name.clone(), is_same);
        }
        if same.is_empty() {
            return Ok(same);
        }
        let changed = self
            .repository
            .changed_files(&base.source.commit, &candidate.source.commit)?;
        let is_source = |file: &String| SOURCES.iter().any(|ending| file.ends_with(ending));
        if let Some(file) = changed.iter().find(|file| !is_source(file)) {
            watch.note(Event::SameButFiles {
                n_suites: same.len(),
                file,
            });
            same.clear();
        } else {
            let suites: Vec<&str> = same.keys().map(String::as_str).collect();
            watch.note(Event::SameProgram {
                suites: &suites.join(", "),
            });
        }
        Ok(same)
    }
}

fn likeness([base, candidate]: [(&Built, &Path); 2]) -> Result<Likeness, Error> {
    let read = |path: &Path| fs::read(path).map_err(Error::file(path));
    let (base_bytes, candidate_bytes) = (read(base.1)?, read(candidate.1)?);
    let checkout = |built: &Built| built.tree.path.to_string_lossy().into_owned();
    Ok(Likeness::of(
        Program {
            bytes: &base_bytes,
            checkout: &checkout(base.0),
        },
        Program {
            bytes: &candidate_bytes,
            checkout: &checkout(candidate.0),
        },
    ))
}

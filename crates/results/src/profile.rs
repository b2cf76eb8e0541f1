//! Profiles of one case: which stacks were seen how often, under names that two commits share.
//!
//! The files are folded stacks, one a line: `outer;inner 12`. Sampling them is left to the suites, judging what changed
//! to [`difference`], drawing to [`drawing`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::error::Error;
use crate::files;
use crate::functions::normalised;

pub mod difference;
pub mod drawing;

const MEND: &str = "profile the case again";

/// The name of the file with the folded stacks, beside the flamegraph drawn from them.
pub const FOLDED: &str = "folded.txt";

/// How often each stack was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    samples_by_stack: BTreeMap<String, u64>,
}

impl Profile {
    /// Reads folded stacks; names are made comparable by [`normalised`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = files::read(path)?;
        Self::parse(&text).map_err(|line| {
            let reason = format!("line {line} is no stack with a number of samples");
            Error::malformed(path, reason, MEND)
        })
    }

    /// Parses folded stacks; the error is the number of the line that is none.
    fn parse(text: &str) -> Result<Self, usize> {
        let mut profile = Self::default();
        for (index, line) in text.lines().enumerate() {
            let parsed = line.rsplit_once(' ').and_then(|(stack, samples)| {
                let samples: u64 = samples.parse().ok()?;
                Some((stack, samples))
            });
            let (stack, samples) = parsed.ok_or(index + 1)?;
            let frames: Vec<String> = stack.split(';').map(normalised).collect();
            *profile
                .samples_by_stack
                .entry(frames.join(";"))
                .or_default() += samples;
        }
        Ok(profile)
    }

    /// Adds what another slice of the same program saw.
    pub fn add(&mut self, other: &Self) {
        for (stack, samples) in &other.samples_by_stack {
            *self.samples_by_stack.entry(stack.clone()).or_default() += samples;
        }
    }

    /// How many samples there are in all.
    pub fn n_samples(&self) -> u64 {
        self.samples_by_stack.values().sum()
    }

    /// Stores the folded stacks, replacing the file at once.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let mut text = String::new();
        for (stack, samples) in &self.samples_by_stack {
            let _ = writeln!(text, "{stack} {samples}");
        }
        files::write_at_once(path, &text)
    }

    /// How often each function was the innermost one outside of the standard library: whose work it was.
    ///
    /// What is inlined from the standard library differs from build to build, and nobody can mend it there.
    fn samples_by_function(&self) -> BTreeMap<&str, u64> {
        let mut samples_by_function = BTreeMap::new();
        for (stack, samples) in &self.samples_by_stack {
            let innermost = stack.rsplit(';').next().unwrap_or(stack);
            let worker = stack.rsplit(';').find(|frame| !is_of_std(frame));
            *samples_by_function
                .entry(worker.unwrap_or(innermost))
                .or_default() += samples;
        }
        samples_by_function
    }
}

/// Whether a function is of the standard library, or of a type that has no crate, such as `<u64>::_fmt`.
fn is_of_std(frame: &str) -> bool {
    let path = frame.trim_start_matches(['<', '&', '*', '[', '(']);
    let path = path.trim_start_matches("mut ").trim_start_matches("dyn ");
    let Some((root, _)) = path.split_once("::") else {
        return true;
    };
    let is_name = root
        .chars()
        .all(|letter| letter.is_alphanumeric() || letter == '_');
    !is_name || ["alloc", "core", "std"].contains(&root)
}

#[cfg(test)]
mod tests;

//! Profiles of one case: which stacks were seen how often, under names that two commits share.
//!
//! The files are folded stacks, one a line: `outer;inner 12`. Sampling them is left to the suites, judging what changed
//! to [`difference`], drawing to [`drawing`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::error::Error;
use crate::files;

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
    /// Reads folded stacks; names are made comparable by [`comparable`].
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
            let frames: Vec<String> = stack.split(';').map(comparable).collect();
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

/// A function's name as two builds of it share it.
///
/// Hashes of crates and symbols go, because every build has others. So do the arguments of generics and the numbers of
/// closures, which a change elsewhere may renumber: `f::<u8>` and `f::<u16>` are one function to whoever reads it.
///
/// ```text
/// core[1a2b3c]::fmt::write::<alloc::string::String>::{closure#2}::h0123456789abcdef  →  core::fmt::write::<_>::{{closure}}
/// <alloc::vec::Vec<u8> as core::clone::Clone>::clone                                 →  <alloc::vec::Vec<_> as core::clone::Clone>::clone
/// ```
pub fn comparable(frame: &str) -> String {
    let named = closures_alike(&without_crate_hashes(without_symbol_hash(frame)));
    let mut name = String::new();
    let mut depth = 0_usize;
    let mut before = ' ';
    for letter in named.chars() {
        // An arrow of a function type ends nothing.
        let is_arrow = letter == '>' && before == '-';
        let opens_arguments =
            letter == '<' && (before.is_alphanumeric() || matches!(before, '_' | ':'));
        if depth > 0 {
            match letter {
                '<' => depth += 1,
                '>' if !is_arrow => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                name.push_str("<_>");
            }
        } else if opens_arguments {
            depth = 1;
        } else {
            name.push(letter);
        }
        before = letter;
    }
    name
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

/// Without the `::h` and 16 hexadecimal digits that end a symbol of the old form.
fn without_symbol_hash(frame: &str) -> &str {
    let is_hash =
        |hash: &str| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    match frame.rsplit_once("::h") {
        Some((name, hash)) if is_hash(hash) => name,
        _ => frame,
    }
}

/// Without the `[…]` behind the name of a crate; a slice type's brackets follow no letter.
fn without_crate_hashes(name: &str) -> String {
    let mut shorter = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('[') {
        let follows_a_name =
            before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
        let hash = after.split_once(']').filter(|(hash, _)| {
            follows_a_name && !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        shorter.push_str(before);
        rest = match hash {
            Some((_, behind)) => behind,
            None => {
                shorter.push('[');
                after
            }
        };
    }
    shorter.push_str(rest);
    shorter
}

/// `{closure#3}` and `{{closure}}` are the same to both ways of writing symbols.
fn closures_alike(name: &str) -> String {
    let mut alike = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once("{closure#") {
        alike.push_str(before);
        alike.push_str("{{closure}}");
        rest = after.split_once('}').map_or("", |(_, behind)| behind);
    }
    alike.push_str(rest);
    alike
}

#[cfg(test)]
mod tests;

//! Says a comparison in text, JSON and Markdown. The same comparison gives the same bytes.

use std::ffi::OsStr;
use std::path::Path;

use crate::error::Error;
use crate::files;

pub mod model;

pub mod difference;
pub mod export;
pub mod history;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod power;
pub mod selfcheck;
pub mod text;

mod causes;
mod markup;
mod method;
mod of_comparison;
mod of_history;
mod of_pairs;
mod paint;
mod table;
mod words;

/// Whether a text has colours; it is understandable without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// With escape sequences.
    Always,
    /// Without.
    Never,
}

impl Colour {
    /// Colours for a terminal, unless `NO_COLOR` is set to something.
    pub fn wanted(is_terminal: bool) -> Self {
        Self::decided(is_terminal, std::env::var_os("NO_COLOR").as_deref())
    }

    fn decided(is_terminal: bool, no_color: Option<&OsStr>) -> Self {
        let is_refused = no_color.is_some_and(|value| !value.is_empty());
        if is_terminal && !is_refused {
            Self::Always
        } else {
            Self::Never
        }
    }
}

/// Stores a rendered report, replacing the file at once.
pub fn write(path: &Path, text: &str) -> Result<(), Error> {
    files::write_at_once(path, text)
}

#[cfg(test)]
mod tests;

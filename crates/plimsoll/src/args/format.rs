//! `--format`.

use clap::ValueEnum;

use crate::cmd::compare::Format;

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum TypedFormat {
    Text,
    Json,
    Markdown,
}

impl TypedFormat {
    pub(super) fn format(self) -> Format {
        match self {
            Self::Text => Format::Text,
            Self::Json => Format::Json,
            Self::Markdown => Format::Markdown,
        }
    }
}

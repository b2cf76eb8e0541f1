//! Says a history in text, JSON and Markdown: all findings ranked, or one case with its plot.

pub mod json;
pub mod markdown;
pub mod plot;
pub mod text;

mod words;

#[cfg(test)]
mod tests;

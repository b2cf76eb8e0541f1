//! Says a judged run of pair mode in text, JSON and Markdown. A contaminated run says so before anything else.

pub mod json;
pub mod markdown;
pub mod text;

mod words;

#[cfg(test)]
mod tests;

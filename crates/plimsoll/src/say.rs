//! Data to stdout. Whoever closes the pipe has read enough, which is no error.

use std::io::{self, Write as _};

use anyhow::Context as _;

/// Writes data to stdout.
pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("failed to write to stdout"),
    }
}

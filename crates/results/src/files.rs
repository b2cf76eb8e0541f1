//! Reading with a clear error, and writing that is never half done.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::Error;

/// Reads a whole text file.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::unreadable(path, source))
}

/// Reads a whole text file; `None` if there is no such file.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::unreadable(path, source)),
    }
}

/// Parses JSON; the reason in the error carries line and column.
pub(crate) fn parse_json<T: DeserializeOwned>(
    path: &Path,
    text: &str,
    mend: &'static str,
) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::malformed(path, error.to_string(), mend))
}

/// Puts the text in place at once: into a temporary file beside it, to the disk, then renamed.
///
/// A reader sees the old text or the new one; after a crash the old one is still there.
pub(crate) fn write_at_once(path: &Path, text: &str) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|source| Error::unwritable(folder, source))?;
    let write = || -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".plimsoll-")
            .suffix(".tmp")
            .permissions(readable_by_all())
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|source| Error::unwritable(path, source))
}

/// Results are shared, not secret; the temporary file's own default is private.
fn readable_by_all() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o644)
}

/// Lists a folder's entries in the order of their names; none if the folder is not there.
pub(crate) fn sorted_entries(folder: &Path) -> Result<Vec<fs::DirEntry>, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::unreadable(folder, source)),
    };
    let mut entries = entries
        .collect::<io::Result<Vec<_>>>()
        .map_err(|source| Error::unreadable(folder, source))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries)
}

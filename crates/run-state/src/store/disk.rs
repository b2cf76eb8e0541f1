//! What files are asked to do here, with errors that say what was to be done.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::error::StoreError;

/// An error of the system, in the words of stores.
pub(crate) fn failed(action: &str, error: &io::Error) -> StoreError {
    let action = action.to_owned();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            StoreError::Full { action }
        }
        _ => StoreError::Unavailable {
            action,
            reason: error.to_string(),
        },
    }
}

/// Writes a whole file: beside its place, to the disk, then renamed into it.
///
/// Whoever reads the place finds the old file or the new one, also after a loss of power.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let action = format!("write {}", path.display());
    let beside = path.with_extension("tmp");
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        sync_folder(path)
    };
    write().map_err(|error| {
        // What is left of it is in the way of nobody, and the next write replaces it.
        let _ = fs::remove_file(&beside);
        failed(&action, &error)
    })
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    let removed = match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => sync_folder(path),
    };
    removed.map_err(|error| failed(&format!("remove {}", path.display()), &error))
}

/// Reads a file; `None` if it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&format!("read {}", path.display()), &error)),
    }
}

/// Brings a new or changed name to the disk.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

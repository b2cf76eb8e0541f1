//! A clock that was set back must not pass one commit's work for another's.
//!
//! Cargo builds again what is younger than its last build. A checkout is always younger, unless the clock was set back
//! in between: then all of it looks old, and Cargo would hand out the programs of the other side.

use std::fs::{self, File};
use std::path::Path;
use std::time::SystemTime;

use crate::error::Error;

/// Touched at the end of each build.
const STAMP: &str = "last-build";

/// Notes that a build came to its end.
pub(super) fn stamp(target: &Path) -> Result<(), Error> {
    let stamp = target.join(STAMP);
    // A new file, since opening an old one does not make it younger.
    let _ = fs::remove_file(&stamp);
    File::create(&stamp).map_err(Error::file(&stamp))?;
    Ok(())
}

/// Forgets all builds, if the last one is younger than this fresh checkout.
pub(super) fn check(target: &Path, checkout: &Path) -> Result<(), Error> {
    let age = |path: &Path| -> Option<SystemTime> { fs::metadata(path).ok()?.modified().ok() };
    let is_from_the_future = age(&target.join(STAMP)) > age(checkout);
    if is_from_the_future {
        fs::remove_dir_all(target).map_err(Error::file(target))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{STAMP, check, stamp};
    use std::fs::{self, File};
    use std::time::Duration;

    #[test]
    fn builds_from_the_future_are_forgotten_and_others_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (target, checkout) = (folder.path().join("target"), folder.path().join("tree"));
        fs::create_dir(&target).expect("a folder");
        stamp(&target).expect("stamped");
        fs::create_dir(&checkout).expect("a folder");
        check(&target, &checkout).expect("nothing to do");
        assert!(target.exists());

        let checked_out = fs::metadata(&checkout).and_then(|it| it.modified());
        let later = checked_out.expect("an age") + Duration::from_secs(3_600);
        let stamp = File::create(target.join(STAMP)).expect("it is there");
        stamp.set_modified(later).expect("set");
        check(&target, &checkout).expect("removed");
        assert!(!target.exists());
    }
}

//! One commit's work must not be passed for another's.
//!
//! Cargo builds again what is younger than its last build. So a checkout is made young just before it is built: the
//! other side was built since it was checked out. That helps unless the clock was set back in between: then all of it
//! looks old nevertheless, and Cargo would hand out the programs of the other side.

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

/// Makes every file of a checkout as young as can be.
#[expect(
    clippy::disallowed_methods,
    reason = "files have the wall clock's ages, and a step of it is what `check` is for"
)]
pub(super) fn renew(checkout: &Path) -> Result<(), Error> {
    let now = SystemTime::now();
    let mut left = vec![checkout.to_owned()];
    while let Some(path) = left.pop() {
        // A link may lead anywhere, and its own age is nobody's business.
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            let entries = fs::read_dir(&path).map_err(Error::file(&path))?;
            left.extend(entries.flatten().map(|entry| entry.path()));
        }
        let renewed = File::open(&path).and_then(|file| file.set_modified(now));
        renewed.map_err(Error::file(&path))?;
    }
    Ok(())
}

/// Forgets all builds, if the last one is younger than this renewed checkout.
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
    use super::{STAMP, check, renew, stamp};
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

        // The other side was built since it was checked out.
        let file = checkout.join("lib.rs");
        fs::write(&file, "").expect("a file");
        stamp(&target).expect("stamped");
        renew(&checkout).expect("renewed");
        let age = |path: &std::path::Path| fs::metadata(path).and_then(|it| it.modified());
        let stamped = age(&target.join(STAMP)).expect("an age");
        assert!(age(&file).expect("an age") >= stamped);
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

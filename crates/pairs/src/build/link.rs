//! Links a suite's program again with its functions in another order, without compiling anything.
//!
//! While Cargo builds, two small scripts keep what the programs are linked from ([`Scripts`]). Linking again takes about
//! a second then; building again would take the workspace's crates too, because the other side was built since.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// Cargo's setting for a wrapper of the compiler; one of the user's own is left alone, and nothing can be relinked then.
const WRAPPER: &str = "RUSTC_WORKSPACE_WRAPPER";

/// What the linker is told beside the order; LLD's option, and LLD is what the toolchain brings along on most Linux
/// machines.
const SHUFFLE: &str = "-Wl,--shuffle-sections=.text*=";

/// The file in a kept link that says what the linker was told.
const ARGUMENTS: &str = "arguments";

/// The scripts, written to a folder.
#[derive(Debug)]
pub(super) struct Scripts {
    rustc: PathBuf,
}

impl Scripts {
    /// Writes both; files that are as they should be keep their age, by which Cargo tells whether to ask the compiler
    /// again what it is.
    pub(super) fn write(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
        for (name, text) in [
            ("rustc.sh", include_str!("link/rustc.sh")),
            ("linker.sh", include_str!("link/linker.sh")),
        ] {
            let path = folder.join(name);
            if fs::read_to_string(&path).is_ok_and(|present| present == text) {
                continue;
            }
            let write = || {
                fs::write(&path, text)?;
                fs::set_permissions(&path, Permissions::from_mode(0o755))
            };
            write().map_err(Error::file(&path))?;
        }
        Ok(Self {
            rustc: folder.join("rustc.sh"),
        })
    }

    /// Lets Cargo use them, and keep the links in this folder.
    pub(super) fn wrap(&self, cargo: &mut Command, links: &Path) {
        if std::env::var_os(WRAPPER).is_none_or(|wrapper| wrapper.is_empty()) {
            cargo.env(WRAPPER, &self.rustc).env("PLIMSOLL_LINKS", links);
        }
    }
}

/// Moves a kept link to where the program is kept; if nothing was kept, nothing older stays in its place.
pub(super) fn keep(link: &Path, place: &Path) -> Result<(), Error> {
    if place.exists() {
        fs::remove_dir_all(place).map_err(Error::file(place))?;
    }
    if link.exists() {
        fs::rename(link, place).map_err(Error::file(place))?;
    }
    Ok(())
}

/// Links again what was kept in this folder, in the order that the seed draws; what went wrong is told in words.
pub(super) fn relink(kept: &Path, program: &Path, seed: u32) -> Result<(), String> {
    let arguments = fs::read(kept.join(ARGUMENTS))
        .map_err(|_| "nothing was kept of how it was linked".to_owned())?;
    let arguments = arguments
        .split(|byte| *byte == 0)
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let arguments: Vec<String> = arguments.filter(|argument| !argument.is_empty()).collect();
    let linker = fs::read_to_string(kept.join("linker"));
    let mut command = Command::new(linker.as_deref().unwrap_or("cc"));
    command.current_dir(kept);
    let mut is_program = false;
    for argument in &arguments {
        if is_program {
            command.arg(program);
        } else {
            command.arg(argument);
        }
        is_program = argument == "-o";
    }
    command.arg(format!("{SHUFFLE}{seed}"));
    let output = command
        .output()
        .map_err(|error| format!("the linker did not start: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let first = words.lines().find(|line| line.contains("error"));
    let first = first.or_else(|| words.lines().next()).unwrap_or("no words");
    Err(format!("the linker refuses ({first})"))
}

#[cfg(test)]
mod tests {
    use super::{Scripts, relink};
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    /// A linker that writes what it was told into the program, and refuses one word.
    const LINKER: &str = r#"#!/bin/sh
for argument; do
    [ "$argument" = refused ] && { echo 'error: unknown word' >&2; exit 1; }
    [ "$previous" = -o ] && program=$argument
    previous=$argument
done
cat a.o 2>/dev/null
echo "$@" >"$program"
"#;

    fn linked(folder: &Path, arguments: &[&str]) -> bool {
        let linker = folder.join("ld");
        fs::write(&linker, LINKER).expect("a file");
        let script = folder.join("scripts/linker.sh");
        Scripts::write(&folder.join("scripts")).expect("two files");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&linker, executable).expect("allowed");
        let status = Command::new(script)
            .current_dir(folder)
            .env("PLIMSOLL_LINKER", &linker)
            .env("PLIMSOLL_LINKS", folder.join("links"))
            .args(arguments)
            .status();
        status.expect("it starts").success()
    }

    #[test]
    fn a_program_can_be_linked_again_when_its_objects_are_gone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        fs::write(folder.join("a.o"), "object").expect("a file");
        fs::write(folder.join("b.rlib"), "library").expect("a file");
        assert!(linked(
            folder,
            &["-o", "suite-1", "a.o", "b.rlib", "-lc", "two words"]
        ));
        fs::remove_file(folder.join("a.o")).expect("there");
        fs::remove_file(folder.join("b.rlib")).expect("there");

        let kept = folder.join("links/suite-1");
        let read = |name: &str| fs::read_to_string(kept.join(name)).expect("kept");
        assert_eq!(
            (read("1.o"), read("2.rlib")),
            ("object".to_owned(), "library".to_owned())
        );
        let again = folder.join("again");
        relink(&kept, &again, 7).expect("linked");
        assert_eq!(
            fs::read_to_string(&again).expect("written"),
            format!(
                "-o {} 1.o 2.rlib -lc two words -Wl,--shuffle-sections=.text*=7\n",
                again.display()
            )
        );
    }

    #[test]
    fn what_the_linker_refuses_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(!linked(folder.path(), &["-o", "suite-1", "refused"]));
        let nothing = relink(
            &folder.path().join("links/suite-1"),
            Path::new("/nowhere"),
            1,
        );
        assert!(nothing.expect_err("nothing").contains("nothing was kept"));

        assert!(linked(folder.path(), &["-o", "suite-1", "fine"]));
        let kept = folder.path().join("links/suite-1");
        fs::write(kept.join("arguments"), "-o\0x\0refused\0").expect("a file");
        let refused = relink(&kept, Path::new("/nowhere"), 1);
        assert!(refused.expect_err("refused").contains("unknown word"));
    }

    #[test]
    fn libraries_and_build_scripts_are_linked_and_not_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for program in ["libmacros-1.so", "build_script_build-2"] {
            let path = format!("deps/../build/../{program}");
            fs::create_dir_all(folder.path().join("deps")).expect("a folder");
            fs::create_dir_all(folder.path().join("build")).expect("a folder");
            assert!(linked(folder.path(), &["-o", &path]));
            assert!(folder.path().join(program).exists());
        }
        assert!(!folder.path().join("links").exists());
    }
}

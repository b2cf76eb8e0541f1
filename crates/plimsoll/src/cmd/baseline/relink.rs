//! The same code in another order: a linker that shuffles the functions of the program.
//!
//! Cargo links again only what it believes to have changed, and with other flags it would build everything again. So the
//! target that counts names a variable, by which it alone is stale, and a program called `cc`, first in the path, hands
//! the linker one argument more.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// The variable that the target of the counts names; its value is the order.
const ORDER: &str = "PLIMSOLL_LAYOUT";

/// What the program in the linker's place reads: the linker, and the file that it makes to say that it was called.
const LINKER: &str = "PLIMSOLL_LINKER";
const MARK: &str = "PLIMSOLL_LINKED";

const PROGRAM: &str = "cc";

/// One other order.
pub(super) struct Relink {
    order: usize,
    folder: PathBuf,
    linker: PathBuf,
}

impl Relink {
    /// Puts the program in a folder of its own.
    pub(super) fn prepare(scratch: &Path, order: usize) -> anyhow::Result<Self> {
        let linker = usual_linker()
            .with_context(|| format!("found no {PROGRAM} in the path, which links programs"))?;
        let relink = Self {
            order,
            folder: scratch.join(format!("linker_{order}")),
            linker,
        };
        let script = format!(
            "#!/bin/sh\n: >\"${MARK}\"\nexec \"${LINKER}\" \"$@\" \"-Wl,--shuffle-sections=.text*=${ORDER}\"\n"
        );
        let program = relink.folder.join(PROGRAM);
        fs::create_dir_all(&relink.folder)
            .and_then(|()| fs::write(&program, script))
            .and_then(|()| fs::set_permissions(&program, fs::Permissions::from_mode(0o755)))
            .with_context(|| format!("failed to make {}", program.display()))?;
        Ok(relink)
    }

    /// What Cargo must find in its environment, when it builds and when it runs.
    pub(super) fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        let usual = env::var_os("PATH").unwrap_or_default();
        let folders = [self.folder.clone()]
            .into_iter()
            .chain(env::split_paths(&usual));
        // Each folder came from a joined path, but for ours, which lies in the target directory.
        let path = env::join_paths(folders).unwrap_or(usual);
        vec![
            (ORDER, PathBuf::from(self.order.to_string())),
            (LINKER, self.linker.clone()),
            (MARK, self.mark()),
            ("PATH", PathBuf::from(path)),
        ]
    }

    /// Another linker, set in a configuration, would have given the same order again.
    pub(super) fn was_used(&self) -> anyhow::Result<()> {
        if !self.mark().is_file() {
            bail!(
                "the program was not linked in another order, because {PROGRAM} does not link it; remove `linker` from \
                 Cargo's configuration while counts are recorded"
            );
        }
        Ok(())
    }

    fn mark(&self) -> PathBuf {
        self.folder.join("was_used")
    }
}

fn usual_linker() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(PROGRAM))
        .find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::Relink;

    #[test]
    fn the_linker_gets_all_arguments_and_one_more_and_its_call_is_seen() {
        let scratch = tempfile::tempdir().expect("a folder");
        let mut relink = Relink::prepare(scratch.path(), 7).expect("a linker is in the path");
        assert!(relink.was_used().is_err());
        relink.linker = "/bin/echo".into();
        let output = Command::new(relink.folder.join("cc"))
            .args(["-o", "a b"])
            .envs(relink.variables())
            .output()
            .expect("a shell");
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(said.trim(), "-o a b -Wl,--shuffle-sections=.text*=7");
        relink.was_used().expect("it was");
    }

    #[test]
    fn the_program_stands_first_in_the_path() {
        let scratch = tempfile::tempdir().expect("a folder");
        let relink = Relink::prepare(scratch.path(), 1).expect("a linker is in the path");
        let variables = relink.variables();
        let path = &variables
            .iter()
            .find(|(name, _)| *name == "PATH")
            .expect("set")
            .1;
        let first = std::env::split_paths(path).next().expect("a folder");
        assert_eq!(first, relink.folder);
    }
}

//! Git: which commits are meant, the working tree as a commit, and worktrees that are gone when they are dropped.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// Variables by which a hook ties git to another repository or index.
const TIES: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// A fixed author and time, so that the same dirty tree is the same commit, and its build is found again.
const NOBODY: [(&str, &str); 6] = [
    ("GIT_AUTHOR_NAME", "plimsoll"),
    ("GIT_AUTHOR_EMAIL", "plimsoll@localhost"),
    ("GIT_AUTHOR_DATE", "1970-01-01T00:00:00Z"),
    ("GIT_COMMITTER_NAME", "plimsoll"),
    ("GIT_COMMITTER_EMAIL", "plimsoll@localhost"),
    ("GIT_COMMITTER_DATE", "1970-01-01T00:00:00Z"),
];

/// The repository around a workspace.
#[derive(Debug, Clone)]
pub struct Repository {
    top: PathBuf,
    /// The workspace below the top; empty where they are the same folder.
    pub(crate) workspace: PathBuf,
}

/// A commit that can be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What the user typed, or what the tree is called.
    pub label: String,
    /// The commit to build.
    pub commit: String,
    /// The commit that the user knows: `commit` itself, or the one below a dirty tree.
    pub known_commit: String,
}

/// A checkout that is removed when dropped.
#[derive(Debug)]
pub(crate) struct Worktree {
    top: PathBuf,
    pub(crate) path: PathBuf,
}

impl Source {
    /// Whether it holds changes that no commit of the user's has.
    pub fn is_dirty(&self) -> bool {
        self.commit != self.known_commit
    }
}

impl Repository {
    /// The repository that holds this folder of a workspace.
    pub fn around(folder: &Path) -> Result<Self, Error> {
        let output = git(folder)
            .args(["rev-parse", "--show-toplevel", "--show-prefix"])
            .output();
        let output = output.map_err(Error::start(Path::new("git")))?;
        if !output.status.success() {
            return Err(Error::NoRepository {
                folder: folder.to_owned(),
                words: words(&output.stderr),
            });
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = text.lines();
        let mut path = || PathBuf::from(lines.next().unwrap_or_default());
        let top = path();
        Ok(Self {
            top,
            workspace: path(),
        })
    }

    /// The commit of a name.
    pub fn commit(&self, name: &str) -> Result<Source, Error> {
        let spec = format!("{name}^{{commit}}");
        let output = git(&self.top)
            .args(["rev-parse", "--verify", "--end-of-options", &spec])
            .output()
            .map_err(Error::start(Path::new("git")))?;
        if !output.status.success() {
            return Err(Error::UnknownCommit {
                name: name.to_owned(),
                words: words(&output.stderr),
            });
        }
        let commit = words(&output.stdout);
        Ok(Source {
            label: name.to_owned(),
            known_commit: commit.clone(),
            commit,
        })
    }

    /// The commits after `good` up to `bad`, the oldest first, along first parents: of a merge, what it brought at once.
    pub fn between(&self, good: &Source, bad: &Source) -> Result<Vec<Source>, Error> {
        let nothing = || Error::NothingBetween {
            good: good.label.clone(),
            bad: bad.label.clone(),
        };
        let mut command = git(&self.top);
        command.args(["rev-list", "--first-parent", &bad.commit]);
        let line = checked(command, &format!("list the commits of {}", bad.label))?;
        let newer: Vec<&str> = line
            .lines()
            .take_while(|commit| *commit != good.commit)
            .collect();
        if newer.is_empty() || newer.len() == line.lines().count() {
            return Err(nothing());
        }
        let commits = newer.into_iter().rev().map(|commit| Source {
            label: commit.get(..9).unwrap_or(commit).to_owned(),
            commit: commit.to_owned(),
            known_commit: commit.to_owned(),
        });
        Ok(commits.collect())
    }

    /// The first line of a commit's message.
    pub fn title(&self, commit: &str) -> Result<String, Error> {
        let mut command = git(&self.top);
        command.args(["show", "--no-patch", "--format=%s", commit]);
        checked(command, &format!("read the message of {commit}"))
    }

    /// The files as they are now, with all changes and new files that git does not ignore.
    ///
    /// Changes become a commit that no branch knows, which git removes some weeks later.
    /// The build folder is left out even where nothing tells git to ignore it.
    pub fn working_tree(&self, build_folder: &Path) -> Result<Source, Error> {
        let head = self.commit("HEAD")?;
        let folder = tempfile::tempdir().map_err(Error::file(&std::env::temp_dir()))?;
        let index = folder.path().join("index");
        let run = |arguments: &[&str]| {
            let mut command = git(&self.top);
            command
                .env("GIT_INDEX_FILE", &index)
                .envs(NOBODY)
                .args(arguments);
            checked(command, "take the working tree as it is")
        };
        run(&["read-tree", "HEAD"])?;
        let left_out = self.left_out(build_folder)?;
        let mut add = vec!["add", "--all", "--", "."];
        add.extend(left_out.as_deref());
        run(&add)?;
        let tree = run(&["write-tree"])?;
        let head_tree = run(&["rev-parse", "HEAD^{tree}"])?;
        let commit = if tree == head_tree {
            head.commit.clone()
        } else {
            let message = "The working tree, as plimsoll measured it";
            run(&["commit-tree", &tree, "-p", "HEAD", "-m", message])?
        };
        Ok(Source {
            label: "working tree".to_owned(),
            commit,
            known_commit: head.commit,
        })
    }

    /// The pathspec that leaves a folder of the repository out; none if git ignores it by itself, and then refuses to
    /// hear of it.
    fn left_out(&self, folder: &Path) -> Result<Option<String>, Error> {
        let Ok(inside) = folder.strip_prefix(&self.top) else {
            return Ok(None);
        };
        let output = git(&self.top)
            .args(["check-ignore", "--quiet"])
            .arg(folder)
            .output();
        let is_ignored = output
            .map_err(Error::start(Path::new("git")))?
            .status
            .success();
        Ok((!is_ignored).then(|| format!(":(exclude){}", inside.display())))
    }

    /// Whether a commit has this file.
    pub(crate) fn has_file(&self, commit: &str, file: &Path) -> Result<bool, Error> {
        let spec = format!("{commit}:{}", self.workspace.join(file).display());
        let output = git(&self.top).args(["cat-file", "-e", &spec]).output();
        Ok(output
            .map_err(Error::start(Path::new("git")))?
            .status
            .success())
    }

    /// The files that differ between two commits, from the top of the repository.
    pub(crate) fn changed_files(&self, base: &str, candidate: &str) -> Result<Vec<String>, Error> {
        let mut command = git(&self.top);
        command.args(["diff", "--name-only", "--no-renames", "-z", base, candidate]);
        let files = checked(command, &format!("compare {base} with {candidate}"))?;
        let files = files.split('\0').filter(|file| !file.is_empty());
        Ok(files.map(str::to_owned).collect())
    }

    /// Removes a worktree, or whatever lies there.
    pub(crate) fn clear(&self, path: &Path) -> Result<(), Error> {
        clear(&self.top, path)
    }

    /// Checks a commit out at this path, where nothing of an earlier run may be left.
    ///
    /// Every file is new then: Cargo, who tells by age what to build again, never takes another commit's work for it.
    pub(crate) fn check_out(&self, commit: &str, path: &Path) -> Result<Worktree, Error> {
        self.clear(path)?;
        let mut command = git(&self.top);
        command.args(["worktree", "add", "--quiet", "--force", "--detach"]);
        command.arg(path).arg(commit);
        // Made before git starts, so that half a worktree is removed, too.
        let worktree = Worktree {
            top: self.top.clone(),
            path: path.to_owned(),
        };
        checked(command, &format!("check out {commit}"))?;
        Ok(worktree)
    }
}

impl Drop for Worktree {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _ = clear(&self.top, &self.path);
    }
}

fn clear(top: &Path, path: &Path) -> Result<(), Error> {
    let mut command = git(top);
    command
        .args(["worktree", "remove", "--force", "--force"])
        .arg(path);
    // It fails where git knows no worktree; whatever lies there then goes as a plain folder.
    command.output().map_err(Error::start(Path::new("git")))?;
    if path.exists() {
        fs::remove_dir_all(path).map_err(Error::file(path))?;
    }
    Ok(())
}

fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder);
    for variable in TIES {
        command.env_remove(variable);
    }
    command
}

/// Runs it, and returns what it says without the last line end.
fn checked(mut command: Command, doing: &str) -> Result<String, Error> {
    let program = Path::new(OsStr::new("git"));
    let output = command.output().map_err(Error::start(program))?;
    if output.status.success() {
        return Ok(words(&output.stdout));
    }
    Err(Error::Git {
        doing: doing.to_owned(),
        words: words(&output.stderr),
    })
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

#[cfg(test)]
mod tests;

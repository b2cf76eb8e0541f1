//! Commits, dirty trees and worktrees in small real repositories.

use std::fs;
use std::path::Path;

use super::{NOBODY, Repository, checked, git};
use crate::error::Error;

fn run(folder: &Path, arguments: &[&str]) {
    let mut command = git(folder);
    command.envs(NOBODY).args(arguments);
    checked(command, "prepare a test").expect("git works");
}

/// A repository with one commit, and the workspace in its folder `inner`.
fn repository() -> (tempfile::TempDir, Repository) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    run(folder.path(), &["init", "--quiet"]);
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).expect("a folder");
    fs::write(inner.join("Cargo.lock"), "first").expect("a file");
    run(folder.path(), &["add", "--all"]);
    run(folder.path(), &["commit", "--quiet", "-m", "first"]);
    let repository = Repository::around(&inner).expect("a repository");
    (folder, repository)
}

#[test]
fn a_workspace_may_lie_below_the_top() {
    let (_folder, repository) = repository();
    assert_eq!(repository.workspace, Path::new("inner"));
    let head = repository.commit("HEAD").expect("a commit").commit;
    let has = |file| repository.has_file(&head, Path::new(file)).expect("asked");
    assert!(has("Cargo.lock"));
    assert!(!has("Cargo.toml"));
}

#[test]
fn a_clean_tree_is_its_commit() {
    let (_folder, repository) = repository();
    let tree = repository
        .working_tree(Path::new("target"))
        .expect("a tree");
    assert!(!tree.is_dirty());
    assert_eq!(tree.commit, repository.commit("HEAD").expect("it").commit);
}

#[test]
fn the_same_dirty_tree_is_the_same_commit_and_another_is_not() {
    let (folder, repository) = repository();
    fs::write(folder.path().join("inner/new.rs"), "fn f() {}").expect("a file");
    let dirty = repository
        .working_tree(Path::new("target"))
        .expect("a tree");
    assert!(dirty.is_dirty());
    assert_eq!(
        repository.working_tree(Path::new("target")).expect("again"),
        dirty
    );
    assert!(
        repository
            .has_file(&dirty.commit, Path::new("new.rs"))
            .expect("asked")
    );

    let target = folder.path().join("target");
    fs::create_dir(&target).expect("a folder");
    fs::write(target.join("object"), "built").expect("a file");
    assert_eq!(repository.working_tree(&target).expect("without it"), dirty);
    fs::write(folder.path().join(".git/info/exclude"), "target").expect("a file");
    assert_eq!(repository.working_tree(&target).expect("ignored"), dirty);

    fs::write(folder.path().join("inner/new.rs"), "fn g() {}").expect("a file");
    assert_ne!(
        repository
            .working_tree(Path::new("target"))
            .expect("another")
            .commit,
        dirty.commit
    );
    let mut status = git(folder.path());
    status.args(["diff", "--cached", "--name-only"]);
    assert_eq!(
        checked(status, "look").expect("status"),
        "",
        "the user's index is untouched"
    );
}

#[test]
fn a_worktree_is_gone_when_dropped_even_after_a_run_that_was_killed() {
    let (_folder, repository) = repository();
    let head = repository.commit("HEAD").expect("a commit").commit;
    let place = tempfile::tempdir().expect("a temporary folder");
    let path = place.path().join("tree");
    for _ in 0..2 {
        // As a killed process leaves it.
        std::mem::forget(repository.check_out(&head, &path).expect("a worktree"));
        assert!(path.join("inner/Cargo.lock").is_file());
    }
    drop(
        repository
            .check_out(&head, &path)
            .expect("over the old one"),
    );
    assert!(!path.exists());
    let mut list = git(&repository.top);
    list.args(["worktree", "list"]);
    assert_eq!(checked(list, "look").expect("a list").lines().count(), 1);
}

#[test]
fn unknown_names_and_places_are_named() {
    let (_folder, repository) = repository();
    assert!(matches!(
        repository.commit("nowhere"),
        Err(Error::UnknownCommit { name, .. }) if name == "nowhere"
    ));
    assert!(matches!(
        repository.commit("--help"),
        Err(Error::UnknownCommit { .. })
    ));
    let outside = tempfile::tempdir().expect("a temporary folder");
    assert!(matches!(
        Repository::around(outside.path()),
        Err(Error::NoRepository { .. })
    ));
}

//! What is vouched for, and what is not.

use std::fs;
use std::path::Path;

use jiff::civil::date;

use super::{FILE, add, unvouched};

/// Two folders of baselines, vouched for.
fn baselines() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "machine/codec.json", "one");
    put(folder.path(), "instructions/codec.json", "one");
    for name in ["machine/", "instructions/"] {
        add(folder.path(), name, "the first numbers", date(2026, 11, 21)).expect("written");
    }
    folder
}

fn put(baselines: &Path, file: &str, text: &str) {
    let path = baselines.join(file);
    fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn names(baselines: &Path) -> Vec<String> {
    let unvouched = unvouched(baselines).expect("readable");
    unvouched.into_iter().map(|entry| entry.name).collect()
}

#[test]
fn what_has_its_line_is_vouched_for() {
    let folder = baselines();
    assert!(names(folder.path()).is_empty());
    let text = fs::read_to_string(folder.path().join(FILE)).expect("written");
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("- ")).collect();
    assert!(
        lines[0].starts_with("- 2026-11-21, `instructions/` `sha256:"),
        "{text}"
    );
    assert!(lines[0].ends_with("`: the first numbers"), "{text}");
    assert_eq!(lines.len(), 2, "newest first: {text}");
}

#[test]
fn a_change_without_a_line_is_named_with_the_mark_that_its_line_needs() {
    let folder = baselines();
    put(folder.path(), "machine/codec.json", "two");
    let found = unvouched(folder.path()).expect("readable");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "machine/");
    // By hand, as the gate says.
    let path = folder.path().join(FILE);
    let text = fs::read_to_string(&path).expect("there");
    let line = format!(
        "- 2026-11-22, `machine/` `{}`: a new processor.\n- ",
        found[0].mark
    );
    fs::write(&path, text.replacen("- ", &line, 1)).expect("put");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_new_a_removed_and_a_renamed_file_are_changes() {
    for change in [
        |folder: &Path| put(folder, "machine/queue.json", "one"),
        |folder: &Path| fs::remove_file(folder.join("machine/codec.json")).expect("removed"),
        |folder: &Path| {
            let (from, to) = ("machine/codec.json", "machine/quota.json");
            fs::rename(folder.join(from), folder.join(to)).expect("renamed");
        },
    ] {
        let folder = baselines();
        change(folder.path());
        assert_eq!(names(folder.path()), ["machine/"]);
    }
}

#[test]
fn going_back_needs_a_line_of_its_own() {
    let folder = baselines();
    put(folder.path(), "machine/codec.json", "two");
    add(
        folder.path(),
        "machine/",
        "a new processor",
        date(2026, 11, 22),
    )
    .expect("written");
    assert!(names(folder.path()).is_empty());
    put(folder.path(), "machine/codec.json", "one");
    assert_eq!(names(folder.path()), ["machine/"]);
}

#[test]
fn a_line_without_a_reason_vouches_for_nothing() {
    let folder = baselines();
    add(folder.path(), "machine/", " ", date(2026, 11, 22)).expect("written");
    assert_eq!(names(folder.path()), ["machine/"]);
}

#[test]
fn acceptances_need_a_line_and_texts_do_not() {
    let folder = baselines();
    put(folder.path(), "README.md", "what is here");
    put(folder.path(), "accepted.toml", "");
    assert_eq!(names(folder.path()), ["accepted.toml"]);
}

#[test]
fn without_the_file_nothing_is_vouched_for() {
    let folder = baselines();
    fs::remove_file(folder.path().join(FILE)).expect("removed");
    assert_eq!(names(folder.path()), ["instructions/", "machine/"]);
}

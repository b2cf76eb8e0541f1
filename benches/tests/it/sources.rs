//! Rules about Rust files.

use std::path::PathBuf;

use crate::{files, name, none, read, root};

/// A longer file is two.
const MOST_LINES: usize = 600;

fn sources() -> Vec<(PathBuf, String)> {
    files(&["crates", "benches"], "rs")
        .into_iter()
        .map(|path| {
            let text = read(&path);
            let relative = path.strip_prefix(root()).expect("it lies below the root");
            (relative.to_owned(), text)
        })
        .collect()
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    let breaches: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path.display().to_string())
        .collect();
    none("begin each file with `//!` and a sentence:", &breaches);
}

#[test]
fn no_file_is_longer_than_a_reader_bears() {
    let breaches: Vec<String> = sources()
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, n_lines)| *n_lines > MOST_LINES)
        .map(|(path, n_lines)| format!("{}: {n_lines} lines", path.display()))
        .collect();
    none("split each file of more than 600 lines:", &breaches);
}

#[test]
fn no_module_file_is_called_mod() {
    let breaches: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| name(path) == "mod.rs")
        .map(|(path, _)| path.display().to_string())
        .collect();
    none("put `foo.rs` beside `foo/`:", &breaches);
}

#[test]
fn no_unfinished_work_is_written_into_the_code() {
    // Put together here, so that this file does not find itself.
    let words = [
        format!("FIX{}", "ME"),
        format!("TO{}", "DO"),
        format!("XX{}", "X:"),
        format!("to{}!(", "do"),
        format!("unimpl{}!(", "emented"),
    ];
    lines_with(
        "finish it, or write it down where work is planned:",
        |line| words.iter().any(|word| line.contains(word.as_str())),
    );
}

#[test]
fn a_lint_is_set_aside_only_with_a_reason() {
    let bare = format!("[al{}(", "low");
    lines_with(
        "use `#[expect(lint, reason = \"…\")]`, which goes when it is no longer needed:",
        |line| line.contains(&format!("#{bare}")) || line.contains(&format!("#!{bare}")),
    );
}

#[test]
fn no_test_is_switched_off() {
    let ignored = format!("#[ig{}", "nore");
    lines_with("let the test say that it skipped, or remove it:", |line| {
        line.trim_start().starts_with(&ignored)
    });
}

#[test]
fn only_the_binary_prints() {
    let set_aside = ["print_stdout", "print_stderr"].map(|lint| format!("expect(clippy::{lint}"));
    let breaches: Vec<String> = sources()
        .into_iter()
        // A test may print that it skipped.
        .filter(|(path, _)| {
            let is_test = path.components().any(|part| part.as_os_str() == "tests");
            !path.starts_with("crates/plimsoll") && !is_test
        })
        .filter(|(_, text)| set_aside.iter().any(|lint| text.contains(lint.as_str())))
        .map(|(path, _)| path.display().to_string())
        .collect();
    none("return what you want to print, or log it:", &breaches);
}

fn lines_with(rule: &str, breaks: impl Fn(&str) -> bool) {
    let mut breaches = Vec::new();
    for (path, text) in sources() {
        for (index, line) in text.lines().enumerate() {
            if breaks(line) {
                breaches.push(format!("{}:{}: {}", path.display(), index + 1, line.trim()));
            }
        }
    }
    none(rule, &breaches);
}

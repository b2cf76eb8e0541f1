//! Adding and reading nights, and whatever can be wrong with them.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Added, Order, add, read};
use crate::error::Error;
use crate::history::line::Line;
use crate::history::synthetic::line;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A run of three cases on a night.
fn run(night: i32) -> Vec<Line> {
    ["codec/decode/10kb", "codec/encode/10kb", "queue/order/30k"]
        .iter()
        .map(|id| line(night).of_case(id))
        .collect()
}

fn added(folder: &Path, lines: &[Line]) -> PathBuf {
    match add(folder, lines, Order::Rising).expect("added") {
        Added::To(path) => path,
        Added::Already(path) => panic!("{} is there already", path.display()),
    }
}

fn append(path: &Path, text: &str) {
    let whole = fs::read_to_string(path).expect("readable") + text;
    fs::write(path, whole).expect("put");
}

#[test]
fn what_was_added_is_read_back_in_the_order_of_the_nights() {
    let folder = folder();
    for night in 1..=3 {
        added(folder.path(), &run(night));
    }
    let kept = read(folder.path()).expect("readable");
    assert_eq!(kept.lines, [run(1), run(2), run(3)].concat());
    assert!(kept.breaches.is_empty());
}

#[test]
fn a_file_is_named_after_machine_and_time_and_has_a_line_per_case() {
    let folder = folder();
    let path = added(folder.path(), &run(0));
    assert_eq!(
        path,
        folder.path().join("intel-2c-vm/2026-01-01T020000Z.jsonl")
    );
    let text = fs::read_to_string(path).expect("readable");
    assert_eq!(text.lines().count(), 3);
    assert!(
        text.lines()
            .all(|line| line.starts_with("{\"schema\":1,\"case\":"))
    );
}

#[test]
fn the_same_run_is_added_once() {
    let folder = folder();
    let path = added(folder.path(), &run(1));
    let again = add(folder.path(), &run(1), Order::Rising).expect("no harm");
    assert_eq!(again, Added::Already(path));
    assert_eq!(read(folder.path()).expect("readable").lines.len(), 3);
}

#[test]
fn a_clock_that_stepped_back_adds_nothing_unless_somebody_names_the_time() {
    let folder = folder();
    added(folder.path(), &run(5));
    let error = add(folder.path(), &run(4), Order::Rising).expect_err("refused");
    let words = error.to_string();
    assert!(matches!(error, Error::Refused { .. }), "{words}");
    assert!(
        words.contains("2026-01-06T02:00:00Z") && words.contains("--time"),
        "{words}"
    );
    assert_eq!(read(folder.path()).expect("readable").lines.len(), 3);

    add(folder.path(), &run(4), Order::Any).expect("added");
    assert_eq!(
        read(folder.path()).expect("readable").lines,
        [run(4), run(5)].concat()
    );
}

#[test]
fn each_machine_has_a_clock_of_its_own() {
    let folder = folder();
    added(folder.path(), &run(5));
    let elsewhere: Vec<Line> = run(4)
        .into_iter()
        .map(|line| line.on_machine("other").of_commit("x"))
        .collect();
    let elsewhere: Vec<Line> = elsewhere
        .into_iter()
        .map(|line| line.against("new"))
        .collect();
    added(folder.path(), &elsewhere);
    assert_eq!(read(folder.path()).expect("readable").lines.len(), 6);
}

#[test]
fn two_runs_of_one_second_are_not_mixed() {
    let folder = folder();
    added(folder.path(), &run(1));
    let other: Vec<Line> = run(1).into_iter().map(|line| line.against("new")).collect();
    let error = add(folder.path(), &other, Order::Any).expect_err("refused");
    assert!(error.to_string().contains("same second"), "{error}");
}

#[test]
fn a_run_without_effects_is_no_night() {
    let folder = folder();
    let error = add(folder.path(), &[], Order::Rising).expect_err("refused");
    assert!(error.to_string().contains("no case"), "{error}");
}

#[test]
fn a_line_that_is_cut_short_is_named_and_the_rest_stands() {
    let folder = folder();
    added(folder.path(), &run(1));
    let path = added(folder.path(), &run(2));
    let text = fs::read_to_string(&path).expect("readable");
    fs::write(&path, &text[..text.len() - 40]).expect("cut");
    let kept = read(folder.path()).expect("readable");
    assert_eq!(kept.lines.len(), 5);
    assert_eq!(kept.breaches.len(), 1);
    assert_eq!((&kept.breaches[0].path, kept.breaches[0].line), (&path, 3));
    assert!(
        kept.breaches[0].reason.contains("cut short"),
        "{:?}",
        kept.breaches
    );
}

#[test]
fn damaged_and_later_lines_are_named_and_the_rest_stands() {
    for (broken, told) in [
        ("not json\n".to_owned(), "expected"),
        ("\n".to_owned(), "EOF"),
        (
            stored(2).replace("\"schema\":1", "\"schema\":2,\"more\":1"),
            "schema is 2",
        ),
        (stored(2).replace("\"n_rounds\"", "\"n_laps\""), "n_laps"),
        (
            stored(2).replace("\"low\":-0.004", "\"low\":9.0"),
            "impossible effect",
        ),
        (
            stored(2).replace("\"relevance\":0.01", "\"relevance\":0.0"),
            "impossible relevance",
        ),
        (stored(2).replace("codec/encode/10kb", "codec"), "\"codec\""),
        (stored(2).replace("02:00:00Z", "25:00:00Z"), "hour"),
    ] {
        let folder = folder();
        let path = added(folder.path(), &run(1));
        append(&path, &broken);
        append(&path, &stored(3));
        let kept = read(folder.path()).expect("readable");
        assert_eq!(kept.lines.len(), 4, "{told}");
        assert_eq!(kept.breaches.len(), 1, "{told}");
        assert_eq!(kept.breaches[0].line, 4);
        assert!(
            kept.breaches[0].reason.contains(told),
            "{told}: {:?}",
            kept.breaches
        );
    }
}

/// One line as it is stored.
fn stored(night: i32) -> String {
    let folder = folder();
    let path = added(folder.path(), &[line(night)]);
    fs::read_to_string(path).expect("readable")
}

#[test]
fn ids_that_collide_count_once_if_they_agree_and_not_at_all_if_they_do_not() {
    for (copy, n_lines, told) in [
        (line(1).of_case("codec/encode/10kb"), 3, "counts once"),
        (
            line(1).of_case("codec/encode/10kb").at(7.0),
            2,
            "neither counts",
        ),
    ] {
        let folder = folder();
        let path = added(folder.path(), &run(1));
        let text = serde_json::to_string(&copy).expect("a line") + "\n";
        append(&path, &text);
        let kept = read(folder.path()).expect("readable");
        assert_eq!(kept.lines.len(), n_lines, "{told}");
        let breach = kept.breaches.last().expect("named");
        assert_eq!(breach.line, 4);
        assert!(breach.reason.contains(told), "{breach:?}");
    }
}

#[test]
fn a_copied_file_counts_once() {
    let folder = folder();
    let path = added(folder.path(), &run(1));
    fs::copy(&path, path.with_file_name("copy.jsonl")).expect("copied");
    let kept = read(folder.path()).expect("readable");
    assert_eq!((kept.lines.len(), kept.breaches.len()), (3, 3));
}

#[test]
fn an_empty_folder_is_no_history_and_other_files_are_no_matter() {
    let folder = folder();
    fs::write(folder.path().join("README.md"), "nights").expect("put");
    fs::create_dir(folder.path().join(".git")).expect("made");
    let error = read(folder.path()).expect_err("nothing there");
    assert!(matches!(error, Error::Empty { .. }), "{error}");
    let error = read(&folder.path().join("nowhere")).expect_err("nothing there");
    assert!(matches!(error, Error::Empty { .. }), "{error}");
    added(folder.path(), &run(1));
    assert_eq!(read(folder.path()).expect("readable").lines.len(), 3);
}

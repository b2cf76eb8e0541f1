//! One measurement in many forms, and a kept report said again.

use std::fs;

use crate::sandbox::{Outcome, Sandbox};

/// A measurement in which one path is twice as slow.
fn slowed() -> Sandbox {
    let sandbox = Sandbox::with_baseline();
    sandbox.measure(1, |id| {
        Some(if id == "codec/encode/100_kb" {
            2.0
        } else {
            1.0
        })
    });
    sandbox
}

/// Keeps the comparison as JSON, and says it again with these arguments.
fn again(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let file = sandbox.path("kept.json").display().to_string();
    let outcome = sandbox.compare(&["--report", &format!("json={file}")]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    sandbox.run(&[&["report", &file], arguments].concat(), &[])
}

#[test]
fn one_measurement_gives_several_forms_at_once() {
    let sandbox = slowed();
    let path = |name: &str| sandbox.path(name).display().to_string();
    let outcome = sandbox.compare(&[
        "--format",
        "markdown",
        "--report",
        &format!("html={}", path("out/page.html")),
        "--report",
        &format!("junit={}", path("out/tests.xml")),
    ]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert!(
        outcome.stdout.starts_with("## Plimsoll: worse"),
        "{}",
        outcome.stdout
    );
    let read = |name: &str| fs::read_to_string(sandbox.path(name)).expect(name);
    let page = read("out/page.html");
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    assert!(page.contains("<h1>1 of 12 cases regressed</h1>"), "{page}");
    let tests = read("out/tests.xml");
    assert_eq!(tests.matches("<failure").count(), 1, "{tests}");
}

#[test]
fn a_kept_report_says_in_every_form_what_was_said_at_first() {
    let sandbox = slowed();
    for format in ["text", "json", "markdown", "html", "junit", "bmf", "gha"] {
        let first = sandbox.compare(&["--format", format]);
        let kept = again(&sandbox, &["--format", format]);
        assert_eq!(kept.code, Some(1), "{format}: {}", kept.stderr);
        assert!(
            !kept.stdout.is_empty() && kept.stdout == first.stdout,
            "{format}"
        );
    }
}

#[test]
fn flamegraphs_are_shown_inside_the_page() {
    let sandbox = slowed();
    fs::write(
        sandbox.path("a.svg"),
        "<svg height=\"70\"><text>codec::encode</text></svg>",
    )
    .expect("put");
    let svg = format!("codec/encode={}", sandbox.path("a.svg").display());
    let outcome = again(&sandbox, &["--format", "html", "--flamegraph", &svg]);
    assert!(
        outcome
            .stdout
            .contains("<figcaption>codec/encode</figcaption>")
    );
    assert!(outcome.stdout.contains("codec::encode"));

    let absent = format!("codec/encode={}", sandbox.path("b.svg").display());
    let outcome = again(&sandbox, &["--format", "html", "--flamegraph", &absent]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("b.svg"), "{}", outcome.stderr);
}

#[test]
fn what_is_no_report_is_refused_with_the_file_and_the_mend() {
    let sandbox = slowed();
    fs::write(sandbox.path("other.json"), r#"{"schema": 7}"#).expect("put");
    for (file, complaint) in [
        ("other.json", "schema is 7, but it has no `kind`"),
        ("absent.json", "absent.json"),
    ] {
        let file = sandbox.path(file).display().to_string();
        let outcome = sandbox.run(&["report", &file], &[]);
        assert_eq!((outcome.code, &*outcome.stdout), (Some(2), ""));
        assert!(outcome.stderr.contains(complaint), "{}", outcome.stderr);
    }
}

/// A scenario of two users and a promise, which the null driver makes in an instant.
const SCENARIO: &str = "text = \"Two users; shows nothing.\"\n[closed]\nusers = 2\nqueries = 20\n\
    [llm]\nlatency = [\"1ms\", \"1ms\"]\n[[slo]]\nmetric = \"success\"\nat_least = 0.5\n";

const LOAD_FORMS: [&str; 6] = ["text", "json", "markdown", "html", "junit", "csv"];

const CAPACITY_FORMS: [&str; 3] = ["text", "json", "html"];

const SOAK_FORMS: [&str; 5] = ["text", "json", "markdown", "html", "junit"];

/// A folder in which this command has said what it found in each form: the first to stdout, all to `kept.<form>`.
fn told(command: &[&str], forms: &[&str]) -> (Sandbox, Outcome) {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("two.toml"), SCENARIO).expect("written");
    let files = forms
        .iter()
        .map(|form| format!("--report={form}=kept.{form}"));
    let files: Vec<String> = files.collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let shared = ["two.toml", "--driver", "null", "--format", forms[0]];
    let arguments = [&command[..1], &shared, &command[1..], &files].concat();
    let outcome = sandbox.run(&arguments, &[]);
    let written = outcome.stderr.matches("the report is in").count();
    assert_eq!(written, forms.len(), "{}", outcome.stderr);
    (sandbox, outcome)
}

/// Whatever the command has said, its record says again, byte by byte, and ends as it did.
fn check_again(command: &[&str], forms: &[&str]) {
    let (sandbox, first) = told(command, forms);
    for form in forms {
        let again = sandbox.run(&["report", "kept.json", "--format", form], &[]);
        assert_eq!(again.code, first.code, "{form}: {}", again.stderr);
        let file = fs::read_to_string(sandbox.path(&format!("kept.{form}")));
        let file = file.expect("written");
        assert!(!file.is_empty() && again.stdout == file, "{form}");
        if *form == forms[0] {
            assert_eq!(again.stdout, first.stdout);
        }
    }
    let report = format!("--report={0}=again.{0}", forms[2]);
    let again = sandbox.run(&["report", "kept.json", &report], &[]);
    assert_eq!(again.code, first.code, "{}", again.stderr);
    let read = |name: &str| fs::read(sandbox.path(&format!("{name}.{}", forms[2]))).expect(name);
    assert_eq!(read("again"), read("kept"));
}

#[test]
fn the_record_of_a_load_run_says_in_every_form_what_was_said_at_first() {
    check_again(&["load"], &LOAD_FORMS);
}

#[test]
fn the_record_of_a_search_says_in_every_form_what_was_said_at_first() {
    check_again(&["capacity", "--most=2", "--probes=2"], &CAPACITY_FORMS);
}

#[test]
fn the_record_of_a_soak_says_in_every_form_what_was_said_at_first() {
    check_again(&["soak", "--drain=1s"], &SOAK_FORMS);
}

/// What `report` says of a file in this folder if it says nothing but an error.
fn refusal(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let outcome = sandbox.run(&[&["report"], arguments].concat(), &[]);
    let silent = (outcome.code, &*outcome.stdout);
    assert_eq!(silent, (Some(2), ""), "{arguments:?}");
    outcome.stderr
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?}: {message}");
    }
}

#[test]
fn a_form_that_a_kind_does_not_have_is_refused_before_anything_is_said() {
    let (load, _) = told(&["load"], &LOAD_FORMS);
    for asked in [["--format", "bmf"], ["--report", "gha=out.json"]] {
        let message = refusal(&load, &[&["kept.json"], &asked[..]].concat());
        let form = asked[1].split('=').next().expect("a form");
        let lacks = format!("a load run, which has no form {form}");
        let has = "text, json, markdown, html, junit, csv";
        assert_says(&message, &["kept.json", &lacks, has]);
    }
    assert!(!load.path("out.json").exists());

    let (capacity, _) = told(&["capacity", "--most=2", "--probes=2"], &CAPACITY_FORMS);
    for form in ["markdown", "junit", "csv", "bmf", "gha"] {
        let message = refusal(&capacity, &["kept.json", "--format", form]);
        let lacks = format!("a capacity search, which has no form {form}");
        assert_says(&message, &["kept.json", &lacks, "text, json, html"]);
    }

    let (soak, _) = told(&["soak", "--drain=1s"], &SOAK_FORMS);
    for form in ["csv", "bmf", "gha"] {
        let message = refusal(&soak, &["kept.json", "--format", form]);
        let lacks = format!("a soak, which has no form {form}");
        assert_says(&message, &["kept.json", &lacks, &SOAK_FORMS.join(", ")]);
    }

    let comparison = slowed();
    let outcome = again(&comparison, &["--format", "csv"]);
    assert_eq!((outcome.code, &*outcome.stdout), (Some(2), ""));
    let lacks = "a comparison, which has no form csv";
    assert_says(&outcome.stderr, &["kept.json", lacks, "bmf, gha"]);
}

#[test]
fn what_only_a_comparison_shows_is_refused_beside_other_kinds() {
    for (command, forms, what) in [
        (&["load"][..], &LOAD_FORMS[..], "a load run"),
        (
            &["capacity", "--most=2", "--probes=2"],
            &CAPACITY_FORMS,
            "a capacity search",
        ),
        (&["soak", "--drain=1s"], &SOAK_FORMS, "a soak"),
    ] {
        let (sandbox, _) = told(command, forms);
        for given in [["--flamegraph", "a=a.svg"], ["--history", "nights"]] {
            let message = refusal(&sandbox, &[&["kept.json"], &given[..]].concat());
            assert_says(&message, &["kept.json", what, given[0], "leave it out"]);
        }
    }
}

#[test]
fn a_record_that_is_cut_short_of_another_version_or_of_no_kind_is_named_with_the_mend() {
    let (sandbox, _) = told(&["load"], &LOAD_FORMS);
    let record = fs::read_to_string(sandbox.path("kept.json")).expect("written");
    let half = &record[..record.len() / 2];
    let newer = record.replace("\"schema\": 1", "\"schema\": 4");
    let older = record.replace("  \"kind\": \"load\",\n", "");
    let other = record.replace("\"kind\": \"load\"", "\"kind\": \"night\"");
    let mend = "wrote with `--format json`";
    for (text, parts) in [
        (half, ["it is cut short", " at line ", mend]),
        (
            &*newer,
            [
                "schema is 4",
                "this build reads 1 of a load run",
                "read it with the plimsoll that wrote it",
            ],
        ),
        (&*older, ["has no `kind`", "schema is 1", mend]),
        (&*other, ["unknown variant `night`", " at line 3", mend]),
        ("# Notes\n", ["expected value", "at line 1 column 1", mend]),
    ] {
        fs::write(sandbox.path("spoiled.json"), text).expect("written");
        let message = refusal(&sandbox, &["spoiled.json"]);
        assert_says(&message, &parts);
        assert_says(&message, &["spoiled.json"]);
    }
}

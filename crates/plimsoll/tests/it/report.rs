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
        ("other.json", "schema is 7"),
        ("absent.json", "absent.json"),
    ] {
        let file = sandbox.path(file).display().to_string();
        let outcome = sandbox.run(&["report", &file], &[]);
        assert_eq!((outcome.code, &*outcome.stdout), (Some(2), ""));
        assert!(outcome.stderr.contains(complaint), "{}", outcome.stderr);
    }
}

//! `plimsoll bisect` before anything is built: what is refused, and with which code. The rest is tested in `pairs`.

use crate::sandbox::{git, workspace};

const CASE: &str = "codec/encode/10_kb";

#[test]
fn what_cannot_be_searched_is_refused_with_the_reason() {
    let sandbox = workspace(true);
    git(
        &sandbox,
        &["commit", "--quiet", "--allow-empty", "-m", "second"],
    );
    git(
        &sandbox,
        &["commit", "--quiet", "--allow-empty", "-m", "third"],
    );
    let target = sandbox.path("target").display().to_string();
    for (arguments, told) in [
        (["codec", "HEAD~1", "HEAD"], "suite/case/parameter"),
        ([CASE, "nowhere", "HEAD"], "\"nowhere\""),
        ([CASE, "HEAD~1", "nowhere"], "\"nowhere\""),
        ([CASE, "HEAD", "HEAD"], "no commit after HEAD"),
        // The wrong way round.
        ([CASE, "HEAD", "HEAD~1"], "no commit after HEAD"),
    ] {
        let outcome = sandbox.run(
            &[&["bisect"], &arguments[..]].concat(),
            &[("CARGO_TARGET_DIR", &target)],
        );
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(told), "{told}: {}", outcome.stderr);
    }
}

#[test]
fn a_commit_without_a_suite_cannot_be_searched_from() {
    let sandbox = workspace(true);
    git(
        &sandbox,
        &["commit", "--quiet", "--allow-empty", "-m", "second"],
    );
    let target = sandbox.path("target").display().to_string();
    let outcome = sandbox.run(
        &["bisect", CASE, "HEAD~1", "HEAD"],
        &[("CARGO_TARGET_DIR", &target)],
    );
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("\"codec\""), "{}", outcome.stderr);
}

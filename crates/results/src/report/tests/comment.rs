//! Markdown as a comment takes it: never too long, and what is cut is counted.

use crate::pairs::sample::CaseFailure;
use crate::pairs::synthetic::{around, case, judged, run};
use crate::report::markdown::{MOST_BYTES, render};
use crate::report::model::Report;

/// As many slow cases, unchanged cases and talkative panics.
fn large(n_each: usize) -> Report {
    let words = "it went wrong, and says so at length; ".repeat(50);
    let cases = (0..n_each).flat_map(|number| {
        let panicked = CaseFailure::PanickedInCandidate {
            message: words.clone(),
        };
        [
            case(&format!("slow/case_{number:04}")).with_rounds(&around(5.0, 0.3, 6)),
            case(&format!("calm/case_{number:04}")).with_rounds(&around(0.0, 0.3, 6)),
            case(&format!("broken/case_{number:04}")).failed(panicked),
        ]
    });
    let run = run(cases.collect());
    Report::of_pairs(&run, &judged(&run))
}

#[test]
fn a_comment_of_any_run_can_be_posted_and_says_what_is_cut() {
    let small = render(&large(3));
    assert!(!small.contains("are cut"), "{small}");
    let text = render(&large(400));
    assert!(text.len() <= MOST_BYTES, "{} bytes", text.len());
    // What matters stands before what may be cut.
    assert!(
        text.find("slow/case_0000") < text.find("<details>"),
        "{text}"
    );
    let last = text.lines().last().expect("lines");
    let n_cut: usize = last
        .split(' ')
        .next()
        .and_then(|word| word.parse().ok())
        .expect("a number");
    let n_shown = text.lines().filter(|line| line.starts_with("| `")).count();
    assert!(n_cut + n_shown >= 1_200, "{n_cut} cut, {n_shown} shown");
    assert_eq!(
        text.matches("<details>").count(),
        text.matches("</details>").count()
    );
}

#[test]
fn what_regressed_stands_before_what_is_open() {
    let text = render(&super::pairs::report());
    let place = |name: &str| text.find(name).expect(name);
    assert!(place("codec/encode/10_kb") < place("codec/a_case_whose"));
    assert!(place("codec/a_case_whose") < place("codec/decode/10_kb"));
}

#[test]
fn a_long_cell_is_cut_at_a_character() {
    let message = "ü".repeat(5_000);
    let panicked = CaseFailure::PanickedInCandidate { message };
    let run = run(vec![case("codec/encode").failed(panicked)]);
    let text = render(&Report::of_pairs(&run, &judged(&run)));
    assert!(text.len() < 5_000 && text.contains('…'), "{text}");
}

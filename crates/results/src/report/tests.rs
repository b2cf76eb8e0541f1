//! Reports: the same input gives the same bytes, nothing is wider than the table, nothing is dropped.

use super::{Colour, export, html, json, junit, markdown, text};
use crate::report::model::{Cause, Report};

mod baselines;
mod comment;
mod exports;
mod pairs;
mod schema;

pub(super) use exports::hostile;

/// One of each kind, and one that says nothing.
pub(super) fn reports() -> [Report; 3] {
    [baselines::report(), pairs::report(), pairs::contaminated()]
}

/// A report in every form.
fn all_forms(report: &Report) -> Vec<String> {
    vec![
        text::render(report, Colour::Always),
        markdown::render(report),
        json::render(report).expect("finite"),
        html::render(report, &[]),
        junit::render(report),
        export::bmf(report).expect("finite"),
        export::gha(report).expect("finite"),
    ]
}

#[test]
fn the_same_comparison_gives_the_same_bytes() {
    for (once, again) in reports().iter().zip(&reports()) {
        assert_eq!(all_forms(once), all_forms(again));
    }
}

#[test]
fn a_finding_is_in_every_form_that_people_read() {
    let report = Report {
        causes: vec![Cause {
            function: "codec::escape".to_owned(),
            cases: vec!["codec/encode/10_kb".to_owned()],
            evidence: "+12 % instructions".to_owned(),
        }],
        ..pairs::report()
    };
    for text in [
        text::render(&report, Colour::Never),
        markdown::render(&report),
        html::render(&report, &[]),
        junit::render(&report),
    ] {
        assert!(
            text.contains("codec::escape") && text.contains("+12 %"),
            "{text}"
        );
    }
}

#[test]
fn what_is_read_back_is_what_was_written_and_a_field_more_is_refused() {
    for report in reports() {
        let text = json::render(&report).expect("finite");
        assert_eq!(serde_json::from_str::<Report>(&text).expect("JSON"), report);
        let more = text.replacen('{', "{\"extra\": 1,", 1);
        let error = serde_json::from_str::<Report>(&more).expect_err("refused");
        assert!(error.to_string().contains("extra"), "{error}");
    }
}

#[test]
fn colours_need_a_terminal_and_no_objection() {
    let decided = |is_terminal, no_color: Option<&str>| {
        Colour::decided(is_terminal, no_color.map(std::ffi::OsStr::new))
    };
    assert_eq!(decided(true, None), Colour::Always);
    assert_eq!(decided(true, Some("")), Colour::Always);
    assert_eq!(decided(true, Some("1")), Colour::Never);
    assert_eq!(decided(false, None), Colour::Never);
}

//! What others read: JUnit by its structure, the exports by their fields, all of them with hostile names.

use roxmltree::{Document, Node};
use serde_json::Value;

use super::{baselines, pairs, reports};
use crate::comparison::Comparison;
use crate::pairs::sample::CaseFailure;
use crate::pairs::synthetic::{around, case, judged, run};
use crate::report::model::{Cause, Report};
use crate::report::{export, junit, markdown};

/// Names and words that would end a string, an element, an attribute, a cell or a code span.
const HOSTILE: &str = "codec/<b a=\"1\" b='2'>&amp;|`]]>--\u{1b}[31m";

pub(in crate::report) fn hostile() -> Report {
    let message = format!("{HOSTILE}\n</failure></details>\n\n| a | b |");
    let run = run(vec![
        case(HOSTILE)
            .with_rounds(&around(3.0, 0.3, 15))
            .with_confirm(&around(3.0, 0.3, 15)),
        case("codec/panics").failed(CaseFailure::PanickedInCandidate { message }),
    ]);
    Report::of_pairs(&run, &judged(&run))
}

fn tests_of<'d>(xml: &'d Document<'_>) -> Vec<(String, Option<Node<'d, 'd>>)> {
    let tests = xml
        .descendants()
        .filter(|node| node.has_tag_name("testcase"));
    tests
        .map(|test| {
            let of = |attribute| test.attribute(attribute).expect("a test has it");
            let name = format!("{}/{}", of("classname"), of("name"));
            (name, test.children().find(Node::is_element))
        })
        .collect()
}

#[test]
fn junit_counts_what_it_holds() {
    for report in reports().iter().chain(&[hostile()]) {
        let text = junit::render(report);
        let xml = Document::parse(&text).expect("well formed");
        let root = xml.root_element();
        assert!(root.has_tag_name("testsuites"));
        for suite in root.children().filter(Node::is_element) {
            assert!(suite.has_tag_name("testsuite"));
            let counted = |attribute: &str| -> usize {
                let count = suite.attribute(attribute).expect("a suite counts");
                count.parse().expect("a number")
            };
            let n_of = |tag: &str| suite.descendants().filter(|n| n.has_tag_name(tag)).count();
            for (attribute, tag) in [
                ("tests", "testcase"),
                ("failures", "failure"),
                ("errors", "error"),
                ("skipped", "skipped"),
            ] {
                assert_eq!(counted(attribute), n_of(tag), "{attribute}");
            }
        }
        let n_tests: usize = root
            .attribute("tests")
            .expect("there")
            .parse()
            .expect("a number");
        assert_eq!(n_tests, tests_of(&xml).len());
    }
}

#[test]
fn junit_fails_what_regressed_and_skips_what_was_not_judged_with_the_reason() {
    let text = junit::render(&pairs::report());
    let xml = Document::parse(&text).expect("well formed");
    let tests = tests_of(&xml);
    for (name, tag, message) in [
        ("codec/encode/10_kb", "failure", "+3.0 %"),
        ("codec/decode/10_kb", "system-out", ""),
        (
            "fan_out/one_fails/64_targets",
            "skipped",
            "noise would hide",
        ),
        ("fan_out/gone/4_targets", "skipped", "missing"),
        (
            "fan_out/panics/4_targets",
            "error",
            "left | right\nand a second line",
        ),
        ("plimsoll/this run can be believed", "system-out", ""),
    ] {
        let (_, result) = tests.iter().find(|test| test.0 == name).expect(name);
        let result = result.expect("every test says something");
        assert!(result.has_tag_name(tag), "{name}: {result:?}");
        let told = result.attribute("message").unwrap_or_default();
        assert!(told.contains(message), "{name}: {told}");
    }
}

#[test]
fn a_failure_names_the_cause_that_it_shares_with_others() {
    let report = Report {
        causes: vec![Cause {
            function: "codec::escape".to_owned(),
            cases: vec!["codec/encode/10_kb".to_owned(), "codec/other".to_owned()],
            evidence: "+12 % instructions".to_owned(),
        }],
        ..pairs::report()
    };
    let text = junit::render(&report);
    let cause = "2 cases, one cause: codec::escape, +12 % instructions";
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(cause)).collect();
    assert!(
        lines.len() == 1 && lines[0].contains("encode/10_kb"),
        "{lines:?}"
    );
}

#[test]
fn junit_of_a_run_that_says_nothing_is_not_green() {
    let nothing = Comparison {
        rows: Vec::new(),
        promises: Vec::new(),
        ..baselines::comparison()
    };
    for report in [pairs::contaminated(), Report::of_comparison(&nothing, None)] {
        let text = junit::render(&report);
        let xml = Document::parse(&text).expect("well formed");
        let tests = tests_of(&xml);
        let name = format!("{}/{}", junit::RUN.0, junit::RUN.1);
        let (_, result) = tests.iter().find(|test| test.0 == name).expect("there");
        assert!(result.expect("a result").has_tag_name("error"), "{text}");
    }
}

#[test]
fn no_name_leaves_its_place() {
    let text = junit::render(&hostile());
    let xml = Document::parse(&text).expect("well formed");
    let name = HOSTILE.replace('\u{1b}', "\u{fffd}");
    assert!(tests_of(&xml).iter().any(|test| test.0 == name));

    let markdown = markdown::render(&hostile());
    let row = markdown
        .lines()
        .find(|line| line.starts_with("| `codec/<b"));
    // A name, four numbers and a verdict: six cells have seven borders.
    let borders = row.expect("a row").replace("\\|", "");
    assert_eq!(borders.matches('|').count(), 7, "{borders}");
    assert_eq!(
        markdown.matches("<details>").count(),
        markdown.matches("</details>").count()
    );
}

#[test]
fn bencher_gets_a_value_between_its_bounds_for_each_measured_case() {
    let text = export::bmf(&pairs::report()).expect("finite");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let cases = value.as_object().expect("an object");
    // Three of the eight cases have no rounds.
    assert_eq!(cases.len(), 5);
    for (name, measures) in cases {
        let metric = &measures["latency"];
        let number = |field: &str| metric[field].as_f64().expect(field);
        assert!(number("lower_value") <= number("value"), "{name}");
        assert!(number("value") <= number("upper_value"), "{name}");
    }
}

#[test]
fn github_action_benchmark_gets_name_unit_and_value() {
    let text = export::gha(&baselines::report()).expect("finite");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let entries = value.as_array().expect("an array");
    assert_eq!(entries.len(), 5, "all but the missing one");
    for entry in entries {
        assert!(entry["name"].is_string() && entry["value"].is_number());
        assert_eq!(entry["unit"], "ns/iter");
    }
}

#[test]
fn a_contaminated_run_exports_nothing() {
    let report = pairs::contaminated();
    assert_eq!(export::bmf(&report).expect("finite"), "{}\n");
    assert_eq!(export::gha(&report).expect("finite"), "[]\n");
}

//! The page: strict XML, nothing from outside, every case and note in it, nothing that a name can break.

use roxmltree::{Document, Node, ParsingOptions};

use super::{Flamegraph, height, render};
use crate::report::model::{Cause, History, Report};
use crate::report::tests::{hostile, reports};

fn parsed(page: &str) -> Document<'_> {
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(page, options).expect("well formed")
}

fn words_of(document: &Document<'_>) -> String {
    let texts = document.descendants().filter(Node::is_text);
    texts.filter_map(|node| node.text()).collect()
}

/// A report with a bit of everything.
fn full(report: Report) -> Report {
    Report {
        causes: vec![Cause {
            function: "codec::encode<Vec<&'a str>>".to_owned(),
            cases: vec!["codec/encode/10_kb".to_owned()],
            evidence: "+12 % instructions".to_owned(),
        }],
        histories: vec![History {
            id: "codec/encode/10_kb".to_owned(),
            what: "time against the reference".to_owned(),
            values: vec![1.0, 1.01, 1.2],
            change_points: vec![2],
        }],
        ..report
    }
}

#[test]
fn every_case_note_and_promise_is_on_the_page() {
    for report in reports().into_iter().chain([hostile()]).map(full) {
        let page = render(&report, &[]);
        let words = words_of(&parsed(&page));
        let keys = report
            .shown()
            .map(|case| case.key().replace('\u{1b}', "\u{fffd}"));
        let left_out = report.not_judged.iter().map(|entry| entry.name.clone());
        let promises = report.promises.iter().map(|row| row.name.clone());
        let notes = report.notes.iter().map(|note| note.text.clone());
        let causes = report.causes.iter().map(|cause| cause.function.clone());
        let all = keys
            .chain(left_out)
            .chain(promises)
            .chain(notes)
            .chain(causes);
        for text in all {
            assert!(words.contains(&text), "{text:?} is not in\n{words}");
        }
    }
}

#[test]
fn the_page_needs_nothing_from_outside_and_runs_nothing() {
    let flamegraph = Flamegraph {
        title: "codec".to_owned(),
        svg: "<?xml version=\"1.0\"?><svg height=\"80\"><script>alert(1)</script></svg>".to_owned(),
    };
    let page = render(&full(hostile()), &[flamegraph]);
    let document = parsed(&page);
    for node in document.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        assert!(
            !["script", "link", "img", "object", "embed"].contains(&name),
            "{name}"
        );
        for attribute in node.attributes() {
            let is_address = ["src", "href", "action"].contains(&attribute.name());
            let is_handler = attribute.name().starts_with("on");
            assert!(!is_address && !is_handler, "{attribute:?}");
        }
    }
    assert!(!page.contains("url(") && !page.contains("@import"));
}

#[test]
fn a_flamegraph_is_whole_in_a_frame_that_shares_nothing() {
    let svg = "<?xml version=\"1.0\"?>\n<svg width=\"1200\" height=\"342\"><text x=\"1\">a &amp; \"b\"</text></svg>";
    let flamegraph = Flamegraph {
        title: "codec/<encode>".to_owned(),
        svg: svg.to_owned(),
    };
    let page = render(&hostile(), &[flamegraph]);
    let document = parsed(&page);
    let mut frames = document
        .descendants()
        .filter(|node| node.has_tag_name("iframe"));
    let frame = frames.next().expect("a frame");
    assert_eq!(frame.attribute("sandbox"), Some("allow-scripts"));
    assert_eq!(frame.attribute("height"), Some("342"));
    let shown = frame.attribute("srcdoc").expect("a document");
    assert!(shown.ends_with(&svg[22..]), "{shown}");
    assert_eq!(height("no picture"), super::USUAL_HEIGHT);
}

#[test]
fn what_regressed_stands_first() {
    let page = render(&reports()[1], &[]);
    let document = parsed(&page);
    let rows = document
        .descendants()
        .filter(|node| node.has_tag_name("tr"));
    let classes: Vec<&str> = rows
        .filter_map(|row| row.attribute("class"))
        .filter(|class| *class != "remark")
        .collect();
    assert_eq!(
        classes,
        [
            "regressed",
            "inconclusive",
            "improved",
            "inconclusive",
            "unchanged"
        ]
    );
}

#[test]
fn every_interval_is_inside_its_plot() {
    for report in reports() {
        let page = render(&report, &[]);
        let document = parsed(&page);
        let shares = document
            .descendants()
            .flat_map(|node| node.attributes())
            .filter_map(|attribute| attribute.value().strip_suffix('%')?.parse::<f64>().ok());
        for share in shares {
            assert!((0.0..=100.0).contains(&share), "{share} %");
        }
    }
}

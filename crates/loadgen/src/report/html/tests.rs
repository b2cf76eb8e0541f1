//! Tests of the page: nothing from outside, nothing that ends an element early.

use super::*;
use crate::capacity::record::ProbeRow;
use crate::capacity::{Axis, Ceiling, Purpose, Unit};
use crate::report::model::Kind;
use crate::slo::judge::Standing;

fn capacity() -> CapacityRecord {
    let row = |purpose, unit, load: f64, standing| ProbeRow {
        purpose,
        unit,
        load,
        starts: 100,
        standing,
        throughput: load,
        throughput_error: 0.1,
        little_gap: Some(0.01),
        refusals: 0,
        spoiled: None,
    };
    CapacityRecord {
        schema: 1,
        kind: Kind::Capacity,
        scenario: "a<b>".to_owned(),
        settings: Vec::new(),
        axis: Axis::Rate,
        highest_pass: Some(40.0),
        first_fail: Some(50.0),
        ceiling: Ceiling::Slo,
        binding: vec!["all: p95 < \"1s\"".to_owned()],
        service_p95_s: Some(1.0),
        usl: None,
        non_monotonic: false,
        undecided: Vec::new(),
        probes: vec![
            row(Purpose::Ladder, Unit::Users, 1.0, Standing::Inconclusive),
            row(Purpose::Hold, Unit::PerSecond, 40.0, Standing::Met),
            row(Purpose::Repeat, Unit::PerSecond, 50.0, Standing::Missed),
        ],
        trial: None,
    }
}

#[test]
fn pictures_are_xml_and_hold_both_ends_of_the_bracket() {
    let svg = picture::load_line(&capacity());
    for part in [
        "carries 40.00 per second",
        "fails at 50.00 per second",
        "&lt; &quot;1s&quot;",
    ] {
        assert!(svg.contains(part), "{part:?} is not in {svg}");
    }
    assert_eq!(
        svg.matches("<circle").count(),
        2,
        "rungs are users, not a rate"
    );
    let usl = picture::usl(&capacity());
    assert_eq!(usl.matches("<circle").count(), 1);
    assert!(usl.contains("Too few rungs"));
}

#[test]
fn tables_escape_what_they_are_given() {
    let text = escaped("<script src=\"x\">&");
    assert_eq!(text, "&lt;script src=&quot;x&quot;&gt;&amp;");
    assert!(probes(&capacity()).contains("<td class=\"met\">"));
    assert!(advice(&Measurements::default()).contains("not measured"));
}

#[test]
fn a_number_stays_on_one_line_with_its_unit_and_error() {
    let table = probes(&capacity());
    for number in ["40.00 per second", "40.00/s ± 0.10", "1.0 %"] {
        let cell = format!("<td class=\"number\">{number}</td>");
        assert!(table.contains(&cell), "{cell} is not in {table}");
    }
    assert!(STYLE.contains("td.number{white-space:nowrap}"));
}

#[test]
fn a_search_without_a_trial_has_no_page() {
    assert_eq!(render_search(&capacity()), None);
}

//! The record of a real run in every form, held against what readers of those forms expect.

use std::sync::Arc;

use loadgen::capacity::record::{CapacityRecord, Stated};
use loadgen::capacity::{Axis, Capacity, Ceiling, Load, Observation, Probe, Purpose, Trial};
use loadgen::driver::null::Null;
use loadgen::judging::Conclusion;
use loadgen::report::model::{Circumstances, LoadRecord};
use loadgen::report::{self, csv, html, junit, markdown, text};
use loadgen::scenario::Scenario;
use loadgen::slo::judge::{Judgement, Standing};
use loadgen::usl::{Coefficients, Usl};
use results::machine::Machine;
use results::report::write;
use serde_json::Value;

use crate::runs::{ran, scenario};

pub(crate) async fn record() -> LoadRecord {
    let load = "[[operation]]\nname = \"big\"\nweight = 1.0\n[[operation]]\nname = \"small, quick\"\nweight = 3.0\n\
        [closed]\nusers = 3\nqueries = 60\n\
        [[slo]]\nmetric = \"response\"\nquantile = 0.99\nat_most = \"1s\"\n\
        [[slo]]\nmetric = \"success\"\nat_least = 0.9\n\
        [[slo]]\nmetric = \"rss\"\nat_most_bytes = 1\n";
    record_of(&scenario(load, "1ms", "")).await
}

async fn record_of(scenario: &Scenario) -> LoadRecord {
    let ran = ran(scenario, Arc::new(Null::default()))
        .await
        .expect("it runs");
    let circumstances = Circumstances {
        name: "two <operations>".to_owned(),
        time_scale: 0.5,
        settings: vec![("timeout_s".to_owned(), "20".to_owned())],
        machine: Machine::here(),
    };
    LoadRecord::new(scenario, &ran, circumstances)
}

/// A search that saw one probe come to this, and keeps this trial of it.
pub(crate) fn search(standing: Standing, trial: Option<LoadRecord>) -> CapacityRecord {
    let coefficients = |lambda| Coefficients {
        lambda,
        sigma: 1.0 / 3.0,
        kappa: 0.0,
    };
    let judgement = Judgement {
        slo: "all: p99 ≤ 1s".to_owned(),
        standing,
        estimate: 0.1 + 0.2,
        low: 0.0,
        high: f64::INFINITY,
        bound: 1e9,
        samples: 100,
        needed: 299,
    };
    let probe = Probe {
        index: 0,
        purpose: Purpose::Hold,
        load: Load::Open { rate: 40.0 },
        starts: 100,
    };
    let observation = Observation {
        judgements: vec![judgement],
        throughput: 40.0 / 3.0,
        throughput_error: 0.1,
        in_system: 0.0,
        residence: 1.0,
        service_p95: None,
        refusals: 0,
        spoiled: (standing == Standing::Invalid).then(|| "starts were late".to_owned()),
    };
    let capacity = Capacity {
        axis: Axis::Rate,
        highest_pass: (standing == Standing::Met).then_some(40.0),
        first_fail: (standing == Standing::Missed).then_some(40.0),
        ceiling: Ceiling::Slo,
        binding: Vec::new(),
        own: Vec::new(),
        usl: Some(Usl {
            best: coefficients(1.1),
            low: coefficients(1.0),
            high: coefficients(1.2),
            measured_to: 16.0,
            worst_residual: 0.0,
        }),
        non_monotonic: true,
        undecided: vec![41.0],
        trials: vec![Trial { probe, observation }],
    };
    let settings = vec![("timeout_s".to_owned(), "20".to_owned())];
    CapacityRecord::new("a search".to_owned(), settings, &capacity, trial)
}

/// The same after a way through JSON.
fn kept(record: &LoadRecord) -> LoadRecord {
    serde_json::from_str(&report::json(record)).expect("it reads what it wrote")
}

fn kept_search(record: &CapacityRecord) -> CapacityRecord {
    serde_json::from_str(&record.json()).expect("it reads what it wrote")
}

#[tokio::test(flavor = "multi_thread")]
async fn text_and_markdown_say_that_a_run_is_scaled_and_name_every_promise() {
    let record = record().await;
    for rendered in [text::render(&record), markdown::render(&record)] {
        for part in [
            "two <operations>",
            "scaled",
            "small, quick",
            "p99 ≤ 1s",
            "success",
        ] {
            assert!(rendered.contains(part), "{part:?} is not in\n{rendered}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_adds_a_cell_to_a_table_of_markdown() {
    let mut record = record().await;
    record.operations[0].name = "small | quick".to_owned();
    let rendered = markdown::render(&record);
    assert!(rendered.contains("| small \\| quick |"), "{rendered}");
}

#[tokio::test(flavor = "multi_thread")]
async fn junit_is_well_formed_and_counts_its_tests() {
    let xml = junit::render(&record().await);
    let document =
        roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}\n{xml}"));
    let suite = document.root_element();
    let n_tests = document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
        .count();
    assert_eq!(suite.attribute("tests"), Some(n_tests.to_string().as_str()));
    let elements = ["failure", "error"].map(|element| {
        document
            .descendants()
            .filter(|node| node.has_tag_name(element))
            .count()
            .to_string()
    });
    assert_eq!(suite.attribute("failures"), Some(elements[0].as_str()));
    assert_eq!(suite.attribute("errors"), Some(elements[1].as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_has_locusts_columns_in_every_row() {
    let rendered = csv::render(&record().await);
    let lines: Vec<&str> = rendered.lines().collect();
    assert!(lines[0].starts_with("Type,Name,Request Count,Failure Count,Median Response Time"));
    let columns = |line: &str| line.replace("\"small, quick\"", "small").split(',').count();
    for line in &lines {
        assert_eq!(columns(line), columns(lines[0]), "{line}");
    }
    assert!(
        lines[lines.len() - 1].starts_with(",Aggregated,60,0,"),
        "{rendered}"
    );
}

#[test]
fn a_record_that_cannot_be_written_leaves_the_one_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("load.json");
    write(&path, "before").expect("written");
    let error = write(&path.join("load.json"), "after");
    let error = error.expect_err("a file is no folder").to_string();
    assert!(error.contains("load.json"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).expect("there"), "before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_read_back_says_the_same_in_every_form() {
    let no_answer = "[[operation]]\nname = \"query\"\nweight = 1.0\nlatency = [\"0s\", \"0s\"]\n\
        [closed]\nusers = 1\nqueries = 3\n";
    let endless_pace = record_of(&scenario(no_answer, "1ms", "")).await;
    assert!(endless_pace.throughput.expected_per_second.is_infinite());
    let forms = [
        report::json,
        text::render,
        markdown::render,
        html::render,
        junit::render,
        csv::render,
    ];
    for record in [record().await, endless_pace] {
        let kept = kept(&record);
        for form in forms {
            assert_eq!(form(&kept), form(&record));
        }
        assert_eq!(kept, record);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_is_read_back_says_the_same_in_every_form() {
    for trial in [None, Some(record().await)] {
        let record = search(Standing::Met, trial);
        let kept = kept_search(&record);
        assert_eq!(kept.json(), record.json());
        assert_eq!(kept.text(), record.text());
        assert_eq!(html::render_search(&kept), html::render_search(&record));
        assert_eq!(html::render_search(&kept).is_some(), kept.trial.is_some());
    }
}

#[test]
fn a_search_that_confirmed_nothing_says_whose_fault_it_was() {
    for (standing, conclusion) in [
        (Standing::Met, Conclusion::Fine),
        (Standing::Missed, Conclusion::Missed),
        (Standing::Invalid, Conclusion::Spoiled),
    ] {
        let record = search(standing, None);
        assert_eq!(record.conclusion(), conclusion, "{standing}");
        let refused = CapacityRecord {
            ceiling: Ceiling::Quota,
            ..record
        };
        assert_eq!(refused.conclusion(), Conclusion::CouldNotTell);
    }
    let used_up = CapacityRecord {
        ceiling: Ceiling::Probes,
        ..search(Standing::Inconclusive, None)
    };
    assert_eq!(used_up.conclusion(), Conclusion::CouldNotTell);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_reads_records_with_a_trial_and_without() {
    let record = search(Standing::Met, Some(record().await));
    let stated: Stated = serde_json::from_str(&record.json()).expect("JSON");
    assert_eq!(stated.highest_pass, Some(40.0));
    let mut fields: Value = serde_json::from_str(&record.json()).expect("JSON");
    let object = fields.as_object_mut().expect("an object");
    object.retain(|name, _| name != "kind" && name != "trial");
    let without: Stated = serde_json::from_value(fields).expect("JSON");
    assert_eq!(without, stated);
}

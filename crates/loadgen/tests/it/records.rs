//! The record of a real run in every form, held against what readers of those forms expect.

use std::sync::Arc;

use boon::{Compiler, Schemas};
use loadgen::driver::null::Null;
use loadgen::report::model::{Circumstances, LoadReport};
use loadgen::report::{self, csv, junit, markdown, text};
use results::machine::Machine;
use serde_json::Value;

use crate::runs::{ran, scenario};

const SCHEMA: &str = include_str!("../../../../fixtures/schemas/load.json");

async fn record() -> LoadReport {
    let load = "[[operation]]\nname = \"big\"\nweight = 1.0\n[[operation]]\nname = \"small, quick\"\nweight = 3.0\n\
        [closed]\nusers = 3\nqueries = 60\n\
        [[slo]]\nmetric = \"response\"\nquantile = 0.99\nat_most = \"1s\"\n\
        [[slo]]\nmetric = \"success\"\nat_least = 0.9\n\
        [[slo]]\nmetric = \"rss\"\nat_most_bytes = 1\n";
    let scenario = scenario(load, "1ms", "");
    let ran = ran(&scenario, Arc::new(Null::default()))
        .await
        .expect("it runs");
    let circumstances = Circumstances {
        name: "two <operations>".to_owned(),
        time_scale: 0.5,
        settings: vec![("timeout_s".to_owned(), "20".to_owned())],
        machine: Machine::here(),
    };
    LoadReport::new(&scenario, &ran, circumstances)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_takes_the_record_and_no_field_more() {
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    let schema = serde_json::from_str(SCHEMA).expect("JSON");
    compiler
        .add_resource("load.json", schema)
        .expect("named once");
    let index = compiler
        .compile("load.json", &mut schemas)
        .expect("a schema");
    let mut value: Value = serde_json::from_str(&report::json(&record().await)).expect("JSON");
    let checked = schemas.validate(&value, index);
    checked.unwrap_or_else(|error| panic!("{error:#}"));
    value["more"] = Value::Bool(true);
    assert!(schemas.validate(&value, index).is_err());
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

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_written_leaves_the_one_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("load.json");
    report::write(&path, "before").expect("written");
    let error = report::write(&path.join("load.json"), "after");
    assert!(
        error
            .expect_err("a file is no folder")
            .to_string()
            .contains("load.json")
    );
    assert_eq!(std::fs::read_to_string(&path).expect("there"), "before");
}

//! Records outlive the process that made them.

use std::path::Path;

use super::{Origin, Record, Unit, read, write};
use crate::criterion;
use crate::iai;

fn origin() -> Origin {
    Origin {
        machine: "intel-xeon-6-207-2c-24g-vm".to_owned(),
        toolchain: "1.95.0".to_owned(),
        commit: Some("0123abc".to_owned()),
    }
}

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/results")
}

fn records() -> Vec<Record> {
    let measured = criterion::read(&fixtures().join("criterion/usual")).expect("readable");
    let counted = iai::read(&fixtures().join("iai/schema_6")).expect("readable");
    let mut records: Vec<Record> = measured
        .values()
        .map(|measurement| Record::of_measurement(measurement, &origin()).expect("a sample"))
        .collect();
    records.extend(
        counted
            .values()
            .map(|count| Record::of_count(count, &origin())),
    );
    records
}

#[test]
fn a_record_keeps_its_sample_rounded_in_the_order_it_was_taken() {
    let record = &records()[0];
    assert_eq!(record.unit, Unit::Nanoseconds);
    assert_eq!(record.sample.len(), 20);
    assert_eq!(record.sample[1], 101_500_000.0);
    assert!(record.interval.0 <= record.estimate && record.estimate <= record.interval.1);
    assert_eq!(record.configuration["sampling_mode"], "Flat");
}

#[test]
fn a_count_is_exact_and_keeps_the_other_events() {
    let records = records();
    let record = records.last().expect("counts come last");
    assert_eq!((record.unit, record.estimate), (Unit::Instructions, 3801.0));
    assert_eq!(record.configuration["EstimatedCycles"], "7602");
}

#[test]
fn what_is_written_is_read_back_and_written_the_same_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("process_1.jsonl");
    write(&path, &records()).expect("written");
    let first = std::fs::read(&path).expect("there");
    let mut back = read(&path).expect("read");
    back.reverse();
    write(&path, &back).expect("written again");
    assert_eq!(std::fs::read(&path).expect("there"), first);
}

#[test]
fn a_line_of_another_schema_or_with_an_unknown_field_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("process_1.jsonl");
    write(&path, &records()).expect("written");
    let text = std::fs::read_to_string(&path).expect("there");
    for (from, to) in [
        ("\"schema\":1", "\"schema\":2"),
        ("\"unit\"", "\"colour\":1,\"unit\""),
    ] {
        std::fs::write(&path, text.replacen(from, to, 1)).expect("put");
        let error = read(&path).expect_err(to).to_string();
        assert!(
            error.contains("process_1.jsonl") && error.contains("line 1"),
            "{error}"
        );
    }
}

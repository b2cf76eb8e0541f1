//! Baselines are stable text, are understood wholly or not at all, and are never half replaced.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{
    Baseline, TimeCase, classes, of_counts, of_times, read_counts, read_times, write_counts,
    write_times,
};
use crate::case_id::CaseId;
use crate::machine::{CountMachine, Machine};
use crate::record::{Origin, Record, Unit};

fn id(text: &str) -> CaseId {
    CaseId::new(text).expect("well formed")
}

fn machine() -> Machine {
    Machine {
        processor: "Some CPU 6/1".to_owned(),
        cores: 2,
        memory_gib: 8,
        virtualised: true,
        architecture: "x86_64".to_owned(),
        kernel: "6.1".to_owned(),
        rustc: "1.95.0".to_owned(),
        flags: String::new(),
        governor: None,
        turbo: None,
    }
}

fn count_machine() -> CountMachine {
    CountMachine {
        processor_features: "abc".to_owned(),
        architecture: "x86_64".to_owned(),
        glibc: "2.36".to_owned(),
        valgrind: "3.19.0".to_owned(),
        rustc: "1.95.0".to_owned(),
    }
}

fn record(id_text: &str, unit: Unit, estimate: f64) -> Record {
    Record {
        id: id(id_text),
        unit,
        estimate,
        interval: (estimate * 0.999, estimate * 1.01),
        sample: Vec::new(),
        origin: Origin {
            machine: "m".to_owned(),
            toolchain: "t".to_owned(),
            commit: None,
        },
        configuration: BTreeMap::new(),
    }
}

fn processes(unit: Unit) -> Vec<Vec<Record>> {
    [1000.0, 1040.0, 980.0, 1_012.345_678, 990.0]
        .iter()
        .map(|time| {
            vec![
                record("codec/encode/1_mb", unit, time * 100.0),
                record("codec/encode/10_kb", unit, *time),
                record("quota/allow/1k", unit, 30.0),
            ]
        })
        .collect()
}

fn recorded(folder: &Path) -> String {
    let baseline = of_times("codec", &processes(Unit::Nanoseconds)).expect("recordable");
    write_times(folder, &machine(), &[baseline]).expect("written");
    fs::read_to_string(folder.join("codec.json")).expect("there")
}

#[test]
fn one_case_is_one_line_with_the_spread_between_beside_the_spread_within() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = recorded(folder.path());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 8);
    assert_eq!(
        lines[5],
        r#""encode/10_kb": {"estimate_ns":1004.0,"between_percent":2.3,"within_percent":0.51,"runs_ns":[1000.0,1040.0,980.0,1012.0,990.0]},"#
    );
    assert!(lines[6].starts_with(r#""encode/1_mb""#) && lines[6].ends_with('}'));
}

#[test]
fn recording_the_same_data_again_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = recorded(folder.path());
    let machine_text = fs::read_to_string(folder.path().join("machine.json")).expect("there");
    assert_eq!(recorded(folder.path()), first);

    // And so does writing what was read.
    let shelf = read_times(folder.path()).expect("read").expect("there");
    write_times(
        folder.path(),
        &shelf.machine,
        &[shelf.suites["codec"].clone()],
    )
    .expect("written");
    assert_eq!(
        fs::read_to_string(folder.path().join("codec.json")).expect("there"),
        first
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("machine.json")).expect("there"),
        machine_text
    );
}

#[test]
fn nothing_but_the_named_files_is_left_in_the_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    recorded(folder.path());
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["codec.json", "machine.json"]);
}

#[test]
fn a_baseline_that_is_not_understood_is_an_error_and_is_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("codec.json");
    let good = recorded(folder.path());
    for (from, to, complaint) in [
        (
            "{\"estimate_ns\"",
            "{\"mean_ns\":1,\"estimate_ns\"",
            "unknown field `mean_ns`",
        ),
        ("\"schema\": 1", "\"schema\": 9", "schema is 9"),
        ("\"unit\": \"ns\"", "\"unit\": \"s\"", "unit"),
        ("\"suite\": \"codec\"", "\"suite\": \"quota\"", "of suite"),
        ("1000.0,", "2000.0,", "does not follow from its runs"),
        ("\"encode/1_mb\"", "\"encode/10_kb\"", "is there twice"),
        ("}}\n", "", "EOF"),
        (
            "[1000.0,1040.0,980.0,1012.0,990.0]",
            "[1000.0]",
            "it has 1 runs",
        ),
        ("1000.0,", "-1000.0,", "not all positive"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        fs::write(&path, &bad).expect("put");
        let error = read_times(folder.path()).expect_err(complaint).to_string();
        assert!(
            error.contains(complaint)
                && error.contains("codec.json")
                && error.contains("version control"),
            "{error}"
        );
        let baseline = of_times("codec", &processes(Unit::Nanoseconds)).expect("recordable");
        write_times(folder.path(), &machine(), &[baseline]).expect_err("not understood");
        assert_eq!(fs::read_to_string(&path).expect("there"), bad);
    }
}

#[test]
fn baselines_of_another_machine_are_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = recorded(folder.path());
    let other = Machine {
        cores: 64,
        ..machine()
    };
    let baseline = of_times("quota", &processes(Unit::Nanoseconds)).expect("recordable");
    let error = write_times(folder.path(), &other, &[baseline]).expect_err("another machine");
    assert!(
        error.to_string().contains("cores: 2 there, 64 here"),
        "{error}"
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("codec.json")).expect("there"),
        good
    );
    assert!(!folder.path().join("quota.json").exists());
}

#[test]
fn a_folder_without_its_machine_is_not_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    recorded(folder.path());
    fs::remove_file(folder.path().join("machine.json")).expect("removed");
    let error = read_times(folder.path()).expect_err("whose?").to_string();
    assert!(error.contains("which machine"), "{error}");
}

#[test]
fn too_few_processes_or_a_case_that_one_of_them_lacks_make_no_baseline() {
    let mut processes = processes(Unit::Nanoseconds);
    let error = of_times("codec", &processes[..2]).expect_err("too few");
    assert!(error.to_string().contains("too few"), "{error}");
    processes[1].remove(0);
    let error = of_times("codec", &processes).expect_err("a case lacks");
    assert!(error.to_string().contains("in 4 of 5 processes"), "{error}");
    assert!(of_times("absent", &processes).is_err());
}

#[test]
fn counts_keep_the_smallest_and_the_band() {
    let folder = tempfile::tempdir().expect("a folder");
    let repeats = processes(Unit::Instructions);
    let baseline = of_counts("codec", &repeats, &repeats[..1]).expect("recordable");
    let case = baseline.cases[&id("codec/encode/10_kb")];
    assert_eq!((case.instructions, case.band, case.repeats), (980, 60, 60));
    write_counts(folder.path(), &count_machine(), &[baseline]).expect("written");
    let shelf = read_counts(folder.path()).expect("read").expect("there");
    assert_eq!(shelf.case(&id("codec/encode/10_kb")), Some(&case));
    assert_eq!(shelf.machine, count_machine());
}

#[test]
fn another_link_of_the_same_code_widens_the_band_and_not_the_repetitions() {
    let counted = |counts: &[f64]| -> Vec<Vec<Record>> {
        let record = |count| record("codec/encode/10_kb", Unit::Instructions, count);
        counts.iter().map(|count| vec![record(*count)]).collect()
    };
    let repeats = counted(&[1_000.0, 1_002.0]);
    for (relinks, band) in [([1_001.0], 2), ([990.0], 10), ([1_036.0], 36)] {
        let baseline = of_counts("codec", &repeats, &counted(&relinks)).expect("recordable");
        let case = baseline.cases[&id("codec/encode/10_kb")];
        assert_eq!(
            (case.instructions, case.band, case.repeats),
            (1_000, band, 2)
        );
    }
}

#[test]
fn no_band_is_learned_from_one_run_or_without_a_relink() {
    let runs = processes(Unit::Instructions);
    for (repeats, relinks) in [(&runs[..1], &runs[..1]), (&runs[..], &runs[..0])] {
        let error = of_counts("codec", repeats, relinks).expect_err("too few");
        assert!(error.to_string().contains("show no band"), "{error}");
    }
    let mut other = runs.clone();
    other[0].remove(0);
    let error = of_counts("codec", &runs, &other[..1]).expect_err("a case lacks");
    assert!(error.to_string().contains("codec/encode/1_mb"), "{error}");
}

#[test]
fn counts_of_another_toolchain_replace_all_suites_or_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let repeats = processes(Unit::Instructions);
    let suite = |name| of_counts(name, &repeats, &repeats).expect("recordable");
    write_counts(
        folder.path(),
        &count_machine(),
        &[suite("codec"), suite("quota")],
    )
    .expect("first");
    let newer = CountMachine {
        rustc: "1.96.0".to_owned(),
        ..count_machine()
    };
    write_counts(folder.path(), &newer, &[suite("codec")]).expect_err("mixed");
    write_counts(folder.path(), &newer, &[suite("codec"), suite("quota")]).expect("all anew");
}

#[test]
fn classes_are_the_folders_with_a_machine() {
    let baselines = tempfile::tempdir().expect("a folder");
    recorded(&baselines.path().join("some-cpu-6-1-2c-8g-vm"));
    fs::create_dir(baselines.path().join("empty")).expect("made");
    write_counts(
        &baselines.path().join(super::INSTRUCTIONS),
        &count_machine(),
        &[],
    )
    .expect("written");
    assert_eq!(
        classes(baselines.path()).expect("listed"),
        ["some-cpu-6-1-2c-8g-vm"]
    );
    assert!(
        classes(&baselines.path().join("absent"))
            .expect("none")
            .is_empty()
    );
}

#[test]
fn rounded_runs_are_stable_under_rounding_again() {
    let case =
        TimeCase::new(&[1_234_567.0, 1_239_999.0, 1_230_001.0], 0.012_345).expect("positive");
    let again = TimeCase::new(&case.runs_ns, case.within).expect("positive");
    assert_eq!(case, again);
    let baseline = Baseline {
        suite: "s".to_owned(),
        cases: BTreeMap::from([(id("s/c"), case)]),
    };
    assert_eq!(baseline.cases.len(), 1);
}

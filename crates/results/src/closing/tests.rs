//! The table shows what an invocation ran, all of it and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{ClosingTable, Invocation, Locations, closing_table, closing_table_of};
use crate::baseline;
use crate::comparison::Outcome;
use crate::criterion;
use crate::figures::{self, Bound, Figure};
use crate::machine::Machine;
use crate::record::{Origin, Record};

const CASES: [(&str, f64); 4] = [
    ("codec/decode/10_kb", 40_000.0),
    ("codec/encode/10_kb", 23_000.0),
    ("quota/allow/1k", 31.0),
    ("quota/deny/1k", 22.0),
];

struct Workspace {
    folder: tempfile::TempDir,
    locations: Locations,
}

fn put_case(home: &Path, id: &str, time: f64) {
    let latest = home.join(id).join("new");
    fs::create_dir_all(&latest).expect("made");
    let put = |name: &str, text: String| fs::write(latest.join(name), text).expect("put");
    put("benchmark.json", format!(r#"{{"full_id":"{id}"}}"#));
    let times = vec![format!("{time:?}"); 20].join(",");
    let iterations = ["1.0"; 20].join(",");
    put(
        "sample.json",
        format!(r#"{{"sampling_mode":"Flat","iters":[{iterations}],"times":[{times}]}}"#),
    );
    put(
        "estimates.json",
        format!(r#"{{"mean":{{"point_estimate":{time:?}}}}}"#),
    );
}

impl Workspace {
    /// All cases measured, none recorded.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let locations = Locations {
            criterion: folder.path().join("criterion"),
            iai: folder.path().join("iai"),
            baselines: folder.path().join("baselines"),
        };
        for (id, time) in CASES {
            put_case(&locations.criterion, id, time);
        }
        Self { folder, locations }
    }

    /// All cases measured, and recorded on this machine.
    fn recorded() -> Self {
        let workspace = Self::new();
        let machine = Machine::here();
        let origin = Origin {
            machine: machine.class(),
            toolchain: machine.rustc.clone(),
            commit: None,
        };
        let records: Vec<Record> = criterion::read(&workspace.locations.criterion)
            .expect("readable")
            .values()
            .map(|measurement| Record::of_measurement(measurement, &origin).expect("a sample"))
            .collect();
        let processes = [records.clone(), records.clone(), records];
        let baselines = ["codec", "quota"]
            .map(|suite| baseline::of_times(suite, &processes).expect("recordable"));
        let shelf = workspace.locations.baselines.join(machine.class());
        baseline::write_times(&shelf, &machine, &baselines).expect("written");
        workspace
    }

    fn table_of(&self, invocation: &Invocation) -> ClosingTable {
        closing_table_of(&self.locations, invocation).expect("a table")
    }
}

fn invocation(suites: &[&str], ids: &[&str]) -> Invocation {
    Invocation {
        suites: suites.iter().map(|suite| (*suite).to_owned()).collect(),
        ids: ids
            .iter()
            .map(|id| (*id).to_owned())
            .collect::<BTreeSet<_>>(),
        ..Invocation::default()
    }
}

fn ids(table: &ClosingTable) -> Vec<&str> {
    table.comparison().rows.iter().map(|row| &*row.id).collect()
}

#[test]
fn a_run_of_one_suite_shows_its_rows_alone() {
    let workspace = Workspace::recorded();
    let table = workspace.table_of(&invocation(
        &["quota"],
        &["quota/allow/1k", "quota/deny/1k"],
    ));
    assert_eq!(ids(&table), ["quota/allow/1k", "quota/deny/1k"]);
    assert_eq!(table.outcome(), Outcome::Fine);
    assert!(!table.to_string().contains("codec"), "{table}");
}

#[test]
fn a_filtered_run_shows_what_it_ran_and_counts_what_it_left_out() {
    let workspace = Workspace::recorded();
    // One case of the suite was never measured here, only recorded.
    fs::remove_dir_all(workspace.locations.criterion.join("quota/deny")).expect("removed");
    let filtered = Invocation {
        filtered: true,
        ..invocation(&["codec", "quota"], &["quota/allow/1k"])
    };
    let table = workspace.table_of(&filtered);
    assert_eq!(ids(&table), ["quota/allow/1k"]);
    assert_eq!(
        table.comparison().not_run,
        ["codec/decode/10_kb", "codec/encode/10_kb", "quota/deny/1k"]
    );
    assert_eq!(table.outcome(), Outcome::Fine);
    assert!(
        table.to_string().contains("not run this time: 3"),
        "{table}"
    );
}

#[test]
fn without_a_filter_a_recorded_case_without_a_result_is_missing() {
    let workspace = Workspace::recorded();
    fs::remove_dir_all(workspace.locations.criterion.join("quota/deny")).expect("removed");
    let table = workspace.table_of(&invocation(&["quota"], &["quota/allow/1k"]));
    assert_eq!(ids(&table), ["quota/allow/1k", "quota/deny/1k"]);
    assert_eq!(table.outcome(), Outcome::CouldNotTell);
}

#[test]
fn a_suite_that_failed_is_named_and_the_table_is_not_fine() {
    let workspace = Workspace::recorded();
    let failed = Invocation {
        unfinished: vec!["codec".to_owned()],
        ..invocation(&["codec", "quota"], &["quota/allow/1k", "quota/deny/1k"])
    };
    let table = workspace.table_of(&failed);
    assert_eq!(table.outcome(), Outcome::CouldNotTell);
    assert!(table.to_string().contains("FAILED: suite codec"), "{table}");
}

#[test]
fn a_machine_without_a_baseline_says_so_and_judges_figures_alone() {
    let workspace = Workspace::new();
    let figure = Figure::exact(
        "executions_per_query",
        1.0,
        "executions",
        "counted at the stub",
    )
    .bound(Bound::Exactly(1.0));
    figures::write(&workspace.locations.criterion, "quota", &[figure]).expect("written");
    let table = closing_table(&workspace.locations, None).expect("a table");
    let text = table.to_string();
    for words in [
        "no judgement of wall times",
        "4 not judged",
        "promises: 1 met",
        "exactly 1",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(table.outcome(), Outcome::Fine);
    assert!(
        !workspace.folder.path().join("baselines").exists(),
        "reading makes nothing"
    );
}

#[test]
fn ratios_show_where_a_side_of_them_ran() {
    let workspace = Workspace::new();
    let benches = workspace.locations.benches();
    fs::create_dir(&benches).expect("made");
    fs::write(
        benches.join("ratios.toml"),
        "[[ratio]]\nnumerator='quota/deny/1k'\ndenominator='quota/allow/1k'\nat_most=0.8\ntext='t'\n",
    )
    .expect("put");
    let shown = |suite: &str, ids: &[&str]| {
        let table = workspace.table_of(&invocation(&[suite], ids));
        table.comparison().promises.len()
    };
    assert_eq!(shown("quota", &["quota/allow/1k", "quota/deny/1k"]), 1);
    assert_eq!(shown("quota", &["quota/allow/1k"]), 1);
    assert_eq!(shown("codec", &["codec/encode/10_kb"]), 0);
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let workspace = Workspace::recorded();
    let all = || {
        closing_table(&workspace.locations, None)
            .expect("a table")
            .to_string()
    };
    assert_eq!(all(), all());
}

#[test]
fn a_run_that_measured_nothing_shows_an_empty_table_that_is_not_fine() {
    let workspace = Workspace::recorded();
    let table = workspace.table_of(&Invocation {
        filtered: true,
        ..Invocation::default()
    });
    assert!(ids(&table).is_empty());
    assert_eq!(table.outcome(), Outcome::CouldNotTell);
    assert!(
        table.to_string().ends_with("could not tell all: no case\n"),
        "{table}"
    );
}

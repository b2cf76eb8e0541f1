//! Rules about suites, their ids and their baselines.

use std::collections::BTreeSet;
use std::process::Command;

use benches::invocation::CLOSING_TARGET;
use benches::suite::is_segment;
use toml::{Table, Value};

use crate::{entries, files, name, none, read, root};

/// The target that counts instructions; a bench entry, but no suite.
const COUNTS: &str = "instructions";

fn bench_entries() -> Vec<Table> {
    let manifest: Table = read(&root().join("benches/Cargo.toml"))
        .parse()
        .expect("the manifest of this package parses");
    let entries = manifest["bench"].as_array().expect("suites are registered");
    entries
        .iter()
        .map(|entry| entry.as_table().expect("an entry is a table").clone())
        .collect()
}

fn bench_names() -> Vec<String> {
    bench_entries()
        .iter()
        .map(|entry| {
            entry["name"]
                .as_str()
                .expect("an entry has a name")
                .to_owned()
        })
        .collect()
}

fn suites() -> BTreeSet<String> {
    bench_names()
        .into_iter()
        .filter(|name| name != CLOSING_TARGET && name != COUNTS)
        .collect()
}

#[test]
fn entries_are_sorted_and_the_table_comes_last() {
    let names = bench_names();
    assert!(
        names.is_sorted(),
        "sort the [[bench]] paragraphs: {names:?}"
    );
    assert_eq!(
        names.last().map(String::as_str),
        Some(CLOSING_TARGET),
        "Cargo runs targets in the order of their names, so no suite may come after the table"
    );
}

#[test]
fn every_entry_has_its_own_file_and_no_foreign_harness() {
    let breaches: Vec<String> = bench_entries()
        .iter()
        .filter(|entry| {
            let name = entry["name"].as_str().unwrap_or_default();
            let path = entry.get("path").and_then(Value::as_str);
            let harness = entry.get("harness").and_then(Value::as_bool);
            path != Some(&format!("{name}.rs")) || harness != Some(false)
        })
        .map(|entry| entry["name"].to_string())
        .collect();
    none(
        "write `path = \"<name>.rs\"` and `harness = false` for:",
        &breaches,
    );
}

#[test]
fn every_suite_file_is_registered() {
    let registered: BTreeSet<String> = bench_names().into_iter().collect();
    let written: BTreeSet<String> = entries(&root().join("benches"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter(|path| read(path).contains("\nfn main()") || read(path).contains("\nsuite_main!"))
        .map(|path| name(&path).trim_end_matches(".rs").to_owned())
        .collect();
    assert_eq!(registered, written);
}

/// `[machine]/[suite].json`.
#[test]
fn every_baseline_belongs_to_a_suite() {
    let suites = suites();
    let breaches: Vec<String> = baseline_files()
        .into_iter()
        .filter(|(_, suite)| !suites.contains(suite))
        .map(|(path, _)| path)
        .collect();
    none(
        "no suite has this name; remove the file with the suite:",
        &breaches,
    );
}

#[test]
fn ids_are_what_the_suites_list() {
    let listed = listed_ids();
    let suites = suites();

    let mut seen = BTreeSet::new();
    let mut breaches = Vec::new();
    for id in &listed {
        let segments: Vec<&str> = id.split('/').collect();
        let well_formed = segments.len() == 3 && segments.iter().all(|segment| is_segment(segment));
        if !well_formed || !suites.contains(segments[0]) {
            breaches.push(format!(
                "{id}: not suite/case/parameter of a registered suite"
            ));
        }
        if !seen.insert(id) {
            breaches.push(format!("{id}: twice"));
        }
    }
    let silent = suites
        .iter()
        .filter(|suite| !listed.iter().any(|id| id.starts_with(&format!("{suite}/"))));
    breaches.extend(silent.map(|suite| format!("{suite}: lists no case")));
    none("each case has one id, and each suite has cases:", &breaches);
}

/// What every suite prints when asked for its cases, built as tests are.
fn listed_ids() -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "test",
            "--quiet",
            "--workspace",
            "--benches",
            "--",
            "--list",
        ])
        .current_dir(root())
        .output()
        .expect("the Cargo that runs this test can be started");
    assert!(
        output.status.success(),
        "the suites cannot be listed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.strip_suffix(": benchmark"))
        .map(str::to_owned)
        .collect()
}

/// Path and suite of each baseline file.
fn baseline_files() -> Vec<(String, String)> {
    let machines = entries(&root().join("baselines"))
        .into_iter()
        .filter(|path| path.is_dir());
    machines
        .flat_map(|machine| entries(&machine))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| {
            let suite = name(&path).trim_end_matches(".json").to_owned();
            (path.display().to_string(), suite)
        })
        .collect()
}

/// The twins keep the ids of the suites: their groups carry the suites' names.
#[test]
fn every_group_of_twins_is_a_suite() {
    let suites = suites();
    let breaches: Vec<String> = files(&["benches/instructions"], "rs")
        .into_iter()
        .filter(|path| {
            let suite = name(path).trim_end_matches(".rs").to_owned();
            !suites.contains(&suite) || !read(path).contains(&format!("name = {suite};"))
        })
        .map(|path| path.display().to_string())
        .collect();
    none("name the file and its group as the suite:", &breaches);
}

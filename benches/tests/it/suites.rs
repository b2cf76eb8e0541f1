//! Rules about suites, their ids and their baselines.

use std::collections::BTreeSet;
use std::process::Command;

use benches::invocation::{ALLOCATIONS_TARGET, CLOSING_TARGET, INSTRUCTIONS_TARGET};
use benches::suite::is_segment;
use results::{baseline, tables};
use toml::{Table, Value};

use crate::{entries, files, name, none, read, root};

/// The targets that count what twins of the cases do; bench entries, but no suites.
const COUNTS: [&str; 2] = [ALLOCATIONS_TARGET, INSTRUCTIONS_TARGET];

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
        .filter(|name| name != CLOSING_TARGET && !COUNTS.contains(&&**name))
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

#[test]
fn every_id_that_is_written_down_is_listed() {
    let listed = listed_ids();
    let suites = suites();

    let mut ids = BTreeSet::new();
    let mut breaches = Vec::new();
    for id in listed {
        let segments: Vec<&str> = id.split('/').collect();
        let well_formed = segments.len() == 3 && segments.iter().all(|segment| is_segment(segment));
        if !well_formed || !suites.contains(segments[0]) {
            breaches.push(format!(
                "{id}: not suite/case/parameter of a registered suite"
            ));
        }
        if !ids.insert(id.clone()) {
            breaches.push(format!("{id}: listed twice"));
        }
    }
    let silent = suites
        .iter()
        .filter(|suite| !ids.iter().any(|id| id.starts_with(&format!("{suite}/"))));
    breaches.extend(silent.map(|suite| format!("{suite}: lists no case")));

    let twins = twin_ids();
    let written = twins
        .iter()
        .map(|id| (id.clone(), "benches/instructions"))
        .chain(recorded_times())
        .chain(ids_in_ratios());
    for (id, place) in written {
        if !ids.contains(&id) {
            breaches.push(format!("{id} in {place}: no suite lists it"));
        }
    }
    for (id, place) in recorded_counts() {
        if !twins.contains(&id) {
            breaches.push(format!("{id} in {place}: no twin counts it"));
        }
    }
    for (id, place) in allocation_ids() {
        if !twins.contains(&id) {
            breaches.push(format!("{id} in {place}: no twin counts it"));
        }
    }
    let known: Vec<&str> = ids.iter().map(String::as_str).collect();
    let relevance = tables::Relevance::read(&root().join("benches")).expect("the table parses");
    if let Err(error) = relevance.check(|id| ids.contains(id.as_str()), &known) {
        breaches.push(error.to_string());
    }
    none(
        "an id is one case, everywhere (a renamed case is a new case):",
        &breaches,
    );
}

/// What every suite prints when asked for its cases, built as tests are.
fn listed_ids() -> Vec<String> {
    let mut cargo = Command::new(env!("CARGO"));
    // What Cargo tells this test about its package would make build scripts that look at it run again, and
    // everything that stands on them.
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&variable);
        }
    }
    let output = cargo
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

/// The ids of the instruction counts, read from their source, for listing them needs the runner.
fn twin_ids() -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for path in files(&["benches/instructions"], "rs") {
        let suite = name(&path).trim_end_matches(".rs").to_owned();
        let mut parameters = Vec::new();
        for line in read(&path).lines() {
            if let Some(rest) = line.strip_prefix("#[bench::") {
                let parameter = rest.split(['(', ']']).next().unwrap_or_default();
                // No identifier begins with a digit.
                let parameter = parameter.strip_prefix('_').unwrap_or(parameter);
                parameters.push(parameter.to_owned());
            } else if let Some(rest) = line.strip_prefix("fn ") {
                let case = rest.split('(').next().unwrap_or_default();
                ids.extend(
                    parameters
                        .drain(..)
                        .map(|parameter| format!("{suite}/{case}/{parameter}")),
                );
            }
        }
    }
    ids
}

fn recorded_times() -> Vec<(String, &'static str)> {
    let baselines = root().join("baselines");
    let mut ids = Vec::new();
    for class in baseline::classes(&baselines).expect("baselines can be read") {
        let shelf = baseline::read_times(&baselines.join(class)).expect("a baseline parses");
        let shelf = shelf.expect("a class that is listed has baselines");
        ids.extend(shelf.cases().map(|(id, _)| (id.to_string(), "baselines")));
    }
    ids
}

fn recorded_counts() -> Vec<(String, &'static str)> {
    let folder = root().join("baselines").join(baseline::INSTRUCTIONS);
    let shelf = baseline::read_counts(&folder).expect("a baseline parses");
    shelf
        .iter()
        .flat_map(|shelf| shelf.cases())
        .map(|(id, _)| (id.to_string(), "baselines/instructions"))
        .collect()
}

/// The ids of the allocations, as they are written and as they are recorded.
fn allocation_ids() -> Vec<(String, &'static str)> {
    let source = read(&root().join("benches/allocations.rs"));
    let literals = source.split('"').skip(1).step_by(2);
    let mut ids: Vec<(String, &'static str)> = literals
        .filter(|literal| literal.split('/').count() == 3)
        .map(|id| (id.to_owned(), "benches/allocations.rs"))
        .collect();
    assert!(!ids.is_empty(), "the rule would pass unseen");
    let folder = root().join("baselines").join(baseline::ALLOCATIONS);
    let shelf = baseline::read_allocations(&folder).expect("a baseline parses");
    let recorded = shelf.iter().flat_map(|shelf| shelf.cases());
    ids.extend(recorded.map(|(id, _)| (id.to_string(), "baselines/allocations")));
    ids
}

/// Ids of which a ratio is promised.
fn ids_in_ratios() -> Vec<(String, &'static str)> {
    let ratios = tables::read_ratios(&root().join("benches")).expect("the table of ratios parses");
    ratios
        .iter()
        .flat_map(|pair| [pair.numerator.to_string(), pair.denominator.to_string()])
        .map(|id| (id, "benches/ratios.toml"))
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

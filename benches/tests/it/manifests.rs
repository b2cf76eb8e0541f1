//! Rules about manifests, and the direction of dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use toml::{Table, Value};

use crate::{entries, name, none, read, root};

/// What each of our packages may stand on, in code that is not a test: the picture of the design.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("slowdown", &[]),
    ("query-api", &[]),
    ("run-state", &["slowdown"]),
    ("quota", &["slowdown"]),
    ("results", &[]),
    ("pairs", &["results"]),
    ("testbed", &["query-api"]),
    (
        "control-plane",
        &["query-api", "run-state", "quota", "slowdown"],
    ),
    (
        "loadgen",
        &[
            "query-api",
            "run-state",
            "quota",
            "testbed",
            "control-plane",
            "results",
        ],
    ),
    (
        "plimsoll",
        &[
            "query-api",
            "run-state",
            "quota",
            "testbed",
            "control-plane",
            "results",
            "pairs",
            "loadgen",
        ],
    ),
    (
        "benches",
        &[
            "query-api",
            "run-state",
            "quota",
            "testbed",
            "control-plane",
            "results",
            "pairs",
        ],
    ),
];

/// What tests may use in addition.
const TESTS_MAY_USE: [(&str, &[&str]); 1] = [("control-plane", &["testbed"])];

fn manifest_paths() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = entries(&root().join("crates"))
        .into_iter()
        .filter(|path| path.is_dir())
        .map(|folder| folder.join("Cargo.toml"))
        .collect();
    paths.push(root().join("benches/Cargo.toml"));
    paths
}

fn manifests() -> BTreeMap<String, Table> {
    manifest_paths()
        .iter()
        .map(|path| {
            let table: Table = read(path)
                .parse()
                .unwrap_or_else(|error| panic!("cannot parse {}: {error}", path.display()));
            let package = table["package"]["name"]
                .as_str()
                .expect("a package has a name")
                .to_owned();
            (package, table)
        })
        .collect()
}

fn keys(table: &Table, section: &str) -> BTreeSet<String> {
    table
        .get(section)
        .and_then(Value::as_table)
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default()
}

#[test]
fn a_folder_has_the_name_of_its_package() {
    let folders: BTreeSet<String> = manifest_paths()
        .iter()
        .map(|path| name(path.parent().expect("a manifest lies in a folder")))
        .collect();
    let packages: BTreeSet<String> = manifests().into_keys().collect();
    assert_eq!(folders, packages);
}

#[test]
fn every_package_inherits_the_lints() {
    let breaches: Vec<String> = manifests()
        .into_iter()
        .filter(|(_, table)| {
            table
                .get("lints")
                .and_then(|lints| lints.get("workspace"))
                .and_then(Value::as_bool)
                != Some(true)
        })
        .map(|(package, _)| package)
        .collect();
    none("add `[lints] workspace = true` to:", &breaches);
}

#[test]
fn every_version_stands_in_the_root_manifest() {
    let mut breaches = Vec::new();
    for (package, table) in manifests() {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = table.get(section).and_then(Value::as_table) else {
                continue;
            };
            for (dependency, value) in dependencies {
                if value.get("workspace").and_then(Value::as_bool) != Some(true) {
                    breaches.push(format!("{package}: {dependency}"));
                }
            }
        }
    }
    none(
        "say `name.workspace = true`, and the version in the root:",
        &breaches,
    );
}

#[test]
fn dependencies_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    let allowed_in_tests: BTreeMap<&str, &[&str]> = TESTS_MAY_USE.into_iter().collect();
    let manifests = manifests();
    let ours: BTreeSet<&String> = manifests.keys().collect();
    let mut breaches = Vec::new();
    for (package, table) in &manifests {
        let Some(may_use) = allowed.get(&**package) else {
            breaches.push(format!(
                "{package}: not in the picture of the design; draw it first"
            ));
            continue;
        };
        let tests_may_use = allowed_in_tests
            .get(&**package)
            .copied()
            .unwrap_or_default();
        for dependency in keys(table, "dependencies") {
            if ours.contains(&dependency) && !may_use.contains(&&*dependency) {
                breaches.push(format!("{package} uses {dependency}"));
            }
        }
        for dependency in keys(table, "dev-dependencies") {
            let permitted =
                may_use.contains(&&*dependency) || tests_may_use.contains(&&*dependency);
            if ours.contains(&dependency) && !permitted {
                breaches.push(format!("{package} uses {dependency} in its tests"));
            }
        }
    }
    none(
        "crates/README.md has the picture of who may use whom:",
        &breaches,
    );
}

#[test]
fn no_library_has_a_bench_harness_of_its_own() {
    // With one, `cargo bench -- --quick` ends in "unrecognized option".
    let mut breaches = Vec::new();
    for (package, table) in manifests() {
        let libraries = table.get("lib").into_iter();
        let binaries = table
            .get("bin")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let n_targets = table.contains_key("lib") as usize + table.contains_key("bin") as usize;
        let switched_off = libraries
            .chain(binaries)
            .all(|target| target.get("bench").and_then(Value::as_bool) == Some(false));
        if n_targets == 0 || !switched_off {
            breaches.push(package);
        }
    }
    none(
        "write `[lib]` or `[[bin]]` with `bench = false`:",
        &breaches,
    );
}

#[test]
fn every_dependency_has_its_sentence() {
    let text = read(&root().join("Cargo.toml"));
    let section = text
        .split("[workspace.dependencies]")
        .nth(1)
        .and_then(|rest| rest.split("\n[").next())
        .expect("the root manifest has the versions");
    let mut explained = false;
    let mut breaches = Vec::new();
    for line in section.lines() {
        let line = line.trim();
        if line.is_empty() {
            explained = false;
        } else if line.starts_with('#') {
            explained = true;
        } else if !explained {
            breaches.push(line.to_owned());
        }
    }
    none("say above it what it saves and what it costs:", &breaches);
}

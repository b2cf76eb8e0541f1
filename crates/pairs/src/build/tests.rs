//! Keys, Cargo's words, and what is kept; real builds are tested from outside, on a small project.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::key::{Ingredients, matters};
use super::metadata::{Executable, executables, targets_of};
use super::{Suite, keep, listed};

fn ingredients() -> Ingredients {
    Ingredients {
        commit: "c0ffee".to_owned(),
        toolchain: "rustc 1.95.0".to_owned(),
        ..Ingredients::default()
    }
}

#[test]
fn a_key_changes_with_every_ingredient_and_with_nothing_else() {
    let key = ingredients().key();
    assert_eq!(ingredients().key(), key);
    assert_eq!(key.len(), 16);

    let changes: [fn(&mut Ingredients); 6] = [
        |it| it.commit.push('0'),
        |it| it.toolchain.push('1'),
        |it| it.features.push("fast".to_owned()),
        |it| {
            drop(
                it.variables
                    .insert("RUSTFLAGS".to_owned(), "-Copt-level=1".to_owned()),
            )
        },
        |it| it.configuration.push_str("[build]"),
        |it| it.lock.push_str("version = 4"),
    ];
    let mut keys = vec![key];
    for change in changes {
        let mut changed = ingredients();
        change(&mut changed);
        keys.push(changed.key());
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 7);
}

#[test]
fn flags_matter_and_places_do_not() {
    for variable in [
        "RUSTFLAGS",
        "CARGO_PROFILE_BENCH_LTO",
        "CFLAGS",
        "RUSTC_WRAPPER",
    ] {
        assert!(matters(variable), "{variable}");
    }
    for variable in [
        "HOME",
        "CARGO_TARGET_DIR",
        "RUST_BACKTRACE",
        "CARGO_TERM_COLOR",
    ] {
        assert!(!matters(variable), "{variable}");
    }
}

#[test]
fn bench_targets_are_found_with_their_folders() {
    let bench = |name: &str, folder: &str| json!({"name": name, "kind": ["bench"], "src_path": format!("{folder}/{name}.rs")});
    let package = |name: &str, targets: &[Value]| {
        json!({
            "name": name,
            "manifest_path": format!("/w/{name}/Cargo.toml"),
            "targets": targets,
        })
    };
    let library = json!({"name": "a", "kind": ["lib"], "src_path": "/w/a/lib.rs"});
    let counts = json!({"name": "counts", "kind": ["bench"], "src_path": "/w/a/counts.rs", "required-features": ["valgrind"]});
    let metadata = json!({"packages": [
        package("a", &[library, bench("queue", "/w/a"), bench("sort", "/w/a"), counts]),
        package("b", &[bench("sort", "/w/b")]),
    ]});

    let found = targets_of(&metadata);
    let named: Vec<[&str; 2]> = found
        .iter()
        .map(|target| [&*target.name, &*target.bench])
        .collect();
    assert_eq!(
        named,
        [["queue", "queue"], ["a-sort", "sort"], ["b-sort", "sort"]]
    );
    assert_eq!(found[2].folder, PathBuf::from("/w/b"));
}

#[test]
fn programs_are_found_between_other_messages() {
    let artifact = |kind: &str, program: Value| {
        let target = json!({"name": "queue", "kind": [kind], "src_path": "/w/queue.rs"});
        json!({"reason": "compiler-artifact", "target": target, "executable": program}).to_string()
    };
    let messages = [
        artifact("lib", Value::Null),
        "a build script talks".to_owned(),
        artifact("bench", json!("/t/q-1")),
        json!({"reason": "build-finished", "success": true}).to_string(),
    ];
    let queue = Executable {
        source: PathBuf::from("/w/queue.rs"),
        executable: PathBuf::from("/t/q-1"),
    };
    assert_eq!(executables(&messages.join("\n")), [queue]);
}

#[test]
fn only_programs_that_are_there_are_listed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let suite = |name: &str| Suite {
        name: name.to_owned(),
        folder: PathBuf::from("benches"),
        file: name.to_owned(),
        programs: PathBuf::new(),
    };
    assert_eq!(listed(folder.path()), []);
    std::fs::write(folder.path().join("queue"), "program").expect("a file");
    keep(folder.path(), &[suite("codec"), suite("queue")]).expect("kept");
    assert_eq!(listed(folder.path()), [suite("queue")]);
    std::fs::write(folder.path().join("suites.json"), "cut sho").expect("a file");
    assert_eq!(listed(folder.path()), []);
    assert_eq!(listed(Path::new("/nowhere")), []);
}

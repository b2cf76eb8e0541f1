//! Keys, Cargo's words, and what is kept; real builds are tested from outside, on a small project.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::key::{Ingredients, matters, of_programs};
use super::metadata::{Executable, executables, folders_outside, targets_of};

fn ingredients() -> Ingredients {
    Ingredients {
        commit: "c0ffee".to_owned(),
        ..Ingredients::default()
    }
}

#[test]
fn a_key_changes_with_every_ingredient_and_with_nothing_else() {
    let key = ingredients().key();
    assert_eq!(ingredients().key(), key);
    assert_eq!(key.len(), 16);

    let changes: [fn(&mut Ingredients); 5] = [
        |it| it.commit.push('0'),
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
    assert_eq!(keys.len(), 6);
}

#[test]
fn a_key_changes_with_the_files_of_packages_outside_of_the_repository() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("a file");
    };
    write("src/lib.rs", "first");
    let key =
        || of_programs("c0ffee", "rustc 1.95.0", &[folder.path().to_owned()]).expect("readable");
    let first = key();
    assert_eq!(first.len(), 16);
    write("target/debug/lib.rlib", "built");
    assert_eq!(key(), first);
    write("src/lib.rs", "other");
    assert_ne!(key(), first);
    let of = |toolchain| of_programs("c0ffee", toolchain, &[]).expect("nothing to read");
    assert_ne!(of("rustc 1.95.0"), of("rustc 1.96.0"));
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
            "id": name,
            "source": null,
            "manifest_path": format!("/w/{name}/Cargo.toml"),
            "targets": targets,
        })
    };
    let library = json!({"name": "a", "kind": ["lib"], "src_path": "/w/a/lib.rs"});
    let counts = json!({"name": "counts", "kind": ["bench"], "src_path": "/w/a/counts.rs", "required-features": ["valgrind"]});
    let metadata = json!({"workspace_members": ["a", "b"], "packages": [
        package("a", &[library, bench("queue", "/w/a"), bench("sort", "/w/a"), counts]),
        package("b", &[bench("sort", "/w/b")]),
        package("elsewhere", &[bench("sort", "/w/elsewhere")]),
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
    assert_eq!(
        folders_outside(&metadata, Path::new("/w")),
        [] as [&Path; 0]
    );
    assert_eq!(
        folders_outside(&metadata, Path::new("/w/a")),
        [Path::new("/w/b"), Path::new("/w/elsewhere")]
    );
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

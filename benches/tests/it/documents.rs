//! Rules about folders and texts.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{entries, files, name, none, read, root};

/// What stands at the top, and nothing else that is visible.
const TOP_LEVEL: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "baselines",
    "benches",
    "crates",
    "fixtures",
    "scripts",
];

#[test]
fn the_top_level_is_fixed() {
    let found: BTreeSet<String> = entries(root())
        .iter()
        .map(|path| name(path))
        // The build directory, where nobody has moved it elsewhere.
        .filter(|name| name != "target")
        .collect();
    let expected: BTreeSet<String> = TOP_LEVEL.into_iter().map(str::to_owned).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_folder_says_what_it_holds() {
    let top = entries(root())
        .into_iter()
        .filter(|path| path.is_dir() && name(path) != "target");
    let crates = entries(&root().join("crates"))
        .into_iter()
        .filter(|path| path.is_dir());
    let breaches: Vec<String> = top
        .chain(crates)
        .filter(|folder| !folder.join("README.md").is_file())
        .map(|folder| folder.display().to_string())
        .collect();
    none(
        "write a README.md (what is here, what is not, how to add one) into:",
        &breaches,
    );
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut breaches = Vec::new();
    let mut documents = files(
        &["crates", "benches", "fixtures", "scripts", "baselines"],
        "md",
    );
    documents.push(root().join("README.md"));
    for document in documents {
        let folder = document.parent().expect("a file lies in a folder");
        for target in links(&read(&document)) {
            if !folder.join(&target).exists() {
                breaches.push(format!("{}: {target}", document.display()));
            }
        }
    }
    none("mend the link in:", &breaches);
}

/// The relative targets of inline links.
fn links(markdown: &str) -> Vec<String> {
    markdown
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(|target| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_script_says_what_it_is_for() {
    let readme = read(&root().join("scripts/README.md"));
    let breaches: Vec<String> = entries(&root().join("scripts"))
        .into_iter()
        .filter(|path| name(path) != "README.md")
        .filter(|path| !begins_well(path) || !readme.contains(&format!("`{}`", name(path))))
        .map(|path| path.display().to_string())
        .collect();
    none(
        "begin it with `#!` and a comment, and add its row to scripts/README.md:",
        &breaches,
    );
}

fn begins_well(script: &Path) -> bool {
    let text = read(script);
    let mut lines = text.lines();
    lines.next().is_some_and(|line| line.starts_with("#!"))
        && lines.next().is_some_and(|line| line.starts_with("# "))
}

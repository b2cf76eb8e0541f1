//! Counts of two commits, taken by a target that only pretends to count: the tools are not everywhere.

use std::fs;

use pairs::build::{Built, Workshop};
use pairs::counts::{Tools, take};
use pairs::tree::Repository;
use results::pairs::counts::PairCounts;

use crate::Witness;
use crate::toy::Toy;

const MANIFEST: &str = r#"
[package]
name = "toy"
version = "0.0.0"
edition = "2024"

[features]
instructions = []

[lib]
bench = false

[[bench]]
name = "instructions"
harness = false
required-features = ["instructions"]

[workspace]
"#;

/// Leaves what the real one leaves.
const COUNTS: &str = r###"
use std::{env, fs, path::PathBuf};

fn main() {
    let home = PathBuf::from(env::var_os("IAI_CALLGRIND_HOME").expect("set"));
    for (case, parse, rest) in [CASES] {
        let folder = home.join(case);
        fs::create_dir_all(&folder).unwrap();
        let total = parse + rest;
        let ir = format!(r##"{{"Ir":{{"metrics":{{"Left":{{"Int":{total}}}}}}}}}"##);
        let summary = format!(
            r##"{{"version":"6","module_path":"i::codec::{case}","function_name":"{case}","id":"small",
            "profiles":[{{"summaries":{{"total":{{"summary":{{"Callgrind":{ir}}}}}}}}}]}}"##
        );
        fs::write(folder.join("summary.json"), summary).unwrap();
        let profile = format!("events: Ir\nfn=toy::parse\n1 {parse}\nfn=toy::rest\n1 {rest}\ntotals: {total}\n");
        fs::write(folder.join("callgrind.x.out"), profile).unwrap();
    }
}
"###;

fn state(toy: &Toy, name: &str, cases: &str) {
    toy.write("Cargo.toml", MANIFEST);
    toy.write("benches/instructions.rs", &COUNTS.replace("CASES", cases));
    toy.commit(name);
}

fn counts(toy: &Toy, sides: [&str; 2], tools: &Tools) -> (PairCounts, Witness) {
    let repository = Repository::around(toy.path()).expect("a repository");
    let folder = toy.target().join("ab");
    fs::create_dir_all(&folder).expect("a folder");
    let workshop = Workshop::open(&repository, toy.path(), &folder, &[]).expect("free");
    let [base, candidate] = sides.map(|side| repository.commit(side).expect("tagged"));
    let watch = Witness::new();
    let built: [Built; 2] = workshop
        .build_both([&base, &candidate], None, &watch)
        .expect("nothing to build");
    let counts = take(&workshop, [&built[0], &built[1]], tools, &watch).expect("not interrupted");
    (counts, watch)
}

#[test]
fn counts_of_two_commits_name_the_function_that_grew_or_say_why_there_are_none() {
    let toy = Toy::new();
    toy.write(
        "Cargo.toml",
        &MANIFEST.replace("[[bench]]", "[package.metadata.none]"),
    );
    toy.commit("without");
    state(
        &toy,
        "base",
        r#"("encode", 1_000_u64, 500_u64), ("decode", 300, 300)"#,
    );
    state(
        &toy,
        "slower",
        r#"("encode", 1_100_u64, 500_u64), ("decode", 300, 300)"#,
    );
    toy.write(
        "benches/instructions.rs",
        "fn main() { std::process::exit(2) }",
    );
    toy.commit("broken");

    let tools = Tools::default();
    let (taken, watch) = counts(&toy, ["base", "slower"], &tools);
    assert!(watch.saw("counting base") && watch.saw("counting slower"));
    let (again, watch) = counts(&toy, ["base", "slower"], &tools);
    assert!(watch.saw("counted base") && watch.saw("counted slower"));
    assert_eq!(again, taken);
    let PairCounts::Taken { cases, culprits } = taken else {
        panic!("not taken");
    };
    let seen: Vec<_> = cases
        .iter()
        .map(|case| (case.id.as_str(), case.ratio()))
        .collect();
    let expected = [
        ("codec/decode/small", Some(1.0)),
        ("codec/encode/small", Some(1_600.0 / 1_500.0)),
    ];
    assert_eq!(seen, expected);
    assert_eq!(culprits.shared[0].function, "toy::parse");

    for (sides, said) in [
        (
            ["without", "base"],
            "without has no bench target that counts",
        ),
        (["base", "broken"], "the counts of broken failed"),
    ] {
        let (counts, watch) = counts(&toy, sides, &tools);
        assert!(!watch.saw("counted broken"));
        let PairCounts::NotAvailable { because } = &counts else {
            panic!("{counts:?}");
        };
        assert!(because.contains(said), "{because}");
    }
}

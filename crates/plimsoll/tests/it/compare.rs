//! Wall times against baselines: seen where slow, silent where not, honest where it cannot tell.

use std::fs;

use results::figures::{self, Bound, Figure};
use results::machine::Machine;

use crate::sandbox::{Sandbox, contents, measure};

#[test]
fn a_path_twice_as_slow_ends_with_1_and_names_that_case_and_no_other() {
    let sandbox = Sandbox::with_baseline();
    sandbox.measure(1, |id| {
        Some(if id == "codec/encode/100_kb" {
            2.0
        } else {
            1.0
        })
    });
    let outcome = sandbox.compare(&[]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stdout);
    assert_eq!(outcome.regressed(), ["codec/encode/100_kb"]);
    assert!(outcome.stderr.is_empty(), "{}", outcome.stderr);
}

#[test]
fn a_filter_does_not_make_the_verdict_sharper_or_blunter() {
    let sandbox = Sandbox::with_baseline();
    sandbox.measure(1, |id| {
        Some(if id == "codec/encode/100_kb" {
            2.0
        } else {
            1.0
        })
    });
    let outcome = sandbox.compare(&["--suite", "codec"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stdout);
    assert_eq!(outcome.regressed(), ["codec/encode/100_kb"]);
    assert!(!outcome.stdout.contains("fan_out"), "{}", outcome.stdout);
}

#[test]
fn unchanged_code_never_ends_with_1_in_ten_runs() {
    let sandbox = Sandbox::with_baseline();
    for seed in 0..10 {
        sandbox.measure(seed, |_| Some(1.0));
        let outcome = sandbox.compare(&[]);
        assert!(
            matches!(outcome.code, Some(0 | 3)),
            "seed {seed}: {}",
            outcome.stdout
        );
        assert!(outcome.regressed().is_empty());
    }
}

#[test]
fn a_machine_that_is_slow_as_a_whole_accuses_nobody() {
    let sandbox = Sandbox::with_baseline();
    sandbox.measure(1, |_| Some(2.5));
    let outcome = sandbox.compare(&[]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.stdout);
    assert!(
        outcome.stdout.contains("the whole run moved"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn several_processes_see_a_smaller_slowdown() {
    let sandbox = Sandbox::with_baseline();
    let slower = |id: &str| {
        Some(if id == "codec/encode/100_kb" {
            1.45
        } else {
            1.0
        })
    };
    sandbox.measure(1, slower);
    let mut arguments = Vec::new();
    for process in 2..=5 {
        let home = sandbox.path(&format!("criterion_{process}"));
        measure(&home, process, slower);
        arguments.extend(["--criterion".to_owned(), home.display().to_string()]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = sandbox.compare(&arguments);
    assert_eq!(
        outcome.regressed(),
        ["codec/encode/100_kb"],
        "{}",
        outcome.stdout
    );
}

#[test]
fn an_empty_criterion_folder_ends_with_2_and_says_what_to_do() {
    let sandbox = Sandbox::with_baseline();
    fs::create_dir(sandbox.path("criterion")).expect("made");
    let outcome = sandbox.compare(&[]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stdout.is_empty());
    assert!(
        outcome.stderr.contains("found no results in") && outcome.stderr.contains("cargo bench"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn on_a_foreign_machine_nothing_is_judged_and_the_fields_that_differ_are_named() {
    let sandbox = Sandbox::new();
    let here = Machine::here();
    sandbox.record(&Machine {
        processor: "Another CPU 1/1".to_owned(),
        cores: here.cores + 6,
        ..here
    });
    sandbox.measure(1, |_| Some(3.0));
    let outcome = sandbox.compare(&[]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.stdout);
    for words in [
        "no judgement of wall times",
        "Another CPU 1/1 there",
        "cores:",
    ] {
        assert!(
            outcome.stdout.contains(words),
            "{words}: {}",
            outcome.stdout
        );
    }
    assert!(
        outcome.stdout.contains("12 not judged"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn on_a_foreign_machine_ratios_of_the_same_run_are_judged() {
    let sandbox = Sandbox::new();
    sandbox.measure(1, |_| Some(1.0));
    let table = |bound: f64| {
        let text = format!(
            "[[ratio]]\nnumerator = 'quota/allow/1k_workspaces'\n\
             denominator = 'quota/governor_allow/1k_workspaces'\nat_most = {bound}\ntext = 'ours and theirs'\n"
        );
        fs::write(sandbox.path("benches/ratios.toml"), text).expect("put");
    };
    for (bound, code, word) in [
        (0.8, 0, " met"),
        (0.3, 1, " MISSED"),
        (0.54, 3, " inconclusive"),
    ] {
        table(bound);
        let outcome = sandbox.compare(&[]);
        assert_eq!(outcome.code, Some(code), "{bound}: {}", outcome.stdout);
        assert!(outcome.stdout.contains(word), "{bound}: {}", outcome.stdout);
    }
}

#[test]
fn a_figure_that_breaks_its_promise_ends_with_1() {
    let sandbox = Sandbox::with_baseline();
    sandbox.measure(1, |_| Some(1.0));
    let figure = |executions| {
        let figure = Figure::exact(
            "executions_per_query",
            executions,
            "executions",
            "counted at the stub",
        )
        .bound(Bound::Exactly(1.0));
        figures::write(&sandbox.path("criterion"), "lifecycle", &[figure]).expect("written");
    };
    figure(1.0);
    let outcome = sandbox.compare(&[]);
    assert!(
        outcome.stdout.contains("lifecycle/executions_per_query"),
        "{}",
        outcome.stdout
    );
    assert_ne!(outcome.code, Some(1));
    figure(1.75);
    assert_eq!(sandbox.compare(&[]).code, Some(1));
}

#[test]
fn new_and_missing_cases_are_listed_and_a_missing_one_is_no_pass() {
    let sandbox = Sandbox::with_baseline();
    sandbox.measure(1, |id| {
        (id != "queue/add_and_take/1_namespace").then_some(1.0)
    });
    fs::rename(
        sandbox.path("criterion/quota/deny/1k_workspaces"),
        sandbox.path("criterion/quota/deny/renamed"),
    )
    .expect("moved");
    let benchmark = sandbox.path("criterion/quota/deny/renamed/new/benchmark.json");
    fs::write(benchmark, r#"{"full_id":"quota/deny/1_000_workspaces"}"#).expect("put");
    let outcome = sandbox.compare(&[]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.stdout);
    let (_, after) = outcome.stdout.split_once("missing: ").expect("a section");
    let (missing, new) = after.split_once("new: ").expect("a section");
    assert!(
        missing.contains("queue/add_and_take/1_namespace"),
        "{missing}"
    );
    assert!(missing.contains("quota/deny/1k_workspaces"), "{missing}");
    assert!(new.contains("quota/deny/1_000_workspaces"), "{new}");
}

#[test]
fn a_baseline_that_is_not_understood_ends_with_2_and_stays_as_it_is() {
    let sandbox = Sandbox::with_baseline();
    sandbox.measure(1, |_| Some(1.0));
    let path = sandbox.shelf().join("codec.json");
    let good = fs::read_to_string(&path).expect("there");
    let cut = good[..good.len() / 2].to_owned();
    let unknown = good.replacen("\"estimate_ns\"", "\"mood\":1,\"estimate_ns\"", 1);
    for (bad, complaint) in [(cut, "EOF"), (unknown, "unknown field `mood`")] {
        fs::write(&path, &bad).expect("put");
        let before = contents(&sandbox.path("baselines"));
        let outcome = sandbox.compare(&[]);
        assert_eq!(outcome.code, Some(2), "{}", outcome.stdout);
        for words in [complaint, "codec.json", "line", "version control"] {
            assert!(
                outcome.stderr.contains(words),
                "{words}: {}",
                outcome.stderr
            );
        }
        assert_eq!(contents(&sandbox.path("baselines")), before);
    }
}

#[test]
fn a_relevance_entry_without_a_case_ends_with_2_and_names_the_nearest() {
    let sandbox = Sandbox::with_baseline();
    sandbox.measure(1, |_| Some(1.0));
    let text = "[[case]]\nid = 'codec/encode/100kb'\ntime = 0.5\nreason = 'memory bandwidth'\n";
    fs::write(sandbox.path("benches/relevance.toml"), text).expect("put");
    let outcome = sandbox.compare(&[]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("nearest: codec/encode/100_kb"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_relevance_entry_excuses_its_case() {
    let sandbox = Sandbox::with_baseline();
    sandbox.measure(1, |id| {
        Some(if id == "codec/encode/100_kb" {
            2.0
        } else {
            1.0
        })
    });
    let text = "[[case]]\nid = 'codec/encode/100_kb'\ntime = 3.0\nreason = 'memory bandwidth'\n";
    fs::write(sandbox.path("benches/relevance.toml"), text).expect("put");
    assert!(sandbox.compare(&[]).regressed().is_empty());
}

#[test]
fn a_suite_that_is_nowhere_ends_with_2() {
    let sandbox = Sandbox::with_baseline();
    sandbox.measure(1, |_| Some(1.0));
    let outcome = sandbox.compare(&["--suite", "codecs"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stdout);
    assert!(
        outcome.stderr.contains("no suite \"codecs\""),
        "{}",
        outcome.stderr
    );
}

#[test]
fn json_and_markdown_say_the_same_as_the_text_and_the_same_twice() {
    let sandbox = Sandbox::with_baseline();
    sandbox.measure(1, |id| {
        Some(if id == "codec/encode/100_kb" {
            2.0
        } else {
            1.0
        })
    });
    let json = sandbox.compare(&["--format", "json"]);
    assert_eq!(json.code, Some(1));
    let value: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(value["schema"], 2);
    assert_eq!(value["outcome"], "regressed");
    let regressed: Vec<_> = value["cases"]
        .as_array()
        .expect("cases")
        .iter()
        .filter(|row| row["verdict"] == "regressed")
        .map(|row| row["id"].as_str().expect("an id"))
        .collect();
    assert_eq!(regressed, ["codec/encode/100_kb"]);

    let markdown = sandbox.compare(&["--format", "markdown"]);
    assert_eq!(markdown.code, Some(1));
    assert!(
        markdown.stdout.starts_with("## Plimsoll: worse"),
        "{}",
        markdown.stdout
    );
    for (format, first) in [("json", &json), ("markdown", &markdown)] {
        assert_eq!(sandbox.compare(&["--format", format]).stdout, first.stdout);
    }
}

#[test]
fn output_that_is_no_terminal_has_no_colours() {
    let sandbox = Sandbox::with_baseline();
    sandbox.measure(1, |_| Some(1.0));
    assert!(!sandbox.compare(&[]).stdout.contains('\u{1b}'));
}

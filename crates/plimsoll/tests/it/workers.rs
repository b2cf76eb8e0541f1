//! `plimsoll load` by several workers: shares, gathering, lost and broken parts, and the manifests of a Job.

use std::fs;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::sandbox::{Outcome, Sandbox};

/// A load of some tenths of a second.
const SCENARIO: &str = r#"
text = "Six users; does not show anything."
[closed]
users = 6
queries = 25
[llm]
latency = ["20ms", "20ms"]
[[slo]]
metric = "success"
at_least = 0.8
"#;

struct Stage {
    sandbox: Sandbox,
    scenario: String,
}

impl Stage {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let path = sandbox.path("six.toml");
        fs::write(&path, SCENARIO).expect("written");
        let scenario = path.display().to_string();
        Self { sandbox, scenario }
    }

    fn load(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
        let all = [&["load", &self.scenario], arguments].concat();
        self.sandbox.run(&all, variables)
    }

    /// The file of a part.
    fn part(&self, number: usize) -> String {
        let name = format!("part-{number}.json");
        self.sandbox.path(&name).display().to_string()
    }

    fn work(&self, number: usize, of: usize) {
        let (share, part) = (format!("{number}/{of}"), self.part(number));
        let arguments = ["--driver", "null", "--worker", &share, "--part", &part];
        let outcome = self.load(&arguments, &[]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        assert!(outcome.stdout.is_empty(), "a part is no report");
        assert!(outcome.stderr.contains(&part), "{}", outcome.stderr);
    }

    fn gather(&self, parts: &[usize], arguments: &[&str]) -> Outcome {
        let parts: Vec<String> = parts.iter().map(|number| self.part(*number)).collect();
        let mut all = arguments.to_vec();
        all.push("--gather");
        all.extend(parts.iter().map(String::as_str));
        self.load(&all, &[])
    }
}

#[test]
fn the_parts_of_all_workers_are_one_run() {
    let stage = Stage::new();
    for number in 0..3 {
        stage.work(number, 3);
    }
    let outcome = stage.gather(&[2, 0, 1], &["--format", "json"]);
    let record: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!(record["started"], 25);
    assert_eq!(record["planned"], 25);
    assert_eq!(record["operations"][0]["count"], 25);
    for workers in ["lost_workers", "overtaxed_workers"] {
        assert_eq!(record["health"][workers], serde_json::json!([]));
    }
    // A machine without time to spare may spoil the run; then it says so.
    let is_spoiled = record["conclusion"] == "spoiled";
    assert_eq!(outcome.code, Some(if is_spoiled { 4 } else { 0 }));
    for format in ["text", "markdown", "html", "junit", "csv"] {
        let outcome = stage.gather(&[0, 1, 2], &["--format", format]);
        assert!(!outcome.stdout.is_empty(), "{format}: {}", outcome.stderr);
    }
}

#[test]
fn a_lost_worker_ends_with_4_and_is_named() {
    let stage = Stage::new();
    for number in [0, 2] {
        stage.work(number, 3);
    }
    let outcome = stage.gather(&[0, 2], &[]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.stderr);
    let named = "nothing came from worker 1";
    assert!(outcome.stdout.contains(named), "{}", outcome.stdout);
}

#[test]
fn what_an_earlier_run_left_does_not_pass_for_a_lost_worker() {
    let stage = Stage::new();
    let part = stage.part(1);
    fs::write(&part, "old").expect("written");
    let nowhere = ["--driver", "kubernetes", "--kubeconfig", "nowhere/config"];
    let share = ["--worker", "1/3", "--part", &part];
    let outcome = stage.load(&[nowhere, share].concat(), &[]);
    assert_eq!(outcome.code, Some(5), "{}", outcome.stderr);
    assert!(!fs::exists(&part).expect("looked"));
}

#[test]
fn parts_that_are_no_part_of_the_run_end_with_2_and_are_named() {
    let stage = Stage::new();
    stage.work(0, 2);
    let whole = fs::read_to_string(stage.part(0)).expect("read");
    let newer = whole.replacen("\"version\":3", "\"version\":4", 1);
    let other = whole.replacen("\"seed\":1", "\"seed\":2", 1);
    for (text, part) in [
        (&whole[..whole.len() / 2], "does not parse"),
        (&*newer, "version 4"),
        (&*other, "another seed"),
        (&*whole, "twice"),
    ] {
        fs::write(stage.part(1), text).expect("written");
        let outcome = stage.gather(&[0, 1], &[]);
        assert_eq!(outcome.code, Some(2), "{part}: {}", outcome.stdout);
        let error = &outcome.stderr;
        assert!(error.contains(part), "{part}: {error}");
        assert!(error.contains("part-1.json"), "{part}: {error}");
    }
}

#[test]
fn the_number_of_a_worker_may_come_from_its_job() {
    let stage = Stage::new();
    let part = stage.part(1);
    let arguments = ["--driver", "null", "--worker", "/2", "--part", &part];
    let outcome = stage.load(&arguments, &[("JOB_COMPLETION_INDEX", "1")]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("worker 1 of 2"),
        "{}",
        outcome.stderr
    );
    for (index, reason) in [("2", "no worker 2 of 2"), ("two", "no number")] {
        let outcome = stage.load(&arguments, &[("JOB_COMPLETION_INDEX", index)]);
        assert_eq!(outcome.code, Some(2));
        assert!(outcome.stderr.contains(reason), "{}", outcome.stderr);
    }
}

#[test]
fn shares_that_make_no_sense_end_with_2() {
    let stage = Stage::new();
    let null = ["--driver", "null", "--part", "p.json"];
    for (arguments, reason) in [
        (&["--worker", "0/2"][..], "control plane of its own"),
        (&["--worker", "0/2", "--driver", "null"], "--part FILE"),
        (&[&["--worker", "0/7"], &null[..]].concat(), "at most 6"),
        (&["--worker", "2/2"], "K from 0"),
        (&["--gather"], "name the files"),
        (&["--gather", "nowhere.json"], "nowhere.json"),
        (&["--emit-job", "7"], "at most 6"),
    ] {
        let outcome = stage.load(arguments, &[]);
        assert_eq!(outcome.code, Some(2), "{arguments:?}");
        assert!(outcome.stderr.contains(reason), "{}", outcome.stderr);
    }
}

#[test]
fn the_manifests_of_a_job_are_the_same_every_time_and_carry_the_scenario() {
    let stage = Stage::new();
    let emitted = || stage.load(&["--emit-job", "3", "--image", "here/plimsoll:1"], &[]);
    let outcome = emitted();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, emitted().stdout);
    for part in [
        "kind: Job",
        "completionMode: Indexed",
        "completions: 3",
        "here/plimsoll:1",
        "Six users; does not show anything.",
        "/3",
    ] {
        assert!(outcome.stdout.contains(part), "{part}: {}", outcome.stdout);
    }
}

/// The arguments of the workers of a Job, and the text of their scenario, as the manifests say them.
fn of_job(manifests: &str) -> (Vec<String>, String) {
    let documents: Vec<Value> = serde_saphyr::from_multiple(manifests).expect("YAML");
    let of_kind = |kind: &str| {
        let mut documents = documents.iter();
        documents
            .find(|document| document["kind"] == kind)
            .expect("there is one")
    };
    let container = &of_kind("Job")["spec"]["template"]["spec"]["containers"][0];
    let arguments = container["args"].as_array().expect("arguments");
    let arguments = arguments.iter().filter_map(Value::as_str);
    let text = of_kind("ConfigMap")["data"]["scenario.toml"].as_str();
    (
        arguments.map(str::to_owned).collect(),
        text.expect("a scenario").to_owned(),
    )
}

#[test]
fn the_workers_of_a_job_leave_their_parts_in_the_cluster_and_the_gatherer_cleans_up() {
    let (stage, cluster) = (Stage::new(), Cluster::start());
    let write = |name: &str, text: &str| {
        let path = stage.sandbox.path(name);
        fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let kubeconfig = write("kubeconfig", &cluster.kubeconfig().to_string());
    let changed = ["--time-scale", "0.5", "--timeout", "60s"];
    let job = ["--model-url", "http://127.0.0.1:9/v1", "--emit-job", "2"];
    let emitted = stage.load(&[&changed[..], &job].concat(), &[]);
    let (mut arguments, text) = of_job(&emitted.stdout);
    assert_eq!(arguments[1], "/etc/plimsoll/scenario.toml");
    arguments[1] = write("scenario.toml", &text);
    arguments.extend(["--kubeconfig".to_owned(), kubeconfig.clone()]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();

    let worked = |index| {
        stage
            .sandbox
            .run(&arguments, &[("JOB_COMPLETION_INDEX", index)])
    };
    let outcomes = std::thread::scope(|scope| {
        let workers = ["0", "1"].map(|index| scope.spawn(move || worked(index)));
        workers.map(|worker| worker.join().expect("it came to its end"))
    });
    for outcome in outcomes {
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    }
    assert_eq!(cluster.api.n_objects("configmaps"), 2);
    assert_eq!(cluster.api.n_objects("leases"), 3);
    assert_eq!(cluster.api.n_objects("agents"), 1);

    let system = ["--driver", "kubernetes", "--kubeconfig", &kubeconfig];
    let gathering = ["--format", "json", "--gather"];
    let outcome = stage.load(&[&changed[..], &system, &gathering].concat(), &[]);
    let record: Value = serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", outcome.stderr));
    assert_eq!(record["started"], 25);
    assert_eq!(record["time_scale"], 0.5);
    let ceiling = &record["health"]["ceiling_per_second"];
    assert!(ceiling.is_f64(), "both have measured theirs: {ceiling}");
    let done = serde_json::json!([["done", 25]]);
    assert_eq!(record["operations"][0]["outcomes"], done);
    for plural in [
        "queries",
        "agents",
        "models",
        "secrets",
        "leases",
        "configmaps",
    ] {
        assert_eq!(cluster.api.n_objects(plural), 0, "{plural}");
    }
}

//! A workspace in a temporary folder: results as Criterion writes them, baselines as we write them, a Cargo that
//! only pretends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use results::baseline;
use results::criterion;
use results::machine::Machine;
use results::record::{Origin, Record};

/// The cases of the sandbox with their true times in nanoseconds.
pub(crate) const CASES: [(&str, f64); 12] = [
    ("codec/decode/100_kb", 410_000.0),
    ("codec/decode/10_kb", 40_000.0),
    ("codec/encode/100_kb", 230_000.0),
    ("codec/encode/10_kb", 23_000.0),
    ("fan_out/all_succeed/16_targets", 100_400_000.0),
    ("fan_out/all_succeed/256_targets", 103_000_000.0),
    ("fan_out/one_fails/16_targets", 100_400_000.0),
    ("queue/add_and_take/1_namespace", 310.0),
    ("queue/add_and_take/50_namespaces", 450.0),
    ("quota/allow/1k_workspaces", 31.0),
    ("quota/deny/1k_workspaces", 22.0),
    ("quota/governor_allow/1k_workspaces", 57.0),
];

/// What the binary did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["baselines", "benches"] {
            fs::create_dir(folder.path().join(name)).expect("made");
        }
        Self { folder }
    }

    /// With a baseline of five processes, recorded on this machine.
    pub(crate) fn with_baseline() -> Self {
        let sandbox = Self::new();
        sandbox.record(&Machine::here());
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of this machine's baselines.
    pub(crate) fn shelf(&self) -> PathBuf {
        self.path("baselines").join(Machine::here().class())
    }

    /// Records all cases as if on the given machine.
    pub(crate) fn record(&self, machine: &Machine) {
        let origin = Origin {
            machine: machine.class(),
            toolchain: machine.rustc.clone(),
            commit: None,
        };
        let processes: Vec<Vec<Record>> = (1..=5)
            .map(|process| {
                let home = self.path(&format!("recorded_{process}"));
                measure(&home, 100 + process, |_| Some(1.0));
                let measurements = criterion::read(&home).expect("readable");
                measurements
                    .values()
                    .map(|measurement| {
                        Record::of_measurement(measurement, &origin).expect("a sample")
                    })
                    .collect()
            })
            .collect();
        let suites = ["codec", "fan_out", "queue", "quota"];
        let baselines: Vec<_> = suites
            .iter()
            .map(|suite| baseline::of_times(suite, &processes).expect("recordable"))
            .collect();
        let shelf = self.path("baselines").join(machine.class());
        baseline::write_times(&shelf, machine, &baselines).expect("written");
    }

    /// Measures all cases into `criterion`, in one process.
    pub(crate) fn measure(&self, seed: u64, factor: impl Fn(&str) -> Option<f64>) {
        measure(&self.path("criterion"), seed, factor);
    }

    /// Runs `plimsoll compare` on the sandbox.
    pub(crate) fn compare(&self, arguments: &[&str]) -> Outcome {
        let folder = |name| self.path(name).display().to_string();
        let (criterion, baselines, iai) = (folder("criterion"), folder("baselines"), folder("iai"));
        let mut all = vec![
            "compare",
            "--criterion",
            &criterion,
            "--baseline",
            &baselines,
            "--iai",
            &iai,
        ];
        all.extend(arguments);
        self.run(&all, &[])
    }

    /// Runs the binary in the sandbox.
    pub(crate) fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
        let mut command = self.command(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(arguments).envs(variables.iter().copied());
        outcome(command)
    }

    /// Runs the binary in the sandbox, behind a piece of shell whose `$0` and `$@` it is.
    pub(crate) fn run_in(&self, shell: &str, arguments: &[String]) -> Outcome {
        let mut command = self.command("sh");
        let binary = env!("CARGO_BIN_EXE_plimsoll");
        command.args(["-c", shell, binary]).args(arguments);
        outcome(command)
    }

    /// Without the variables of whoever runs the tests; those that a test sets come after.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env_remove("CRITERION_HOME")
            .env_remove("IAI_CALLGRIND_HOME")
            .env_remove("NO_COLOR");
        command
    }
}

fn outcome(mut command: Command) -> Outcome {
    let output = command
        .output()
        .expect("the binary was built for this test");
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

impl Outcome {
    /// The accused, by the lines before the summary.
    pub(crate) fn regressed(&self) -> Vec<&str> {
        self.stdout
            .lines()
            .filter_map(|line| line.strip_prefix("REGRESSED: "))
            .filter_map(|line| line.split(' ').next())
            .collect()
    }
}

/// One process on a shared machine: each case a little off (3 %), and up to half of its batches preempted, so that the
/// mean of the same code moves by 11 to 40 % from process to process. `factor` slows a case or leaves it out.
pub(crate) fn measure(home: &Path, seed: u64, factor: impl Fn(&str) -> Option<f64>) {
    let mut rng = StdRng::seed_from_u64(seed);
    for (id, usual_ns) in CASES {
        let process =
            1.0 + 0.03 * (rng.random::<f64>() + rng.random::<f64>() + rng.random::<f64>() - 1.5);
        let share_preempted = rng.random_range(0.0..0.5);
        let times: Vec<f64> = (0..20)
            .map(|_| {
                let is_preempted = rng.random_bool(share_preempted);
                let delay = if is_preempted {
                    rng.random_range(0.2..2.0)
                } else {
                    0.0
                };
                usual_ns * process * (1.0 + 0.01 * rng.random::<f64>() + delay)
            })
            .collect();
        if let Some(factor) = factor(id) {
            let slowed: Vec<f64> = times.iter().map(|time| time * factor).collect();
            put_case(home, id, &slowed);
        }
    }
}

fn put_case(home: &Path, id: &str, times: &[f64]) {
    let latest = home.join(id).join("new");
    fs::create_dir_all(&latest).expect("made");
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    let put = |name: &str, text: String| fs::write(latest.join(name), text).expect("put");
    put("benchmark.json", format!(r#"{{"full_id":"{id}"}}"#));
    let iterations = vec!["10.0"; times.len()].join(",");
    let totals: Vec<String> = times
        .iter()
        .map(|time| format!("{:?}", time * 10.0))
        .collect();
    let totals = totals.join(",");
    put(
        "sample.json",
        format!(r#"{{"sampling_mode":"Flat","iters":[{iterations}],"times":[{totals}]}}"#),
    );
    put(
        "estimates.json",
        format!(r#"{{"mean":{{"point_estimate":{mean:?}}}}}"#),
    );
}

/// Every file below a folder with its bytes.
pub(crate) fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).expect("read");
                files.push((path, bytes));
            }
        }
    }
    files.sort();
    files
}
/// A Cargo workspace without suites, in a repository of its own unless there shall be none.
pub(crate) fn workspace(has_repository: bool) -> Sandbox {
    let sandbox = Sandbox::new();
    let manifest = "[package]\nname = 'toy'\nversion = '0.0.0'\n\n[workspace]\n";
    fs::create_dir(sandbox.path("src")).expect("a folder");
    fs::write(sandbox.path("src/lib.rs"), "").expect("a file");
    fs::write(sandbox.path("Cargo.toml"), manifest).expect("a file");
    if has_repository {
        git(&sandbox, &["init", "--quiet"]);
        git(&sandbox, &["add", "--all"]);
        git(&sandbox, &["commit", "--quiet", "-m", "first"]);
    }
    sandbox
}
pub(crate) fn git(sandbox: &Sandbox, arguments: &[&str]) {
    let status = Command::new("git")
        .arg("-C")
        .arg(sandbox.path("."))
        .args(["-c", "user.name=toy", "-c", "user.email=toy@localhost"])
        .args(arguments)
        .status();
    assert!(status.expect("git is there").success(), "{arguments:?}");
}

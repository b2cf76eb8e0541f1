//! A Cargo project in a repository of its own, whose suites answer as Criterion's do and cost a second to build.
//!
//! What a case "takes" is written in it, so that the truth of a comparison is known and no test measures time. Such a
//! suite knows nothing of turns, and is measured in blocks.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::sandbox::{Outcome, Sandbox};

const MANIFEST: &str = "[package]\nname = 'toy'\nversion = '0.0.0'\nedition = '2024'\n\n[workspace]\n\n[lib]\nbench = false\n";

/// A suite that knows two functions by their places, which the linker decides.
const SUITE: &str = r#"
use std::{env, fs, hint::black_box, path::Path, process, thread, time::{Duration, SystemTime}};

#[inline(never)]
fn left(n: u64) -> u64 { black_box(n) + 1 }

#[inline(never)]
fn right(n: u64) -> u64 { black_box(n) * 3 }

/// Whether the linker put one function before the other.
fn is_left_first() -> bool {
    (black_box(left as fn(u64) -> u64) as usize) < (black_box(right as fn(u64) -> u64) as usize)
}

fn hang() -> f64 {
    fs::write(env::var("PIDS").unwrap(), process::id().to_string()).unwrap();
    loop { thread::sleep(Duration::from_secs(1)) }
}

/// The time of an iteration, in nanoseconds.
fn takes(case: &str) -> f64 {
    match case {
        CASES
        _ => unreachable!("{case}"),
    }
}

const NAMES: &[&str] = &[NAMES];

fn main() {
    black_box(left(1) + right(1));
    let arguments: Vec<String> = env::args().collect();
    if arguments.iter().any(|argument| argument == "--list") {
        NAMES.iter().for_each(|name| println!("{name}: benchmark"));
        return;
    }
    let exact = arguments.iter().position(|argument| argument == "--exact").unwrap();
    let case = &arguments[exact + 1];
    let time = takes(case);
    // A little noise, so that rounds differ.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    let time = time * (1.0 + 0.002 * f64::from(now % 1009) / 1009.0);
    let folder = Path::new(&env::var("CRITERION_HOME").unwrap()).join("case/new");
    fs::create_dir_all(&folder).unwrap();
    let list = |number: f64| vec![format!("{number:?}"); 10].join(",");
    let samples = format!("{{\"iters\":[{}],\"times\":[{}]}}", list(10.0), list(10.0 * time));
    fs::write(folder.join("sample.json"), samples).unwrap();
}
"#;

pub(crate) struct Project {
    pub(crate) sandbox: Sandbox,
}

impl Project {
    pub(crate) fn new() -> Self {
        let project = Self {
            sandbox: Sandbox::new(),
        };
        project.write("Cargo.toml", MANIFEST);
        project.write("src/lib.rs", "");
        project.write(".gitignore", "target\nCargo.lock\n");
        project.git(&["init", "--quiet"]);
        project
    }

    /// A suite with these cases, each with the expression of what it takes.
    pub(crate) fn suite(&self, name: &str, cases: &[(&str, &str)]) {
        let manifest = fs::read_to_string(self.path("Cargo.toml")).expect("there");
        if !manifest.contains(name) {
            let target = format!("\n[[bench]]\nname = '{name}'\nharness = false\n");
            self.write("Cargo.toml", &(manifest + &target));
        }
        let names: Vec<String> = cases
            .iter()
            .map(|(case, _)| format!("{:?}", format!("{name}/{case}")))
            .collect();
        let arms: Vec<String> = names
            .iter()
            .zip(cases)
            .map(|(id, (_, takes))| format!("{id} => {takes},"))
            .collect();
        let text = SUITE
            .replace("CASES", &arms.join("\n        "))
            .replace("[NAMES]", &format!("[{}]", names.join(", ")));
        self.write(&format!("benches/{name}.rs"), &text);
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.sandbox.path(file)
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn commit(&self, name: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", name]);
        self.git(&["tag", name]);
    }

    /// How many checkouts git knows, the user's own among them.
    pub(crate) fn n_worktrees(&self) -> usize {
        self.git(&["worktree", "list"]).lines().count()
    }

    /// Runs `plimsoll ab` against the commit `base`.
    pub(crate) fn ab(&self, arguments: &[&str]) -> Outcome {
        self.ab_drawn(7, arguments)
    }

    /// The same with another seed, by which other orders of the functions are drawn.
    pub(crate) fn ab_drawn(&self, seed: u32, arguments: &[&str]) -> Outcome {
        let seed = seed.to_string();
        let all = [
            &["ab", "base", "--budget", "30s", "--seed", &seed],
            arguments,
        ]
        .concat();
        let target = self.path("target").display().to_string();
        self.sandbox.run(&all, &[("CARGO_TARGET_DIR", &*target)])
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.path("."))
            .args(["-c", "user.name=toy", "-c", "user.email=toy@localhost"])
            .args(arguments)
            .output()
            .expect("git is there");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {words}");
        String::from_utf8(output.stdout).expect("text")
    }
}

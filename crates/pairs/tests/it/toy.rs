//! A small Cargo project with Criterion suites in a repository of its own, one commit per state of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The project; dependencies are built quickly and badly, since nothing here is about their speed.
const MANIFEST: &str = r#"
[package]
name = "toy"
version = "0.0.0"
edition = "2024"

[lib]
bench = false

[[bench]]
name = "sums"
harness = false

[dev-dependencies]
criterion = { version = "0.8", default-features = false, features = ["cargo_bench_support"] }
pairs = { path = "PAIRS" }

[profile.bench]
debug = false

[profile.bench.package."*"]
opt-level = 0

[workspace]
"#;

/// One more suite, for states that have it.
const EXTRA_MANIFEST: &str = r#"
[[bench]]
name = "extra"
harness = false
"#;

/// A suite around the given cases.
const SUITE: &str = r#"
use std::hint::black_box;
use std::sync::LazyLock;

use criterion::{criterion_group, criterion_main};
use pairs::turns::Criterion;

/// A slowdown that whoever runs this may ask for.
static TIMES: LazyLock<u64> = LazyLock::new(|| {
    std::env::var("TOY_TIMES").map_or(1, |times| times.parse().expect("a number"))
});

fn work(n: u64) -> u64 {
    (0..n * *TIMES).fold(0, |sum, i| black_box(sum ^ i.wrapping_mul(0x9e37)))
}

fn cases(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("GROUP");
    CASES
}

criterion_group! { name = all; config = pairs::turns::criterion(); targets = cases }
criterion_main!(all);
"#;

pub(crate) struct Toy {
    folder: tempfile::TempDir,
}

impl Toy {
    pub(crate) fn new() -> Self {
        let toy = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        toy.git(&["init", "--quiet"]);
        let pairs = env!("CARGO_MANIFEST_DIR");
        toy.write("Cargo.toml", &MANIFEST.replace("PAIRS", pairs));
        toy.write("src/lib.rs", "");
        toy.write(".gitignore", "Cargo.lock\n");
        // The versions that are on this machine already.
        let lock = Path::new(pairs).join("../../Cargo.lock");
        fs::copy(lock, toy.path().join("Cargo.lock")).expect("a lock file");
        toy
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where commits are built.
    pub(crate) fn target(&self) -> PathBuf {
        self.path().join("target")
    }

    /// The suite `sums` with these cases.
    pub(crate) fn sums(&self, cases: &[String]) {
        self.suite("sums", cases);
    }

    /// The suite `extra`, which a project may have or not.
    pub(crate) fn extra(&self, cases: &[String]) {
        let manifest = fs::read_to_string(self.path().join("Cargo.toml")).expect("written before");
        self.write("Cargo.toml", &format!("{EXTRA_MANIFEST}{manifest}"));
        self.suite("extra", cases);
    }

    fn suite(&self, name: &str, cases: &[String]) {
        let text = SUITE
            .replace("GROUP", name)
            .replace("CASES", &cases.join("\n    "));
        self.write(&format!("benches/{name}.rs"), &text);
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
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

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.path())
            .args(["-c", "user.name=toy", "-c", "user.email=toy@localhost"])
            .args(arguments)
            .output()
            .expect("git is there");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("text")
    }
}

/// A case that does work in proportion to `n`.
pub(crate) fn works(name: &str, n: u64) -> String {
    format!(r#"group.bench_function("{name}", |b| b.iter(|| work(black_box({n}))));"#)
}

/// A case whose routine is this expression.
pub(crate) fn does(name: &str, expression: &str) -> String {
    format!(r#"group.bench_function("{name}", |b| b.iter(|| {expression}));"#)
}

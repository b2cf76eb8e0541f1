//! The names of a checkout and of its programs: the same for the same commit, toolchain, flags and lock file, and always
//! equally long.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// Variables that change what Cargo builds begin with one of these.
const PREFIXES: [&str; 8] = [
    "AR",
    "CARGO_BUILD_",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CC",
    "CFLAGS",
    "RUST",
];

/// Variables of that look which say where and how loudly, not what.
const HARMLESS: [&str; 6] = [
    "CARGO_BUILD_JOBS",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_TARGET_DIR",
    "CARGO_TARGET_TMPDIR",
    "RUST_BACKTRACE",
    "RUST_LOG",
];

/// All that a build depends on, but for its compiler and packages outside of the repository.
#[derive(Debug, Clone, Default)]
pub(super) struct Ingredients {
    pub(super) commit: String,
    pub(super) features: Vec<String>,
    pub(super) variables: BTreeMap<String, String>,
    /// Cargo's configuration outside the repository.
    pub(super) configuration: String,
    /// The lock file, where the commit has none.
    pub(super) lock: String,
}

/// The key of a commit as it would be built here and now.
pub(super) fn of(
    commit: &str,
    features: &[String],
    own_lock: Option<&Path>,
) -> Result<String, Error> {
    let lock = own_lock.map(|path| fs::read_to_string(path).map_err(Error::file(path)));
    let ingredients = Ingredients {
        commit: commit.to_owned(),
        features: features.to_vec(),
        variables: env::vars().filter(|(name, _)| matters(name)).collect(),
        configuration: configuration(),
        lock: lock.transpose()?.unwrap_or_default(),
    };
    Ok(ingredients.key())
}

/// The key of programs: of a checkout's key, its compiler, and packages that no commit tells the state of.
pub(super) fn of_programs(
    key: &str,
    toolchain: &str,
    folders: &[PathBuf],
) -> Result<String, Error> {
    let mut hash = Sha256::new();
    for part in [key, toolchain] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    for folder in folders {
        add_folder(&mut hash, folder)?;
    }
    Ok(hexadecimal(hash))
}

/// All files of a package in the order of their names, but for what builds and git put there.
fn add_folder(hash: &mut Sha256, folder: &Path) -> Result<(), Error> {
    let entries = fs::read_dir(folder).map_err(Error::file(folder))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default();
        if name == "target" || name == ".git" {
            continue;
        }
        if path.is_dir() {
            add_folder(hash, &path)?;
        } else if path.is_file() {
            let bytes = fs::read(&path).map_err(Error::file(&path))?;
            for part in [path.as_os_str().as_encoded_bytes(), &bytes] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
    }
    Ok(())
}

/// Enough digits that no two builds of one folder meet.
fn hexadecimal(hash: Sha256) -> String {
    let digest = hash.finalize();
    let digits = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
    digits.collect()
}

impl Ingredients {
    /// Hexadecimal digits of a hash.
    pub(super) fn key(&self) -> String {
        let mut hash = Sha256::new();
        let variables = self
            .variables
            .iter()
            .flat_map(|(name, value)| [name, value]);
        let parts = [&self.commit, &self.configuration, &self.lock];
        for part in parts.into_iter().chain(variables).chain(&self.features) {
            // The length keeps two parts from being read as two others.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hexadecimal(hash)
    }
}

pub(super) fn matters(variable: &str) -> bool {
    PREFIXES.iter().any(|prefix| variable.starts_with(prefix)) && !HARMLESS.contains(&variable)
}

/// The compiler that a workspace chooses, with its commit.
pub(super) fn toolchain(workspace: &Path) -> Result<String, Error> {
    let program = env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
    let output = Command::new(&program)
        .arg("-vV")
        .current_dir(workspace)
        .output()
        .map_err(Error::start(&program))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn configuration() -> String {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let read = |home: PathBuf| fs::read_to_string(home.join("config.toml")).ok();
    home.and_then(read).unwrap_or_default()
}

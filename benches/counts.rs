//! Starting the instruction counts: finding valgrind and the runner, and speaking the runner's language.
//!
//! The counting library starts its runner by name and panics when it is not there. This module looks first,
//! and then starts the same program again with all that it needs in its environment.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::closing;
use crate::invocation::{INSTRUCTIONS_TARGET, Invocation};
use crate::mode::{Arguments, Mode};
use crate::places::Places;

/// The runner must be of exactly the library's version; `scripts/setup-instructions` installs this one.
pub const RUNNER_VERSION: &str = "0.16.1";

const RUNNER: &str = "iai-callgrind-runner";

/// Set for the second start, so that a third never happens.
const STARTED: &str = "PLIMSOLL_COUNTS_STARTED";

/// What the target that holds the twins does in this process.
#[derive(Debug)]
pub enum Start {
    /// Hand over to the counting library: it is being counted, or all that it needs was found.
    Count,
    /// Nothing is left to do.
    End(ExitCode),
}

/// Decides what this process does; starts it anew, with the runner in its path, where that is needed.
pub fn start(target_tmpdir: &Path) -> Start {
    let words: Vec<String> = env::args().skip(1).collect();
    let is_counted = words.first().is_some_and(|word| word == "--iai-run");
    if is_counted || env::var_os(STARTED).is_some() {
        return Start::Count;
    }
    let arguments = Arguments::read(words.clone());
    match arguments.mode {
        Mode::Measure | Mode::MeasureUnstored => {}
        // Each twin runs the code of a case that its suite runs in a smoke run; there is nothing to add.
        Mode::Smoke | Mode::Talk | Mode::Profile => return Start::End(ExitCode::SUCCESS),
    }
    let path = search_path();
    let missing: Vec<&str> = ["valgrind", RUNNER]
        .into_iter()
        .filter(|program| !is_in(&path, program))
        .collect();
    if !missing.is_empty() {
        say(&format!(
            "error: cannot count instructions: {} not found; scripts/setup-instructions installs what is missing",
            missing.join(" and ")
        ));
        return Start::End(ExitCode::from(2));
    }
    let places = Places::of_target(target_tmpdir);
    let invocation = Invocation::of_this_process(&places.invocations);
    let mark = invocation
        .begin(INSTRUCTIONS_TARGET)
        .expect("the target directory, just written by Cargo, takes a mark");
    let code = count(&path, &words, &places);
    if code != 0 {
        return Start::End(ExitCode::from(code));
    }
    mark.finish().expect("a mark that was begun can be ended");
    Start::End(if invocation.closing_target_follows() {
        ExitCode::SUCCESS
    } else {
        closing::show(&places, &invocation, &arguments, Some(INSTRUCTIONS_TARGET))
    })
}

/// Runs all twins in a process of their own; the result is its exit code.
fn count(path: &[PathBuf], words: &[String], places: &Places) -> u8 {
    let joined = env::join_paths(path).expect("each part came from a joined path");
    let program = env::current_exe().expect("a running program has a path");
    let status = Command::new(program)
        .args(for_runner(words))
        .env(STARTED, "1")
        .env("PATH", joined)
        // Part of the path of the results; Cargo sets it, whoever starts the program by hand does not.
        .env("CARGO_PKG_NAME", env!("CARGO_PKG_NAME"))
        .env("IAI_CALLGRIND_HOME", &places.iai)
        .env("IAI_CALLGRIND_SAVE_SUMMARY", "json")
        .status();
    match status {
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(2),
        Err(error) => {
            say(&format!("error: cannot start the counts: {error}"));
            2
        }
    }
}

/// The folders to look in: where `scripts/setup-instructions` puts the runner, then the usual path.
fn search_path() -> Vec<PathBuf> {
    let usual = env::var_os("PATH").unwrap_or_default();
    data_home()
        .map(|home| {
            home.join("plimsoll")
                .join(format!("{RUNNER}-{RUNNER_VERSION}"))
                .join("bin")
        })
        .into_iter()
        .chain(env::split_paths(&usual))
        .collect()
}

fn data_home() -> Option<PathBuf> {
    let set = |variable: &str| env::var_os(variable).filter(|value: &OsString| !value.is_empty());
    set("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".local/share")))
}

fn is_in(path: &[PathBuf], program: &str) -> bool {
    path.iter().any(|folder| folder.join(program).is_file())
}

/// Translates the arguments, which are Criterion's, into the runner's.
///
/// Lengths, plots and verbosity mean nothing to a count and are dropped.
/// A name of a baseline must hang on its option, or the runner takes it for a filter.
/// A filter would choose between whole files, not cases, so it is dropped: the twins are counted all together.
/// Options of the runner itself pass if they are written with `=`.
fn for_runner(words: &[String]) -> Vec<String> {
    const DROPPED_WITH_VALUE: [&str; 10] = [
        "--warm-up-time",
        "--measurement-time",
        "--sample-size",
        "--nresamples",
        "--noise-threshold",
        "--confidence-level",
        "--significance-level",
        "--output-format",
        "--plotting-backend",
        "--color",
    ];
    const DROPPED: [&str; 9] = [
        "--quick",
        "--noplot",
        "-n",
        "--verbose",
        "-v",
        "--quiet",
        "--exact",
        "--discard-baseline",
        "--bench",
    ];
    const JOINED: [(&str, &str); 4] = [
        ("--save-baseline", "--save-baseline"),
        ("-s", "--save-baseline"),
        ("--baseline", "--baseline"),
        ("-b", "--baseline"),
    ];

    let mut translated = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (name, has_value) = word
            .split_once('=')
            .map_or((&**word, false), |pair| (pair.0, true));
        let joined = JOINED.iter().find(|(option, _)| *option == name);
        if DROPPED.contains(&name) {
        } else if DROPPED_WITH_VALUE.contains(&name) {
            if !has_value {
                words.next();
            }
        } else if let (Some((_, option)), false) = (joined, has_value) {
            let value = words.next().map_or("base", String::as_str);
            translated.push(format!("{option}={value}"));
        } else if word.starts_with('-') {
            translated.push(word.clone());
        }
    }
    translated
}

fn say(text: &str) {
    use std::io::Write as _;
    // Nobody is left to tell when the error stream is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::{for_runner, is_in};

    fn check(criterion: &str, runner: &str) {
        let words: Vec<String> = criterion.split_whitespace().map(str::to_owned).collect();
        assert_eq!(for_runner(&words).join(" "), runner, "{criterion:?}");
    }

    #[test]
    fn what_means_nothing_to_a_count_is_dropped() {
        check("--bench", "");
        check("--quick --noplot --bench", "");
        check("--measurement-time 3 --sample-size=20 --bench", "");
    }

    #[test]
    fn the_name_of_a_baseline_hangs_on_its_option() {
        check("--save-baseline main --bench", "--save-baseline=main");
        check("--baseline=main --bench", "--baseline=main");
        check("-b main", "--baseline=main");
    }

    #[test]
    fn a_filter_is_dropped_because_it_would_skip_the_whole_file() {
        check("codec/encode --bench", "");
    }

    #[test]
    fn options_of_the_runner_pass() {
        check(
            "--callgrind-args=--dump-instr=yes",
            "--callgrind-args=--dump-instr=yes",
        );
    }

    #[test]
    fn a_program_is_found_only_where_it_lies() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = [folder.path().to_owned()];
        assert!(!is_in(&path, "valgrind"));
        std::fs::write(folder.path().join("valgrind"), "").expect("a file");
        assert!(is_in(&path, "valgrind"));
    }
}

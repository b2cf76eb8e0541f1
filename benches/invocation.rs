//! Which suites ran in this invocation of Cargo, and what they measured.
//!
//! Cargo starts every bench target as a process of its own, in the order of their names, and tells none of them
//! about the others. Each suite therefore leaves a mark under the target directory, in a folder named after
//! the Cargo process that started it. The last target, `verdict`, reads the marks and shows just those rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The bench target that closes an invocation with the table.
pub const CLOSING_TARGET: &str = "verdict";

/// The bench target that holds the twins, and counts their instructions.
pub const INSTRUCTIONS_TARGET: &str = "instructions";

/// The bench target that counts what the twins allocate.
pub const ALLOCATIONS_TARGET: &str = "allocations";

/// Written by the first suite of an invocation; its age is the invocation's.
const BEGAN: &str = ".began";

/// Last line of a mark whose suite came to its end; an id always has a slash.
const FINISHED: &str = "finished";

/// The Cargo process that started this one.
#[derive(Debug, Clone)]
pub struct Invocation {
    folder: PathBuf,
    closing_target_follows: bool,
}

/// First words of a mark's line about a case that was not run; the variable and the id follow.
const SKIPPED: &str = "without ";

/// What a suite left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The suite's name.
    pub suite: String,
    /// Whole ids of the cases that it began to measure, sorted.
    pub ids: BTreeSet<String>,
    /// How many cases were not run, by the environment variable that should name the service they need.
    pub n_skipped_by_variable: BTreeMap<String, usize>,
    /// Unset when the suite ended before its last case: it panicked or was killed.
    pub finished: bool,
}

/// A suite that is running, and its mark.
#[derive(Debug)]
pub struct Running {
    file: File,
    has_measured: bool,
}

impl Invocation {
    /// The invocation that this process belongs to; its marks lie in a folder inside `invocations`.
    pub fn of_this_process(invocations: &Path) -> Self {
        let parent = parent_id();
        // The process id alone comes round again; together with the start it names one process.
        let started = start_time(parent).unwrap_or_default();
        Self {
            folder: invocations.join(format!("{parent}_{started}")),
            closing_target_follows: closing_target_follows(&command_line(parent)),
        }
    }

    /// Whether Cargo will run the closing target after this suite, so that the suite shows no rows of its own.
    pub fn closing_target_follows(&self) -> bool {
        self.closing_target_follows
    }

    /// Leaves the mark of a suite that begins.
    pub fn begin(&self, suite: &str) -> io::Result<Running> {
        fs::create_dir_all(&self.folder)?;
        remove_stale(&self.folder);
        let began = self.folder.join(BEGAN);
        if !began.exists() {
            File::create(began)?;
        }
        let file = File::create(self.folder.join(suite))?;
        Ok(Running {
            file,
            has_measured: false,
        })
    }

    /// The marks of this invocation so far, in the order of their names.
    pub fn marks(&self) -> io::Result<Vec<Mark>> {
        let mut marks = Vec::new();
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(marks),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let suite = entry.file_name().to_string_lossy().into_owned();
            if suite == BEGAN {
                continue;
            }
            marks.push(read_mark(suite, &fs::read_to_string(entry.path())?));
        }
        marks.sort_by(|left, right| left.suite.cmp(&right.suite));
        Ok(marks)
    }

    /// When its first suite began; unset if none did.
    pub fn began(&self) -> Option<SystemTime> {
        fs::metadata(self.folder.join(BEGAN))
            .and_then(|metadata| metadata.modified())
            .ok()
    }

    /// Removes the marks of this invocation.
    pub fn forget(&self) {
        // A folder that stays behind is removed by the next invocation.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Running {
    /// Notes that a case is being measured.
    pub fn measuring(&mut self, id: &str) -> io::Result<()> {
        self.has_measured = true;
        writeln!(self.file, "{id}")
    }

    /// Notes that a case is not run, because the variable does not name the service that it needs.
    pub fn skipping(&mut self, id: &str, variable: &str) -> io::Result<()> {
        writeln!(self.file, "{SKIPPED}{variable} {id}")
    }

    /// Whether any case was measured; a filter may leave none.
    pub fn has_measured(&self) -> bool {
        self.has_measured
    }

    /// Notes that the suite came to its end.
    pub fn finish(mut self) -> io::Result<()> {
        writeln!(self.file, "{FINISHED}")?;
        self.file.sync_data()
    }
}

fn read_mark(suite: String, text: &str) -> Mark {
    let mut n_skipped_by_variable = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for line in text.lines() {
        if let Some(skipped) = line.strip_prefix(SKIPPED) {
            let variable = skipped.split(' ').next().unwrap_or_default();
            *n_skipped_by_variable
                .entry(variable.to_owned())
                .or_default() += 1;
        } else if line.contains('/') {
            ids.insert(line.to_owned());
        }
    }
    Mark {
        suite,
        ids,
        n_skipped_by_variable,
        finished: text.lines().any(|line| line == FINISHED),
    }
}

/// Removes the folders of invocations whose process is gone, beside the given one.
fn remove_stale(folder: &Path) {
    let Some(Ok(entries)) = folder.parent().map(fs::read_dir) else {
        return;
    };
    if start_time(std::process::id()).is_none() {
        // Without a process file system nobody can say which of them still run.
        return;
    }
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let lives = name.split_once('_').is_some_and(|(id, started)| {
            id.parse().ok().and_then(start_time).as_deref() == Some(started)
        });
        if !lives {
            // Another suite may be removing it at this moment; either of the two is enough.
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// When a process started, in the kernel's ticks since boot.
fn start_time(process: u32) -> Option<String> {
    /// Its place among the fields that follow the program's name, which is in parentheses and may hold anything.
    const FIELD: usize = 19;
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(FIELD).map(str::to_owned)
}

fn command_line(process: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes)
        .split_terminator('\0')
        .map(str::to_owned)
        .collect()
}

/// Whether this command line of Cargo runs the closing target, too.
///
/// Without any `--bench` it runs every target; a pattern with wildcards is taken to reach the closing one.
fn closing_target_follows(command: &[String]) -> bool {
    let Some((program, arguments)) = command.split_first() else {
        return false;
    };
    let is_cargo = Path::new(program)
        .file_stem()
        .is_some_and(|stem| stem == "cargo");
    if !is_cargo {
        return false;
    }
    let mut chosen = Vec::new();
    let mut arguments = arguments.iter().take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == "--bench" {
            chosen.extend(arguments.next().map(String::as_str));
        } else if let Some(name) = argument.strip_prefix("--bench=") {
            chosen.push(name);
        }
    }
    chosen.is_empty()
        || chosen
            .iter()
            .any(|name| *name == CLOSING_TARGET || name.contains(['*', '?', '[']))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Invocation, Mark, closing_target_follows};

    fn follows(line: &str) -> bool {
        let command: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        closing_target_follows(&command)
    }

    #[test]
    fn a_full_or_filtered_run_ends_with_the_closing_target() {
        assert!(follows("/usr/bin/cargo bench"));
        assert!(follows("cargo bench --features instructions"));
        assert!(follows("cargo bench -- fan_out --quick"));
        assert!(follows("cargo bench -- --bench fan_out"));
        assert!(follows("cargo bench --bench fan_out --bench verdict"));
        assert!(follows("cargo bench --bench *"));
    }

    #[test]
    fn chosen_suites_close_by_themselves() {
        assert!(!follows("cargo bench --bench fan_out"));
        assert!(!follows(
            "cargo bench --bench=fan_out --bench=queue -- --quick"
        ));
    }

    #[test]
    fn a_suite_started_without_cargo_closes_by_itself() {
        assert!(!follows("bash -c fan_out"));
        assert!(!follows(""));
    }

    #[test]
    fn a_mark_tells_what_ran_and_whether_it_ended() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let invocation = Invocation::of_this_process(home.path());

        let mut queue = invocation.begin("queue").expect("a mark");
        queue.measuring("queue/push/usual").expect("a line");
        queue.finish().expect("a last line");
        let mut codec = invocation.begin("codec").expect("a mark");
        codec.measuring("codec/encode/small").expect("a line");
        codec
            .skipping("codec/encode/remote", "SERVICE_URL")
            .expect("a line");
        drop(codec);

        let marks = invocation.marks().expect("marks");
        assert!(invocation.began().is_some());
        let mark = |suite: &str, id: &str, finished| Mark {
            suite: suite.to_owned(),
            ids: [id.to_owned()].into(),
            n_skipped_by_variable: BTreeMap::new(),
            finished,
        };
        let skipping = Mark {
            n_skipped_by_variable: [("SERVICE_URL".to_owned(), 1)].into(),
            ..mark("codec", "codec/encode/small", false)
        };
        assert_eq!(marks, [skipping, mark("queue", "queue/push/usual", true)]);
    }

    #[test]
    fn marks_of_a_process_that_is_gone_are_removed() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let stale = home.path().join("1_0");
        std::fs::create_dir(&stale).expect("a folder");

        let invocation = Invocation::of_this_process(home.path());
        invocation.begin("queue").expect("a mark");
        assert!(!stale.exists());
        assert_eq!(invocation.marks().expect("marks").len(), 1);
    }
}

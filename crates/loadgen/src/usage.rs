//! What the system under test uses while a run goes on: memory, CPU, files, threads; and how it stands inside.

pub mod allowance;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::driver::Inside;
use crate::error::DriverError;

/// Whose memory and CPU time is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Subject {
    /// This process: in process, that is the system under test with all around it.
    #[default]
    Own,
    /// Another process of this machine.
    Process(u32),
    /// A cgroup, by its folder; version 2.
    Cgroup(PathBuf),
}

/// One look at the system under test. What the kernel does not show is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// From the begin of the run.
    pub at: Duration,
    /// Resident memory; of a cgroup all that is charged to it.
    pub resident_bytes: u64,
    /// CPU time since it began.
    pub cpu: Duration,
    /// Open file descriptors; zero for a cgroup.
    pub n_files: u64,
    /// Threads.
    pub n_threads: u64,
    /// Operations that were open.
    pub in_flight: u64,
    /// How it stood inside, as far as the driver sees that.
    pub inside: Inside,
}

impl Usage {
    /// Looks.
    pub(crate) fn now(subject: &Subject, at: Duration, in_flight: u64, inside: Inside) -> Self {
        let used = subject.used();
        Self {
            at,
            resident_bytes: used.resident_bytes,
            cpu: used.cpu,
            n_files: used.n_files,
            n_threads: used.n_threads,
            in_flight,
            inside,
        }
    }
}

/// What one subject uses.
#[derive(Default)]
struct Used {
    resident_bytes: u64,
    cpu: Duration,
    n_files: u64,
    n_threads: u64,
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Own => f.write_str("this whole process"),
            Self::Process(pid) => write!(f, "process {pid}"),
            Self::Cgroup(folder) => write!(f, "cgroup {}", folder.display()),
        }
    }
}

impl Subject {
    /// Looks once, before anything runs.
    ///
    /// # Errors
    /// If there is no such process or cgroup, or its files may not be read.
    pub fn check(&self) -> Result<(), DriverError> {
        let file = match self {
            Self::Own => return Ok(()),
            Self::Process(pid) => format!("/proc/{pid}/status").into(),
            Self::Cgroup(folder) => folder.join("memory.current"),
        };
        match fs::read_to_string(file) {
            Ok(_) => Ok(()),
            Err(error) => Err(DriverError::Unreachable {
                system: self.to_string(),
                reason: error.to_string(),
            }),
        }
    }

    fn used(&self) -> Used {
        match self {
            Self::Own => of_process(Path::new("/proc/self")),
            Self::Process(pid) => of_process(&Path::new("/proc").join(pid.to_string())),
            Self::Cgroup(folder) => of_cgroup(folder),
        }
    }
}

fn of_process(folder: &Path) -> Used {
    const KIB: u64 = 1024;
    let status = read(&folder.join("status"));
    let count = |name: &str| {
        let entries = fs::read_dir(folder.join(name));
        entries.map_or(0, |entries| entries.count() as u64)
    };
    Used {
        resident_bytes: number(&status, "VmRSS:") * KIB,
        cpu: process_cpu(&read(&folder.join("stat"))),
        n_files: count("fd"),
        n_threads: count("task"),
    }
}

fn of_cgroup(folder: &Path) -> Used {
    let whole = |name: &str| read(&folder.join(name)).trim().parse().unwrap_or(0);
    Used {
        resident_bytes: whole("memory.current"),
        cpu: Duration::from_micros(number(&read(&folder.join("cpu.stat")), "usage_usec")),
        n_files: 0,
        n_threads: whole("pids.current"),
    }
}

/// User and system time of `/proc/<pid>/stat`, whose second field is a name that may hold anything.
fn process_cpu(stat: &str) -> Duration {
    /// Of the fields behind the name, from 0.
    const USER: usize = 11;
    let Some((_, fields)) = stat.rsplit_once(") ") else {
        return Duration::ZERO;
    };
    let ticks = fields.split_whitespace().skip(USER).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse().unwrap_or(0)).sum();
    // SAFETY: the call has no arguments that could be wrong.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    let per_second = u64::try_from(per_second).unwrap_or(100).max(1);
    Duration::from_nanos(ticks * (1_000_000_000 / per_second))
}

/// The number behind a name at the begin of a line.
fn number(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_process_is_seen_by_either_name() {
        for subject in [Subject::Own, Subject::Process(std::process::id())] {
            subject.check().expect("it is there");
            let used = subject.used();
            assert!(used.resident_bytes > 100_000);
            assert!(used.n_files > 0 && used.n_threads > 0);
        }
    }

    #[test]
    fn cpu_time_is_read_behind_a_name_with_brackets_and_blanks() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 1 0 5 0";
        assert_eq!(process_cpu(stat), Duration::from_secs(2));
        assert_eq!(process_cpu(""), Duration::ZERO);
    }

    #[test]
    fn a_cgroup_is_read_from_its_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let subject = Subject::Cgroup(folder.path().to_owned());
        assert!(subject.check().is_err_and(|error| error.is_unreachable()));
        for (name, text) in [
            ("memory.current", "4096\n"),
            ("pids.current", "3\n"),
            ("cpu.stat", "usage_usec 2500\nuser_usec 2000\n"),
        ] {
            fs::write(folder.path().join(name), text).expect("written");
        }
        subject.check().expect("it is there");
        let used = subject.used();
        assert_eq!((used.resident_bytes, used.n_threads), (4096, 3));
        assert_eq!(used.cpu, Duration::from_micros(2500));
    }

    #[test]
    fn a_process_that_is_gone_is_named() {
        let error = Subject::Process(u32::MAX).check().expect_err("no such pid");
        assert!(error.to_string().contains("4294967295"), "{error}");
    }
}

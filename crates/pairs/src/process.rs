//! A child process that cannot outlive its purpose: bench processes with their wire, and Cargo.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::cores::Cores;
use crate::error::Error;
use crate::peer::{Peer, Surroundings};
use crate::watch::Watch;
use crate::wire;

/// Lines of a failed process's words that are kept.
const KEPT_LINES: usize = 15;

/// A running child with a group of its own; dropping it kills the group.
pub(crate) struct Process {
    child: Child,
    stdout: File,
    stderr: Option<File>,
}

/// How a process ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    stderr: String,
}

/// Where a child may run, and whether it is told of its wire.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) cores: Cores,
    /// Unset for a program that shall not take turns; the wire is then only a sign of life.
    pub(crate) takes_turns: bool,
}

impl Process {
    /// Starts a bench process; its words are kept in files without names.
    pub(crate) fn start(mut command: Command, place: Place) -> Result<(Self, Peer), Error> {
        let failed = |error| Error::Start {
            program: command.get_program().into(),
            source: error,
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let peer = Peer::new(ours).map_err(failed)?;
        if place.takes_turns {
            let address = address(&theirs).map_err(failed)?;
            command.env(wire::VARIABLE, address);
        } else {
            command.env_remove(wire::VARIABLE);
        }
        let stderr = kept()?;
        command.stderr(copy(&stderr)?);
        let process = Self::spawn(command, Some(stderr), theirs.as_raw_fd(), place.cores)?;
        Ok((process, peer))
    }

    /// Starts a program that talks to the user on stderr.
    pub(crate) fn start_talking(command: Command) -> Result<(Self, Peer), Error> {
        let program = Path::new(command.get_program()).to_owned();
        let (ours, theirs) = UnixStream::pair().map_err(Error::start(&program))?;
        let peer = Peer::new(ours).map_err(Error::start(&program))?;
        let process = Self::spawn(command, None, theirs.as_raw_fd(), Cores::allowed()?)?;
        Ok((process, peer))
    }

    fn spawn(
        mut command: Command,
        stderr: Option<File>,
        wire: RawFd,
        cores: Cores,
    ) -> Result<Self, Error> {
        let program = Path::new(command.get_program()).to_owned();
        let stdout = kept()?;
        command
            .stdin(Stdio::null())
            .stdout(copy(&stdout)?)
            .process_group(0);
        // SAFETY: between fork and exec only system calls are made, and nothing is allocated.
        unsafe {
            command.pre_exec(move || {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0
                    || libc::fcntl(wire, libc::F_SETFD, 0) != 0
                {
                    return Err(io::Error::last_os_error());
                }
                cores.confine()
            });
        }
        let child = command.spawn().map_err(Error::start(&program))?;
        Ok(Self {
            child,
            stdout,
            stderr,
        })
    }

    /// Waits for the end of a process that has closed its wire, or is known to be gone.
    pub(crate) fn wait(mut self) -> Result<Ended, Error> {
        let status = self
            .child
            .wait()
            .map_err(Error::file(Path::new("child process")))?;
        Ok(Ended {
            status,
            stdout: text_of(&mut self.stdout)?,
            stderr: self
                .stderr
                .as_mut()
                .map(text_of)
                .transpose()?
                .unwrap_or_default(),
        })
    }

    /// The process as its peer's surroundings.
    pub(crate) fn watched<'a>(&'a mut self, watch: &'a dyn Watch) -> Around<'a> {
        Around {
            process: self,
            watch,
        }
    }

    fn has_exited(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.has_exited() {
            return;
        }
        if let Ok(group) = libc::pid_t::try_from(self.child.id()) {
            // SAFETY: a plain system call; the child has not been waited for, so its number is still its own.
            unsafe { libc::kill(-group, libc::SIGKILL) };
        }
        // Killed for certain, so this does not hang.
        let _ = self.child.wait();
    }
}

impl Ended {
    /// What a failed process said: its panic, if there is one, else the end of its words.
    pub(crate) fn words(&self) -> String {
        let lines: Vec<&str> = self.stderr.lines().collect();
        let end = lines.len().saturating_sub(KEPT_LINES);
        let panic = lines.iter().position(|line| line.contains("panicked at"));
        let told = lines[panic.unwrap_or(end)..].iter().copied();
        let told: Vec<&str> = told
            .take_while(|line| {
                !line.starts_with("stack backtrace:") && !line.starts_with("note: run with")
            })
            .take(KEPT_LINES)
            .collect();
        if told.is_empty() {
            self.status.to_string()
        } else {
            told.join("\n")
        }
    }
}

/// A process and whoever watches, as a peer wants to know of them.
pub(crate) struct Around<'a> {
    process: &'a mut Process,
    watch: &'a dyn Watch,
}

impl Surroundings for Around<'_> {
    fn is_gone(&mut self) -> bool {
        self.process.has_exited()
    }

    fn is_stopped(&self) -> bool {
        self.watch.stopped()
    }
}

fn address(stream: &UnixStream) -> io::Result<String> {
    let descriptor = stream.as_raw_fd();
    let inode = fs::metadata(format!("/proc/self/fd/{descriptor}"))?.ino();
    Ok(wire::address(descriptor, inode))
}

/// A file without a name, so that a talkative child never waits for us to read.
fn kept() -> Result<File, Error> {
    tempfile::tempfile().map_err(Error::file(&std::env::temp_dir()))
}

fn copy(file: &File) -> Result<Stdio, Error> {
    let copy = file
        .try_clone()
        .map_err(Error::file(&std::env::temp_dir()))?;
    Ok(Stdio::from(copy))
}

fn text_of(file: &mut File) -> Result<String, Error> {
    let mut bytes = Vec::new();
    file.rewind()
        .and_then(|()| file.read_to_end(&mut bytes))
        .map_err(Error::file(&std::env::temp_dir()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

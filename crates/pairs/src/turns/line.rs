//! The process's end of the wire to its referee.
//!
//! One per process, however many Criterion groups it has. There are no time-outs here: the referee has them all.
//! Once the wire breaks, nobody waits for this process any more, and it runs on without taking turns.

use std::env;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::{FromRawFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::usage::Usage;
use crate::wire::{self, Message, Turn, VERSION};

/// The wire, and the turn that is being taken.
#[derive(Debug)]
pub(crate) struct Line {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Unset once the wire broke.
    stream: Option<UnixStream>,
    /// The turn that this process has; unset while it has none.
    taking: Option<Taking>,
}

#[derive(Debug)]
struct Taking {
    began: Usage,
    /// CPU time of the timed parts so far; unset if there was none, as when a routine times itself.
    timed: Option<Duration>,
}

impl Line {
    /// The line that the environment names; `None` without a referee.
    pub(crate) fn of_this_process() -> Option<&'static Self> {
        static LINE: OnceLock<Option<Line>> = OnceLock::new();
        LINE.get_or_init(|| adopt().map(Self::new)).as_ref()
    }

    fn new(stream: UnixStream) -> Self {
        let mut state = State {
            stream: Some(stream),
            taking: None,
        };
        state.say(Message::Hello { version: VERSION });
        Self {
            state: Mutex::new(state),
        }
    }

    /// Waits for a turn unless this process has one.
    pub(crate) fn wait_for_first_turn(&self) {
        let mut state = self.lock();
        if state.taking.is_none() {
            state.wait();
        }
    }

    /// Adds CPU time of a timed part to the turn.
    pub(crate) fn timed(&self, cpu: Duration) {
        if let Some(taking) = &mut self.lock().taking {
            *taking.timed.get_or_insert_default() += cpu;
        }
    }

    /// Hands in a sample, and waits for the next turn.
    pub(crate) fn pass_turn(&self, value_ns: f64) {
        let mut state = self.lock();
        let Some(taking) = state.taking.take() else {
            return;
        };
        state.say(Message::Sample(taking.turn(value_ns, Usage::now())));
        state.wait();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn say(&mut self, message: Message) {
        let sent = self
            .stream
            .as_mut()
            .map(|stream| stream.write_all(&message.to_bytes()));
        if !matches!(sent, Some(Ok(()))) {
            self.stream = None;
        }
    }

    fn wait(&mut self) {
        let mut byte = [0];
        let read = self
            .stream
            .as_mut()
            .map(|stream| stream.read_exact(&mut byte));
        if matches!(read, Some(Ok(()))) && byte == [wire::GO] {
            self.taking = Some(Taking {
                began: Usage::now(),
                timed: None,
            });
        } else {
            self.stream = None;
        }
    }
}

impl Taking {
    fn turn(&self, value_ns: f64, ended: Usage) -> Turn {
        let began = self.began;
        let thread = ended.thread.saturating_sub(began.thread);
        let process = ended.process.saturating_sub(began.process);
        let count = |after: i64, before: i64| u32::try_from(after - before).unwrap_or(u32::MAX);
        Turn {
            value_ns,
            cpu_ns: nanos(self.timed.unwrap_or(thread)),
            elsewhere_ns: nanos(process.saturating_sub(thread)),
            n_involuntary_switches: count(
                ended.n_involuntary_switches,
                began.n_involuntary_switches,
            ),
            n_page_faults: count(ended.n_page_faults, began.n_page_faults),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Takes over the socket that the environment names, if it is really there.
fn adopt() -> Option<UnixStream> {
    let address = env::var(wire::VARIABLE).ok()?;
    let (descriptor, inode) = wire::parse_address(&address)?;
    let found = fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()?;
    (found.to_str() == Some(&*format!("socket:[{inode}]"))).then(|| own(descriptor))
}

fn own(descriptor: RawFd) -> UnixStream {
    // SAFETY: the referee left this descriptor open for us alone, the inode says that it is still the referee's
    // socket, and this runs once per process, so nothing else owns or closes it.
    // The flag is set so that a child of a case does not keep the wire open after us.
    unsafe {
        libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        UnixStream::from_raw_fd(descriptor)
    }
}

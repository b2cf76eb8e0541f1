//! The log of one run, open: the file, where each write lies in it, and the head.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{line, snapshot};
use crate::delta::Delta;
use crate::error::StoreError;
use crate::event::{Change, Event};
use crate::head::Head;
use crate::run::{Origin, RunState, Seq, UnixMillis};
use crate::store::{
    RunLog, RunSummary, admitted, compact_event, damaged, disk, is_snapshot_due, missing, name,
    not_ahead, replay,
};

/// Events in one line where a whole log is written at once.
const EVENTS_PER_LINE: usize = 64;

#[derive(Debug)]
pub(crate) struct Log {
    folder: PathBuf,
    run: String,
    origin: Origin,
    created_at_ms: UnixMillis,
    file: File,
    /// Bytes of the file that hold whole writes.
    length: u64,
    /// In the order of the file.
    writes: Vec<Placed>,
    /// The head, or why no write can be based on this log.
    head: Result<Head, StoreError>,
    /// What was found damaged when the log was opened.
    damage: Vec<StoreError>,
    /// The end of a write that was cut off, if the log had one when it was opened.
    dropped: Option<StoreError>,
    /// Version of the newest snapshot, and its bytes; zeros without one.
    snapshot: (Seq, usize),
}

/// Where a write lies.
#[derive(Clone, Copy, Debug)]
struct Placed {
    /// Number of its first event.
    first_seq: Seq,
    start: u64,
    length: usize,
}

/// Where the log of a run lies.
pub(super) fn path(folder: &Path, run: &str) -> PathBuf {
    folder.join(format!("{}.jsonl", name::encode(run)))
}

/// Removes a run: with its log it is gone, and a snapshot alone is nothing.
pub(super) fn remove(folder: &Path, run: &str) -> Result<(), StoreError> {
    disk::remove(&path(folder, run))?;
    disk::remove(&snapshot::path(folder, run))
}

impl Log {
    /// Writes a new log, and opens it.
    pub(super) fn create(folder: &Path, log: &RunLog) -> Result<Self, StoreError> {
        let state = log.state()?;
        // Of a run of this name that was being removed when the process ended.
        disk::remove(&snapshot::path(folder, &log.run))?;
        disk::replace(&path(folder, &log.run), &written(log, state.version))?;
        let opened = Self::open(folder, &log.run)?;
        Ok(opened.expect("it was just written"))
    }

    /// Opens a log: `None` if there is none.
    ///
    /// The end of a write that was cut off is not there: its writer never learned that it was kept.
    pub(super) fn open(folder: &Path, run: &str) -> Result<Option<Self>, StoreError> {
        let path = path(folder, run);
        let Some(bytes) = disk::read(&path)? else {
            return Ok(None);
        };
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        let file =
            opened.map_err(|error| disk::failed(&format!("open {}", path.display()), &error))?;
        let log = Self::of(folder, run, file, &bytes, snapshot::read(folder, run)?);
        if log.length < bytes.len() as u64 {
            let cut = log.file.set_len(log.length);
            cut.map_err(|error| disk::failed(&format!("open {}", path.display()), &error))?;
        }
        Ok(Some(log))
    }

    /// The log whose file has these bytes, and whose snapshot is this one or cannot be read for this reason.
    pub(crate) fn of(
        folder: &Path,
        run: &str,
        file: File,
        bytes: &[u8],
        snapshot: Result<Option<(RunState, usize)>, String>,
    ) -> Self {
        let mut damage = Vec::new();
        let (start, snapshot) = match snapshot {
            Ok(Some((state, n_bytes))) => (Some(state), n_bytes),
            Ok(None) => (None, 0),
            Err(reason) => {
                damage.push(damaged(run, "snapshot", &reason));
                (None, 0)
            }
        };
        let mut log = Self {
            folder: folder.to_owned(),
            run: run.to_owned(),
            origin: Origin::default(),
            created_at_ms: UnixMillis(0),
            file,
            length: 0,
            writes: Vec::new(),
            head: Err(damaged(run, "log", &"its first line is missing")),
            damage,
            dropped: None,
            snapshot: (start.as_ref().map_or(0, |state| state.version), snapshot),
        };
        log.scan(bytes, start.as_ref());
        log
    }

    fn scan(&mut self, bytes: &[u8], snapshot: Option<&RunState>) {
        for (position, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let start = self.length;
            let Some(line) = line.strip_suffix(b"\n") else {
                let reason = format!(
                    "its last {} bytes are half a write, which is dropped",
                    line.len()
                );
                self.dropped = Some(damaged(&self.run, &place(position, start), &reason));
                return;
            };
            self.length += line.len() as u64 + 1;
            let read = if position == 0 {
                self.begin(line, snapshot)
            } else {
                self.admit(line, start)
            };
            if let Err(reason) = read {
                let error = damaged(&self.run, &place(position, start), &reason);
                self.damage.push(error.clone());
                // A snapshot of a later version makes the line dispensable for the head.
                if self
                    .head
                    .as_ref()
                    .is_ok_and(|head| head.version >= self.snapshot.0)
                    || position == 0
                {
                    self.head = Err(error);
                }
            }
        }
    }

    /// Reads the first line: the run before its first event.
    fn begin(&mut self, line: &[u8], snapshot: Option<&RunState>) -> Result<(), String> {
        let state: RunState = line::read(line)?;
        if state.id != self.run {
            return Err(format!("it is of run `{}`", state.id));
        }
        self.created_at_ms = state.created_at_ms;
        self.head = Ok(Head::of(snapshot.unwrap_or(&state)));
        self.origin = state.origin;
        Ok(())
    }

    /// Reads a write, and moves the head on if it is newer than the snapshot.
    fn admit(&mut self, line: &[u8], start: u64) -> Result<(), String> {
        let write: Delta = line::read(line)?;
        self.writes.push(Placed {
            first_seq: write.since_seq.saturating_add(1),
            start,
            length: line.len(),
        });
        let Ok(head) = &mut self.head else {
            return Ok(());
        };
        for event in write.events {
            if event.seq > head.version {
                head.admit(&event).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    fn head(&self) -> Result<&Head, StoreError> {
        self.head.as_ref().map_err(Clone::clone)
    }

    pub(crate) fn summary(&self) -> Result<RunSummary, StoreError> {
        Ok(RunSummary::of(&self.run, &self.origin, self.head()?))
    }

    pub(super) fn append(
        &mut self,
        based_on: Seq,
        at: UnixMillis,
        changes: Vec<Change>,
    ) -> Result<Seq, StoreError> {
        let mut head = self.head()?.clone();
        let events = admitted(&self.run, &mut head, based_on, at, changes)?;
        if events.is_empty() {
            return Ok(head.version);
        }
        let write = Delta {
            run: self.run.clone(),
            since_seq: based_on,
            newest_seq: head.version,
            events,
        };
        let mut bytes = Vec::new();
        line::push(&write, &mut bytes);
        self.write(&bytes)?;
        self.writes.push(Placed {
            first_seq: based_on + 1,
            start: self.length,
            length: bytes.len() - 1,
        });
        self.length += bytes.len() as u64;
        self.head = Ok(head);
        Ok(write.newest_seq)
    }

    /// Brings bytes to the disk, behind the last whole write.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let write = || {
            self.file.write_all_at(bytes, self.length)?;
            self.file.sync_data()
        };
        write().map_err(|error| {
            // Half a write: the next one begins at the same place, and the next open drops what is left.
            let _ = self.file.set_len(self.length);
            disk::failed(&format!("append to run `{}`", self.run), &error)
        })
    }

    pub(super) fn load(&mut self) -> Result<RunState, StoreError> {
        let version = self.head()?.version;
        let snapshot = snapshot::read(&self.folder, &self.run)?.ok().flatten();
        let (start, snapshot_bytes) = snapshot.unwrap_or_else(|| {
            let start = RunState::new(&*self.run, self.created_at_ms);
            (start.with_origin(self.origin.clone()), 0)
        });
        let from = start.version;
        let events = self.events(from, usize::MAX)?;
        let tail_bytes: usize = self
            .writes_after(from)
            .iter()
            .map(|write| write.length)
            .sum();
        let state = replay(start, &events)?;
        if state.version != version {
            return Err(missing(&self.run, state.version.saturating_add(1)));
        }
        if is_snapshot_due(snapshot_bytes, tail_bytes) {
            // A failure is nobody's concern: the events are there, and the next load tries again.
            if let Ok(n_bytes) = snapshot::write(&self.folder, &state) {
                self.snapshot = (state.version, n_bytes);
            }
        }
        Ok(state)
    }

    pub(super) fn since(&self, since_seq: Seq, at_most: usize) -> Result<Delta, StoreError> {
        let newest_seq = match self.head() {
            Ok(head) => head.version,
            // What can be read is still told, up to the damage or from behind it.
            Err(error) => self.last_seq().ok_or(error)?,
        };
        not_ahead(&self.run, since_seq, newest_seq)?;
        Ok(Delta {
            run: self.run.clone(),
            since_seq,
            newest_seq,
            events: self.events(since_seq, at_most)?,
        })
    }

    fn last_seq(&self) -> Option<Seq> {
        let write = self.read(self.writes.last()?).ok()?;
        Some(write.newest_seq)
    }

    /// The writes that hold events after a version.
    fn writes_after(&self, since_seq: Seq) -> &[Placed] {
        let newer = self
            .writes
            .partition_point(|write| write.first_seq <= since_seq.saturating_add(1));
        &self.writes[newer.saturating_sub(1)..]
    }

    /// The events after a version, without gaps.
    fn events(&self, since_seq: Seq, at_most: usize) -> Result<Vec<Event>, StoreError> {
        let mut events: Vec<Event> = Vec::new();
        for placed in self.writes_after(since_seq) {
            for event in self.read(placed)?.events {
                if events.len() == at_most {
                    return Ok(events);
                }
                let next = since_seq + events.len() as Seq + 1;
                if event.seq > next {
                    return Err(missing(&self.run, next));
                }
                if event.seq == next {
                    events.push(event);
                }
            }
        }
        Ok(events)
    }

    fn read(&self, placed: &Placed) -> Result<Delta, StoreError> {
        let mut bytes = vec![0; placed.length];
        let read = self.file.read_exact_at(&mut bytes, placed.start);
        read.map_err(|error| disk::failed(&format!("read run `{}`", self.run), &error))?;
        line::read(&bytes).map_err(|reason| {
            let what = format!("the write of event {}", placed.first_seq);
            damaged(&self.run, &what, &reason)
        })
    }

    /// Writes the log anew without the payloads that are due.
    pub(super) fn compact(
        &mut self,
        kinds: &[&str],
        older_than: UnixMillis,
    ) -> Result<usize, StoreError> {
        let version = self.head()?.version;
        let mut events = self.events(0, usize::MAX)?;
        let n_compacted = events
            .iter_mut()
            .map(|event| usize::from(compact_event(event, kinds, older_than)))
            .sum();
        if n_compacted == 0 {
            return Ok(0);
        }
        let log = RunLog {
            run: self.run.clone(),
            origin: self.origin.clone(),
            created_at_ms: self.created_at_ms,
            events,
        };
        disk::replace(&path(&self.folder, &self.run), &written(&log, version))?;
        if let Some(opened) = Self::open(&self.folder, &self.run)? {
            *self = opened;
        }
        Ok(n_compacted)
    }

    /// Reads the files again and names what is damaged, and what was dropped when they were opened.
    pub(super) fn check(&mut self) -> Result<Vec<StoreError>, StoreError> {
        let opened = Self::open(&self.folder, &self.run)?;
        let damage = opened.map_or_else(Vec::new, |log| log.damage);
        Ok(damage.into_iter().chain(self.dropped.clone()).collect())
    }
}

/// Which line, and at which byte it begins.
fn place(position: usize, start: u64) -> String {
    format!("line {} of the log, at byte {start},", position + 1)
}

/// A whole log as the bytes of its file.
fn written(log: &RunLog, newest_seq: Seq) -> Vec<u8> {
    let mut bytes = Vec::new();
    let start = RunState::new(&*log.run, log.created_at_ms).with_origin(log.origin.clone());
    line::push(&start, &mut bytes);
    for events in log.events.chunks(EVENTS_PER_LINE) {
        let write = Delta {
            run: log.run.clone(),
            since_seq: events[0].seq - 1,
            newest_seq: events.last().map_or(newest_seq, |event| event.seq),
            events: events.to_vec(),
        };
        line::push(&write, &mut bytes);
    }
    bytes
}

//! Runs as JSON files: for looking into with an editor, and for services without a database.
//!
//! ```text
//! folder/.lock                one process at a time
//! folder/<name>.jsonl         the log: one line per write, with its checksum
//! folder/<name>.json          the newest snapshot, laid out as Taskforce's session files are
//! ```
//!
//! A write is appended to the log and brought to the disk. A whole file is written under another
//! name, brought to the disk, and renamed. What Taskforce does per write, rewriting the session, happens
//! here per snapshot only, so that a write costs the same at the end of any history.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::{Filter, RunLog, RunSummary, Store, StoreFuture, disk, name};
use crate::delta::Delta;
use crate::error::StoreError;
use crate::event::Change;
use crate::run::{Origin, RunState, Seq, UnixMillis};

pub(crate) mod line;
pub(crate) mod log;
pub(crate) mod snapshot;

use log::Log;

/// A store in one folder, shared by reference among the threads of this process.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    /// All runs; a log is read when it is first asked for.
    logs: RwLock<BTreeMap<String, Arc<Mutex<Option<Log>>>>>,
    /// Held open as long as the store is, so that the folder is locked.
    _lock: File,
}

impl Files {
    /// Opens a folder, or creates it.
    ///
    /// Every write is durable: it survives a loss of power.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let action = || format!("open {}", folder.display());
        let failed = |error: io::Error| disk::failed(&action(), &error);
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = File::create(folder.join(".lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let place = folder.display().to_string();
                return Err(StoreError::InUse { place });
            }
            Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut logs = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let file_name = entry.map_err(failed)?.file_name();
            let stem = file_name
                .to_str()
                .and_then(|name| name.strip_suffix(".jsonl"));
            if let Some(run) = stem.and_then(name::decode) {
                logs.insert(run, Arc::default());
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            logs: RwLock::new(logs),
            _lock: lock,
        })
    }

    /// Bytes of all files of a run.
    pub fn bytes_on_disk(&self, run: &str) -> u64 {
        let paths = [
            log::path(&self.folder, run),
            snapshot::path(&self.folder, run),
        ];
        let metadata = paths.iter().filter_map(|path| fs::metadata(path).ok());
        metadata.map(|metadata| metadata.len()).sum()
    }

    /// Does something with the log of a run, which is read first if it has not been.
    fn with<T>(
        &self,
        run: &str,
        work: impl FnOnce(&mut Log) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let not_found = || StoreError::NotFound {
            run: run.to_owned(),
        };
        let log = self.logs.read().get(run).cloned().ok_or_else(not_found)?;
        let mut log = log.lock();
        if log.is_none() {
            // Removed between the two locks, perhaps: then there is no file.
            *log = Log::open(&self.folder, run)?;
        }
        work(log.as_mut().ok_or_else(not_found)?)
    }

    fn insert(&self, log: &RunLog) -> Result<(), StoreError> {
        let run = log.run.as_str();
        // Held until the file is there, so that of two creators one finds it.
        let mut logs = self.logs.write();
        if logs.contains_key(run) {
            return Err(StoreError::Exists {
                run: run.to_owned(),
            });
        }
        let created = Log::create(&self.folder, log)?;
        logs.insert(run.to_owned(), Arc::new(Mutex::new(Some(created))));
        Ok(())
    }

    fn create_now(&self, run: &str, origin: &Origin, at: UnixMillis) -> Result<(), StoreError> {
        self.insert(&RunLog {
            run: run.to_owned(),
            origin: origin.clone(),
            created_at_ms: at,
            events: Vec::new(),
        })
    }

    fn list_now(
        &self,
        filter: &Filter,
        after: Option<&str>,
        at_most: usize,
    ) -> Result<Vec<RunSummary>, StoreError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = (start, Bound::Unbounded);
        let names: Vec<_> = {
            let logs = self.logs.read();
            let rest = logs.range::<str, _>(range);
            rest.map(|(run, _)| run.clone()).collect()
        };
        let mut page = Vec::new();
        for run in names {
            if page.len() == at_most {
                break;
            }
            match self.with(&run, |log| log.summary()) {
                Ok(summary) if filter.matches(&summary) => page.push(summary),
                Ok(_) => {}
                // Removed while the list was made.
                Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(page)
    }

    fn remove_now(&self, run: &str) -> Result<(), StoreError> {
        let mut logs = self.logs.write();
        let Some(log) = logs.get(run) else {
            return Err(StoreError::NotFound {
                run: run.to_owned(),
            });
        };
        // Whoever has the log in hand finishes first, and finds it closed the next time.
        let mut log = log.lock();
        log::remove(&self.folder, run)?;
        *log = None;
        drop(log);
        logs.remove(run);
        Ok(())
    }
}

impl Store for Files {
    fn create<'a>(
        &'a self,
        run: &'a str,
        origin: &'a Origin,
        at: UnixMillis,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.create_now(run, origin, at) })
    }

    fn append<'a>(
        &'a self,
        run: &'a str,
        based_on: Seq,
        at: UnixMillis,
        changes: Vec<Change>,
    ) -> StoreFuture<'a, Seq> {
        Box::pin(async move { self.with(run, |log| log.append(based_on, at, changes)) })
    }

    fn load<'a>(&'a self, run: &'a str) -> StoreFuture<'a, RunState> {
        Box::pin(async move { self.with(run, |log| log.load()) })
    }

    fn since<'a>(&'a self, run: &'a str, since_seq: Seq, at_most: usize) -> StoreFuture<'a, Delta> {
        Box::pin(async move { self.with(run, |log| log.since(since_seq, at_most)) })
    }

    fn list<'a>(
        &'a self,
        filter: &'a Filter,
        after: Option<&'a str>,
        at_most: usize,
    ) -> StoreFuture<'a, Vec<RunSummary>> {
        Box::pin(async move { self.list_now(filter, after, at_most) })
    }

    fn compact<'a>(
        &'a self,
        run: &'a str,
        kinds: &'a [&'a str],
        older_than: UnixMillis,
    ) -> StoreFuture<'a, usize> {
        Box::pin(async move { self.with(run, |log| log.compact(kinds, older_than)) })
    }

    fn restore<'a>(&'a self, log: &'a RunLog) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.insert(log) })
    }

    fn remove<'a>(&'a self, run: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.remove_now(run) })
    }

    fn check<'a>(&'a self, run: &'a str) -> StoreFuture<'a, Vec<StoreError>> {
        Box::pin(async move { self.with(run, |log| log.check()) })
    }
}

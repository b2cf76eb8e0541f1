//! Runs in one SQLite file: the embedded store, the default of a service on one machine.
//!
//! One row per run with its head, one row per event, one row with the newest snapshot. Events, heads
//! and snapshots are binary frames with a checksum each, because SQLite has none.
//! Writers take turns in one connection; readers have connections of their own, and in WAL mode
//! neither waits for the other. Other processes may have the same file open.

use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::{Filter, RunLog, RunSummary, Store, StoreFuture};
use crate::delta::Delta;
use crate::error::StoreError;
use crate::event::Change;
use crate::run::{Origin, RunState, Seq, UnixMillis};

mod checkpoint;
mod read;
mod write;

use checkpoint::Checkpointer;

/// When a write counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When it is on the disk: it survives a loss of power (`synchronous = FULL`).
    #[default]
    Durable,
    /// When the operating system has it: it survives the end of the process, and a loss of power may
    /// take the last writes, never a part of one (`synchronous = NORMAL`).
    NotDurable,
}

impl Durability {
    fn set(self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(match self {
            Self::Durable => "pragma synchronous = full",
            Self::NotDurable => "pragma synchronous = normal",
        })
    }
}

/// How long a connection waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Reading connections that are kept open; more are opened where more threads read at once.
const READERS_KEPT: usize = 8;

/// Prepared statements that a connection keeps; more than the store has.
const STATEMENTS: usize = 32;

/// Version of the tables, in `user_version`; a file of a later one is refused.
const SCHEMA: i64 = 1;

const TABLES: &str = "
create table runs (
    id integer primary key autoincrement,
    name text not null unique,
    session text,
    parent text,
    workspace text,
    agent text,
    status text not null,
    created_at_ms integer not null,
    ended_at_ms integer,
    head blob not null
) strict;
create index runs_by_session on runs (session, name) where session is not null;
create index runs_by_parent on runs (parent, name) where parent is not null;
create index runs_by_workspace on runs (workspace, name) where workspace is not null;
create index runs_by_status on runs (status, name);
create index runs_by_end on runs (ended_at_ms) where ended_at_ms is not null;
create table events (
    run integer not null references runs (id) on delete cascade,
    seq integer not null,
    body blob not null,
    unique (run, seq)
) strict;
create table snapshots (
    run integer primary key references runs (id) on delete cascade,
    version integer not null,
    body blob not null
) strict;
";

/// A store in one file, shared by reference among the threads of this process.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    durability: Durability,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    /// Ends after the writer, to which it belongs.
    _checkpointer: Checkpointer,
}

impl Sqlite {
    /// Opens a file, or creates it with its tables.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        let mut writer = connect(path, durability)?;
        let checkpointer = Checkpointer::of(&mut writer, connect(path, durability)?)
            .map_err(|error| failed(&format!("open {}", path.display()), &error))?;
        let store = Self {
            path: path.to_owned(),
            durability,
            writer: Mutex::new(writer),
            readers: Mutex::new(Vec::new()),
            _checkpointer: checkpointer,
        };
        store.create_tables()?;
        Ok(store)
    }

    fn create_tables(&self) -> Result<(), StoreError> {
        let action = format!("open {}", self.path.display());
        let found = self.write(&action, |transaction| {
            let found: i64 = transaction.query_row("pragma user_version", [], |row| row.get(0))?;
            if found == 0 {
                transaction.execute_batch(TABLES)?;
                transaction.pragma_update(None, "user_version", SCHEMA)?;
            }
            Ok(found)
        })?;
        if found > SCHEMA {
            let reason = format!("its tables have version {found}, update this program");
            return Err(StoreError::Unavailable { action, reason });
        }
        Ok(())
    }

    /// Bytes of the file and its log on the disk.
    pub fn bytes_on_disk(&self) -> u64 {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        [self.path.clone(), PathBuf::from(log)]
            .iter()
            .filter_map(|path| std::fs::metadata(path).ok())
            .map(|metadata| metadata.len())
            .sum()
    }

    /// Moves what is in the log into the file, so that the file alone holds everything.
    pub fn fold_log(&self) -> Result<(), StoreError> {
        let writer = self.writer.lock();
        let folded = writer.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()));
        folded.map_err(|error| failed("move the log into the file", &error))
    }

    /// Bounds the file: a write that needs more is [`StoreError::Full`], and nothing of it is kept.
    ///
    /// Counts the file alone, not its log, and holds until the store is closed.
    pub fn grow_to_at_most(&self, n_bytes: u64) -> Result<(), StoreError> {
        let failed = |error: rusqlite::Error| failed("bound the file", &error);
        let writer = self.writer.lock();
        let page: i64 = writer
            .query_row("pragma page_size", [], |row| row.get(0))
            .map_err(failed)?;
        let n_pages = i64::try_from(n_bytes).unwrap_or(i64::MAX) / page;
        let bounded = writer.pragma_update(None, "max_page_count", n_pages);
        bounded.map_err(failed)
    }

    /// Runs a write in one transaction; nothing of it is kept if it fails.
    fn write<T>(
        &self,
        action: &str,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let mut writer = self.writer.lock();
        in_transaction(&mut writer, write).map_err(|failure| failure.explained(action))
    }

    /// Runs a write that may be lost with the power, as long as it is not lost in part: without a sync of its own. The next
    /// durable write takes it to the disk, for both are in one log.
    fn write_without_sync<T>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut writer = Relaxed::of(self.writer.lock(), self.durability)?;
        in_transaction(&mut writer.connection, write)
    }

    /// Runs reads of one moment.
    fn read<T>(
        &self,
        action: &str,
        read: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let kept = self.readers.lock().pop();
        let reader = match kept {
            Some(reader) => reader,
            None => connect(&self.path, self.durability)?,
        };
        let in_transaction = || {
            let transaction = reader.unchecked_transaction()?;
            let found = read(&transaction)?;
            transaction.commit()?;
            Ok(found)
        };
        let found = in_transaction().map_err(|failure: Failure| failure.explained(action));
        let mut readers = self.readers.lock();
        if readers.len() < READERS_KEPT {
            readers.push(reader);
        }
        found
    }
}

fn in_transaction<T>(
    writer: &mut Connection,
    write: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let written = write(&transaction)?;
    transaction.commit()?;
    Ok(written)
}

/// The writer without syncs, which has them again afterwards.
struct Relaxed<'a> {
    connection: MutexGuard<'a, Connection>,
    durability: Durability,
}

impl<'a> Relaxed<'a> {
    fn of(
        connection: MutexGuard<'a, Connection>,
        durability: Durability,
    ) -> rusqlite::Result<Self> {
        Durability::NotDurable.set(&connection)?;
        Ok(Self {
            connection,
            durability,
        })
    }
}

impl Drop for Relaxed<'_> {
    fn drop(&mut self) {
        let set = self.durability.set(&self.connection);
        debug_assert!(set.is_ok(), "nothing but a running transaction refuses it");
    }
}

/// What ends a transaction early: SQLite, or what was found in the file.
enum Failure {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Failure {
    fn explained(self, action: &str) -> StoreError {
        match self {
            Self::Sqlite(error) => failed(action, &error),
            Self::Store(error) => error,
        }
    }
}

fn failed(action: &str, error: &rusqlite::Error) -> StoreError {
    let action = action.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { action },
        _ => StoreError::Unavailable {
            action,
            reason: error.to_string(),
        },
    }
}

fn connect(path: &Path, durability: Durability) -> Result<Connection, StoreError> {
    let connect = || {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "journal_mode", "wal")?;
        durability.set(&connection)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(connection)
    };
    connect().map_err(|error| failed(&format!("open {}", path.display()), &error))
}

impl Store for Sqlite {
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
        Box::pin(async move { self.append_now(run, based_on, at, changes) })
    }

    fn load<'a>(&'a self, run: &'a str) -> StoreFuture<'a, RunState> {
        Box::pin(async move { self.load_now(run) })
    }

    fn since<'a>(&'a self, run: &'a str, since_seq: Seq, at_most: usize) -> StoreFuture<'a, Delta> {
        Box::pin(async move { self.since_now(run, since_seq, at_most) })
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
        Box::pin(async move { self.compact_now(run, kinds, older_than) })
    }

    fn restore<'a>(&'a self, log: &'a RunLog) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.restore_now(log) })
    }

    fn remove<'a>(&'a self, run: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.remove_now(run) })
    }

    fn check<'a>(&'a self, run: &'a str) -> StoreFuture<'a, Vec<StoreError>> {
        Box::pin(async move { self.check_now(run) })
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::population::{self, Size};

    #[test]
    fn after_a_snapshot_that_is_not_synced_writes_are_durable_again() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let path = folder.path().join("runs.sqlite");
        let store = Sqlite::open(&path, Durability::Durable).expect("a new file");
        let log = RunLog {
            run: "r".to_owned(),
            origin: Origin::default(),
            created_at_ms: UnixMillis(1),
            events: population::events(1, Size::Usual),
        };
        block_on(store.restore(&log)).expect("it is new");
        block_on(store.load("r")).expect("it is there");
        let writer = store.writer.lock();
        let number = |sql: &str| -> i64 {
            let found = writer.query_row(sql, [], |row| row.get(0));
            found.expect("one row")
        };
        assert_eq!(number("select count(*) from snapshots"), 1);
        // `full`, in SQLite's words.
        assert_eq!(number("pragma synchronous"), 2);
    }
}

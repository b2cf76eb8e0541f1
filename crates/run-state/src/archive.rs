//! Archives: a whole run in one zip file, from which the same run can be made again.
//!
//! ```text
//! folder/<run>/run_snapshot_<YYYYmmddHHMMSS>.json.zip
//!     run_snapshot_<YYYYmmddHHMMSS>.json      {"run": … before its first event, "log": … all events}
//! folder/archives.jsonl                       one row per archive: counts and SHA-256
//! ```
//!
//! The row is written after its archive has been read back; only then may the run be purged from its store.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::codec;
use crate::delta::Delta;
use crate::error::StoreError;
use crate::run::{RunState, RunStatus, Seq, UnixMillis};
use crate::store::disk;
use crate::store::name;
use crate::store::{self, Filter, RunLog, RunSummary, Store};

/// Bytes that a run in an archive may have; a file that says more is refused before it is read.
const MOST_BYTES: u64 = 1 << 30;

/// Runs that are listed at once.
const PAGE: usize = 100;

/// What the list of archives says of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveRow {
    /// Name of the run.
    pub run: String,
    /// Where the archive lies, from the folder of archives.
    pub path: PathBuf,
    /// How the run ended.
    pub status: RunStatus,
    /// How many steps it had.
    pub n_steps: usize,
    /// How many events it had.
    pub n_events: usize,
    /// How many child runs it had.
    pub n_children: usize,
    /// When the run was created.
    pub created_at_ms: UnixMillis,
    /// When it was archived.
    pub archived_at_ms: UnixMillis,
    /// Of the whole file, in hexadecimal digits.
    pub sha256: String,
}

/// What the archive holds.
#[derive(Serialize, Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    run: &'a RawValue,
    #[serde(borrow)]
    log: &'a RawValue,
}

/// Which runs are archived, and what becomes of them.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Runs that ended before this time, and no others.
    pub ended_before: UnixMillis,
    /// Kinds of notes whose payloads are taken out first, where they are older than that; may be empty.
    pub compact: Vec<String>,
    /// Whether an archived run leaves its store.
    pub purge: bool,
    /// How many runs at most, so that a large backlog is done in batches; `None` for all.
    pub at_most: Option<usize>,
}

/// Kinds of notes that say nothing once their run is over, as AgentMaestro has them.
pub const NOISY_KINDS: [&str; 2] = ["token_stream", "debug_log"];

/// The runs that a policy selects, in the order of their names.
pub async fn select(store: &dyn Store, policy: &Policy) -> Result<Vec<RunSummary>, StoreError> {
    let at_most = policy.at_most.unwrap_or(usize::MAX);
    let mut selected: Vec<RunSummary> = Vec::new();
    while selected.len() < at_most {
        let after = selected.last().map(|summary| summary.run.as_str());
        let n_wanted = PAGE.min(at_most - selected.len());
        let page = batch(store, policy, after, n_wanted).await?;
        if page.is_empty() {
            break;
        }
        selected.extend(page);
    }
    Ok(selected)
}

/// The next runs that a policy selects, after a name or from the start, at most so many.
pub async fn batch(
    store: &dyn Store,
    policy: &Policy,
    after: Option<&str>,
    n_runs: usize,
) -> Result<Vec<RunSummary>, StoreError> {
    let filter = Filter {
        ended_before: Some(policy.ended_before),
        ..Filter::default()
    };
    store.list(&filter, after, n_runs).await
}

/// The newest archive of every run in a folder.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    newest_by_run: BTreeMap<String, ArchiveRow>,
}

impl Shelf {
    /// What a folder holds; nothing if nothing was archived there.
    pub fn read(folder: &Path) -> Result<Self, StoreError> {
        let rows = rows(folder)?.into_iter();
        Ok(Self {
            newest_by_run: rows.map(|row| (row.run.clone(), row)).collect(),
        })
    }

    /// The newest archive of a run.
    pub fn newest(&self, run: &str) -> Option<&ArchiveRow> {
        self.newest_by_run.get(run)
    }

    /// The newest archive of a run, if the run has not changed since: to archive it again would say nothing new.
    pub fn unchanged(&self, summary: &RunSummary) -> Option<&ArchiveRow> {
        let is_same = |row: &&ArchiveRow| {
            row.n_events as Seq == summary.version && row.created_at_ms == summary.created_at_ms
        };
        self.newest(&summary.run).filter(is_same)
    }
}

/// Removes a run from its store, after its archive was read once more.
pub async fn purge(store: &dyn Store, folder: &Path, row: &ArchiveRow) -> Result<(), StoreError> {
    read(folder, row)?;
    store.remove(&row.run).await
}

/// Archives one selected run as the policy says, and returns its row.
///
/// A run that was archived before and not purged is archived again, under the new time.
pub async fn archive(
    store: &dyn Store,
    run: &str,
    policy: &Policy,
    folder: &Path,
    now: UnixMillis,
) -> Result<ArchiveRow, StoreError> {
    let kinds: Vec<&str> = policy.compact.iter().map(String::as_str).collect();
    if !kinds.is_empty() {
        store.compact(run, &kinds, policy.ended_before).await?;
    }
    let row = checkpoint(store, run, folder, now).await?;
    if policy.purge {
        store.remove(run).await?;
    }
    Ok(row)
}

/// Writes a run as it is now into an archive, reads it back, and adds its row.
pub async fn checkpoint(
    store: &dyn Store,
    run: &str,
    folder: &Path,
    now: UnixMillis,
) -> Result<ArchiveRow, StoreError> {
    let log = store::log(store, run).await?;
    let state = log.state()?;
    let member = format!("run_snapshot_{}.json", now.to_digits());
    let bytes = pack(&log, &member)?;
    let path = Path::new(&name::encode(run)).join(format!("{member}.zip"));
    let place = folder.join(&path);
    let home = place.parent().unwrap_or(folder);
    fs::create_dir_all(home)
        .map_err(|error| disk::failed(&format!("make {}", home.display()), &error))?;
    disk::replace(&place, &bytes)?;
    let row = ArchiveRow {
        run: run.to_owned(),
        path,
        status: state.status,
        n_steps: state.steps.len(),
        n_events: log.events.len(),
        n_children: state.children.len(),
        created_at_ms: log.created_at_ms,
        archived_at_ms: now,
        sha256: sha256(&bytes),
    };
    if read(folder, &row)? != log {
        return Err(damaged(&row, "what was written is not what is read back"));
    }
    add_row(folder, &row)?;
    Ok(row)
}

/// All rows of a folder, oldest first; empty if nothing was archived there.
pub fn rows(folder: &Path) -> Result<Vec<ArchiveRow>, StoreError> {
    let path = rows_path(folder);
    let bytes = disk::read(&path)?.unwrap_or_default();
    read_rows(&bytes, &path)
}

/// Reads the rows of a folder from the bytes of the file that lies at `path`.
pub(crate) fn read_rows(bytes: &[u8], path: &Path) -> Result<Vec<ArchiveRow>, StoreError> {
    let lines = bytes
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty());
    let row = |(position, line): (usize, &[u8])| {
        serde_json::from_slice(line).map_err(|error| StoreError::Unavailable {
            action: format!("read line {} of {}", position + 1, path.display()),
            reason: format!("{error}; remove the line, the archives are whole without it"),
        })
    };
    lines.enumerate().map(row).collect()
}

/// Reads an archive, which must be the one that its row tells of.
pub fn read(folder: &Path, row: &ArchiveRow) -> Result<RunLog, StoreError> {
    let place = folder.join(&row.path);
    let bytes = disk::read(&place)?.ok_or_else(|| damaged(row, "it is missing"))?;
    if sha256(&bytes) != row.sha256 {
        return Err(damaged(
            row,
            "its SHA-256 is not that of its row, it has changed",
        ));
    }
    unpack(&bytes).map_err(|reason| damaged(row, &reason))
}

/// Puts an archived run into a store, exactly as it was.
pub async fn restore(store: &dyn Store, folder: &Path, row: &ArchiveRow) -> Result<(), StoreError> {
    let log = read(folder, row)?;
    store.restore(&log).await
}

fn damaged(row: &ArchiveRow, reason: &str) -> StoreError {
    StoreError::Damaged {
        run: row.run.clone(),
        what: format!("archive {}", row.path.display()),
        reason: reason.to_owned(),
    }
}

/// Writes what an archive holds.
pub(crate) fn write_body(log: &RunLog) -> Vec<u8> {
    let start = RunState::new(&*log.run, log.created_at_ms).with_origin(log.origin.clone());
    let newest_seq = log.events.last().map_or(0, |event| event.seq);
    let delta = Delta {
        run: log.run.clone(),
        since_seq: 0,
        newest_seq,
        events: log.events.clone(),
    };
    let mut json = b"{\"run\":".to_vec();
    codec::encode_into(&start, &mut json);
    json.extend_from_slice(b",\"log\":");
    codec::encode_into(&delta, &mut json);
    json.push(b'}');
    json
}

fn pack(log: &RunLog, member: &str) -> Result<Vec<u8>, StoreError> {
    let json = write_body(log);
    let zipped = || {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(member, options)?;
        zip.write_all(&json)?;
        Ok(zip.finish()?.into_inner())
    };
    zipped().map_err(|error: zip::result::ZipError| StoreError::Unavailable {
        action: format!("archive run `{}`", log.run),
        reason: error.to_string(),
    })
}

fn unpack(bytes: &[u8]) -> Result<RunLog, String> {
    read_body(&unzip(bytes)?)
}

/// The first file in a zip file, within bounds.
pub(crate) fn unzip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let explain = |error: &dyn std::fmt::Display| error.to_string();
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| explain(&error))?;
    let member = zip.by_index(0).map_err(|error| explain(&error))?;
    let mut json = Vec::new();
    let mut bounded = member.take(MOST_BYTES + 1);
    bounded
        .read_to_end(&mut json)
        .map_err(|error| explain(&error))?;
    if json.len() as u64 > MOST_BYTES {
        return Err(format!("it is longer than {MOST_BYTES} bytes"));
    }
    Ok(json)
}

/// Reads what an archive holds; says what is wrong with it otherwise.
pub(crate) fn read_body(json: &[u8]) -> Result<RunLog, String> {
    let explain = |error: &dyn std::fmt::Display| error.to_string();
    let body: Body<'_> = serde_json::from_slice(json).map_err(|error| explain(&error))?;
    let start: RunState =
        codec::decode(body.run.get().as_bytes()).map_err(|error| explain(&error))?;
    let delta: Delta = codec::decode(body.log.get().as_bytes()).map_err(|error| explain(&error))?;
    Ok(RunLog {
        run: start.id,
        origin: start.origin,
        created_at_ms: start.created_at_ms,
        events: delta.events,
    })
}

fn rows_path(folder: &Path) -> PathBuf {
    folder.join("archives.jsonl")
}

fn add_row(folder: &Path, row: &ArchiveRow) -> Result<(), StoreError> {
    let path = rows_path(folder);
    let mut line = serde_json::to_vec(row).expect("plain values into memory");
    line.push(b'\n');
    let add = || {
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        file.write_all(&line)?;
        file.sync_all()
    };
    add().map_err(|error| disk::failed(&format!("add to {}", path.display()), &error))
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! The newest snapshot of a run, in the layout of Taskforce's session files:
//! `session_id`, `timestamp`, and `state_data` with `_version` and `_updated_at` in it.
//!
//! Beside those two keys `state_data` has `_crc32` and the state as [`crate::codec`] writes it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::codec;
use crate::error::StoreError;
use crate::run::RunState;
use crate::store::{disk, name};

#[derive(Serialize, Deserialize)]
struct File<'a> {
    session_id: String,
    timestamp: String,
    #[serde(borrow)]
    state_data: StateData<'a>,
}

#[derive(Serialize, Deserialize)]
struct StateData<'a> {
    _version: u64,
    _updated_at: String,
    _crc32: String,
    #[serde(borrow)]
    run: &'a RawValue,
}

/// Where the snapshot of a run lies.
pub(super) fn path(folder: &Path, run: &str) -> PathBuf {
    folder.join(format!("{}.json", name::encode(run)))
}

/// Writes a snapshot in place of the one before, and returns its bytes.
pub(super) fn write(folder: &Path, state: &RunState) -> Result<usize, StoreError> {
    let bytes = encode(state);
    disk::replace(&path(folder, &state.id), &bytes)?;
    Ok(bytes.len())
}

pub(crate) fn encode(state: &RunState) -> Vec<u8> {
    let body = String::from_utf8(codec::encode(state)).expect("JSON is text");
    let updated_at = state.updated_at_ms.to_iso();
    let file = File {
        session_id: state.id.clone(),
        timestamp: updated_at.clone(),
        state_data: StateData {
            _version: state.version,
            _updated_at: updated_at,
            _crc32: checksum(&body),
            run: serde_json::from_str(&body).expect("the codec writes JSON"),
        },
    };
    serde_json::to_vec(&file).expect("plain values into memory")
}

/// The same file with the checksum of the state in it; nothing of bytes that are no such file.
#[cfg(any(test, feature = "decoders"))]
pub(crate) fn seal(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file: File<'_> = serde_json::from_slice(bytes).ok()?;
    file.state_data._crc32 = checksum(file.state_data.run.get());
    serde_json::to_vec(&file).ok()
}

/// Reads a snapshot and its bytes: `None` without one, and what is wrong with it otherwise.
pub(super) fn read(
    folder: &Path,
    run: &str,
) -> Result<Result<Option<(RunState, usize)>, String>, StoreError> {
    let Some(bytes) = disk::read(&path(folder, run))? else {
        return Ok(Ok(None));
    };
    Ok(parse(&bytes, run).map(|state| Some((state, bytes.len()))))
}

pub(crate) fn parse(bytes: &[u8], run: &str) -> Result<RunState, String> {
    let file: File<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let body = file.state_data.run.get();
    if checksum(body) != file.state_data._crc32 {
        return Err("the checksum does not fit, a byte has changed".to_owned());
    }
    let state: RunState = codec::decode(body.as_bytes()).map_err(|error| error.to_string())?;
    if state.id != run {
        return Err(format!("it is of run `{}`", state.id));
    }
    Ok(state)
}

fn checksum(body: &str) -> String {
    format!("{:08x}", crc32fast::hash(body.as_bytes()))
}

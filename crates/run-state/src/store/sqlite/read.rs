//! Reads: each of one moment, because each is one transaction.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params, params_from_iter};

use super::write::{Bytes, Row, find};
use super::{Failure, Sqlite};
use crate::codec;
use crate::codec::binary::decode_head;
use crate::delta::Delta;
use crate::error::StoreError;
use crate::event::Event;
use crate::run::{RunState, Seq};
use crate::store::{
    Filter, RunSummary, damaged, decode_event, is_snapshot_due, missing, not_ahead, replay, whole,
};

/// A state with what it was made of.
struct Loaded {
    id: i64,
    state: RunState,
    snapshot_bytes: usize,
    tail_bytes: usize,
}

impl Sqlite {
    pub(super) fn load_now(&self, run: &str) -> Result<RunState, StoreError> {
        let loaded = self.read(&format!("load run `{run}`"), |connection| {
            load(connection, run)
        })?;
        if is_snapshot_due(loaded.snapshot_bytes, loaded.tail_bytes) {
            self.leave_snapshot(loaded.id, &loaded.state);
        }
        Ok(loaded.state)
    }

    pub(super) fn since_now(
        &self,
        run: &str,
        since_seq: Seq,
        at_most: usize,
    ) -> Result<Delta, StoreError> {
        self.read(&format!("read run `{run}`"), |connection| {
            let Row { id, head, .. } = find(connection, run)?;
            not_ahead(run, since_seq, head.version)?;
            let (events, _) = events(connection, run, id, since_seq, at_most)?;
            let n_expected = (head.version - since_seq).min(at_most as u64);
            whole(run, since_seq, n_expected, &events)?;
            Ok(Delta {
                run: run.to_owned(),
                since_seq,
                newest_seq: head.version,
                events,
            })
        })
    }

    pub(super) fn list_now(
        &self,
        filter: &Filter,
        after: Option<&str>,
        at_most: usize,
    ) -> Result<Vec<RunSummary>, StoreError> {
        let (conditions, mut values) = conditions(filter, after);
        let text = format!(
            "select name, head from runs \
             {conditions} order by name limit ?"
        );
        values.push(Value::Integer(i64::try_from(at_most).unwrap_or(i64::MAX)));
        self.read("list runs", |connection| {
            let mut select = connection.prepare_cached(&text)?;
            let mut rows = select.query(params_from_iter(values))?;
            let mut page = Vec::new();
            while let Some(row) = rows.next()? {
                page.push(summary(row)?);
            }
            Ok(page)
        })
    }

    pub(super) fn check_now(&self, run: &str) -> Result<Vec<StoreError>, StoreError> {
        self.read(&format!("check run `{run}`"), |connection| {
            let Row { id, head, .. } = find(connection, run)?;
            let mut found = Vec::new();
            if let Err(error) = snapshot(connection, run, id)? {
                found.push(error);
            }
            let mut select =
                connection.prepare_cached("select body from events where run = ?1 and seq = ?2")?;
            for seq in 1..=head.version {
                let event = select
                    .query_row(params![id, seq as i64], |row| {
                        Ok(decode_event(run, seq, row.get_ref(0)?.as_bytes_or_empty()))
                    })
                    .optional()?;
                match event {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => found.push(error),
                    None => found.push(missing(run, seq)),
                }
            }
            Ok(found)
        })
    }
}

fn load(connection: &Connection, run: &str) -> Result<Loaded, Failure> {
    let Row { id, origin, head } = find(connection, run)?;
    // A snapshot that cannot be read is worth no more than none.
    let snapshot = snapshot(connection, run, id)?.ok().flatten();
    let (start, snapshot_bytes) = match snapshot {
        Some(snapshot) => snapshot,
        None => {
            let state = RunState::new(run, head.created_at_ms);
            (state.with_origin(origin), 0)
        }
    };
    let (events, tail_bytes) = events(connection, run, id, start.version, usize::MAX)?;
    whole(run, start.version, head.version - start.version, &events)?;
    Ok(Loaded {
        id,
        state: replay(start, &events)?,
        snapshot_bytes,
        tail_bytes,
    })
}

/// The newest snapshot and its size on the disk.
fn snapshot(
    connection: &Connection,
    run: &str,
    id: i64,
) -> Result<Result<Option<(RunState, usize)>, StoreError>, Failure> {
    let mut select = connection.prepare_cached("select body from snapshots where run = ?1")?;
    let found = select
        .query_row([id], |row| {
            let body = row.get_ref(0)?.as_bytes_or_empty();
            Ok(codec::decode(body).map(|state| (state, body.len())))
        })
        .optional()?;
    let found = found.transpose();
    Ok(found.map_err(|error| damaged(run, "snapshot", &error)))
}

fn summary(row: &SqlRow<'_>) -> Result<RunSummary, Failure> {
    let run: String = row.get(0)?;
    let (origin, head) = decode_head(row.get_ref(1)?.as_bytes_or_empty())
        .map_err(|error| damaged(&run, "head", &error))?;
    Ok(RunSummary::of(&run, &origin, &head))
}

/// The events after a version, and their bytes on the disk.
fn events(
    connection: &Connection,
    run: &str,
    id: i64,
    since_seq: Seq,
    at_most: usize,
) -> Result<(Vec<Event>, usize), Failure> {
    let mut select = connection.prepare_cached(
        "select seq, body from events where run = ?1 and seq > ?2 order by seq limit ?3",
    )?;
    let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
    let mut rows = select.query(params![id, since_seq as i64, at_most])?;
    let mut events = Vec::new();
    let mut n_bytes = 0;
    while let Some(row) = rows.next()? {
        let body = row.get_ref(1)?.as_bytes_or_empty();
        n_bytes += body.len();
        events.push(decode_event(run, row.get::<_, i64>(0)? as Seq, body)?);
    }
    Ok((events, n_bytes))
}

/// Only what is asked for stands in the text, so that an index on it can be used.
fn conditions(filter: &Filter, after: Option<&str>) -> (String, Vec<Value>) {
    let text = |value: &Option<String>| value.clone().map(Value::Text);
    let status = filter
        .status
        .map(|status| Value::Text(status.as_str().to_owned()));
    let ended_before = filter.ended_before.map(|at| Value::Integer(at.0 as i64));
    let all = [
        ("name > ?", after.map(|after| Value::Text(after.to_owned()))),
        ("session = ?", text(&filter.session)),
        ("parent = ?", text(&filter.parent)),
        ("workspace = ?", text(&filter.workspace)),
        ("status = ?", status),
        ("ended_at_ms < ?", ended_before),
    ];
    let (conditions, values): (Vec<_>, Vec<_>) = all
        .into_iter()
        .filter_map(|(condition, value)| Some((condition, value?)))
        .unzip();
    if conditions.is_empty() {
        return (String::new(), values);
    }
    (format!("where {}", conditions.join(" and ")), values)
}

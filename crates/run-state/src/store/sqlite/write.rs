//! Writes: each one transaction, and each checked against the head before it changes anything.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{Failure, Sqlite};
use crate::codec;
use crate::codec::binary::{decode_head, encode_head};
use crate::error::StoreError;
use crate::event::{Change, Event};
use crate::head::Head;
use crate::run::{Origin, RunState, Seq, UnixMillis};
use crate::store::{FORMAT, RunLog, admitted, compact_event, damaged, decode_event};

/// A run's row, as far as a write needs it.
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) origin: Origin,
    pub(super) head: Head,
}

impl Sqlite {
    pub(super) fn create_now(
        &self,
        run: &str,
        origin: &Origin,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        self.write(&format!("create run `{run}`"), |transaction| {
            insert_run(transaction, run, origin, &Head::new(at)).map(drop)
        })
    }

    pub(super) fn append_now(
        &self,
        run: &str,
        based_on: Seq,
        at: UnixMillis,
        changes: Vec<Change>,
    ) -> Result<Seq, StoreError> {
        self.write(&format!("append to run `{run}`"), |transaction| {
            let row = find(transaction, run)?;
            let mut head = row.head.clone();
            let events = admitted(run, &mut head, based_on, at, changes)?;
            insert_events(transaction, row.id, &events)?;
            update_head(transaction, &row, &head)?;
            Ok(head.version)
        })
    }

    pub(super) fn compact_now(
        &self,
        run: &str,
        kinds: &[&str],
        older_than: UnixMillis,
    ) -> Result<usize, StoreError> {
        self.write(&format!("compact run `{run}`"), |transaction| {
            let id = find(transaction, run)?.id;
            let mut select =
                transaction.prepare_cached("select seq, body from events where run = ?1")?;
            let mut update = transaction
                .prepare_cached("update events set body = ?3 where run = ?1 and seq = ?2")?;
            let mut rows = select.query([id])?;
            let mut due = Vec::new();
            while let Some(row) = rows.next()? {
                let seq = row.get::<_, i64>(0)? as Seq;
                let mut event = decode_event(run, seq, row.get_ref(1)?.as_bytes_or_empty())?;
                if compact_event(&mut event, kinds, older_than) {
                    due.push(event);
                }
            }
            for event in &due {
                let body = codec::encode_as(event, FORMAT);
                update.execute(params![id, event.seq as i64, body])?;
            }
            Ok(due.len())
        })
    }

    pub(super) fn restore_now(&self, log: &RunLog) -> Result<(), StoreError> {
        let state = log.state()?;
        self.write(&format!("restore run `{}`", log.run), |transaction| {
            let id = insert_run(transaction, &log.run, &log.origin, &Head::of(&state))?;
            insert_events(transaction, id, &log.events)
        })
    }

    pub(super) fn remove_now(&self, run: &str) -> Result<(), StoreError> {
        self.write(&format!("remove run `{run}`"), |transaction| {
            let mut delete = transaction.prepare_cached("delete from runs where name = ?1")?;
            match delete.execute([run])? {
                0 => Err(not_found(run).into()),
                _ => Ok(()),
            }
        })
    }

    /// Leaves a snapshot behind, unless a newer one is there or the run is gone.
    ///
    /// A failure is nobody's concern, nor is a loss of power: the events are there, and the next load tries again.
    pub(super) fn leave_snapshot(&self, id: i64, state: &RunState) {
        let body = codec::encode_as(state, FORMAT);
        let _ = self.write_without_sync(|transaction| {
            let mut insert = transaction.prepare_cached(
                "insert into snapshots (run, version, body) \
                 select id, ?2, ?3 from runs where id = ?1 \
                 on conflict (run) do update set version = excluded.version, body = excluded.body",
            )?;
            insert.execute(params![id, state.version as i64, body])?;
            Ok(())
        });
    }
}

/// The bytes of a column; none where something else has been put there.
pub(super) trait Bytes<'a> {
    fn as_bytes_or_empty(&self) -> &'a [u8];
}

impl<'a> Bytes<'a> for rusqlite::types::ValueRef<'a> {
    fn as_bytes_or_empty(&self) -> &'a [u8] {
        self.as_bytes().unwrap_or_default()
    }
}

pub(super) fn not_found(run: &str) -> StoreError {
    StoreError::NotFound {
        run: run.to_owned(),
    }
}

pub(super) fn find(connection: &rusqlite::Connection, run: &str) -> Result<Row, Failure> {
    let mut select = connection.prepare_cached("select id, head from runs where name = ?1")?;
    let found = select
        .query_row([run], |row| {
            let head = decode_head(row.get_ref(1)?.as_bytes_or_empty());
            Ok((row.get(0)?, head))
        })
        .optional()?;
    let (id, head) = found.ok_or_else(|| not_found(run))?;
    let (origin, head) = head.map_err(|error| damaged(run, "head", &error))?;
    Ok(Row { id, origin, head })
}

fn insert_run(
    transaction: &Transaction<'_>,
    run: &str,
    origin: &Origin,
    head: &Head,
) -> Result<i64, Failure> {
    let mut insert = transaction.prepare_cached(
        "insert into runs \
         (name, session, parent, workspace, agent, status, created_at_ms, ended_at_ms, head) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) on conflict (name) do nothing",
    )?;
    let n_inserted = insert.execute(params![
        run,
        origin.session,
        origin.parent,
        origin.workspace,
        origin.agent,
        head.status.as_str(),
        head.created_at_ms.0 as i64,
        head.ended_at_ms.map(|at| at.0 as i64),
        encode_head(origin, head),
    ])?;
    if n_inserted == 0 {
        return Err(StoreError::Exists {
            run: run.to_owned(),
        }
        .into());
    }
    Ok(transaction.last_insert_rowid())
}

fn insert_events(transaction: &Transaction<'_>, id: i64, events: &[Event]) -> Result<(), Failure> {
    let mut insert =
        transaction.prepare_cached("insert into events (run, seq, body) values (?1, ?2, ?3)")?;
    for event in events {
        let body = codec::encode_as(event, FORMAT);
        insert.execute(params![id, event.seq as i64, body])?;
    }
    Ok(())
}

/// Most appends leave the status alone, and with it the indexes.
fn update_head(transaction: &Transaction<'_>, row: &Row, after: &Head) -> Result<(), Failure> {
    let head = encode_head(&row.origin, after);
    if row.head.status == after.status {
        let mut update = transaction.prepare_cached("update runs set head = ?2 where id = ?1")?;
        update.execute(params![row.id, head])?;
        return Ok(());
    }
    let mut update = transaction
        .prepare_cached("update runs set head = ?2, status = ?3, ended_at_ms = ?4 where id = ?1")?;
    let ended_at_ms = after.ended_at_ms.map(|at| at.0 as i64);
    update.execute(params![row.id, head, after.status.as_str(), ended_at_ms])?;
    Ok(())
}

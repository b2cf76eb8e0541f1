//! Writes: each one statement that happens whole or not at all, after a look at the head.

use tokio_postgres::types::Type;

use super::{Parameter, Postgres};
use crate::codec;
use crate::codec::binary::{decode_head, encode_head};
use crate::error::StoreError;
use crate::event::{Change, Event};
use crate::head::Head;
use crate::run::{Origin, RunState, Seq, UnixMillis};
use crate::store::{FORMAT, RunLog, admitted, compact_event, damaged};

/// A run's row, as far as a write needs it.
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) origin: Origin,
    pub(super) head: Head,
}

impl Row {
    /// From the columns `id, head`.
    pub(super) fn read(run: &str, row: &tokio_postgres::Row) -> Result<Self, StoreError> {
        let (origin, head) =
            decode_head(row.get(1)).map_err(|error| damaged(run, "head", &error))?;
        let id = row.get(0);
        Ok(Self { id, origin, head })
    }
}

/// A head as the columns of its run.
struct Columns {
    version: i64,
    head: Vec<u8>,
    status: &'static str,
    created_at_ms: i64,
    ended_at_ms: Option<i64>,
}

impl Columns {
    fn of(origin: &Origin, head: &Head) -> Self {
        Self {
            version: head.version as i64,
            head: encode_head(origin, head),
            status: head.status.as_str(),
            created_at_ms: head.created_at_ms.0 as i64,
            ended_at_ms: head.ended_at_ms.map(|at| at.0 as i64),
        }
    }

    /// The parameters of a new run.
    fn parameters<'a>(&'a self, run: &'a &'a str, origin: &'a Origin) -> Vec<Parameter<'a>> {
        vec![
            (run, Type::TEXT),
            (&origin.session, Type::TEXT),
            (&origin.parent, Type::TEXT),
            (&origin.workspace, Type::TEXT),
            (&self.status, Type::TEXT),
            (&self.created_at_ms, Type::INT8),
            (&self.ended_at_ms, Type::INT8),
            (&self.version, Type::INT8),
            (&self.head, Type::BYTEA),
        ]
    }
}

/// Numbers and bodies of events, as two arrays.
fn arrays(events: &[Event]) -> (Vec<i64>, Vec<Vec<u8>>) {
    let columns = |event: &Event| (event.seq as i64, codec::encode_as(event, FORMAT));
    events.iter().map(columns).unzip()
}

impl Postgres {
    pub(super) async fn create_run(
        &self,
        run: &str,
        origin: &Origin,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        let columns = Columns::of(origin, &Head::new(at));
        let parameters = columns.parameters(&run, origin);
        let action = format!("create run `{run}`");
        let created = self.query(&action, &self.sql.create, &parameters).await?;
        not_empty(&created, || exists(run))
    }

    pub(super) async fn find(&self, run: &str) -> Result<Row, StoreError> {
        let parameters: [Parameter<'_>; 1] = [(&run, Type::TEXT)];
        let action = format!("find run `{run}`");
        let rows = self.query(&action, &self.sql.find, &parameters).await?;
        let row = rows.first().ok_or_else(|| not_found(run))?;
        Row::read(run, row)
    }

    pub(super) async fn append_changes(
        &self,
        run: &str,
        based_on: Seq,
        at: UnixMillis,
        changes: Vec<Change>,
    ) -> Result<Seq, StoreError> {
        let row = self.find(run).await?;
        let mut head = row.head.clone();
        let events = admitted(run, &mut head, based_on, at, changes)?;
        if events.is_empty() {
            return Ok(head.version);
        }
        let columns = Columns::of(&row.origin, &head);
        let (seqs, bodies) = arrays(&events);
        let based_on_column = based_on as i64;
        let parameters: [Parameter<'_>; 8] = [
            (&row.id, Type::INT8),
            (&based_on_column, Type::INT8),
            (&columns.version, Type::INT8),
            (&columns.head, Type::BYTEA),
            (&columns.status, Type::TEXT),
            (&columns.ended_at_ms, Type::INT8),
            (&seqs, Type::INT8_ARRAY),
            (&bodies, Type::BYTEA_ARRAY),
        ];
        let action = format!("append to run `{run}`");
        let inserted = self.query(&action, &self.sql.append, &parameters).await?;
        if inserted.is_empty() {
            // Somebody was faster between the two statements.
            let found = self.find(run).await?.head.version;
            return Err(StoreError::Conflict {
                run: run.to_owned(),
                based_on,
                found,
            });
        }
        Ok(head.version)
    }

    pub(super) async fn restore_run(&self, log: &RunLog) -> Result<(), StoreError> {
        let head = Head::of(&log.state()?);
        let columns = Columns::of(&log.origin, &head);
        let run = log.run.as_str();
        let (seqs, bodies) = arrays(&log.events);
        let mut parameters = columns.parameters(&run, &log.origin);
        parameters.push((&seqs, Type::INT8_ARRAY));
        parameters.push((&bodies, Type::BYTEA_ARRAY));
        let action = format!("restore run `{run}`");
        let created = self.query(&action, &self.sql.restore, &parameters).await?;
        not_empty(&created, || exists(run))
    }

    pub(super) async fn compact_run(
        &self,
        run: &str,
        kinds: &[&str],
        older_than: UnixMillis,
    ) -> Result<usize, StoreError> {
        let id = self.find(run).await?.id;
        let mut due = self.delta(run, 0, usize::MAX).await?.events;
        // Events never change otherwise, so what was read is still so.
        due.retain_mut(|event| compact_event(event, kinds, older_than));
        let (seqs, bodies) = arrays(&due);
        let parameters: [Parameter<'_>; 3] = [
            (&id, Type::INT8),
            (&seqs, Type::INT8_ARRAY),
            (&bodies, Type::BYTEA_ARRAY),
        ];
        let action = format!("compact run `{run}`");
        self.query(&action, &self.sql.rewrite, &parameters).await?;
        Ok(due.len())
    }

    pub(super) async fn remove_run(&self, run: &str) -> Result<(), StoreError> {
        let parameters: [Parameter<'_>; 1] = [(&run, Type::TEXT)];
        let action = format!("remove run `{run}`");
        let removed = self.query(&action, &self.sql.remove, &parameters).await?;
        not_empty(&removed, || not_found(run))
    }

    /// Leaves a snapshot behind, unless a newer one is there or the run is gone.
    ///
    /// A failure is nobody's concern: the events are there, and the next load tries again.
    pub(super) async fn leave_snapshot(&self, id: i64, state: &RunState) {
        let body = codec::encode_as(state, FORMAT);
        let version = state.version as i64;
        let parameters: [Parameter<'_>; 3] = [
            (&id, Type::INT8),
            (&version, Type::INT8),
            (&body, Type::BYTEA),
        ];
        let _ = self
            .query("keep a snapshot", &self.sql.snapshot, &parameters)
            .await;
    }
}

fn not_empty(
    rows: &[tokio_postgres::Row],
    error: impl FnOnce() -> StoreError,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        Err(error())
    } else {
        Ok(())
    }
}

pub(super) fn not_found(run: &str) -> StoreError {
    StoreError::NotFound {
        run: run.to_owned(),
    }
}

fn exists(run: &str) -> StoreError {
    StoreError::Exists {
        run: run.to_owned(),
    }
}

//! Reads: each of one moment, because each is one statement.

use tokio_postgres::types::{ToSql, Type};

use super::write::{Row, not_found};
use super::{Parameter, Postgres};
use crate::codec;
use crate::delta::Delta;
use crate::error::StoreError;
use crate::event::Event;
use crate::run::{RunState, Seq};
use crate::store::{
    Filter, RunSummary, damaged, decode_event, is_snapshot_due, missing, not_ahead, replay, whole,
};

/// Numbers in SQL end here; no run comes near.
const MOST: i64 = i64::MAX;

impl Postgres {
    pub(super) async fn load_state(&self, run: &str) -> Result<RunState, StoreError> {
        let parameters: [Parameter<'_>; 1] = [(&run, Type::TEXT)];
        let action = format!("load run `{run}`");
        let rows = self.query(&action, &self.sql.load, &parameters).await?;
        let first = rows.first().ok_or_else(|| not_found(run))?;
        let Row { id, origin, head } = Row::read(run, first)?;
        let begin = RunState::new(run, head.created_at_ms).with_origin(origin);
        let snapshot: Option<&[u8]> = first.get(3);
        let (start, snapshot_bytes) = match snapshot.map(codec::decode::<RunState>) {
            Some(Ok(state)) => (state, snapshot.map_or(0, <[u8]>::len)),
            None => (begin, 0),
            // A snapshot that cannot be read is worth no more than none.
            Some(Err(_)) => {
                let delta = self.delta(run, 0, usize::MAX).await?;
                return replay(begin, &delta.events);
            }
        };
        let (events, tail_bytes) = events(run, &rows, 4)?;
        whole(run, start.version, head.version - start.version, &events)?;
        let state = replay(start, &events)?;
        if is_snapshot_due(snapshot_bytes, tail_bytes) {
            self.leave_snapshot(id, &state).await;
        }
        Ok(state)
    }

    pub(super) async fn delta(
        &self,
        run: &str,
        since_seq: Seq,
        at_most: usize,
    ) -> Result<Delta, StoreError> {
        let since_column = i64::try_from(since_seq).unwrap_or(MOST);
        let limit = i64::try_from(at_most).unwrap_or(MOST);
        let parameters: [Parameter<'_>; 3] = [
            (&run, Type::TEXT),
            (&since_column, Type::INT8),
            (&limit, Type::INT8),
        ];
        let action = format!("read run `{run}`");
        let rows = self.query(&action, &self.sql.since, &parameters).await?;
        let first = rows.first().ok_or_else(|| not_found(run))?;
        let newest_seq = Row::read(run, first)?.head.version;
        not_ahead(run, since_seq, newest_seq)?;
        let (events, _) = events(run, &rows, 2)?;
        let n_expected = (newest_seq - since_seq).min(at_most as u64);
        whole(run, since_seq, n_expected, &events)?;
        Ok(Delta {
            run: run.to_owned(),
            since_seq,
            newest_seq,
            events,
        })
    }

    pub(super) async fn list_runs(
        &self,
        filter: &Filter,
        after: Option<&str>,
        at_most: usize,
    ) -> Result<Vec<RunSummary>, StoreError> {
        let status = filter.status.map(|status| status.as_str());
        let ended_before = filter.ended_before.map(|at| at.0 as i64);
        let limit = i64::try_from(at_most).unwrap_or(MOST);
        let mut conditions = Vec::new();
        let mut parameters: Vec<Parameter<'_>> = Vec::new();
        let all: [(&str, bool, &(dyn ToSql + Sync), Type); 6] = [
            ("name >", after.is_some(), &after, Type::TEXT),
            (
                "session =",
                filter.session.is_some(),
                &filter.session,
                Type::TEXT,
            ),
            (
                "parent =",
                filter.parent.is_some(),
                &filter.parent,
                Type::TEXT,
            ),
            (
                "workspace =",
                filter.workspace.is_some(),
                &filter.workspace,
                Type::TEXT,
            ),
            ("status =", status.is_some(), &status, Type::TEXT),
            (
                "ended_at_ms <",
                ended_before.is_some(),
                &ended_before,
                Type::INT8,
            ),
        ];
        for (condition, is_asked, value, of) in all {
            if is_asked {
                parameters.push((value, of));
                conditions.push(format!("{condition} ${}", parameters.len()));
            }
        }
        parameters.push((&limit, Type::INT8));
        let conditions = match conditions.is_empty() {
            true => String::new(),
            false => format!("where {}", conditions.join(" and ")),
        };
        let sql = format!(
            "select id, head, name from {}.runs {conditions} order by name limit ${}",
            self.config.schema,
            parameters.len()
        );
        let rows = self.query("list runs", &sql, &parameters).await?;
        let summary = |row: &tokio_postgres::Row| {
            let run: &str = row.get(2);
            let Row { origin, head, .. } = Row::read(run, row)?;
            Ok(RunSummary::of(run, &origin, &head))
        };
        rows.iter().map(summary).collect()
    }

    pub(super) async fn check_run(&self, run: &str) -> Result<Vec<StoreError>, StoreError> {
        let parameters: [Parameter<'_>; 1] = [(&run, Type::TEXT)];
        let action = format!("check run `{run}`");
        let rows = self.query(&action, &self.sql.load, &parameters).await?;
        let first = rows.first().ok_or_else(|| not_found(run))?;
        let mut found = Vec::new();
        if let Some(Err(error)) = first
            .get::<_, Option<&[u8]>>(3)
            .map(codec::decode::<RunState>)
        {
            found.push(damaged(run, "snapshot", &error));
        }
        let newest_seq = Row::read(run, first)?.head.version;
        let (zero, limit) = (0_i64, MOST);
        let parameters: [Parameter<'_>; 3] = [
            (&run, Type::TEXT),
            (&zero, Type::INT8),
            (&limit, Type::INT8),
        ];
        let rows = self.query(&action, &self.sql.since, &parameters).await?;
        let mut next = 1;
        for row in &rows {
            let Some(seq) = row.get::<_, Option<i64>>(2) else {
                break;
            };
            found.extend((next..seq as Seq).map(|seq| missing(run, seq)));
            found.extend(decode_event(run, seq as Seq, row.get(3)).err());
            next = seq as Seq + 1;
        }
        found.extend((next..=newest_seq).map(|seq| missing(run, seq)));
        Ok(found)
    }
}

/// Events of rows whose number stands in a column and whose body in the next; and their bytes.
fn events(
    run: &str,
    rows: &[tokio_postgres::Row],
    column: usize,
) -> Result<(Vec<Event>, usize), StoreError> {
    let mut events = Vec::with_capacity(rows.len());
    let mut n_bytes = 0;
    for row in rows {
        // A run without events is one row all the same.
        let Some(seq) = row.get::<_, Option<i64>>(column) else {
            break;
        };
        let body: &[u8] = row.get(column + 1);
        n_bytes += body.len();
        events.push(decode_event(run, seq as Seq, body)?);
    }
    Ok((events, n_bytes))
}

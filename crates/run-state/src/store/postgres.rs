//! Runs in PostgreSQL: for services of several processes.
//!
//! The tables are those of [`super::sqlite`]. Every operation but the reading of long lists is one or two
//! statements and no transaction is ever left open between them: an append reads the head, and then
//! moves it on and inserts the events in one statement that does nothing if the version has
//! changed. So a connection is held for as long as the database works, and PgBouncer may give
//! each statement another one (transaction mode), with [`Statements::Unnamed`] where it is older than 1.21.
//!
//! Writes are as durable as the server's `synchronous_commit` says; its default is to sync.

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{NoTls, Row as SqlRow};

use super::{Filter, RunLog, RunSummary, Store, StoreFuture};
use crate::delta::Delta;
use crate::error::StoreError;
use crate::event::Change;
use crate::run::{Origin, RunState, Seq, UnixMillis};

mod read;
mod write;

/// Where the database is and how it is used.
#[derive(Clone, Debug)]
pub struct Config {
    /// `postgres://user:password@host:port/database`; without TLS.
    pub url: String,
    /// The schema of the tables, made if it is not there: `[a-z_][a-z0-9_]*`.
    pub schema: String,
    /// Connections of this process at most; 20 by default, as the platforms have.
    pub n_connections: usize,
    /// How long an operation waits for a connection, and how long for an answer; 30 s each by default.
    pub timeout: Duration,
    /// How statements are sent.
    pub statements: Statements,
}

impl Config {
    /// The defaults, for a database.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            schema: "run_state".to_owned(),
            n_connections: 20,
            timeout: Duration::from_secs(30),
            statements: Statements::Prepared,
        }
    }
}

/// How statements are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Statements {
    /// Prepared once per connection.
    #[default]
    Prepared,
    /// Parsed each time: for poolers that give each statement another connection and know nothing of
    /// prepared ones.
    Unnamed,
}

/// A store in a database, shared by reference among the tasks of this process.
#[derive(Debug)]
pub struct Postgres {
    pool: Pool,
    config: Config,
    sql: Sql,
}

/// The statements, with the name of the schema in them.
#[derive(Debug)]
struct Sql {
    create: String,
    find: String,
    append: String,
    restore: String,
    rewrite: String,
    remove: String,
    snapshot: String,
    load: String,
    since: String,
}

/// A parameter with its type, which a statement that is not prepared must be told.
type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

impl Postgres {
    /// Connects, and makes the tables if they are not there.
    pub async fn connect(config: Config) -> Result<Self, StoreError> {
        let action = || "connect to PostgreSQL".to_owned();
        let unavailable = |reason: String| StoreError::Unavailable {
            action: action(),
            reason,
        };
        if !is_identifier(&config.schema) {
            return Err(unavailable(format!(
                "`{}` is no name of a schema",
                config.schema
            )));
        }
        let database: tokio_postgres::Config = config
            .url
            .parse()
            .map_err(|error: tokio_postgres::Error| unavailable(explain(&error)))?;
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(database, NoTls, recycling);
        let timeout = Some(config.timeout);
        let timeouts = Timeouts {
            wait: timeout,
            create: timeout,
            recycle: timeout,
        };
        let pool = Pool::builder(manager)
            .max_size(config.n_connections)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| unavailable(error.to_string()))?;
        let sql = Sql::of(&config.schema);
        let store = Self { pool, config, sql };
        store.create_tables().await?;
        Ok(store)
    }

    async fn create_tables(&self) -> Result<(), StoreError> {
        let action = "make the tables";
        let tables = tables(&self.config.schema);
        let client = self.client(action).await?;
        // Several statements at once are one transaction.
        self.answered(action, client.batch_execute(&tables)).await
    }

    async fn client(&self, action: &str) -> Result<deadpool_postgres::Object, StoreError> {
        self.pool.get().await.map_err(|error| {
            let reason = match &error {
                deadpool_postgres::PoolError::Timeout(_) => format!(
                    "all {} connections are in use for {:?}, or none can be made",
                    self.config.n_connections, self.config.timeout
                ),
                deadpool_postgres::PoolError::Backend(error) => explain(error),
                other => other.to_string(),
            };
            let action = action.to_owned();
            StoreError::Unavailable { action, reason }
        })
    }

    /// Rows of one statement.
    async fn query(
        &self,
        action: &str,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<SqlRow>, StoreError> {
        let client = self.client(action).await?;
        let rows = async {
            if self.config.statements == Statements::Unnamed {
                return client.query_typed(sql, parameters).await;
            }
            let types: Vec<Type> = parameters.iter().map(|(_, of)| of.clone()).collect();
            let values: Vec<_> = parameters.iter().map(|(value, _)| *value).collect();
            let statement = client.prepare_typed_cached(sql, &types).await?;
            client.query(&statement, &values).await
        };
        self.answered(action, rows).await
    }

    /// Waits for an answer, but no longer than is configured.
    async fn answered<T>(
        &self,
        action: &str,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        let timeout = self.config.timeout;
        let unavailable = |reason| StoreError::Unavailable {
            action: action.to_owned(),
            reason,
        };
        match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if is_full(&error) => Err(StoreError::Full {
                action: action.to_owned(),
            }),
            Ok(Err(error)) => Err(unavailable(explain(&error))),
            Err(_) => Err(unavailable(format!("no answer in {timeout:?}"))),
        }
    }
}

fn is_identifier(name: &str) -> bool {
    let is_word = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    name.bytes().all(is_word)
        && name
            .bytes()
            .next()
            .is_some_and(|first| !first.is_ascii_digit())
}

fn is_full(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::DISK_FULL)
}

/// What the server says, or else what stands behind the error.
fn explain(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;

    match (error.as_db_error(), error.source()) {
        (Some(told), _) => told.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

/// The tables with the indexes that the Taskforce document asks for, in our words: by session, by
/// workspace or user, by status, by time of creation, the newest state of a run, the steps of a run.
fn tables(schema: &str) -> String {
    // Two processes that start at once must not both create; the lock goes with the transaction.
    format!(
        "select pg_advisory_xact_lock(7310879);
        create schema if not exists {schema};
        create table if not exists {schema}.runs (
            id bigint generated always as identity primary key,
            name text collate \"C\" not null unique,
            session text,
            parent text,
            workspace text,
            status text not null,
            created_at_ms bigint not null,
            ended_at_ms bigint,
            version bigint not null,
            head bytea not null
        );
        create index if not exists runs_by_session on {schema}.runs (session, name);
        create index if not exists runs_by_parent on {schema}.runs (parent, name);
        create index if not exists runs_by_workspace on {schema}.runs (workspace, name);
        create index if not exists runs_by_status on {schema}.runs (status, name);
        create index if not exists runs_by_creation on {schema}.runs (created_at_ms desc);
        create index if not exists runs_by_end on {schema}.runs (ended_at_ms);
        create table if not exists {schema}.events (
            run bigint not null references {schema}.runs (id) on delete cascade,
            seq bigint not null,
            body bytea not null,
            primary key (run, seq)
        );
        alter table {schema}.events alter column body set storage external;
        create table if not exists {schema}.snapshots (
            run bigint primary key references {schema}.runs (id) on delete cascade,
            version bigint not null,
            body bytea not null
        );
        alter table {schema}.snapshots alter column body set storage external;"
    )
}

impl Sql {
    fn of(schema: &str) -> Self {
        let runs = format!("{schema}.runs");
        let events = format!("{schema}.events");
        let snapshots = format!("{schema}.snapshots");
        let columns = "name, session, parent, workspace, status, created_at_ms, ended_at_ms, \
                       version, head";
        let created = format!(
            "insert into {runs} ({columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             on conflict (name) do nothing returning id"
        );
        let listed = "unnest($10::bigint[], $11::bytea[]) as event (seq, body)";
        Self {
            create: created.clone(),
            find: format!("select id, head from {runs} where name = $1"),
            append: format!(
                "with moved as ( \
                     update {runs} set version = $3, head = $4, status = $5, ended_at_ms = $6 \
                     where id = $1 and version = $2 returning id) \
                 insert into {events} (run, seq, body) select moved.id, event.seq, event.body \
                 from moved, unnest($7::bigint[], $8::bytea[]) as event (seq, body) returning 1"
            ),
            restore: format!(
                "with created as ({created}), filled as ( \
                     insert into {events} (run, seq, body) \
                     select created.id, event.seq, event.body from created, {listed}) \
                 select id from created"
            ),
            rewrite: format!(
                "update {events} as old set body = event.body \
                 from unnest($2::bigint[], $3::bytea[]) as event (seq, body) \
                 where old.run = $1 and old.seq = event.seq"
            ),
            remove: format!("delete from {runs} where name = $1 returning id"),
            snapshot: format!(
                "insert into {snapshots} as kept (run, version, body) \
                 select id, $2, $3 from {runs} where id = $1 \
                 on conflict (run) do update set version = excluded.version, body = excluded.body \
                 where excluded.version > kept.version"
            ),
            // The snapshot stands in the first row alone.
            load: format!(
                "select run.id, run.head, snapshot.version, \
                        case when event.seq is null or event.seq = coalesce(snapshot.version, 0) + 1 \
                        then snapshot.body end, event.seq, event.body \
                 from {runs} as run \
                 left join {snapshots} as snapshot on snapshot.run = run.id \
                 left join lateral (select seq, body from {events} where run = run.id \
                     and seq > coalesce(snapshot.version, 0)) as event on true \
                 where run.name = $1 order by event.seq"
            ),
            since: format!(
                "select run.id, run.head, event.seq, event.body from {runs} as run \
                 left join lateral (select seq, body from {events} where run = run.id \
                     and seq > $2 order by seq limit $3) as event on true \
                 where run.name = $1 order by event.seq"
            ),
        }
    }
}

impl Store for Postgres {
    fn create<'a>(
        &'a self,
        run: &'a str,
        origin: &'a Origin,
        at: UnixMillis,
    ) -> StoreFuture<'a, ()> {
        Box::pin(self.create_run(run, origin, at))
    }

    fn append<'a>(
        &'a self,
        run: &'a str,
        based_on: Seq,
        at: UnixMillis,
        changes: Vec<Change>,
    ) -> StoreFuture<'a, Seq> {
        Box::pin(self.append_changes(run, based_on, at, changes))
    }

    fn load<'a>(&'a self, run: &'a str) -> StoreFuture<'a, RunState> {
        Box::pin(self.load_state(run))
    }

    fn since<'a>(&'a self, run: &'a str, since_seq: Seq, at_most: usize) -> StoreFuture<'a, Delta> {
        Box::pin(self.delta(run, since_seq, at_most))
    }

    fn list<'a>(
        &'a self,
        filter: &'a Filter,
        after: Option<&'a str>,
        at_most: usize,
    ) -> StoreFuture<'a, Vec<RunSummary>> {
        Box::pin(self.list_runs(filter, after, at_most))
    }

    fn compact<'a>(
        &'a self,
        run: &'a str,
        kinds: &'a [&'a str],
        older_than: UnixMillis,
    ) -> StoreFuture<'a, usize> {
        Box::pin(self.compact_run(run, kinds, older_than))
    }

    fn restore<'a>(&'a self, log: &'a RunLog) -> StoreFuture<'a, ()> {
        Box::pin(self.restore_run(log))
    }

    fn remove<'a>(&'a self, run: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(self.remove_run(run))
    }

    fn check<'a>(&'a self, run: &'a str) -> StoreFuture<'a, Vec<StoreError>> {
        Box::pin(self.check_run(run))
    }
}

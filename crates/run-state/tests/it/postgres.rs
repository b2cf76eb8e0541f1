//! The PostgreSQL store keeps the contract, directly and through PgBouncer, and tells what it cannot do.
//!
//! Needs a database: `scripts/services cargo test --workspace`. Without one the tests
//! say that they were skipped, and fail where `CI` is set.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use run_state::StoreError;
use run_state::event::Change;
use run_state::json::Json;
use run_state::run::{Origin, UnixMillis};
use run_state::store::Store;
use run_state::store::postgres::{Config, Postgres, Statements};
use tokio_postgres::{Client, NoTls};

use crate::contract;
use crate::places::{block_on, url};

mod restart;

/// A configuration with a schema that no other test has, nor any run before.
fn config(url: &str) -> Config {
    static N_SCHEMAS: AtomicUsize = AtomicUsize::new(0);
    let number = N_SCHEMAS.fetch_add(1, Ordering::Relaxed);
    Config {
        schema: format!("test_{}_{number}", std::process::id()),
        n_connections: 4,
        ..Config::new(url)
    }
}

fn connect(config: Config) -> Postgres {
    block_on(Postgres::connect(config)).expect("the database is there")
}

/// A connection beside the store's.
fn beside(url: &str) -> Client {
    let connected = async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    };
    let connected: Result<_, tokio_postgres::Error> = block_on(connected);
    connected.expect("it is there")
}

fn note() -> Vec<Change> {
    vec![Change::Noted {
        kind: "note".to_owned(),
        payload: Json::null(),
    }]
}

#[test]
fn the_postgres_store_keeps_the_contract() {
    if let Some(url) = url("PLIMSOLL_POSTGRES") {
        contract::check(|| connect(config(&url)));
    }
}

#[test]
fn the_contract_holds_through_a_pooler_of_transactions() {
    if let Some(url) = url("PLIMSOLL_PGBOUNCER") {
        contract::check(|| {
            connect(Config {
                statements: Statements::Unnamed,
                ..config(&url)
            })
        });
    }
}

#[test]
fn a_database_outlives_the_process_that_wrote_it() {
    if let Some(url) = url("PLIMSOLL_POSTGRES") {
        let config = config(&url);
        contract::check_lasting(|| connect(config.clone()));
    }
}

#[test]
fn what_was_kept_is_there_after_the_server_has_ended_every_connection() {
    let Some(url) = url("PLIMSOLL_POSTGRES") else {
        return;
    };
    let named = format!("{url}?application_name=ended");
    let store = connect(config(&named));
    block_on(store.create("r", &Origin::default(), UnixMillis(1))).expect("it is new");
    let beside = beside(&url);
    let end = "select pg_terminate_backend(pid) from pg_stat_activity \
               where application_name = 'ended'";
    let mut kept = 0;
    let mut n_failed = 0;
    for round in 0..100 {
        if round % 20 == 10 {
            block_on(beside.execute(end, &[])).expect("we may");
        }
        match block_on(store.append("r", kept, UnixMillis(2), note())) {
            Ok(version) => kept = version,
            // It may have happened, and its answer been lost: whoever writes looks.
            Err(StoreError::Unavailable { .. } | StoreError::Conflict { .. }) => {
                n_failed += 1;
                let found = block_on(store.load("r")).map_or(kept, |state| state.version);
                assert!(found >= kept, "round {round}: {kept} was kept");
                kept = found;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(
        kept + n_failed >= 100 && n_failed <= 20,
        "{kept} kept, {n_failed} failed"
    );
    assert_eq!(
        block_on(store.load("r")).expect("it is whole").version,
        kept
    );
    assert_eq!(block_on(store.check("r")), Ok(Vec::new()));
}

#[test]
fn a_database_that_does_not_answer_is_told_in_time() {
    let Some(url) = url("PLIMSOLL_POSTGRES") else {
        return;
    };
    let config = Config {
        n_connections: 1,
        timeout: Duration::from_secs(3),
        ..config(&url)
    };
    let lock = format!(
        "begin; lock table {}.runs in access exclusive mode",
        config.schema
    );
    let store = connect(config);
    block_on(store.create("r", &Origin::default(), UnixMillis(1))).expect("it is new");
    let beside = beside(&url);
    block_on(beside.batch_execute(&lock)).expect("we may");
    let (left, right) = block_on(async { tokio::join!(store.load("r"), store.load("r")) });
    for refused in [left, right] {
        assert!(
            matches!(refused, Err(StoreError::Unavailable { .. })),
            "{refused:?}"
        );
    }
    block_on(beside.batch_execute("rollback")).expect("we may");
    let again = || block_on(store.append("r", 0, UnixMillis(2), note()));
    assert!(again().is_ok() || again().is_ok(), "with an answer again");
}

#[test]
fn a_changed_byte_in_an_event_is_named_and_the_rest_is_read() {
    let Some(url) = url("PLIMSOLL_POSTGRES") else {
        return;
    };
    let config = config(&url);
    let change = format!(
        "update {}.events set body = set_byte(body, 20, 255 - get_byte(body, 20)) where seq = 2",
        config.schema
    );
    let store = connect(config);
    block_on(store.create("r", &Origin::default(), UnixMillis(1))).expect("it is new");
    for seq in 0..3 {
        block_on(store.append("r", seq, UnixMillis(2), note())).expect("it fits");
    }
    block_on(beside(&url).batch_execute(&change)).expect("we may");
    let damage = block_on(store.check("r")).expect("it is there");
    assert!(
        damage[0].to_string().contains("read event 2 of run `r`"),
        "{damage:?}"
    );
    assert_eq!(block_on(store.load("r")), Err(damage[0].clone()));
    let delta = block_on(store.since("r", 2, 10)).expect("behind the damage");
    assert_eq!(delta.events.len(), 1);
}

#[test]
fn a_database_that_is_not_there_is_an_error_with_its_reason() {
    let nobody = Config {
        timeout: Duration::from_secs(5),
        ..Config::new("postgres://plimsoll@127.0.0.1:1/postgres")
    };
    let error = block_on(Postgres::connect(nobody)).expect_err("nobody listens there");
    assert!(error.to_string().contains("refused"), "{error}");
    let strange = Config {
        schema: "a; drop".to_owned(),
        ..Config::new("postgres://plimsoll@127.0.0.1:1/postgres")
    };
    let error = block_on(Postgres::connect(strange)).expect_err("no name");
    assert!(error.to_string().contains("no name of a schema"), "{error}");
}

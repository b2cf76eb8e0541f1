//! `plimsoll archive` on a store in PostgreSQL.
//!
//! Needs a database: `scripts/services cargo test -p plimsoll`. Without one the test says that it was
//! skipped, and fails where `CI` is set.
#![expect(
    clippy::print_stdout,
    reason = "that nothing was tested is for whoever runs it"
)]

use run_state::population::{self, Size};
use run_state::run::{Origin, UnixMillis};
use run_state::store::postgres::{Config, Postgres};
use run_state::store::{self, RunLog, Store};

use crate::sandbox::Sandbox;

const URL: &str = "PLIMSOLL_POSTGRES";

fn log(url: &str, run: &str) -> Option<RunLog> {
    let read = async {
        let store = Postgres::connect(Config::new(url)).await;
        store::log(&store.expect("the database is there"), run).await
    };
    runtime().block_on(read).ok()
}

fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime")
}

async fn fill(url: &str, runs: &[String]) {
    let long_ago = UnixMillis(1_600_000_000_000);
    let store = Postgres::connect(Config::new(url)).await;
    let store = store.expect("the database is there");
    for (seed, run) in (1..).zip(runs) {
        let events = population::events(seed, Size::Small);
        let changes = events.into_iter().map(|event| event.change).collect();
        let created = store.create(run, &Origin::default(), long_ago).await;
        created.expect("it is new");
        store
            .append(run, 0, long_ago, changes)
            .await
            .expect("it fits");
    }
}

#[test]
fn runs_in_postgres_are_archived_purged_and_restored_exactly() {
    let Ok(url) = std::env::var(URL) else {
        assert!(std::env::var_os("CI").is_none(), "{URL} is not set in CI");
        return println!("skipped: {URL} names no database; scripts/services starts one");
    };
    // The schema outlives this process, and so may what an earlier one left in it.
    let runs: Vec<String> = (0..3)
        .map(|number| format!("archived-{}-{number}", std::process::id()))
        .collect();
    runtime().block_on(fill(&url, &runs));
    let before = log(&url, &runs[1]).expect("it is there");
    let sandbox = Sandbox::new();
    let archive = |arguments: &[&str]| {
        let outcome = sandbox.run(&[&["archive"], arguments, &["--store", &url]].concat(), &[]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        outcome
    };
    let archived = archive(&["--older-than", "30d", "--purge"]);
    assert!(archived.stderr.contains("archived"), "{}", archived.stderr);
    assert!(runs.iter().all(|run| log(&url, run).is_none()));
    archive(&["restore", &runs[1]]);
    assert_eq!(log(&url, &runs[1]), Some(before));
}

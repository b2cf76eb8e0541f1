//! What does a decision of the shared quotas cost beside the least that Redis can be asked?
//!
//! Timed: decisions, and steps of two caps with their release, each with its round trip to a server on loopback; beside
//! them an `INCR` on a shared connection as the library opens it, and a script that does nothing: the least that a
//! decision could cost if each had a script call of its own, which is why decisions that come together share one. So many
//! callers ask at once, each after a workspace of its own, and an iteration ends when all are answered.
//! Figure: by how many places 64 claimants of two clients overshoot a cap, in 1,000 rounds.
//! Runs where `PLIMSOLL_REDIS` names a server (`scripts/services` starts one); elsewhere its cases are listed as not run.
//! Do not conclude anything about a server behind a network, whose round trip hides all of this, or about one that is busy
//! with others.

use std::time::Duration;

use benches::{Suite, runtime, suite_main};
use criterion::Throughput;
use futures::future::join_all;
use quota::backend::{Backend, Places};
use quota::caps::Claim;
use quota::limits::{Limits, RateLimit};
use quota::rate::{Burst, Rate};
use quota::redis::{Config, RedisQuotas};
use redis::aio::MultiplexedConnection;
use results::figures::{Bound, Figure};
use tokio::runtime::Runtime;

const SERVER: &str = "PLIMSOLL_REDIS";

const EMPTY: &str = "return 0";

/// Callers at once: one, a few, and more than the server answers in one go.
const CALLERS: [(usize, &str); 3] = [(1, "1_caller"), (16, "16_callers"), (64, "64_callers")];

/// A client on its own runtime, with callers that each have a workspace.
struct World {
    quotas: RedisQuotas,
    runtime: Runtime,
    workspaces: Vec<String>,
}

impl World {
    fn new(url: &str, n_callers: usize, limits: &Limits) -> Self {
        let runtime = runtime::current_thread();
        let quotas = runtime.block_on(async {
            let quotas = RedisQuotas::open(url, limits, config()).expect("a valid address");
            quotas.reach().await.expect("the server answers");
            quotas
        });
        Self {
            quotas,
            runtime,
            workspaces: (0..n_callers).map(|n| format!("workspace-{n}")).collect(),
        }
    }

    /// How many are allowed.
    async fn decide(&self) -> usize {
        let limit = self.quotas.limit("snapshot").expect("a default rate");
        let asks = self
            .workspaces
            .iter()
            .map(|workspace| self.quotas.decide(workspace, limit));
        let decisions = join_all(asks).await;
        decisions
            .iter()
            .filter(|decision| decision.is_allowed())
            .count()
    }

    /// How many get their places, and give them back.
    async fn acquire_and_release(&self) -> usize {
        let caps =
            ["parent_runs", "total_runs"].map(|cap| self.quotas.cap(cap).expect("a default cap"));
        let steps = self.workspaces.iter().map(|key| async move {
            let claims = caps.map(|cap| Claim { cap, key });
            match self.quotas.acquire(&claims).await {
                Ok(permit) => {
                    permit.release().await;
                    1
                }
                Err(_) => 0,
            }
        });
        join_all(steps).await.into_iter().sum()
    }
}

/// A namespace that nothing else uses; what is left in it ends by itself.
fn config() -> Config {
    Config {
        namespace: format!("bench:{}", std::process::id()),
        wait: Duration::from_secs(2),
        ..Config::default()
    }
}

fn limits(per_second: f64, burst: u32) -> Limits {
    let mut limits = Limits::default();
    limits.rates.snapshot = RateLimit {
        per_second: Rate::per_second(per_second).expect("in range"),
        burst: Burst::new(burst).expect("not zero"),
    };
    limits
}

/// A connection as the library opens it, on a runtime of its own.
fn connected(url: &str) -> (Runtime, MultiplexedConnection) {
    let runtime = runtime::current_thread();
    let client = redis::Client::open(url).expect("a valid address");
    let connection = runtime.block_on(client.get_multiplexed_async_connection());
    (runtime, connection.expect("the server answers"))
}

fn incr(suite: &mut Suite<'_>) {
    let url = suite.service(SERVER).unwrap_or_default();
    for (n_callers, parameter) in CALLERS {
        suite.throughput(Throughput::Elements(n_callers as u64));
        let set_up = || {
            let keys = (0..n_callers).map(|n| format!("bench:{}:incr:{n}", std::process::id()));
            (connected(&url), keys.collect::<Vec<_>>())
        };
        suite.prepared(
            "incr",
            parameter,
            set_up,
            |bencher, ((runtime, connection), keys)| {
                bencher
                    .to_async(&*runtime)
                    .iter(|| join_all(keys.iter().map(|key| incremented(connection.clone(), key))));
                // Nothing of a count ends by itself.
                let deleted = redis::cmd("DEL").arg(&*keys).to_owned();
                runtime
                    .block_on(deleted.exec_async(connection))
                    .expect("the server answers");
            },
        );
    }
}

fn empty_script(suite: &mut Suite<'_>) {
    let url = suite.service(SERVER).unwrap_or_default();
    let script = redis::Script::new(EMPTY);
    for (n_callers, parameter) in CALLERS {
        suite.throughput(Throughput::Elements(n_callers as u64));
        let set_up = || {
            let (runtime, mut connection) = connected(&url);
            runtime
                .block_on(script.load_async(&mut connection))
                .expect("the server takes the script");
            let mut call = redis::cmd("EVALSHA");
            call.arg(script.get_hash())
                .arg(1)
                .arg("bench:empty")
                .arg(&[0_u64; 4]);
            (runtime, connection, call)
        };
        suite.prepared(
            "empty_script",
            parameter,
            set_up,
            |bencher, (runtime, connection, call)| {
                bencher
                    .to_async(&*runtime)
                    .iter(|| join_all((0..n_callers).map(|_| answered(connection.clone(), call))));
            },
        );
    }
}

async fn answered(mut connection: MultiplexedConnection, call: &redis::Cmd) -> u64 {
    let answer = call.query_async(&mut connection).await;
    answer.expect("the server knows the script")
}

async fn incremented(mut connection: MultiplexedConnection, key: &str) -> u64 {
    let mut command = redis::cmd("INCR");
    let count = command.arg(key).query_async(&mut connection).await;
    count.expect("the server answers")
}

fn decide(suite: &mut Suite<'_>) {
    let url = suite.service(SERVER).unwrap_or_default();
    // A million per second is never reached by one workspace; one per hour is spent by the first request.
    for (case, limits, is_allowed) in [
        ("decide_allow", limits(1e6, 1_000_000), true),
        ("decide_deny", limits(1.0 / 3_600.0, 1), false),
    ] {
        for (n_callers, parameter) in CALLERS {
            suite.throughput(Throughput::Elements(n_callers as u64));
            let set_up = || {
                let world = World::new(&url, n_callers, &limits);
                // The first request finds every workspace rested; by now all are as they stay.
                world.runtime.block_on(world.decide());
                let n_allowed = world.runtime.block_on(world.decide());
                assert_eq!(n_allowed, if is_allowed { n_callers } else { 0 });
                world
            };
            suite.prepared(case, parameter, set_up, |bencher, world| {
                bencher.to_async(&world.runtime).iter(|| world.decide());
            });
        }
    }
}

fn acquire(suite: &mut Suite<'_>) {
    let url = suite.service(SERVER).unwrap_or_default();
    for (n_callers, parameter) in CALLERS {
        suite.throughput(Throughput::Elements(n_callers as u64));
        let set_up = || {
            let world = World::new(&url, n_callers, &Limits::default());
            assert_eq!(
                world.runtime.block_on(world.acquire_and_release()),
                n_callers
            );
            world
        };
        suite.prepared(
            "acquire_and_release_2_caps",
            parameter,
            set_up,
            |bencher, world| {
                bencher
                    .to_async(&world.runtime)
                    .iter(|| world.acquire_and_release());
            },
        );
    }
}

fn overshoot(suite: &mut Suite<'_>) {
    let Some(url) = suite.service(SERVER).filter(|_| suite.keeps_figures()) else {
        return;
    };
    let world = World::new(&url, 0, &Limits::default());
    let n_over = world.runtime.block_on(overshot(&url, &world.quotas));
    let text = "places by which 64 claimants of two clients overshoot a cap of 5, the worst of 1,000 rounds";
    suite.figure(
        Figure::exact("overshoot/64_claimants", f64::from(n_over), "places", text)
            .bound(Bound::AtMost(0.0)),
    );
}

async fn overshot(url: &str, quotas: &RedisQuotas) -> u32 {
    let other = RedisQuotas::open(url, &Limits::default(), config()).expect("a valid address");
    let cap = quotas.cap("parent_runs").expect("a default cap");
    let mut worst = 0;
    for _ in 0..1_000 {
        let claims = [Claim {
            cap,
            key: "overshoot",
        }];
        let steps = (0..64).map(|n| if n % 2 == 0 { quotas } else { &other }.acquire(&claims));
        let permits: Vec<_> = join_all(steps).await.into_iter().flatten().collect();
        worst = worst.max((permits.len() as u32).saturating_sub(5));
        join_all(permits.into_iter().map(Places::release)).await;
    }
    worst
}

suite_main!(incr, empty_script, decide, acquire, overshoot);

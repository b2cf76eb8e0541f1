//! What becomes of places whose holder lives, dies, or sleeps for longer than its lease.

use std::time::Duration;

use quota::backend::{Backend, Places};
use quota::caps::Claim;
use quota::redis::{Config, Permit, RedisQuotas};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep, timeout};

use crate::server;

/// A bound for what takes one lease.
const SOON: Duration = Duration::from_secs(60);

/// A process of its own, as far as leases see it: what it began runs only while it is asked something.
struct Process {
    runtime: Runtime,
    quotas: RedisQuotas,
}

impl Process {
    fn start(url: &str, config: &Config) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let quotas = runtime.block_on(async { server::open(url, config) });
        Self { runtime, quotas }
    }

    fn run_for(&self, time: Duration) {
        self.runtime.block_on(async { sleep(time).await });
    }

    fn acquire(&self) -> Option<Permit> {
        let step = async { self.quotas.acquire(&[claim(&self.quotas)]).await };
        self.runtime.block_on(step).ok()
    }

    /// Lets it run until the place is to be had.
    fn acquire_when_free(&self) -> Permit {
        let step = async {
            loop {
                match self.quotas.acquire(&[claim(&self.quotas)]).await {
                    Ok(permit) => return permit,
                    Err(_) => sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let acquired = self.runtime.block_on(async { timeout(SOON, step).await });
        acquired.expect("it comes back")
    }

    /// Lets it run until so many places are taken.
    fn until_live(&self, n: u32) {
        let reached = async {
            while self.quotas.live(claim(&self.quotas)).await != Some(n) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let reached = self
            .runtime
            .block_on(async { timeout(SOON, reached).await });
        reached.expect("so many are reached");
    }
}

/// The cap with one place.
fn claim(quotas: &RedisQuotas) -> Claim<'static> {
    let cap = quotas
        .cap("run_tool_calls")
        .expect("a cap of every service");
    Claim { cap, key: "run" }
}

/// Two processes that share their quotas; a lease is long beside the delays of a busy machine.
fn processes() -> Option<(Process, Process, Config)> {
    let url = server::url()?;
    let config = Config {
        lease: Duration::from_secs(2),
        wait: Duration::from_millis(200),
        ..server::config()
    };
    let process = || Process::start(&url, &config);
    Some((process(), process(), config))
}

#[test]
fn a_live_run_never_loses_its_place() {
    let Some((holder, other, config)) = processes() else {
        return;
    };
    let permit = holder.acquire().expect("free");
    let begin = Instant::now();
    while begin.elapsed() < config.lease * 2 {
        holder.run_for(config.lease / 20);
        assert!(other.acquire().is_none(), "it is taken");
    }
    assert!(permit.is_held());
    holder.runtime.block_on(permit.release());
    assert!(other.acquire().is_some());
}

#[test]
fn the_place_of_a_dead_process_comes_back_after_its_lease() {
    let Some((holder, other, config)) = processes() else {
        return;
    };
    let begin = Instant::now();
    let permit = holder.acquire().expect("free");
    assert!(other.acquire().is_none());
    // Dead: nothing of it runs any more, and nobody told the server.
    std::mem::forget(permit);
    drop(holder.runtime);
    let _permit = other.acquire_when_free();
    assert!(begin.elapsed() > config.lease * 9 / 10, "not before");
}

#[test]
fn a_holder_that_slept_keeps_its_place_if_nobody_took_it() {
    let Some((holder, other, config)) = processes() else {
        return;
    };
    let permit = holder.acquire().expect("free");
    other.until_live(0);
    let awake = async { timeout(config.lease, permit.lost()).await };
    assert!(holder.runtime.block_on(awake).is_err() && permit.is_held());
    assert!(other.acquire().is_none(), "it is taken again");
}

#[test]
fn a_holder_that_slept_learns_that_another_has_its_place() {
    let Some((holder, other, _)) = processes() else {
        return;
    };
    let permit = holder.acquire().expect("free");
    let taken = other.acquire_when_free();
    let told = async { timeout(SOON, permit.lost()).await };
    holder.runtime.block_on(told).expect("it is told");
    assert!(!permit.is_held());
    holder.runtime.block_on(permit.release());
    other.until_live(1);
    assert!(
        taken.is_held() && other.acquire().is_none(),
        "what it lost is not given back"
    );
}

#[test]
fn renewals_restore_what_a_server_forgot() {
    let Some((holder, other, config)) = processes() else {
        return;
    };
    let permit = holder.acquire().expect("free");
    let client = ::redis::Client::open(server::url().expect("as above")).expect("a valid address");
    let mut connection = client
        .get_connection()
        .expect("the server of the tests answers");
    let key = format!("{{{}}}:cap:run_tool_calls:run", config.namespace);
    let n_deleted: u32 = ::redis::cmd("DEL")
        .arg(key)
        .query(&mut connection)
        .expect("a key");
    assert_eq!(n_deleted, 1);
    other.until_live(0);
    holder.until_live(1);
    assert!(permit.is_held() && other.acquire().is_none());
}

#[test]
fn a_backend_that_goes_before_its_permits_still_renews_and_gives_them_back() {
    let Some((holder, other, config)) = processes() else {
        return;
    };
    let permit = holder.acquire().expect("free");
    let Process { runtime, quotas } = holder;
    drop(quotas);
    runtime.block_on(async { sleep(config.lease * 3 / 2).await });
    assert!(other.acquire().is_none(), "renewed without its backend");
    runtime.block_on(permit.release());
    assert!(other.acquire().is_some());
}

//! A server that is not there, goes away, keeps silent, or forgets the scripts.

use std::net::TcpListener;
use std::time::Duration;

use futures::future::{join, join_all};
use quota::backend::{Backend, Places};
use quota::caps::Claim;
use quota::redis::{Config, RedisQuotas, WhenGone};
use quota::{Decision, Error, Limits};
use tokio::time::{Instant, sleep, timeout};

use crate::server::{self, Server};

/// A bound for what takes a second at most.
const SOON: Duration = Duration::from_secs(60);

/// A wait that is long enough for an answer on a busy machine.
const WAIT: Duration = Duration::from_millis(400);

fn config(when_gone: WhenGone) -> Config {
    Config {
        wait: WAIT,
        lease: WAIT * 10,
        when_gone,
        ..server::config()
    }
}

fn claim(quotas: &RedisQuotas) -> Claim<'static> {
    let cap = quotas
        .cap("run_tool_calls")
        .expect("a cap of every service");
    Claim { cap, key: "run" }
}

async fn decide(quotas: &RedisQuotas) -> Decision {
    let limit = quotas.limit("snapshot").expect("a rate of every service");
    quotas.decide("w", limit).await
}

/// Asks again until the server answers.
async fn until_reached(quotas: &RedisQuotas) {
    let reached = async {
        while quotas.reach().await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, reached).await.expect("it is reached");
}

async fn until_live(quotas: &RedisQuotas, n: u32) {
    let reached = async {
        while quotas.live(claim(quotas)).await != Some(n) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, reached).await.expect("so many are reached");
}

/// Everything is answered as configured; nothing hangs.
async fn check_gone(url: &str) {
    let deny = server::open(url, &config(WhenGone::Deny));
    let allow = server::open(url, &config(WhenGone::Allow));
    let checked = async {
        for _ in 0..3 {
            let denied = decide(&deny).await;
            assert!(
                matches!(denied, Decision::DeniedUnreachable { .. }),
                "{denied}"
            );
            let denied = deny.acquire(&[claim(&deny)]).await.expect_err("denied");
            assert!(
                matches!(denied, Decision::DeniedUnreachable { .. }),
                "{denied}"
            );
            assert_eq!(decide(&allow).await, Decision::AllowedUncounted);
            let permit = allow.acquire(&[claim(&allow)]).await.expect("allowed");
            assert!(!permit.is_counted() && permit.is_held());
            permit.release().await;
        }
        assert_eq!(deny.live(claim(&deny)).await, None);
        let error = deny.reach().await.expect_err("out of reach");
        assert!(matches!(error, Error::Unreachable { .. }));
    };
    timeout(SOON, checked).await.expect("nothing hangs");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_answered_for() {
    let free = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let url = format!("redis://{}", free.local_addr().expect("bound"));
    drop(free);
    check_gone(&url).await;
}

#[tokio::test]
async fn a_server_that_keeps_silent_is_answered_for() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    check_gone(&format!("redis://{}", silent.local_addr().expect("bound"))).await;
}

#[tokio::test]
async fn a_server_that_was_killed_is_answered_for_and_found_again() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let quotas = server::open(&server.url(), &config(WhenGone::Deny));
    until_reached(&quotas).await;
    let permit = quotas.acquire(&[claim(&quotas)]).await.expect("free");
    assert_eq!(decide(&quotas).await, Decision::Allowed);

    server.kill();
    let denied = timeout(SOON, decide(&quotas))
        .await
        .expect("it does not hang");
    assert!(
        matches!(denied, Decision::DeniedUnreachable { .. }),
        "{denied}"
    );
    let (mut n_answered, begin) = (0, Instant::now());
    while begin.elapsed() < WAIT {
        n_answered += 1;
        assert!(!decide(&quotas).await.is_allowed());
        tokio::task::yield_now().await;
    }
    assert!(
        n_answered > 10,
        "{n_answered}: while it is down nobody waits"
    );

    server.start_again();
    until_reached(&quotas).await;
    assert_eq!(decide(&quotas).await, Decision::Allowed);
    // The server lost all data, its holders did not.
    until_live(&quotas, 1).await;
    assert!(permit.is_held());
    permit.release().await;
    until_live(&quotas, 0).await;
}

#[tokio::test]
async fn a_server_that_stops_under_load_hangs_nobody() {
    let Some(server) = Server::start() else {
        return;
    };
    let quotas = server::open(&server.url(), &config(WhenGone::Deny));
    until_reached(&quotas).await;
    server.pause();
    let load = async {
        let decisions = join_all((0..500).map(|_| decide(&quotas)));
        let steps = (0..20).map(|_| async { quotas.acquire(&[claim(&quotas)]).await.map(drop) });
        join(decisions, join_all(steps)).await
    };
    let (decisions, steps) = timeout(SOON, load).await.expect("nothing hangs");
    server.resume();
    assert!(decisions.iter().all(|decision| !decision.is_allowed()));
    assert!(steps.iter().all(Result::is_err));
    until_reached(&quotas).await;
    // Steps that were given up may have been done all the same; their places come back.
    until_live(&quotas, 0).await;
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts_is_told_again() {
    let Some(server) = Server::start() else {
        return;
    };
    let quotas = server::open(&server.url(), &config(WhenGone::Deny));
    until_reached(&quotas).await;
    let client = ::redis::Client::open(server.url()).expect("a valid address");
    let connection = client.get_multiplexed_async_connection().await;
    let mut connection = connection.expect("it runs");
    for _ in 0..3 {
        let mut flush = ::redis::cmd("SCRIPT");
        let flushed = flush.arg("FLUSH").exec_async(&mut connection).await;
        flushed.expect("scripts can be flushed");
        assert_eq!(decide(&quotas).await, Decision::Allowed);
        let permit = quotas.acquire(&[claim(&quotas)]).await.expect("free");
        permit.release().await;
    }
}

#[tokio::test]
async fn what_cannot_work_is_an_error_that_says_what_can() {
    let open = |url: &str, config: Config, limits: &Limits| {
        let opened = RedisQuotas::open(url, limits, config);
        opened.expect_err("it cannot work").to_string()
    };
    let (url, limits) = ("redis://127.0.0.1:1", Limits::default());
    let text = open("http://127.0.0.1", Config::default(), &limits);
    assert!(text.contains("redis://"), "{text}");
    let braces = Config {
        namespace: "{w}".to_owned(),
        ..Config::default()
    };
    assert!(open(url, braces, &limits).contains("no braces"));
    let short = Config {
        lease: Duration::from_millis(600),
        ..Config::default()
    };
    assert!(open(url, short, &limits).contains("2.5s"));
    let slow = "[rates.snapshot]\nper_second = 1e-8";
    let slow = Limits::from_toml(slow, "a test").expect("a rate in range");
    assert!(open(url, Config::default(), &slow).contains("rate snapshot is too slow"));
}

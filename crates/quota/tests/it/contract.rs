//! The contract of `quota::backend`: one suite that every backend passes, run by concurrent clients.
//!
//! A client stands for a process of a service: in memory all are one, in Redis each has a connection of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use quota::Decision;
use quota::backend::{Backend, Places};
use quota::caps::{CapId, Claim};
use quota::limits::{Limits, RateLimit};
use quota::rate::{Burst, Rate};
use tokio::task::{JoinSet, yield_now};

/// What a backend's tests make for each test of the contract.
pub(crate) trait Subject {
    type Backend: Backend<Permit: std::fmt::Debug> + 'static;

    /// Clients that share quotas with each other and with nobody else; `None` if this test is skipped.
    fn clients(n: usize, limits: &Limits) -> Option<Vec<Arc<Self::Backend>>>;
}

/// Writes the whole suite for a subject.
#[macro_export]
macro_rules! contract {
    ($subject:ty: $($name:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
                runtime.expect("a runtime").block_on($crate::contract::$name::<$subject>());
            }
        )+
    };
    ($subject:ty) => {
        $crate::contract!($subject:
            no_window_admits_more_than_burst_and_rate,
            a_denial_by_rate_says_when_to_retry,
            workspaces_and_rates_are_counted_apart,
            no_round_of_64_claimants_overshoots_a_cap,
            live_never_exceeds_the_cap_while_places_come_and_go,
            a_step_over_several_caps_takes_all_or_nothing,
            a_refusal_names_the_first_cap_that_is_reached,
            a_place_comes_back_exactly_once,
            a_step_that_is_given_up_takes_nothing,
            a_request_is_admitted_by_rate_and_caps_together,
        );
    };
}

/// A generous bound for what takes milliseconds: a hang fails with a name.
const SOON: Duration = Duration::from_secs(20);

fn limits(per_second: f64, burst: u32) -> Limits {
    let mut limits = Limits::default();
    limits.rates.snapshot = RateLimit {
        per_second: Rate::per_second(per_second).expect("in range"),
        burst: Burst::new(burst).expect("not zero"),
    };
    limits
}

fn caps<B: Backend>(backend: &B) -> (CapId, CapId) {
    let parents = backend.cap("parent_runs").expect("a cap of every service");
    let total = backend.cap("total_runs").expect("a cap of every service");
    (parents, total)
}

fn claim(cap: CapId, key: &str) -> Claim<'_> {
    Claim { cap, key }
}

/// Waits until so many places are taken: a dropped permit gives its places back soon, not at once.
async fn until_live<B: Backend>(backend: &B, claim: Claim<'_>, n: u32) {
    let reached = async {
        while backend.live(claim).await != Some(n) {
            yield_now().await;
        }
    };
    tokio::time::timeout(SOON, reached)
        .await
        .unwrap_or_else(|_| panic!("{n} places of {claim:?} are never reached"));
}

pub(crate) async fn no_window_admits_more_than_burst_and_rate<S: Subject>() {
    let (per_second, burst) = (150.0, 7);
    let Some(clients) = S::clients(4, &limits(per_second, burst)) else {
        return;
    };
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for n in 0..8 {
        let client = Arc::clone(&clients[n % clients.len()]);
        tasks.spawn(async move {
            let limit = client.limit("snapshot").expect("a rate of every service");
            let mut admitted = Vec::new();
            while begin.elapsed() < Duration::from_millis(700) {
                let asked = begin.elapsed();
                if client.decide("w", limit).await.is_allowed() {
                    admitted.push((asked, begin.elapsed()));
                }
                yield_now().await;
            }
            admitted
        });
    }
    let admitted = tasks.join_all().await.concat();
    assert!(
        admitted.len() > burst as usize,
        "the rate admits some after the burst"
    );
    for &(from, _) in &admitted {
        for &(_, to) in admitted.iter().filter(|(_, to)| *to > from) {
            let within = admitted
                .iter()
                .filter(|(asked, answered)| *asked >= from && *answered <= to);
            // Two clocks may run apart by half a thousandth, and one of them counts in microseconds.
            let window = (to - from).as_secs_f64() * 1.001 + 1e-5;
            let most = (f64::from(burst) + per_second * window).floor() as usize;
            let n = within.count();
            assert!(n <= most, "{n} in {window} s, at most {most}");
        }
    }
}

pub(crate) async fn a_denial_by_rate_says_when_to_retry<S: Subject>() {
    let Some(clients) = S::clients(1, &limits(20.0, 2)) else {
        return;
    };
    let limit = clients[0]
        .limit("snapshot")
        .expect("a rate of every service");
    let denied = loop {
        let decision = clients[0].decide("w", limit).await;
        if !decision.is_allowed() {
            break decision;
        }
    };
    let Decision::DeniedByRate {
        limit: name,
        retry_after,
    } = denied
    else {
        panic!("denied by {denied}");
    };
    assert_eq!(&*name, "snapshot");
    assert!(!retry_after.is_zero() && retry_after <= Duration::from_millis(50));
    tokio::time::sleep(retry_after + retry_after / 1_000).await;
    assert_eq!(clients[0].decide("w", limit).await, Decision::Allowed);
}

pub(crate) async fn workspaces_and_rates_are_counted_apart<S: Subject>() {
    // A second permit is due in a minute at the earliest.
    let mut limits = limits(1.0 / 60.0, 1);
    limits.rates.run_tick = limits.rates.snapshot;
    let Some(clients) = S::clients(2, &limits) else {
        return;
    };
    let snapshot = clients[0]
        .limit("snapshot")
        .expect("a rate of every service");
    let run_tick = clients[0]
        .limit("run_tick")
        .expect("a rate of every service");
    for (workspace, limit) in [
        ("w", snapshot),
        ("v", snapshot),
        ("w", run_tick),
        ("", snapshot),
    ] {
        assert!(clients[0].decide(workspace, limit).await.is_allowed());
        assert!(
            !clients[1].decide(workspace, limit).await.is_allowed(),
            "{workspace:?} twice"
        );
    }
}

pub(crate) async fn no_round_of_64_claimants_overshoots_a_cap<S: Subject>() {
    let Some(clients) = S::clients(4, &Limits::default()) else {
        return;
    };
    let (parents, total) = caps(&*clients[0]);
    for round in 0..1_000 {
        let mut tasks = JoinSet::new();
        for n in 0..64 {
            let client = Arc::clone(&clients[n % clients.len()]);
            tasks.spawn(async move {
                let both = [claim(parents, "w"), claim(total, "w")];
                client.acquire(&both).await
            });
        }
        let permits: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        // Nobody gives a place back during the round, so that exactly the cap is admitted.
        assert_eq!(permits.len(), 5, "round {round}");
        join_all(permits.into_iter().map(Places::release)).await;
    }
    assert_eq!(clients[0].live(claim(parents, "w")).await, Some(0));
    assert_eq!(clients[0].live(claim(total, "w")).await, Some(0));
}

pub(crate) async fn live_never_exceeds_the_cap_while_places_come_and_go<S: Subject>() {
    let Some(clients) = S::clients(4, &Limits::default()) else {
        return;
    };
    let (parents, _) = caps(&*clients[0]);
    let live = Arc::new(AtomicU32::new(0));
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let client = Arc::clone(&clients[n % clients.len()]);
        let live = Arc::clone(&live);
        tasks.spawn(async move {
            let mut n_admitted = 0;
            for round in 0..200 {
                let Ok(permit) = client.acquire(&[claim(parents, "w")]).await else {
                    continue;
                };
                n_admitted += 1;
                // Counted only while the place is surely held.
                let now = live.fetch_add(1, Ordering::SeqCst) + 1;
                assert!(now <= 5, "{now} live");
                yield_now().await;
                assert!(permit.is_held());
                live.fetch_sub(1, Ordering::SeqCst);
                if round % 2 == 0 {
                    permit.release().await;
                } else {
                    drop(permit);
                }
            }
            n_admitted
        });
    }
    let n_admitted: u32 = tasks.join_all().await.into_iter().sum();
    assert!(n_admitted > 5, "places come back");
    until_live(&*clients[0], claim(parents, "w"), 0).await;
}

pub(crate) async fn a_step_over_several_caps_takes_all_or_nothing<S: Subject>() {
    let Some(clients) = S::clients(2, &Limits::default()) else {
        return;
    };
    let (parents, total) = caps(&*clients[0]);
    for _ in 0..20 {
        let mut tasks = JoinSet::new();
        for n in 0..32 {
            let client = Arc::clone(&clients[n % 2]);
            tasks.spawn(async move {
                let one_way = [
                    claim(parents, "v"),
                    claim(total, "v"),
                    claim(parents, "w"),
                    claim(total, "w"),
                ];
                let other_way = [
                    claim(total, "w"),
                    claim(parents, "w"),
                    claim(total, "v"),
                    claim(parents, "v"),
                ];
                client
                    .acquire(if n % 3 == 0 { &one_way } else { &other_way })
                    .await
            });
        }
        let permits: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        assert_eq!(permits.len(), 5);
        for (cap, key) in [(parents, "v"), (parents, "w"), (total, "v"), (total, "w")] {
            assert_eq!(
                clients[1].live(claim(cap, key)).await,
                Some(5),
                "no refused step left a place"
            );
        }
        join_all(permits.into_iter().map(Places::release)).await;
    }
}

pub(crate) async fn a_refusal_names_the_first_cap_that_is_reached<S: Subject>() {
    let mut limits = Limits::default();
    (limits.caps.parent_runs, limits.caps.total_runs) = (2, 0);
    let Some(clients) = S::clients(1, &limits) else {
        return;
    };
    let (parents, total) = caps(&*clients[0]);
    let refused_by = async |claims: &[Claim<'_>]| match clients[0].acquire(claims).await {
        Err(Decision::DeniedByCap { cap, at_most }) => Some((cap.to_string(), at_most)),
        Err(other) => panic!("denied by {other}"),
        Ok(_) => None,
    };
    let (p, t) = (claim(parents, "w"), claim(total, "w"));
    assert_eq!(
        refused_by(&[p, t]).await,
        Some(("total_runs".to_owned(), 0))
    );
    assert_eq!(
        refused_by(&[p, t, p, p]).await,
        Some(("total_runs".to_owned(), 0))
    );
    assert_eq!(
        refused_by(&[p, p, p, t]).await,
        Some(("parent_runs".to_owned(), 2))
    );
    let two = clients[0]
        .acquire(&[p, p])
        .await
        .expect("equal claims ask for two places");
    assert_eq!(refused_by(&[p]).await, Some(("parent_runs".to_owned(), 2)));
    two.release().await;
    assert_eq!(refused_by(&[p]).await, None);
    assert_eq!(refused_by(&[]).await, None, "a step that claims nothing");
}

pub(crate) async fn a_place_comes_back_exactly_once<S: Subject>() {
    let Some(clients) = S::clients(1, &Limits::default()) else {
        return;
    };
    let client = &clients[0];
    let (parents, total) = caps(&**client);
    let both = [claim(parents, "w"), claim(total, "w")];
    // Held all the time, so that a place that came back twice would show.
    let first = client.acquire(&both).await.expect("free");

    drop(client.acquire(&both).await.expect("free"));
    until_live(&**client, both[0], 1).await;

    client.acquire(&both).await.expect("free").release().await;
    assert_eq!(
        client.live(both[0]).await,
        Some(1),
        "released is given back at once"
    );

    let holder = Arc::clone(client);
    let panicked = tokio::spawn(async move {
        let both = [claim(parents, "w"), claim(total, "w")];
        let _permit = holder.acquire(&both).await.expect("free");
        panic!("the holder fails, as this test wants");
    });
    assert!(panicked.await.is_err());
    until_live(&**client, both[0], 1).await;
    until_live(&**client, both[1], 1).await;

    let mut four = Vec::new();
    for _ in 0..4 {
        four.push(client.acquire(&both).await.expect("free again"));
    }
    assert!(client.acquire(&both).await.is_err(), "five are live");
    drop((first, four));
    until_live(&**client, both[0], 0).await;
}

pub(crate) async fn a_step_that_is_given_up_takes_nothing<S: Subject>() {
    let Some(clients) = S::clients(1, &Limits::default()) else {
        return;
    };
    let client = &clients[0];
    let (parents, _) = caps(&**client);
    for n_polls in 0..20 {
        let claims = [claim(parents, "w")];
        let mut step = Box::pin(client.acquire(&claims));
        for _ in 0..n_polls {
            if futures::poll!(&mut step).is_ready() {
                // Its permit is dropped.
                break;
            }
            yield_now().await;
        }
    }
    until_live(&**client, claim(parents, "w"), 0).await;
}

pub(crate) async fn a_request_is_admitted_by_rate_and_caps_together<S: Subject>() {
    let limits = limits(1.0 / 60.0, 2);
    let Some(clients) = S::clients(1, &limits) else {
        return;
    };
    let client = &clients[0];
    let (parents, _) = caps(&**client);
    let limit = client.limit("snapshot").expect("a rate of every service");
    let six = [claim(parents, "w"); 6];
    let denied = client.admit("w", limit, &six).await.expect_err("five fit");
    assert!(
        matches!(denied, Decision::DeniedByCap { at_most: 5, .. }),
        "{denied}"
    );
    let permit = client
        .admit("w", limit, &six[..5])
        .await
        .expect("the second of the burst");
    permit.release().await;
    let denied = client
        .admit("w", limit, &six[..1])
        .await
        .expect_err("the third");
    assert!(matches!(denied, Decision::DeniedByRate { .. }), "{denied}");
}

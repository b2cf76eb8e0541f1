//! Controllers that are killed: their runtime is dropped with everything on it, in the middle of their work.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use control_plane::controller::ControllerConfig;
use control_plane::queue::QueueConfig;
use query_api::dialect::Dialect;
use query_api::query::{Phase, Query};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use super::stage::*;

const N_KILLS: u32 = 20;
const N_QUERIES: usize = 60;
const MODELS: [&str; 3] = ["m0", "m1", "m2"];

/// A runtime whose time stands still unless everybody sleeps.
fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    let built = builder.enable_all().start_paused(true).build();
    built.expect("a runtime needs no more than a descriptor")
}

/// By query and model.
type Calls = BTreeMap<(String, String), usize>;

/// The targets whose answer stands in the status.
fn recorded(queries: &[Query]) -> BTreeSet<(String, String)> {
    let of_query = |query: &Query| {
        let name = query.metadata.name.clone().unwrap_or_default();
        let responses = query.status.iter().flat_map(|status| &status.responses);
        let answered = responses.flat_map(|response| &response.target);
        let pairs = answered.map(|target| (name.clone(), target.name.clone()));
        pairs.collect::<Vec<_>>()
    };
    queries.iter().flat_map(of_query).collect()
}

#[test]
fn twenty_kills_lose_no_query_and_repeat_only_calls_that_were_in_flight() {
    let stage = runtime().block_on(async {
        let stage = Stage::new(Dialect::Targets);
        for index in 0..N_QUERIES {
            let (short, long) = (10 + index % 50, 60 + index * 7 % 200);
            let input = format!("m0: wait {short}; m1: wait {long}; hello");
            stage.create(&format!("q{index}"), &input, &MODELS).await;
        }
        stage
    });
    // How often each target may be asked: once, and once more for each kill that found its call unanswered on record.
    let mut allowed = Calls::new();
    // How often each target whose answer is on record had been asked when that was first seen.
    let mut settled = Calls::new();
    let mut n_cut_off = 0;
    for kill in 0..N_KILLS {
        let runtime = runtime();
        let (stage, calls) = runtime.block_on(async {
            let stage = stage.moved();
            let _running = stage.start_with(ControllerConfig {
                queue: QueueConfig {
                    max_in_flight: 10,
                    ..QueueConfig::default()
                },
                ..ControllerConfig::default()
            });
            sleep(Duration::from_millis(u64::from(15 + kill * 13 % 40))).await;
            (stage.moved(), stage.players.all_calls())
        });
        drop(runtime);
        assert_eq!(
            stage.players.all_calls(),
            calls,
            "nothing moves after the kill"
        );
        let queries = self::runtime().block_on(async {
            let stage = stage.moved();
            stage.until("the list", |_| true).await
        });
        let recorded = recorded(&queries);
        for (target, n_calls) in calls {
            if recorded.contains(&target) {
                let n_before = *settled.entry(target.clone()).or_insert(n_calls);
                assert_eq!(
                    n_calls, n_before,
                    "{target:?} is on record and was asked again"
                );
            } else {
                *allowed.entry(target).or_insert(1) += 1;
                n_cut_off += 1;
            }
        }
    }
    assert!(n_cut_off > 20, "the kills came in the middle of calls");
    let (queries, calls) = runtime().block_on(async {
        let stage = stage.moved();
        let running = stage.start();
        let queries = stage.until_ended().await;
        running.stop().await;
        (queries, stage.players.all_calls())
    });
    assert_eq!(queries.len(), N_QUERIES);
    for query in &queries {
        assert_eq!(query.phase(), Phase::Done);
        let status = query.status.as_ref().unwrap();
        assert_eq!(status.responses.len(), MODELS.len());
        assert_eq!(
            status.token_usage.unwrap().total_tokens,
            9,
            "counted once each"
        );
    }
    for (target, n_calls) in calls {
        let n_allowed = allowed.get(&target).copied().unwrap_or(1);
        assert!(n_calls <= n_allowed, "{target:?}: {n_calls} of {n_allowed}");
        if let Some(n_settled) = settled.get(&target) {
            assert_eq!(
                n_calls, *n_settled,
                "{target:?} is on record and was asked again"
            );
        }
    }
}

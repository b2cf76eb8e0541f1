//! The fan-out under paused time: bounds, deadlines, panics, cancellation.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;
use proptest::prelude::*;
use tokio::time::sleep;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn wide() -> FanOut {
    FanOut::new(&FanOutConfig::default())
}

fn namespace() -> Arc<str> {
    Arc::from("a")
}

fn job<'a>(namespace: &'a Arc<str>, n_targets: usize, cancel: &'a CancellationToken) -> Job<'a> {
    Job {
        namespace,
        n_targets,
        deadline: Some(10 * SECOND),
        cancel,
    }
}

/// Target `i` takes `i` seconds counted backwards, so that completion is in reverse order.
#[tokio::test(start_paused = true)]
async fn outcomes_are_in_the_order_of_the_spec_whatever_finishes_first() {
    for n_targets in [0, 1, 4, 64, 256] {
        let (namespace, cancel) = (namespace(), CancellationToken::new());
        let mut finished = Vec::new();
        let started = Instant::now();
        let outcomes = wide()
            .run(
                job(&namespace, n_targets, &cancel),
                async |index| {
                    sleep(Duration::from_millis((n_targets - index) as u64)).await;
                    index
                },
                |index, ended| {
                    finished.push(index);
                    ended
                },
            )
            .await;
        let answers: Vec<_> = outcomes.into_iter().map(|ended| ended.result).collect();
        assert_eq!(answers, (0..n_targets).map(Ok).collect::<Vec<_>>());
        assert_eq!(finished, (0..n_targets).rev().collect::<Vec<_>>());
        assert_eq!(started.elapsed(), Duration::from_millis(n_targets as u64));
    }
}

#[tokio::test(start_paused = true)]
async fn one_fails_one_times_out_one_panics_and_the_others_answer() {
    for n_targets in [4, 64, 256] {
        let (namespace, cancel) = (namespace(), CancellationToken::new());
        let outcomes = wide()
            .run(
                job(&namespace, n_targets, &cancel),
                async |index| match index {
                    0 => Err("failed"),
                    1 => {
                        sleep(60 * SECOND).await;
                        Ok(index)
                    }
                    2 => panic!("target {index} is broken"),
                    _ => {
                        sleep(SECOND).await;
                        Ok(index)
                    }
                },
                |_, ended| ended,
            )
            .await;
        assert_eq!(outcomes[0].result, Ok(Err("failed")));
        assert_eq!(outcomes[1].result, Err(Stopped::TimedOut(10 * SECOND)));
        assert_eq!(outcomes[1].took, 10 * SECOND);
        let panic = Stopped::Panicked("target 2 is broken".into());
        assert_eq!(outcomes[2].result, Err(panic));
        let others = outcomes.iter().enumerate().skip(3);
        for (index, ended) in others {
            assert_eq!(ended.result, Ok(Ok(index)));
            assert_eq!(ended.took, SECOND);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_before_the_first_await_is_caught_too() {
    let (namespace, cancel) = (namespace(), CancellationToken::new());
    for n_targets in [1, 2] {
        let start = |_| -> std::future::Ready<()> { panic!("no future at all") };
        let fan_out = wide();
        let outcomes = fan_out.run(job(&namespace, n_targets, &cancel), start, |_, ended| ended);
        let panic = Stopped::Panicked("no future at all".into());
        assert!(
            outcomes
                .await
                .iter()
                .all(|ended| ended.result == Err(panic.clone()))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn cancellation_ends_all_that_run_and_starts_no_more() {
    let fan_out = FanOut::new(&FanOutConfig {
        per_query: 10,
        ..FanOutConfig::default()
    });
    let (namespace, cancel) = (namespace(), CancellationToken::new());
    let n_running = AtomicUsize::new(0);
    let n_started = AtomicUsize::new(0);
    let start = async |index: usize| {
        let _running = Counted::new(&n_running);
        n_started.fetch_add(1, Ordering::Relaxed);
        sleep(if index < 3 { SECOND } else { 5 * SECOND }).await;
    };
    let canceller = async {
        sleep(2 * SECOND).await;
        cancel.cancel();
    };
    let run = fan_out.run(job(&namespace, 100, &cancel), start, |_, ended| ended);
    let (outcomes, ()) = tokio::join!(run, canceller);
    let n_done = outcomes.iter().filter(|ended| ended.result.is_ok()).count();
    assert_eq!(n_done, 3);
    assert!(
        outcomes[3..]
            .iter()
            .all(|ended| ended.result == Err(Stopped::Canceled))
    );
    assert_eq!(n_running.load(Ordering::Relaxed), 0);
    assert_eq!(n_started.load(Ordering::Relaxed), 13);

    let outcomes = fan_out
        .run(job(&namespace, 1, &cancel), start, |_, ended| ended)
        .await;
    assert_eq!(outcomes[0].result, Err(Stopped::Canceled));
    assert_eq!(
        n_started.load(Ordering::Relaxed),
        13,
        "nothing starts after the cancel"
    );
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_from_a_targets_own_start() {
    let fan_out = FanOut::new(&FanOutConfig {
        per_query: 1,
        ..FanOutConfig::default()
    });
    let (namespace, cancel) = (namespace(), CancellationToken::new());
    let start = async |_| sleep(9 * SECOND).await;
    let outcomes = fan_out
        .run(job(&namespace, 4, &cancel), start, |_, ended| ended)
        .await;
    assert!(outcomes.iter().all(|ended| ended.result == Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_waiter_leaves_its_slot_to_the_next() {
    let fan_out = FanOut::new(&FanOutConfig {
        per_query: 4,
        per_namespace: 4,
        total: 1,
    });
    let (namespace, cancel) = (namespace(), CancellationToken::new());
    let work = async |_| sleep(SECOND).await;
    let first = fan_out.run(job(&namespace, 1, &cancel), work, |_, ended| ended);
    let given_up = CancellationToken::new();
    let second = fan_out.run(job(&namespace, 3, &given_up), work, |_, ended| ended);
    let third = fan_out.run(job(&namespace, 1, &cancel), work, |_, ended| ended);
    let canceller = async {
        sleep(SECOND / 2).await;
        given_up.cancel();
    };
    let started = Instant::now();
    let (_, second, third, ()) = tokio::join!(first, second, third, canceller);
    assert!(
        second
            .iter()
            .all(|ended| ended.result == Err(Stopped::Canceled))
    );
    assert_eq!(third[0].result, Ok(()));
    assert_eq!(started.elapsed(), 2 * SECOND);
}

struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Running targets by Query, by namespace and in total, and the most there ever were of each.
#[derive(Default)]
struct Widths {
    now: HashMap<String, usize>,
    most: HashMap<String, usize>,
}

impl Widths {
    fn enter(&mut self, keys: &[String]) {
        for key in keys {
            let now = self.now.entry(key.clone()).or_default();
            *now += 1;
            let most = self.most.entry(key.clone()).or_default();
            *most = (*most).max(*now);
        }
    }

    fn leave(&mut self, keys: &[String]) {
        for key in keys {
            *self.now.entry(key.clone()).or_default() -= 1;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Queries of random width and speed in three namespaces: no bound is exceeded, everything is answered, and the
    /// widest bound that binds is really reached.
    #[test]
    fn bounds_are_never_exceeded_and_always_used(
        per_query in 1_usize..8,
        per_namespace in 1_usize..10,
        total in 1_usize..12,
        queries in proptest::collection::vec((0_usize..3, 1_usize..12, 1_u64..50), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let widths = Mutex::new(Widths::default());
        let fan_out = FanOut::new(&FanOutConfig { per_query, per_namespace, total });
        let namespaces: Vec<Arc<str>> = ["a", "b", "c"].map(Arc::from).to_vec();
        let cancel = CancellationToken::new();
        let all = queries.iter().enumerate().map(|(number, (home, n_targets, millis))| {
            let namespace = &namespaces[*home];
            let keys = [format!("query {number}"), format!("namespace {namespace}"), "total".into()];
            let widths = &widths;
            let job = Job { namespace, n_targets: *n_targets, deadline: None, cancel: &cancel };
            let fan_out = &fan_out;
            async move {
                let target = async |index: usize| {
                    widths.lock().enter(&keys);
                    sleep(Duration::from_millis(*millis + index as u64 % 7)).await;
                    widths.lock().leave(&keys);
                };
                fan_out.run(job, target, |_, ended| ended).await
            }
        });
        let outcomes = runtime.block_on(futures::future::join_all(all));
        prop_assert!(outcomes.iter().flatten().all(|ended| ended.result.is_ok()));
        let most = &widths.lock().most;
        for (key, n_most) in most {
            let bound = match key.split(' ').next() {
                Some("query") => per_query,
                Some("namespace") => per_namespace,
                _ => total,
            };
            prop_assert!(*n_most <= bound, "{key}: {n_most} > {bound}");
        }
        let wanted_in = |home: usize| -> usize {
            let of_home = queries.iter().filter(|(namespace, ..)| *namespace == home);
            of_home.map(|(_, n_targets, _)| (*n_targets).min(per_query)).sum::<usize>().min(per_namespace)
        };
        let wanted: usize = (0..3).map(wanted_in).sum();
        prop_assert_eq!(most["total"], wanted.min(total));
    }
}

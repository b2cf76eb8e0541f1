//! What does the work queue cost per key, and does that stay flat as it grows?
//!
//! In the timed part: adds, hand-outs and releases on one thread, with lock, clock and metrics, over 50 namespaces
//! unless the case says otherwise. The queue is as long after each iteration as before it.
//! Not in it: tasks and wake-ups (nobody ever waits here), and the creation of keys.
//! Do not conclude: anything on contention between threads, or on the time that a Query waits; `backlog` has that.
//! `order` is the same round without lock, clock and metrics: the difference to `hand_out` is the price of the shell.

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use benches::{Suite, suite_main};
use control_plane::key::QueryKey;
use control_plane::metrics::Metrics;
use control_plane::queue::order::Order;
use control_plane::queue::{Lane, Lease, Priority, Queue, QueueConfig};
use criterion::Throughput;

/// A healthy backlog, the population at which kube-runtime becomes 27 times slower, and one beyond the caches.
const SIZES: [(&str, usize); 3] = [
    ("1k_waiting", 1_000),
    ("30k_waiting", 30_000),
    ("100k_waiting", 100_000),
];

/// Namespaces of the capacity document's large population.
const N_NAMESPACES: usize = 50;

/// Time between two hand-outs of delayed keys.
const STEP: Duration = Duration::from_millis(1);

fn keys(n_keys: usize, n_namespaces: usize) -> Vec<QueryKey> {
    let namespaces: Vec<Arc<str>> = (0..n_namespaces)
        .map(|n| Arc::from(format!("team-{n:02}")))
        .collect();
    (0..n_keys)
        .map(|n| {
            QueryKey::new(
                namespaces[n % n_namespaces].clone(),
                format!("query-{n:06}"),
            )
        })
        .collect()
}

/// A queue in which every key waits to start.
fn backlog(n_keys: usize, n_namespaces: usize) -> (Queue, Vec<QueryKey>) {
    let queue = Queue::new(QueueConfig::default(), Metrics::new().queue());
    let keys = keys(n_keys, n_namespaces);
    for key in &keys {
        queue.add(key.clone(), Lane::Start, Priority::NORMAL);
    }
    assert_eq!(queue.len(), n_keys);
    (queue, keys)
}

fn take(queue: &Queue) -> Lease {
    let next = pin!(queue.next());
    match next.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(lease)) => lease,
        Poll::Ready(None) | Poll::Pending => unreachable!("a slot is free and keys wait"),
    }
}

/// One key is handed out, released and added again at the end of its line.
fn add_next_drop(queue: &Queue) {
    let lease = take(queue);
    let key = lease.key().clone();
    drop(lease);
    queue.add(key, Lane::Start, Priority::NORMAL);
}

/// One key is handed out, added again while it is held, and released: it goes back to the end of its line.
fn add_while_leased(queue: &Queue) {
    let lease = take(queue);
    queue.add(lease.key().clone(), Lane::Start, Priority::NORMAL);
    drop(lease);
}

fn hand_out(suite: &mut Suite<'_>) {
    suite.throughput(Throughput::Elements(1));
    for (parameter, n_keys) in SIZES {
        let n_keys = suite.population(n_keys, 100);
        suite.prepared(
            "hand_out",
            parameter,
            || backlog(n_keys, N_NAMESPACES),
            |bencher, (queue, _)| {
                bencher.iter(|| add_next_drop(queue));
                assert_eq!(queue.len(), n_keys, "nothing was lost");
            },
        );
    }
}

fn one_namespace(suite: &mut Suite<'_>) {
    suite.throughput(Throughput::Elements(1));
    for (parameter, n_keys) in [SIZES[0], SIZES[2]] {
        let n_keys = suite.population(n_keys, 100);
        suite.prepared(
            "one_namespace",
            parameter,
            || backlog(n_keys, 1),
            |bencher, (queue, _)| bencher.iter(|| add_next_drop(queue)),
        );
    }
}

fn add_leased(suite: &mut Suite<'_>) {
    let n_keys = suite.population(30_000, 100);
    suite.prepared(
        "add_leased",
        "30k_waiting",
        || backlog(n_keys, N_NAMESPACES),
        |bencher, (queue, _)| {
            bencher.iter(|| add_while_leased(queue));
            assert_eq!(queue.len(), n_keys, "nothing was lost");
        },
    );
}

fn add_waiting(suite: &mut Suite<'_>) {
    let n_keys = suite.population(30_000, 100);
    suite.prepared(
        "add_waiting",
        "30k_waiting",
        || backlog(n_keys, N_NAMESPACES),
        |bencher, (queue, keys)| {
            // A stride that is coprime to the number of keys visits them all, out of order.
            let mut n_add = 0;
            bencher.iter(|| {
                n_add = (n_add + 7_919) % keys.len();
                let key = black_box(&keys[n_add]).clone();
                queue.add(key, Lane::Start, Priority::NORMAL);
            });
            assert_eq!(queue.len(), n_keys, "a waiting key is not added again");
        },
    );
}

/// The pure order, told a time that stands still.
fn order(suite: &mut Suite<'_>) {
    let n_keys = suite.population(30_000, 100);
    let now = Instant::now();
    suite.prepared(
        "order",
        "30k_waiting",
        || {
            let mut order = Order::new(QueueConfig::default());
            for key in keys(n_keys, N_NAMESPACES) {
                order.add(key, Lane::Start, Priority::NORMAL, now);
            }
            order
        },
        |bencher, order| {
            bencher.iter(|| {
                let popped = order.pop(now).expect("keys wait");
                order.release(popped.id, now);
                order.add(popped.key, Lane::Start, Priority::NORMAL, now)
            });
            assert_eq!(order.len(), n_keys, "nothing was lost");
        },
    );
}

/// Keys whose delays end one after the other; each is handed out on time and delayed anew behind all others.
fn delayed(suite: &mut Suite<'_>) {
    for (parameter, n_keys) in [("1k_delayed", 1_000), ("100k_delayed", 100_000)] {
        let n_keys = suite.population(n_keys, 100);
        let period = STEP * n_keys as u32;
        let start = Instant::now();
        suite.prepared(
            "delayed",
            parameter,
            || {
                let mut order = Order::new(QueueConfig::default());
                for (n, key) in keys(n_keys, N_NAMESPACES).into_iter().enumerate() {
                    let delay = STEP * (n as u32 + 1);
                    order.add_after(key, Lane::Control, delay, start);
                }
                (order, start)
            },
            |bencher, (order, now)| {
                bencher.iter(|| {
                    *now += STEP;
                    order.mature(*now);
                    let popped = order.pop(*now).expect("one delay ends per step");
                    order.add_after(popped.key, Lane::Control, period, *now);
                    order.release(popped.id, *now);
                });
                assert_eq!(order.n_delayed(), n_keys, "nothing was lost");
            },
        );
    }
}

suite_main!(
    hand_out,
    one_namespace,
    add_leased,
    add_waiting,
    order,
    delayed
);

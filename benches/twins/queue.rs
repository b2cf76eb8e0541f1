//! The paths of the suite `queue`: a thousand rounds each, so that what surrounds the code weighs nothing.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use control_plane::key::QueryKey;
use control_plane::metrics::Metrics;
use control_plane::queue::order::Order;
use control_plane::queue::{Lane, Priority, Queue, QueueConfig};

const N_ROUNDS: usize = 1_000;
const N_NAMESPACES: usize = 50;

fn keys(n_keys: usize) -> Vec<QueryKey> {
    let namespaces: Vec<Arc<str>> = (0..N_NAMESPACES)
        .map(|n| Arc::from(format!("team-{n:02}")))
        .collect();
    (0..n_keys)
        .map(|n| {
            QueryKey::new(
                Arc::clone(&namespaces[n % N_NAMESPACES]),
                format!("query-{n:06}"),
            )
        })
        .collect()
}

/// A queue in which so many keys of fifty namespaces wait.
pub fn backlog(n_keys: usize) -> Queue {
    let queue = Queue::with_seed(QueueConfig::default(), Metrics::new().queue(), 1);
    for key in keys(n_keys) {
        queue.add(key, Lane::Start, Priority::NORMAL);
    }
    queue
}

/// The same without the queue around its order.
pub fn ordered(n_keys: usize) -> (Order, Instant) {
    let now = Instant::now();
    let mut order = Order::new(QueueConfig::default());
    for key in keys(n_keys) {
        order.add(key, Lane::Start, Priority::NORMAL, now);
    }
    (order, now)
}

/// Hands keys out and takes them back.
pub fn hand_out(queue: Queue) -> Queue {
    for _ in 0..N_ROUNDS {
        let next = pin!(queue.next());
        let Poll::Ready(Some(lease)) = next.poll(&mut Context::from_waker(Waker::noop())) else {
            unreachable!("a slot is free and keys wait");
        };
        let key = lease.key().clone();
        drop(lease);
        queue.add(key, Lane::Start, Priority::NORMAL);
    }
    queue
}

/// The same in the order alone.
pub fn order((mut order, now): (Order, Instant)) -> Order {
    for _ in 0..N_ROUNDS {
        let popped = order.pop(now).expect("keys wait");
        order.release(popped.id, now);
        order.add(popped.key, Lane::Start, Priority::NORMAL, now);
    }
    order
}

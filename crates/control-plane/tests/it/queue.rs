//! The queue around its order: wake-ups, timers, leases, metrics. Time is tokio's paused clock.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use control_plane::key::QueryKey;
use control_plane::metrics::Metrics;
use control_plane::queue::{Backoff, Lane, Lease, Priority, Queue, QueueConfig};
use tokio::time::{Instant, timeout};

fn config(max_concurrent_reconciles: usize, max_in_flight: usize) -> QueueConfig {
    QueueConfig {
        max_concurrent_reconciles,
        max_in_flight,
        backoff: Backoff::default(),
    }
}

fn queue(max_concurrent_reconciles: usize, max_in_flight: usize) -> Queue {
    Queue::new(
        config(max_concurrent_reconciles, max_in_flight),
        Metrics::new().queue(),
    )
}

fn key(name: &str) -> QueryKey {
    QueryKey::new("ns", name)
}

fn add(queue: &Queue, name: &str, lane: Lane) {
    queue.add(key(name), lane, Priority::NORMAL);
}

/// The next key, which must be there already.
fn take(queue: &Queue) -> Lease {
    let mut next = pin!(queue.next());
    match next.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(lease)) => lease,
        Poll::Ready(None) => panic!("the queue is closed"),
        Poll::Pending => panic!("nothing can be taken"),
    }
}

fn nothing_to_take(queue: &Queue) -> bool {
    let mut next = pin!(queue.next());
    let polled = next.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    polled.is_pending()
}

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Bell {
    fn n_rings(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once, to be woken by the bell.
fn poll<F: Future>(future: std::pin::Pin<&mut F>, bell: &Arc<Bell>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(bell.clone())))
}

#[tokio::test(start_paused = true)]
async fn a_key_is_handed_out_to_who_waits_for_it() {
    let queue = queue(1, 1);
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.next().await.map(|lease| lease.key().clone()) }
    });
    tokio::task::yield_now().await;
    add(&queue, "a", Lane::Start);
    assert_eq!(waiting.await.expect("no panic"), Some(key("a")));
}

#[tokio::test(start_paused = true)]
async fn closing_ends_all_waits_now_and_later_and_keeps_what_waits() {
    let queue = queue(1, 1);
    let bells = [Arc::<Bell>::default(), Arc::default()];
    let mut first = pin!(queue.next());
    let mut second = pin!(queue.next());
    assert!(poll(first.as_mut(), &bells[0]).is_pending());
    assert!(poll(second.as_mut(), &bells[1]).is_pending());
    queue.close();
    assert_eq!(bells.map(|bell| bell.n_rings()), [1, 1]);
    assert!(first.await.is_none());
    assert!(second.await.is_none());
    add(&queue, "a", Lane::Start);
    assert!(queue.next().await.is_none());
    assert_eq!(queue.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_add_wakes_one_waiter() {
    let queue = queue(8, 8);
    let bells: Vec<Arc<Bell>> = (0..4).map(|_| Arc::default()).collect();
    let mut waits: Vec<_> = (0..4).map(|_| Box::pin(queue.next())).collect();
    for (wait, bell) in waits.iter_mut().zip(&bells) {
        assert!(poll(wait.as_mut(), bell).is_pending());
    }
    add(&queue, "a", Lane::Start);
    let n_rings: usize = bells.iter().map(|bell| bell.n_rings()).sum();
    assert_eq!(n_rings, 1);
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_that_is_dropped_goes_to_another_waiter() {
    let queue = queue(8, 8);
    let bells = [Arc::<Bell>::default(), Arc::default()];
    let mut first = Box::pin(queue.next());
    let mut second = Box::pin(queue.next());
    assert!(poll(first.as_mut(), &bells[0]).is_pending());
    assert!(poll(second.as_mut(), &bells[1]).is_pending());
    add(&queue, "a", Lane::Start);
    assert_eq!(bells[0].n_rings(), 1);
    drop(first);
    assert_eq!(bells[1].n_rings(), 1);
    assert!(second.await.is_some());
}

#[tokio::test(start_paused = true)]
async fn who_takes_one_of_several_wakes_the_next() {
    let queue = queue(1, 8);
    let bells = [Arc::<Bell>::default(), Arc::default()];
    add(&queue, "a", Lane::Start);
    let lease = take(&queue);
    let mut first = Box::pin(queue.next());
    let mut second = Box::pin(queue.next());
    assert!(poll(first.as_mut(), &bells[0]).is_pending());
    assert!(poll(second.as_mut(), &bells[1]).is_pending());
    add(&queue, "b", Lane::Start);
    add(&queue, "c", Lane::Start);
    assert_eq!(bells[0].n_rings(), 0, "no worker slot is free");
    lease.start_execution();
    assert_eq!(bells[0].n_rings(), 1);
    let Poll::Ready(Some(taken)) = poll(first.as_mut(), &bells[0]) else {
        panic!("b is there");
    };
    assert_eq!(bells[1].n_rings(), 0, "the only worker slot is taken again");
    drop(taken);
    assert_eq!(bells[1].n_rings(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_key_comes_on_time_and_is_not_early() {
    let queue = queue(1, 1);
    let start = Instant::now();
    queue.add_after(key("late"), Lane::Start, Duration::from_secs(9));
    queue.add_after(key("soon"), Lane::Start, Duration::from_secs(2));
    queue.add_after(key("soon"), Lane::Start, Duration::from_secs(5));
    for (name, seconds) in [("soon", 2), ("late", 9)] {
        let lease = queue.next().await.expect("the queue is open");
        assert_eq!(lease.key(), &key(name));
        assert_eq!(start.elapsed(), Duration::from_secs(seconds));
        assert_eq!(lease.waited(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn an_earlier_delay_wakes_who_watches_for_a_later_one() {
    let queue = queue(1, 1);
    let start = Instant::now();
    queue.add_after(key("late"), Lane::Control, Duration::from_secs(3_600));
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.next().await.map(|lease| lease.key().clone()) }
    });
    tokio::task::yield_now().await;
    queue.add_after(key("soon"), Lane::Control, Duration::from_secs(1));
    assert_eq!(waiting.await.expect("no panic"), Some(key("soon")));
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn the_watch_is_handed_on_when_the_watching_waiter_gives_up() {
    let queue = queue(1, 1);
    queue.add_after(key("a"), Lane::Start, Duration::from_secs(10));
    let watching = tokio::spawn({
        let queue = queue.clone();
        async move { timeout(Duration::from_secs(1), queue.next()).await.is_err() }
    });
    tokio::task::yield_now().await;
    let other = tokio::spawn({
        let queue = queue.clone();
        async move { queue.next().await.map(|lease| lease.key().clone()) }
    });
    assert!(watching.await.expect("no panic"), "it gave up after 1 s");
    assert_eq!(other.await.expect("no panic"), Some(key("a")));
}

#[tokio::test(start_paused = true)]
async fn only_the_watch_is_woken_by_its_timer() {
    let queue = queue(4, 4);
    queue.add_after(key("a"), Lane::Start, Duration::from_secs(10));
    let bells: Vec<Arc<Bell>> = (0..3).map(|_| Arc::default()).collect();
    let mut waits: Vec<_> = (0..3).map(|_| Box::pin(queue.next())).collect();
    for (wait, bell) in waits.iter_mut().zip(&bells) {
        assert!(poll(wait.as_mut(), bell).is_pending());
    }
    tokio::time::sleep(Duration::from_secs(11)).await;
    let n_rings: Vec<usize> = bells.iter().map(|bell| bell.n_rings()).collect();
    assert_eq!(n_rings, [1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn retries_back_off_until_forgotten_and_events_do_not_lengthen_it() {
    let queue = queue(1, 1);
    let mut waits_ms = Vec::new();
    for n_retry in 0..5 {
        if n_retry == 3 {
            add(&queue, "a", Lane::Start);
            drop(take(&queue));
        }
        if n_retry == 4 {
            queue.forget(&key("a"));
        }
        let start = Instant::now();
        queue.retry(key("a"), Lane::Start);
        let lease = queue.next().await.expect("the queue is open");
        waits_ms.push(start.elapsed().as_millis());
        drop(lease);
    }
    assert_eq!(waits_ms, [100, 200, 400, 800, 100]);
}

#[tokio::test(start_paused = true)]
async fn a_key_added_while_leased_comes_again_after_the_lease() {
    let queue = queue(4, 4);
    add(&queue, "a", Lane::Start);
    let lease = take(&queue);
    add(&queue, "a", Lane::Control);
    assert!(nothing_to_take(&queue));
    drop(lease);
    assert_eq!(take(&queue).lane(), Lane::Control);
    assert!(nothing_to_take(&queue));
}

#[tokio::test(start_paused = true)]
async fn execution_frees_the_worker_slot_and_keeps_key_and_in_flight_slot() {
    let queue = queue(1, 2);
    for name in ["a", "b", "c"] {
        add(&queue, name, Lane::Start);
    }
    let first = take(&queue);
    assert!(nothing_to_take(&queue), "one worker slot");
    first.start_execution();
    first.start_execution();
    let second = take(&queue);
    second.start_execution();
    assert_eq!(queue.in_flight(), 2);
    assert!(nothing_to_take(&queue), "two in-flight slots");
    drop(first);
    let third = take(&queue);
    assert_eq!(third.key(), &key("c"));
    assert!(
        nothing_to_take(&queue),
        "slots given back twice would show here"
    );
}

#[tokio::test(start_paused = true)]
async fn a_panicking_holder_releases_its_lease_once() {
    let queue = queue(1, 1);
    add(&queue, "a", Lane::Start);
    let lease = take(&queue);
    let panicked = tokio::spawn(async move {
        let _lease = lease;
        panic!("the reconcile fails");
    });
    assert!(panicked.await.is_err());
    assert_eq!(queue.in_flight(), 0);
    add(&queue, "a", Lane::Start);
    assert_eq!(take(&queue).key(), &key("a"));
}

#[tokio::test(start_paused = true)]
async fn a_long_queue_of_short_work_lets_other_tasks_run() {
    let queue = queue(1, 1);
    for n in 0..10_000 {
        add(&queue, &format!("q{n}"), Lane::Start);
    }
    let has_run = Arc::new(AtomicBool::new(false));
    tokio::spawn({
        let has_run = has_run.clone();
        async move { has_run.store(true, Ordering::SeqCst) }
    });
    let mut n_taken = 0;
    while !has_run.load(Ordering::SeqCst) {
        drop(queue.next().await);
        n_taken += 1;
    }
    assert!(n_taken < 1_000, "after {n_taken} keys");
}

#[tokio::test(start_paused = true)]
async fn metrics_mean_what_client_go_means() {
    let metrics = Metrics::new();
    let queue = Queue::new(config(1, 4), metrics.queue());
    let second = Duration::from_secs(1);
    let gauge = |name: &str| {
        let text = metrics.encode();
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.rsplit(' ').next());
        value
            .expect("the gauge is there")
            .parse::<f64>()
            .expect("a number")
    };

    add(&queue, "a", Lane::Start);
    tokio::time::advance(second).await;
    add(&queue, "a", Lane::Start);
    assert_eq!(metrics.queue().n_adds(), 1, "a waiting key is added once");
    assert_eq!(gauge("workqueue_depth"), 1.0);

    tokio::time::advance(second).await;
    let lease = take(&queue);
    assert_eq!(lease.waited(), 2 * second, "from the first add");
    assert_eq!(gauge("workqueue_depth"), 0.0);
    assert_eq!(gauge("ark_query_inflight"), 1.0);
    assert_eq!(gauge("ark_query_active_tenants"), 1.0);

    tokio::time::advance(3 * second).await;
    add(&queue, "a", Lane::Control);
    assert_eq!(metrics.queue().n_adds(), 2, "a dirty key counts");
    assert_eq!(gauge("workqueue_depth"), 1.0);
    assert_eq!(gauge("workqueue_unfinished_work_seconds"), 3.0);
    assert_eq!(gauge("workqueue_longest_running_processor_seconds"), 3.0);

    lease.start_execution();
    tokio::time::advance(5 * second).await;
    drop(lease);
    let work = metrics.queue().work_total();
    assert_eq!(
        (work.count, work.sum),
        (1, 3 * second),
        "while a worker slot is held"
    );

    queue.add_after(key("b"), Lane::Start, second);
    queue.retry(key("c"), Lane::Start);
    assert_eq!(metrics.queue().n_retries(), 2);
    assert_eq!(
        metrics.queue().n_adds(),
        2,
        "a delayed key counts when it is ready"
    );
    drop(take(&queue));
    tokio::time::advance(second).await;
    drop(take(&queue));
    assert_eq!(metrics.queue().n_adds(), 4);
    let waits = metrics.queue().queue_total();
    assert_eq!(waits.count, 3);
    assert_eq!(gauge("controller_runtime_max_concurrent_reconciles"), 1.0);

    drop(queue);
    assert_eq!(gauge("workqueue_depth"), 0.0);
}

/// Adds from several threads, works from several others, counts; a lost wake-up hangs it.
#[test]
fn nothing_is_lost_or_doubled_between_threads() {
    const N_KEYS: usize = 48;
    const N_ADDERS: usize = 4;
    const N_WORKERS: usize = 6;
    const N_ADDS: usize = 4_000;

    #[derive(Default)]
    struct Seen {
        n_adds: AtomicUsize,
        /// How many adds there had been when the key was last handed out.
        n_answered: AtomicUsize,
        is_leased: AtomicBool,
    }

    async fn work(queue: Queue, seen: Arc<Vec<Seen>>) {
        let mut n_leases = 0usize;
        while let Some(lease) = queue.next().await {
            let number: usize = lease.key().name.parse().expect("a number");
            let seen = &seen[number];
            assert!(!seen.is_leased.swap(true, Ordering::SeqCst), "leased twice");
            let n_adds = seen.n_adds.load(Ordering::SeqCst);
            seen.n_answered.store(n_adds, Ordering::SeqCst);
            n_leases += 1;
            if n_leases.is_multiple_of(3) {
                lease.start_execution();
                tokio::task::yield_now().await;
            }
            seen.is_leased.store(false, Ordering::SeqCst);
        }
    }

    async fn add_all(queue: Queue, seen: Arc<Vec<Seen>>, adder: usize) {
        for n_add in 0..N_ADDS {
            let number = (n_add * 7 + adder * 13) % N_KEYS;
            seen[number].n_adds.fetch_add(1, Ordering::SeqCst);
            let key = QueryKey::new(format!("ns{}", number % 5), number.to_string());
            let lane = if n_add % 4 == 0 {
                Lane::Control
            } else {
                Lane::Start
            };
            match n_add % 16 {
                0 => queue.add_after(key, lane, Duration::from_micros(200)),
                1 => queue.retry(key, lane),
                2 => {
                    queue.forget(&key);
                    queue.add(key, lane, Priority::INITIAL);
                }
                _ => queue.add(key, lane, Priority::NORMAL),
            }
            if n_add % 32 == 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let backoff = Backoff {
            base: Duration::from_micros(100),
            max: Duration::from_millis(2),
        };
        let queue = Queue::new(
            QueueConfig {
                backoff,
                ..config(4, 3)
            },
            Metrics::new().queue(),
        );
        let seen: Arc<Vec<Seen>> = Arc::new((0..N_KEYS).map(|_| Seen::default()).collect());
        let workers: Vec<_> = (0..N_WORKERS)
            .map(|_| tokio::spawn(work(queue.clone(), seen.clone())))
            .collect();
        let adders: Vec<_> = (0..N_ADDERS)
            .map(|adder| tokio::spawn(add_all(queue.clone(), seen.clone(), adder)))
            .collect();
        for adder in adders {
            adder.await.expect("no panic");
        }
        let is_answered = |seen: &Seen| {
            seen.n_answered.load(Ordering::SeqCst) == seen.n_adds.load(Ordering::SeqCst)
        };
        let all_answered = async {
            while !seen.iter().all(is_answered) {
                tokio::task::yield_now().await;
            }
        };
        let is_done = timeout(Duration::from_secs(60), all_answered).await;
        assert!(is_done.is_ok(), "an add was not answered: {queue:?}");
        queue.close();
        for worker in workers {
            worker.await.expect("no panic");
        }
    });
}

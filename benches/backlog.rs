//! How fast does the controller work off a backlog, what does each Query of it cost, and who waits for whom?
//!
//! Ours stands beside kube-runtime's `Controller`, which does the same work on the same API stand-in: two status
//! patches per Query around an execution that answers at once. Ours writes a finalizer and a claim on top of that.
//! Completions and writes are counted at the stand-in; each Query is asserted to have been executed once.
//!
//! * `drain`: wall time from the start of the controller until 1,000 Queries over 50 namespaces are done.
//! * `cpu_per_query`: CPU time of the one thread, stand-in included, for one Query to end and the next to start while
//!   so many others wait. 16 are in flight, unless the parameter says `unbounded`: there all of them are.
//! * `quiet_wait_p99`: **simulated time**, no machine's speed is in it. One slot, executions of 100 ms; a quiet
//!   namespace keeps it busy for 8 % of the time, a noisy one for 80 %. The 99th percentile of the quiet one's waits
//!   from creation to execution, over seeded arrivals.
//!
//! Not timed: creating the Queries, deleting those that are done, starting and stopping.
//! Do not conclude: anything about a real API server, whose latency would hide most of these costs.

#[path = "backlog/arrivals.rs"]
mod arrivals;
#[path = "backlog/subject.rs"]
mod subject;
#[path = "backlog/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use benches::{Suite, clock, runtime, suite_main};
use criterion::Throughput;
use results::figures::{Bound, Figure};
use results::stats::Quantile;
use tokio::runtime::{Builder, Runtime};

use self::arrivals::Arrivals;
use self::subject::{Bounds, Subject};
use self::world::World;

/// Queries in flight at once where it is bounded; the smallest bound in which kube-runtime's cost per Query is at its floor.
const IN_FLIGHT: usize = 16;

/// Namespaces of the capacity document's large population.
const N_NAMESPACES: usize = 50;

fn drain(suite: &mut Suite<'_>) {
    suite.macro_cases();
    let n_queries = suite.population(1_000, 20);
    suite.throughput(Throughput::Elements(n_queries as u64));
    for (parameter, subject) in [
        ("ours", Subject::Ours),
        ("kube_runtime", Subject::KubeRuntime),
    ] {
        suite.prepared(
            "drain",
            parameter,
            runtime::current_thread,
            |bencher, runtime| {
                bencher.iter_custom(|n_iterations| {
                    (0..n_iterations)
                        .map(|_| runtime.block_on(drained(subject, n_queries)))
                        .sum()
                });
            },
        );
    }
}

/// How long a fresh backlog takes from the start of the controller.
async fn drained(subject: Subject, n_queries: usize) -> Duration {
    let world = World::new();
    world.create(n_queries, N_NAMESPACES).await;
    world.open_gate();
    let began = Instant::now();
    let running = subject.start(&world, Bounds::in_flight(IN_FLIGHT));
    world.until_done(n_queries).await;
    let took = began.elapsed();
    world.assert_executed_once(n_queries).await;
    running.stop().await;
    took
}

/// A controller with a backlog that stays as long as it is.
struct Standing {
    runtime: Runtime,
    world: World,
    n_waiting: usize,
}

impl Standing {
    fn new(subject: Subject, bounds: Bounds, n_waiting: usize) -> Self {
        let runtime = runtime::current_thread();
        let world = runtime.block_on(async {
            let world = World::new();
            world.create(n_waiting, N_NAMESPACES).await;
            // Lives as long as the runtime.
            let _ = subject.start(&world, bounds);
            world.until_parked(bounds.in_flight.min(n_waiting)).await;
            world
        });
        Self {
            runtime,
            world,
            n_waiting,
        }
    }

    /// CPU time in which so many Queries end, each making room for another.
    fn cpu_time_of(&self, n_queries: usize) -> Duration {
        let Self { world, runtime, .. } = self;
        runtime.block_on(world.create(n_queries, N_NAMESPACES));
        runtime.block_on(world.settle());
        let before = clock::cpu_time();
        runtime.block_on(world.let_finish(n_queries));
        let spent = clock::cpu_time() - before;
        runtime.block_on(world.delete_done());
        assert_eq!(
            world.n_stored(),
            self.n_waiting,
            "the backlog is as long as before"
        );
        spent
    }
}

fn cpu_per_query(suite: &mut Suite<'_>) {
    suite.macro_cases();
    suite.throughput(Throughput::Elements(1));
    let bounded = Bounds::in_flight(IN_FLIGHT);
    let unbounded = Bounds::in_flight(usize::MAX);
    for (parameter, subject, bounds, n_waiting) in [
        ("ours_1k_waiting", Subject::Ours, bounded, 1_000),
        ("ours_30k_waiting", Subject::Ours, bounded, 30_000),
        (
            "kube_runtime_1k_waiting",
            Subject::KubeRuntime,
            bounded,
            1_000,
        ),
        (
            "kube_runtime_30k_waiting",
            Subject::KubeRuntime,
            bounded,
            30_000,
        ),
        (
            "kube_runtime_unbounded_1k",
            Subject::KubeRuntime,
            unbounded,
            1_000,
        ),
        // At 30,000 this takes half a minute of CPU time to set up alone: the cost grows with the square.
        (
            "kube_runtime_unbounded_5k",
            Subject::KubeRuntime,
            unbounded,
            5_000,
        ),
    ] {
        let n_waiting = suite.population(n_waiting, 100);
        suite.prepared(
            "cpu_per_query",
            parameter,
            || Standing::new(subject, bounds, n_waiting),
            |bencher, standing| {
                bencher.iter_custom(|n_iterations| standing.cpu_time_of(n_iterations as usize));
            },
        );
    }
}

/// How long one execution takes in simulated time.
const SERVICE: Duration = Duration::from_millis(100);

/// How busy each namespace alone would keep the only slot.
const QUIET_LOAD: f64 = 0.08;
const NOISY_LOAD: f64 = 10.0 * QUIET_LOAD;

const OURS_ALONE: &str = "ours_alone";
const OURS_BESIDE_NOISY: &str = "ours_beside_noisy";

fn quiet_wait_p99(suite: &mut Suite<'_>) {
    suite.macro_cases();
    let n_quiet = suite.population(200, 10);
    let mut pooled = BTreeMap::new();
    for (parameter, subject, noisy_load) in [
        (OURS_ALONE, Subject::Ours, None),
        (OURS_BESIDE_NOISY, Subject::Ours, Some(NOISY_LOAD)),
        ("kube_runtime_alone", Subject::KubeRuntime, None),
        (
            "kube_runtime_beside_noisy",
            Subject::KubeRuntime,
            Some(NOISY_LOAD),
        ),
    ] {
        let mut seed = 0;
        let all_waits: &mut Vec<f64> = pooled.entry(parameter).or_default();
        suite.case("quiet_wait_p99", parameter, |bencher| {
            bencher.iter_custom(|n_iterations| {
                // One run per sample, each with arrivals of its own; Criterion thinks there were `n_iterations`.
                seed += 1;
                let arrivals = Arrivals::seeded(seed, n_quiet, SERVICE, QUIET_LOAD, noisy_load);
                let mut waits = quiet_waits(subject, &arrivals);
                assert_eq!(waits.len(), n_quiet, "every quiet Query was executed once");
                waits.sort_unstable();
                all_waits.extend(waits.iter().map(Duration::as_secs_f64));
                waits[(n_quiet * 99).div_ceil(100) - 1] * n_iterations as u32
            });
        });
    }
    tenants_promise(suite, &pooled);
}

/// The promise about tenants: over all runs of a case together, for one run has too few waits for its 99th percentile.
fn tenants_promise(suite: &mut Suite<'_>, pooled: &BTreeMap<&str, Vec<f64>>) {
    let p99 = |parameter| Quantile::of(pooled.get(parameter)?, 0.99);
    let (Some(alone), Some(beside)) = (p99(OURS_ALONE), p99(OURS_BESIDE_NOISY)) else {
        return;
    };
    // Wider than it need be: both at their 95 % limits at once.
    let interval = (beside.low / alone.high, beside.high / alone.low);
    let ratio = beside.estimate / alone.estimate;
    let text = "p99 wait of a quiet tenant beside a noisy one over that alone, simulated";
    let figure = Figure::measured("quiet_wait_growth", ratio, interval, "ratio", text);
    suite.figure(figure.bound(Bound::AtMost(2.0)));
}

/// The waits of the quiet namespace in simulated time.
fn quiet_waits(subject: Subject, arrivals: &Arrivals) -> Vec<Duration> {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a current-thread runtime needs no resources");
    runtime.block_on(async {
        let world = World::taking(SERVICE);
        world.open_gate();
        let running = subject.start(&world, Bounds::in_flight(1));
        world.settle().await;
        let waits = arrivals.play(&world).await;
        running.stop().await;
        waits
    })
}

suite_main!(drain, cpu_per_query, quiet_wait_p99);

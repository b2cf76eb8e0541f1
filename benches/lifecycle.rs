//! What does a Query cost us from its creation to its end, and do many at once finish as fast as their model allows?
//!
//! Each Query has one model target, asked over loopback HTTP; it is claimed, started and finished with one write each.
//! `latency_100ms`: one iteration is three rounds of as many Queries as run at once, with one round before and one
//! behind them that are not counted. The model takes 100 ms, so three rounds cannot take less than 300 ms.
//! `zero_latency`: one iteration is one Query of a backlog of 300, from the start of the controller; wall time.
//! `own_cpu`: one iteration is one Query of the waiting backlog; CPU time of our thread without the stand-in's share
//! and without the stub, which has a thread of its own. Creating the backlog is not in it, reading its list is.
//! Do not conclude anything about a real API server, whose writes take milliseconds.

use std::time::Duration;

use benches::site::Site;
use benches::{Suite, suite_main};
use criterion::Throughput;
use results::figures::{Bound, Figure};

const LATENCY: Duration = Duration::from_millis(100);

/// Rounds that count in one iteration.
const N_ROUNDS: usize = 3;

/// Queries in a backlog of `zero_latency`.
const N_SMALL: usize = 300;

/// The three widths of the capacity document.
const AT_ONCE: [(&str, usize); 3] = [("1_at_once", 1), ("10_at_once", 10), ("50_at_once", 50)];

fn latency_100ms(suite: &mut Suite<'_>) {
    suite.macro_cases();
    for (parameter, n_at_once) in AT_ONCE {
        let n_rounds = if suite.is_smoke() { 1 } else { N_ROUNDS };
        let n_queries = n_rounds * n_at_once;
        let mut shares = Vec::new();
        suite.throughput(Throughput::Elements(n_queries as u64));
        suite.prepared(
            "latency_100ms",
            parameter,
            || Site::new(LATENCY),
            |bencher, site| {
                bencher.iter_custom(|n_iterations| {
                    let mut wall = Duration::ZERO;
                    for _ in 0..n_iterations {
                        let run = site.serve(n_rounds, n_at_once);
                        let limit = LATENCY.mul_f64(n_rounds as f64);
                        shares.push(limit.as_secs_f64() / run.wall.as_secs_f64());
                        wall += run.wall;
                    }
                    wall
                });
            },
        );
        let name = format!("share_of_limit/{parameter}");
        let text = "throughput as a share of what the model's 100 ms allow";
        if let Some(figure) = Figure::median_of(&name, &shares, "ratio", text) {
            suite.figure(figure.bound(Bound::AtLeast(0.97)));
        }
    }
}

fn zero_latency(suite: &mut Suite<'_>) {
    suite.macro_cases();
    suite.throughput(Throughput::Elements(1));
    for (parameter, n_at_once) in AT_ONCE {
        let n_queries = suite.population(N_SMALL, 50);
        let n_runs = suite.n_runs();
        suite.prepared(
            "zero_latency",
            parameter,
            || Site::new(Duration::ZERO),
            |bencher, site| {
                bencher.iter_custom(|n_iterations| {
                    let runs = (0..n_runs(n_iterations)).map(|_| site.drain(n_queries, n_at_once));
                    mean(runs.map(|run| run.wall)).mul_f64(n_iterations as f64 / n_queries as f64)
                });
            },
        );
    }
}

fn own_cpu(suite: &mut Suite<'_>) {
    suite.macro_cases();
    suite.throughput(Throughput::Elements(1));
    let n_few = suite.population(1_000, 50);
    let n_many = suite.population(30_000, 100);
    let n_runs = suite.n_runs();
    let n_growths = if suite.keeps_figures() { 3 } else { 0 };
    let (mut own, mut stand_in, mut growth) = (Vec::new(), Vec::new(), Vec::new());
    suite.prepared(
        "own_cpu",
        "1k_waiting",
        || {
            let site = Site::new(Duration::ZERO);
            // Side by side, so that both meet the same neighbours on a shared machine.
            for _ in 0..n_growths {
                let few = site.drain(n_few, 50).own_cpu_per_query();
                let many = site.drain(n_many, 50).own_cpu_per_query();
                growth.push(many.as_secs_f64() / few.as_secs_f64());
            }
            site
        },
        |bencher, site| {
            bencher.iter_custom(|n_iterations| {
                let runs = (0..n_runs(n_iterations)).map(|_| site.drain(n_few, 50));
                let per_query = runs.map(|run| {
                    own.push(micros(run.own_cpu_per_query()));
                    stand_in.push(micros(run.stand_in_cpu_per_query()));
                    run.own_cpu_per_query()
                });
                mean(per_query).mul_f64(n_iterations as f64)
            });
        },
    );
    let text =
        "our CPU time per Query: claim, running, terminal write and one target over loopback HTTP";
    if let Some(figure) = Figure::median_of("own_cpu_per_query", &own, "µs", text) {
        suite.figure(figure.bound(Bound::AtMost(100.0)));
    }
    let text = "the API stand-in's CPU time per Query, not in the figure above";
    if let Some(figure) = Figure::median_of("stand_in_cpu_per_query", &stand_in, "µs", text) {
        suite.figure(figure);
    }
    let text = "our CPU time per Query with 30,000 waiting, over that with 1,000";
    if let Some(figure) = Figure::median_of("own_cpu_growth", &growth, "ratio", text) {
        suite.figure(figure.bound(Bound::AtMost(1.3)));
    }
}

fn mean(times: impl Iterator<Item = Duration>) -> Duration {
    let (total, n_times) = times.fold((Duration::ZERO, 0), |(total, n_times), time| {
        (total + time, n_times + 1)
    });
    total / n_times.max(1)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

suite_main!(latency_100ms, zero_latency, own_cpu);

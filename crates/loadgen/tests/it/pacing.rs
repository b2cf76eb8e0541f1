//! How precisely starts are made, beside plain tokio timers, and what a starved generator says of itself.
//!
//! Both are figures of a machine, so they are measured only where `PLIMSOLL_FIGURES` is set, with
//! `PLIMSOLL_FIGURES=1 cargo test --release -p loadgen --test it pacing -- --nocapture`.
#![expect(
    clippy::print_stdout,
    reason = "what was measured, and that nothing was, is for whoever runs it"
)]

use std::mem::size_of_val;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use loadgen::driver::null::Null;
use loadgen::health::Verdict;
use loadgen::runtime::of_generator;

use crate::runs::{ran, scenario};

fn is_asked_for() -> bool {
    let asked = std::env::var_os("PLIMSOLL_FIGURES").is_some();
    if !asked {
        println!("skipped: set PLIMSOLL_FIGURES to measure");
    }
    asked
}

/// Our 99th percentile of schedule lag, unset if the hypervisor took all of the run, and what the generator says of
/// itself.
fn paced(rate: u32, seconds: u32) -> (Option<Duration>, Verdict) {
    let open = format!(
        "[open]\nstart = {rate}.0\nspacing = \"even\"\nstages = [{{ duration = \"{seconds}s\", rate = {rate}.0 }}]"
    );
    let scenario = scenario(&open, "1ms", "");
    let running = async move {
        ran(&scenario, Arc::new(Null::default()))
            .await
            .expect("it runs")
    };
    let runtime = of_generator().expect("threads");
    let ran = runtime.block_on(runtime.spawn(running)).expect("it ends");
    (ran.health.lag_p99, ran.health.verdict)
}

/// The same of one task per start that sleeps to it.
fn timed(rate: u32, seconds: u32) -> Duration {
    let runtime = of_generator().expect("threads");
    let sleeping = async move {
        let begin = Instant::now() + Duration::from_millis(50);
        let starts = (0..rate * seconds).map(|number| {
            let due = begin + Duration::from_secs(1) * number / rate;
            tokio::spawn(async move {
                tokio::time::sleep_until(due.into()).await;
                due.elapsed()
            })
        });
        let mut lags = Vec::new();
        for start in starts.collect::<Vec<_>>() {
            lags.push(start.await.expect("it ends"));
        }
        lags.sort_unstable();
        lags[lags.len() * 99 / 100]
    };
    runtime.block_on(runtime.spawn(sleeping)).expect("it ends")
}

#[test]
fn starts_are_made_within_two_milliseconds() {
    if !is_asked_for() {
        return;
    }
    const SECONDS: u32 = 5;
    println!(
        "| starts/s | lag p99, pacer thread | health | lag p99, tokio timers |\n|---|---|---|---|"
    );
    for rate in [1_000, 10_000] {
        for _ in 0..3 {
            let (ours, verdict) = paced(rate, SECONDS);
            let theirs = timed(rate, SECONDS);
            let ours = ours.map_or("unknown".to_owned(), |ours| format!("{ours:?}"));
            println!("| {rate} | {ours} | {} | {theirs:?} |", verdict.words());
        }
    }
}

/// Lets this thread, and those that it starts from now on, run on one processor alone.
fn pin_to_one() {
    // SAFETY: an all-zero set is a set, and the call reads no further than its size.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(0, &mut set);
        assert_eq!(
            libc::sched_setaffinity(0, size_of_val(&set), &raw const set),
            0
        );
    }
}

#[test]
fn a_generator_beside_a_spinner_says_that_it_spoiled_the_run() {
    if !is_asked_for() {
        return;
    }
    const RUNS: usize = 20;
    let is_invalid = |verdict: &Verdict| *verdict == Verdict::Invalid;
    let (mut starved, mut free) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        starved.push(starved_verdict());
        // The same with all processors to itself: on a machine whose neighbours spoil this one, the other says nothing.
        free.push(paced(2_000, 2).1);
    }
    let n_starved = starved.iter().filter(|verdict| is_invalid(verdict)).count();
    let n_free = free.iter().filter(|verdict| is_invalid(verdict)).count();
    println!(
        "invalid in {n_starved} of {RUNS} runs beside a spinner, in {n_free} of {RUNS} without one"
    );
    assert_eq!(n_starved, RUNS, "{starved:?}");
}

/// What a generator says of itself that shares its one processor with a spinner.
fn starved_verdict() -> Verdict {
    let starved = std::thread::spawn(|| {
        pin_to_one();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let spinner = std::thread::spawn(move || while !seen.load(Ordering::Relaxed) {});
        let verdict = paced(2_000, 2).1;
        stop.store(true, Ordering::Relaxed);
        spinner.join().expect("it stops");
        verdict
    });
    starved.join().expect("it ends")
}

//! The loop itself, against a system that takes a fixed time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use loadgen::driver::Driver;
use loadgen::driver::null::Null;
use loadgen::error::DriverError;
use loadgen::outcome::Outcome;
use loadgen::run::{Ended, Ran, RunSettings, Witness, run};
use loadgen::sample::Times;
use loadgen::scenario::Scenario;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// A scenario of this load, with a model that takes `latency`.
pub(crate) fn scenario(load: &str, latency: &str, rest: &str) -> Scenario {
    let text = format!(
        "text = \"A test; does not show anything.\"\n{rest}\n{load}\n[llm]\nlatency = [\"{latency}\", \"{latency}\"]\n"
    );
    Scenario::parse(Path::new("test.toml"), &text).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn settings() -> RunSettings {
    RunSettings::alone("test", Duration::from_secs(20))
}

pub(crate) async fn ran(scenario: &Scenario, driver: Arc<dyn Driver>) -> Result<Ran, DriverError> {
    let interrupt = CancellationToken::new();
    run(scenario, driver, &settings(), interrupt, |_| {}).await
}

/// Notes the times of every operation; a report leaves out what the hypervisor spoiled.
#[derive(Debug, Default)]
struct Stopwatch(Mutex<Vec<Times>>);

impl Witness for Stopwatch {
    fn ended(&self, ended: &Ended<'_>) {
        self.0.lock().push(*ended.times);
    }
}

/// A run, and the times of all that ended.
pub(crate) async fn witnessed(scenario: &Scenario, driver: Arc<dyn Driver>) -> (Ran, Vec<Times>) {
    let stopwatch = Arc::new(Stopwatch::default());
    let settings = RunSettings {
        witness: Some(stopwatch.clone()),
        ..settings()
    };
    let interrupt = CancellationToken::new();
    let ran = run(scenario, driver, &settings, interrupt, |_| {}).await;
    let times = std::mem::take(&mut *stopwatch.0.lock());
    (ran.expect("it runs"), times)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_run_makes_every_start_of_its_schedule() {
    let open = "[open]\nstart = 200.0\nstages = [{ duration = \"500ms\", rate = 200.0 }]";
    let scenario = scenario(open, "1ms", "");
    let (ran, times) = witnessed(&scenario, Arc::new(Null::default())).await;
    let all = ran.recorder.all();
    assert_eq!(ran.started, ran.plan.starts as u64);
    assert_eq!(all.outcomes.get(Outcome::Done), ran.started);
    assert_eq!(all.acknowledged, ran.started);
    assert!(!ran.interrupted);
    // From the intended start: what was sent late is in it, and nothing was sent early.
    let of = |times: &Times| times.response().zip(times.service());
    let all: Vec<_> = times.iter().filter_map(of).collect();
    assert_eq!(all.len() as u64, ran.started);
    assert!(all.iter().all(|(response, service)| response >= service));
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_users_wait_for_each_answer() {
    let scenario = scenario("[closed]\nusers = 4\nqueries = 40", "10ms", "");
    let takes = Duration::from_millis(10);
    let ran = ran(&scenario, Arc::new(Null::taking(takes)))
        .await
        .expect("it runs");
    assert_eq!(ran.recorder.all().outcomes.get(Outcome::Done), 40);
    // Four users, ten turns each.
    assert!(ran.duration >= takes * 10, "{:?}", ran.duration);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_who_are_answered_at_once_meet_no_timer_and_ask_until_the_time_is_over() {
    let scenario = scenario("[closed]\nusers = 1\nduration = \"300ms\"", "1ms", "");
    let ran = ran(&scenario, Arc::new(Null::default()))
        .await
        .expect("it runs");
    // As many as are drawn, one for each millisecond: with a timer in between there cannot be more.
    assert!(ran.started > ran.plan.starts as u64, "{}", ran.started);
    assert!(ran.duration >= Duration::from_millis(250));
    assert_eq!(ran.recorder.all().outcomes.get(Outcome::Done), ran.started);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_without_an_end_times_out_and_frees_its_user() {
    let scenario = scenario("[closed]\nusers = 2\nqueries = 4", "1ms", "");
    let driver = Arc::new(Null::taking(Duration::from_secs(3600)));
    let settings = RunSettings {
        timeout: Duration::from_millis(200),
        ..settings()
    };
    let interrupt = CancellationToken::new();
    let ran = run(&scenario, driver, &settings, interrupt, |_| {})
        .await
        .expect("it runs");
    let all = ran.recorder.all();
    assert_eq!(all.outcomes.get(Outcome::TimedOut), 4);
    assert_eq!(all.response.came.len(), 0);
    assert_eq!(all.response.censored + all.set_aside, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_broken_off_says_so_and_loses_nothing() {
    let scenario = scenario("[closed]\nusers = 3\nqueries = 1000", "1ms", "");
    let driver = Arc::new(Null::taking(Duration::from_millis(300)));
    let interrupt = CancellationToken::new();
    let hand = interrupt.clone();
    let interrupting = move |progress: &loadgen::run::Progress| {
        if progress.outcomes.total() > 0 {
            hand.cancel();
        }
    };
    let ran = run(&scenario, driver, &settings(), interrupt, interrupting).await;
    let ran = ran.expect("it ends in good order");
    assert!(ran.interrupted);
    let outcomes = ran.recorder.all().outcomes;
    assert!(outcomes.get(Outcome::Cancelled) > 0);
    assert_eq!(outcomes.total(), ran.started);
}

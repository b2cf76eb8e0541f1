//! Our own control plane through the stand-in: the whole way, small.

use std::sync::Arc;
use std::time::Duration;

use loadgen::driver::Driver;
use loadgen::driver::in_process::{InProcess, InProcessConfig};
use loadgen::invariants;
use loadgen::outcome::Outcome;
use loadgen::run::{Ran, RunSettings, run};
use loadgen::sample::Times;
use query_api::dialect::Dialect;
use testbed::kube_api::{Effect, Fault, Verb};
use testbed::llm::script::{Calls, Fault as LlmFault, Reply, Script, Trigger};
use tokio_util::sync::CancellationToken;

use crate::runs::{ran, scenario, settings, witnessed};

const CLOSED: &str = "[closed]\nusers = 5\nqueries = 25";

fn assert_invariants(ran: &Ran) {
    for invariant in invariants::check(ran) {
        assert_eq!(invariant.holds, Some(true), "{invariant:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_is_done_once_with_its_own_answer_in_either_dialect() {
    for dialect in Dialect::ALL {
        let scenario = scenario(CLOSED, "10ms", "tenants = 2\nagents = 2");
        let driver = InProcess::new(InProcessConfig {
            dialect,
            ..InProcessConfig::default()
        });
        let ran = ran(&scenario, Arc::new(driver)).await.expect("it runs");
        let all = ran.recorder.all();
        assert_eq!(all.outcomes.get(Outcome::Done), 25, "{dialect}");
        assert_eq!(all.queue_wait.count() + all.set_aside, 25, "{dialect}");
        let executions = ran.findings.executions.as_ref().expect("the stub counts");
        assert_eq!(executions.len(), 25, "{dialect}");
        assert!(executions.values().all(|count| *count == 1), "{dialect}");
        assert_invariants(&ran);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_are_called_before_the_answer() {
    let text = "[closed]\nusers = 2\nqueries = 4";
    let mut scenario = scenario(text, "5ms", "");
    scenario.llm.tool_calls = 2;
    scenario.llm.tools = 3;
    let ran = ran(
        &scenario,
        Arc::new(InProcess::new(InProcessConfig::default())),
    )
    .await;
    let ran = ran.expect("it runs");
    assert_eq!(ran.recorder.all().outcomes.get(Outcome::Done), 4);
    assert_invariants(&ran);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_are_at_work_than_the_cap_and_the_rest_waits() {
    let scenario = scenario("[burst]\ncount = 12", "50ms", "");
    let driver = InProcess::new(InProcessConfig {
        in_flight: 3,
        ..InProcessConfig::default()
    });
    let (ran, times) = witnessed(&scenario, Arc::new(driver)).await;
    assert_eq!(ran.findings.most_at_once, Some((3, 3)));
    assert!(
        ran.duration >= Duration::from_millis(200),
        "four rounds of 50 ms"
    );
    let waited = times.iter().filter_map(Times::queue_wait).max();
    assert!(waited >= Some(Duration::from_millis(100)), "{waited:?}");
    assert_invariants(&ran);
}

/// Prepares, changes the world, then runs.
async fn ran_after(change: impl FnOnce(&InProcess) + Send + 'static, timeout: Duration) -> Ran {
    struct Changed<F> {
        driver: InProcess,
        change: parking_lot::Mutex<Option<F>>,
    }
    impl<F: FnOnce(&InProcess) + Send> Driver for Changed<F> {
        fn capabilities(&self) -> loadgen::driver::Capabilities {
            self.driver.capabilities()
        }
        fn prepare<'a>(
            &'a self,
            setting: &'a loadgen::driver::Setting,
        ) -> futures::future::BoxFuture<'a, Result<(), loadgen::error::DriverError>> {
            Box::pin(async move {
                self.driver.prepare(setting).await?;
                if let Some(change) = self.change.lock().take() {
                    change(&self.driver);
                }
                Ok(())
            })
        }
        fn observe(
            &self,
            sightings: loadgen::driver::Sightings,
        ) -> futures::future::BoxFuture<'_, Result<(), loadgen::error::DriverError>> {
            self.driver.observe(sightings)
        }
        fn start<'a>(
            &'a self,
            start: &'a loadgen::driver::Start,
            sightings: &'a loadgen::driver::Sightings,
        ) -> futures::future::BoxFuture<'a, ()> {
            self.driver.start(start, sightings)
        }
        fn cancel<'a>(
            &'a self,
            start: &'a loadgen::driver::Start,
        ) -> futures::future::BoxFuture<'a, ()> {
            self.driver.cancel(start)
        }
        fn classify(&self, start: &loadgen::driver::Start, end: &loadgen::driver::End) -> Outcome {
            self.driver.classify(start, end)
        }
        fn verify(
            &self,
        ) -> futures::future::BoxFuture<
            '_,
            Result<loadgen::driver::Findings, loadgen::error::DriverError>,
        > {
            self.driver.verify()
        }
        fn clean_up(
            &self,
        ) -> futures::future::BoxFuture<'_, Result<usize, loadgen::error::DriverError>> {
            self.driver.clean_up()
        }
    }
    let driver = Changed {
        driver: InProcess::new(InProcessConfig::default()),
        change: parking_lot::Mutex::new(Some(change)),
    };
    let settings = RunSettings {
        timeout,
        ..settings()
    };
    let scenario = scenario("[burst]\ncount = 6", "20ms", "");
    let interrupt = CancellationToken::new();
    let ran = run(&scenario, Arc::new(driver), &settings, interrupt, |_| {}).await;
    ran.expect("it runs")
}

const PATIENT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_says_something_else_gives_wrong_answers() {
    let say = |driver: &InProcess| {
        let stub = driver.stub().expect("it is prepared");
        stub.play(Script::new().otherwise(Reply::text("42")));
    };
    let ran = ran_after(say, PATIENT).await;
    assert_eq!(ran.recorder.all().outcomes.get(Outcome::WrongAnswer), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_refuses_gives_failures() {
    let refuse = |driver: &InProcess| {
        let script = Script::new().with_fault(LlmFault::Status(400), Calls::any(), Trigger::Always);
        driver.stub().expect("it is prepared").play(script);
    };
    let ran = ran_after(refuse, PATIENT).await;
    assert_eq!(ran.recorder.all().outcomes.get(Outcome::Failed), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_creation_is_a_denial_by_rate() {
    let refuse = |driver: &InProcess| {
        let refusal = Fault::new(Effect::TooManyRequests(1))
            .on(Verb::Create)
            .of("queries");
        driver.api().faults().add(refusal);
    };
    let ran = ran_after(refuse, PATIENT).await;
    let all = ran.recorder.all();
    assert_eq!(all.outcomes.get(Outcome::DeniedByRate), 6);
    assert_eq!(all.acknowledged, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_goes_blind_is_read_again_and_its_ends_are_censored() {
    let blind = |driver: &InProcess| {
        let expiry = Fault::new(Effect::ExpireWatch)
            .on(Verb::Watch)
            .of("queries");
        driver.api().faults().add(expiry.next(4));
    };
    let ran = ran_after(blind, PATIENT).await;
    let all = ran.recorder.all();
    let ended = all.outcomes.get(Outcome::Done);
    assert_eq!(ended, 6, "{:?}", all.outcomes);
    assert_eq!(all.response.count() + all.set_aside, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_never_answers_leaves_timeouts_that_are_censored() {
    let silence = |driver: &InProcess| {
        let script = Script::new().with_fault(LlmFault::Timeout, Calls::any(), Trigger::Always);
        driver.stub().expect("it is prepared").play(script);
    };
    let ran = ran_after(silence, Duration::from_secs(1)).await;
    let all = ran.recorder.all();
    let censored = all.outcomes.get(Outcome::TimedOut) + all.outcomes.get(Outcome::Failed);
    assert_eq!(censored, 6, "{:?}", all.outcomes);
    assert!(all.response.came.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_that_pass_cost_calls_and_no_answer() {
    let struck = |driver: &InProcess| {
        let next = Trigger::Next(2);
        let script = Script::new().with_fault(LlmFault::Status(503), Calls::any(), next);
        driver.stub().expect("it is prepared").play(script);
    };
    let ran = ran_after(struck, PATIENT).await;
    assert_eq!(ran.recorder.all().outcomes.get(Outcome::Done), 6);
    let model = ran.findings.model.expect("the stub counts");
    assert_eq!((model.calls, model.answered), (8, 6));
    // One question may have been struck twice.
    assert!((1..=2).contains(&model.struck), "{model:?}");
    assert_eq!(model.recovered, model.struck);
}

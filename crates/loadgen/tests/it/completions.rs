//! A model's own endpoint under load: what its stub did is known, so that what the generator says can be held against it.

use std::sync::Arc;
use std::time::Duration;

use loadgen::driver::completions::{Completions, CompletionsConfig};
use loadgen::outcome::Outcome;
use loadgen::run::Ran;
use loadgen::sample::Times;
use loadgen::scenario::Scenario;
use testbed::llm::latency::Latency;
use testbed::llm::script::{Calls, Fault, Reply, Script, Trigger};
use testbed::llm::server::LlmServer;
use testbed::llm::server::rates::PerMinute;
use testbed::llm::server::settings::Settings;
use testbed::llm::server::windows::Window;

use crate::runs::{ran, scenario, witnessed};

fn config(base_url: String) -> CompletionsConfig {
    CompletionsConfig {
        base_url,
        model: "stub".to_owned(),
        api_key: None,
        stream: false,
        patience: Duration::from_secs(5),
    }
}

fn driver(server: &LlmServer, stream: bool) -> Completions {
    let config = CompletionsConfig {
        stream,
        ..config(server.base_url())
    };
    Completions::new(config).expect("a good address")
}

async fn asked(server: &LlmServer, stream: bool, scenario: &Scenario) -> Ran {
    let driver = Arc::new(driver(server, stream));
    ran(scenario, driver).await.expect("it runs")
}

fn server(settings: &Settings) -> LlmServer {
    LlmServer::start(settings).expect("a free port")
}

fn twelve() -> Scenario {
    scenario("[closed]\nusers = 4\nqueries = 12", "1ms", "")
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_answers_are_done_once_each() {
    let server = server(&Settings::default());
    let ran = asked(&server, false, &twelve()).await;
    let all = ran.recorder.all();
    assert_eq!(all.outcomes.get(Outcome::Done), 12, "{:?}", all.outcomes);
    assert!(all.first_token.came.is_empty());
    let tally = server.tally();
    assert_eq!(
        (tally.calls, tally.answered, tally.executions),
        (12, 12, 12)
    );
    // Kept alive: one for each user, and another if it asks again before the first is given back; one for the address
    // that was tried.
    assert!(tally.connections <= 9, "{}", tally.connections);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_token_of_a_stream_is_seen_before_its_end() {
    let script = Script::new()
        .otherwise(Reply::Tokens(10))
        .with_inter_token(Latency::Fixed(Duration::from_millis(10)));
    let server = server(&Settings {
        script,
        ..Settings::default()
    });
    let (ran, times) = witnessed(&twelve(), Arc::new(driver(&server, true))).await;
    let all = ran.recorder.all();
    assert_eq!(all.outcomes.get(Outcome::Done), 12, "{:?}", all.outcomes);
    assert_eq!(all.first_token.count() + all.set_aside, 12);
    // Nine gaps lie between the first token and the last.
    let gaps = Duration::from_millis(80);
    for times in times {
        let (whole, first) = (times.response(), times.first_token());
        assert!(whole >= first.map(|first| first + gaps), "{times:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_faults_are_told_apart() {
    let struck = |fault| Settings {
        script: Script::new().with_fault(fault, Calls::any(), Trigger::Always),
        ..Settings::default()
    };
    let rate = PerMinute {
        requests: Some(1),
        tokens: None,
    };
    let limited = Settings {
        per_minute: rate,
        ..Settings::default()
    };
    for (settings, stream, outcome, count) in [
        (limited, false, Outcome::DeniedByRate, 11),
        (struck(Fault::Status(503)), false, Outcome::DeniedByCap, 12),
        (struck(Fault::Status(500)), false, Outcome::Failed, 12),
        (struck(Fault::NotJson), false, Outcome::Failed, 12),
        (struck(Fault::Cut), true, Outcome::Failed, 12),
    ] {
        let server = server(&settings);
        let ran = asked(&server, stream, &twelve()).await;
        let outcomes = ran.recorder.all().outcomes;
        assert_eq!(outcomes.get(outcome), count, "{outcomes:?}");
    }
}

/// Everything of the last two seconds before the stall's end waits for that end: the share of starts that waits for
/// longer than `x` is `(stall - x) / whole`, so that the 99th percentile is `stall - whole / 100`.
#[tokio::test(flavor = "multi_thread")]
async fn a_stall_of_the_model_is_in_the_latencies_of_all_who_came_meanwhile() {
    let (whole, stall) = (10.0, 2.0);
    let server = server(&Settings::default());
    let open = format!(
        "[open]\nstart = 100.0\nspacing = \"even\"\nstages = [{{ duration = \"{whole}s\", rate = 100.0 }}]"
    );
    let scenario = scenario(&open, "1ms", "");
    server.stall(Window {
        at: server.elapsed() + Duration::from_secs(4),
        lasts: Duration::from_secs_f64(stall),
    });
    let (ran, times) = witnessed(&scenario, Arc::new(driver(&server, false))).await;
    let all = ran.recorder.all();
    let n_starts = ran.plan.starts as u64;
    let n_done = all.outcomes.get(Outcome::Done);
    assert_eq!(n_done, n_starts, "{:?}", all.outcomes);
    let mut responses: Vec<Duration> = times.iter().filter_map(Times::response).collect();
    responses.sort_unstable();
    let p99 = responses[responses.len() * 99 / 100].as_secs_f64();
    // What the hypervisor spoiled is not in the report, and then it is one of the rest.
    if all.set_aside == 0 {
        let reported = all.response.quantile(0.99).expect("samples");
        let off = (reported.as_secs_f64() / p99 - 1.0).abs();
        assert!(off <= 0.01, "{reported:?} instead of {p99:.3} s");
    }
    let analytic = stall - whole / 100.0;
    let off = (p99 / analytic - 1.0).abs();
    assert!(off <= 0.05, "{p99:.3} s instead of {analytic:.3} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_and_no_address_are_told_apart() {
    let gone = {
        let server = server(&Settings::default());
        server.base_url()
    };
    let driver = Completions::new(config(gone)).expect("a good address");
    let error = ran(&twelve(), Arc::new(driver)).await.expect_err("gone");
    assert!(error.is_unreachable(), "{error}");
    for url in ["127.0.0.1:8080/v1", "ftp://model/v1", "http://a b/v1"] {
        let error = Completions::new(config(url.to_owned())).err();
        let error = error.unwrap_or_else(|| panic!("{url} is taken"));
        assert!(
            !error.is_unreachable() && error.to_string().contains("URL"),
            "{error}"
        );
    }
}

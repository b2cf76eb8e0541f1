//! The operations of the HTTP platforms on our own engine: all of each platform, once, and what it refuses.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use loadgen::driver::engine::{Engine, EngineConfig};
use loadgen::invariants;
use loadgen::outcome::Outcome;
use loadgen::recorder::Tally;
use loadgen::run::Ran;
use loadgen::sample::Times;
use loadgen::scenario::Scenario;
use quota::Limits;

use crate::runs::{ran, witnessed};

fn parsed(text: &str) -> Scenario {
    let text = format!("text = \"A test; does not show anything.\"\n{text}");
    Scenario::parse(Path::new("test.toml"), &text).unwrap_or_else(|error| panic!("{error}"))
}

fn engine(scenario: &Scenario, limits: Option<Limits>) -> Arc<Engine> {
    let engine = Engine::new(EngineConfig::of(scenario, 8, limits));
    Arc::new(engine.unwrap_or_else(|error| panic!("{error}")))
}

async fn run_of(scenario: &Scenario, limits: Option<Limits>) -> Ran {
    let engine = engine(scenario, limits);
    ran(scenario, engine).await.expect("it runs")
}

fn tally(scenario: &Scenario, ran: &Ran, name: &str) -> Tally {
    let names = scenario.operation_names();
    let index = names.iter().position(|known| *known == name);
    let index = index.unwrap_or_else(|| panic!("no operation {name}"));
    ran.recorder.of(index).expect("recorded").clone()
}

fn assert_invariants(ran: &Ran) {
    for invariant in invariants::check(ran) {
        assert_ne!(invariant.holds, Some(false), "{invariant:?}");
    }
}

/// Runs of two children each, whose model takes 10 ms.
fn maestro(users: usize, queries: usize) -> Scenario {
    parsed(&format!(
        "platform = \"agentmaestro\"\n[closed]\nusers = {users}\nqueries = {queries}\n\
         [runs]\nchildren = 2\npoll_interval = \"5ms\"\npoll_timeout = \"10s\"\n\
         [llm]\nlatency = [\"10ms\", \"10ms\"]"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_created_spawns_its_children_and_is_polled_to_its_end() {
    let scenario = maestro(4, 12);
    let (ran, times) = witnessed(&scenario, engine(&scenario, None)).await;
    let done = |name| tally(&scenario, &ran, name).outcomes.get(Outcome::Done);
    assert_eq!(["create", "spawn", "run"].map(done), [12, 24, 12]);
    // Its own step, and one for each child that it spawned.
    assert_eq!(done("tick"), 36);
    assert!(
        done("snapshot") > 12,
        "nothing ends before it is polled again"
    );
    assert_eq!(ran.recorder.of_starts().outcomes.total(), 12);
    assert_eq!(times.len(), 12);
    for times in times {
        assert!(
            times.response() >= Some(Duration::from_millis(10)),
            "{times:?}"
        );
    }
    assert_invariants(&ran);
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_deny_what_a_workspace_may_not_have() {
    let scenario = maestro(12, 24);
    let ran = run_of(&scenario, Some(Limits::default())).await;
    let outcomes = ran.recorder.all().outcomes;
    let denied = outcomes.get(Outcome::DeniedByRate) + outcomes.get(Outcome::DeniedByCap);
    // Five parents at once, and ten creations in a burst.
    assert!(denied > 0, "{outcomes:?}");
    let created = tally(&scenario, &ran, "create").outcomes;
    assert!(created.get(Outcome::Done) > 0, "{created:?}");
    assert_invariants(&ran);
}

#[tokio::test(flavor = "multi_thread")]
async fn ladders_climb_each_rung_after_the_last_answer_of_the_one_before() {
    let scenario = parsed(
        "platform = \"agentmaestro\"\n[[ladder]]\noperation = \"create\"\nsizes = [1, 4]\n\
         [[ladder]]\noperation = \"snapshot\"\nsizes = [2, 3]\n\
         [[operation]]\nname = \"create\"\nweight = 5.0\n[[operation]]\nname = \"snapshot\"\nweight = 5.0\n\
         [llm]\nlatency = [\"1ms\", \"1ms\"]",
    );
    let (ran, mut times) = witnessed(&scenario, engine(&scenario, None)).await;
    let done = |name| tally(&scenario, &ran, name).outcomes.get(Outcome::Done);
    assert_eq!(["create", "snapshot"].map(done), [5, 5]);
    times.sort_by_key(|times| times.intended);
    let rungs = [&times[..1], &times[1..5], &times[5..7], &times[7..]];
    for pair in rungs.windows(2) {
        let last = pair[0].iter().filter_map(|times| times.done).max();
        let first = pair[1].iter().map(|times: &Times| times.intended).min();
        assert!(last <= first, "{pair:?}");
    }
    assert_invariants(&ran);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_solved_in_as_many_calls_as_its_class_has_time_for() {
    let scenario = parsed(
        "platform = \"agentcore\"\n[closed]\nusers = 3\nqueries = 9\n\
         [[operation]]\nname = \"simple\"\nweight = 1.0\nlatency = [\"10ms\", \"10ms\"]\n\
         [[operation]]\nname = \"complex\"\nweight = 1.0\nlatency = [\"40ms\", \"40ms\"]\n\
         [llm]\nlatency = [\"10ms\", \"10ms\"]",
    );
    let config = EngineConfig::of(&scenario, 8, None);
    assert_eq!(config.model_calls, [1, 4]);
    let ran = run_of(&scenario, None).await;
    // Each answer is that of the last call to this very problem, or it would be a wrong one.
    assert_eq!(ran.recorder.all().outcomes.get(Outcome::Done), 9);
    let n_of = |name| tally(&scenario, &ran, name).outcomes.total();
    let model = ran.findings.model.expect("the stub counts");
    assert_eq!(model.calls, n_of("simple") + 4 * n_of("complex"));
    assert_eq!((model.answered, model.struck), (model.calls, 0));
    assert!(
        model.prompt_tokens > 0 && model.completion_tokens > 0,
        "{model:?}"
    );
    assert_invariants(&ran);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_read_written_and_given_missions() {
    let names = [
        "health",
        "session-list",
        "session-get",
        "mission",
        "event",
        "state-save",
        "state-load",
    ];
    let operations = names.map(|name| {
        let millis = if name == "mission" { 20 } else { 1 };
        format!("[[operation]]\nname = \"{name}\"\nweight = 1.0\nlatency = [\"{millis}ms\", \"{millis}ms\"]\n")
    });
    let scenario = parsed(&format!(
        "platform = \"taskforce\"\n[closed]\nusers = 5\nqueries = 140\n{}[llm]\nlatency = [\"10ms\", \"10ms\"]",
        operations.concat()
    ));
    let ran = run_of(&scenario, None).await;
    let all = ran.recorder.all();
    assert_eq!(all.outcomes.get(Outcome::Done), 140, "{:?}", all.outcomes);
    for name in names {
        assert!(tally(&scenario, &ran, name).outcomes.total() > 0, "{name}");
    }
    let missions = tally(&scenario, &ran, "mission");
    assert_eq!(
        missions.queue_wait.count() + missions.set_aside,
        missions.outcomes.total()
    );
    assert_invariants(&ran);
}

#[test]
fn an_operation_that_a_platform_does_not_have_is_refused_with_those_that_it_has() {
    let scenario = parsed(
        "platform = \"taskforce\"\n[closed]\nusers = 1\nqueries = 1\n\
         [[operation]]\nname = \"missoin\"\nweight = 1.0\n[llm]\nlatency = [\"1ms\", \"1ms\"]",
    );
    let refused = Engine::new(EngineConfig::of(&scenario, 8, None)).map(drop);
    let error = refused.expect_err("there is none").to_string();
    for part in ["Taskforce", "missoin", "mission", "session-list"] {
        assert!(error.contains(part), "{error}");
    }
}

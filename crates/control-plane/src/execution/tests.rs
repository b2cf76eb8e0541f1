//! Whole executions: a Query in, outcomes out, over the API stand-in and the stubs.

mod agents;
mod tools;

use std::sync::{Arc, Mutex};

use kube::{Api, Client, api::PostParams};
use query_api::{
    crd::crds,
    dialect::Dialect,
    query::{InputType, TargetKind},
    value_source::ObjectRef,
};
use serde_json::{Value, json};
use testbed::{
    kube_api::KubeApi,
    llm::{
        LlmStub,
        latency::Latency,
        script::{Calls, Fault, Reply, Script, ToolCall, Trigger},
    },
    population::{agent, model, query, secret, tool},
    tool::{Endpoint, ToolStub},
};

use super::*;
use crate::{
    agent::{AgentConfig, OnToolError},
    llm::{LlmClient, LlmConfig, retry::RetryPolicy},
    metrics::Metrics,
    resources::{Resources, ResourcesConfig},
};

/// A namespace with the Model `m` at the stub, and an executor that retries before anyone notices.
struct World {
    client: Client,
    executor: Executor,
    llm: LlmStub,
    metrics: Metrics,
}

impl World {
    async fn new(script: Script) -> Self {
        Self::with_config(script, ExecutionConfig::default()).await
    }

    async fn with_config(script: Script, config: ExecutionConfig) -> Self {
        let api = KubeApi::new().with_crds(crds(Dialect::Targets));
        let client = api.client("default");
        let metrics = Metrics::new();
        let llm = LlmStub::start(script).await;
        let retry = RetryPolicy {
            base: Duration::from_millis(1),
            ..RetryPolicy::default()
        };
        let calls = LlmClient::new(LlmConfig {
            retry,
            ..LlmConfig::default()
        });
        let resources = Resources::new(client.clone(), ResourcesConfig::default(), metrics.clone());
        let world = Self {
            executor: Executor::new(resources, calls, config, metrics.clone()),
            client,
            llm,
            metrics,
        };
        world.add(secret("keys").build()).await;
        let model = model("m").at(&world.llm.base_url()).with_key_in("keys");
        world.add(model.build()).await;
        world
    }

    async fn add<K>(&self, object: K)
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), "default");
        api.create(&PostParams::default(), &object).await.unwrap();
    }

    async fn run(&self, query: &Query) -> Vec<TargetOutcome> {
        let cancel = CancellationToken::new();
        self.executor.execute(query, &[], &cancel, &|_, _| {}).await
    }

    /// The contents of the only target, or its error.
    async fn answer(&self, query: &Query) -> Result<String, String> {
        let mut outcomes = self.run(query).await;
        assert_eq!(outcomes.len(), 1);
        let result = outcomes.remove(0).result;
        result
            .map(|answer| answer.content)
            .map_err(|error| error.to_string())
    }

    /// Labels and counts of a histogram, as they are exposed.
    fn counts(&self, histogram: &str) -> Vec<String> {
        let text = self.metrics.encode();
        let prefix = format!("{histogram}_count");
        let lines = text.lines().filter_map(|line| line.strip_prefix(&*prefix));
        lines.map(str::to_owned).collect()
    }
}

fn models(n_targets: usize) -> Query {
    let mut builder = query("q");
    for _ in 0..n_targets {
        builder = builder.with_model_target("m");
    }
    builder.build()
}

fn contents(outcomes: &[TargetOutcome]) -> Vec<Result<&str, String>> {
    let results = outcomes.iter().map(|outcome| &outcome.result);
    let results = results.map(|result| match result {
        Ok(answer) => Ok(&*answer.content),
        Err(error) => Err(error.to_string()),
    });
    results.collect()
}

#[tokio::test]
async fn every_target_is_called_once_and_answers_in_the_order_of_the_spec() {
    for n_targets in [1, 4, 64, 256] {
        let world = World::new(Script::new()).await;
        let outcomes = world.run(&models(n_targets)).await;
        let wanted: Vec<String> = (0..n_targets)
            .map(|index| format!("answer to default/q#{index} turn 0"))
            .collect();
        let wanted: Vec<_> = wanted.iter().map(|text| Ok(&**text)).collect();
        assert_eq!(contents(&outcomes), wanted);
        assert!(outcomes.iter().all(|outcome| !outcome.recorded));
        let calls = world.llm.calls_by_target();
        assert_eq!(calls.len(), n_targets);
        assert!(calls.values().all(|n_calls| *n_calls == 1));
        let usage = outcomes[0].result.as_ref().unwrap().usage;
        assert!(usage.prompt_tokens > 0 && usage.completion_tokens > 0);
    }
}

#[tokio::test]
async fn a_failed_and_a_late_target_stand_beside_the_answers_of_the_others() {
    let of_target = |target| Calls::any().and_target(target);
    let script = Script::new()
        .with_fault(Fault::Status(400), of_target(1), Trigger::Always)
        .with_fault(Fault::Timeout, of_target(2), Trigger::Always);
    let world = World::new(script).await;
    let mut query = models(4);
    query.spec.timeout = Some("200ms".parse().unwrap());
    let outcomes = world.run(&query).await;
    let contents = contents(&outcomes);
    assert_eq!(contents[0], Ok("answer to default/q#0 turn 0"));
    let refused = contents[1].as_ref().unwrap_err();
    assert!(refused.starts_with("model `stub-model` refused the call with status 400: "));
    assert_eq!(contents[2], Err("timed out after 200ms".into()));
    assert_eq!(contents[3], Ok("answer to default/q#3 turn 0"));
    let labels: Vec<_> = outcomes.iter().map(TargetOutcome::status_label).collect();
    assert_eq!(labels, ["done", "llm_refused", "timeout", "done"]);
    let response = outcomes[2].to_response();
    assert_eq!(response.phase, Some(Phase::Error));
    assert_eq!(response.content, "timed out after 200ms");
}

#[tokio::test]
async fn cancellation_leaves_no_call_running_and_starts_no_more() {
    let script = Script::new().with_fault(Fault::Timeout, Calls::any(), Trigger::Always);
    let config = ExecutionConfig {
        fan_out: crate::fan_out::FanOutConfig {
            per_query: 8,
            ..Default::default()
        },
        ..ExecutionConfig::default()
    };
    let world = World::with_config(script, config).await;
    let cancel = CancellationToken::new();
    let query = models(64);
    let run = world.executor.execute(&query, &[], &cancel, &|_, _| {});
    let canceller = async {
        // The stub counts on its own thread; eight calls arrive and then no more.
        while world.llm.calls() < 8 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (outcomes, ()) = tokio::join!(run, canceller);
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.status_label() == "canceled")
    );
    assert_eq!(world.executor.llm().in_flight(), 0);
    assert_eq!(world.llm.calls(), 8);
    let cut_off = [r#"{model="stub-model",provider="openai"} 8"#];
    assert_eq!(world.counts("ark_llm_call_duration_seconds"), cut_off);
}

#[tokio::test]
async fn recorded_targets_are_not_called_again() {
    let world = World::new(Script::new()).await;
    let recorded = |content: &str, phase| {
        Some(Response {
            content: content.into(),
            phase: Some(phase),
            ..Response::default()
        })
    };
    let recorded = [
        recorded("known", Phase::Done),
        None,
        recorded("lost", Phase::Error),
    ];
    let finished = Mutex::new(Vec::new());
    let note = |index, outcome: &TargetOutcome| {
        finished
            .lock()
            .unwrap()
            .push((index, outcome.status_label()));
    };
    let cancel = CancellationToken::new();
    let query = models(4);
    let outcomes = world
        .executor
        .execute(&query, &recorded, &cancel, &note)
        .await;
    let wanted = [
        Ok("known"),
        Ok("answer to default/q#1 turn 0"),
        Err("lost".into()),
        Ok("answer to default/q#3 turn 0"),
    ];
    assert_eq!(contents(&outcomes), wanted);
    let kept: Vec<_> = outcomes.iter().map(|outcome| outcome.recorded).collect();
    assert_eq!(kept, [true, false, true, false]);
    let mut finished = finished.into_inner().unwrap();
    finished.sort_unstable();
    assert_eq!(finished, [(1, "done"), (3, "done")]);
    assert_eq!(world.llm.calls(), 2);
}

#[tokio::test]
async fn inputs_are_templates_if_there_are_parameters_and_literal_otherwise() {
    let world = World::new(Script::new().otherwise(Reply::Echo)).await;
    let mut asking = models(1);
    asking.spec.input = "Hello {{.name}}, {{.who}}".into();
    let literal = world.answer(&asking).await;
    assert_eq!(literal, Ok("Hello {{.name}}, {{.who}}".into()));
    let parameters = json!([
        {"name": "name", "value": "Ann"},
        {"name": "who", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
    ]);
    asking.spec.parameters = serde_json::from_value(parameters).unwrap();
    assert_eq!(
        world.answer(&asking).await,
        Ok("Hello Ann, stub-key".into())
    );
    asking.spec.input = "{{.nobody}}".into();
    let wanted = "query cannot be executed: its template refers to `nobody`, which has no value";
    assert_eq!(world.answer(&asking).await, Err(wanted.into()));
}

#[tokio::test]
async fn messages_are_sent_as_they_are() {
    let world = World::new(Script::new().otherwise(Reply::Echo)).await;
    let mut asking = models(1);
    asking.spec.r#type = Some(InputType::Messages);
    asking.spec.input =
        json!([{"role": "system", "content": "x"}, {"role": "user", "content": "y"}]);
    assert_eq!(world.answer(&asking).await, Ok("y".into()));
    asking.spec.input = Value::from("y");
    let wanted = "query cannot be executed: its input is not a list of messages";
    assert_eq!(world.answer(&asking).await, Err(wanted.into()));
}

#[tokio::test]
async fn a_refused_key_is_read_again_and_tried_once_more() {
    let world = World::new(Script::new().with_api_key("stub-key")).await;
    let answer = world.answer(&models(1)).await;
    assert_eq!(answer, Ok("answer to default/q#0 turn 0".into()));
    let secrets: Api<k8s_openapi::api::core::v1::Secret> =
        Api::namespaced(world.client.clone(), "default");
    secrets.delete("keys", &Default::default()).await.unwrap();
    world
        .add(secret("keys").with_entry("token", "rotated").build())
        .await;
    world.llm.play(Script::new().with_api_key("rotated"));
    assert!(world.answer(&models(1)).await.is_ok());
    assert_eq!(world.llm.calls(), 3);
    world.llm.play(Script::new().with_api_key("nobody-has-it"));
    let refused = world.answer(&models(1)).await.unwrap_err();
    assert!(refused.starts_with("model `stub-model` refused the call with status 401"));
    assert_eq!(world.llm.calls(), 4, "the same key is not tried twice");
}

#[tokio::test]
async fn a_server_error_is_retried_and_the_query_answered() {
    let script = Script::new().with_fault(Fault::Status(500), Calls::any(), Trigger::Next(1));
    let world = World::new(script).await;
    assert!(world.answer(&models(1)).await.is_ok());
    assert_eq!(world.llm.calls_by_query()["default/q"], 2);
}

#[tokio::test]
async fn what_is_missing_or_not_supported_is_named() {
    let world = World::new(Script::new()).await;
    let mut with_engine = agent("engine").with_model("m").build();
    with_engine.spec.execution_engine = Some(reference("langchain"));
    world.add(with_engine).await;
    world
        .add(agent("toolless").with_model("m").with_tool("gone").build())
        .await;
    world
        .add(agent("modelless").with_model("gone").build())
        .await;
    let check = async |query: Query, wanted: &str| {
        assert_eq!(world.answer(&query).await, Err(wanted.into()));
    };
    let ask = |kind, name| query("q").with_target(kind, name).build();
    check(
        ask(TargetKind::Model, "gone"),
        "model `default/gone` does not exist",
    )
    .await;
    check(
        ask(TargetKind::Agent, "gone"),
        "agent `default/gone` does not exist",
    )
    .await;
    check(
        ask(TargetKind::Tool, "gone"),
        "tool `default/gone` does not exist",
    )
    .await;
    check(
        ask(TargetKind::Agent, "toolless"),
        "tool `default/gone` does not exist",
    )
    .await;
    check(
        ask(TargetKind::Agent, "modelless"),
        "model `default/gone` does not exist",
    )
    .await;
    let team = "team `t` is not supported by this controller";
    check(ask(TargetKind::Team, "t"), team).await;
    let engine =
        "execution engine `langchain` of agent `engine` is not supported by this controller";
    check(ask(TargetKind::Agent, "engine"), engine).await;
    let mut remembering = models(1);
    remembering.spec.memory = Some(reference("mem"));
    check(
        remembering,
        "memory `mem` is not supported by this controller",
    )
    .await;
    assert_eq!(world.llm.calls(), 0);
}

fn reference(name: &str) -> ObjectRef {
    ObjectRef {
        name: name.into(),
        namespace: None,
    }
}

#[tokio::test]
async fn two_hundred_fifty_six_targets_take_little_longer_than_one() {
    let latency = Latency::Fixed(Duration::from_millis(100));
    let world = Arc::new(World::new(Script::new().with_latency(latency)).await);
    let run = async |n_targets| {
        let started = tokio::time::Instant::now();
        let outcomes = world.run(&models(n_targets)).await;
        assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
        started.elapsed()
    };
    let one = run(1).await;
    let all = run(256).await;
    // The suite `fan_out` measures; here it only must not be one after another, on however busy a machine.
    assert!(all < one * 64, "{all:?} against {one:?}");
}

/// Futures of targets are moved into the fan-out, so their size is paid for by every target.
#[tokio::test]
async fn the_future_of_a_target_is_small() {
    let world = World::new(Script::new()).await;
    let query = models(1);
    let run = run::TargetRun::new(&world.executor, "default", &query, 0);
    let target = Target::new(TargetKind::Model, "m");
    let n_bytes = std::mem::size_of_val(&run.answer(&target));
    assert!(n_bytes < 2_500, "{n_bytes} bytes");
}

//! The controller with the real executor, against the LLM stub over loopback HTTP; real time, bounded waits.

use std::sync::Arc;
use std::time::Duration;

use control_plane::controller::{Controller, ControllerConfig};
use control_plane::execution::{ExecutionConfig, Executor};
use control_plane::llm::{LlmClient, LlmConfig};
use control_plane::metrics::Metrics;
use control_plane::queue::QueueConfig;
use control_plane::resources::{Resources, ResourcesConfig};
use kube::Api;
use kube::api::PostParams;
use query_api::dialect::Dialect;
use query_api::go_duration::GoDuration;
use query_api::model::Model;
use query_api::query::{Phase, QuerySpec};
use testbed::kube_api::Verb;
use testbed::kube_api::{Effect, Fault};
use testbed::llm::LlmStub;
use testbed::llm::script::{self, Calls, Script, Trigger};
use testbed::population;
use tokio_util::sync::CancellationToken;

use super::stage::*;

async fn add_model(stage: &Stage, model: Model) {
    let models: Api<Model> = Api::namespaced(stage.client.clone(), NS);
    let created = models.create(&PostParams::default(), &model).await;
    created.expect("the model is created");
}

/// Starts a controller that asks real models.
fn start(stage: &Stage, config: ControllerConfig) -> CancellationToken {
    let client = stage.api.client(NS);
    let metrics = Metrics::new();
    let resources = Resources::new(client.clone(), ResourcesConfig::default(), metrics.clone());
    let llm = LlmClient::new(LlmConfig::default());
    let executor = Executor::new(resources, llm, ExecutionConfig::default(), metrics.clone());
    let controller = Controller::new(client, Arc::new(executor), config, metrics);
    let shutdown = CancellationToken::new();
    let run = controller.run(shutdown.clone());
    tokio::spawn(async move { run.await.expect("the controller runs") });
    shutdown
}

#[tokio::test]
async fn what_is_missing_malformed_or_late_ends_in_an_error_that_names_it() {
    let stage = Stage::new(Dialect::Targets);
    let stub = LlmStub::start(
        Script::new()
            .with_fault(
                script::Fault::NotJson,
                Calls::of_query("ns/malformed"),
                Trigger::Always,
            )
            .with_fault(
                script::Fault::Timeout,
                Calls::of_query("ns/late"),
                Trigger::Always,
            ),
    )
    .await;
    let model = |name: &str| {
        population::model(name)
            .in_namespace(NS)
            .at(&stub.base_url())
    };
    add_model(&stage, model("good").with_key("k").build()).await;
    add_model(
        &stage,
        model("keyless").with_key_in("no-such-secret").build(),
    )
    .await;
    let shutdown = start(&stage, ControllerConfig::default());
    stage
        .create("missing-model", "hello", &["no-such-model"])
        .await;
    stage.create("missing-secret", "hello", &["keyless"]).await;
    stage.create("malformed", "hello", &["good"]).await;
    let late = QuerySpec {
        timeout: Some(GoDuration(Duration::from_millis(300))),
        ..stage.spec("hello", &["good"])
    };
    stage.create_spec("late", late).await;
    stage.create("fine", "hello", &["good"]).await;
    stage.until_ended().await;
    for (name, reason, words) in [
        ("missing-model", "QueryErrored", "no-such-model"),
        ("missing-secret", "QueryErrored", "no-such-secret"),
        ("malformed", "QueryErrored", "model/good"),
        ("late", "TimedOutInExecution", "timed out after 300ms"),
    ] {
        let query = stage.get(name).await;
        assert_eq!(query.phase(), Phase::Error, "{name}");
        let (found, message) = completed(&query);
        assert_eq!(found, reason, "{name}: {message}");
        assert!(message.contains(words), "{name}: {message}");
    }
    assert_eq!(stage.get("fine").await.phase(), Phase::Done);
    shutdown.cancel();
}

#[tokio::test]
async fn a_thousand_queries_among_faults_call_their_model_once_each() {
    let stage = Stage::new(Dialect::Targets);
    let stub = LlmStub::start(Script::new()).await;
    let model = population::model("m").in_namespace(NS).at(&stub.base_url());
    add_model(&stage, model.with_key("k").build()).await;
    for resource in ["queries", "queries/status"] {
        for (effect, rate) in [(Effect::Conflict, 0.05), (Effect::InternalError, 0.02)] {
            let fault = Fault::new(effect).on(Verb::Patch).of(resource);
            stage.api.faults().add(fault.at_rate(rate));
        }
    }
    for effect in [Effect::DropWatch, Effect::ExpireWatch] {
        let fault = Fault::new(effect).on(Verb::Watch).of("queries");
        stage.api.faults().add(fault.at_rate(0.002));
    }
    let shutdown = start(
        &stage,
        ControllerConfig {
            queue: QueueConfig {
                max_in_flight: 50,
                ..QueueConfig::default()
            },
            ..ControllerConfig::default()
        },
    );
    for index in 0..1000 {
        stage.create(&format!("q{index}"), "hello", &["m"]).await;
    }
    for query in stage.until_ended().await {
        assert_eq!(query.phase(), Phase::Done);
    }
    let calls = stub.calls_by_query();
    assert_eq!(calls.len(), 1000);
    assert!(calls.values().all(|n_calls| *n_calls == 1));
    shutdown.cancel();
}

//! Clusters that cannot be used: the error names what is wrong and the mend, and nothing is waited for in vain.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use kube::client::Body;
use loadgen::driver::kubernetes::{Kubernetes, KubernetesConfig, connect};
use loadgen::error::DriverError;
use loadgen::outcome::Outcome;
use query_api::crd::crds;
use query_api::dialect::Dialect;
use testbed::answerer::answer_all;
use testbed::kube_api::{Effect, Fault, KubeApi, Verb};

use crate::runs::{ran, scenario};

const CLOSED: &str = "[closed]\nusers = 1\nqueries = 1";

async fn error_of(client: kube::Client, setup: Option<&str>) -> DriverError {
    let config = KubernetesConfig {
        patience: Duration::from_millis(500),
        setup: setup.map(str::to_owned),
        base_url: Some("http://127.0.0.1:9/v1".to_owned()),
        ..KubernetesConfig::default()
    };
    let driver = Kubernetes::new(client, config);
    let ran = ran(&scenario(CLOSED, "1ms", ""), Arc::new(driver)).await;
    ran.expect_err("this cluster cannot be used")
}

fn api() -> KubeApi {
    KubeApi::new().with_crds(crds(Dialect::Targets))
}

/// A client that is refused what is asked with this method of a path with this part.
fn forbidding(api: &KubeApi, method: &'static str, part: &'static str) -> kube::Client {
    let client = api.client("default");
    let service = tower::service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move {
            if request.method() != method || !request.uri().path().contains(part) {
                return client.send(request).await;
            }
            let status = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"queries is forbidden: User \"jim\" cannot do that","reason":"Forbidden","code":403}"#;
            let response = Response::builder()
                .status(403)
                .header("content-type", "application/json");
            Ok(response
                .body(Body::from(status.as_bytes().to_vec()))
                .expect("a response"))
        }
    });
    kube::Client::new(service, "default")
}

#[tokio::test]
async fn a_set_up_whose_model_nobody_named_is_refused_before_anything_is_made() {
    let api = api();
    let driver = Kubernetes::new(api.client("default"), KubernetesConfig::default());
    let ran = ran(&scenario(CLOSED, "1ms", ""), Arc::new(driver)).await;
    let error = ran.expect_err("there is no model").to_string();
    assert!(error.contains("--model-url"), "{error}");
    assert_eq!(api.n_objects("models"), 0);
}

#[tokio::test]
async fn an_agent_that_is_there_needs_no_set_up() {
    let api = api();
    let config = KubernetesConfig {
        agent: Some("helper".to_owned()),
        ..KubernetesConfig::default()
    };
    let driver = Kubernetes::new(api.client("default"), config);
    let answering = tokio::spawn(answer_all(api.clone(), "4"));
    let ran = ran(&scenario(CLOSED, "1ms", ""), Arc::new(driver)).await;
    answering.abort();
    let all = ran.expect("it runs").recorder.all();
    assert_eq!(all.outcomes.get(Outcome::Done), 1);
    assert_eq!(api.n_objects("agents") + api.n_objects("models"), 0);
}

#[tokio::test]
async fn a_cluster_without_the_definition_is_named_with_the_mend() {
    let error = error_of(KubeApi::new().client("default"), None).await;
    assert!(matches!(error, DriverError::NoDefinition { .. }), "{error}");
    assert!(error.to_string().contains("plimsoll crd"), "{error}");
}

#[tokio::test]
async fn a_forbidden_verb_is_named_with_the_mend() {
    for (method, part) in [
        ("GET", "customresourcedefinitions"),
        ("POST", "models"),
        ("GET", "queries"),
    ] {
        let error = error_of(forbidding(&api(), method, part), None).await;
        assert!(
            matches!(error, DriverError::Forbidden { .. }),
            "{part}: {error}"
        );
        assert!(error.to_string().contains("grant the verb"), "{error}");
        assert!(!error.is_unreachable());
    }
}

#[tokio::test]
async fn a_watch_that_never_answers_is_not_waited_for() {
    let api = api();
    let silence = Effect::Latency(Duration::from_secs(3600));
    api.faults()
        .add(Fault::new(silence).on(Verb::Watch).of("queries"));
    let error = error_of(api.client("default"), None).await;
    assert!(error.is_unreachable(), "{error}");
    assert!(error.to_string().contains("watch Queries"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_out_of_reach() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    let kubeconfig = r#"{"apiVersion":"v1","kind":"Config","current-context":"c",
        "contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],
        "clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:1"}}],
        "users":[{"name":"u","user":{}}]}"#;
    std::fs::write(&path, kubeconfig).expect("written");
    let client = connect(Some(&path), None).await.expect("the file is right");
    let error = error_of(client, None).await;
    assert!(error.is_unreachable(), "{error}");
}

#[tokio::test]
async fn a_kubeconfig_that_is_not_there_is_named() {
    let path = std::path::Path::new("nowhere/config");
    let Err(error) = connect(Some(path), None).await else {
        panic!("there is no such file");
    };
    assert!(error.is_unreachable());
    assert!(error.to_string().contains("nowhere/config"), "{error}");
}

#[tokio::test]
async fn a_setup_that_makes_no_sense_is_named() {
    for (setup, part) in [
        ("kind: Pod\n", "kind \"Pod\" is not one of"),
        ("kind: Model\n", "needs an Agent"),
        ("kind: [\n", "set-up"),
    ] {
        let error = error_of(api().client("default"), Some(setup)).await;
        assert!(
            matches!(error, DriverError::Setup { .. }),
            "{setup}: {error}"
        );
        assert!(error.to_string().contains(part), "{error}");
    }
}

//! A real API server, if `PLIMSOLL_TEST_KUBECONFIG` names one (`scripts/real-api-server` starts one): our own control
//! plane reconciles there, and the driver of clusters puts it under load.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::runtime::wait::{await_condition, conditions};
use loadgen::driver::in_process::InProcessConfig;
use loadgen::driver::in_process::control_plane::{ControlPlane, Gauges};
use loadgen::driver::kubernetes::{Kubernetes, KubernetesConfig, connect};
use loadgen::invariants;
use loadgen::outcome::Outcome;
use query_api::crd::crds;
use query_api::dialect::Dialect;
use query_api::query::Query;
use testbed::llm::server::LlmServer;
use testbed::llm::server::settings::Settings;

use crate::runs::{ran, scenario};

const KUBECONFIG: &str = "PLIMSOLL_TEST_KUBECONFIG";

/// Longer than a server takes to serve or to forget a resource.
const PATIENCE: Duration = Duration::from_secs(30);

/// Installs the definitions of one dialect, and waits until they are served.
async fn install(client: &kube::Client, dialect: Dialect) {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in crds(dialect) {
        let name = definition.metadata.name.clone().expect("it has a name");
        let params = PatchParams::apply("plimsoll-test").force();
        definitions
            .patch(&name, &params, &Patch::Apply(&definition))
            .await
            .expect("applied");
        let served = await_condition(definitions.clone(), &name, conditions::is_crd_established());
        let served = tokio::time::timeout(PATIENCE, served).await;
        served.expect("in time").expect("served");
    }
}

/// Removes the definitions, so that another dialect can take their names.
async fn uninstall(client: &kube::Client, dialect: Dialect) {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in crds(dialect) {
        let name = definition.metadata.name.expect("it has a name");
        let found = definitions.get_opt(&name).await.expect("read");
        let Some(uid) = found.and_then(|found| found.metadata.uid) else {
            continue;
        };
        let params = DeleteParams::default();
        definitions.delete(&name, &params).await.expect("deleted");
        let gone = await_condition(definitions.clone(), &name, conditions::is_deleted(&uid));
        let gone = tokio::time::timeout(PATIENCE, gone).await;
        gone.expect("in time").expect("gone");
    }
}

async fn check(kubeconfig: PathBuf, dialect: Dialect) {
    let client = connect(Some(&kubeconfig), None).await.expect("a client");
    install(&client, dialect).await;
    let stub = LlmServer::start(&Settings::default()).expect("a stub");
    let config = InProcessConfig {
        dialect,
        ..InProcessConfig::default()
    };
    let path = kubeconfig.clone();
    let connecting = async move || connect(Some(&path), None).await;
    let control_plane = ControlPlane::start(config, Gauges::default(), connecting).await;
    let control_plane = control_plane.expect("it starts");
    let driver = Kubernetes::new(
        client.clone(),
        KubernetesConfig {
            namespace: "plimsoll-real".to_owned(),
            base_url: Some(stub.base_url()),
            ..KubernetesConfig::default()
        },
    );
    let load = "[closed]\nusers = 4\nqueries = 40";
    let scenario = scenario(load, "1ms", "tenants = 2\nagents = 2");
    let ran = ran(&scenario, Arc::new(driver)).await.expect("it runs");
    drop(control_plane);

    let all = ran.recorder.all();
    assert_eq!(all.outcomes.get(Outcome::Done), 40, "{dialect}");
    let n_seen = all.queue_wait.came.len() + all.set_aside;
    assert_eq!(n_seen, 40, "{dialect}: Running was seen");
    for invariant in invariants::check(&ran) {
        assert_ne!(invariant.holds, Some(false), "{dialect}: {invariant:?}");
    }
    assert_eq!(stub.tally().answered, 40, "{dialect}");
    let queries: Api<Query> = Api::all(client.clone());
    let left = queries.list(&ListParams::default()).await.expect("listed");
    assert!(left.items.is_empty(), "{dialect}: {:?}", left.items);
    uninstall(&client, dialect).await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::print_stdout,
    reason = "a test that did not run must not look like one that passed"
)]
async fn a_real_api_server_is_driven_in_both_dialects() {
    let Some(kubeconfig) = std::env::var_os(KUBECONFIG) else {
        println!("not run: {KUBECONFIG} is not set");
        return;
    };
    for dialect in [Dialect::Targets, Dialect::Target] {
        check(PathBuf::from(&kubeconfig), dialect).await;
    }
}

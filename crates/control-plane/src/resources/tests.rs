//! Loads against the API stand-in: what is cached, what is read live, and what is said of missing things.

use kube::api::{Patch, PatchParams, PostParams};
use query_api::{crd::crds, model::ModelType, value_source::ValueSource};
use serde_json::json;
use testbed::{
    kube_api::KubeApi,
    population::{agent, model, query, secret, tool},
};

use super::*;
use crate::llm::endpoint::Provider;

struct World {
    client: Client,
    resources: Resources,
    api: KubeApi,
}

impl World {
    async fn new() -> Self {
        let api = KubeApi::new().with_crds(crds(Dialect::Targets));
        let client = api.client("default");
        let config = ResourcesConfig {
            value_ttl: Duration::from_secs(30),
        };
        let resources = Resources::new(client.clone(), config, Metrics::new());
        resources.ready().await;
        Self {
            client,
            resources,
            api,
        }
    }

    async fn add<K>(&self, object: K) -> K
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), "default");
        let create = PostParams::default();
        Box::pin(api.create(&create, &object)).await.unwrap()
    }

    async fn error(&self, model: &str) -> String {
        let loaded = self.resources.endpoint("default", model).await;
        loaded.unwrap_err().to_string()
    }

    fn reads_of(&self, resource: &str) -> u64 {
        self.api
            .counts()
            .get(testbed::kube_api::Verb::Get, resource)
    }
}

fn from_secret(name: &str, key: &str) -> ValueSource {
    let source = json!({"valueFrom": {"secretKeyRef": {"name": name, "key": key}}});
    serde_json::from_value(source).unwrap()
}

#[tokio::test]
async fn an_endpoint_is_looked_up_once_and_then_cached() {
    let world = World::new().await;
    world
        .add(secret("keys").with_entry("token", "sk-1").build())
        .await;
    world
        .add(model("m").at("http://stub/v1").with_key_in("keys").build())
        .await;
    for _ in 0..10 {
        let endpoint = world.resources.endpoint("default", "m").await.unwrap();
        assert_eq!(endpoint.uri(), "http://stub/v1/chat/completions");
        assert_eq!(endpoint.headers()["authorization"], "Bearer sk-1");
    }
    assert_eq!(world.reads_of("secrets"), 1);
    let loads = world.resources.loads();
    assert_eq!(loads.cached + loads.cold, 10);
    assert!(loads.cold >= 1);
}

#[tokio::test]
async fn many_at_once_look_up_a_secret_once() {
    let world = World::new().await;
    world.add(secret("keys").build()).await;
    world
        .add(model("m").at("http://stub/v1").with_key_in("keys").build())
        .await;
    let loads = (0..100).map(|_| world.resources.endpoint("default", "m"));
    let loaded = futures::future::join_all(loads).await;
    assert!(loaded.iter().all(Result::is_ok));
    assert_eq!(world.reads_of("secrets"), 1);
}

#[tokio::test]
async fn a_forgotten_key_is_read_again() {
    let world = World::new().await;
    world
        .add(secret("keys").with_entry("token", "sk-1").build())
        .await;
    world
        .add(model("m").at("http://stub/v1").with_key_in("keys").build())
        .await;
    let key = async || {
        let endpoint = world.resources.endpoint("default", "m").await.unwrap();
        endpoint.headers()["authorization"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(key().await, "Bearer sk-1");
    let secrets: Api<k8s_openapi::api::core::v1::Secret> =
        Api::namespaced(world.client.clone(), "default");
    let rotated =
        Patch::Merge(json!({"stringData": {"token": "sk-2"}, "data": {"token": "c2stMg=="}}));
    secrets
        .patch("keys", &PatchParams::default(), &rotated)
        .await
        .unwrap();
    assert_eq!(key().await, "Bearer sk-1");
    world.resources.forget("default", "m");
    assert_eq!(key().await, "Bearer sk-2");
}

#[tokio::test]
async fn what_is_missing_is_named_in_full() {
    let world = World::new().await;
    assert_eq!(world.error("m").await, "model `default/m` does not exist");
    let missing = async |name: &str, source: ValueSource| {
        let mut object = model(name).at("http://stub").build();
        let config = object.spec.config.openai.as_mut().unwrap();
        config.api_key = source;
        world.add(object).await;
        world.error(name).await
    };
    assert_eq!(
        missing("a", from_secret("keys", "token")).await,
        "secret `default/keys` (wanted for its key `token`) does not exist"
    );
    world.add(secret("keys").build()).await;
    assert_eq!(
        missing("b", from_secret("keys", "other")).await,
        "secret `default/keys` has no key `other`"
    );
    let config_map = json!({"valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}});
    assert_eq!(
        missing("c", serde_json::from_value(config_map).unwrap()).await,
        "config map `default/c` (wanted for its key `k`) does not exist"
    );
    let service = json!({"valueFrom": {"serviceRef": {"name": "s"}}});
    assert_eq!(
        missing("d", serde_json::from_value(service).unwrap()).await,
        "service `default/s` does not exist"
    );
    assert_eq!(
        missing(
            "e",
            serde_json::from_value(json!({"valueFrom": {}})).unwrap()
        )
        .await,
        "model `default/e` cannot be used: the valueFrom of its `apiKey` names no source"
    );
}

#[tokio::test]
async fn a_base_url_may_be_a_services_address() {
    let world = World::new().await;
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "llm"},
        "spec": {"ports": [{"name": "admin", "port": 1}, {"name": "http", "port": 8080}]},
    });
    let service: k8s_openapi::api::core::v1::Service = serde_json::from_value(service).unwrap();
    world.add(service).await;
    let mut object = model("m").with_key("k").build();
    let source =
        json!({"valueFrom": {"serviceRef": {"name": "llm", "port": "http", "path": "/v1"}}});
    let config = object.spec.config.openai.as_mut().unwrap();
    config.base_url = serde_json::from_value(source).unwrap();
    world.add(object).await;
    let endpoint = world.resources.endpoint("default", "m").await.unwrap();
    let wanted = "http://llm.default.svc.cluster.local:8080/v1/chat/completions";
    assert_eq!(endpoint.uri(), wanted);
}

#[tokio::test]
async fn other_providers_are_told_apart_or_refused() {
    let world = World::new().await;
    let azure = json!({
        "apiVersion": "ark.mckinsey.com/v1alpha1", "kind": "Model", "metadata": {"name": "azure"},
        "spec": {"type": "azure", "model": {"value": "gpt"}, "config": {"azure": {
            "baseUrl": {"value": "http://stub"}, "apiKey": {"value": "k"}, "apiVersion": {"value": "2025-01-01"}}}},
    });
    let azure: Model = serde_json::from_value(azure).unwrap();
    world.add(azure).await;
    let endpoint = world.resources.endpoint("default", "azure").await.unwrap();
    assert_eq!(endpoint.provider(), Provider::Azure);
    let wanted = "http://stub/openai/deployments/gpt/chat/completions?api-version=2025-01-01";
    assert_eq!(endpoint.uri(), wanted);
    let mut bedrock = model("bedrock").at("http://x").with_key("k").build();
    bedrock.spec.r#type = Some(ModelType::Bedrock);
    world.add(bedrock).await;
    assert_eq!(
        world.error("bedrock").await,
        "type `bedrock` of model `default/bedrock` is not supported by this controller"
    );
}

#[tokio::test]
async fn a_changed_model_is_noticed() {
    let world = World::new().await;
    world
        .add(model("m").at("http://one").with_key("k").build())
        .await;
    let host = async || {
        let endpoint = world.resources.endpoint("default", "m").await.unwrap();
        endpoint.uri().host().unwrap().to_owned()
    };
    assert_eq!(host().await, "one");
    let models: Api<Model> = Api::namespaced(world.client.clone(), "default");
    let moved = json!({"spec": {"config": {"openai": {"baseUrl": {"value": "http://two"}}}}});
    models
        .patch("m", &PatchParams::default(), &Patch::Merge(moved))
        .await
        .unwrap();
    // The watch brings the change in its own time; yielding lets it, and nothing else can.
    for _ in 0..1_000 {
        if host().await == "two" {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the change never arrived");
}

#[tokio::test]
async fn a_selector_finds_targets_by_kind_and_name() {
    let world = World::new().await;
    for name in ["b", "a", "c"] {
        let agent = agent(name).with_label("team", if name == "c" { "y" } else { "x" });
        world.add(agent.build()).await;
    }
    world.add(tool("t").at("http://t").build()).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let mut wanting = query("q").with_agent_target("b").build();
    let selector = json!({"matchLabels": {"team": "x"}});
    wanting.spec.selector = serde_json::from_value(selector).unwrap();
    let found = world.resources.targets("default", &wanting).await.unwrap();
    let agents = ["b", "a"].map(|name| Target::new(TargetKind::Agent, name));
    assert_eq!(found, agents);
}

//! Loads against the API stand-in: what is cached, what is read live, and what is said of missing things.

use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use query_api::{crd::crds, dialect::Dialect, model::ModelType, value_source::ValueSource};
use serde_json::json;
use testbed::{
    kube_api::KubeApi,
    population::{agent, model, secret, tool},
};

use super::*;
use crate::llm::endpoint::Provider;

struct World {
    client: Client,
    resources: Resources,
    metrics: Metrics,
    api: KubeApi,
}

impl World {
    async fn new() -> Self {
        let api = KubeApi::new().with_crds(crds(Dialect::Targets));
        let client = api.client("default");
        let config = ResourcesConfig {
            value_ttl: Duration::from_secs(30),
        };
        let metrics = Metrics::new();
        let resources = Resources::new(client.clone(), config, metrics.clone());
        resources.ready().await;
        Self {
            client,
            resources,
            metrics,
            api,
        }
    }

    /// Caches anew, which know nothing until somebody awaits something.
    fn with_empty_caches(mut self) -> Self {
        let config = ResourcesConfig::default();
        self.metrics = Metrics::new();
        self.resources = Resources::new(self.client.clone(), config, self.metrics.clone());
        self
    }

    /// The stages that were entered, and how often.
    fn entered(&self) -> Vec<(&'static str, u64)> {
        let totals = self.metrics.stage_totals().into_iter();
        let counts = totals.map(|(stage, total)| (stage.as_str(), total.count));
        counts.filter(|(_, count)| *count > 0).collect()
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
}

#[tokio::test]
async fn cached_and_cold_loads_are_stages_apart() {
    let world = World::new().await;
    world.add(secret("keys").build()).await;
    let at_stub = |name| model(name).at("http://stub/v1").with_key_in("keys").build();
    world.add(at_stub("m")).await;
    world.add(at_stub("n")).await;
    world.add(agent("a").build()).await;
    world.add(tool("t").at("http://t").build()).await;
    let world = world.with_empty_caches();
    let load_all = async || {
        let (model, agent, tool) = tokio::join!(
            world.resources.endpoint("default", "m"),
            world.resources.agent("default", "a"),
            world.resources.tool("default", "t"),
        );
        assert!(model.is_ok() && agent.is_ok() && tool.is_ok());
    };
    load_all().await;
    let cold = [
        ("load_model_cold", 1),
        ("load_secret_cold", 1),
        ("load_agent_cold", 1),
        ("load_tool_cold", 1),
    ];
    assert_eq!(world.entered(), cold);
    world.resources.ready().await;
    load_all().await;
    // Another Model with the same key: its endpoint has to be prepared, its key is there.
    assert!(world.resources.endpoint("default", "n").await.is_ok());
    let both = [
        ("load_model_cached", 2),
        ("load_model_cold", 1),
        ("load_secret_cached", 1),
        ("load_secret_cold", 1),
        ("load_agent_cached", 1),
        ("load_agent_cold", 1),
        ("load_tool_cached", 1),
        ("load_tool_cold", 1),
    ];
    assert_eq!(world.entered(), both);
}

#[tokio::test]
async fn what_is_not_there_is_asked_for_each_time() {
    let world = World::new().await;
    let keyless = model("m").at("http://stub").with_key_in("gone").build();
    world.add(keyless).await;
    let world = world.with_empty_caches();
    for _ in 0..2 {
        assert!(world.resources.endpoint("default", "m").await.is_err());
        assert!(world.resources.agent("default", "gone").await.is_err());
        world.resources.ready().await;
    }
    let entered = [
        ("load_model_cached", 1),
        ("load_model_cold", 1),
        ("load_secret_cold", 2),
        ("load_agent_cold", 2),
    ];
    assert_eq!(world.entered(), entered);
}

#[tokio::test]
async fn config_maps_and_services_are_loads_too() {
    let world = World::new().await;
    let config_map = json!({"metadata": {"name": "c"}, "data": {"k": "v"}});
    let config_map: k8s_openapi::api::core::v1::ConfigMap =
        serde_json::from_value(config_map).unwrap();
    world.add(config_map).await;
    let service = json!({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 1}]}});
    let service: k8s_openapi::api::core::v1::Service = serde_json::from_value(service).unwrap();
    world.add(service).await;
    let parameters = json!([
        {"name": "a", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        {"name": "b", "valueFrom": {"serviceRef": {"name": "s"}}},
        {"name": "c", "value": "literal"},
    ]);
    let parameters: Vec<Parameter> = serde_json::from_value(parameters).unwrap();
    let owner = Owner {
        kind: "query",
        namespace: "default",
        name: "q",
    };
    let none = BTreeMap::new();
    for _ in 0..3 {
        let values = world.resources.parameters(owner, &parameters, &none).await;
        assert_eq!(values.unwrap().len(), 3);
    }
    let entered = [
        ("load_config_map_cached", 2),
        ("load_config_map_cold", 1),
        ("load_service_cached", 2),
        ("load_service_cold", 1),
    ];
    assert_eq!(world.entered(), entered);
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

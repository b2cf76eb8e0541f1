//! Populations are the same everywhere, and what their plan says.

use super::{KEY_OF_SECRET, Plan, Population, Spread, agent, model, query, secret, tool, turns};
use crate::kube_api::KubeApi;
use k8s_openapi::NamespaceResourceScope;
use kube::api::PostParams;
use kube::{Api, Client, Resource};
use query_api::crd::crds;
use query_api::dialect::Dialect;
use query_api::query::{Phase, Query, TargetKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

/// The stress of the capacity document: 51 namespaces, 100 agents each, 5100 Queries.
fn stress() -> Plan {
    Plan {
        seed: 7,
        n_queries: 5100,
        n_namespaces: 51,
        n_agents: 100,
        ..Plan::default()
    }
}

fn queries_by_namespace(queries: &[Query]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for query in queries {
        let namespace = query.metadata.namespace.as_deref().expect("a namespace");
        *counts.entry(namespace).or_default() += 1;
    }
    counts
}

/// Change these numbers only on purpose: results of before and after must not be compared.
#[test]
fn populations_have_their_fingerprints() {
    let fan_out = Plan {
        n_queries: 20,
        n_agents: 8,
        n_targets: 4,
        ..Plan::default()
    };
    let newer = Plan {
        dialect: Dialect::Target,
        ..stress()
    };
    let found = [stress(), fan_out, newer].map(|plan| Population::of(&plan).fingerprint());
    let known = [
        0x5c82_c342_dfd2_7971,
        0x889f_52f7_c8d8_3262,
        0xb3f0_e6af_044c_e3b3,
    ];
    assert_eq!(found, known, "{found:#x?}");
}

#[test]
fn every_detail_of_a_plan_is_in_the_fingerprint() {
    let plan = Plan {
        n_queries: 30,
        n_namespaces: 3,
        n_agents: 5,
        ..Plan::default()
    };
    let variants = [
        plan.clone(),
        Plan {
            seed: 2,
            ..plan.clone()
        },
        Plan {
            n_queries: 31,
            ..plan.clone()
        },
        Plan {
            n_namespaces: 4,
            ..plan.clone()
        },
        Plan {
            n_agents: 6,
            ..plan.clone()
        },
        Plan {
            n_targets: 2,
            ..plan.clone()
        },
        Plan {
            dialect: Dialect::Target,
            ..plan.clone()
        },
        Plan {
            spread: Spread::OneNoisy { times: 10 },
            ..plan.clone()
        },
        Plan {
            ttl: Duration::from_secs(60),
            ..plan.clone()
        },
        Plan {
            timeout: Duration::from_secs(60),
            ..plan.clone()
        },
        Plan {
            base_url: "http://127.0.0.1:2/v1".to_owned(),
            ..plan.clone()
        },
    ];
    let fingerprints: BTreeSet<u64> = variants
        .iter()
        .map(|plan| Population::of(plan).fingerprint())
        .collect();
    assert_eq!(fingerprints.len(), variants.len());
    let again = Population::of(&plan).fingerprint();
    assert!(fingerprints.contains(&again));
}

#[test]
fn a_population_has_what_its_plan_says() {
    let population = Population::of(&stress());
    assert_eq!(population.namespaces.len(), 51);
    assert_eq!(population.secrets.len(), 51);
    assert_eq!(population.models.len(), 51);
    assert_eq!(population.agents.len(), 5100);
    assert_eq!(population.queries.len(), 5100);
    let counts = queries_by_namespace(&population.queries);
    assert!(counts.values().all(|count| *count == 100), "{counts:?}");
}

#[test]
fn every_target_of_a_population_exists_and_none_is_asked_twice() {
    let population = Population::of(&Plan {
        n_queries: 200,
        n_namespaces: 3,
        n_agents: 6,
        n_targets: 5,
        ..Plan::default()
    });
    let agents: BTreeSet<(&str, &str)> = population
        .agents
        .iter()
        .filter_map(|agent| {
            let metadata = &agent.metadata;
            Some((metadata.namespace.as_deref()?, metadata.name.as_deref()?))
        })
        .collect();
    for query in &population.queries {
        let namespace = query.metadata.namespace.as_deref().expect("a namespace");
        let names: BTreeSet<&str> = query
            .spec
            .all_targets()
            .map(|target| target.name.as_str())
            .collect();
        assert_eq!(names.len(), 5);
        assert!(
            names
                .iter()
                .all(|name| agents.contains(&(namespace, *name)))
        );
    }
}

#[test]
fn without_agents_the_model_is_asked() {
    let population = Population::of(&Plan {
        n_queries: 2,
        n_agents: 0,
        ..Plan::default()
    });
    let targets: Vec<String> = population
        .queries
        .iter()
        .flat_map(|query| query.spec.all_targets().map(ToString::to_string))
        .collect();
    assert_eq!(targets, ["model/default", "model/default"]);
}

#[test]
fn a_noisy_namespace_has_so_many_times_the_load_of_each_other() {
    let population = Population::of(&Plan {
        n_queries: 1180,
        n_namespaces: 50,
        spread: Spread::OneNoisy { times: 10 },
        ..Plan::default()
    });
    let counts = queries_by_namespace(&population.queries);
    assert_eq!(counts["tenant-000"], 200);
    assert!(counts.iter().skip(1).all(|(_, count)| *count == 20));
    assert_eq!(turns(Spread::OneNoisy { times: 3 }, 3), [0, 1, 0, 0, 2]);
    assert_eq!(turns(Spread::OneNoisy { times: 3 }, 1), [0]);
}

#[test]
fn adjectives_say_what_a_query_is() {
    let built = query("q")
        .in_namespace("a")
        .asking("Where?")
        .with_agent_target("x")
        .with_tool_target("y")
        .with_ttl(Duration::from_secs(3600))
        .with_timeout(Duration::from_millis(1500))
        .with_label("run", "r1")
        .canceled()
        .in_phase(Phase::Running)
        .build();
    assert_eq!(
        serde_json::to_value(&built).expect("JSON"),
        json!({
            "apiVersion": "ark.mckinsey.com/v1alpha1",
            "kind": "Query",
            "metadata": {
                "name": "q", "namespace": "a", "labels": {"run": "r1"},
                "finalizers": ["ark.mckinsey.com/finalizer"]
            },
            "spec": {
                "input": "Where? [query a/q]",
                "targets": [{"type": "agent", "name": "x"}, {"type": "tool", "name": "y"}],
                "ttl": "1h0m0s", "timeout": "1.5s", "cancel": true
            },
            "status": {"phase": "running"}
        })
    );
}

#[test]
fn the_newer_dialect_has_its_one_target_in_its_own_field() {
    let built = query("q")
        .in_dialect(Dialect::Target)
        .with_model_target("m")
        .build();
    assert_eq!(Dialect::of_query(&built.spec), Dialect::Target);
    assert!(built.spec.targets.is_empty());
    let target = built.spec.target.expect("a target");
    assert_eq!(
        (target.kind, target.name.as_str()),
        (TargetKind::Model, "m")
    );
    assert_eq!(built.spec.input, "[query default/q]");
}

#[test]
fn a_model_points_at_its_provider_and_its_secret() {
    let model = model("m").at("http://stub/v1").with_key_in("keys").build();
    assert_eq!(
        serde_json::to_value(&model.spec).expect("JSON"),
        json!({
            "model": {"value": "stub-model"},
            "type": "openai",
            "config": {"openai": {
                "baseUrl": {"value": "http://stub/v1"},
                "apiKey": {"valueFrom": {"secretKeyRef": {"name": "keys", "key": KEY_OF_SECRET}}}
            }}
        })
    );
    let secret = secret("keys").with_entry("other", "x").build();
    let entries = secret.data.expect("entries");
    assert_eq!(entries[KEY_OF_SECRET].0, b"stub-key");
    assert_eq!(entries["other"].0, b"x");
}

#[test]
fn an_agent_and_its_tool_refer_to_each_other_by_name() {
    let agent = agent("a").with_model("m").with_tool("t").build();
    let tool = tool("t")
        .at("http://stub/{place}")
        .posting("{}")
        .with_timeout("1s")
        .described("Looks.")
        .taking(json!({"type": "object"}))
        .build();
    assert_eq!(agent.spec.tools[0].name, tool.metadata.name);
    assert_eq!(
        serde_json::to_value(&tool.spec).expect("JSON"),
        json!({
            "type": "http", "description": "Looks.", "inputSchema": {"type": "object"},
            "http": {"url": "http://stub/{place}", "method": "POST", "body": "{}", "timeout": "1s"}
        })
    );
}

#[tokio::test]
async fn an_api_server_with_our_schemas_takes_a_population_whole() {
    for dialect in Dialect::ALL {
        let population = Population::of(&Plan {
            dialect,
            n_queries: 6,
            n_namespaces: 2,
            n_agents: 2,
            ..Plan::default()
        });
        let api = KubeApi::new().with_crds(crds(dialect));
        let client = api.client("default");
        create_all(&client, &population.secrets).await;
        create_all(&client, &population.models).await;
        create_all(&client, &population.agents).await;
        create_all(&client, &population.queries).await;
    }
}

/// Creates the objects and checks that the server dropped nothing of them.
async fn create_all<K>(client: &Client, objects: &[K])
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + Debug + Serialize + DeserializeOwned,
{
    for object in objects {
        let namespace = object.meta().namespace.as_deref().expect("a namespace");
        let created = Api::<K>::namespaced(client.clone(), namespace)
            .create(&PostParams::default(), object)
            .await
            .expect("a valid object");
        let (sent, came_back) = (json!(object), json!(created));
        for part in ["spec", "data"] {
            let fields = sent[part].as_object().into_iter().flatten();
            for (name, value) in fields {
                assert_eq!(&came_back[part][name], value, "{part}.{name}");
            }
        }
    }
}

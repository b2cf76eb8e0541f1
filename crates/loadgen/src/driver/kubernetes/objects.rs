//! The objects that operations need: a file of YAML documents, made anew in every tenant's namespace.
//!
//! A document is a Secret, Model, Tool or Agent. Its namespace and its labels are ours; every Agent is made as often as
//! the scenario has agents, under the names that Queries address.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client, Resource};
use query_api::agent::Agent;
use query_api::model::Model;
use query_api::tool::Tool;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::refused;
use super::{KubernetesConfig, RUN_LABEL};
use crate::driver::Setting;
use crate::error::DriverError;

/// The set-up that is used unless another is given.
const SHIPPED: &str = include_str!("../../../../../fixtures/setup/ark.yaml");

/// What stands in a set-up for the base URL of the model.
const BASE_URL: &str = "${BASE_URL}";

/// The kinds that a set-up may have.
const KINDS: &str = "Secret, Model, Tool and Agent";

/// The name of an agent, by its number.
pub(super) fn agent_name(index: usize) -> String {
    format!("agent-{index:03}")
}

/// The documents of a set-up.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    documents: Vec<Value>,
    place: &'static str,
}

impl Objects {
    /// Nothing to make.
    pub(super) fn none() -> Self {
        Self {
            documents: Vec::new(),
            place: "nowhere",
        }
    }

    /// Reads a set-up, or the shipped one.
    pub(super) fn read(text: Option<&str>) -> Result<Self, DriverError> {
        let place = text.map_or("the shipped set-up", |_| "the given set-up");
        let wrong = |reason: String| DriverError::Setup {
            place: place.to_owned(),
            reason,
        };
        let documents: Vec<Value> = serde_saphyr::from_multiple(text.unwrap_or(SHIPPED))
            .map_err(|error| wrong(error.to_string()))?;
        for document in &documents {
            let kind = document["kind"].as_str().unwrap_or("none");
            if !["Secret", "Model", "Tool", "Agent"].contains(&kind) {
                return Err(wrong(format!("kind {kind:?} is not one of {KINDS}")));
            }
        }
        if !documents.iter().any(|document| document["kind"] == "Agent") {
            return Err(wrong(
                "it needs an Agent, which Queries can address".to_owned(),
            ));
        }
        Ok(Self { documents, place })
    }

    /// Checks that the model's address is known if the documents need it.
    pub(super) fn check(&self, base_url: Option<&str>) -> Result<(), DriverError> {
        let needs = |document: &Value| document.to_string().contains(BASE_URL);
        if base_url.is_none() && self.documents.iter().any(needs) {
            return Err(DriverError::Setup {
                place: self.place.to_owned(),
                reason: format!(
                    "it names its model by {BASE_URL}; say where it is with --model-url, write an address into a set-up \
                     of your own, or name an agent that is there with --agent"
                ),
            });
        }
        Ok(())
    }

    /// Makes them all in one namespace.
    pub(super) async fn make(
        &self,
        client: &Client,
        namespace: &str,
        setting: &Setting,
        config: &KubernetesConfig,
    ) -> Result<(), DriverError> {
        let maker = Maker {
            client,
            namespace,
            setting,
            place: self.place,
        };
        make_namespace(client, namespace).await?;
        for document in &self.documents {
            let mut document = document.clone();
            if let Some(base_url) = &config.base_url {
                fill_in(&mut document, base_url);
            }
            match document["kind"].as_str() {
                Some("Secret") => maker.make::<Secret>(&document, None).await?,
                Some("Model") => maker.make::<Model>(&document, None).await?,
                Some("Tool") => maker.make::<Tool>(&document, None).await?,
                _ => maker.agents(&document, config.agent.as_deref()).await?,
            }
        }
        Ok(())
    }
}

struct Maker<'a> {
    client: &'a Client,
    namespace: &'a str,
    setting: &'a Setting,
    place: &'static str,
}

impl Maker<'_> {
    async fn agents(&self, document: &Value, only: Option<&str>) -> Result<(), DriverError> {
        if let Some(name) = only {
            return self.make::<Agent>(document, Some(name.to_owned())).await;
        }
        for index in 0..self.setting.agents {
            self.make::<Agent>(document, Some(agent_name(index)))
                .await?;
        }
        Ok(())
    }

    async fn make<K>(&self, document: &Value, name: Option<String>) -> Result<(), DriverError>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize,
    {
        let read = serde_json::from_value(document.clone());
        let mut object: K = read.map_err(|error| DriverError::Setup {
            place: self.place.to_owned(),
            reason: format!("{}: {error}", document["kind"]),
        })?;
        let meta = object.meta_mut();
        meta.namespace = Some(self.namespace.to_owned());
        if name.is_some() {
            meta.name = name;
        }
        let labels = meta.labels.get_or_insert_default();
        labels.insert(RUN_LABEL.to_owned(), self.setting.run.clone());
        let objects: Api<K> = Api::namespaced(self.client.clone(), self.namespace);
        let made = objects.create(&PostParams::default(), &object).await;
        already_there_is_fine(made, "create the objects of the set-up")
    }
}

/// Makes sure of a namespace. It stays after the run: it may have been there before.
pub(crate) async fn make_namespace(client: &Client, name: &str) -> Result<(), DriverError> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    let made = namespaces.create(&PostParams::default(), &namespace).await;
    already_there_is_fine(made, "create the namespace")
}

/// What is there already is used as it is, and is not removed after the run, since it lacks our label.
fn already_there_is_fine<T>(made: kube::Result<T>, action: &str) -> Result<(), DriverError> {
    match made {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(error) => Err(refused(action, &error)),
        Ok(_) => Ok(()),
    }
}

fn fill_in(document: &mut Value, base_url: &str) {
    match document {
        Value::String(text) if text.contains(BASE_URL) => *text = text.replace(BASE_URL, base_url),
        Value::Array(values) => values.iter_mut().for_each(|value| fill_in(value, base_url)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|value| fill_in(value, base_url)),
        _ => {}
    }
}

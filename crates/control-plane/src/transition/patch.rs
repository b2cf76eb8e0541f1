//! The two merge patches that a Query gets from us: one of its metadata, one of its status.
//!
//! Each carries only the fields that change, and the `resourceVersion` it was decided on, so that the server refuses
//! it if the Query has changed meanwhile. `apply` does to our own copy what the server did to its own; the copy then
//! needs no second parse.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use query_api::go_duration::GoDuration;
use query_api::query::{Phase, Query, Response, TokenUsage};
use serde::Serialize;

/// A merge patch of a Query's metadata.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MetadataPatch {
    /// All finalizers; `None` leaves them alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finalizers: Option<Vec<String>>,
    /// Annotations to set.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<&'static str, String>,
}

/// A merge patch of a Query's status; `None` leaves a field alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusPatch {
    /// The new phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// All responses. Only in dialect `Targets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responses: Option<Vec<Response>>,
    /// The response. Only in dialect `Target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
    /// The tokens used so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_usage: Option<TokenUsage>,
    /// How long the execution took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<GoDuration>,
    /// All conditions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
}

/// The `resourceVersion` that the Query must still have for a patch to be taken.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Precondition<'a> {
    resource_version: &'a str,
}

impl MetadataPatch {
    /// The patch as the server takes it, if the Query still has this `resourceVersion`.
    #[must_use]
    pub fn to_bytes(&self, resource_version: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            metadata: Metadata<'a>,
        }
        #[derive(Serialize)]
        struct Metadata<'a> {
            #[serde(flatten)]
            precondition: Precondition<'a>,
            #[serde(flatten)]
            patch: &'a MetadataPatch,
        }
        written(&Body {
            metadata: Metadata {
                precondition: Precondition { resource_version },
                patch: self,
            },
        })
    }

    /// Does to `query` what the patch does to the server's copy.
    pub fn apply(&self, query: &mut Query) {
        if let Some(finalizers) = &self.finalizers {
            query.metadata.finalizers = Some(finalizers.clone());
        }
        if !self.annotations.is_empty() {
            let annotations = query.metadata.annotations.get_or_insert_default();
            for (key, value) in &self.annotations {
                annotations.insert((*key).to_owned(), value.clone());
            }
        }
    }
}

impl StatusPatch {
    /// The patch as the server takes it, if the Query still has this `resourceVersion`.
    #[must_use]
    pub fn to_bytes(&self, resource_version: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            metadata: Precondition<'a>,
            status: &'a StatusPatch,
        }
        written(&Body {
            metadata: Precondition { resource_version },
            status: self,
        })
    }

    /// Does to `query` what the patch does to the server's copy.
    pub fn apply(&self, query: &mut Query) {
        let status = query.status.get_or_insert_default();
        if let Some(phase) = self.phase {
            status.phase = phase;
        }
        if let Some(responses) = &self.responses {
            status.responses.clone_from(responses);
        }
        if self.response.is_some() {
            status.response.clone_from(&self.response);
        }
        if self.token_usage.is_some() {
            status.token_usage = self.token_usage;
        }
        if self.duration.is_some() {
            status.duration = self.duration;
        }
        if let Some(conditions) = &self.conditions {
            status.conditions.clone_from(conditions);
        }
    }
}

fn written(body: &impl Serialize) -> Vec<u8> {
    // Structs of strings, numbers and lists of them, and maps with string keys: nothing that JSON cannot say.
    serde_json::to_vec(body).expect("a patch can always be written as JSON")
}

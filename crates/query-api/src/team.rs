//! The Team: agents and teams that answer together, under a strategy.

use crate::text_enum::text_enum;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Who is in a team and who speaks when.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "ark.mckinsey.com",
    version = "v1alpha1",
    kind = "Team",
    plural = "teams",
    namespaced,
    status = "TeamStatus",
    schema = "disabled",
    derive = "Default",
    derive = "PartialEq",
    doc = "Agents and teams that answer together."
)]
#[serde(rename_all = "camelCase", default)]
pub struct TeamSpec {
    /// The members, in the order of their turns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<TeamMember>,
    /// Who speaks next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<TeamStrategy>,
    /// What the team is good for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many turns there may be; unset means no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_turns: Option<i64>,
    /// Who chooses the next member, for strategy `selector`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<TeamSelector>,
    /// Who follows whom, for strategy `graph`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph: Option<TeamGraph>,
    /// Whether the strategy begins anew after its last member. Only in dialect `Target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loops: Option<bool>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// A member of a team.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TeamMember {
    /// The agent or team.
    pub name: String,
    /// Which of both it is.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub r#type: Option<MemberType>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

text_enum! {
    /// The kind of a team's member.
    MemberType {
        /// An agent.
        Agent = "agent",
        /// A team.
        Team = "team",
    }
}

text_enum! {
    /// Who of a team speaks next.
    TeamStrategy {
        /// Each once, in order.
        Sequential = "sequential",
        /// Each in order, again and again.
        RoundRobin = "round-robin",
        /// Whoever is chosen by a model.
        Selector = "selector",
        /// Whoever follows in the graph.
        Graph = "graph",
    }
}

/// Who chooses the next member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TeamSelector {
    /// The Model that chooses; unset means the one named `default`. Only in dialect `Targets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The Agent that chooses. Only in dialect `Target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The template of the question; unset means the controller's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector_prompt: Option<String>,
    /// Whether the choosing agent may end the team's work. Only in dialect `Target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_terminate_tool: Option<bool>,
    /// What the choosing agent is told about ending. Only in dialect `Target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminate_prompt: Option<String>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// Who follows whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TeamGraph {
    /// The edges; at most one leaves each member.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<TeamEdge>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// One edge of a team's graph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TeamEdge {
    /// The member that has spoken.
    pub from: String,
    /// The member that speaks next.
    pub to: String,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// What the controller found out about a Team; empty in dialect `Targets`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TeamStatus {
    /// `Available`. Only in dialect `Target`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

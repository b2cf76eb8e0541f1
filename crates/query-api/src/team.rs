//! The Team: agents and teams that answer together, under a strategy.

use crate::text_enum::text_enum;
use crate::wire::{Unknown, wire_object};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;

/// Who is in a team and who speaks when.
#[derive(CustomResource, Clone, Debug, Default, PartialEq)]
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
pub struct TeamSpec {
    /// The members, in the order of their turns.
    pub members: Vec<TeamMember>,
    /// Who speaks next.
    pub strategy: Option<TeamStrategy>,
    /// What the team is good for.
    pub description: Option<String>,
    /// How many turns there may be; unset means no bound.
    pub max_turns: Option<i64>,
    /// Who chooses the next member, for strategy `selector`.
    pub selector: Option<TeamSelector>,
    /// Who follows whom, for strategy `graph`.
    pub graph: Option<TeamGraph>,
    /// Whether the strategy begins anew after its last member. Only in dialect `Target`.
    pub loops: Option<bool>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    TeamSpec in spec {
        "members" => members,
        "strategy" => strategy,
        "description" => description,
        "maxTurns" => max_turns,
        "selector" => selector,
        "graph" => graph,
        "loops" => loops,
    }
}

/// A member of a team.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TeamMember {
    /// The agent or team.
    pub name: String,
    /// Which of both it is.
    pub r#type: Option<MemberType>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    TeamMember {
        "name" => name,
        "type" => r#type,
    }
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TeamSelector {
    /// The Model that chooses; unset means the one named `default`. Only in dialect `Targets`.
    pub model: Option<String>,
    /// The Agent that chooses. Only in dialect `Target`.
    pub agent: Option<String>,
    /// The template of the question; unset means the controller's own.
    pub selector_prompt: Option<String>,
    /// Whether the choosing agent may end the team's work. Only in dialect `Target`.
    pub enable_terminate_tool: Option<bool>,
    /// What the choosing agent is told about ending. Only in dialect `Target`.
    pub terminate_prompt: Option<String>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    TeamSelector {
        "model" => model,
        "agent" => agent,
        "selectorPrompt" => selector_prompt,
        "enableTerminateTool" => enable_terminate_tool,
        "terminatePrompt" => terminate_prompt,
    }
}

/// Who follows whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TeamGraph {
    /// The edges; at most one leaves each member.
    pub edges: Vec<TeamEdge>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    TeamGraph {
        "edges" => edges,
    }
}

/// One edge of a team's graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TeamEdge {
    /// The member that has spoken.
    pub from: String,
    /// The member that speaks next.
    pub to: String,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    TeamEdge {
        "from" => from,
        "to" => to,
    }
}

/// What the controller found out about a Team; empty in dialect `Targets`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TeamStatus {
    /// `Available`. Only in dialect `Target`.
    pub conditions: Vec<Condition>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    TeamStatus in status {
        "conditions" => conditions,
    }
}

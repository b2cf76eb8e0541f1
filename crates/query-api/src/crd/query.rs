//! The schema of the Query, the one kind whose two dialects exclude each other.

use super::Parts;
use super::columns::{age, column};
use super::schema::{Rules, anything, boolean, int64, list, map_of, name, object, one_of, string};
use super::shared::{conditions, header_override, label_selector, object_ref, parameter};
use crate::dialect::Dialect;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;

/// The schemas and columns of the Query.
pub(super) fn query(dialect: Dialect) -> Parts {
    match dialect {
        Dialect::Targets => Parts {
            spec: targets_spec(),
            status: targets_status(),
            columns: vec![
                column("Phase", "string", ".status.phase"),
                column("Duration", "string", ".status.duration"),
                // Upstream's path; it leads nowhere, and the column is always blank.
                column("Evaluations", "integer", ".status.evaluations.length"),
                age(),
            ],
        },
        Dialect::Target => Parts {
            spec: target_spec(),
            status: target_status(),
            columns: vec![
                column("Type", "string", ".spec.type"),
                column("Phase", "string", ".status.phase"),
                column("Duration", "string", ".status.duration"),
                age(),
            ],
        },
    }
}

fn targets_spec() -> JSONSchemaProps {
    common_spec()
        .and("input", name())
        .and("targets", list(target()))
        .and("evaluators", list(object_ref()))
        .and("evaluatorSelector", label_selector())
}

fn target_spec() -> JSONSchemaProps {
    common_spec()
        .and("type", one_of(&["user", "messages"]).or("user"))
        .and("input", anything())
        .and("target", target())
        .and("conversationId", name())
        .and("overrides", list(header_override()))
}

fn common_spec() -> JSONSchemaProps {
    object([
        ("parameters", list(parameter())),
        ("selector", label_selector()),
        ("memory", object_ref()),
        ("serviceAccount", name()),
        ("sessionId", name()),
        ("ttl", string().or("720h")),
        ("timeout", string().or("5m")),
        ("cancel", boolean()),
    ])
    .requires(&["input"])
}

/// With two additions of ours to upstream's: the phase of each response, and conditions.
fn targets_status() -> JSONSchemaProps {
    let phase = one_of(&[
        "pending",
        "running",
        "evaluating",
        "error",
        "done",
        "canceled",
    ]);
    let response = object([
        ("target", target()),
        ("content", string()),
        (
            "phase",
            phase
                .clone()
                .described("An addition of Plimsoll: `error` marks a target that failed, with the error as its content."),
        ),
    ]);
    let evaluation = object([
        ("evaluatorName", string()),
        ("score", string()),
        ("passed", boolean()),
        ("metadata", map_of(string())),
    ])
    .requires(&["evaluatorName"]);
    object([
        ("phase", phase.or("pending")),
        ("responses", list(response)),
        ("evaluations", list(evaluation)),
        ("tokenUsage", token_usage()),
        ("duration", string()),
        (
            "conditions",
            conditions()
                .described("An addition of Plimsoll: `Completed` says why the Query ended."),
        ),
    ])
}

fn target_status() -> JSONSchemaProps {
    let phase = one_of(&[
        "pending",
        "provisioning",
        "queued",
        "running",
        "input-required",
        "done",
        "error",
        "canceled",
    ]);
    let response = object([
        ("target", target()),
        ("content", string()),
        ("raw", string()),
        ("phase", string()),
        (
            "a2a",
            object([("contextId", string()), ("taskId", string())]),
        ),
    ]);
    object([
        ("phase", phase.or("pending")),
        ("response", response),
        ("tokenUsage", token_usage().and("cachedTokens", int64())),
        ("conversationId", string()),
        ("duration", string()),
        ("conditions", conditions()),
    ])
}

fn target() -> JSONSchemaProps {
    object([
        ("type", one_of(&["agent", "team", "model", "tool"])),
        ("name", name()),
    ])
    .requires(&["type", "name"])
}

fn token_usage() -> JSONSchemaProps {
    object([
        ("promptTokens", int64()),
        ("completionTokens", int64()),
        ("totalTokens", int64()),
    ])
}

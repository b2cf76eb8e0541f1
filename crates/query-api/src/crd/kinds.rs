//! The schemas of the kinds that a Query needs.
//!
//! Their dialects differ by additions, so each schema is that of dialect `Targets` with what dialect `Target` adds or changes.
//! The newer pod templates and engine sources are kept as they are, because their fields are not known to us.

use super::Parts;
use super::columns::{age, column, condition};
use super::schema::{
    Rules, any_object, anything, boolean, integer, list, map_of, name, object, one_of, string,
};
use super::shared::{
    conditions, header, header_override, object_ref, parameter, ready_phase, value_from,
    value_source,
};
use crate::dialect::Dialect;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;

/// The schemas and columns of the Model.
pub(super) fn model(dialect: Dialect) -> Parts {
    let is_newer = dialect == Dialect::Target;
    let mut openai = object([
        ("baseUrl", value_source()),
        ("apiKey", value_source()),
        ("properties", map_of(value_source())),
    ])
    .requires(&["baseUrl", "apiKey"]);
    if is_newer {
        openai = openai.and("headers", list(header()));
    }
    let azure = openai.clone().and("apiVersion", value_source());
    let config = object([
        ("openai", openai),
        ("azure", azure),
        ("bedrock", bedrock(dialect)),
    ]);
    let spec = object([
        ("model", value_source()),
        ("type", one_of(&["openai", "azure", "bedrock"])),
        ("config", config),
    ])
    .requires(&["model", "type", "config"]);
    let status = object([("resolvedAddress", string()), ("message", string())]);
    let model_column = column("Model", "string", ".spec.model.value");
    let type_column = column("Type", "string", ".spec.type");
    if is_newer {
        return Parts {
            spec: spec.and("pollInterval", string().or("5m")),
            status: status.and("conditions", conditions()),
            columns: vec![
                model_column,
                type_column,
                condition("Available", "ModelAvailable"),
                age(),
            ],
        };
    }
    Parts {
        spec,
        status: status.and("phase", ready_phase()),
        columns: vec![
            model_column,
            column("Phase", "string", ".status.phase"),
            type_column,
            age(),
        ],
    }
}

fn bedrock(dialect: Dialect) -> JSONSchemaProps {
    let max_tokens = JSONSchemaProps {
        minimum: Some(1.0),
        maximum: Some(100_000.0),
        ..integer()
    };
    let config = object([
        ("region", value_source()),
        ("accessKeyId", value_source()),
        ("secretAccessKey", value_source()),
        ("sessionToken", value_source()),
        ("modelArn", value_source()),
        ("maxTokens", max_tokens),
        (
            "temperature",
            string().matching(r"^(0(\.[0-9]+)?|1(\.0+)?)$"),
        ),
        ("properties", map_of(value_source())),
    ]);
    match dialect {
        Dialect::Targets => config,
        Dialect::Target => config.and("baseUrl", value_source()),
    }
}

/// The schemas and columns of the Agent.
pub(super) fn agent(dialect: Dialect) -> Parts {
    let function = object([("name", string()), ("value", string())]).requires(&["name"]);
    let tool = object([("name", name()), ("functions", list(function))]).requires(&["type"]);
    let spec = object([
        ("prompt", string()),
        ("description", string()),
        ("modelRef", object_ref()),
        ("executionEngine", object_ref()),
        ("outputSchema", anything()),
    ]);
    let model_column = column("Model", "string", ".spec.modelRef.name");
    if dialect == Dialect::Targets {
        let tool = tool.and("type", one_of(&["built-in", "custom"]));
        return Parts {
            spec: spec
                .and("tools", list(tool))
                .and("parameters", list(parameter())),
            status: object([]),
            columns: vec![model_column, age()],
        };
    }
    let by_query = object([("name", name())]).requires(&["name"]);
    let agent_parameter =
        parameter().and("valueFrom", value_from().and("queryParameterRef", by_query));
    let partial = object([
        ("name", string()),
        ("parameters", list(agent_parameter.clone())),
    ]);
    let tool_types = [
        "built-in", "custom", "mcp", "http", "agent", "team", "builtin",
    ];
    let tool = tool
        .and("type", one_of(&tool_types))
        .and("description", string())
        .and("partial", partial);
    Parts {
        spec: spec
            .and("tools", list(tool))
            .and("parameters", list(agent_parameter))
            .and("overrides", list(header_override()))
            .and("pod", any_object())
            .and("a2aPod", any_object()),
        status: object([("conditions", conditions())]),
        columns: vec![model_column, condition("Available", "Available"), age()],
    }
}

/// The schemas and columns of the Team.
pub(super) fn team(dialect: Dialect) -> Parts {
    let member = object([("name", name()), ("type", one_of(&["agent", "team"]))])
        .requires(&["name", "type"]);
    let edge = object([("from", name()), ("to", name())]).requires(&["from", "to"]);
    let graph = object([("edges", list(edge))]).requires(&["edges"]);
    let spec = object([
        ("members", list(member)),
        ("description", string()),
        ("maxTurns", integer()),
        ("graph", graph),
    ])
    .requires(&["members", "strategy"]);
    let strategy_column = column("Strategy", "string", ".spec.strategy");
    if dialect == Dialect::Targets {
        let selector = object([("model", string()), ("selectorPrompt", string())]);
        return Parts {
            // The older schema leaves the check of the strategy to the webhook.
            spec: spec.and("strategy", string()).and("selector", selector),
            status: object([]),
            columns: vec![strategy_column, age()],
        };
    }
    let selector = object([
        ("agent", string()),
        ("selectorPrompt", string()),
        ("enableTerminateTool", boolean()),
        ("terminatePrompt", string()),
    ]);
    let strategy = one_of(&["sequential", "round-robin", "selector", "graph"]);
    Parts {
        spec: spec
            .and("strategy", strategy)
            .and("selector", selector)
            .and("loops", boolean().or(false)),
        status: object([("conditions", conditions())]),
        columns: vec![strategy_column, condition("Available", "Available"), age()],
    }
}

/// The schemas and columns of the Tool.
pub(super) fn tool(dialect: Dialect) -> Parts {
    let tool_type = match dialect {
        Dialect::Targets => one_of(&["http", "mcp"]),
        Dialect::Target => one_of(&["http", "mcp", "agent", "team", "builtin"]),
    };
    let annotations = object([
        ("destructiveHint", boolean()),
        ("idempotentHint", boolean()),
        ("openWorldHint", boolean()),
        ("readOnlyHint", boolean()),
        ("title", string()),
    ]);
    let http = object([
        ("url", string().matching("^https?://")),
        (
            "method",
            one_of(&["GET", "POST", "PUT", "DELETE", "PATCH"]).or("GET"),
        ),
        ("headers", list(header())),
        ("timeout", string().matching("^[0-9]+[smh]$")),
        ("body", string()),
        ("bodyParameters", list(parameter())),
    ])
    .requires(&["url"]);
    let mcp = object([("mcpServerRef", object_ref()), ("toolName", name())])
        .requires(&["mcpServerRef", "toolName"]);
    Parts {
        spec: object([
            ("type", tool_type),
            ("description", string()),
            ("inputSchema", any_object()),
            ("annotations", annotations),
            ("http", http),
            ("mcp", mcp),
        ])
        .requires(&["type"]),
        status: object([("state", string()), ("message", string())]),
        columns: vec![
            column("Type", "string", ".spec.type"),
            column("State", "string", ".status.state"),
            age(),
        ],
    }
}

/// The schemas and columns of the MCPServer; both dialects have the same.
pub(super) fn mcp_server() -> Parts {
    Parts {
        spec: object([
            ("address", value_source()),
            ("headers", list(header())),
            ("timeout", string().or("30s")),
            ("transport", one_of(&["http", "sse"]).or("http")),
            ("description", string()),
            ("pollInterval", string().or("1m")),
        ])
        // The transport's default comes before the check, so nobody has to write it.
        .requires(&["address", "transport"]),
        status: object([
            ("resolvedAddress", string()),
            ("toolCount", integer()),
            ("conditions", conditions()),
        ]),
        columns: vec![
            condition("Ready", "Ready"),
            condition("Discovering", "Discovering"),
            column("Tools", "integer", ".status.toolCount"),
            age(),
        ],
    }
}

/// The schemas and columns of the Memory.
pub(super) fn memory(dialect: Dialect) -> Parts {
    let spec = object([("address", value_source())]).requires(&["address"]);
    Parts {
        spec: match dialect {
            Dialect::Targets => spec,
            Dialect::Target => spec.and("headers", list(header())),
        },
        status: address_status(),
        columns: address_columns(),
    }
}

/// The schemas and columns of the ExecutionEngine.
pub(super) fn execution_engine(dialect: Dialect) -> Parts {
    let spec = object([
        ("type", string()),
        ("address", value_source()),
        ("description", string()),
    ]);
    Parts {
        spec: match dialect {
            Dialect::Targets => spec.requires(&["address"]),
            Dialect::Target => spec
                .and("source", anything())
                .and("configSchema", anything())
                .and("isAgentic", boolean()),
        },
        status: address_status(),
        columns: address_columns(),
    }
}

fn address_status() -> JSONSchemaProps {
    object([
        ("lastResolvedAddress", string()),
        ("phase", ready_phase()),
        ("message", string()),
    ])
}

fn address_columns() -> Vec<
    k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceColumnDefinition,
>{
    vec![
        column("Phase", "string", ".status.phase"),
        column("Address", "string", ".status.lastResolvedAddress"),
        age(),
    ]
}

//! Queries from adjectives.

use query_api::dialect::Dialect;
use query_api::query::{Phase, QUERY_FINALIZER, Query, QuerySpec, QueryStatus, Target, TargetKind};
use serde_json::Value;
use std::time::Duration;

/// Begins a Query of this name, in namespace `default` and dialect `Targets`, that asks nobody.
pub fn query(name: &str) -> QueryBuilder {
    let mut query = Query::new(name, QuerySpec::default());
    query.metadata.namespace = Some("default".to_owned());
    QueryBuilder {
        query,
        dialect: Dialect::Targets,
    }
}

/// A Query in the making.
#[derive(Clone, Debug)]
#[must_use = "a Query comes out of `build`"]
pub struct QueryBuilder {
    query: Query,
    dialect: Dialect,
}

impl QueryBuilder {
    /// Puts it into this namespace.
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.query.metadata.namespace = Some(namespace.to_owned());
        self
    }

    /// Writes it in this dialect.
    pub fn in_dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// Asks this; a marker that names the Query is appended, by which the LLM stub knows it.
    pub fn asking(mut self, question: &str) -> Self {
        self.query.spec.input = Value::String(question.to_owned());
        self
    }

    /// Adds a target.
    pub fn with_target(mut self, kind: TargetKind, name: &str) -> Self {
        self.query.spec.targets.push(Target::new(kind, name));
        self
    }

    /// Adds a Model as target.
    pub fn with_model_target(self, name: &str) -> Self {
        self.with_target(TargetKind::Model, name)
    }

    /// Adds an Agent as target.
    pub fn with_agent_target(self, name: &str) -> Self {
        self.with_target(TargetKind::Agent, name)
    }

    /// Adds a Tool as target.
    pub fn with_tool_target(self, name: &str) -> Self {
        self.with_target(TargetKind::Tool, name)
    }

    /// Adds this many targets, all the Model `default`.
    pub fn with_targets(mut self, n_targets: usize) -> Self {
        for _ in 0..n_targets {
            self = self.with_model_target("default");
        }
        self
    }

    /// Is deleted so long after it ended.
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.query.spec.ttl = Some(ttl.into());
        self
    }

    /// Gives each target so long.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.query.spec.timeout = Some(timeout.into());
        self
    }

    /// Carries this label.
    pub fn with_label(mut self, name: &str, value: &str) -> Self {
        let labels = self.query.metadata.labels.get_or_insert_default();
        labels.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Is to be given up.
    pub fn canceled(mut self) -> Self {
        self.query.spec.cancel = true;
        self
    }

    /// Stands in this phase, as if a controller had brought it there: with its finalizer and a status.
    pub fn in_phase(mut self, phase: Phase) -> Self {
        self.query.status.get_or_insert_default().phase = phase;
        self.with_finalizer()
    }

    /// Has this status, as if a controller had written it.
    pub fn with_status(mut self, status: QueryStatus) -> Self {
        self.query.status = Some(status);
        self
    }

    /// Carries the controller's finalizer.
    pub fn with_finalizer(mut self) -> Self {
        self.query.metadata.finalizers = Some(vec![QUERY_FINALIZER.to_owned()]);
        self
    }

    /// Has this version; for objects that no API server has stamped.
    pub fn at_version(mut self, version: u64) -> Self {
        self.query.metadata.resource_version = Some(version.to_string());
        self
    }

    /// The Query.
    ///
    /// # Panics
    ///
    /// If it has several targets in dialect `Target`.
    #[must_use]
    pub fn build(self) -> Query {
        let Self { mut query, dialect } = self;
        let (name, namespace) = (&query.metadata.name, &query.metadata.namespace);
        let marker = format!(
            "[query {}/{}]",
            namespace.as_deref().unwrap_or_default(),
            name.as_deref().unwrap_or_default()
        );
        let question = query.spec.input_text();
        let input = if question.is_empty() {
            marker
        } else {
            format!("{question} {marker}")
        };
        query.spec.input = Value::String(input);
        if dialect == Dialect::Target {
            let mut targets = std::mem::take(&mut query.spec.targets);
            assert!(targets.len() <= 1, "dialect Target has a single target");
            query.spec.target = targets.pop();
        }
        query
    }
}

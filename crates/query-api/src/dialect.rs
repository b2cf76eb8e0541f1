//! Which of the two incompatible forms of the Query one faces; both have the same group, version and kind.

use crate::query::QuerySpec;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use std::fmt;

/// A form of the Query, named after the field of its spec that tells it apart.
///
/// The server silently drops fields that its own form lacks, so never guess: ask the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// `spec.targets` and `status.responses`: many targets, evaluators, no conditions (2025).
    Targets,
    /// `spec.target` and `status.response`: one target, conditions, more phases (2026).
    Target,
}

impl Dialect {
    /// Both, the older one first.
    pub const ALL: [Self; 2] = [Self::Targets, Self::Target];

    /// The dialect in which a spec is written; `Targets` if it names no target at all.
    #[must_use]
    pub fn of_query(spec: &QuerySpec) -> Self {
        let has_newer_fields = spec.target.is_some()
            || spec.r#type.is_some()
            || spec.conversation_id.is_some()
            || !spec.overrides.is_empty();
        if has_newer_fields && spec.targets.is_empty() {
            Self::Target
        } else {
            Self::Targets
        }
    }

    /// The dialect of a Query's CRD; `None` if its spec has neither or both of the fields, or no version is served.
    #[must_use]
    pub fn of_schema(crd: &CustomResourceDefinition) -> Option<Self> {
        let version = crd.spec.versions.iter().find(|version| version.served)?;
        let root = version.schema.as_ref()?.open_api_v3_schema.as_ref()?;
        let spec = root.properties.as_ref()?.get("spec")?;
        let fields = spec.properties.as_ref()?;
        match (
            fields.contains_key("targets"),
            fields.contains_key("target"),
        ) {
            (true, false) => Some(Self::Targets),
            (false, true) => Some(Self::Target),
            _ => None,
        }
    }

    /// The name of the field that tells the dialect apart.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Targets => "targets",
            Self::Target => "target",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

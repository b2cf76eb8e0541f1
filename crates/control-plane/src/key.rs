//! The name of a Query within the cluster, cheap to clone and to compare.
//!
//! Every map, queue and log line of this crate names a Query by its key; the object itself stays in the cache.

use std::fmt;
use std::sync::Arc;

/// Namespace and name of a Query.
///
/// Both parts are shared, so that a clone is two counters and a queue of 100,000 keys holds each namespace once
/// (when its keys were built from one `Arc`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryKey {
    /// The namespace, which is also the tenant for fairness.
    pub namespace: Arc<str>,
    /// The name within the namespace.
    pub name: Arc<str>,
}

impl QueryKey {
    /// The key of `namespace/name`.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for QueryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_as_namespace_slash_name() {
        assert_eq!(
            QueryKey::new("team-a", "q1").to_string(),
            "team-a/q1",
            "the x-ark-query header carries this form"
        );
    }
}

//! Why the controller could not start. Once it runs, every failure belongs to a Query and ends in its status.

/// Why the controller could not start.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// The scope is a list of namespaces without any, so that there would be nothing to do, for ever and in silence.
    #[error(
        "find a namespace to look after in its scope: name at least one, or choose the whole cluster"
    )]
    NoNamespace,
    /// The CRD of Query could not be read, so the dialect is unknown; naming the dialect in the configuration mends it.
    #[error("read the definition of {crd} to tell its dialect")]
    ReadDefinition {
        /// The name of the CRD.
        crd: &'static str,
        /// What the API said.
        #[source]
        source: Box<kube::Error>,
    },
    /// The CRD of Query has neither or both of the fields that tell the dialects apart.
    #[error("tell the dialect of {crd}: its spec must have exactly one of `targets` and `target`")]
    UnknownDialect {
        /// The name of the CRD.
        crd: &'static str,
    },
}

//! The built-in kinds: what they are called and what is particular about them.

/// Kinds with rules of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kube_api) enum Builtin {
    Namespace,
    Secret,
    ConfigMap,
    Service,
    Event,
    /// The same kind in the group events.k8s.io; kept apart from the core one.
    GroupEvent,
    Lease,
    CustomResourceDefinition,
}

impl Builtin {
    pub(in crate::kube_api) const ALL: [Self; 8] = [
        Self::Namespace,
        Self::Secret,
        Self::ConfigMap,
        Self::Service,
        Self::Event,
        Self::GroupEvent,
        Self::Lease,
        Self::CustomResourceDefinition,
    ];

    /// Group, version, kind, plural.
    pub(super) fn names(self) -> [&'static str; 4] {
        match self {
            Self::Namespace => ["", "v1", "Namespace", "namespaces"],
            Self::Secret => ["", "v1", "Secret", "secrets"],
            Self::ConfigMap => ["", "v1", "ConfigMap", "configmaps"],
            Self::Service => ["", "v1", "Service", "services"],
            Self::Event => ["", "v1", "Event", "events"],
            Self::GroupEvent => ["events.k8s.io", "v1", "Event", "events"],
            Self::Lease => ["coordination.k8s.io", "v1", "Lease", "leases"],
            Self::CustomResourceDefinition => [
                "apiextensions.k8s.io",
                "v1",
                "CustomResourceDefinition",
                "customresourcedefinitions",
            ],
        }
    }

    pub(super) fn short_names(self) -> &'static [&'static str] {
        match self {
            Self::Namespace => &["ns"],
            Self::ConfigMap => &["cm"],
            Self::Service => &["svc"],
            Self::Event | Self::GroupEvent => &["ev"],
            Self::CustomResourceDefinition => &["crd", "crds"],
            Self::Secret | Self::Lease => &[],
        }
    }

    pub(super) fn selectable(self) -> &'static [&'static str] {
        match self {
            Self::Namespace => &["status.phase"],
            Self::Secret => &["type"],
            Self::Service => &["spec.clusterIP", "spec.type"],
            Self::Event => &[
                "involvedObject.kind",
                "involvedObject.namespace",
                "involvedObject.name",
                "involvedObject.uid",
                "involvedObject.apiVersion",
                "involvedObject.resourceVersion",
                "involvedObject.fieldPath",
                "reason",
                "reportingComponent",
                "type",
            ],
            Self::GroupEvent => &[
                "regarding.kind",
                "regarding.namespace",
                "regarding.name",
                "reason",
                "reportingController",
                "type",
            ],
            Self::ConfigMap | Self::Lease | Self::CustomResourceDefinition => &[],
        }
    }

    pub(super) fn is_namespaced(self) -> bool {
        !matches!(self, Self::Namespace | Self::CustomResourceDefinition)
    }

    pub(super) fn has_status(self) -> bool {
        matches!(
            self,
            Self::Namespace | Self::Service | Self::CustomResourceDefinition
        )
    }
}

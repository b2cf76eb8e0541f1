//! The columns that `kubectl get` prints.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceColumnDefinition;

/// A column that shows the value at a path.
pub(super) fn column(name: &str, kind: &str, path: &str) -> CustomResourceColumnDefinition {
    CustomResourceColumnDefinition {
        name: name.to_owned(),
        type_: kind.to_owned(),
        json_path: path.to_owned(),
        ..CustomResourceColumnDefinition::default()
    }
}

/// A column that shows the status of a condition.
pub(super) fn condition(name: &str, kind: &str) -> CustomResourceColumnDefinition {
    let path = format!(".status.conditions[?(@.type==\"{kind}\")].status");
    column(name, "string", &path)
}

/// The column that every kind ends with.
pub(super) fn age() -> CustomResourceColumnDefinition {
    column("Age", "date", ".metadata.creationTimestamp")
}

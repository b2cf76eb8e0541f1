//! Values that stand in the object itself or are looked up elsewhere, and references to other objects.
//!
//! Looking them up is the control plane's business.

use k8s_openapi::api::core::v1::{ConfigMapKeySelector, SecretKeySelector};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A value, or where to find it.
///
/// A non-empty `value` wins over `value_from`; neither is an error of whoever needs the value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValueSource {
    /// The value itself; empty means that it is to be looked up.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Where to find it; unset if `value` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueFrom>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// Where a value is kept; upstream looks at secret, config map and service in this order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValueFrom {
    /// A key of a Secret in the namespace of the object that refers to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<SecretKeySelector>,
    /// A key of a ConfigMap in the namespace of the object that refers to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<ConfigMapKeySelector>,
    /// The address of a Service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_ref: Option<ServiceRef>,
    /// A parameter of the Query that is being answered; only in an Agent's parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_parameter_ref: Option<QueryParameterRef>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// A Service by name, from which an `http://` address is made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceRef {
    /// The Service.
    pub name: String,
    /// Its namespace; unset means the namespace of the object that refers to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The *name* of its port; unset means its first port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// A path to append with exactly one slash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// A parameter of the Query that is being answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct QueryParameterRef {
    /// The parameter.
    pub name: String,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// A named value for a template; exactly one of `value` and `value_from` is set in a valid one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parameter {
    /// The name under which the template finds it.
    pub name: String,
    /// The value itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where to find it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueFrom>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// An HTTP header; on the wire its value nests as `value.value` or `value.valueFrom`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Header {
    /// The header's name.
    pub name: String,
    /// The header's value.
    pub value: ValueSource,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// Headers that a Query or an Agent adds to the calls of one kind of resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HeaderOverride {
    /// The kind whose calls get the headers, for example `model`.
    pub resource_type: String,
    /// The headers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// Another object by name; its kind follows from the field that holds the reference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectRef {
    /// The object.
    pub name: String,
    /// Its namespace; unset means the namespace of the object that refers to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

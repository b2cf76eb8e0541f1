//! Values that stand in the object itself or are looked up elsewhere, and references to other objects.
//!
//! Looking them up is the control plane's business.

use crate::wire::{Unknown, plain_fields, wire_object};
use k8s_openapi::api::core::v1::{ConfigMapKeySelector, SecretKeySelector};

/// A value, or where to find it.
///
/// A non-empty `value` wins over `value_from`; neither is an error of whoever needs the value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValueSource {
    /// The value itself; empty means that it is to be looked up.
    pub value: String,
    /// Where to find it; unset if `value` is given.
    pub value_from: Option<ValueFrom>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    ValueSource {
        "value" => value,
        "valueFrom" => value_from,
    }
}

/// Where a value is kept; upstream looks at secret, config map and service in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValueFrom {
    /// A key of a Secret in the namespace of the object that refers to it.
    pub secret_key_ref: Option<SecretKeySelector>,
    /// A key of a ConfigMap in the namespace of the object that refers to it.
    pub config_map_key_ref: Option<ConfigMapKeySelector>,
    /// The address of a Service.
    pub service_ref: Option<ServiceRef>,
    /// A parameter of the Query that is being answered; only in an Agent's parameters.
    pub query_parameter_ref: Option<QueryParameterRef>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    ValueFrom {
        "secretKeyRef" => secret_key_ref,
        "configMapKeyRef" => config_map_key_ref,
        "serviceRef" => service_ref,
        "queryParameterRef" => query_parameter_ref,
    }
}

/// A Service by name, from which an `http://` address is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceRef {
    /// The Service.
    pub name: String,
    /// Its namespace; unset means the namespace of the object that refers to it.
    pub namespace: Option<String>,
    /// The *name* of its port; unset means its first port.
    pub port: Option<String>,
    /// A path to append with exactly one slash.
    pub path: Option<String>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    ServiceRef {
        "name" => name,
        "namespace" => namespace,
        "port" => port,
        "path" => path,
    }
}

/// A parameter of the Query that is being answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryParameterRef {
    /// The parameter.
    pub name: String,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    QueryParameterRef {
        "name" => name,
    }
}

/// A named value for a template; exactly one of `value` and `value_from` is set in a valid one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameter {
    /// The name under which the template finds it.
    pub name: String,
    /// The value itself.
    pub value: Option<String>,
    /// Where to find it.
    pub value_from: Option<ValueFrom>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    Parameter {
        "name" => name,
        "value" => value,
        "valueFrom" => value_from,
    }
}

/// An HTTP header; on the wire its value nests as `value.value` or `value.valueFrom`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// The header's name.
    pub name: String,
    /// The header's value.
    pub value: ValueSource,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    Header {
        "name" => name,
        "value" => value,
    }
}

/// Headers that a Query or an Agent adds to the calls of one kind of resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeaderOverride {
    /// The kind whose calls get the headers, for example `model`.
    pub resource_type: String,
    /// The headers.
    pub headers: Vec<Header>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    HeaderOverride {
        "resourceType" => resource_type,
        "headers" => headers,
    }
}

/// Another object by name; its kind follows from the field that holds the reference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// The object.
    pub name: String,
    /// Its namespace; unset means the namespace of the object that refers to it.
    pub namespace: Option<String>,
}

wire_object! {
    ObjectRef closed {
        "name" => name,
        "namespace" => namespace,
    }
}

plain_fields! {
    ValueSource: |source| *source == ValueSource::default(),
    ObjectRef: |reference| *reference == ObjectRef::default(),
}

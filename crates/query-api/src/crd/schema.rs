//! A few words to write structural schemas with, so that a schema reads like the table that it follows.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::Value;

/// An object with these fields; others are pruned.
pub(super) fn object<const N: usize>(fields: [(&str, JSONSchemaProps); N]) -> JSONSchemaProps {
    let fields = fields
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect();
    JSONSchemaProps {
        properties: Some(fields),
        ..of_type("object")
    }
}

/// An object with free keys and values of one schema.
pub(super) fn map_of(values: JSONSchemaProps) -> JSONSchemaProps {
    JSONSchemaProps {
        additional_properties: Some(JSONSchemaPropsOrBool::Schema(Box::new(values))),
        ..of_type("object")
    }
}

/// A list of items of one schema.
pub(super) fn list(items: JSONSchemaProps) -> JSONSchemaProps {
    JSONSchemaProps {
        items: Some(JSONSchemaPropsOrArray::Schema(Box::new(items))),
        ..of_type("array")
    }
}

/// Any string.
pub(super) fn string() -> JSONSchemaProps {
    of_type("string")
}

/// A string of at least one character.
pub(super) fn name() -> JSONSchemaProps {
    JSONSchemaProps {
        min_length: Some(1),
        ..string()
    }
}

/// One of these strings.
pub(super) fn one_of(texts: &[&str]) -> JSONSchemaProps {
    let values = texts.iter().map(|text| JSON(Value::from(*text)));
    JSONSchemaProps {
        enum_: Some(values.collect()),
        ..string()
    }
}

/// True or false.
pub(super) fn boolean() -> JSONSchemaProps {
    of_type("boolean")
}

/// A Go `int`, which has no format.
pub(super) fn integer() -> JSONSchemaProps {
    of_type("integer")
}

/// A Go `int64`.
pub(super) fn int64() -> JSONSchemaProps {
    JSONSchemaProps {
        format: Some("int64".to_owned()),
        ..integer()
    }
}

/// Any JSON at all, kept as it is.
pub(super) fn anything() -> JSONSchemaProps {
    JSONSchemaProps {
        x_kubernetes_preserve_unknown_fields: Some(true),
        ..JSONSchemaProps::default()
    }
}

/// Any JSON object, kept as it is.
pub(super) fn any_object() -> JSONSchemaProps {
    JSONSchemaProps {
        x_kubernetes_preserve_unknown_fields: Some(true),
        ..of_type("object")
    }
}

fn of_type(name: &str) -> JSONSchemaProps {
    JSONSchemaProps {
        type_: Some(name.to_owned()),
        ..JSONSchemaProps::default()
    }
}

/// Rules that are added to a schema.
pub(super) trait Rules: Sized {
    /// These fields must be there.
    fn requires(self, fields: &[&str]) -> Self;

    /// The server fills in this value if the field is absent.
    fn or(self, default: impl Into<Value>) -> Self;

    /// The string must match this expression.
    fn matching(self, pattern: &str) -> Self;

    /// One more field.
    fn and(self, name: &str, schema: JSONSchemaProps) -> Self;

    /// What it is for.
    fn described(self, text: &str) -> Self;
}

impl Rules for JSONSchemaProps {
    fn requires(mut self, fields: &[&str]) -> Self {
        self.required = Some(fields.iter().map(|&field| field.to_owned()).collect());
        self
    }

    fn or(mut self, default: impl Into<Value>) -> Self {
        self.default = Some(JSON(default.into()));
        self
    }

    fn matching(mut self, pattern: &str) -> Self {
        self.pattern = Some(pattern.to_owned());
        self
    }

    fn and(mut self, name: &str, schema: JSONSchemaProps) -> Self {
        self.properties
            .get_or_insert_default()
            .insert(name.to_owned(), schema);
        self
    }

    fn described(mut self, text: &str) -> Self {
        self.description = Some(text.to_owned());
        self
    }
}

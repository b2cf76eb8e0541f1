//! Structural schemas of custom resources, compiled once per CRD.
//!
//! Supported: types, properties, additional properties, items, required, enum, default, nullable, bounds of
//! strings, numbers, arrays and objects, pattern, common formats, allOf/anyOf/oneOf/not, and the
//! `x-kubernetes-` extensions for unknown fields, int-or-string, embedded resources, list and map types.
//! Not supported: CEL rules (`x-kubernetes-validations`), which are accepted and ignored.

mod check;
mod format;
mod shape;

use hashbrown::HashMap;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use regex::Regex;

use super::json::Json;
use format::Format;

pub(super) use check::Path;

/// One node of a schema.
#[derive(Clone, Debug, Default)]
pub(super) struct Schema {
    kind: Option<Kind>,
    properties: HashMap<Box<str>, Schema>,
    additional: Option<Box<Schema>>,
    /// Keeps members that are not described: `additionalProperties: true` or x-kubernetes-preserve-unknown-fields.
    open: bool,
    items: Option<Box<Schema>>,
    required: Vec<Box<str>>,
    choices: Vec<Json<'static>>,
    default: Option<Json<'static>>,
    nullable: bool,
    int_or_string: bool,
    embedded: bool,
    bounds: Bounds,
    format: Option<Format>,
    all_of: Vec<Schema>,
    any_of: Vec<Schema>,
    one_of: Vec<Schema>,
    not: Option<Box<Schema>>,
    pub(super) list: ListType,
    /// The whole map has one owner under apply.
    pub(super) atomic_map: bool,
    /// Whether defaulting can change anything below here.
    has_defaults: bool,
}

/// JSON types as schemas name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

/// How a list's items are told apart under apply.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum ListType {
    #[default]
    Atomic,
    Set,
    /// Items are objects with these keys.
    Map(Vec<Box<str>>),
}

#[derive(Clone, Debug, Default)]
struct Bounds {
    min_length: Option<usize>,
    max_length: Option<usize>,
    pattern: Option<Regex>,
    minimum: Option<f64>,
    exclusive_minimum: bool,
    maximum: Option<f64>,
    exclusive_maximum: bool,
    multiple_of: Option<f64>,
    min_items: Option<usize>,
    max_items: Option<usize>,
    unique_items: bool,
    min_properties: Option<usize>,
    max_properties: Option<usize>,
}

/// A pattern of the schema that is no regular expression.
#[derive(Debug)]
pub(super) struct BadPattern(pub(super) String);

impl Schema {
    /// Compiles what a CRD declares for one version.
    pub(super) fn compile(props: &JSONSchemaProps) -> Result<Self, BadPattern> {
        let several = |list: &Option<Vec<JSONSchemaProps>>| {
            let schemas = list.iter().flatten().map(Self::compile);
            schemas.collect::<Result<Vec<_>, _>>()
        };
        let mut properties = HashMap::new();
        for (name, schema) in props.properties.iter().flatten() {
            properties.insert(Box::from(name.as_str()), Self::compile(schema)?);
        }
        let (additional, additional_open) = match &props.additional_properties {
            Some(JSONSchemaPropsOrBool::Schema(schema)) => {
                (Some(Box::new(Self::compile(schema)?)), false)
            }
            Some(JSONSchemaPropsOrBool::Bool(open)) => (None, *open),
            None => (None, false),
        };
        let items = match &props.items {
            Some(JSONSchemaPropsOrArray::Schema(schema)) => Some(Box::new(Self::compile(schema)?)),
            _ => None,
        };
        let default = props.default.as_ref().map(|json| owned(&json.0));
        let below = properties
            .values()
            .chain(additional.as_deref())
            .chain(items.as_deref());
        let has_defaults = default.is_some() || below.into_iter().any(|schema| schema.has_defaults);
        Ok(Self {
            kind: props.type_.as_deref().and_then(Kind::parse),
            additional,
            open: additional_open || props.x_kubernetes_preserve_unknown_fields == Some(true),
            items,
            required: props
                .required
                .iter()
                .flatten()
                .map(|key| key.as_str().into())
                .collect(),
            choices: props
                .enum_
                .iter()
                .flatten()
                .map(|json| owned(&json.0))
                .collect(),
            default,
            nullable: props.nullable == Some(true),
            int_or_string: props.x_kubernetes_int_or_string == Some(true),
            embedded: props.x_kubernetes_embedded_resource == Some(true),
            bounds: Bounds::compile(props)?,
            format: props.format.as_deref().and_then(Format::parse),
            all_of: several(&props.all_of)?,
            any_of: several(&props.any_of)?,
            one_of: several(&props.one_of)?,
            not: match &props.not {
                Some(schema) => Some(Box::new(Self::compile(schema)?)),
                None => None,
            },
            list: ListType::compile(props),
            atomic_map: props.x_kubernetes_map_type.as_deref() == Some("atomic"),
            has_defaults,
            properties,
        })
    }

    pub(super) fn property(&self, name: &str) -> Option<&Schema> {
        self.properties.get(name).or(self.additional.as_deref())
    }

    pub(super) fn items(&self) -> Option<&Schema> {
        self.items.as_deref()
    }
}

impl Kind {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

impl ListType {
    fn compile(props: &JSONSchemaProps) -> Self {
        match props.x_kubernetes_list_type.as_deref() {
            Some("set") => Self::Set,
            Some("map") => Self::Map(
                props
                    .x_kubernetes_list_map_keys
                    .iter()
                    .flatten()
                    .map(|key| key.as_str().into())
                    .collect(),
            ),
            _ => Self::Atomic,
        }
    }
}

impl Bounds {
    fn compile(props: &JSONSchemaProps) -> Result<Self, BadPattern> {
        let size = |value: Option<i64>| value.and_then(|value| usize::try_from(value).ok());
        let pattern = match props.pattern.as_deref() {
            Some(text) if !text.is_empty() => {
                Some(Regex::new(text).map_err(|error| BadPattern(error.to_string()))?)
            }
            _ => None,
        };
        Ok(Self {
            min_length: size(props.min_length),
            max_length: size(props.max_length),
            pattern,
            minimum: props.minimum,
            exclusive_minimum: props.exclusive_minimum == Some(true),
            maximum: props.maximum,
            exclusive_maximum: props.exclusive_maximum == Some(true),
            multiple_of: props.multiple_of,
            min_items: size(props.min_items),
            max_items: size(props.max_items),
            unique_items: props.unique_items == Some(true),
            min_properties: size(props.min_properties),
            max_properties: size(props.max_properties),
        })
    }
}

fn owned(value: &serde_json::Value) -> Json<'static> {
    let text = value.to_string();
    match Json::parse(text.as_bytes()) {
        Ok(json) => json.into_owned(),
        Err(_) => Json::Null,
    }
}

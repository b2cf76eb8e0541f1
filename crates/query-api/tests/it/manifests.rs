//! The manifests of `fixtures/queries`, read once and checked against the schemas.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use query_api::crd::crds;
use query_api::dialect::Dialect;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// One manifest: where it stands, its text, and what the text says.
pub(crate) struct Manifest {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) value: Value,
}

impl Manifest {
    pub(crate) fn kind(&self) -> &str {
        self.value["kind"].as_str().expect("a manifest has a kind")
    }

    /// Whether it holds fields on purpose that no schema has.
    pub(crate) fn is_from_the_future(&self) -> bool {
        self.path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().contains("future"))
    }
}

/// All manifests of a dialect, in the order of their names.
pub(crate) fn manifests(dialect: Dialect) -> Vec<Manifest> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/queries")
        .join(dialect.as_str());
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder that can be listed").path())
        .collect();
    paths.sort();
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Manifest {
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    Manifest { path, text, value }
}

/// The root schema of each kind.
pub(crate) fn schemas(dialect: Dialect) -> BTreeMap<String, JSONSchemaProps> {
    crds(dialect)
        .into_iter()
        .map(|crd| {
            let schema = crd.spec.versions[0]
                .schema
                .clone()
                .and_then(|validation| validation.open_api_v3_schema)
                .expect("our CRDs have schemas");
            (crd.spec.names.kind, schema)
        })
        .collect()
}

/// What a value breaks of a schema: the paths and the rules.
pub(crate) fn problems(schema: &JSONSchemaProps, value: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let fits = match schema.type_.as_deref() {
        None => true,
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("boolean") => value.is_boolean(),
        Some(other) => panic!("{path}: type {other} is not in use"),
    };
    if !fits {
        found.push(format!("{path}: {value} is not of type {:?}", schema.type_));
    }
    if let Some(values) = &schema.enum_
        && !values.iter().any(|allowed| allowed.0 == *value)
    {
        found.push(format!("{path}: {value} is not among the values"));
    }
    if let (Some(shortest), Some(text)) = (schema.min_length, value.as_str())
        && (text.len() as i64) < shortest
    {
        found.push(format!("{path}: too short"));
    }
    if let Some(fields) = value.as_object() {
        for name in schema.required.iter().flatten() {
            if !fields.contains_key(name) && !has_default(schema, name) {
                found.push(format!("{path}.{name}: missing"));
            }
        }
        for (name, value) in fields {
            let path = format!("{path}.{name}");
            match child(schema, name) {
                Some(schema) => found.extend(problems(schema, value, &path)),
                None if is_free(schema) || path.starts_with(".metadata") => {}
                None => found.push(format!("{path}: not in the schema")),
            }
        }
    }
    for item in value.as_array().into_iter().flatten() {
        found.extend(problems(items(schema), item, &format!("{path}[]")));
    }
    found
}

/// The schema of a field, whether named or free.
pub(crate) fn child<'a>(schema: &'a JSONSchemaProps, name: &str) -> Option<&'a JSONSchemaProps> {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaPropsOrBool;
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &schema.additional_properties {
        return Some(values);
    }
    schema.properties.as_ref()?.get(name)
}

/// The schema of the items of a list.
pub(crate) fn items(schema: &JSONSchemaProps) -> &JSONSchemaProps {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaPropsOrArray;
    static ANYTHING: std::sync::LazyLock<JSONSchemaProps> =
        std::sync::LazyLock::new(|| JSONSchemaProps {
            x_kubernetes_preserve_unknown_fields: Some(true),
            ..JSONSchemaProps::default()
        });
    match &schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => items,
        _ => &ANYTHING,
    }
}

/// Whether a schema keeps whatever it does not name.
pub(crate) fn is_free(schema: &JSONSchemaProps) -> bool {
    schema.x_kubernetes_preserve_unknown_fields == Some(true)
}

fn has_default(schema: &JSONSchemaProps, name: &str) -> bool {
    child(schema, name).is_some_and(|field| field.default.is_some())
}

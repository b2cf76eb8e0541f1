//! Bringing an object into the shape of its schema: unknown fields go, defaults come.

use super::super::json::{Json, Members};
use super::{Path, Schema};

impl Schema {
    /// Drops what the schema does not describe.
    pub(in super::super) fn prune(&self, value: &mut Json<'_>) {
        match value {
            Json::Object(members) => self.prune_members(members),
            Json::Array(items) => {
                if let Some(schema) = self.items.as_deref() {
                    items.iter_mut().for_each(|item| schema.prune(item));
                }
            }
            _ => {}
        }
    }

    fn prune_members(&self, members: &mut Members<'_>) {
        members.0.retain_mut(|(key, value)| {
            if self.embedded && is_envelope(key) {
                return true;
            }
            match self.property(key) {
                Some(schema) => {
                    schema.prune(value);
                    true
                }
                None => self.open,
            }
        });
    }

    /// Prunes the members of a whole object beside its envelope.
    pub(in super::super) fn prune_root(&self, members: &mut Members<'_>) {
        members.0.retain_mut(|(key, value)| {
            if is_envelope(key) {
                return true;
            }
            match self.property(key) {
                Some(schema) => {
                    schema.prune(value);
                    true
                }
                None => self.open,
            }
        });
    }

    /// The paths of members that pruning would drop from a whole object.
    pub(in super::super) fn unknown_fields(&self, members: &Members<'_>) -> Vec<String> {
        let mut unknown = Vec::new();
        for (key, value) in members.0.iter().filter(|(key, _)| !is_envelope(key)) {
            self.find_unknown(key, value, Path::Field(&Path::Root, key), &mut unknown);
        }
        unknown
    }

    fn find_unknown(&self, key: &str, value: &Json<'_>, path: Path<'_>, unknown: &mut Vec<String>) {
        let Some(schema) = self.property(key) else {
            if !self.open {
                unknown.push(path.text());
            }
            return;
        };
        schema.find_unknown_below(value, path, unknown);
    }

    fn find_unknown_below(&self, value: &Json<'_>, path: Path<'_>, unknown: &mut Vec<String>) {
        match value {
            Json::Object(members) => {
                for (key, value) in &members.0 {
                    if !(self.embedded && is_envelope(key)) {
                        self.find_unknown(key, value, Path::Field(&path, key), unknown);
                    }
                }
            }
            Json::Array(items) => {
                let Some(schema) = self.items.as_deref() else {
                    return;
                };
                for (index, item) in items.iter().enumerate() {
                    schema.find_unknown_below(item, Path::Index(&path, index), unknown);
                }
            }
            _ => {}
        }
    }

    /// Fills in defaults for missing members, and for nulls where null is not allowed.
    pub(in super::super) fn fill_defaults(&self, value: &mut Json<'_>) {
        if !self.has_defaults {
            return;
        }
        match value {
            Json::Object(members) => self.fill_members(members),
            Json::Array(items) => {
                if let Some(schema) = self.items.as_deref() {
                    items.iter_mut().for_each(|item| schema.fill_defaults(item));
                }
            }
            _ => {}
        }
    }

    fn fill_members(&self, members: &mut Members<'_>) {
        for (name, schema) in &self.properties {
            if !schema.has_defaults {
                continue;
            }
            match (members.get_mut(name), &schema.default) {
                (Some(value), Some(default)) if value.is_null() && !schema.nullable => {
                    *value = default.clone();
                    schema.fill_defaults(value);
                }
                (Some(value), _) => schema.fill_defaults(value),
                (None, Some(default)) => {
                    let mut value = default.clone();
                    schema.fill_defaults(&mut value);
                    members.0.push((name.to_string().into(), value));
                }
                (None, None) => {}
            }
        }
        let Some(additional) = self.additional.as_deref() else {
            return;
        };
        for (key, value) in &mut members.0 {
            if !self.properties.contains_key(key.as_ref()) {
                additional.fill_defaults(value);
            }
        }
    }
}

fn is_envelope(key: &str) -> bool {
    matches!(key, "apiVersion" | "kind" | "metadata")
}

//! Validation against a schema, with the words of the API server.

use std::fmt::Write as _;

use super::super::failure::Cause;
use super::super::json::{Json, Members, Number};
use super::format::Format;
use super::{Kind, ListType, Schema};

/// The place of a value, as a list of steps towards the root; it costs nothing until an error needs its text.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl Path<'_> {
    pub(in super::super) fn text(&self) -> String {
        match self {
            Path::Root => String::new(),
            Path::Field(parent, name) => {
                let mut text = parent.text();
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
                text
            }
            Path::Index(parent, index) => format!("{}[{index}]", parent.text()),
        }
    }

    fn invalid(&self, value: &str, rule: &str) -> Cause {
        Cause {
            field: self.text(),
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {value}: {} in body {rule}", self.text()),
        }
    }
}

impl Schema {
    /// Appends what is wrong with `value`.
    pub(in super::super) fn check(
        &self,
        value: &Json<'_>,
        path: Path<'_>,
        causes: &mut Vec<Cause>,
    ) {
        if value.is_null() && self.nullable {
            return;
        }
        if !self.check_type(value, path, causes) {
            return;
        }
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice.same(value)) {
            causes.push(self.unsupported(value, path));
        }
        match value {
            Json::String(text) => self.check_string(text, path, causes),
            Json::Number(number) => self.check_number(*number, path, causes),
            Json::Array(items) => self.check_array(items, path, causes),
            Json::Object(members) => self.check_object(members, path, causes),
            Json::Null | Json::Bool(_) => {}
        }
        self.check_combined(value, path, causes);
    }

    /// Checks a whole object beside its envelope; members that `old` has unchanged were checked then.
    pub(in super::super) fn check_root(
        &self,
        members: &Members<'_>,
        old: Option<&Members<'_>>,
        causes: &mut Vec<Cause>,
    ) {
        for key in &self.required {
            if members.get(key).is_none() && !matches!(&**key, "metadata" | "apiVersion" | "kind") {
                causes.push(Cause {
                    field: key.to_string(),
                    reason: "FieldValueRequired",
                    message: "Required value".to_owned(),
                });
            }
        }
        for (key, value) in &members.0 {
            let is_unchanged = old
                .and_then(|old| old.get(key))
                .is_some_and(|old| old.same(value));
            if is_unchanged || matches!(&**key, "metadata" | "apiVersion" | "kind") {
                continue;
            }
            if let Some(schema) = self.property(key) {
                schema.check(value, Path::Field(&Path::Root, key), causes);
            }
        }
    }

    fn check_type(&self, value: &Json<'_>, path: Path<'_>, causes: &mut Vec<Cause>) -> bool {
        let whole = matches!(value, Json::Number(Number::Integer(_) | Number::Large(_)));
        if self.int_or_string {
            if whole || matches!(value, Json::String(_)) {
                return true;
            }
            causes.push(type_error(value, path, "integer,string"));
            return false;
        }
        let Some(kind) = self.kind else {
            return true;
        };
        let fits = match kind {
            Kind::Object => matches!(value, Json::Object(_)),
            Kind::Array => matches!(value, Json::Array(_)),
            Kind::String => matches!(value, Json::String(_)),
            Kind::Integer => whole,
            Kind::Number => matches!(value, Json::Number(_)),
            Kind::Boolean => matches!(value, Json::Bool(_)),
        };
        if !fits {
            causes.push(type_error(value, path, kind.name()));
        }
        fits
    }

    fn check_string(&self, text: &str, path: Path<'_>, causes: &mut Vec<Cause>) {
        let bounds = &self.bounds;
        if bounds.min_length.is_some() || bounds.max_length.is_some() {
            let length = text.chars().count();
            if let Some(least) = bounds.min_length.filter(|least| length < *least) {
                let rule = format!("should be at least {least} chars long");
                causes.push(path.invalid(&quoted(text), &rule));
            }
            if let Some(most) = bounds.max_length.filter(|most| length > *most) {
                causes.push(Cause {
                    field: path.text(),
                    reason: "FieldValueTooLong",
                    message: format!("Too long: may not be more than {most} bytes"),
                });
            }
        }
        if let Some(pattern) = bounds
            .pattern
            .as_ref()
            .filter(|pattern| !pattern.is_match(text))
        {
            let rule = format!("should match '{}'", pattern.as_str());
            causes.push(path.invalid(&quoted(text), &rule));
        }
        if let Some(format) = self.format.filter(|format| !format.accepts(text)) {
            let rule = format!("must be of type {}: {}", format.name(), quoted(text));
            causes.push(path.invalid(&quoted(text), &rule));
        }
    }

    fn check_number(&self, number: Number, path: Path<'_>, causes: &mut Vec<Cause>) {
        let bounds = &self.bounds;
        let value = number.as_f64();
        let shown = Json::Number(number).text();
        if let Some(least) = bounds.minimum {
            if bounds.exclusive_minimum && value <= least {
                causes.push(path.invalid(&shown, &format!("should be greater than {least}")));
            } else if value < least {
                causes.push(path.invalid(
                    &shown,
                    &format!("should be greater than or equal to {least}"),
                ));
            }
        }
        if let Some(most) = bounds.maximum {
            if bounds.exclusive_maximum && value >= most {
                causes.push(path.invalid(&shown, &format!("should be less than {most}")));
            } else if value > most {
                causes
                    .push(path.invalid(&shown, &format!("should be less than or equal to {most}")));
            }
        }
        if let Some(factor) = bounds
            .multiple_of
            .filter(|factor| (value / factor).fract() != 0.0)
        {
            causes.push(path.invalid(&shown, &format!("should be a multiple of {factor}")));
        }
        let too_wide = |value: f64| value < f64::from(i32::MIN) || value > f64::from(i32::MAX);
        if self.format == Some(Format::Int32) && too_wide(value) {
            let rule = format!(
                "Checked value must be of type integer with format int32 in {}",
                path.text()
            );
            causes.push(Cause {
                field: path.text(),
                reason: "FieldValueInvalid",
                message: format!("Invalid value: {shown}: {rule}"),
            });
        }
    }

    fn check_array(&self, items: &[Json<'_>], path: Path<'_>, causes: &mut Vec<Cause>) {
        let bounds = &self.bounds;
        if let Some(least) = bounds.min_items.filter(|least| items.len() < *least) {
            let rule = format!("should have at least {least} items");
            causes.push(path.invalid(&items.len().to_string(), &rule));
        }
        if let Some(most) = bounds.max_items.filter(|most| items.len() > *most) {
            causes.push(too_many(path, items.len(), most));
        }
        if bounds.unique_items
            && (1..items.len()).any(|i| items[..i].iter().any(|other| other.same(&items[i])))
        {
            causes.push(path.invalid(&Json::text_of(items), "shouldn't contain duplicates"));
        }
        if let Some(schema) = self.items.as_deref() {
            for (index, item) in items.iter().enumerate() {
                schema.check(item, Path::Index(&path, index), causes);
            }
        }
        self.check_list_type(items, path, causes);
    }

    fn check_list_type(&self, items: &[Json<'_>], path: Path<'_>, causes: &mut Vec<Cause>) {
        let is_same = |a: &Json<'_>, b: &Json<'_>| match &self.list {
            ListType::Atomic => false,
            ListType::Set => a.same(b),
            ListType::Map(keys) => keys.iter().all(|key| match (a.get(key), b.get(key)) {
                (Some(a), Some(b)) => a.same(b),
                (a, b) => a.is_none() && b.is_none(),
            }),
        };
        for index in 1..items.len() {
            if !items[..index]
                .iter()
                .any(|other| is_same(other, &items[index]))
            {
                continue;
            }
            let shown = match &self.list {
                ListType::Map(keys) => {
                    let key = |key: &str| {
                        let value = items[index]
                            .get(key)
                            .map_or_else(|| "null".to_owned(), Json::text);
                        format!("{}:{value}", quoted(key))
                    };
                    format!(
                        "{{{}}}",
                        keys.iter()
                            .map(|name| key(name))
                            .collect::<Vec<_>>()
                            .join(",")
                    )
                }
                _ => items[index].text(),
            };
            causes.push(Cause {
                field: Path::Index(&path, index).text(),
                reason: "FieldValueDuplicate",
                message: format!("Duplicate value: {shown}"),
            });
        }
    }

    fn check_object(&self, members: &Members<'_>, path: Path<'_>, causes: &mut Vec<Cause>) {
        for key in &self.required {
            if members.get(key).is_none() {
                causes.push(Cause {
                    field: Path::Field(&path, key).text(),
                    reason: "FieldValueRequired",
                    message: "Required value".to_owned(),
                });
            }
        }
        let bounds = &self.bounds;
        let n_members = members.0.len();
        if let Some(least) = bounds.min_properties.filter(|least| n_members < *least) {
            let rule = format!("should have at least {least} properties");
            causes.push(path.invalid(&n_members.to_string(), &rule));
        }
        if let Some(most) = bounds.max_properties.filter(|most| n_members > *most) {
            causes.push(too_many(path, n_members, most));
        }
        for (key, value) in &members.0 {
            if let Some(schema) = self.properties.get(key.as_ref()) {
                schema.check(value, Path::Field(&path, key), causes);
            } else if let Some(schema) = self.additional.as_deref() {
                schema.check(value, Path::Field(&path, key), causes);
            }
        }
    }

    fn check_combined(&self, value: &Json<'_>, path: Path<'_>, causes: &mut Vec<Cause>) {
        for schema in &self.all_of {
            schema.check(value, path, causes);
        }
        let accepts = |schema: &&Schema| {
            let mut wrong = Vec::new();
            schema.check(value, path, &mut wrong);
            wrong.is_empty()
        };
        let failed = |rule: &str| Cause {
            field: "<nil>".to_owned(),
            reason: "FieldValueInvalid",
            message: format!("Invalid value: \"\": {} {rule}", quoted(&path.text())),
        };
        if !self.any_of.is_empty() && !self.any_of.iter().any(|schema| accepts(&schema)) {
            causes.push(failed("must validate at least one schema (anyOf)"));
            self.any_of[0].check(value, path, causes);
        }
        const ONE_OF: &str = "must validate one and only one schema (oneOf).";
        match self.one_of.iter().filter(accepts).count() {
            1 => {}
            _ if self.one_of.is_empty() => {}
            0 => {
                causes.push(failed(&format!("{ONE_OF} Found none valid")));
                self.one_of[0].check(value, path, causes);
            }
            several => causes.push(failed(&format!(
                "{ONE_OF} Found {several} valid alternatives"
            ))),
        }
        if self.not.as_deref().is_some_and(|schema| accepts(&schema)) {
            causes.push(failed("must not validate the schema (not)"));
        }
    }

    fn unsupported(&self, value: &Json<'_>, path: Path<'_>) -> Cause {
        let mut message = format!("Unsupported value: {}: supported values: ", value.text());
        for (index, choice) in self.choices.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            let _ = write!(message, "{separator}{}", choice.text());
        }
        Cause {
            field: path.text(),
            reason: "FieldValueNotSupported",
            message,
        }
    }
}

fn type_error(value: &Json<'_>, path: Path<'_>, wanted: &str) -> Cause {
    let found = match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(Number::Float(_)) => "number",
        Json::Number(_) => "integer",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    };
    let mut cause = path.invalid(
        &quoted(found),
        &format!("must be of type {wanted}: {}", quoted(found)),
    );
    cause.reason = "FieldValueTypeInvalid";
    cause
}

fn too_many(path: Path<'_>, count: usize, most: usize) -> Cause {
    Cause {
        field: path.text(),
        reason: "FieldValueTooMany",
        message: format!("Too many: {count}: must have at most {most} items"),
    }
}

pub(in super::super) fn quoted(text: &str) -> String {
    Json::string(text).text()
}

impl Json<'_> {
    /// The compact text of the value.
    pub(in super::super) fn text(&self) -> String {
        String::from_utf8(self.to_vec()).unwrap_or_default()
    }

    fn text_of(items: &[Json<'_>]) -> String {
        let texts: Vec<String> = items.iter().map(Json::text).collect();
        format!("[{}]", texts.join(","))
    }
}

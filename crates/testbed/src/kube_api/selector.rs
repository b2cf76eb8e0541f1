//! Label and field selectors of lists, watches and collection deletes.

use super::failure::Failure;
use super::object::Object;
use super::resource::Resource;

/// What an object must be to be seen; empty for everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Selector {
    labels: Vec<LabelRule>,
    fields: Vec<FieldRule>,
}

#[derive(Clone, Debug, PartialEq)]
enum LabelRule {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
    Greater(String, i64),
    Less(String, i64),
}

#[derive(Clone, Debug)]
struct FieldRule {
    field: Field,
    value: String,
    negated: bool,
}

#[derive(Clone, Copy, Debug)]
enum Field {
    Name,
    Namespace,
    /// Index into the resource's selectable fields.
    Selectable(usize),
}

impl Selector {
    pub(super) fn parse(resource: &Resource, labels: &str, fields: &str) -> Result<Self, Failure> {
        let label_error =
            |why: String| Failure::bad_request(format!("unable to parse requirement: {why}"));
        let labels = parse_labels(labels).map_err(label_error)?;
        let fields = split_fields(fields)
            .into_iter()
            .map(|term| FieldRule::parse(resource, &term))
            .collect::<Result<_, _>>()?;
        Ok(Self { labels, fields })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// The only name that can match, if the selector asks for one.
    pub(super) fn name(&self) -> Option<&str> {
        let asks = |rule: &&FieldRule| matches!(rule.field, Field::Name) && !rule.negated;
        self.fields.iter().find(asks).map(|rule| &*rule.value)
    }

    pub(super) fn matches(&self, object: &Object) -> bool {
        self.labels.iter().all(|rule| rule.matches(object))
            && self.fields.iter().all(|rule| rule.matches(object))
    }
}

impl LabelRule {
    fn matches(&self, object: &Object) -> bool {
        let number = |key: &str| {
            object
                .meta
                .label(key)
                .and_then(|value| value.parse::<i64>().ok())
        };
        match self {
            Self::In(key, values) => object
                .meta
                .label(key)
                .is_some_and(|value| values.iter().any(|wanted| wanted == value)),
            Self::NotIn(key, values) => object
                .meta
                .label(key)
                .is_none_or(|value| values.iter().all(|unwanted| unwanted != value)),
            Self::Exists(key) => object.meta.label(key).is_some(),
            Self::Missing(key) => object.meta.label(key).is_none(),
            Self::Greater(key, bound) => number(key).is_some_and(|value| value > *bound),
            Self::Less(key, bound) => number(key).is_some_and(|value| value < *bound),
        }
    }

    fn parse(term: &str) -> Result<Self, String> {
        if let Some((key, set)) = split_word(term, "notin") {
            return Ok(Self::NotIn(label_key(key)?, value_set(set)?));
        }
        if let Some((key, set)) = split_word(term, "in") {
            return Ok(Self::In(label_key(key)?, value_set(set)?));
        }
        if let Some(key) = term.strip_prefix('!') {
            return Ok(Self::Missing(label_key(key)?));
        }
        if let Some((key, value)) = term.split_once("!=") {
            return Ok(Self::NotIn(label_key(key)?, vec![label_value(value)?]));
        }
        if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
            return Ok(Self::In(label_key(key)?, vec![label_value(value)?]));
        }
        let bound = |value: &str| {
            let value = value.trim();
            value
                .parse::<i64>()
                .map_err(|_| format!("values[0]: Invalid value: {value:?}: for 'Gt', 'Lt' operators, the value must be an integer"))
        };
        if let Some((key, value)) = term.split_once('>') {
            return Ok(Self::Greater(label_key(key)?, bound(value)?));
        }
        if let Some((key, value)) = term.split_once('<') {
            return Ok(Self::Less(label_key(key)?, bound(value)?));
        }
        Ok(Self::Exists(label_key(term)?))
    }
}

impl FieldRule {
    fn parse(resource: &Resource, term: &str) -> Result<Self, Failure> {
        let (path, value, negated) = if let Some((path, value)) = term.split_once("!=") {
            (path, value, true)
        } else if let Some((path, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
            (path, value, false)
        } else {
            let message = format!("invalid selector: '{term}'; can't understand '{term}'");
            return Err(Failure::bad_request(message));
        };
        let field = match path {
            "metadata.name" => Some(Field::Name),
            "metadata.namespace" if resource.namespaced => Some(Field::Namespace),
            other => resource.selectable_index(other).map(Field::Selectable),
        };
        let Some(field) = field else {
            let message = format!("field label not supported: {path}");
            return Err(Failure::bad_request(message));
        };
        Ok(Self {
            field,
            value: value.to_owned(),
            negated,
        })
    }

    fn matches(&self, object: &Object) -> bool {
        let actual = match self.field {
            Field::Name => object.meta.name(),
            Field::Namespace => object.meta.namespace(),
            Field::Selectable(index) => object.fields.get(index).map_or("", |value| &**value),
        };
        (actual == self.value) != self.negated
    }
}

/// Splits at the commas that are not inside parentheses.
fn parse_labels(text: &str) -> Result<Vec<LabelRule>, String> {
    let mut rules = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    let mut terms = Vec::new();
    for (index, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                terms.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    if text.trim().is_empty() {
        return Ok(rules);
    }
    for term in terms {
        rules.push(LabelRule::parse(term.trim())?);
    }
    Ok(rules)
}

/// Field selector terms; a backslash keeps a comma or an equals sign in a value.
fn split_fields(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut escaped = false;
    for character in text.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => {
                escaped = true;
                continue;
            }
            ',' => {
                terms.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(term) = terms.last_mut() {
            term.push(character);
        }
    }
    terms.retain(|term| !term.is_empty());
    terms
}

/// `key word (a,b)` as key and `(a,b)`.
fn split_word<'a>(term: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let open = term.find('(')?;
    let (before, set) = term.split_at(open);
    let key = before.trim_end().strip_suffix(word)?;
    key.ends_with(char::is_whitespace)
        .then(|| (key.trim(), set))
}

fn value_set(text: &str) -> Result<Vec<String>, String> {
    let inner = text
        .trim()
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .ok_or_else(|| format!("found '{text}', expected: '(' and ')'"))?;
    inner.split(',').map(label_value).collect()
}

fn label_key(text: &str) -> Result<String, String> {
    let key = text.trim();
    let (prefix, name) = key.split_once('/').unwrap_or(("x", key));
    if !is_label_text(name, 63)
        || name.is_empty()
        || prefix.is_empty()
        || !is_label_text(prefix, 253)
    {
        return Err(format!(
            "<nil>: Invalid value: {key:?}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
        ));
    }
    Ok(key.to_owned())
}

fn label_value(text: &str) -> Result<String, String> {
    let value = text.trim();
    if !is_label_text(value, 63) {
        return Err(format!(
            "values[0]: Invalid value: {value:?}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
        ));
    }
    Ok(value.to_owned())
}

/// Whether `text` could be a label's value, or the name in a label's key.
pub(super) fn is_label_text(text: &str, longest: usize) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let ends_well = |end: Option<&u8>| end.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= longest
        && bytes.iter().copied().all(inner)
        && ends_well(bytes.first())
        && ends_well(bytes.last())
}

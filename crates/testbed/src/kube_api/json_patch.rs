//! JSON patches (RFC 6902), as the API server understands them.
//!
//! One leniency is the server's own: testing a missing member for null succeeds.

use std::borrow::Cow;

use super::failure::Failure;
use super::json::Json;

/// One step of a patch.
#[derive(Debug)]
pub(super) struct Operation {
    kind: Kind,
    path: Vec<String>,
    /// As it was written, for messages.
    pointer: String,
    from: Vec<String>,
    value: Json<'static>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}

pub(super) fn parse(body: &[u8]) -> Result<Vec<Operation>, Failure> {
    const LIMIT: usize = 10_000;
    let json = Json::parse(body)
        .map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))?;
    let Json::Array(items) = json else {
        return Err(Failure::bad_request(
            "error decoding patch: a JSON patch is an array",
        ));
    };
    if items.len() > LIMIT {
        let message = format!(
            "the allowed maximum operations in a JSON patch is {LIMIT}, got {}",
            items.len()
        );
        return Err(Failure::new(
            http::StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            message,
        ));
    }
    items.into_iter().map(Operation::parse).collect()
}

/// Applies `operations` in order; the first that fails refuses the whole patch.
pub(super) fn apply(root: &mut Json<'_>, operations: &[Operation]) -> Result<(), Failure> {
    for operation in operations {
        operation.apply(root).map_err(|why| {
            Failure::unprocessable(format!(
                "the server rejected our request due to an error in our request: {why}"
            ))
        })?;
    }
    Ok(())
}

impl Operation {
    fn parse(item: Json<'_>) -> Result<Self, Failure> {
        let bad = |why: &str| Failure::bad_request(format!("error decoding patch: {why}"));
        let Json::Object(mut members) = item else {
            return Err(bad("an operation is an object"));
        };
        let kind = match members.str("op") {
            Some("add") => Kind::Add,
            Some("remove") => Kind::Remove,
            Some("replace") => Kind::Replace,
            Some("move") => Kind::Move,
            Some("copy") => Kind::Copy,
            Some("test") => Kind::Test,
            other => {
                return Err(bad(&format!(
                    "unexpected kind: {}",
                    other.unwrap_or_default()
                )));
            }
        };
        let pointer = members
            .str("path")
            .ok_or_else(|| bad("missing path"))?
            .to_owned();
        let from = match kind {
            Kind::Move | Kind::Copy => members
                .str("from")
                .ok_or_else(|| bad("missing from"))?
                .to_owned(),
            _ => String::new(),
        };
        let value = members.remove("value").unwrap_or(Json::Null).into_owned();
        Ok(Self {
            kind,
            path: steps(&pointer).map_err(|why| bad(&why))?,
            from: steps(&from).map_err(|why| bad(&why))?,
            pointer,
            value,
        })
    }

    fn apply(&self, root: &mut Json<'_>) -> Result<(), String> {
        let missing = |what: &str| {
            format!(
                "{what} operation does not apply: doc is missing path: {:?}",
                self.pointer
            )
        };
        match self.kind {
            Kind::Add => add(root, &self.path, self.value.clone()).ok_or_else(|| missing("add")),
            Kind::Remove => remove(root, &self.path)
                .map(drop)
                .ok_or_else(|| missing("remove")),
            Kind::Replace => {
                let place = find_mut(root, &self.path).ok_or_else(|| missing("replace"))?;
                *place = self.value.clone();
                Ok(())
            }
            Kind::Move => {
                let value = remove(root, &self.from).ok_or_else(|| missing("move"))?;
                add(root, &self.path, value).ok_or_else(|| missing("move"))
            }
            Kind::Copy => {
                let value = find_mut(root, &self.from)
                    .ok_or_else(|| missing("copy"))?
                    .clone();
                add(root, &self.path, value).ok_or_else(|| missing("copy"))
            }
            Kind::Test => {
                let is_same = match find_mut(root, &self.path) {
                    Some(place) => place.same(&self.value),
                    None => self.value.is_null(),
                };
                is_same
                    .then_some(())
                    .ok_or_else(|| format!("testing value {} failed", self.pointer))
            }
        }
    }
}

/// The unescaped steps of a JSON pointer.
fn steps(pointer: &str) -> Result<Vec<String>, String> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let Some(rest) = pointer.strip_prefix('/') else {
        return Err(format!("path {pointer:?} does not begin with a slash"));
    };
    let unescape = |step: &str| step.replace("~1", "/").replace("~0", "~");
    Ok(rest.split('/').map(unescape).collect())
}

fn find_mut<'r, 'a>(root: &'r mut Json<'a>, path: &[String]) -> Option<&'r mut Json<'a>> {
    let mut place = root;
    for step in path {
        place = match place {
            Json::Object(members) => members.get_mut(step)?,
            Json::Array(items) => {
                let index = index_in(step, items.len())?;
                items.get_mut(index)?
            }
            _ => return None,
        };
    }
    Some(place)
}

fn add<'a>(root: &mut Json<'a>, path: &[String], value: Json<'a>) -> Option<()> {
    let Some((last, parents)) = path.split_last() else {
        *root = value;
        return Some(());
    };
    match find_mut(root, parents)? {
        Json::Object(members) => members.set(Cow::Owned(last.clone()), value),
        Json::Array(items) if last == "-" => items.push(value),
        Json::Array(items) => {
            let index = index_in(last, items.len()).filter(|index| *index <= items.len())?;
            items.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove<'a>(root: &mut Json<'a>, path: &[String]) -> Option<Json<'a>> {
    let (last, parents) = path.split_last()?;
    match find_mut(root, parents)? {
        Json::Object(members) => members.remove(last),
        Json::Array(items) => {
            let index = index_in(last, items.len()).filter(|index| *index < items.len())?;
            Some(items.remove(index))
        }
        _ => None,
    }
}

/// An array index; negative ones count from the end, as the API server allows.
fn index_in(step: &str, length: usize) -> Option<usize> {
    match step.strip_prefix('-') {
        Some(back) => length.checked_sub(back.parse().ok()?),
        None => step.parse().ok(),
    }
}

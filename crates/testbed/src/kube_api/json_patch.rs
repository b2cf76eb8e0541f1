//! JSON patches (RFC 6902), as the API server understands them.
//!
//! Its leniencies are kept: testing a missing member for null succeeds, replacing a missing member adds it, and
//! copying from a missing one copies null. All other mistakes get one and the same answer.

use std::borrow::Cow;

use http::StatusCode;

use super::failure::Failure;
use super::json::Json;

/// One step of a patch.
#[derive(Debug)]
pub(super) struct Operation {
    kind: Kind,
    path: Vec<String>,
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
        let count = items.len();
        let message =
            format!("The allowed maximum operations in a JSON patch is {LIMIT}, got {count}");
        let code = StatusCode::PAYLOAD_TOO_LARGE;
        return Err(Failure::new(code, "RequestEntityTooLarge", message));
    }
    let operations: Option<Vec<Operation>> = items.into_iter().map(Operation::parse).collect();
    operations.ok_or_else(Failure::rejected)
}

/// Applies `operations` in order; the first that fails refuses the whole patch.
pub(super) fn apply(root: &mut Json<'_>, operations: &[Operation]) -> Result<(), Failure> {
    for operation in operations {
        operation.apply(root).ok_or_else(Failure::rejected)?;
    }
    Ok(())
}

impl Operation {
    fn parse(item: Json<'_>) -> Option<Self> {
        let Json::Object(mut members) = item else {
            return None;
        };
        let kind = match members.str("op")? {
            "add" => Kind::Add,
            "remove" => Kind::Remove,
            "replace" => Kind::Replace,
            "move" => Kind::Move,
            "copy" => Kind::Copy,
            "test" => Kind::Test,
            _ => return None,
        };
        let from = match kind {
            Kind::Move | Kind::Copy => steps(members.str("from")?)?,
            _ => Vec::new(),
        };
        Some(Self {
            kind,
            path: steps(members.str("path")?)?,
            from,
            value: members.remove("value").unwrap_or(Json::Null).into_owned(),
        })
    }

    /// `None` if the step does not apply.
    fn apply(&self, root: &mut Json<'_>) -> Option<()> {
        match self.kind {
            Kind::Add => add(root, &self.path, self.value.clone()),
            Kind::Remove => remove(root, &self.path).map(drop),
            Kind::Replace => replace(root, &self.path, self.value.clone()),
            Kind::Move => {
                let value = remove(root, &self.from)?;
                add(root, &self.path, value)
            }
            Kind::Copy => {
                let value = find_mut(root, &self.from).map_or(Json::Null, |place| place.clone());
                add(root, &self.path, value)
            }
            Kind::Test => {
                let is_same = match find_mut(root, &self.path) {
                    Some(place) => place.same(&self.value),
                    None => self.value.is_null(),
                };
                is_same.then_some(())
            }
        }
    }
}

/// The unescaped steps of a JSON pointer; `None` if it is none.
fn steps(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let unescape = |step: &str| step.replace("~1", "/").replace("~0", "~");
    Some(
        pointer
            .strip_prefix('/')?
            .split('/')
            .map(unescape)
            .collect(),
    )
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

fn replace<'a>(root: &mut Json<'a>, path: &[String], value: Json<'a>) -> Option<()> {
    if let Some(place) = find_mut(root, path) {
        *place = value;
        return Some(());
    }
    let (last, parents) = path.split_last()?;
    match find_mut(root, parents)? {
        Json::Object(members) => members.set(Cow::Owned(last.clone()), value),
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

//! A JSON tree that borrows its strings from the bytes it was parsed from.
//!
//! The stand-in parses, merges, checks and writes objects once per request and keeps no tree afterwards.
//! Objects are vectors, so that members keep their order and moving one costs nothing; look-ups are linear,
//! which is right for the few members Kubernetes objects have.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// One JSON value.
#[derive(Clone, Debug)]
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Members<'a>),
}

/// A number in the three shapes Kubernetes tells apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Integer(i64),
    Large(u64),
    Float(f64),
}

/// The members of an object, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Members<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Json<'a>> {
        self.0.iter_mut().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<Json<'a>> {
        let position = self.0.iter().position(|(k, _)| k == key)?;
        Some(self.0.remove(position).1)
    }

    /// Sets `key`, keeping its place if it was there.
    pub(super) fn set(&mut self, key: impl Into<Cow<'a, str>>, value: Json<'a>) {
        let key = key.into();
        match self.get_mut(&key) {
            Some(place) => *place = value,
            None => self.0.push((key, value)),
        }
    }

    /// Sets `key`, or removes it when there is no value.
    pub(super) fn set_or_remove(&mut self, key: &'static str, value: Option<Json<'a>>) {
        match value {
            Some(value) => self.set(key, value),
            None => drop(self.remove(key)),
        }
    }

    pub(super) fn str(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Json::as_str)
    }

    /// Copies every borrowed string.
    pub(super) fn into_owned(self) -> Members<'static> {
        let owned = |(key, value): (Cow<'a, str>, Json<'a>)| {
            (Cow::Owned(key.into_owned()), value.into_owned())
        };
        Members(self.0.into_iter().map(owned).collect())
    }
}

impl<'a> Json<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    pub(super) fn string(text: impl Into<Cow<'a, str>>) -> Self {
        Self::String(text.into())
    }

    pub(super) fn object() -> Self {
        Self::Object(Members::default())
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_object(&self) -> Option<&Members<'a>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(super) fn as_object_mut(&mut self) -> Option<&mut Members<'a>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(super) fn as_array(&self) -> Option<&[Json<'a>]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.as_object()?.get(key)
    }

    /// Makes this an object if it is none, and gives its members.
    pub(super) fn make_object(&mut self) -> &mut Members<'a> {
        if !matches!(self, Self::Object(_)) {
            *self = Self::object();
        }
        match self {
            Self::Object(members) => members,
            _ => unreachable!("made an object just above"),
        }
    }

    /// Applies a JSON merge patch (RFC 7396).
    pub(super) fn merge(&mut self, patch: Json<'a>) {
        let Json::Object(patch) = patch else {
            *self = patch;
            return;
        };
        let members = self.make_object();
        for (key, value) in patch.0 {
            if value.is_null() {
                members.remove(&key);
            } else if let Some(place) = members.get_mut(&key) {
                place.merge(value);
            } else {
                let mut place = Json::Null;
                place.merge(value);
                members.0.push((key, place));
            }
        }
    }

    /// Whether both say the same, whatever the order of their members.
    pub(super) fn same(&self, other: &Json<'_>) -> bool {
        match (self, other) {
            (Self::Null, Json::Null) => true,
            (Self::Bool(a), Json::Bool(b)) => a == b,
            (Self::Number(a), Json::Number(b)) => a == b,
            (Self::String(a), Json::String(b)) => a == b,
            (Self::Array(a), Json::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (Self::Object(a), Json::Object(b)) => {
                a.0.len() == b.0.len()
                    && a.0
                        .iter()
                        .all(|(key, a)| b.get(key).is_some_and(|b| a.same(b)))
            }
            _ => false,
        }
    }

    /// Copies every borrowed string, so that the tree outlives its source.
    pub(super) fn into_owned(self) -> Json<'static> {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(value),
            Self::Number(number) => Json::Number(number),
            Self::String(text) => Json::String(Cow::Owned(text.into_owned())),
            Self::Array(items) => Json::Array(items.into_iter().map(Json::into_owned).collect()),
            Self::Object(members) => Json::Object(members.into_owned()),
        }
    }

    /// Appends the compact text of this value.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Number(number) => number.write(out),
            Self::String(text) => write_string(out, text),
            Self::Array(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (index, (key, value)) in members.0.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_string(out, key);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.write(&mut out);
        out
    }
}

impl Number {
    pub(super) fn as_f64(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Large(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// A float without a fraction becomes the integer it stands for, as the API server writes it.
    fn from_f64(value: f64) -> Self {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if value.fract() == 0.0 && value.abs() <= EXACT {
            Self::Integer(value as i64)
        } else {
            Self::Float(value)
        }
    }

    fn write(self, out: &mut Vec<u8>) {
        use std::io::Write as _;
        let written = match self {
            Self::Integer(value) => write!(out, "{value}"),
            Self::Large(value) => write!(out, "{value}"),
            Self::Float(value) => serde_json::to_writer(&mut *out, &value).map_err(Into::into),
        };
        written.expect("a vector takes every write, and a parsed float is finite");
    }
}

/// Appends `text` quoted and escaped.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
    let plain = text
        .bytes()
        .all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    if plain {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        serde_json::to_writer(out, text).expect("a vector takes every write");
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Json::Number(Number::Integer(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Json::Number(match i64::try_from(value) {
            Ok(value) => Number::Integer(value),
            Err(_) => Number::Large(value),
        }))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Json::Number(Number::from_f64(value)))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Json::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Json::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = Members(Vec::with_capacity(4));
        while let Some((Key(key), value)) = access.next_entry::<Key<'de>, Json<'de>>()? {
            members.set(key, value);
        }
        Ok(Json::Object(members))
    }
}

/// An object's key, borrowed unless it has escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

#[cfg(test)]
mod tests;

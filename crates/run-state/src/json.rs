//! JSON whose content is nobody's business here: arguments of tools, payloads of notes and steps.

use std::fmt;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::codec::scan::plain_run;

/// A JSON value that is kept as its text: valid, on one line, without space between its parts.
///
/// Nothing in a run looks into arguments and payloads, so they are never made into trees.
/// Equal means the same text: `{"a":1,"b":2}` and `{"b":2,"a":1}` differ.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// The text of [`null`](Self::null).
    pub(crate) const NULL: &'static str = "null";

    /// The value that says nothing.
    pub fn null() -> Self {
        Self(RawValue::NULL.to_owned())
    }

    /// Checks a text, and takes out the space between its parts.
    pub fn parse(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(Self::compact)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    fn compact(raw: Box<RawValue>) -> Self {
        match without_outer_space(raw.get()).map(RawValue::from_string) {
            Some(Ok(compacted)) => Self(compacted),
            // Taking space out of a valid text cannot make it invalid.
            Some(Err(_)) | None => Self(raw),
        }
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer)
            .map(Self::compact)
            .map_err(D::Error::custom)
    }
}

/// A valid JSON text without the space between its parts; `None` if there is none.
fn without_outer_space(json: &str) -> Option<String> {
    let mut rest = json;
    let mut kept = String::new();
    while let Some(space) = outer_space(rest) {
        kept.push_str(&rest[..space]);
        rest = rest[space..].trim_start_matches(is_space);
    }
    let has_space = rest.len() < json.len();
    has_space.then(|| kept + rest)
}

/// Where the first space outside a string is.
fn outer_space(json: &str) -> Option<usize> {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if is_space(char::from(byte)) {
            return Some(at);
        }
        at += 1;
        if byte == b'"' {
            at += string_length(&bytes[at..]);
        }
    }
    None
}

/// Bytes of a string after its opening quote, with the closing one.
fn string_length(bytes: &[u8]) -> usize {
    let mut at = plain_run(bytes);
    while bytes.get(at) == Some(&b'\\') {
        at += 2;
        at += bytes.get(at..).map_or(0, plain_run);
    }
    at + 1
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\n' | '\r' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_compacted(text: &str, expected: &str) {
        let json = Json::parse(text.to_owned()).expect("valid");
        assert_eq!(json.as_str(), expected);
        let read: Json = serde_json::from_str(text).expect("valid");
        assert_eq!(read, json);
    }

    #[test]
    fn json_is_kept_without_outer_space() {
        check_compacted(r#"{"a":[1,2]}"#, r#"{"a":[1,2]}"#);
        check_compacted("{ \"a\" :\n [1,\t2 ] }", r#"{"a":[1,2]}"#);
        check_compacted(
            r#"{ "a b" : "c \" d \\" , "é" : " " }"#,
            r#"{"a b":"c \" d \\","é":" "}"#,
        );
        check_compacted(" 17 ", "17");
    }

    #[test]
    fn text_that_is_no_json_is_refused() {
        assert!(Json::parse("{\"a\":}".to_owned()).is_err());
        assert!(Json::parse(String::new()).is_err());
    }
}

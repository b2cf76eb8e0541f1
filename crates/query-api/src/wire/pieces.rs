//! What values are made of: keys, texts, lists and maps, read without copies and with errors that name the path.

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// A key of an object, borrowed from the input wherever the format allows it.
pub(crate) struct Key<'de>(pub(super) Cow<'de, str>);

impl Key<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(Text).map(Self)
    }
}

/// A string value, borrowed from the input wherever the format allows it.
struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }
}

/// A string value as a type of its own, for reading what a closed type may fail to express.
pub(crate) struct RawText<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for RawText<'de> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text).map(Self)
    }
}

/// A list whose errors name the index of the item.
pub(super) struct Items<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<T> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sequence<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Sequence<T> {
            type Value = Items<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items<T>, A::Error> {
                let mut items = Vec::new();
                loop {
                    match seq.next_element() {
                        Ok(Some(item)) => items.push(item),
                        Ok(None) => return Ok(Items(items)),
                        Err(error) => return Err(in_item(items.len(), &error)),
                    }
                }
            }
        }

        deserializer.deserialize_seq(Sequence(PhantomData))
    }
}

/// A map with free keys whose errors name the key of the entry.
pub(super) struct Entries<T>(pub(super) BTreeMap<String, T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Map<T> {
            type Value = Entries<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    let value = map.next_value().map_err(|error| in_field(&key, &error))?;
                    entries.insert(key, value);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Map(PhantomData))
    }
}

/// Puts a field's name in front of the path that an error begins with.
#[cold]
pub(crate) fn in_field<E: Error>(name: &str, error: &E) -> E {
    let text = error.to_string();
    E::custom(match text.strip_prefix('`') {
        Some(inner) if inner.starts_with('[') => format!("`{name}{inner}"),
        Some(inner) => format!("`{name}.{inner}"),
        None => format!("`{name}`: {text}"),
    })
}

/// Puts an item's index in front of the path that an error begins with.
#[cold]
fn in_item<E: Error>(index: usize, error: &E) -> E {
    let text = error.to_string();
    E::custom(match text.strip_prefix('`') {
        Some(inner) => format!("`[{index}].{inner}"),
        None => format!("`[{index}]`: {text}"),
    })
}

//! How our objects are read from and written to the wire: one table per struct, of names and fields.
//!
//! serde's derive with `flatten` would keep unknown fields too, at the same cost (28.3 against 28.6 thousand instructions for a Query of 800 bytes).
//! It is not used, because three things must hold of objects that others wrote:
//!
//! - `null` is the same as absent, as in Go.
//! - A value that upstream may extend, or that no schema checks, is kept as it came instead of making the object unreadable.
//! - An error names the path of the field.

mod pieces;

use k8s_openapi::api::core::v1::{ConfigMapKeySelector, SecretKeySelector};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

use pieces::{Entries, Items};
pub(crate) use pieces::{Key, RawText, in_field};

/// The fields of an object that this version does not know, as they came.
pub(crate) type Unknown = BTreeMap<String, Value>;

/// Implements reading and writing for a struct with a field `unknown`.
///
/// Each row is `"nameOnTheWire" => field`; a field that is absent (`None`, empty, false) is not written, unless the row ends in `always`.
/// `in spec` names the struct's place in its object, for errors; such a struct may be missing there, which is the same as empty.
/// `closed` is for structs that have no place for unknown fields and drop them.
/// A field that the table forgets does not compile.
macro_rules! wire_object {
    ($name:ident $(in $place:ident)? { $($rows:tt)* }) => {
        $crate::wire::wire_object! { @read $name [$($place)?] [unknown] { $($rows)* } }
        $crate::wire::wire_object! { @write $name [unknown] { $($rows)* } }
        $crate::wire::wire_object! { @has_field $name { $($rows)* } }
    };

    ($name:ident closed { $($rows:tt)* }) => {
        $crate::wire::wire_object! { @read $name [] [] { $($rows)* } }
        $crate::wire::wire_object! { @write $name [] { $($rows)* } }
    };

    (@read $name:ident [$($place:ident)?] [$($unknown:ident)?] {
        $($text:literal => $field:ident $($always:ident)?,)*
    }) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;

                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $name;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        formatter.write_str(concat!("an object (", stringify!($name), ")"))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut read = $name {
                            $($field: Default::default(),)*
                            $($unknown: Default::default(),)?
                        };
                        let mut unknown = $crate::wire::Unknown::new();
                        while let Some(key) = map.next_key::<$crate::wire::Key<'de>>()? {
                            match key.as_str() {
                                $($text => {
                                    read.$field = $crate::wire::Field::read(&mut map, $text, &mut unknown)?;
                                })*
                                _ => $crate::wire::keep(&mut map, key, &mut unknown)?,
                            }
                        }
                        $(read.$unknown = unknown;)?
                        Ok(read)
                    }
                }

                $crate::wire::wire_object! { @start deserializer Fields $($place)? }
            }
        }

        impl $crate::wire::Part for $name {}
    };

    (@start $deserializer:ident $fields:ident) => {
        $deserializer.deserialize_map($fields)
    };

    (@start $deserializer:ident $fields:ident $place:ident) => {
        $deserializer
            .deserialize_option($crate::wire::OrDefault($fields))
            .map_err(|error| $crate::wire::in_field(stringify!($place), &error))
    };

    (@write $name:ident [$($unknown:ident)?] {
        $($text:literal => $field:ident $($always:ident)?,)*
    }) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $(if !$crate::wire::Field::is_absent(&self.$field) $(|| $crate::wire::$always())? {
                    map.serialize_entry($text, &self.$field)?;
                })*
                $(for (name, value) in &self.$unknown {
                    // What was later put into the field itself wins over what was kept beside it.
                    if !self.has_field(name) {
                        map.serialize_entry(name, value)?;
                    }
                })?
                map.end()
            }
        }
    };

    (@has_field $name:ident { $($text:literal => $field:ident $($always:ident)?,)* }) => {
        impl $name {
            /// Whether the field of this name has a value to write.
            fn has_field(&self, name: &str) -> bool {
                match name {
                    $($text => !$crate::wire::Field::is_absent(&self.$field) $(|| $crate::wire::$always())?,)*
                    _ => false,
                }
            }
        }
    };
}

pub(crate) use wire_object;

/// Reads a struct that may be missing from its object.
pub(crate) struct OrDefault<V>(pub(crate) V);

impl<'de, V> Visitor<'de> for OrDefault<V>
where
    V: Visitor<'de>,
    V::Value: Default,
{
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(formatter)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(V::Value::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(V::Value::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self.0)
    }
}

/// The mark of a row whose field is written even if it is empty.
pub(crate) const fn always() -> bool {
    true
}

/// The type of a field of an object.
pub(crate) trait Field: Sized {
    /// Reads the value that follows the key `name`; may keep what it cannot express in `unknown`.
    fn read<'de, A: MapAccess<'de>>(
        map: &mut A,
        name: &'static str,
        unknown: &mut Unknown,
    ) -> Result<Self, A::Error>;

    /// Whether the field need not be written.
    fn is_absent(&self) -> bool;
}

/// A type that can be the value of a field or an item of a list.
pub(crate) trait Part: Sized + for<'de> Deserialize<'de> {
    /// Reads the value that follows the key `name`; `None` for `null`.
    fn read_part<'de, A: MapAccess<'de>>(
        map: &mut A,
        name: &'static str,
        _unknown: &mut Unknown,
    ) -> Result<Option<Self>, A::Error> {
        map.next_value().map_err(|error| in_field(name, &error))
    }

    /// Whether the value stands among the unknown fields, because the type cannot express it.
    fn is_kept_beside(&self) -> bool {
        false
    }
}

impl<T: Part> Field for Option<T> {
    #[inline]
    fn read<'de, A: MapAccess<'de>>(
        map: &mut A,
        name: &'static str,
        unknown: &mut Unknown,
    ) -> Result<Self, A::Error> {
        T::read_part(map, name, unknown)
    }

    fn is_absent(&self) -> bool {
        self.as_ref().is_none_or(Part::is_kept_beside)
    }
}

impl<T: for<'de> Deserialize<'de>> Field for Vec<T> {
    #[inline]
    fn read<'de, A: MapAccess<'de>>(
        map: &mut A,
        name: &'static str,
        _unknown: &mut Unknown,
    ) -> Result<Self, A::Error> {
        let items: Option<Items<T>> = map.next_value().map_err(|error| in_field(name, &error))?;
        Ok(items.map(|items| items.0).unwrap_or_default())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: for<'de> Deserialize<'de>> Field for BTreeMap<String, T> {
    fn read<'de, A: MapAccess<'de>>(
        map: &mut A,
        name: &'static str,
        _unknown: &mut Unknown,
    ) -> Result<Self, A::Error> {
        let entries: Option<Entries<T>> =
            map.next_value().map_err(|error| in_field(name, &error))?;
        Ok(entries.map(|entries| entries.0).unwrap_or_default())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// Declares types as parts of objects, and which of their values need not be written.
macro_rules! plain_fields {
    ($($type:ty: $absent:expr,)+) => {
        $(impl $crate::wire::Field for $type {
            #[inline]
            fn read<'de, A: serde::de::MapAccess<'de>>(
                map: &mut A,
                name: &'static str,
                unknown: &mut $crate::wire::Unknown,
            ) -> Result<Self, A::Error> {
                let part = <$type as $crate::wire::Part>::read_part(map, name, unknown)?;
                Ok(part.unwrap_or_default())
            }

            fn is_absent(&self) -> bool {
                let is_absent: fn(&$type) -> bool = $absent;
                is_absent(self)
            }
        })+
    };
}

pub(crate) use plain_fields;

impl Part for String {}
impl Part for bool {}
impl Part for i64 {}
impl Part for Value {}
impl Part for LabelSelector {}
impl Part for SecretKeySelector {}
impl Part for ConfigMapKeySelector {}

plain_fields! {
    String: |text| text.is_empty(),
    bool: |flag| !flag,
    i64: |count| *count == 0,
    Value: Value::is_null,
}

/// Keeps the value of a field that we do not know.
#[cold]
pub(crate) fn keep<'de, A: MapAccess<'de>>(
    map: &mut A,
    key: Key<'de>,
    unknown: &mut Unknown,
) -> Result<(), A::Error> {
    let value = map
        .next_value()
        .map_err(|error| in_field(key.as_str(), &error))?;
    unknown.insert(key.0.into_owned(), value);
    Ok(())
}

//! Sets of fields, in the notation of `managedFields`: `f:name`, `k:{"key":…}`, `v:value`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::json::{Json, Members};
use super::super::schema::{ListType, Schema};

/// A tree of fields; a node may be in the set itself, have fields below it, or both.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields {
    is_in: bool,
    below: BTreeMap<String, Fields>,
}

/// What is known of a value's shape: how its lists and maps are told apart.
#[derive(Clone, Copy, Debug)]
pub(super) enum Guide<'a> {
    Root(Option<&'a Schema>),
    Metadata,
    Schema(&'a Schema),
    /// A list whose items are themselves its keys: finalizers.
    Set,
    /// Nothing is known: maps by key, lists as a whole.
    Free,
}

impl<'a> Guide<'a> {
    pub(super) fn member(self, name: &str) -> Self {
        match self {
            Self::Root(_) if name == "metadata" => Self::Metadata,
            Self::Root(schema) => schema
                .and_then(|schema| schema.property(name))
                .map_or(Self::Free, Self::Schema),
            Self::Metadata if name == "finalizers" => Self::Set,
            Self::Schema(schema) => schema.property(name).map_or(Self::Free, Self::Schema),
            Self::Metadata | Self::Set | Self::Free => Self::Free,
        }
    }

    fn item(self) -> Self {
        match self {
            Self::Schema(schema) => schema.items().map_or(Self::Free, Self::Schema),
            _ => Self::Free,
        }
    }

    fn list(self) -> &'a ListType {
        match self {
            Self::Schema(schema) => &schema.list,
            Self::Set => &ListType::Set,
            _ => &ListType::Atomic,
        }
    }

    fn is_atomic_map(self) -> bool {
        matches!(self, Self::Schema(schema) if schema.atomic_map)
    }

    /// The notation of an item of a list that tells its items apart.
    fn item_name(self, item: &Json<'_>) -> Option<String> {
        match self.list() {
            ListType::Atomic => None,
            ListType::Set => Some(format!("v:{}", item.text())),
            ListType::Map(keys) => {
                let mut named = Members::default();
                for key in keys {
                    let value = item.get(key).cloned().unwrap_or(Json::Null);
                    named.set(key.to_string(), value);
                }
                named.0.sort_by(|(a, _), (b, _)| a.cmp(b));
                Some(format!("k:{}", Json::Object(named).text()))
            }
        }
    }
}

impl Fields {
    /// All fields of a value: its leaves, and the items that lists tell apart.
    pub(super) fn of(value: &Json<'_>, guide: Guide<'_>) -> Self {
        let mut fields = Self::default();
        match value {
            Json::Object(members) if !guide.is_atomic_map() => {
                for (key, value) in &members.0 {
                    let below = Self::of(value, guide.member(key));
                    fields.below.insert(format!("f:{key}"), below);
                }
            }
            Json::Array(items) => {
                for item in items {
                    if let Some(name) = guide.item_name(item) {
                        let mut below = Self::of(item, guide.item());
                        below.is_in = true;
                        fields.below.insert(name, below);
                    }
                }
            }
            _ => {}
        }
        let is_object = matches!(guide, Guide::Root(_) | Guide::Metadata);
        fields.is_in = fields.below.is_empty() && !is_object;
        fields
    }

    /// The fields whose value differs between two states: changed or new ones, and those that are gone.
    pub(super) fn difference(
        old: Option<&Json<'_>>,
        new: Option<&Json<'_>>,
        guide: Guide<'_>,
    ) -> (Self, Self) {
        let (old, new) = match (old, new) {
            (None, None) => return (Self::default(), Self::default()),
            (Some(old), None) => return (Self::default(), Self::of(old, guide)),
            (None, Some(new)) => return (Self::of(new, guide), Self::default()),
            (Some(old), Some(new)) => (old, new),
        };
        let mut changed = Self::default();
        let mut gone = Self::default();
        let mut add = |name: String, (below_changed, below_gone): (Self, Self)| {
            changed.insert(name.clone(), below_changed);
            gone.insert(name, below_gone);
        };
        match (old, new) {
            (Json::Object(old), Json::Object(new)) if !guide.is_atomic_map() => {
                let only_old = old.0.iter().filter(|(key, _)| new.get(key).is_none());
                for (key, _) in new.0.iter().chain(only_old) {
                    let below = Self::difference(old.get(key), new.get(key), guide.member(key));
                    add(format!("f:{key}"), below);
                }
            }
            (Json::Array(old), Json::Array(new)) if *guide.list() != ListType::Atomic => {
                let named = |items: &[Json<'_>], name: &str| {
                    let is_it = |item: &&Json<'_>| guide.item_name(item).as_deref() == Some(name);
                    items
                        .iter()
                        .find(is_it)
                        .map(|item| item.clone().into_owned())
                };
                let mut names: Vec<String> = old
                    .iter()
                    .chain(new)
                    .filter_map(|item| guide.item_name(item))
                    .collect();
                names.sort();
                names.dedup();
                for name in names {
                    let (before, after) = (named(old, &name), named(new, &name));
                    let below = Self::difference(before.as_ref(), after.as_ref(), guide.item());
                    add(name, below);
                }
            }
            (old, new) => changed.is_in = !old.same(new),
        }
        (changed, gone)
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.is_in && self.below.is_empty()
    }

    fn insert(&mut self, name: String, below: Self) {
        if !below.is_empty() {
            self.below.insert(name, below);
        }
    }

    /// Takes out every field that is in `other`.
    pub(super) fn subtract(&mut self, other: &Self) {
        if other.is_in {
            self.is_in = false;
        }
        for (name, other_below) in &other.below {
            if let Some(below) = self.below.get_mut(name) {
                below.subtract(other_below);
                if below.is_empty() {
                    self.below.remove(name);
                }
            }
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.is_in |= other.is_in;
        for (name, other_below) in &other.below {
            self.below.entry(name.clone()).or_default().add(other_below);
        }
    }

    /// The leaves of both sets that `is_it` says yes to, as paths of notations.
    pub(super) fn shared_leaves(
        &self,
        other: &Self,
        is_it: &dyn Fn(&[&str]) -> bool,
    ) -> Vec<String> {
        let mut found = Vec::new();
        self.collect_shared(other, &mut Vec::new(), is_it, &mut found);
        found
    }

    fn collect_shared<'s>(
        &'s self,
        other: &Self,
        path: &mut Vec<&'s str>,
        is_it: &dyn Fn(&[&str]) -> bool,
        found: &mut Vec<String>,
    ) {
        if self.is_in && other.is_in && self.below.is_empty() && is_it(path) {
            found.push(readable(path));
        }
        for (name, below) in &self.below {
            if let Some(other_below) = other.below.get(name) {
                path.push(name);
                below.collect_shared(other_below, path, is_it, found);
                path.pop();
            }
        }
    }

    /// Whether the path, or anything below it, is in the set.
    pub(super) fn reaches(&self, path: &[&str]) -> bool {
        match path.split_first() {
            None => true,
            Some((first, rest)) => self
                .below
                .get(*first)
                .is_some_and(|below| below.reaches(rest)),
        }
    }

    /// Every path in the set, items before what is in them.
    pub(super) fn paths(&self) -> Vec<Vec<&str>> {
        let mut paths = Vec::new();
        self.collect_paths(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect_paths<'s>(&'s self, path: &mut Vec<&'s str>, paths: &mut Vec<Vec<&'s str>>) {
        if self.is_in && !path.is_empty() {
            paths.push(path.clone());
        }
        for (name, below) in &self.below {
            path.push(name);
            below.collect_paths(path, paths);
            path.pop();
        }
    }

    /// Reads the notation of `fieldsV1`.
    pub(super) fn parse(json: &Json<'_>) -> Self {
        let members = json.as_object().map_or(&[][..], |members| &members.0[..]);
        let mut fields = Self {
            is_in: members.is_empty(),
            below: BTreeMap::new(),
        };
        for (name, below) in members {
            match &**name {
                "." => fields.is_in = true,
                name => drop(fields.below.insert(name.to_owned(), Self::parse(below))),
            }
        }
        fields
    }

    /// The notation of `fieldsV1`.
    pub(super) fn to_json(&self) -> Json<'static> {
        let mut members = Members::default();
        if self.is_in && !self.below.is_empty() {
            members.set(".", Json::object());
        }
        for (name, below) in &self.below {
            members.set(Cow::Owned(name.clone()), below.to_json());
        }
        Json::Object(members)
    }
}

/// The value a path leads to.
pub(super) fn find<'j, 'a>(root: &'j Json<'a>, path: &[&str]) -> Option<&'j Json<'a>> {
    let mut place = root;
    for name in path {
        place = match (place, name.split_at_checked(2)?) {
            (Json::Object(members), ("f:", key)) => members.get(key)?,
            (Json::Array(items), _) => items.iter().find(|item| is_named(item, name))?,
            _ => return None,
        };
    }
    Some(place)
}

/// Removes the value a path leads to.
pub(super) fn remove(root: &mut Json<'_>, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    match root {
        Json::Object(members) => {
            let Some(key) = first.strip_prefix("f:") else {
                return;
            };
            if rest.is_empty() {
                members.remove(key);
            } else if let Some(below) = members.get_mut(key) {
                remove(below, rest);
            }
        }
        Json::Array(items) if rest.is_empty() => items.retain(|item| !is_named(item, first)),
        Json::Array(items) => {
            if let Some(below) = items.iter_mut().find(|item| is_named(item, first)) {
                remove(below, rest);
            }
        }
        _ => {}
    }
}

/// Merges an applied configuration into what is there, list by list as their types say.
pub(super) fn merge<'a>(live: &mut Json<'a>, applied: &Json<'a>, guide: Guide<'_>) {
    match (live, applied) {
        (Json::Object(live), Json::Object(applied)) if !guide.is_atomic_map() => {
            for (key, value) in &applied.0 {
                match live.get_mut(key) {
                    Some(place) => merge(place, value, guide.member(key)),
                    None => live.0.push((key.clone(), value.clone())),
                }
            }
        }
        (Json::Array(live), Json::Array(applied)) if *guide.list() != ListType::Atomic => {
            for value in applied {
                let name = guide.item_name(value);
                match live.iter_mut().find(|item| guide.item_name(item) == name) {
                    Some(place) => merge(place, value, guide.item()),
                    None => live.push(value.clone()),
                }
            }
        }
        (live, applied) => *live = applied.clone(),
    }
}

fn is_named(item: &Json<'_>, name: &str) -> bool {
    match name.split_at_checked(2) {
        Some(("v:", text)) => item.text() == text,
        Some(("k:", text)) => {
            let keys = Json::parse(text.as_bytes()).ok();
            let keys = keys.as_ref().and_then(Json::as_object);
            keys.is_some_and(|keys| {
                keys.0.iter().all(|(key, wanted)| match item.get(key) {
                    Some(value) => value.same(wanted),
                    None => wanted.is_null(),
                })
            })
        }
        _ => false,
    }
}

/// As conflicts name it: `.spec.parts[name="a"].count`.
fn readable(path: &[&str]) -> String {
    let mut text = String::new();
    for name in path {
        match name.split_at_checked(2) {
            Some(("f:", key)) => {
                text.push('.');
                text.push_str(key);
            }
            Some(("k:", keys)) => {
                let keys = Json::parse(keys.as_bytes());
                let members = keys.as_ref().ok().and_then(Json::as_object);
                let named = members.iter().flat_map(|members| &members.0);
                let named: Vec<String> = named
                    .map(|(key, value)| format!("{key}={}", value.text()))
                    .collect();
                text.push_str(&format!("[{}]", named.join(",")));
            }
            Some((_, value)) => text.push_str(&format!("[={value}]")),
            None => {}
        }
    }
    text
}

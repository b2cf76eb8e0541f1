//! Which functions changed: their costs in two builds held against each other. Pure.
//!
//! A cost is a whole number of whatever was counted, instructions or samples, in the function's own code. A baseline
//! keeps only the [most costly ones](FunctionTable), so that it stays small; what a change of the others can have been
//! is bounded by the largest one that was left out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::callgrind::Costs;

/// Functions that a table keeps at most: enough for nine tenths of every twin's cost.
pub const TABLE_LENGTH: usize = 24;

/// The share of a case's cost below which a function is not worth a line of its own.
const TABLE_SHARE: f64 = 0.002;

/// What the most costly functions of one case cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FunctionTable {
    /// Own cost by normalised name.
    pub own: BTreeMap<String, u64>,
    /// The largest own cost that is not in the table; zero if none was left out.
    pub left_out: u64,
}

/// One function in two builds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionChange {
    /// Its normalised name.
    pub function: String,
    /// What it cost before; unset if it is not in the table of then, which bounds the change.
    pub before: Option<u64>,
    /// What it costs now.
    pub after: u64,
    /// After less before; of an unknown one, the least that it can be.
    pub change: i64,
}

impl FunctionTable {
    /// Every function of a profile: nothing is left out.
    pub fn whole(costs: &Costs) -> Self {
        let own = costs.functions.iter().filter(|(_, cost)| cost.own > 0);
        Self {
            own: own.map(|(name, cost)| (name.clone(), cost.own)).collect(),
            left_out: 0,
        }
    }

    /// The most costly functions of a profile, as many as a baseline keeps.
    pub fn most_costly(costs: &Costs) -> Self {
        let mut all: Vec<(String, u64)> = Self::whole(costs).own.into_iter().collect();
        all.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        let least = (costs.total as f64 * TABLE_SHARE) as u64;
        let n_kept = all
            .iter()
            .take(TABLE_LENGTH)
            .take_while(|(_, own)| *own >= least)
            .count();
        let left_out = all.get(n_kept).map_or(0, |(_, own)| *own);
        all.truncate(n_kept);
        Self {
            own: all.into_iter().collect(),
            left_out,
        }
    }
}

/// Every function whose own cost changed, the largest change first; equal ones in the order of their names.
pub fn changes(before: &FunctionTable, after: &Costs) -> Vec<FunctionChange> {
    let names: BTreeSet<&String> = before.own.keys().chain(after.functions.keys()).collect();
    let changed = names.into_iter().filter_map(|name| {
        let now = after.functions.get(name).map_or(0, |cost| cost.own);
        let then = match before.own.get(name) {
            Some(own) => Some(*own),
            None if before.left_out == 0 => Some(0),
            None => None,
        };
        let change = match then {
            Some(then) => difference(now, then),
            // It cost at most as much as the largest one that was left out.
            None => difference(now, before.left_out).max(0),
        };
        (change != 0).then(|| FunctionChange {
            function: name.clone(),
            before: then,
            after: now,
            change,
        })
    });
    let mut changes: Vec<FunctionChange> = changed.collect();
    changes.sort_by(|left, right| {
        let by_size = right.change.unsigned_abs().cmp(&left.change.unsigned_abs());
        by_size.then_with(|| left.function.cmp(&right.function))
    });
    changes
}

fn difference(after: u64, before: u64) -> i64 {
    i64::try_from(i128::from(after) - i128::from(before)).unwrap_or(i64::MAX)
}

/// The name by which two builds know a function.
///
/// Left out are what the compiler numbers anew: hashes (`::h0123456789abcdef`, `[0123456789abcdef]`), numbers of
/// closures and of repeated calls, and what its optimiser appends (`.llvm.7`, `.constprop.0`). Generic parameters of
/// a path become `_`, so that all instances of a function are one, but for the type that a drop is about.
pub fn normalised(name: &str) -> String {
    if name.starts_with("0x") {
        return "(without a name)".to_owned();
    }
    let mut normalised = String::with_capacity(name.len());
    write_type(without_suffixes(name), &mut normalised);
    normalised
}

fn without_suffixes(name: &str) -> &str {
    let all_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // How deep in its own calls callgrind found it.
    let name = match name.rsplit_once('\'') {
        Some((head, depth)) if all_digits(depth) => head,
        _ => name,
    };
    let optimised = [".llvm.", ".constprop.", ".isra.", ".part.", ".cold"];
    let end = optimised.iter().filter_map(|mark| name.find(mark)).min();
    let name = &name[..end.unwrap_or(name.len())];
    match name.rsplit_once("::h") {
        Some((head, hash))
            if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            head
        }
        _ => name,
    }
}

/// Copies a name or a type: what is in brackets after a path is dropped, what begins in brackets is kept.
fn write_type(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inner = match first {
            '<' => bracketed(rest, '<', '>'),
            '[' => bracketed(rest, '[', ']'),
            '{' => bracketed(rest, '{', '}'),
            _ => None,
        };
        let Some(inner) = inner else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        match first {
            '<' => write_angles(inner, out),
            '[' if is_hash(inner) => {}
            '{' => write_braces(inner, out),
            _ => {
                out.push(first);
                write_type(inner, out);
                out.push(']');
            }
        }
        rest = &rest[inner.len() + 2..];
    }
}

/// `<T as Trait>` and `<impl Trait for T>` say whose function it is; `path<T>` is one of its instances.
fn write_angles(inner: &str, out: &mut String) {
    let path = out.trim_end_matches("::");
    let is_parameters = path.ends_with(|last: char| last.is_alphanumeric() || last == '_');
    let is_whose = inner.starts_with("impl ") || !is_parameters || path.ends_with("drop_in_place");
    if is_whose {
        out.push('<');
        write_type(inner, out);
        out.push('>');
    } else {
        out.push_str("<_>");
    }
}

/// `{closure#3}` and `{{closure}}` are the same.
fn write_braces(inner: &str, out: &mut String) {
    let inner = inner
        .strip_prefix('{')
        .map_or(inner, |inner| inner.trim_end_matches('}'));
    let word = inner.split('#').next().unwrap_or(inner);
    out.push('{');
    out.push_str(word);
    out.push('}');
}

fn is_hash(text: &str) -> bool {
    text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What stands between a bracket, the first character, and its partner; an arrow's head is no partner.
fn bracketed(text: &str, open: char, close: char) -> Option<&str> {
    let mut depth = 0_usize;
    let mut last = ' ';
    for (index, character) in text.char_indices() {
        if character == open {
            depth += 1;
        } else if character == close && last != '-' {
            depth -= 1;
            if depth == 0 {
                return Some(&text[open.len_utf8()..index]);
            }
        }
        last = character;
    }
    None
}

#[cfg(test)]
mod tests;

//! Who called a stub, and how often, in bounded memory.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use http::HeaderMap;
use parking_lot::Mutex;

/// Pairs of Query and target that are told apart; later ones are only counted together.
const MAX_TRACED: usize = 1 << 20;

/// The header that names the Query of a call, `<namespace>/<name>`.
pub(crate) const QUERY_HEADER: &str = "x-ark-query";

/// The header that names the target of a call: its index in the spec.
pub(crate) const TARGET_HEADER: &str = "x-ark-target";

/// The Query of a request, from its header.
pub(crate) fn query_header(headers: &HeaderMap) -> Option<&str> {
    headers.get(QUERY_HEADER)?.to_str().ok()
}

/// The target of a request, from its header.
pub(crate) fn target_header(headers: &HeaderMap) -> Option<usize> {
    headers.get(TARGET_HEADER)?.to_str().ok()?.parse().ok()
}

/// Counts of calls by Query and target.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    by_query: HashMap<Box<str>, Vec<TargetCount>>,
    n_traced: usize,
    n_calls: usize,
    n_untraced: usize,
    n_answered: usize,
}

#[derive(Debug)]
struct TargetCount {
    target: Option<usize>,
    n_calls: usize,
}

impl Ledger {
    /// Counts one call and returns how many this pair had before; 0 for a call that names no Query.
    pub(crate) fn called(&self, query: Option<&str>, target: Option<usize>) -> usize {
        let mut counts = self.counts.lock();
        counts.n_calls += 1;
        let Some(query) = query else {
            counts.n_untraced += 1;
            return 0;
        };
        let Counts {
            by_query,
            n_traced,
            n_untraced,
            ..
        } = &mut *counts;
        let is_full = *n_traced >= MAX_TRACED;
        if is_full && !by_query.contains_key(query) {
            *n_untraced += 1;
            return 0;
        }
        let targets = by_query.entry_ref(query).or_default();
        if let Some(count) = targets.iter_mut().find(|count| count.target == target) {
            count.n_calls += 1;
            return count.n_calls - 1;
        }
        if is_full {
            *n_untraced += 1;
            return 0;
        }
        targets.push(TargetCount { target, n_calls: 1 });
        *n_traced += 1;
        0
    }

    /// Counts one call that got a real answer.
    pub(crate) fn answered(&self) {
        self.counts.lock().n_answered += 1;
    }

    pub(crate) fn n_calls(&self) -> usize {
        self.counts.lock().n_calls
    }

    pub(crate) fn n_answered(&self) -> usize {
        self.counts.lock().n_answered
    }

    pub(crate) fn n_untraced(&self) -> usize {
        self.counts.lock().n_untraced
    }

    pub(crate) fn by_query(&self) -> BTreeMap<String, usize> {
        let counts = self.counts.lock();
        counts
            .by_query
            .iter()
            .map(|(query, targets)| {
                let n_calls = targets.iter().map(|count| count.n_calls).sum();
                (query.to_string(), n_calls)
            })
            .collect()
    }

    pub(crate) fn by_target(&self) -> BTreeMap<(String, Option<usize>), usize> {
        let counts = self.counts.lock();
        counts
            .by_query
            .iter()
            .flat_map(|(query, targets)| {
                targets
                    .iter()
                    .map(|count| ((query.to_string(), count.target), count.n_calls))
            })
            .collect()
    }

    pub(crate) fn clear(&self) {
        *self.counts.lock() = Counts::default();
    }
}

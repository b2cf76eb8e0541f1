//! A script and how far it is: what each call is answered, whichever server took it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use http::HeaderMap;

use crate::{
    hash::{mix, unit},
    llm::{
        call::Call,
        script::{Fault, Reply, Script, Trigger},
    },
};

/// A script and how far it is.
#[derive(Debug)]
pub(crate) struct Playing {
    pub(crate) script: Script,
    /// For each fault how often it has struck.
    struck: Vec<AtomicUsize>,
    began: Instant,
}

impl Playing {
    pub(crate) fn new(script: Script) -> Self {
        let struck = script.faults.iter().map(|_| AtomicUsize::new(0)).collect();
        Self {
            script,
            struck,
            began: Instant::now(),
        }
    }

    /// A number that is the same in every run for the n-th call of a target, whatever else arrives in between.
    ///
    /// A call that names no Query is known by its text alone.
    pub(crate) fn key(&self, call: &Call<'_>, n_before: usize) -> u64 {
        let seed = mix(self.script.seed);
        let key = match &call.query {
            Some(query) => crate::hash::fnv(seed, query.as_bytes()),
            None => call.hash(seed),
        };
        let key = mix(key ^ call.target.map_or(u64::MAX, |target| target as u64));
        mix(key ^ n_before as u64)
    }

    pub(crate) fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let Some(wanted) = self.script.api_key.as_deref() else {
            return true;
        };
        let header = |name: &str| headers.get(name)?.to_str().ok();
        let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        bearer == Some(wanted) || header("api-key") == Some(wanted)
    }

    /// The first fault that strikes this call.
    pub(crate) fn fault(&self, call: &Call<'_>, key: u64) -> Option<Fault> {
        let rules = self.script.faults.iter().zip(&self.struck).enumerate();
        for (index, (rule, struck)) in rules {
            if !call.is_of(&rule.calls) {
                continue;
            }
            let strikes = match rule.trigger {
                Trigger::Always => true,
                Trigger::Share(share) => unit(mix(key ^ mix(index as u64 + 1))) < share,
                Trigger::Next(n_calls) => struck.load(Ordering::Relaxed) < n_calls,
                Trigger::Window(from, until) => (from..until).contains(&self.began.elapsed()),
            };
            if strikes {
                struck.fetch_add(1, Ordering::Relaxed);
                return Some(rule.fault);
            }
        }
        None
    }

    /// What is answered where nothing goes wrong.
    pub(crate) fn reply(&self, call: &Call<'_>) -> &Reply {
        let mut turns = self.script.turns.iter().rev();
        let turn = turns.find(|turn| turn.turn == call.turn && call.is_of(&turn.calls));
        turn.map_or(&self.script.otherwise, |turn| &turn.reply)
    }

    /// The time to the first token.
    pub(crate) fn first_token(&self, key: u64) -> Duration {
        self.script.latency.draw(key)
    }

    /// The time from token `index` to the next one.
    pub(crate) fn gap(&self, key: u64, index: usize) -> Duration {
        self.script.inter_token.draw(mix(key ^ (index as u64 + 1)))
    }

    /// The time from the first token of so many to the last.
    pub(crate) fn rest(&self, key: u64, n_tokens: usize) -> Duration {
        if self.script.inter_token.is_zero() {
            return Duration::ZERO;
        }
        (1..n_tokens).map(|index| self.gap(key, index - 1)).sum()
    }
}

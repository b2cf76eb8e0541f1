//! One row of the ledger: a Query as last seen, and the pass that works on it.

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::super::call;
use super::super::sighting::{Glance, Sighting};
use super::{Call, Origin, Standing};
use crate::key::QueryKey;
use crate::queue::Lane;
use crate::transition::Execution;

/// What the ledger knows of one Query.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) glance: Glance,
    /// The Query as last seen; `None` once it has ended and waits for its TTL, or is under work and unchanged.
    pub(super) sighting: Option<Sighting>,
    pub(super) standing: Standing,
    /// When its TTL ends, once that is known.
    pub(super) expires: Option<Timestamp>,
    /// Set while a pass works on it.
    pub(super) work: Option<Work>,
    /// The result of an execution that could not be written yet.
    pub(super) unwritten: Option<Box<Execution>>,
    /// Its last pass failed, so that the queue remembers a back-off.
    pub(super) is_backed_off: bool,
}

/// A pass at work on a Query.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Set while its targets are being asked.
    pub(super) interrupt: Option<CancellationToken>,
    /// The Query vanished meanwhile.
    pub(super) is_gone: bool,
}

impl Entry {
    pub(super) fn new(sighting: Sighting, origin: Origin, now: Timestamp) -> Self {
        Self {
            glance: sighting.glance.clone(),
            sighting: Some(sighting),
            standing: Standing {
                is_inherited: origin == Origin::Inheritance,
                since: now,
            },
            expires: None,
            work: None,
            unwritten: None,
            is_backed_off: false,
        }
    }

    /// Takes a sighting in, and tells whether it shows anything new.
    pub(super) fn learn(&mut self, sighting: Sighting, now: Timestamp) -> bool {
        if sighting.glance.version.is_covered_by(self.glance.version) {
            return false;
        }
        self.note(sighting.glance.clone(), now);
        self.sighting = Some(sighting);
        true
    }

    fn note(&mut self, glance: Glance, now: Timestamp) {
        let is_another = glance.uid != self.glance.uid;
        if is_another || glance.claimant != self.glance.claimant {
            self.standing.is_inherited = false;
        }
        if is_another {
            self.unwritten = None;
            self.expires = None;
        }
        if is_another || glance.phase != self.glance.phase {
            self.standing.since = now;
        }
        if let Some(work) = &self.work
            && (is_another || glance.is_interrupting())
        {
            work.interrupt();
        }
        self.glance = glance;
    }

    pub(super) fn lane(&self, identity: &str) -> Option<Lane> {
        call::lane(&self.glance, identity, self.standing.is_inherited)
    }

    pub(super) fn call(&self, key: &QueryKey, lane: Lane) -> Call {
        Call {
            key: key.clone(),
            lane,
            deadline: self.glance.deadline.filter(|_| lane == Lane::Start),
        }
    }
}

impl Work {
    pub(super) fn interrupt(&self) {
        if let Some(interrupt) = &self.interrupt {
            interrupt.cancel();
        }
    }
}

//! What the controller knows of each Query: the cache, the guards and the executions under way, in one table.
//!
//! No clock, no lock, no network: the shell around it brings those. Two guards live here.
//! A sighting that holds nothing new (an echo of our own write, a replay after a lost watch) is dropped before it can
//! cause anything. And while a pass works on a Query, what is seen of it is only noted, with cancel and deletion
//! reaching the execution at once; when the pass ends, the ledger tells whether something came in that the pass has
//! not acted on.
//!
//! kube's own reflector is not used: it keeps every Query parsed and whole, has no place for the guards, and drops
//! what an out-of-date list does not show even while it executes.

mod entry;

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use hashbrown::{Equivalent, HashMap};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use self::entry::{Entry, Work};
use super::sighting::{Glance, Sighting, Version};
use crate::key::QueryKey;
use crate::queue::Lane;
use crate::transition::Execution;

/// The table.
#[derive(Debug)]
pub(super) struct Ledger {
    /// The name under which this controller claims.
    identity: Arc<str>,
    entries: HashMap<QueryKey, Entry, foldhash::fast::RandomState>,
    /// Every namespace once, so that keys share them.
    namespaces: HashSet<Arc<str>>,
}

/// Where a sighting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The list with which this controller, alone in its scope, began.
    Inheritance,
    /// A watch event or a later list.
    Watch,
}

/// A place that a Query wants in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) key: QueryKey,
    pub(super) lane: Lane,
    /// When to look again if it has not been started by then.
    pub(super) deadline: Option<Timestamp>,
}

/// What the ledger knows of a Query that the Query does not tell itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// It was there when this controller started, and nobody has claimed it since.
    pub(super) is_inherited: bool,
    /// Since when it has been seen in its phase.
    pub(super) since: Timestamp,
}

/// What a pass starts with.
#[derive(Debug)]
pub(super) struct Held {
    /// `None` if the body is not kept, as for a Query that has ended: it has to be read.
    pub(super) sighting: Option<Sighting>,
    /// The newest version seen.
    pub(super) version: Version,
    pub(super) standing: Standing,
    /// When its TTL ends, once that is known.
    pub(super) expires: Option<Timestamp>,
    /// The result of an execution that could not be written yet.
    pub(super) unwritten: Option<Box<Execution>>,
}

/// What a pass leaves behind.
#[derive(Debug)]
pub(super) struct Left {
    /// The version that the pass acted on last.
    pub(super) version: Version,
    /// The Query is gone.
    pub(super) is_gone: bool,
    /// The Query has ended and is not looked at before this.
    pub(super) expires: Option<Timestamp>,
    /// A result that waits to be written.
    pub(super) unwritten: Option<Box<Execution>>,
    /// The pass failed and will be repeated by the queue.
    pub(super) is_backed_off: bool,
}

/// What the end of a pass leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// Something happened that the pass has not acted on.
    pub(super) call: Option<Call>,
    /// The queue may forget the back-off of earlier passes.
    pub(super) is_recovered: bool,
}

impl Ledger {
    pub(super) fn new(identity: Arc<str>) -> Self {
        Self {
            identity,
            entries: HashMap::default(),
            namespaces: HashSet::new(),
        }
    }

    /// Takes in what the watch shows, and tells what it calls for.
    pub(super) fn observe(
        &mut self,
        sighting: Sighting,
        origin: Origin,
        now: Timestamp,
    ) -> Option<Call> {
        let name = Name::of(&sighting);
        if let Some((key, entry)) = self.entries.get_key_value_mut(&name) {
            if !entry.learn(sighting, now) || entry.work.is_some() {
                return None;
            }
            return entry.lane(&self.identity).map(|lane| entry.call(key, lane));
        }
        let key = self.key(&sighting);
        let entry = Entry::new(sighting, origin, now);
        let call = entry
            .lane(&self.identity)
            .map(|lane| entry.call(&key, lane));
        self.entries.insert(key, entry);
        call
    }

    /// The Query is gone. A pass at work on it is interrupted and takes the entry along when it ends.
    pub(super) fn vanish(&mut self, sighting: &Sighting) {
        let name = Name::of(sighting);
        let Some(entry) = self.entries.get_mut(&name) else {
            return;
        };
        let is_another = entry.glance.uid != sighting.glance.uid;
        if is_another && sighting.glance.version.is_covered_by(entry.glance.version) {
            return;
        }
        match &mut entry.work {
            Some(work) => {
                work.is_gone = true;
                work.interrupt();
            }
            None => drop(self.entries.remove(&name)),
        }
    }

    /// A list of `namespace` (or of all) is complete: what it does not show is gone, unless a pass works on it,
    /// whose own requests will tell. An older list does no harm: the watch that follows shows the Query again.
    pub(super) fn retain_listed(&mut self, namespace: Option<&str>, listed: &HashSet<QueryKey>) {
        self.entries.retain(|key, entry| {
            entry.work.is_some()
                || listed.contains(key)
                || namespace.is_some_and(|namespace| *key.namespace != *namespace)
        });
    }

    /// A pass begins; `None` if the Query is gone.
    pub(super) fn begin(&mut self, key: &QueryKey) -> Option<Held> {
        let entry = self.entries.get_mut(key)?;
        entry.work = Some(Work::default());
        Some(Held {
            sighting: entry.sighting.take(),
            version: entry.glance.version,
            standing: entry.standing,
            expires: entry.expires,
            unwritten: entry.unwritten.take(),
        })
    }

    /// Takes in the reply to a request of the pass that works on the Query.
    pub(super) fn learn(
        &mut self,
        key: &QueryKey,
        sighting: Sighting,
        now: Timestamp,
    ) -> Option<Standing> {
        let entry = self.entries.get_mut(key)?;
        entry.learn(sighting, now);
        Some(entry.standing)
    }

    /// Takes in that the pass has changed the Query itself, and how.
    pub(super) fn wrote(
        &mut self,
        key: &QueryKey,
        version: Version,
        now: Timestamp,
        change: impl FnOnce(&mut Glance),
    ) {
        if let Some(entry) = self.entries.get_mut(key)
            && !version.is_covered_by(entry.glance.version)
        {
            let phase = entry.glance.phase;
            change(&mut entry.glance);
            entry.glance.version = version;
            entry.sighting = None;
            if entry.glance.phase != phase {
                entry.standing.since = now;
            }
        }
    }

    /// What has been seen since `version`; the pass has to go on with that.
    pub(super) fn newer(
        &mut self,
        key: &QueryKey,
        version: Version,
    ) -> Option<(Sighting, Standing)> {
        let entry = self.entries.get_mut(key)?;
        if entry.glance.version.is_covered_by(version) {
            return None;
        }
        Some((entry.sighting.take()?, entry.standing))
    }

    /// The token that stops the execution which the pass is about to begin; cancelled already if it must not begin.
    pub(super) fn interrupt(&mut self, key: &QueryKey) -> CancellationToken {
        let token = CancellationToken::new();
        match self.entries.get_mut(key) {
            Some(Entry {
                glance,
                work: Some(work),
                ..
            }) => {
                if glance.is_interrupting() || work.is_gone {
                    token.cancel();
                }
                work.interrupt = Some(token.clone());
            }
            _ => token.cancel(),
        }
        token
    }

    /// A pass ends.
    pub(super) fn end(&mut self, key: &QueryKey, left: Left) -> Ended {
        let mut ended = Ended {
            call: None,
            is_recovered: false,
        };
        let Some(entry) = self.entries.get_mut(key) else {
            return ended;
        };
        let work = entry.work.take().unwrap_or_default();
        let is_acted_on = entry.glance.version.is_covered_by(left.version);
        ended.is_recovered = entry.is_backed_off && !left.is_backed_off;
        if is_acted_on && (left.is_gone || work.is_gone) {
            self.entries.remove(key);
            return ended;
        }
        entry.is_backed_off = left.is_backed_off;
        entry.unwritten = left.unwritten;
        entry.expires = left.expires;
        if left.expires.is_some() && is_acted_on {
            entry.sighting = None;
        }
        if !is_acted_on && let Some(lane) = entry.lane(&self.identity) {
            ended.call = Some(entry.call(key, lane));
        }
        ended
    }

    /// Queries known.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The key of a Query.
    pub(super) fn key(&mut self, sighting: &Sighting) -> QueryKey {
        let namespace = match self.namespaces.get(&*sighting.namespace) {
            Some(namespace) => namespace.clone(),
            None => {
                let namespace: Arc<str> = Arc::from(&*sighting.namespace);
                self.namespaces.insert(namespace.clone());
                namespace
            }
        };
        QueryKey::new(namespace, &*sighting.name)
    }
}

/// A key for looking up, without the allocations of one for keeping.
#[derive(Hash)]
struct Name<'a> {
    namespace: &'a str,
    name: &'a str,
}

impl<'a> Name<'a> {
    fn of(sighting: &'a Sighting) -> Self {
        Self {
            namespace: &sighting.namespace,
            name: &sighting.name,
        }
    }
}

impl Equivalent<QueryKey> for Name<'_> {
    fn equivalent(&self, key: &QueryKey) -> bool {
        self.namespace == &*key.namespace && self.name == &*key.name
    }
}

//! Faults that a server can be told to have, at run time.
//!
//! A [`Fault`] is an effect, the requests it concerns, and how often it strikes: at a rate (seeded, so that runs
//! repeat), for the next few, or at every k-th. Without faults the cost is one relaxed load per request.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::object::Object;
use super::request::Verb;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// The request waits before it is handled.
    Latency(Duration),
    /// 409: the object was modified meanwhile. Concerns updates and patches.
    Conflict,
    /// 429 with a Retry-After of so many seconds.
    TooManyRequests(u32),
    /// 500, and nothing was done.
    InternalError,
    /// The write is done, but its answer does not tell. Concerns writes.
    LostReply(Lost),
    /// The state before the last so many changes of the resource is served. Concerns gets, lists and
    /// the objects that a watch begins with; never older than what the request says it has seen.
    Stale(usize),
    /// The stream ends instead of delivering the event. Struck per event of a watch.
    DropWatch,
    /// The stream ends with a 410 instead of delivering the event. Struck per event of a watch.
    ExpireWatch,
    /// The watch is answered by a 410 at once, whatever version it asks for.
    ExpireWatchStart,
    /// The event, and what follows it, is delivered so much later. Struck per event of a watch.
    WatchLag(Duration),
}

/// What comes instead of the answer to a write that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// 500.
    InternalError,
    /// 504 with reason Timeout.
    Timeout,
    /// No answer: the connection is gone.
    Disconnect,
}

/// One fault, built by naming what it concerns.
#[derive(Clone, Debug)]
pub struct Fault {
    effect: Effect,
    verb: Option<Verb>,
    /// The plural, with `/status` for the subresource.
    resource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    when: When,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Always,
    Rate(f64),
    Next(u64),
    Every(u64),
}

/// A fault that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(u64);

/// The faults of one server; see [`KubeApi::faults`](super::KubeApi::faults).
#[derive(Debug)]
pub struct Faults {
    is_armed: AtomicBool,
    state: Mutex<State>,
    /// Counts up whenever all running watches are to end.
    epoch: AtomicU64,
}

#[derive(Debug)]
struct State {
    rules: Vec<Rule>,
    random: StdRng,
    n_added: u64,
}

#[derive(Debug)]
struct Rule {
    id: FaultId,
    fault: Fault,
    n_matched: u64,
    n_struck: u64,
}

/// What a fault can tell requests apart by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) verb: Verb,
    pub(super) plural: &'a str,
    pub(super) is_status: bool,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

/// What strikes one request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Strike {
    pub(super) latency: Option<Duration>,
    /// The first of the effects that refuse the request.
    pub(super) refusal: Option<Effect>,
    pub(super) lost: Option<Lost>,
    pub(super) stale: Option<usize>,
    pub(super) expire_start: bool,
}

/// What strikes one event of a watch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct EventStrike {
    pub(super) drop: bool,
    pub(super) expire: bool,
    pub(super) lag: Option<Duration>,
}

impl Effect {
    /// Whether the effect strikes single events instead of requests.
    fn is_of_events(self) -> bool {
        matches!(
            self,
            Self::DropWatch | Self::ExpireWatch | Self::WatchLag(_)
        )
    }

    /// Whether the effect makes sense for a verb when the fault names none.
    fn concerns(self, verb: Verb) -> bool {
        match self {
            Self::Latency(_) | Self::TooManyRequests(_) | Self::InternalError => true,
            Self::Conflict => matches!(verb, Verb::Update | Verb::Patch),
            Self::LostReply(_) => verb.is_write(),
            Self::Stale(_) => !verb.is_write(),
            Self::DropWatch | Self::ExpireWatch | Self::ExpireWatchStart | Self::WatchLag(_) => {
                verb == Verb::Watch
            }
        }
    }
}

impl Fault {
    /// A fault that strikes every request the effect makes sense for.
    pub fn new(effect: Effect) -> Self {
        Self {
            effect,
            verb: None,
            resource: None,
            namespace: None,
            name: None,
            when: When::Always,
        }
    }

    /// Only requests of this verb.
    #[must_use]
    pub fn on(mut self, verb: Verb) -> Self {
        self.verb = Some(verb);
        self
    }

    /// Only this resource, by its plural; `queries/status` for the status, `queries` for the object itself.
    #[must_use]
    pub fn of(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    /// Only this namespace.
    #[must_use]
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// Only the object of this name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Strikes with this probability, between 0 and 1.
    #[must_use]
    pub fn at_rate(mut self, rate: f64) -> Self {
        self.when = When::Rate(rate);
        self
    }

    /// Strikes the next `n` and then no more.
    #[must_use]
    pub fn next(mut self, n: u64) -> Self {
        self.when = When::Next(n);
        self
    }

    /// Strikes every `k`-th, the first time at the `k`-th.
    #[must_use]
    pub fn every(mut self, k: u64) -> Self {
        self.when = When::Every(k.max(1));
        self
    }

    fn matches(&self, subject: &Subject<'_>) -> bool {
        let is_resource = |wanted: &str| match wanted.strip_suffix("/status") {
            Some(plural) => subject.is_status && plural == subject.plural,
            None => !subject.is_status && wanted == subject.plural,
        };
        self.verb.is_none_or(|verb| verb == subject.verb)
            && (self.verb.is_some() || self.effect.concerns(subject.verb))
            && self.resource.as_deref().is_none_or(is_resource)
            && self
                .namespace
                .as_deref()
                .is_none_or(|namespace| namespace == subject.namespace)
            && self.name.as_deref().is_none_or(|name| name == subject.name)
    }
}

impl Faults {
    pub(super) fn new() -> Self {
        Self {
            is_armed: AtomicBool::new(false),
            state: Mutex::new(State {
                rules: Vec::new(),
                random: StdRng::seed_from_u64(0),
                n_added: 0,
            }),
            epoch: AtomicU64::new(0),
        }
    }

    /// Adds a fault; it strikes from the next request on.
    pub fn add(&self, fault: Fault) -> FaultId {
        let mut state = self.state.lock();
        state.n_added += 1;
        let id = FaultId(state.n_added);
        state.rules.push(Rule {
            id,
            fault,
            n_matched: 0,
            n_struck: 0,
        });
        self.is_armed.store(true, Ordering::Relaxed);
        id
    }

    /// Removes a fault; what it struck stays struck.
    pub fn remove(&self, id: FaultId) {
        let mut state = self.state.lock();
        state.rules.retain(|rule| rule.id != id);
        self.is_armed
            .store(!state.rules.is_empty(), Ordering::Relaxed);
    }

    /// Removes all faults.
    pub fn clear(&self) {
        let mut state = self.state.lock();
        state.rules.clear();
        self.is_armed.store(false, Ordering::Relaxed);
    }

    /// Starts the sequence behind rates anew.
    pub fn reseed(&self, seed: u64) {
        self.state.lock().random = StdRng::seed_from_u64(seed);
    }

    /// How often a fault has struck; zero once it is removed.
    pub fn n_struck(&self, id: FaultId) -> u64 {
        let state = self.state.lock();
        let rule = state.rules.iter().find(|rule| rule.id == id);
        rule.map_or(0, |rule| rule.n_struck)
    }

    pub(super) fn start_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    pub(super) fn are_armed(&self) -> bool {
        self.is_armed.load(Ordering::Relaxed)
    }

    pub(super) fn strike(&self, subject: &Subject<'_>) -> Strike {
        let mut strike = Strike::default();
        let hit = |effect: Effect| !effect.is_of_events();
        for effect in self.state.lock().effects(subject, hit) {
            match effect {
                Effect::Latency(latency) => {
                    strike.latency = Some(strike.latency.unwrap_or_default() + latency);
                }
                Effect::Conflict | Effect::TooManyRequests(_) | Effect::InternalError => {
                    strike.refusal = strike.refusal.or(Some(effect));
                }
                Effect::LostReply(lost) => strike.lost = strike.lost.or(Some(lost)),
                Effect::Stale(changes) => strike.stale = strike.stale.max(Some(changes)),
                Effect::ExpireWatchStart => strike.expire_start = true,
                Effect::DropWatch | Effect::ExpireWatch | Effect::WatchLag(_) => {}
            }
        }
        strike
    }

    pub(super) fn strike_event(&self, plural: &str, object: &Object) -> EventStrike {
        let mut strike = EventStrike::default();
        if !self.are_armed() {
            return strike;
        }
        let subject = Subject {
            verb: Verb::Watch,
            plural,
            is_status: false,
            namespace: object.meta.namespace(),
            name: object.meta.name(),
        };
        for effect in self.state.lock().effects(&subject, Effect::is_of_events) {
            match effect {
                Effect::DropWatch => strike.drop = true,
                Effect::ExpireWatch => strike.expire = true,
                Effect::WatchLag(lag) => strike.lag = strike.lag.max(Some(lag)),
                _ => {}
            }
        }
        strike
    }
}

impl State {
    /// The effects that strike, counting every match.
    fn effects(&mut self, subject: &Subject<'_>, wanted: impl Fn(Effect) -> bool) -> Vec<Effect> {
        let random = &mut self.random;
        let mut effects = Vec::new();
        for rule in &mut self.rules {
            if !wanted(rule.fault.effect) || !rule.fault.matches(subject) {
                continue;
            }
            rule.n_matched += 1;
            let strikes = match rule.fault.when {
                When::Always => true,
                When::Rate(rate) => random.random::<f64>() < rate,
                When::Next(n) => rule.n_struck < n,
                When::Every(k) => rule.n_matched.is_multiple_of(k),
            };
            if strikes {
                rule.n_struck += 1;
                effects.push(rule.fault.effect);
            }
        }
        effects
    }
}

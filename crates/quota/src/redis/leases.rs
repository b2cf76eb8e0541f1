//! Permits as leases: who holds places, keeps them renewed, and gives them back.
//!
//! ```text
//!   acquired ──► held ──(renewed at each third of its length)──► held
//!                 ├──(released or dropped)──► given back
//!                 ├──(its process dies)─────► given back when the lease runs out
//!                 └──(not renewed for longer than its length, and others have its places by then)──► lost
//! ```
//!
//! One task per backend renews all its leases in one call per [`MOST_TOGETHER`] permits and gives back those that were
//! dropped; it also runs whenever the connection comes back. It ends with the last permit of a backend that is gone.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, SetOnce, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::link::{Link, Unreachable};
use super::scripts;

/// Permits of one call: it costs the server well under a millisecond.
const MOST_TOGETHER: usize = 64;

/// A lease is renewed so often within its length: two renewals may fail.
pub(super) const N_RENEWALS: u32 = 3;

pub(super) struct Leases {
    link: Arc<Link>,
    length: Duration,
    registry: Mutex<Registry>,
    /// Something was given back, or the backend is gone.
    wake: Notify,
}

#[derive(Default)]
struct Registry {
    held_by_token: HashMap<Arc<str>, Arc<Held>>,
    given_back: Vec<Return>,
    is_closed: bool,
}

/// A permit on its way back. Only the task sends these and the renewals, one call after the other: a renewal that
/// overtook a release would take the places again.
struct Return {
    held: Arc<Held>,
    /// Until when it is worth a try: by then the lease has run out.
    until: Instant,
    /// Who waits for it, if somebody does; dropped unsent when the lease ran out first.
    done_tx: Option<oneshot::Sender<()>>,
}

/// The places of one permit.
pub(super) struct Held {
    token: Arc<str>,
    places: Box<[Place]>,
    lost: SetOnce<()>,
}

/// One place: the key of its cap in Redis, and how many the cap admits at once.
pub(super) struct Place {
    pub(super) key: String,
    pub(super) at_most: u32,
}

impl Held {
    pub(super) fn new(token: String, places: Box<[Place]>) -> Arc<Self> {
        Arc::new(Self {
            token: token.into(),
            places,
            lost: SetOnce::new(),
        })
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.initialized()
    }

    pub(super) async fn lost(&self) {
        self.lost.wait().await;
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|place| &*place.key)
    }
}

impl Leases {
    /// Begins to renew, on the runtime of the caller.
    pub(super) fn new(link: Arc<Link>, length: Duration) -> Arc<Self> {
        let leases = Arc::new(Self {
            link,
            length,
            registry: Mutex::default(),
            wake: Notify::new(),
        });
        tokio::spawn(keep(Arc::clone(&leases)));
        leases
    }

    /// Takes the places, or says which of them, counted from zero, was not to be had.
    ///
    /// Without an answer the places may be taken or not; give them back in any case.
    pub(super) async fn acquire(&self, held: &Arc<Held>) -> Result<Option<usize>, Unreachable> {
        let script = &self.link.scripts.acquire;
        let mut command = scripts::call(script, held.places.len());
        held.keys().for_each(|key| {
            command.arg(key);
        });
        command.arg(self.length_us()).arg(&*held.token);
        for place in &held.places {
            command.arg(place.at_most);
        }
        let refused: usize = self.link.call(script, &command).await?;
        Ok(refused.checked_sub(1))
    }

    /// From now on the places are renewed.
    pub(super) fn keep(&self, held: &Arc<Held>) {
        let token = Arc::clone(&held.token);
        let mut registry = self.registry.lock();
        registry.held_by_token.insert(token, Arc::clone(held));
    }

    /// The places are renewed no more, and given back soon.
    pub(super) fn give_back(&self, held: Arc<Held>) {
        self.give_back_and_tell(held, None);
    }

    /// As [`give_back`](Self::give_back), and waits for it, but no longer than for any call.
    pub(super) async fn release(&self, held: Arc<Held>) {
        let (done_tx, done) = oneshot::channel();
        self.give_back_and_tell(held, Some(done_tx));
        // If there is no answer in time, the task goes on trying.
        let _ = timeout(self.link.wait(), done).await;
    }

    fn give_back_and_tell(&self, held: Arc<Held>, done_tx: Option<oneshot::Sender<()>>) {
        let mut registry = self.registry.lock();
        registry.held_by_token.remove(&held.token);
        if held.is_lost() {
            return;
        }
        registry.given_back.push(Return {
            held,
            until: Instant::now() + self.length,
            done_tx,
        });
        drop(registry);
        self.wake.notify_one();
    }

    /// No permit will come any more: the task ends with the last one.
    pub(super) fn close(&self) {
        self.registry.lock().is_closed = true;
        self.wake.notify_one();
    }

    fn is_done(&self) -> bool {
        let registry = self.registry.lock();
        registry.is_closed && registry.held_by_token.is_empty() && registry.given_back.is_empty()
    }

    /// What cannot be given back now stays for the next time, as long as its lease.
    async fn give_back_all(&self) {
        let now = Instant::now();
        let mut given_back = std::mem::take(&mut self.registry.lock().given_back);
        given_back.retain(|permit| permit.until > now);
        while !given_back.is_empty() {
            let n = given_back.len().min(MOST_TOGETHER);
            let permits: Vec<_> = given_back[..n].iter().map(|permit| &*permit.held).collect();
            if self.release_all(&permits).await.is_err() {
                self.registry.lock().given_back.append(&mut given_back);
                return;
            }
            for done_tx in given_back.drain(..n).filter_map(|permit| permit.done_tx) {
                // Who waited may have gone meanwhile.
                let _ = done_tx.send(());
            }
        }
    }

    async fn release_all(&self, permits: &[&Held]) -> Result<(), Unreachable> {
        let n_places = permits.iter().map(|held| held.places.len()).sum();
        let script = &self.link.scripts.release;
        let mut command = scripts::call(script, n_places);
        for key in permits.iter().flat_map(|held| held.keys()) {
            command.arg(key);
        }
        for held in permits {
            for position in 1..=held.places.len() {
                command.arg(format!("{}:{position}", held.token));
            }
        }
        let _n_held: u64 = self.link.call(script, &command).await?;
        Ok(())
    }

    /// Renewals that fail are made up for by the next ones; a lease is long enough for two to fail.
    async fn renew_all(&self) {
        let permits: Vec<_> = self
            .registry
            .lock()
            .held_by_token
            .values()
            .cloned()
            .collect();
        for permits in permits.chunks(MOST_TOGETHER) {
            let Ok(answers) = self.renew(permits).await else {
                return;
            };
            let lost = permits.iter().zip(answers).filter(|(_, is_held)| !is_held);
            for (held, _) in lost {
                self.registry.lock().held_by_token.remove(&held.token);
                // Said once, because it is no longer renewed.
                let _ = held.lost.set(());
            }
        }
    }

    async fn renew(&self, permits: &[Arc<Held>]) -> Result<Vec<bool>, Unreachable> {
        let n_places = permits.iter().map(|held| held.places.len()).sum();
        let script = &self.link.scripts.renew;
        let mut command = scripts::call(script, n_places);
        for key in permits.iter().flat_map(|held| held.keys()) {
            command.arg(key);
        }
        command.arg(self.length_us());
        for held in permits {
            command.arg(&*held.token).arg(held.places.len());
            for place in &held.places {
                command.arg(place.at_most);
            }
        }
        self.link.call(script, &command).await
    }

    fn length_us(&self) -> u64 {
        u64::try_from(self.length.as_micros()).unwrap_or(u64::MAX)
    }
}

/// The task of a backend.
async fn keep(leases: Arc<Leases>) {
    let mut due = interval(leases.length / N_RENEWALS);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut link = leases.link.watch();
    while !leases.is_done() {
        let is_renewal = tokio::select! {
            () = leases.wake.notified() => false,
            _ = due.tick() => true,
            is_there = link.changed() => match is_there {
                true => link.is_up(),
                false => return,
            },
        };
        if is_renewal {
            leases.renew_all().await;
        }
        leases.give_back_all().await;
    }
}

//! Rates in Redis: one script decides for one request or for many.
//!
//! A request that finds no other under way goes straight to the server. Those that come meanwhile gather and go together
//! in one call, so that the server reads, decides and writes for all of them at once: a script call of its own for each
//! would cost the server four times an `INCR`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::redis::Cmd;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::link::{Link, Unreachable};
use super::scripts;
use crate::gcra::{MOST_LATE, Outcome};
use crate::limits::RateLimit;

/// Requests of one call: they cost the server about 0.2 ms, for which it answers nobody else.
const MOST_TOGETHER: usize = 128;

/// Requests that may gather before further ones wait for room, within the bound of each.
const N_GATHERED: usize = 1_024;

pub(super) struct Rates {
    link: Arc<Link>,
    is_alone: AtomicBool,
    ask_tx: mpsc::Sender<Ask>,
}

/// A rate as the script needs it, exact in doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pace {
    interval_ns: u64,
    tolerance_ns: u64,
    /// How long a state can matter: one that is past equals none.
    keep_ms: u64,
}

struct Ask {
    key: String,
    pace: Pace,
    answer_tx: oneshot::Sender<Result<Outcome, Unreachable>>,
}

impl Pace {
    /// Whole numbers below this one are exact in doubles: as nanoseconds, 104 days.
    const EXACT: u64 = 1 << 53;

    /// `None` if a full burst takes longer to come back than the script can count.
    pub(super) fn new(limit: RateLimit) -> Option<Self> {
        let interval_ns = limit.per_second.interval_ns();
        let full_ns = interval_ns.checked_mul(u64::from(limit.burst.get()))?;
        let furthest_ns = full_ns.saturating_add(MOST_LATE.as_nanos() as u64);
        (furthest_ns <= Self::EXACT).then_some(Self {
            interval_ns,
            tolerance_ns: full_ns - interval_ns,
            keep_ms: furthest_ns / 1_000_000 + 1,
        })
    }
}

impl Rates {
    pub(super) fn new(link: Arc<Link>) -> Self {
        let (ask_tx, ask_rx) = mpsc::channel(N_GATHERED);
        tokio::spawn(decide_together(Arc::clone(&link), ask_rx));
        Self {
            link,
            is_alone: AtomicBool::new(false),
            ask_tx,
        }
    }

    pub(super) async fn decide(&self, key: String, pace: Pace) -> Result<Outcome, Unreachable> {
        let Some(_alone) = Alone::claim(&self.is_alone) else {
            return self.decide_with_others(key, pace).await;
        };
        let mut command = scripts::call(&self.link.scripts.decide, 1);
        command.arg(key);
        add(&mut command, pace, 1);
        let (wait_ns,) = self.link.call(&self.link.scripts.decide, &command).await?;
        Ok(outcome(wait_ns))
    }

    async fn decide_with_others(&self, key: String, pace: Pace) -> Result<Outcome, Unreachable> {
        let (answer_tx, answer) = oneshot::channel();
        let ask = Ask {
            key,
            pace,
            answer_tx,
        };
        let answered = timeout(self.link.wait(), async {
            self.ask_tx.send(ask).await.ok()?;
            answer.await.ok()
        });
        let answered = answered.await.ok().flatten();
        answered.unwrap_or_else(|| Err(Unreachable::in_time()))
    }
}

/// The right to a call of one's own.
struct Alone<'a>(&'a AtomicBool);

impl<'a> Alone<'a> {
    fn claim(is_alone: &'a AtomicBool) -> Option<Self> {
        let claimed = is_alone.compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed);
        claimed.is_ok().then_some(Self(is_alone))
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// One call after the other; while one is under way, the next gathers.
async fn decide_together(link: Arc<Link>, mut ask_rx: mpsc::Receiver<Ask>) {
    let mut asks = Vec::with_capacity(MOST_TOGETHER);
    while ask_rx.recv_many(&mut asks, MOST_TOGETHER).await > 0 {
        // Requests of one rate side by side, in the order in which they came: those of one key are all of one rate.
        asks.sort_by_key(|ask| ask.pace);
        let mut command = scripts::call(&link.scripts.decide, asks.len());
        for ask in &asks {
            command.arg(&*ask.key);
        }
        for of_one_rate in asks.chunk_by(|left, right| left.pace == right.pace) {
            add(&mut command, of_one_rate[0].pace, of_one_rate.len());
        }
        let answers: Result<Vec<u64>, _> = link.call(&link.scripts.decide, &command).await;
        match answers {
            Ok(waits_ns) => {
                for (ask, wait_ns) in asks.drain(..).zip(waits_ns) {
                    // Whoever asked may have gone meanwhile; then a permit is spent for nothing.
                    let _ = ask.answer_tx.send(Ok(outcome(wait_ns)));
                }
            }
            Err(why) => {
                for ask in asks.drain(..) {
                    let _ = ask.answer_tx.send(Err(why.clone()));
                }
            }
        }
    }
}

/// A rate, and how many keys are of it.
fn add(command: &mut Cmd, pace: Pace, n_keys: usize) {
    command
        .arg(pace.interval_ns)
        .arg(pace.tolerance_ns)
        .arg(pace.keep_ms)
        .arg(n_keys);
}

fn outcome(wait_ns: u64) -> Outcome {
    if wait_ns == 0 {
        Outcome::Allow
    } else {
        Outcome::Deny {
            retry_after: Duration::from_nanos(wait_ns),
        }
    }
}

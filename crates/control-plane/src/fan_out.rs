//! The parallel fan-out: all targets of a Query at once, within bounds, each with its own deadline.
//!
//! What a target does is the caller's: a function that makes the future of target number `i`. A target that fails,
//! panics or runs out of time is one outcome among the others and touches none of them.

mod shares;
mod slots;

#[cfg(test)]
mod tests;

use std::{future::Future, panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{fan_out::slots::Slots, panic};

/// How many targets run at once; each at least 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FanOutConfig {
    /// Of one Query.
    pub per_query: usize,
    /// Of all Queries of one namespace.
    pub per_namespace: usize,
    /// Of all Queries. When all slots are taken, the next goes to the waiting namespace that holds the fewest.
    pub total: usize,
}

impl Default for FanOutConfig {
    fn default() -> Self {
        Self {
            per_query: 256,
            per_namespace: 512,
            total: 1024,
        }
    }
}

/// The fan-outs of all Queries, which share one set of bounds.
#[derive(Debug)]
pub struct FanOut {
    per_query: usize,
    slots: Slots,
}

/// One fan-out.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// In whose name slots are held.
    pub namespace: &'a Arc<str>,
    /// Targets are numbered from 0 to one less than this.
    pub n_targets: usize,
    /// The time of each target, counted from its own start: waiting for a slot is our doing, not the target's.
    /// `None` gives all the time in the world.
    pub deadline: Option<Duration>,
    /// Ends all targets.
    pub cancel: &'a CancellationToken,
}

/// What became of one target.
#[derive(Debug)]
pub struct Ended<T> {
    /// What its future returned, or why it returned nothing.
    pub result: Result<T, Stopped>,
    /// From its start to its end; zero if it never started.
    pub took: Duration,
}

/// Why a target returned nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// Its time was up after so long.
    TimedOut(Duration),
    /// The fan-out was cancelled.
    Canceled,
    /// It panicked with this message.
    Panicked(String),
}

impl FanOut {
    /// A fan-out with all slots free.
    pub fn new(config: &FanOutConfig) -> Self {
        Self {
            per_query: config.per_query.max(1),
            slots: Slots::new(config.total, config.per_namespace),
        }
    }

    /// Runs all targets and returns what `outcome` made of them, in the order of their numbers.
    ///
    /// `start` makes the future of a target when it is that target's turn, and a panic in it is that target's.
    /// `outcome` is called once for each target as it ends, and for those that cancellation ends after all others.
    /// Once `cancel` fires, all futures are dropped where they stand and the fan-out returns.
    pub async fn run<T, F: Future<Output = T>, O>(
        &self,
        job: Job<'_>,
        start: impl Fn(usize) -> F,
        mut outcome: impl FnMut(usize, Ended<T>) -> O,
    ) -> Vec<O> {
        let mut outcomes: Vec<Option<O>> = Vec::new();
        outcomes.resize_with(job.n_targets, || None);
        let mut settle = |index: usize, ended: Ended<T>| {
            outcomes[index] = Some(outcome(index, ended));
        };
        if !job.cancel.is_cancelled() {
            let mut cancelled = pin!(job.cancel.cancelled());
            if job.n_targets == 1 {
                // The usual case needs no collection of futures, and no allocation for its only one.
                tokio::select! {
                    biased;
                    () = &mut cancelled => {}
                    ended = self.target(job, || start(0)) => settle(0, ended),
                }
            } else {
                let number = |index| {
                    let target = self.target(job, {
                        let start = &start;
                        move || start(index)
                    });
                    target.map(move |ended| (index, ended))
                };
                let mut waiting = 0..job.n_targets;
                let mut running: FuturesUnordered<_> =
                    waiting.by_ref().take(self.per_query).map(number).collect();
                loop {
                    tokio::select! {
                        biased;
                        () = &mut cancelled => break,
                        ended = running.next() => {
                            let Some((index, ended)) = ended else { break };
                            settle(index, ended);
                            running.extend(waiting.next().map(number));
                        }
                    }
                }
            }
        }
        let canceled = |index: usize| {
            let result = Err(Stopped::Canceled);
            let took = Duration::ZERO;
            outcome(index, Ended { result, took })
        };
        settled(outcomes, canceled)
    }

    async fn target<T, F: Future<Output = T>>(
        &self,
        job: Job<'_>,
        start: impl FnOnce() -> F,
    ) -> Ended<T> {
        let _slot = self.slots.acquire(job.namespace).await;
        let started = Instant::now();
        let work = AssertUnwindSafe(async { start().await }).catch_unwind();
        let caught = match job.deadline {
            Some(deadline) => tokio::time::timeout(deadline, work).await,
            None => Ok(work.await),
        };
        let took = started.elapsed();
        let result = match caught {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(panic)) => Err(Stopped::Panicked(panic::message(&*panic).to_owned())),
            Err(_) => Err(Stopped::TimedOut(job.deadline.unwrap_or(took))),
        };
        Ended { result, took }
    }
}

/// All outcomes in order, with `missing` in the place of those that are not there.
fn settled<O>(outcomes: Vec<Option<O>>, mut missing: impl FnMut(usize) -> O) -> Vec<O> {
    let outcomes = outcomes.into_iter().enumerate();
    outcomes
        .map(|(index, outcome)| outcome.unwrap_or_else(|| missing(index)))
        .collect()
}

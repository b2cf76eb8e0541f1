//! Closed load: users who wait for each answer, think, and ask again.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::feed::Feed;
use crate::scenario::Scenario;
use crate::schedule::Entry;

/// Lets all users of a worker begin, who ask its share of the questions.
pub(super) fn begin(scenario: &Scenario, feed: Feed) {
    let Some(closed) = &scenario.closed else {
        return;
    };
    let worker = feed.worker;
    let round = Arc::new(Round {
        feed,
        entries: worker.share(scenario.questions()).collect(),
        ends_with_last: closed.duration.is_none(),
        n_asked: AtomicUsize::new(0),
        duration: closed.duration.map_or(Duration::MAX, |duration| duration.0),
        think_time: closed
            .think_time
            .map_or([Duration::ZERO; 2], |[shortest, longest]| {
                [shortest.0, longest.0]
            }),
    });
    for user in worker.share(0..closed.users) {
        let rng = StdRng::seed_from_u64(scenario.seed ^ THINK_STREAM ^ user as u64);
        let joins = closed.spawn_rate.map_or(0.0, |rate| user as f64 / rate);
        tokio::spawn(round.clone().user(Duration::from_secs_f64(joins), rng));
    }
}

/// Separates the stream of think times from those of a schedule.
const THINK_STREAM: u64 = 0x7468_696e_6b00_0000;

/// What all users share.
struct Round {
    feed: Feed,
    /// What is asked, in order; whoever is free takes the next.
    entries: Vec<Entry>,
    /// Nothing is asked after the last; else the first follows it, until time is over.
    ends_with_last: bool,
    n_asked: AtomicUsize,
    /// Nobody asks after it.
    duration: Duration,
    think_time: [Duration; 2],
}

impl Round {
    /// A user who joins after some time.
    async fn user(self: Arc<Self>, joins: Duration, mut rng: StdRng) {
        let begin = self.feed.launcher.begin();
        let mut ready = begin + joins;
        while ready.saturating_duration_since(begin) < self.duration {
            if self.wait_until(ready).await.is_break() {
                return;
            }
            let number = self.n_asked.fetch_add(1, Ordering::Relaxed);
            let Some(entry) = self.entry(number) else {
                return;
            };
            let intended = ready.saturating_duration_since(begin);
            let id = self.feed.worker.id(number);
            let ended = self
                .feed
                .launcher
                .launch_and_wait(id, entry, intended)
                .await;
            if ended.is_break() {
                return;
            }
            ready = Instant::now() + self.think(&mut rng);
        }
    }

    fn entry(&self, number: usize) -> Option<&Entry> {
        match self.ends_with_last {
            true => self.entries.get(number),
            false => self.entries.get(number % self.entries.len().max(1)),
        }
    }

    /// Whether the run goes on. A user who does not think must not meet a timer: it rounds up to a millisecond.
    async fn wait_until(&self, ready: Instant) -> ControlFlow<()> {
        if self.feed.stop.is_cancelled() {
            return ControlFlow::Break(());
        }
        if ready <= Instant::now() {
            return ControlFlow::Continue(());
        }
        tokio::select! {
            () = self.feed.stop.cancelled() => ControlFlow::Break(()),
            () = tokio::time::sleep_until(ready.into()) => ControlFlow::Continue(()),
        }
    }

    fn think(&self, rng: &mut StdRng) -> Duration {
        let [shortest, longest] = self.think_time;
        let share = f64::from(rng.next_u32()) / f64::from(u32::MAX);
        shortest + longest.saturating_sub(shortest).mul_f64(share)
    }
}

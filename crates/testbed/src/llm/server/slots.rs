//! How many answers are made at once, and how many calls may wait for it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Slots, and a queue before them: first come, first served.
#[derive(Debug)]
pub(crate) struct Slots {
    /// `None` means that there are slots without end.
    free: Option<Arc<Semaphore>>,
    /// How many may wait.
    queue: usize,
    n_waiting: AtomicUsize,
}

/// A slot, given back by dropping it.
#[derive(Debug)]
pub(crate) struct Slot(
    #[expect(dead_code, reason = "held, not read")] Option<OwnedSemaphorePermit>,
);

/// All slots and places in the queue are taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Slots {
    pub(crate) fn new(n_slots: Option<usize>, queue: usize) -> Self {
        let cap = |n_slots: usize| n_slots.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            free: n_slots.map(|n_slots| Arc::new(Semaphore::new(cap(n_slots)))),
            queue,
            n_waiting: AtomicUsize::new(0),
        }
    }

    /// Waits for a slot. Whoever drops the future leaves the queue.
    pub(crate) async fn enter(&self) -> Result<Slot, Full> {
        let Some(free) = &self.free else {
            return Ok(Slot(None));
        };
        if let Ok(permit) = free.clone().try_acquire_owned() {
            return Ok(Slot(Some(permit)));
        }
        let _waiting = self.wait().ok_or(Full)?;
        let permit = free.clone().acquire_owned().await;
        Ok(Slot(Some(permit.expect("nobody closes it"))))
    }

    /// How many wait right now.
    pub(crate) fn n_waiting(&self) -> usize {
        self.n_waiting.load(Ordering::Relaxed)
    }

    fn wait(&self) -> Option<Waiting<'_>> {
        let one_more = |n_waiting| (n_waiting < self.queue).then_some(n_waiting + 1);
        let counted = self
            .n_waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        counted.is_ok().then(|| Waiting(&self.n_waiting))
    }
}

struct Waiting<'w>(&'w AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::{FutureExt as _, future::join_all};
    use tokio::time::{Instant, sleep};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// When so many calls at once are done if each takes a second, and how many are turned away.
    async fn work(slots: &Slots, n_calls: usize) -> (Vec<Duration>, usize) {
        let began = Instant::now();
        let call = async || {
            let _slot = slots.enter().await.ok()?;
            sleep(SECOND).await;
            Some(began.elapsed())
        };
        let ends = join_all((0..n_calls).map(|_| call())).await;
        let n_refused = ends.iter().filter(|end| end.is_none()).count();
        (ends.into_iter().flatten().collect(), n_refused)
    }

    #[tokio::test(start_paused = true)]
    async fn calls_run_as_many_at_once_as_there_are_slots_and_in_the_order_they_came() {
        let slots = Slots::new(Some(2), 4);
        let (ends, n_refused) = work(&slots, 6).await;
        let rounds: Vec<u64> = ends.iter().map(Duration::as_secs).collect();
        assert_eq!((rounds, n_refused), (vec![1, 1, 2, 2, 3, 3], 0));
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_slots_and_queue_calls_are_turned_away_at_once() {
        let slots = Slots::new(Some(2), 3);
        let (ends, n_refused) = work(&slots, 9).await;
        assert_eq!((ends.len(), n_refused), (5, 4));
        assert_eq!(work(&slots, 5).await.1, 0, "all places are free again");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_number_of_slots_nobody_waits() {
        let slots = Slots::new(None, 0);
        let (ends, n_refused) = work(&slots, 100).await;
        assert_eq!(n_refused, 0);
        assert!(ends.iter().all(|end| end.as_secs() == 1));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_leaves_the_queue() {
        let slots = Slots::new(Some(1), 1);
        let held = slots.enter().await.expect("free");
        {
            let mut waiting = Box::pin(slots.enter());
            assert!(waiting.as_mut().now_or_never().is_none());
            assert_eq!(slots.n_waiting(), 1);
            assert_eq!(slots.enter().await.err(), Some(Full));
        }
        assert_eq!(slots.n_waiting(), 0);
        drop(held);
        assert!(slots.enter().now_or_never().is_some());
    }
}

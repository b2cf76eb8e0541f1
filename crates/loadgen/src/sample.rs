//! One operation, from its intended start to its end.

use std::time::Duration;

use crate::outcome::Outcome;

/// One operation that has ended, or that was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Index of the operation in the scenario's mix.
    pub operation: usize,
    /// What became of it.
    pub outcome: Outcome,
    /// When what happened.
    pub times: Times,
}

/// The times of one operation, counted from the begin of the run, by the generator's own clock.
///
/// Unset means that it was not seen; a driver says in its capabilities what it can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// When it was to be sent.
    pub intended: Duration,
    /// When it was sent.
    pub sent: Option<Duration>,
    /// When the system under test had taken it in.
    pub acknowledged: Option<Duration>,
    /// When it was first seen by the watch, if there is one.
    pub sighted: Option<Duration>,
    /// When it was seen in a queue.
    pub queued: Option<Duration>,
    /// When it was seen at work.
    pub running: Option<Duration>,
    /// When the first piece of its answer was there.
    pub first_token: Option<Duration>,
    /// When its end was seen; unset for a censored one, also for one that ended while nobody could see it.
    pub done: Option<Duration>,
}

impl Times {
    /// How late it was sent: the generator's fault, and never subtracted from a response time.
    pub fn lag(&self) -> Option<Duration> {
        Some(self.sent?.saturating_sub(self.intended))
    }

    /// From the intended start to the end, so that a stalled generator hides nothing.
    pub fn response(&self) -> Option<Duration> {
        Some(self.done?.saturating_sub(self.intended))
    }

    /// From the sending to the end: what a user sees who comes when the generator came.
    pub fn service(&self) -> Option<Duration> {
        Some(self.done?.saturating_sub(self.sent?))
    }

    /// From the intended start to the acknowledgement.
    pub fn create(&self) -> Option<Duration> {
        Some(self.acknowledged?.saturating_sub(self.intended))
    }

    /// From the acknowledgement to the begin of the work.
    pub fn queue_wait(&self) -> Option<Duration> {
        Some(self.running?.saturating_sub(self.acknowledged?))
    }

    /// From the intended start to the begin of the work.
    pub fn start(&self) -> Option<Duration> {
        Some(self.running?.saturating_sub(self.intended))
    }

    /// From the intended start to the first piece of the answer.
    pub fn first_token(&self) -> Option<Duration> {
        Some(self.first_token?.saturating_sub(self.intended))
    }

    /// How long the watch took to show what was already acknowledged.
    pub fn watch_lag(&self) -> Option<Duration> {
        Some(self.sighted?.saturating_sub(self.acknowledged?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_late_start_counts_in_the_response_and_not_in_the_service() {
        let times = Times {
            intended: ms(100),
            sent: Some(ms(130)),
            acknowledged: Some(ms(140)),
            running: Some(ms(150)),
            done: Some(ms(230)),
            ..Times::default()
        };
        assert_eq!(times.lag(), Some(ms(30)));
        assert_eq!(times.response(), Some(ms(130)));
        assert_eq!(times.service(), Some(ms(100)));
        assert_eq!(times.create(), Some(ms(40)));
        assert_eq!(times.queue_wait(), Some(ms(10)));
    }

    #[test]
    fn work_seen_before_the_acknowledgement_did_not_wait() {
        let times = Times {
            acknowledged: Some(ms(20)),
            running: Some(ms(10)),
            ..Times::default()
        };
        assert_eq!(times.queue_wait(), Some(Duration::ZERO));
    }

    #[test]
    fn what_was_not_seen_has_no_time() {
        let times = Times::default();
        assert_eq!(times.response(), None);
        assert_eq!(times.service(), None);
        assert_eq!(times.queue_wait(), None);
    }
}

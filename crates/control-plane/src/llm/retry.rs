//! When a failed call is tried again: decisions without clock or network.

use std::{hash::BuildHasher, time::Duration};

use foldhash::fast::FixedState;
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use jiff::{Timestamp, fmt::rfc2822};

/// How often, and after which waits, a failed call is tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// Attempts after the first.
    pub max_retries: u32,
    /// The wait before the first retry; it doubles with each further one.
    pub base: Duration,
    /// No wait of our own choosing is longer.
    pub max: Duration,
    /// Seed of the jitter, which shortens a wait by up to a quarter.
    pub seed: u64,
}

impl Default for RetryPolicy {
    /// What OpenAI's own clients do: 2 retries, 0.5 s doubling up to 8 s.
    fn default() -> Self {
        Self {
            max_retries: 2,
            base: Duration::from_millis(500),
            max: Duration::from_secs(8),
            seed: 0,
        }
    }
}

impl RetryPolicy {
    /// The wait before retry number `retry` (from 0), or `None` if the failure is final.
    ///
    /// What the server asked for is respected to the second. A wait that would pass the deadline is not begun: the
    /// server's own words are a better error than a timeout later.
    pub(crate) fn wait(
        &self,
        retry: u32,
        caller: impl std::hash::Hash,
        asked_for: Option<Duration>,
        until_deadline: Option<Duration>,
    ) -> Option<Duration> {
        if retry >= self.max_retries {
            return None;
        }
        let wait = asked_for.unwrap_or_else(|| self.backoff(retry, caller));
        until_deadline
            .is_none_or(|left| wait < left)
            .then_some(wait)
    }

    fn backoff(&self, retry: u32, caller: impl std::hash::Hash) -> Duration {
        let doubled = self.base.saturating_mul(2_u32.saturating_pow(retry));
        let hash = FixedState::with_seed(self.seed).hash_one((caller, retry));
        let share = f64::from((hash >> 32) as u32) / f64::from(u32::MAX);
        doubled.min(self.max).mul_f64(1.0 - share / 4.0)
    }
}

/// Whether trying again may help after this status.
///
/// A quota that is used up is also a 429, and no wait within a Query's life mends it.
pub(crate) fn is_retryable(status: StatusCode, code: Option<&str>) -> bool {
    let is_passing = matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS
    );
    (is_passing || status.is_server_error()) && code != Some("insufficient_quota")
}

/// What `retry-after` asks for: seconds, or a date; a date in the past is no wait at all.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> RetryPolicy {
        RetryPolicy::default()
    }

    #[test]
    fn waits_double_up_to_the_maximum_and_are_shortened_by_a_quarter_at_most() {
        let policy = RetryPolicy {
            max_retries: 10,
            ..policy()
        };
        for (retry, full_ms) in [(0, 500), (1, 1_000), (2, 2_000), (6, 8_000)] {
            let full = Duration::from_millis(full_ms);
            for caller in 0..100 {
                let wait = policy.wait(retry, caller, None, None).unwrap();
                assert!(wait <= full && wait >= full.mul_f64(0.749), "{wait:?}");
            }
        }
        assert_ne!(policy.wait(0, 1, None, None), policy.wait(0, 2, None, None));
        assert_eq!(policy.wait(0, 1, None, None), policy.wait(0, 1, None, None));
    }

    #[test]
    fn no_more_retries_than_allowed() {
        assert!(policy().wait(1, 0, None, None).is_some());
        assert_eq!(policy().wait(2, 0, None, None), None);
    }

    #[test]
    fn what_the_server_asks_for_is_respected_unless_the_deadline_is_sooner() {
        let asked_for = Some(Duration::from_secs(20));
        let wait = |left| policy().wait(0, 0, asked_for, left);
        assert_eq!(wait(None), asked_for);
        assert_eq!(wait(Some(Duration::from_secs(21))), asked_for);
        assert_eq!(wait(Some(Duration::from_secs(20))), None);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now: Timestamp = "2026-11-21T03:00:00Z".parse().unwrap();
        let check = |text: &str, wanted: Option<Duration>| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), wanted, "{text}");
        };
        check("7", Some(Duration::from_secs(7)));
        check("0.5", Some(Duration::from_millis(500)));
        check("-1", None);
        check("soon", None);
        check(
            "Sat, 21 Nov 2026 03:01:30 GMT",
            Some(Duration::from_secs(90)),
        );
        check("Sat, 21 Nov 2026 02:00:00 GMT", Some(Duration::ZERO));
    }

    #[test]
    fn a_used_up_quota_is_final() {
        let too_many = StatusCode::TOO_MANY_REQUESTS;
        assert!(is_retryable(too_many, Some("rate_limit_exceeded")));
        assert!(!is_retryable(too_many, Some("insufficient_quota")));
        assert!(is_retryable(StatusCode::BAD_GATEWAY, None));
        assert!(!is_retryable(StatusCode::UNAUTHORIZED, None));
    }
}

//! Requests and tokens per minute, as a provider counts them: pure, in exact integers.
//!
//! Each rate is a bucket of one minute's worth that refills evenly. A request is taken by both buckets or by none.

use std::time::Duration;

use query_api::go_duration::GoDuration;

/// One unit, in parts: what flows back in a nanosecond at a rate of one per minute is a single part.
const UNIT: u128 = 60_000_000_000;

/// What is allowed per minute; unset means without end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PerMinute {
    /// Requests.
    pub requests: Option<u64>,
    /// Tokens of requests and answers.
    pub tokens: Option<u64>,
}

/// Both buckets. Times count from any fixed moment.
#[derive(Debug, Clone)]
pub(crate) struct Rates {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
}

/// How the buckets stand, as the headers of an answer say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) requests: Option<Level>,
    pub(crate) tokens: Option<Level>,
}

/// How one bucket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// Until nothing of it is used any more.
    pub(crate) reset: Duration,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial {
    /// `requests` or `tokens`.
    pub(crate) kind: &'static str,
    pub(crate) level: Level,
    pub(crate) requested: u64,
    /// Until the same request would be taken if no other came; `None` if it never would.
    pub(crate) retry_after: Option<Duration>,
}

impl Rates {
    pub(crate) fn new(per_minute: PerMinute) -> Self {
        Self {
            requests: per_minute.requests.map(Bucket::new),
            tokens: per_minute.tokens.map(Bucket::new),
        }
    }

    /// Takes a request of so many tokens at `now`, or says why not.
    pub(crate) fn take(&mut self, now: Duration, n_tokens: u64) -> Result<Standing, Denial> {
        let asked = [
            ("requests", self.requests.as_mut(), 1),
            ("tokens", self.tokens.as_mut(), n_tokens),
        ];
        let mut denial: Option<Denial> = None;
        for (kind, bucket, requested) in asked {
            let Some(bucket) = bucket else { continue };
            bucket.refill(now);
            let Err(wait) = bucket.has(requested) else {
                continue;
            };
            let is_longer = denial.as_ref().is_none_or(|first| {
                first
                    .retry_after
                    .is_some_and(|first| wait.is_none_or(|wait| wait > first))
            });
            if is_longer {
                denial = Some(Denial {
                    kind,
                    level: bucket.level(),
                    requested,
                    retry_after: wait,
                });
            }
        }
        if let Some(denial) = denial {
            return Err(denial);
        }
        if let Some(bucket) = &mut self.requests {
            bucket.spend(1);
        }
        if let Some(bucket) = &mut self.tokens {
            bucket.spend(n_tokens);
        }
        Ok(self.standing())
    }

    /// How the buckets stood when a request last came.
    pub(crate) fn standing(&self) -> Standing {
        Standing {
            requests: self.requests.as_ref().map(Bucket::level),
            tokens: self.tokens.as_ref().map(Bucket::level),
        }
    }
}

#[derive(Debug, Clone)]
struct Bucket {
    per_minute: u64,
    /// Parts in use.
    used: u128,
    seen: Duration,
}

impl Bucket {
    fn new(per_minute: u64) -> Self {
        Self {
            per_minute: per_minute.max(1),
            used: 0,
            seen: Duration::ZERO,
        }
    }

    fn refill(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.seen).as_nanos();
        self.used = self
            .used
            .saturating_sub(elapsed * u128::from(self.per_minute));
        self.seen = self.seen.max(now);
    }

    fn size(&self) -> u128 {
        u128::from(self.per_minute) * UNIT
    }

    /// Whether so many units are there; if not, when they will be.
    fn has(&self, n_units: u64) -> Result<(), Option<Duration>> {
        let wanted = u128::from(n_units) * UNIT;
        if wanted > self.size() {
            return Err(None);
        }
        match (self.used + wanted).checked_sub(self.size()) {
            None | Some(0) => Ok(()),
            Some(missing) => Err(Some(self.time_of(missing))),
        }
    }

    fn spend(&mut self, n_units: u64) {
        self.used += u128::from(n_units) * UNIT;
    }

    fn level(&self) -> Level {
        let remaining = self.size().saturating_sub(self.used) / UNIT;
        Level {
            limit: self.per_minute,
            remaining: u64::try_from(remaining).unwrap_or(u64::MAX),
            reset: self.time_of(self.used),
        }
    }

    /// The time in which so many parts flow back, rounded up.
    fn time_of(&self, parts: u128) -> Duration {
        let nanos = parts.div_ceil(u128::from(self.per_minute));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Standing {
    /// Names and values of the headers.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        let names = [
            (
                self.requests,
                [
                    "x-ratelimit-limit-requests",
                    "x-ratelimit-remaining-requests",
                    "x-ratelimit-reset-requests",
                ],
            ),
            (
                self.tokens,
                [
                    "x-ratelimit-limit-tokens",
                    "x-ratelimit-remaining-tokens",
                    "x-ratelimit-reset-tokens",
                ],
            ),
        ];
        names.into_iter().flat_map(|(level, names)| {
            let values = level.map(|level| {
                [
                    level.limit.to_string(),
                    level.remaining.to_string(),
                    GoDuration(whole_millis(level.reset)).to_string(),
                ]
            });
            values
                .into_iter()
                .flat_map(move |values| names.into_iter().zip(values))
        })
    }
}

impl Denial {
    /// What the error body says.
    pub(crate) fn message(&self, model: &str) -> String {
        let Level {
            limit, remaining, ..
        } = self.level;
        let Self {
            kind, requested, ..
        } = self;
        let mend = match self.retry_after {
            Some(wait) => format!("try again in {}", GoDuration(whole_millis(wait))),
            None => "ask for less, for it will never fit".to_owned(),
        };
        format!(
            "rate limit reached for {model} on {kind} per minute: limit {limit}, used {}, requested {requested}; {mend}",
            limit - remaining,
        )
    }

    /// Names and values of the headers that say when to come back: in whole seconds, and in milliseconds.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.retry_after.into_iter().flat_map(|wait| {
            let millis = whole_millis(wait).as_millis();
            [
                ("retry-after", millis.div_ceil(1_000).to_string()),
                ("retry-after-ms", millis.to_string()),
            ]
        })
    }
}

/// Rounded up, so that whoever waits as long is never early.
fn whole_millis(time: Duration) -> Duration {
    let millis = time.as_nanos().div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn rates(requests: u64, tokens: u64) -> Rates {
        Rates::new(PerMinute {
            requests: Some(requests),
            tokens: Some(tokens),
        })
    }

    fn header(headers: impl Iterator<Item = (&'static str, String)>, wanted: &str) -> String {
        let mut headers = headers;
        headers
            .find(|(name, _)| *name == wanted)
            .expect("a header")
            .1
    }

    #[test]
    fn headers_say_what_is_left_and_when_all_of_it_is_back() {
        let mut rates = rates(60, 1_000);
        let standing = rates.take(Duration::ZERO, 100).expect("there is room");
        let values: Vec<String> = standing.headers().map(|(_, value)| value).collect();
        assert_eq!(values, ["60", "59", "1s", "1000", "900", "6s"]);
        let denial = rates
            .take(Duration::ZERO, 950)
            .expect_err("too many tokens");
        assert_eq!(
            denial.message("m"),
            "rate limit reached for m on tokens per minute: limit 1000, used 100, requested 950; try again in 3s"
        );
        assert_eq!(header(denial.headers(), "retry-after"), "3");
    }

    #[test]
    fn what_never_fits_says_so_and_names_no_time() {
        let denial = rates(60, 1_000)
            .take(Duration::ZERO, 1_001)
            .expect_err("too large");
        assert_eq!(denial.headers().count(), 0);
        assert!(denial.message("m").ends_with("never fit"));
    }

    /// Gaps in milliseconds, and tokens.
    fn arrivals() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((0_u64..3_000, 0_u64..400), 1..200)
    }

    proptest! {
        #[test]
        fn remaining_never_exceeds_the_limit_and_is_whole_again_after_the_reset(
            arrivals in arrivals(), requests in 1_u64..200, tokens in 400_u64..5_000,
        ) {
            let mut rates = rates(requests, tokens);
            let mut now = Duration::ZERO;
            for (gap, n_tokens) in arrivals {
                now += Duration::from_millis(gap);
                let Ok(standing) = rates.take(now, n_tokens) else { continue };
                for level in [standing.requests, standing.tokens].into_iter().flatten() {
                    prop_assert!(level.remaining <= level.limit);
                    prop_assert!(level.reset <= MINUTE);
                }
                for bucket in [&rates.requests, &rates.tokens].into_iter().flatten() {
                    let mut later = bucket.clone();
                    later.refill(now + bucket.level().reset);
                    prop_assert_eq!(later.level().remaining, later.level().limit);
                    let mut early = bucket.clone();
                    early.refill(now + bucket.level().reset.saturating_sub(Duration::from_nanos(1)));
                    prop_assert!(early.used > 0 || bucket.used == 0);
                }
            }
        }

        #[test]
        fn whoever_waits_as_long_as_told_is_taken_and_a_nanosecond_less_is_too_early(
            arrivals in arrivals(), requests in 1_u64..20, tokens in 400_u64..2_000,
        ) {
            let mut rates = rates(requests, tokens);
            let mut now = Duration::ZERO;
            for (gap, n_tokens) in arrivals {
                now += Duration::from_millis(gap);
                let Err(denial) = rates.take(now, n_tokens) else { continue };
                let wait = denial.retry_after.expect("it fits into a minute");
                prop_assert!(rates.clone().take(now + wait, n_tokens).is_ok());
                let early = now + wait.saturating_sub(Duration::from_nanos(1));
                prop_assert!(rates.clone().take(early, n_tokens).is_err());
                let millis: u64 = header(denial.headers(), "retry-after-ms").parse().unwrap();
                let seconds: u64 = header(denial.headers(), "retry-after").parse().unwrap();
                prop_assert!(Duration::from_millis(millis) >= wait && seconds * 1_000 >= millis);
            }
        }

        #[test]
        fn no_minute_takes_more_than_two_minutes_worth(
            arrivals in arrivals(), requests in 1_u64..50, tokens in 400_u64..5_000,
        ) {
            let mut rates = rates(requests, tokens);
            let mut now = Duration::ZERO;
            let mut taken: Vec<(Duration, u64)> = Vec::new();
            for (gap, n_tokens) in arrivals {
                now += Duration::from_millis(gap);
                if rates.take(now, n_tokens).is_ok() {
                    taken.push((now, n_tokens));
                }
            }
            for (from, _) in &taken {
                let within = taken.iter().filter(|(at, _)| at >= from && *at < *from + MINUTE);
                let (n, sum) = within.fold((0, 0), |(n, sum), (_, tokens)| (n + 1, sum + tokens));
                prop_assert!(n <= 2 * requests && sum <= 2 * tokens);
            }
        }
    }
}

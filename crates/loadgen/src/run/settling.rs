//! Samples wait here until it is known whether the hypervisor took the processors away while they were being decided.
//!
//! A promise of a latency is decided for an operation within its bound from the intended start on: later it is broken
//! anyway. So an operation is set aside if a stolen window begins before its horizon, the longest bound, is over;
//! or if it was to start while one went on or in the second after it, when what had heaped up was still there. How long
//! the operation itself took has no say in it: else the slow ones, which meet more windows, would be missing.
//!
//! ```text
//!                      ▒▒▒▒▒▒▒▒▒▒ stolen
//!        ├── horizon ──┼┤          set aside
//!  ├── horizon ──┤                 kept
//!                       │  │        ├ settle ┤  set aside
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use crate::health::Verdict;
use crate::health::watch::Closed;
use crate::sample::Sample;

/// How long after a stolen window the system may still work off what had heaped up.
const SETTLE: Duration = Duration::from_secs(1);

/// The horizon where no latency is promised.
const UNPROMISED: Duration = Duration::from_secs(1);

/// Whether the latencies of an operation count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// They do.
    Kept,
    /// They do not, and only how it ended does.
    SetAside,
}

/// Samples of which it is not known yet whether they count, in the order of their ends.
#[derive(Debug)]
pub(super) struct Settling {
    horizon: Duration,
    waiting: VecDeque<Sample>,
    /// Begins and ends of the stolen windows.
    stolen: Vec<(Duration, Duration)>,
    /// Up to here it is known what was stolen.
    known_until: Duration,
}

impl Settling {
    /// For a scenario whose longest promised latency this is.
    pub(super) fn new(longest_promise: Option<Duration>) -> Self {
        Self {
            horizon: longest_promise.unwrap_or(UNPROMISED),
            waiting: VecDeque::new(),
            stolen: Vec::new(),
            known_until: Duration::ZERO,
        }
    }

    /// Lets a sample wait.
    pub(super) fn add(&mut self, sample: Sample) {
        self.waiting.push_back(sample);
    }

    /// Takes up what is known of a window; windows come in their order.
    pub(super) fn learn(&mut self, closed: &Closed) {
        if closed.verdict == Verdict::Stolen {
            self.stolen.push((closed.begin, closed.end));
        }
        self.known_until = closed.end;
    }

    /// Nothing more will be known.
    pub(super) fn learn_no_more(&mut self) {
        self.known_until = Duration::MAX;
    }

    /// The next sample of which all is known.
    pub(super) fn next(&mut self) -> Option<(Sample, Fate)> {
        let intended = self.waiting.front()?.times.intended;
        if intended + self.horizon > self.known_until {
            return None;
        }
        let sample = self.waiting.pop_front()?;
        Some((sample, self.fate(intended)))
    }

    fn fate(&self, intended: Duration) -> Fate {
        // Those that were over before it was to start come first, and cannot touch it.
        let first = self
            .stolen
            .partition_point(|(_, end)| *end + SETTLE <= intended);
        match self.stolen.get(first) {
            Some((begin, _)) if *begin < intended + self.horizon => Fate::SetAside,
            _ => Fate::Kept,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;
    use crate::sample::Times;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn sample(intended: Duration) -> Sample {
        Sample {
            operation: 0,
            outcome: Outcome::Done,
            times: Times {
                intended,
                ..Times::default()
            },
        }
    }

    fn window(begin: u64, end: u64, verdict: Verdict) -> Closed {
        Closed {
            begin: ms(begin),
            end: ms(end),
            verdict,
        }
    }

    #[test]
    fn what_a_stolen_window_may_have_touched_is_set_aside_and_nothing_else() {
        let mut settling = Settling::new(Some(ms(200)));
        for (second, verdict) in [
            Verdict::Valid,
            Verdict::Stolen,
            Verdict::Valid,
            Verdict::Invalid,
        ]
        .into_iter()
        .enumerate()
        {
            let begin = second as u64 * 1_000;
            settling.learn(&window(begin, begin + 1_000, verdict));
        }
        let cases = [
            (0, Fate::Kept),
            (800, Fate::Kept),
            (801, Fate::SetAside),
            (1_500, Fate::SetAside),
            (2_999, Fate::SetAside),
            (3_000, Fate::Kept),
            (3_500, Fate::Kept),
        ];
        for (intended, fate) in cases {
            settling.add(sample(ms(intended)));
            let found = settling.next().map(|(_, fate)| fate);
            assert_eq!(found, Some(fate), "intended at {intended} ms");
        }
    }

    #[test]
    fn nothing_settles_before_its_horizon_is_known() {
        let mut settling = Settling::new(Some(ms(500)));
        settling.add(sample(ms(400)));
        settling.add(sample(ms(700)));
        assert_eq!(settling.next(), None);
        settling.learn(&window(0, 1_000, Verdict::Valid));
        assert_eq!(settling.next(), Some((sample(ms(400)), Fate::Kept)));
        assert_eq!(settling.next(), None, "its horizon ends in the next window");
        settling.learn_no_more();
        assert_eq!(settling.next(), Some((sample(ms(700)), Fate::Kept)));
        assert_eq!(settling.next(), None);
    }

    #[test]
    fn how_long_an_operation_took_has_no_say_in_its_fate() {
        let mut settling = Settling::new(None);
        settling.learn(&window(0, 1_000, Verdict::Valid));
        settling.learn(&window(1_000, 2_000, Verdict::Valid));
        settling.learn(&window(2_000, 3_000, Verdict::Stolen));
        for done in [ms(510), ms(2_500)] {
            let mut sample = sample(ms(500));
            sample.times.done = Some(done);
            settling.add(sample);
            assert_eq!(settling.next(), Some((sample, Fate::Kept)));
        }
    }
}

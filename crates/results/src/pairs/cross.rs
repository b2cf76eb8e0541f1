//! Times held against instruction counts: what one can say about the other.
//!
//! ```text
//!                 more instructions      as many, or nobody counted, or fewer
//!   slower        regressed              layout suspect: relink, and judge over layouts
//!   same, open    warned: hidden work    -
//!   faster        perhaps layout         perhaps layout, unless there are fewer
//! ```
//!
//! Counts do not know where functions lie, and times do: what changes in times alone is suspect until it has been seen
//! in other orders of the same functions.

use crate::verdict::Verdict;

/// Counts that differ by a smaller share are equal.
///
/// Of five toy benches under callgrind, four gave the same count twenty times out of twenty; a kilobyte more of
/// environment made a difference of 2 in a million. A tenth of a percent is far above both, and far below what any
/// clock here can tell.
pub const COUNT_TOLERANCE: f64 = 0.001;

/// How the work of a case changed, by its instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Nobody counted.
    Unknown,
    /// More instructions.
    More,
    /// As many.
    Same,
    /// Fewer.
    Fewer,
}

/// What times and counts say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The verdict of the clock, as it is.
    Plain,
    /// Slower, and the layout alone may be why.
    SlowerSuspect,
    /// Faster, and the layout alone may be why.
    FasterSuspect,
    /// More work, which the clock does not show.
    HiddenWork,
}

impl Work {
    /// By the instructions of the candidate ÷ those of the base; unset if nobody counted.
    pub fn of(count_ratio: Option<f64>) -> Self {
        match count_ratio {
            None => Self::Unknown,
            Some(ratio) if ratio > 1.0 + COUNT_TOLERANCE => Self::More,
            Some(ratio) if ratio < 1.0 - COUNT_TOLERANCE => Self::Fewer,
            Some(_) => Self::Same,
        }
    }
}

impl Reading {
    /// By the verdict that the clocks alone give.
    pub fn of(by_time: Verdict, work: Work) -> Self {
        match (by_time, work) {
            (Verdict::Regressed, Work::More) | (Verdict::Improved, Work::Fewer) => Self::Plain,
            (Verdict::Regressed, _) => Self::SlowerSuspect,
            (Verdict::Improved, _) => Self::FasterSuspect,
            (Verdict::Unchanged | Verdict::Inconclusive, Work::More) => Self::HiddenWork,
            (
                Verdict::Unchanged
                | Verdict::Inconclusive
                | Verdict::Accepted
                | Verdict::Missing
                | Verdict::New
                | Verdict::NotJudged,
                _,
            ) => Self::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Reading, Work};
    use crate::verdict::Verdict;

    #[test]
    fn counts_that_differ_by_less_than_clocks_can_tell_are_equal() {
        for (ratio, work) in [
            (None, Work::Unknown),
            (Some(1.0), Work::Same),
            (Some(1.000_9), Work::Same),
            (Some(1.001_1), Work::More),
            (Some(0.999_1), Work::Same),
            (Some(0.998_9), Work::Fewer),
        ] {
            assert_eq!(Work::of(ratio), work, "{ratio:?}");
        }
    }

    #[test]
    fn what_changes_in_times_alone_is_suspect_and_what_changes_in_counts_alone_is_said() {
        use Reading::{FasterSuspect, HiddenWork, Plain, SlowerSuspect};
        let works = [Work::Unknown, Work::More, Work::Same, Work::Fewer];
        for (verdict, readings) in [
            (
                Verdict::Regressed,
                [SlowerSuspect, Plain, SlowerSuspect, SlowerSuspect],
            ),
            (
                Verdict::Improved,
                [FasterSuspect, FasterSuspect, FasterSuspect, Plain],
            ),
            (Verdict::Unchanged, [Plain, HiddenWork, Plain, Plain]),
            (Verdict::Inconclusive, [Plain, HiddenWork, Plain, Plain]),
            (Verdict::Missing, [Plain; 4]),
            (Verdict::New, [Plain; 4]),
            (Verdict::NotJudged, [Plain; 4]),
        ] {
            let found = works.map(|work| Reading::of(verdict, work));
            assert_eq!(found, readings, "{verdict}");
        }
    }
}

//! The search for the commit that made a case slower: a noisy binary search, pure, with verdicts in and the next commit
//! to measure out.
//!
//! A verdict may be wrong, so no commit is ever ruled out by one. Each commit has a probability of being the guilty one;
//! a verdict multiplies those that it speaks for by how much more often it comes where they are guilty, and the next
//! commit to measure is the one that parts what is left most evenly (Horstein, "Sequential transmission using noiseless
//! feedback", 1963; Burnashev and Zigangirov, "An interval estimation problem for controlled observations", 1974). So a
//! verdict that does not fit the others is asked for again by itself, and the search ends when one commit is as good as
//! sure.

pub mod drive;
pub mod memory;
pub mod probe;

use serde::{Deserialize, Serialize};

/// How often a verdict of pair mode is taken to be wrong: a little more than its own rate of false alarms, because a
/// build that happens to be laid out badly is wrong every time that it is asked.
const WRONG: f64 = 0.03;

/// The search ends when a commit, or a range that cannot be parted, is guilty with this probability.
const SURE: f64 = 0.95;

/// Verdicts per commit: those after the third would repeat what its build does, right or wrong.
const MOST_VERDICTS: usize = 3;

/// What measuring a commit against the good one came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is slower than the good commit.
    Slower,
    /// It is not.
    NotSlower,
    /// All rounds that there was time for do not say.
    Undecided,
    /// It does not build, or does not have the case, or the case fails in it.
    Skipped,
}

/// One commit that was measured: its place after the good commit, from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The place of the commit.
    pub place: usize,
    /// What it came to.
    pub verdict: Verdict,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// Measure the commit at this place.
    Measure(usize),
    /// One of these is guilty, the first and the last among them; a single one if they are the same.
    Guilty {
        /// The earliest place.
        first: usize,
        /// The latest.
        last: usize,
        /// The chance that it is among them, if verdicts are wrong as seldom as they should be.
        chance: f64,
    },
}

/// What follows from the answers about `n_commits` after the good one, the last of which is slower than it.
pub fn next(n_commits: usize, answers: &[Answer]) -> Next {
    let chances = chances(n_commits, answers);
    let (first, last, chance) = smallest_sure(&chances);
    let mut before = 0.0;
    let evenness = chances.iter().enumerate().map(|(index, chance)| {
        before += chance;
        (index + 1, (before - 0.5_f64).abs())
    });
    // Only a commit within the range parts it; a verdict about its last one would be about all of it.
    let measurable = evenness
        .skip(first - 1)
        .take(last - first)
        .filter(|(place, _)| can_measure(*place, answers));
    match measurable.min_by(|left, right| left.1.total_cmp(&right.1)) {
        Some((place, _)) => Next::Measure(place),
        None => Next::Guilty {
            first,
            last,
            chance,
        },
    }
}

/// The shortest range that is guilty as good as surely after these answers, with its chance.
fn range(n_commits: usize, answers: &[Answer]) -> (usize, usize, f64) {
    smallest_sure(&chances(n_commits, answers))
}

/// Whether another verdict about a place would say something new.
fn can_measure(place: usize, answers: &[Answer]) -> bool {
    let of_place = || answers.iter().filter(|answer| answer.place == place);
    let is_hopeless = |verdict| matches!(verdict, Verdict::Skipped | Verdict::Undecided);
    of_place().count() < MOST_VERDICTS && !of_place().any(|answer| is_hopeless(answer.verdict))
}

/// The probability of each place, from one, of being the guilty one.
fn chances(n_commits: usize, answers: &[Answer]) -> Vec<f64> {
    let mut chances = vec![1.0 / n_commits as f64; n_commits];
    for answer in answers {
        let is_slower = match answer.verdict {
            Verdict::Slower => true,
            Verdict::NotSlower => false,
            Verdict::Undecided | Verdict::Skipped => continue,
        };
        for (index, chance) in chances.iter_mut().enumerate() {
            let would_be_slower = index < answer.place;
            *chance *= if would_be_slower == is_slower {
                1.0 - WRONG
            } else {
                WRONG
            };
        }
        let all: f64 = chances.iter().sum();
        chances.iter_mut().for_each(|chance| *chance /= all);
    }
    chances
}

/// The shortest range that is guilty as good as surely, with its chance; the first of several.
fn smallest_sure(chances: &[f64]) -> (usize, usize, f64) {
    let mut best = (1, chances.len(), 1.0);
    for first in 1..=chances.len() {
        let mut sum = 0.0;
        for last in first..=chances.len() {
            sum += chances[last - 1];
            if sum >= SURE {
                if last - first < best.1 - best.0 {
                    best = (first, last, sum);
                }
                break;
            }
        }
    }
    best
}

#[cfg(test)]
mod tests;

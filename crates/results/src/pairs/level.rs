//! How many tests share one false-alarm budget, and how many rounds that takes.
//!
//! Holm's procedure fails a run: the chance of one false accusation or more stays within the budget, however the
//! tests depend on each other. Benjamini and Hochberg's reports: of all that it names, at most a share is named in
//! error, on the average. Whatever Holm fells at a level, the other names at that level too.
//!
//! ```text
//! R rounds that all agree     p = 2 ÷ 2^R      10 rounds 0.002      15 rounds 0.00006      20 rounds 0.000002
//! n tests share a budget      p ≤ budget ÷ n   1 % over 5: 0.002    over 100: 0.0001
//! ```
//!
//! A setting whose smallest p is above its level could never fail anything, and would look like a pass. It is refused.

use crate::error::Error;

/// The smallest two-sided p-value that `n_rounds` can give: that of rounds which all agree.
pub fn smallest_p(n_rounds: usize) -> f64 {
    let exponent = i32::try_from(n_rounds).unwrap_or(i32::MAX);
    2.0 * 0.5_f64.powi(exponent)
}

/// The smallest number of rounds that can fail one of `n_tests` on a shared `budget`, two-sided.
pub fn rounds_for(n_tests: usize, budget: f64) -> usize {
    let level = budget / n_tests.max(1) as f64;
    let rounds = (1..=MOST_ROUNDS).find(|rounds| smallest_p(*rounds) <= level);
    rounds.unwrap_or(MOST_ROUNDS)
}

/// Far beyond any level that a run can ask for.
const MOST_ROUNDS: usize = 1000;

/// Refuses a setting that could never fail anything.
pub fn check_rounds(n_rounds: usize, n_tests: usize, budget: f64) -> Result<(), Error> {
    let n_enough = rounds_for(n_tests, budget);
    if n_rounds >= n_enough {
        return Ok(());
    }
    Err(Error::TooFewRounds {
        n_rounds,
        n_tests,
        smallest_p: smallest_p(n_rounds),
        level: budget / n_tests.max(1) as f64,
        n_enough,
    })
}

/// What each p-value is once all tests share one budget: Holm's falls are those that are within the budget.
pub fn holm_corrected(p_values: &[f64]) -> Vec<f64> {
    let order = ascending(p_values);
    let mut corrected = vec![1.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (step, index) in order.into_iter().enumerate() {
        let n_left = (p_values.len() - step) as f64;
        largest = largest.max(p_values[index] * n_left).min(1.0);
        corrected[index] = largest;
    }
    corrected
}

/// Which hypotheses are named if at most `rate` of the named ones may be named in error, on the average.
///
/// Benjamini and Hochberg, "Controlling the false discovery rate", 1995: for tests that are independent or lean the
/// same way, as the two clocks of one case do.
pub fn benjamini_hochberg(p_values: &[f64], rate: f64) -> Vec<bool> {
    let order = ascending(p_values);
    let n_tests = p_values.len() as f64;
    let is_under = |(step, index): (usize, &usize)| {
        let line = rate * (step + 1) as f64 / n_tests;
        p_values[*index] <= line
    };
    let n_named = order
        .iter()
        .enumerate()
        .rposition(is_under)
        .map_or(0, |last| last + 1);
    let mut is_named = vec![false; p_values.len()];
    for index in order.into_iter().take(n_named) {
        is_named[index] = true;
    }
    is_named
}

fn ascending(p_values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|left, right| p_values[*left].total_cmp(&p_values[*right]));
    order
}

#[cfg(test)]
mod tests;

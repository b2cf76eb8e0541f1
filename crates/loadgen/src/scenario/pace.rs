//! The pace of users who ask a fixed number of questions, if the system added nothing.
//!
//! While the last answers come, fewer users are at work than there are. Where all answers take the same time that costs
//! nothing; where they take 5 to 30 s, ten users with ten questions each lose a twentieth of their pace to it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::{Closed, Scenario};
use crate::schedule::Entry;

/// Answers that are drawn in all; the mean of a hundred rounds of a hundred questions is good to a thousandth.
const ANSWERS: usize = 20_000;

/// Questions per second from the first to the last answer, on the average of seeded rounds.
pub(super) fn of_questions(scenario: &Scenario, closed: &Closed) -> f64 {
    let questions = scenario.questions();
    let n_rounds = (ANSWERS / questions.len().max(1)).max(1);
    let mut rng = StdRng::seed_from_u64(scenario.seed);
    let mut length = || length(scenario, closed, &questions, &mut rng).as_secs_f64();
    let lengths: f64 = (0..n_rounds).map(|_| length()).sum();
    (questions.len() * n_rounds) as f64 / lengths
}

/// How long it takes until the last question is answered: whoever is free first asks next.
fn length(scenario: &Scenario, closed: &Closed, questions: &[Entry], rng: &mut StdRng) -> Duration {
    let joins = |user: usize| {
        let seconds = closed.spawn_rate.map_or(0.0, |rate| user as f64 / rate);
        Reverse(Duration::from_secs_f64(seconds))
    };
    let mut free: BinaryHeap<_> = (0..closed.users.max(1)).map(joins).collect();
    let mut last = Duration::ZERO;
    for question in questions {
        let Some(Reverse(asked)) = free.pop() else {
            break;
        };
        let answered = asked + answer(scenario, question, rng);
        last = last.max(answered);
        let think_time = closed.think_time.map(|range| range.map(|bound| bound.0));
        let thinks = think_time.map_or(Duration::ZERO, |range| between(range, rng));
        free.push(Reverse(answered + thinks));
    }
    last
}

/// How long one answer takes.
fn answer(scenario: &Scenario, question: &Entry, rng: &mut StdRng) -> Duration {
    let poll = scenario.runs.as_ref().map(|runs| runs.poll_interval.0);
    let operation = scenario.operations.get(question.operation);
    let own = operation.and_then(|operation| operation.latency);
    let replies = match own {
        Some(range) => between(range.map(|bound| bound.0), rng),
        None => {
            let range = scenario.llm.latency.map(|bound| bound.0);
            let replies = (0..=scenario.llm.tool_calls).map(|_| between(range, rng));
            replies.sum()
        }
    };
    replies + poll.unwrap_or_default()
}

/// Evenly between both.
fn between([shortest, longest]: [Duration; 2], rng: &mut StdRng) -> Duration {
    if longest <= shortest {
        return shortest;
    }
    shortest + (longest - shortest).mul_f64(rng.random::<f64>())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn pace(load: &str, llm: &str) -> f64 {
        let text = format!("text = \"A test; does not show anything.\"\n{load}\n[llm]\n{llm}\n");
        let scenario = Scenario::parse(Path::new("s.toml"), &text);
        let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
        scenario.plan().expected_throughput
    }

    fn assert_near(pace: f64, expected: f64) {
        assert!(
            (pace / expected - 1.0).abs() < 0.01,
            "{pace} is not {expected}"
        );
    }

    #[test]
    fn answers_that_take_the_same_lose_nothing_but_the_rest_of_an_uneven_last_round() {
        let second = "latency = [\"1s\", \"1s\"]";
        assert_near(pace("[closed]\nusers = 10\nqueries = 100", second), 10.0);
        assert_near(pace("[closed]\nusers = 3\nqueries = 4", second), 2.0);
        // Three of the four answers are there when the last user joins.
        let joining = "[closed]\nusers = 2\nqueries = 4\nspawn_rate = 0.5";
        assert_near(pace(joining, second), 4.0 / 3.0);
    }

    #[test]
    fn answers_that_differ_lose_what_the_last_ones_take() {
        let load = "[closed]\nusers = 2\nqueries = 2";
        // The mean of the later of two evenly drawn times is two thirds of the longest.
        let both = pace(load, "latency = [\"0s\", \"3s\"]");
        assert_near(both, 2.0 / 2.0);
        let many = pace(
            "[closed]\nusers = 2\nqueries = 2000",
            "latency = [\"0s\", \"3s\"]",
        );
        assert_near(many, 2.0 / 1.5);
    }
}

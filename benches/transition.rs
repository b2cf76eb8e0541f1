//! How long does it take to decide what is to become of a Query?
//!
//! In the timed part: one call of `transition`, and dropping the step that it returns.
//! Not in it: building the Query and the event, writing the patch as bytes, performing the effect.
//! Do not conclude what a Query costs: `lifecycle` measures that, and this is a hundredth of it.

use std::hint::black_box;

use benches::cases::{claimed, execution, now, running, seen, unclaimed};
use benches::{Suite, suite_main};
use control_plane::transition::{Effect, Event, transition};
use query_api::query::{Phase, Query};

/// A Query that is looked at: in which phase, claimed or not, and the step that must follow.
fn look(suite: &mut Suite<'_>) {
    let is_claim = |effect: &Effect| matches!(effect, Effect::Claim(_));
    let is_start = |effect: &Effect| matches!(effect, Effect::Start(_));
    let is_execute = |effect: &Effect| matches!(effect, Effect::Execute { .. });
    let is_look_again = |effect: &Effect| matches!(effect, Effect::LookAgain(_));
    seen_in(suite, "claim", unclaimed(Phase::Pending), is_claim);
    seen_in(suite, "start", claimed(Phase::Pending), is_start);
    seen_in(suite, "resume", claimed(Phase::Running), is_execute);
    seen_in(suite, "keep", claimed(Phase::Done), is_look_again);
}

fn seen_in(
    suite: &mut Suite<'_>,
    parameter: &'static str,
    query: Query,
    is_right: impl Fn(&Effect) -> bool,
) {
    let event = seen();
    let step = transition(&query, &event, now());
    assert!(step.effect.as_ref().is_some_and(is_right), "{step:?}");
    suite.case("seen", parameter, |bencher| {
        bencher.iter(|| transition(black_box(&query), black_box(&event), now()));
    });
}

/// The end of an execution: every answer is taken over into the terminal status.
fn finish(suite: &mut Suite<'_>) {
    for (parameter, n_targets) in [("1_target", 1), ("64_targets", 64)] {
        let query = running(n_targets);
        let execution = execution(&query);
        let event = Event::Executed(&execution);
        assert_eq!(transition(&query, &event, now()).phase, Phase::Done);
        suite.case("executed", parameter, |bencher| {
            bencher.iter(|| transition(black_box(&query), black_box(&event), now()));
        });
    }
}

suite_main!(look, finish);

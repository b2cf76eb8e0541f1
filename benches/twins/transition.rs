//! The paths of the suite `transition`: a thousand decisions each for the small ones.

use std::hint::black_box;
use std::time::Duration;

use control_plane::execution::{Answer, TargetOutcome};
use control_plane::transition::{Effect, Event, Execution, Observer, transition as decision};
use k8s_openapi::jiff::Timestamp;
use query_api::query::{Phase, Query, TokenUsage};
use testbed::population;

const N_DECISIONS: usize = 1_000;

/// A query that nobody claimed.
pub fn unclaimed() -> Query {
    population::query("q")
        .with_model_target("m")
        .at_version(7)
        .build()
}

/// A running query with the answers of all its targets.
pub fn running(n_targets: usize) -> (Query, Execution) {
    let builder = population::query("q")
        .with_finalizer()
        .in_phase(Phase::Running);
    let query = builder.with_targets(n_targets).at_version(7).build();
    let outcomes = query.spec.all_targets().map(|target| TargetOutcome {
        target: target.clone(),
        result: Ok(Answer {
            content: "London, since the treasury moved there from Winchester.".to_owned(),
            usage: TokenUsage::default(),
        }),
        took: Duration::from_millis(100),
        recorded: false,
    });
    let execution = Execution {
        outcomes: outcomes.collect(),
        spent: TokenUsage::default(),
        took: Duration::from_millis(100),
    };
    (query, execution)
}

/// The bytes of the patch that follows from the decision.
fn decide(query: &Query, event: &Event<'_>) -> usize {
    let step = decision(black_box(query), event, Timestamp::UNIX_EPOCH);
    match &step.effect {
        Some(Effect::Claim(patch) | Effect::Release(patch)) => patch.to_bytes("7").len(),
        Some(Effect::Start(patch) | Effect::Finish(patch)) => patch.to_bytes("7").len(),
        _ => 0,
    }
}

/// Decides about a query that was just seen.
pub fn seen(query: Query) -> (Query, usize) {
    let event = Event::Seen(Observer {
        identity: "controller-a",
        inherited: false,
        fresh: true,
        since: Timestamp::UNIX_EPOCH,
    });
    let n_bytes = (0..N_DECISIONS).map(|_| decide(&query, &event)).sum();
    (query, n_bytes)
}

/// Decides about a query whose targets have answered.
pub fn executed((query, execution): (Query, Execution)) -> (Query, Execution, usize) {
    let n_bytes = decide(&query, &Event::Executed(&execution));
    (query, execution, n_bytes)
}

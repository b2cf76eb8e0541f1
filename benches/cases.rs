//! Queries in every phase and what may happen to them, for `transition` and its instruction-count twin.

use std::time::Duration;

use control_plane::execution::{Answer, TargetOutcome};
use control_plane::transition::{CLAIM_ANNOTATION, Event, Execution, Observer};
use jiff::Timestamp;
use query_api::query::{Phase, Query, TokenUsage};
use testbed::population;

/// The name under which the Queries are claimed.
const IDENTITY: &str = "us";

/// The time at which all of it happens.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time within the range of time stamps")
}

/// A Query of one model target in `phase`, which nobody has claimed yet.
pub fn unclaimed(phase: Phase) -> Query {
    population::query("q")
        .in_namespace("team")
        .asking("what is the capital of England?")
        .with_model_target("m")
        .with_ttl(Duration::from_secs(3_600))
        .in_phase(phase)
        .build()
}

/// The same, claimed by us.
pub fn claimed(phase: Phase) -> Query {
    with_claim(unclaimed(phase))
}

/// A running Query of `n_targets` targets, claimed by us.
pub fn running(n_targets: usize) -> Query {
    let query = population::query("q")
        .in_namespace("team")
        .with_targets(n_targets)
        .in_phase(Phase::Running)
        .build();
    with_claim(query)
}

/// What came of executing [`running`]: every target answered.
pub fn execution(query: &Query) -> Execution {
    let outcome = |target: &_| TargetOutcome {
        target: Clone::clone(target),
        result: Ok(Answer {
            content: "London is the capital of England.".to_owned(),
            usage: TokenUsage {
                prompt_tokens: 12,
                completion_tokens: 7,
                total_tokens: 19,
                cached_tokens: 0,
            },
        }),
        took: Duration::from_millis(100),
        recorded: false,
    };
    Execution {
        outcomes: query.spec.all_targets().map(outcome).collect(),
        spent: TokenUsage::default(),
        took: Duration::from_millis(101),
    }
}

/// Our own look at a Query that was just written.
pub fn seen() -> Event<'static> {
    Event::Seen(Observer {
        identity: IDENTITY,
        inherited: false,
        fresh: true,
        since: now(),
    })
}

fn with_claim(mut query: Query) -> Query {
    query.metadata.finalizers = Some(vec![query_api::query::QUERY_FINALIZER.to_owned()]);
    let annotations = query.metadata.annotations.get_or_insert_default();
    annotations.insert(CLAIM_ANNOTATION.to_owned(), IDENTITY.to_owned());
    query
}

//! What does a decision about a Query cost, and how does the last one grow with its targets?
//!
//! Timed: one call of `transition`, and where it leads to a write, the patch as the bytes that are sent.
//! Not timed: making the Query and the outcomes. No clock, no queue, no network: `reconcile` and `lifecycle` add those.
//! Do not conclude anything about Queries per second.

use std::hint::black_box;
use std::time::Duration;

use benches::{Suite, suite_main};
use control_plane::execution::{Answer, TargetOutcome};
use control_plane::transition::{
    CLAIM_ANNOTATION, Effect, Event, Execution, Observer, Step, transition,
};
use k8s_openapi::jiff::Timestamp;
use query_api::query::{Phase, Query, TokenUsage};
use testbed::population;

/// As many targets as most Queries have, as a wide one has, and as the widest of the capacity document.
const WIDTHS: [(&str, usize); 3] = [("1_target", 1), ("16_targets", 16), ("256_targets", 256)];

const ME: &str = "controller-a";

/// A Query of ours in this phase.
fn ours(phase: Phase, n_targets: usize) -> Query {
    let builder = population::query("q").with_finalizer().in_phase(phase);
    let mut query = builder.with_targets(n_targets).at_version(7).build();
    let annotations = query.metadata.annotations.get_or_insert_default();
    annotations.insert(CLAIM_ANNOTATION.to_owned(), ME.to_owned());
    query
}

fn seen(now: Timestamp) -> Event<'static> {
    Event::Seen(Observer {
        identity: ME,
        inherited: false,
        fresh: true,
        since: now,
    })
}

/// The decision, and the bytes that follow from it.
fn decide(query: &Query, event: &Event<'_>, now: Timestamp) -> (Step, usize) {
    let step = transition(query, event, now);
    let n_bytes = match &step.effect {
        Some(Effect::Claim(patch) | Effect::Release(patch)) => patch.to_bytes("7").len(),
        Some(Effect::Start(patch) | Effect::Finish(patch)) => patch.to_bytes("7").len(),
        _ => 0,
    };
    (step, n_bytes)
}

fn seen_in_phase(suite: &mut Suite<'_>) {
    let now = Timestamp::now();
    let unclaimed = population::query("q").with_model_target("m").at_version(7);
    let cases = [
        ("new", unclaimed.build(), Phase::Pending),
        ("claimed", ours(Phase::Pending, 1), Phase::Running),
        ("running", ours(Phase::Running, 1), Phase::Running),
        ("done", ours(Phase::Done, 1), Phase::Done),
        ("canceling", canceling(), Phase::Canceled),
    ];
    for (parameter, query, expected) in cases {
        let event = seen(now);
        assert_eq!(
            transition(&query, &event, now).phase,
            expected,
            "{parameter}"
        );
        suite.case("seen", parameter, |bencher| {
            bencher.iter(|| decide(black_box(&query), &event, black_box(now)));
        });
    }
}

fn canceling() -> Query {
    let mut query = ours(Phase::Running, 1);
    query.spec.cancel = true;
    query
}

fn executed(suite: &mut Suite<'_>) {
    let now = Timestamp::now();
    for (parameter, n_targets) in WIDTHS {
        let query = ours(Phase::Running, n_targets);
        let execution = execution(&query);
        let event = Event::Executed(&execution);
        let (step, n_bytes) = decide(&query, &event, now);
        assert_eq!(step.phase, Phase::Done);
        assert!(n_bytes > n_targets * ANSWER.len());
        suite.case("executed", parameter, |bencher| {
            bencher.iter(|| decide(black_box(&query), &event, black_box(now)));
        });
    }
}

/// About as long as a model's usual answer.
const ANSWER: &str = "The capital of England is London, which has been so since the twelfth century, when \
                      the treasury moved from Winchester to Westminster.";

fn execution(query: &Query) -> Execution {
    let outcomes = query.spec.all_targets().map(|target| TargetOutcome {
        target: target.clone(),
        result: Ok(Answer {
            content: ANSWER.to_owned(),
            usage: TokenUsage {
                prompt_tokens: 12,
                completion_tokens: 30,
                total_tokens: 42,
                cached_tokens: 0,
            },
        }),
        took: Duration::from_millis(100),
        recorded: false,
    });
    Execution {
        outcomes: outcomes.collect(),
        spent: TokenUsage::default(),
        took: Duration::from_millis(100),
    }
}

suite_main!(seen_in_phase, executed);

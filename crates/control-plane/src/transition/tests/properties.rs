//! What holds for every Query and every event.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

const PHASES: [Phase; 10] = [
    Phase::Pending,
    Phase::Provisioning,
    Phase::Queued,
    Phase::Running,
    Phase::Evaluating,
    Phase::InputRequired,
    Phase::Done,
    Phase::Error,
    Phase::Canceled,
    Phase::Other,
];

prop_compose! {
    fn any_query()(
        dialect in prop::sample::select(&Dialect::ALL[..]),
        phase in prop::option::of(prop::sample::select(&PHASES[..])),
        n_targets in 0..4_usize,
        n_answers in 0..4_usize,
        claimant in prop::sample::select(vec![None, Some(ME), Some(ANOTHER)]),
        finalized: bool,
        flags: [bool; 3],
        completed in prop::option::of(0..100_u64),
        ttl in prop::option::of(0..100_u64),
        timeout in prop::option::of(0..100_u64),
        age in 0..100_u64,
    ) -> Query {
        let [deleting, canceling, selecting] = flags;
        let mut query = query(dialect, n_targets).created(ago(age));
        if let Some(claimant) = claimant {
            query = query.claimed_by(claimant);
        }
        if !finalized {
            query.metadata.finalizers = None;
        }
        if let Some(phase) = phase {
            query = query.in_phase(phase);
            for index in 0..n_answers {
                query = query.answered_by(&model(index), 3);
            }
        }
        if let Some(age) = completed {
            let ended = query.phase().is_terminal();
            let reason = if ended { Reason::QuerySucceeded } else { Reason::QueryRunning };
            query = query.completed(reason, ago(age));
        }
        if deleting {
            query = query.deleting();
        }
        if canceling {
            query = query.canceling();
        }
        if selecting {
            query = query.with_selector();
        }
        query.spec.ttl = ttl.map(|ttl| GoDuration(Duration::from_secs(ttl)));
        query.spec.timeout = timeout.map(|timeout| GoDuration(Duration::from_secs(timeout)));
        query
    }
}

/// An event without its borrow.
#[derive(Debug, Clone)]
enum Happening {
    Seen { inherited: bool, fresh: bool },
    Answered(Vec<bool>),
    Executed(Vec<u8>),
    Failed,
}

fn any_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => any::<[bool; 2]>().prop_map(|[inherited, fresh]| Happening::Seen { inherited, fresh }),
        1 => vec(any::<bool>(), 4).prop_map(Happening::Answered),
        1 => vec(0..4_u8, 4).prop_map(Happening::Executed),
        1 => Just(Happening::Failed),
    ]
}

/// Lets `happening` happen to `query`.
fn step(query: &Query, happening: &Happening) -> Step {
    let targets = || query.spec.all_targets();
    match happening {
        Happening::Seen { inherited, fresh } => {
            let observer = Observer {
                inherited: *inherited,
                fresh: *fresh,
                ..observer()
            };
            transition(query, &Event::Seen(observer), now())
        }
        Happening::Answered(which) => {
            let slot = |(target, answered): (_, &bool)| answered.then(|| answer(target));
            let progress = Progress {
                answers: targets().zip(which).map(slot).collect(),
                usage: used(9),
            };
            transition(query, &Event::Answered(&progress), now())
        }
        Happening::Executed(how) => {
            let outcome = |(target, how): (_, &u8)| match how {
                0 => failed(target, TargetError::Canceled),
                1 => failed(
                    target,
                    TargetError::Timeout {
                        after: Duration::from_secs(1),
                    },
                ),
                _ => succeeded(target, 2),
            };
            let execution = execution(targets().zip(how).map(outcome).collect());
            transition(query, &Event::Executed(&execution), now())
        }
        Happening::Failed => transition(query, &Event::Failed("boom"), now()),
    }
}

/// RFC 7396, for checking our patches against what a server makes of them.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let fields = target.as_object_mut().expect("made an object above");
    for (key, value) in patch {
        match value {
            Value::Null => drop(fields.remove(key)),
            value => merge(fields.entry(key).or_insert(Value::Null), value),
        }
    }
}

/// What the server holds after it took the patch of `effect`.
fn after(query: &Query, effect: &Effect) -> Option<(Query, Query)> {
    let mut ours = query.clone();
    let bytes = match effect {
        Effect::Claim(patch) | Effect::Release(patch) => {
            patch.apply(&mut ours);
            patch.to_bytes("7")
        }
        Effect::Start(patch) | Effect::Record(patch) | Effect::Finish(patch) => {
            patch.apply(&mut ours);
            patch.to_bytes("7")
        }
        _ => return None,
    };
    let mut theirs = serde_json::to_value(query).unwrap();
    merge(&mut theirs, &serde_json::from_slice(&bytes).unwrap());
    Some((ours, serde_json::from_value(theirs).unwrap()))
}

proptest! {
    #[test]
    fn a_terminal_phase_is_never_left(
        query in any_query(),
        phase in prop::sample::select(vec![Phase::Done, Phase::Error, Phase::Canceled]),
        happening in any_happening(),
    ) {
        let query = query.in_phase(phase);
        let step = step(&query, &happening);
        prop_assert_eq!(step.phase, query.phase());
        let harmless = matches!(
            step.effect,
            None | Some(Effect::LookAgain(_) | Effect::Delete | Effect::Release(_))
        );
        prop_assert!(harmless, "{:?}", step.effect);
    }

    #[test]
    fn a_query_under_deletion_is_only_released_and_other_finalizers_stay(
        query in any_query(),
        happening in any_happening(),
    ) {
        let query = query.deleting();
        let finalizers = query.metadata.finalizers.clone().unwrap_or_default();
        match step(&query, &happening).effect {
            Some(Effect::Release(patch)) => {
                prop_assert!(finalizers.iter().any(|finalizer| finalizer == QUERY_FINALIZER));
                prop_assert_eq!(patch.finalizers, Some(vec![SOMEBODYS_FINALIZER.to_owned()]));
            }
            effect => {
                prop_assert_eq!(effect, None);
                prop_assert!(finalizers.is_empty());
            }
        }
    }

    #[test]
    fn a_query_that_is_to_be_canceled_never_comes_nearer_to_execution(
        query in any_query(),
        happening in any_happening(),
    ) {
        let step = step(&query.canceling(), &happening);
        prop_assert!(!step.effect.is_some_and(|effect| effect.leads_to_execution()));
    }

    #[test]
    fn targets_are_asked_only_under_our_claim_in_a_fresh_running_query(
        query in any_query(),
        happening in any_happening(),
    ) {
        if let Some(Effect::Execute { recorded, .. }) = step(&query, &happening).effect {
            let fresh = matches!(happening, Happening::Seen { fresh: true, .. });
            prop_assert!(fresh);
            prop_assert_eq!(Claim::of(&query, &observer()), Claim::Ours);
            prop_assert!(matches!(query.phase(), Phase::Running | Phase::Evaluating));
            prop_assert_eq!(recorded.len(), query.spec.all_targets().count());
        }
    }

    #[test]
    fn our_copy_after_a_patch_is_the_servers_copy(query in any_query(), happening in any_happening()) {
        let step = step(&query, &happening);
        if let Some((ours, theirs)) = step.effect.as_ref().and_then(|effect| after(&query, effect)) {
            prop_assert_eq!(&ours, &theirs);
            prop_assert_eq!(ours.phase(), step.phase);
        }
    }

    #[test]
    fn an_execution_ends_every_query_that_nobody_else_ended(
        query in any_query(),
        how in vec(0..4_u8, 4),
    ) {
        let mut query = query;
        query.metadata.deletion_timestamp = None;
        prop_assume!(!query.phase().is_terminal() && query.phase() != Phase::Other);
        let step = step(&query, &Happening::Executed(how.clone()));
        prop_assert!(step.phase.is_terminal());
        let how = &how[..query.spec.all_targets().count()];
        let expected = if query.spec.cancel || how.contains(&0) {
            Phase::Canceled
        } else if how.contains(&1) {
            Phase::Error
        } else {
            Phase::Done
        };
        prop_assert_eq!(step.phase, expected);
    }

    /// Performs step after step against a perfect server, as a controller does.
    #[test]
    fn every_query_of_ours_comes_to_rest_after_at_most_one_execution(
        query in any_query(),
        how in vec(0..4_u8, 4),
        inherited: bool,
    ) {
        let mut query = query;
        let mut happening = Happening::Seen { inherited, fresh: false };
        let mut n_executions = 0;
        for _ in 0..10 {
            let Some(effect) = step(&query, &happening).effect else { break };
            let freshened = !matches!(effect, Effect::Select);
            match &effect {
                Effect::Execute { .. } => {
                    n_executions += 1;
                    happening = Happening::Executed(how.clone());
                    continue;
                }
                Effect::Select => select(&mut query.spec, Dialect::Targets, vec![model(9)]),
                Effect::LookAgain(_) | Effect::Delete => break,
                effect => if let Some((ours, _)) = after(&query, effect) { query = ours },
            }
            happening = Happening::Seen { inherited, fresh: freshened || matches!(happening, Happening::Seen { fresh: true, .. }) };
        }
        prop_assert!(n_executions <= 1);
        let observer = Observer { inherited, ..observer() };
        let at_rest = transition(&query, &Event::Seen(observer), now()).effect;
        let done = matches!(at_rest, None | Some(Effect::LookAgain(_) | Effect::Delete));
        prop_assert!(done, "{:?}", at_rest);
    }
}

//! Cases by example, each with the wire form that clients see.

use serde_json::{Value, json};

use super::*;

fn body(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn a_new_query_is_claimed_with_finalizer_annotation_and_precondition_in_one_patch() {
    let mut query = query(Dialect::Targets, 1);
    query.metadata.finalizers = Some(vec![SOMEBODYS_FINALIZER.to_owned()]);
    let Effect::Claim(patch) = effect(&query, &seen()) else {
        panic!("not claimed");
    };
    assert_eq!(
        body(&patch.to_bytes("7")),
        json!({"metadata": {
            "resourceVersion": "7",
            "finalizers": [SOMEBODYS_FINALIZER, QUERY_FINALIZER],
            "annotations": {CLAIM_ANNOTATION: ME},
        }})
    );
}

#[test]
fn a_claimed_query_is_started_with_phase_and_condition_alone() {
    let query = query(Dialect::Targets, 1).claimed_by(ME);
    let step = transition(&query, &seen(), now());
    assert_eq!(step.phase, Phase::Running);
    let Some(Effect::Start(patch)) = step.effect else {
        panic!("not started");
    };
    assert_eq!(
        body(&patch.to_bytes("9")),
        json!({"metadata": {"resourceVersion": "9"}, "status": {
            "phase": "running",
            "conditions": [{
                "type": "Completed",
                "status": "False",
                "reason": "QueryRunning",
                "message": "the targets are being asked",
                "lastTransitionTime": "2027-01-15T08:00:00Z",
            }],
        }})
    );
}

#[test]
fn both_dialects_get_their_own_field_for_answers() {
    for (dialect, field, other) in [
        (Dialect::Targets, "/status/responses/0", "/status/response"),
        (Dialect::Target, "/status/response", "/status/responses"),
    ] {
        let query = query(dialect, 1).claimed_by(ME).in_phase(Phase::Running);
        let execution = execution(vec![succeeded(&model(0), 4)]);
        let patch = finish(&query, &Event::Executed(&execution));
        let body = body(&patch.to_bytes("9"));
        assert_eq!(
            body.pointer(field),
            Some(&json!({
                "target": {"type": "model", "name": "m0"},
                "content": "model/m0 says hello",
                "phase": "done",
            })),
            "{dialect}"
        );
        assert_eq!(body.pointer(other), None, "{dialect}");
        assert_eq!(body["status"]["phase"], "done");
        assert_eq!(body["status"]["duration"], "1.5s");
        assert_eq!(
            body["status"]["tokenUsage"],
            json!({"promptTokens": 4, "completionTokens": 1, "totalTokens": 5})
        );
        assert_eq!(completed_condition(&patch).reason, "QuerySucceeded");
    }
}

#[test]
fn one_failed_target_makes_an_error_and_keeps_the_answers_of_the_others_in_order() {
    let query = query(Dialect::Targets, 3)
        .claimed_by(ME)
        .in_phase(Phase::Running);
    let execution = execution(vec![
        succeeded(&model(0), 1),
        failed(
            &model(1),
            TargetError::ModelMissing {
                namespace: "ns".to_owned(),
                name: "m1".to_owned(),
            },
        ),
        succeeded(&model(2), 2),
    ]);
    let patch = finish(&query, &Event::Executed(&execution));
    assert_eq!(patch.phase, Some(Phase::Error));
    let responses = patch.responses.as_ref().unwrap();
    let phases: Vec<_> = responses.iter().map(|response| response.phase).collect();
    assert_eq!(
        phases,
        [Some(Phase::Done), Some(Phase::Error), Some(Phase::Done)]
    );
    assert_eq!(responses[1].content, "model `ns/m1` does not exist");
    assert_eq!(patch.token_usage, Some(used(1) + used(2)));
    let condition = completed_condition(&patch);
    assert_eq!(condition.reason, "QueryErrored");
    assert_eq!(
        condition.message,
        "1 of 3 targets failed, the first model/m1: model `ns/m1` does not exist"
    );
}

#[test]
fn a_query_whose_targets_all_ran_out_of_time_timed_out_in_execution() {
    let query = query(Dialect::Target, 1)
        .claimed_by(ME)
        .in_phase(Phase::Running);
    let after = Duration::from_secs(5);
    let execution = execution(vec![failed(&model(0), TargetError::Timeout { after })]);
    let patch = finish(&query, &Event::Executed(&execution));
    assert_eq!(patch.phase, Some(Phase::Error));
    assert_eq!(completed_condition(&patch).reason, "TimedOutInExecution");
    assert_eq!(patch.response.unwrap().content, "timed out after 5s");
}

#[test]
fn cancel_wins_over_answers_that_arrive_with_it_and_keeps_them() {
    let query = query(Dialect::Targets, 2)
        .claimed_by(ME)
        .in_phase(Phase::Running)
        .canceling();
    let execution = execution(vec![
        succeeded(&model(0), 1),
        failed(&model(1), TargetError::Canceled),
    ]);
    let patch = finish(&query, &Event::Executed(&execution));
    assert_eq!(patch.phase, Some(Phase::Canceled));
    assert_eq!(patch.responses.as_deref(), Some(&[answer(&model(0))][..]));
    assert_eq!(patch.token_usage, Some(used(1)));
    assert_eq!(completed_condition(&patch).reason, "QueryCanceled");
}

#[test]
fn an_interrupted_execution_is_canceled_even_if_the_wish_was_withdrawn() {
    let query = query(Dialect::Targets, 1)
        .claimed_by(ME)
        .in_phase(Phase::Running);
    let execution = execution(vec![failed(&model(0), TargetError::Canceled)]);
    let patch = finish(&query, &Event::Executed(&execution));
    assert_eq!(patch.phase, Some(Phase::Canceled));
}

#[test]
fn cancel_ends_a_query_in_every_phase_that_is_not_terminal() {
    for phase in [
        Phase::Pending,
        Phase::Provisioning,
        Phase::Queued,
        Phase::Running,
        Phase::Evaluating,
        Phase::InputRequired,
    ] {
        let query = query(Dialect::Target, 1).in_phase(phase).canceling();
        let patch = finish(&query, &seen());
        assert_eq!(patch.phase, Some(Phase::Canceled), "{phase}");
    }
}

#[test]
fn ttl_counts_from_the_completed_condition() {
    let ended = |seconds| {
        query(Dialect::Target, 1)
            .in_phase(Phase::Done)
            .completed(Reason::QuerySucceeded, ago(seconds))
            .created(ago(10_000))
            .with_ttl(Duration::from_secs(60))
    };
    assert_eq!(
        effect(&ended(20), &seen()),
        Effect::LookAgain(Duration::from_secs(40))
    );
    assert_eq!(effect(&ended(60), &seen()), Effect::Delete);
}

#[test]
fn ttl_counts_from_the_first_sight_where_no_condition_tells_the_end() {
    let query = query(Dialect::Targets, 1)
        .in_phase(Phase::Done)
        .created(ago(10_000))
        .with_ttl(Duration::from_secs(60));
    let first_seen = |seconds| {
        Event::Seen(Observer {
            since: ago(seconds),
            ..observer()
        })
    };
    assert_eq!(
        effect(&query, &first_seen(1)),
        Effect::LookAgain(Duration::from_secs(59))
    );
    assert_eq!(effect(&query, &first_seen(61)), Effect::Delete);
}

#[test]
fn a_query_without_ttl_is_kept() {
    let query = query(Dialect::Targets, 1)
        .in_phase(Phase::Done)
        .completed(Reason::QuerySucceeded, ago(1_000_000));
    assert_eq!(transition(&query, &seen(), now()).effect, None);
}

#[test]
fn only_the_newer_dialect_times_out_in_the_queue() {
    let waiting = |dialect| {
        query(dialect, 1)
            .created(ago(31))
            .with_timeout(Duration::from_secs(30))
    };
    let patch = finish(&waiting(Dialect::Target), &seen());
    assert_eq!(patch.phase, Some(Phase::Error));
    assert_eq!(completed_condition(&patch).reason, "TimedOutInQueue");
    assert!(matches!(
        effect(&waiting(Dialect::Targets), &seen()),
        Effect::Claim(_)
    ));
}

#[test]
fn a_restart_asks_only_the_targets_without_a_recorded_answer() {
    let (twice, once) = (model(0), model(1));
    let mut query = query(Dialect::Targets, 0)
        .claimed_by(ME)
        .in_phase(Phase::Running)
        .answered_by(&twice, 5);
    query.spec.targets = vec![twice.clone(), once, twice.clone()];
    assert_eq!(
        effect(&query, &seen()),
        Effect::Execute {
            recorded: vec![Some(answer(&twice)), None, None],
            spent: used(5),
        }
    );
}

#[test]
fn a_recorded_failure_is_asked_again() {
    let mut query = query(Dialect::Targets, 1)
        .claimed_by(ME)
        .in_phase(Phase::Running)
        .answered_by(&model(0), 5);
    query.status.as_mut().unwrap().responses[0].phase = Some(Phase::Error);
    let Effect::Execute { recorded, .. } = effect(&query, &seen()) else {
        panic!("not executed");
    };
    assert_eq!(recorded, [None]);
}

#[test]
fn tokens_of_recorded_answers_are_counted_once() {
    let query = query(Dialect::Targets, 2)
        .claimed_by(ME)
        .in_phase(Phase::Running)
        .answered_by(&model(0), 5);
    let recorded = TargetOutcome {
        recorded: true,
        ..succeeded(&model(0), 5)
    };
    let execution = Execution {
        spent: used(5),
        ..execution(vec![recorded, succeeded(&model(1), 7)])
    };
    let patch = finish(&query, &Event::Executed(&execution));
    assert_eq!(patch.token_usage, Some(used(5) + used(7)));
}

#[test]
fn a_running_query_from_the_cache_is_read_anew_before_it_is_executed() {
    let query = query(Dialect::Targets, 1)
        .claimed_by(ME)
        .in_phase(Phase::Running);
    let stale = Event::Seen(Observer {
        fresh: false,
        ..observer()
    });
    assert_eq!(effect(&query, &stale), Effect::Read);
}

#[test]
fn another_controllers_query_is_left_alone_until_it_turns_out_to_be_inherited() {
    let inherited = Event::Seen(Observer {
        inherited: true,
        ..observer()
    });
    for phase in [Phase::Pending, Phase::Running] {
        let query = query(Dialect::Targets, 1)
            .claimed_by(ANOTHER)
            .in_phase(phase);
        assert_eq!(transition(&query, &seen(), now()).effect, None, "{phase}");
        assert!(
            matches!(effect(&query, &inherited), Effect::Claim(_)),
            "{phase}"
        );
    }
}

#[test]
fn a_selector_adds_targets_in_the_older_dialect_and_gives_the_one_in_the_newer() {
    let hits = vec![model(1), model(0), model(2)];
    let mut older = query(Dialect::Targets, 1).with_selector().spec;
    select(&mut older, Dialect::Targets, hits.clone());
    assert_eq!(older.targets, [model(0), model(1), model(2)]);
    let mut newer = query(Dialect::Target, 0).with_selector().spec;
    select(&mut newer, Dialect::Target, hits);
    assert_eq!(newer.target, Some(model(1)));
    assert_eq!((older.selector, newer.selector), (None, None));
}

#[test]
fn a_query_without_any_target_ends_with_an_error_that_says_so() {
    let query = query(Dialect::Targets, 0).claimed_by(ME);
    let patch = finish(&query, &seen());
    assert_eq!(patch.phase, Some(Phase::Error));
    assert_eq!(completed_condition(&patch).message, "it has no target");
}

#[test]
fn conditions_of_others_survive_ours() {
    let query = query(Dialect::Targets, 1)
        .claimed_by(ME)
        .in_phase(Phase::Running)
        .completed(Reason::QueryRunning, ago(2));
    let patch = finish(&query, &Event::Failed("it panicked: boom"));
    let conditions = patch.conditions.iter().flatten();
    let types: Vec<_> = conditions
        .map(|condition| condition.type_.as_str())
        .collect();
    assert_eq!(types, ["MemoryDegraded", "Completed"]);
}

#[test]
fn the_duration_of_a_resumed_query_counts_from_its_first_start() {
    let query = query(Dialect::Targets, 1)
        .claimed_by(ME)
        .in_phase(Phase::Running)
        .completed(Reason::QueryRunning, ago(90));
    let execution = execution(vec![succeeded(&model(0), 1)]);
    let patch = finish(&query, &Event::Executed(&execution));
    assert_eq!(patch.duration, Some(GoDuration(Duration::from_secs(90))));
}

#[test]
fn an_overlong_message_is_cut_at_a_character() {
    let query = query(Dialect::Targets, 1);
    let patch = finish(&query, &Event::Failed(&"ü".repeat(5000)));
    assert_eq!(completed_condition(&patch).message, "ü".repeat(2048));
}

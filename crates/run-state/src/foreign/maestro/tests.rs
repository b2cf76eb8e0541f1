//! A run there and back, and a document as the platform itself would write it.

use super::*;

fn log() -> (RunState, Vec<Event>) {
    let spawn = Spawn {
        group: "g".to_owned(),
        join: JoinPolicy::Quorum { n_children: 2 },
        on_failure: FailurePolicy::CancelSiblings,
    };
    let child = || "child".to_owned();
    let status = RunStatus::Running;
    let changes = vec![
        Change::StatusChanged { status },
        Change::StepAdded {
            index: 1,
            kind: StepKind::Spawn,
            payload: Json::null(),
        },
        Change::ChildSpawned {
            child: child(),
            spawn,
        },
        Change::StatusChanged {
            status: RunStatus::Waiting,
        },
        Change::StepAdded {
            index: 2,
            kind: StepKind::Observation,
            payload: Json::null(),
        },
    ];
    let start = UnixMillis(1_735_689_600_000);
    let events = Head::new(start).extend(start, changes).expect("all fit");
    let mut state = RunState::new("r", start).with_origin(Origin {
        workspace: Some("w".to_owned()),
        agent: Some("a".to_owned()),
        ..Origin::default()
    });
    for event in &events {
        state.apply(event).expect("it fits");
    }
    (state, events)
}

fn since(since_seq: u64) -> serde_json::Value {
    let (state, events) = log();
    let delta = Delta {
        run: state.id.clone(),
        since_seq,
        newest_seq: state.version,
        events: events[since_seq as usize..].to_vec(),
    };
    serde_json::from_slice(&write(&state, &delta)).expect("valid")
}

#[test]
fn a_snapshot_since_a_version_holds_what_changed_since() {
    let all = since(0);
    assert_eq!(all["run"]["status"], "WAITING_FOR_SUBRUN");
    assert_eq!(all["run"]["started_at"], "2025-01-01T00:00:00.000Z");
    assert_eq!(all["run"]["current_step_index"], 2);
    assert_eq!(all["events_since_seq"][1]["event_type"], "step_created");
    assert_eq!(all["child_runs"][0]["subrun_link__quorum"], 2);
    let last = since(4);
    let lengths = ["steps", "events_since_seq", "child_runs"]
        .map(|part| last[part].as_array().expect("a list").len());
    assert_eq!(lengths, [1, 1, 0], "not the steps and children before");
}

#[test]
fn a_whole_snapshot_is_read_back() {
    let (state, _) = log();
    let read = read(since(0).to_string().as_bytes()).expect("ours");
    let mut expected = state;
    // The numbers of the events behind steps and children are not in it.
    expected.steps.iter_mut().for_each(|step| step.seq = 5);
    expected.children.iter_mut().for_each(|child| child.seq = 5);
    assert_eq!(read, expected);
}

#[test]
fn a_document_of_the_platform_is_read_and_a_strange_word_in_it_is_named() {
    let text = r#"{"run":{"id":"0b5e","workspace_id":"w","agent_id":"a","parent_run_id":null,
        "started_by_id":7,"status":"PAUSED","channel":"API","input_text":"x","final_text":"",
        "current_step_index":0,"cancel_requested":false,"max_steps":80,"max_tool_calls":40,
        "locked_by":"","started_at":null,"ended_at":null,"correlation_id":"c",
        "created_at":"2025-01-01T00:00:00.123456+00:00","updated_at":"2025-01-01T00:00:01+00:00"},
        "steps":[],"events_since_seq":[],"child_runs":[]}"#;
    let state = read(text.as_bytes()).expect("as the platform writes it");
    assert_eq!(state.status, RunStatus::Waiting);
    assert_eq!(state.created_at_ms, UnixMillis(1_735_689_600_123));
    let strange = text.replace("PAUSED", "DREAMING");
    let error = read(strange.as_bytes()).expect_err("no such status");
    assert!(
        error.to_string().contains("unknown status `DREAMING`"),
        "{error}"
    );
}

//! What a run is beyond its messages: steps, children, what it belongs to, its past, its place in archives.

use run_state::child::Spawn;
use run_state::delta::ChildDelta;
use run_state::event::{Change, Event};
use run_state::json::Json;
use run_state::population::{self, Size};
use run_state::run::{Origin, RunState, RunStatus, UnixMillis};
use run_state::step::StepKind;
use run_state::store::{self, Filter, Store};
use run_state::{Rejection, StoreError};

use super::{CREATED, LATER, append, create, load, note, plan};
use crate::places::block_on;

fn step(index: u64) -> Change {
    Change::StepAdded {
        index,
        kind: StepKind::ModelCall,
        payload: Json::null(),
    }
}

fn spawn(child: &str) -> Change {
    Change::ChildSpawned {
        child: child.to_owned(),
        spawn: Spawn::default(),
    }
}

pub(super) fn steps_and_children_come_as_deltas(store: &impl Store) {
    create(store, "r");
    append(
        store,
        "r",
        0,
        vec![step(1), spawn("a"), spawn("b"), step(2)],
    );
    let moved = Change::ChildChanged {
        child: "b".to_owned(),
        status: RunStatus::Completed,
    };
    append(store, "r", 4, vec![step(3), moved]);
    let delta = block_on(store.since("r", 4, 10)).expect("it exists");
    let steps: Vec<_> = delta.steps().map(|(index, _)| index).collect();
    assert_eq!(steps, [3], "not the two before");
    let expected = ChildDelta::Changed {
        child: "b",
        status: RunStatus::Completed,
        at_ms: LATER,
    };
    assert_eq!(delta.children(), [expected], "and not the other child");
    let state = load(store, "r");
    assert_eq!((state.steps.len(), state.children.len()), (3, 2));
    assert_eq!(state.steps_since(4).len(), 1);
    let skipped = block_on(store.append("r", 6, LATER, vec![step(5)]));
    let source = Rejection::StepOutOfOrder {
        expected: 4,
        found: 5,
    };
    let run = "r".to_owned();
    assert_eq!(skipped, Err(StoreError::Rejected { run, source }));
}

pub(super) fn runs_are_listed_by_what_they_belong_to(store: &impl Store) {
    let origin = |session: &str, parent: Option<&str>| Origin {
        session: Some(session.to_owned()),
        parent: parent.map(str::to_owned),
        workspace: Some("w".to_owned()),
        agent: None,
    };
    for (run, origin) in [
        ("a", origin("s", None)),
        ("a/1", origin("s", Some("a"))),
        ("b", origin("t", None)),
    ] {
        block_on(store.create(run, &origin, CREATED)).expect("it is new");
    }
    let ended = Change::StatusChanged {
        status: RunStatus::Failed,
    };
    append(store, "b", 0, vec![ended]);
    let names = |filter: Filter| -> Vec<String> {
        let page = block_on(store.list(&filter, None, 10)).expect("a list");
        page.into_iter().map(|summary| summary.run).collect()
    };
    let of = |name: &str| Some(name.to_owned());
    let none = Filter::default;
    assert_eq!(
        names(Filter {
            session: of("s"),
            ..none()
        }),
        ["a", "a/1"]
    );
    assert_eq!(
        names(Filter {
            parent: of("a"),
            ..none()
        }),
        ["a/1"]
    );
    assert_eq!(
        names(Filter {
            workspace: of("w"),
            ..none()
        })
        .len(),
        3
    );
    let status = Some(RunStatus::Pending);
    assert_eq!(names(Filter { status, ..none() }), ["a", "a/1"]);
    let ended_before = Some(UnixMillis(LATER.0 + 1));
    assert_eq!(
        names(Filter {
            ended_before,
            ..none()
        }),
        ["b"]
    );
    let ended_before = Some(LATER);
    assert_eq!(
        names(Filter {
            ended_before,
            ..none()
        }),
        [""; 0],
        "not before it ended"
    );
    assert_eq!(load(store, "a/1").origin, origin("s", Some("a")));
}

pub(super) fn a_clock_that_steps_back_is_not_followed(store: &impl Store) {
    create(store, "r");
    append(store, "r", 0, vec![note("a")]);
    let earlier = UnixMillis(CREATED.0 - 1);
    let appended = block_on(store.append("r", 1, earlier, vec![note("b")]));
    assert_eq!(appended, Ok(2));
    assert_eq!(load(store, "r").updated_at_ms, LATER);
    let delta = block_on(store.since("r", 1, 1)).expect("it exists");
    assert_eq!(delta.events[0].at_ms, LATER);
}

pub(super) fn compaction_leaves_numbers_and_state_alone(store: &impl Store) {
    create(store, "r");
    let noisy = |text: &str| match note(text) {
        Change::Noted { payload, .. } => Change::Noted {
            kind: "token_stream".to_owned(),
            payload,
        },
        other => other,
    };
    append(
        store,
        "r",
        0,
        vec![noisy("a"), note("b"), plan(1), noisy("c")],
    );
    let later = UnixMillis(LATER.0 + 10);
    block_on(store.append("r", 4, later, vec![noisy("young")])).expect("it fits");
    let before = load(store, "r");
    let compact = || block_on(store.compact("r", &["token_stream"], later)).expect("it exists");
    assert_eq!(compact(), 2);
    assert_eq!(compact(), 0, "once is enough");
    assert_eq!(load(store, "r"), before);
    let delta = block_on(store.since("r", 0, 10)).expect("it exists");
    let payloads: Vec<_> = delta
        .events
        .iter()
        .filter_map(|event| match &event.change {
            Change::Noted { payload, .. } => Some((event.seq, payload.as_str())),
            _ => None,
        })
        .collect();
    let expected = [(1, "null"), (2, "\"b\""), (4, "null"), (5, "\"young\"")];
    assert_eq!(payloads, expected);
    assert_eq!(append(store, "r", 5, vec![note("on")]), 6);
}

pub(super) fn a_restored_run_is_the_same(from: &impl Store, to: &impl Store) {
    let origin = Origin {
        session: Some("s".to_owned()),
        ..Origin::default()
    };
    block_on(from.create("r", &origin, CREATED)).expect("it is new");
    for (position, step) in population::events(3, Size::Small).chunks(5).enumerate() {
        let at = UnixMillis(LATER.0 + position as u64);
        let changes = step.iter().map(|event| event.change.clone()).collect();
        block_on(from.append("r", step[0].seq - 1, at, changes)).expect("it fits");
    }
    let log = block_on(store::log(from, "r")).expect("it exists");
    block_on(to.restore(&log)).expect("it is new there");
    assert_eq!(load(to, "r"), load(from, "r"));
    assert_eq!(block_on(store::log(to, "r")), Ok(log.clone()));
    let again = block_on(to.restore(&log));
    let run = "r".to_owned();
    assert_eq!(again, Err(StoreError::Exists { run }));
    let mut gap = log;
    gap.run = "gap".to_owned();
    gap.events.remove(2);
    let refused = block_on(to.restore(&gap));
    assert!(
        matches!(refused, Err(StoreError::Rejected { .. })),
        "{refused:?}"
    );
}

/// Long enough for snapshots, loaded between the writes so that they are made and used.
pub(super) fn a_long_run_is_loaded_as_it_was_written(store: &impl Store) {
    create(store, "r");
    let mut expected = Twin::new();
    for step in population::events(2, Size::Usual).chunks(9) {
        let changes: Vec<_> = step.iter().map(|event| event.change.clone()).collect();
        expected.append(&changes);
        append(store, "r", step[0].seq - 1, changes);
        assert_eq!(load(store, "r"), expected.state);
    }
    assert_eq!(block_on(store.check("r")), Ok(Vec::new()));
}

/// What a run must come to, event by event in memory.
struct Twin {
    state: RunState,
}

impl Twin {
    fn new() -> Self {
        Self {
            state: RunState::new("r", CREATED),
        }
    }

    fn append(&mut self, changes: &[Change]) {
        for change in changes {
            let event = Event {
                seq: self.state.version + 1,
                at_ms: LATER,
                change: change.clone(),
            };
            self.state.apply(&event).expect("it fits");
        }
    }
}

//! What every store must do, whatever it keeps its runs in.
//!
//! A store's own file calls [`check`] with a function that makes an empty one.

use std::sync::Barrier;

use run_state::child::Spawn;
use run_state::delta::ChildDelta;
use run_state::event::{Change, Event};
use run_state::json::Json;
use run_state::plan::{PlanItem, PlanStatus};
use run_state::population::{self, Size};
use run_state::run::{Origin, RunState, RunStatus, UnixMillis};
use run_state::step::StepKind;
use run_state::store::{self, Filter, Store};
use run_state::{Rejection, StoreError};

use crate::places::block_on;

/// Runs the whole contract, each part on an empty store.
pub(crate) fn check<S: Store>(make_store: impl Fn() -> S) {
    a_new_run_is_empty(&make_store());
    runs_are_created_once(&make_store());
    appended_events_are_the_state(&make_store());
    a_stale_write_is_a_conflict(&make_store());
    a_step_is_kept_whole_or_not_at_all(&make_store());
    a_delta_is_what_came_since(&make_store());
    a_long_history_comes_in_pages(&make_store());
    steps_and_children_come_as_deltas(&make_store());
    runs_are_listed_in_pages(&make_store());
    runs_are_listed_by_what_they_belong_to(&make_store());
    a_clock_that_steps_back_is_not_followed(&make_store());
    compaction_leaves_numbers_and_state_alone(&make_store());
    a_restored_run_is_the_same(&make_store(), &make_store());
    a_long_run_is_loaded_as_it_was_written(&make_store());
    a_removed_run_is_gone(&make_store());
    an_unknown_run_is_named(&make_store());
    two_writers_lose_nothing(&make_store());
    readers_never_see_half_a_step(&make_store());
}

/// What outlives the value: `open` opens the same place each time.
pub(crate) fn check_lasting<S: Store>(open: impl Fn() -> S) {
    let store = open();
    create(&store, "r");
    let events = population::events(5, Size::Usual);
    let mut version = 0;
    for step in events.chunks(20) {
        let changes = step.iter().map(|event| event.change.clone()).collect();
        version = append(&store, "r", version, changes);
    }
    let before = load(&store, "r");
    let delta = block_on(store.since("r", version - 3, 10)).expect("it exists");
    drop(store);
    let store = open();
    assert_eq!(load(&store, "r"), before);
    assert_eq!(block_on(store.since("r", version - 3, 10)), Ok(delta));
    assert_eq!(append(&store, "r", version, vec![note("on")]), version + 1);
    drop(store);
    let store = open();
    assert_eq!(load(&store, "r").version, version + 1);
    assert_eq!(block_on(store.check("r")), Ok(Vec::new()));
    block_on(store.remove("r")).expect("it exists");
    drop(store);
    let gone = block_on(open().load("r"));
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
}

const CREATED: UnixMillis = UnixMillis(1_000);
const LATER: UnixMillis = UnixMillis(2_000);

fn note(text: &str) -> Change {
    let payload = serde_json::to_string(text).expect("a string");
    Change::Noted {
        kind: "note".to_owned(),
        payload: Json::parse(payload).expect("valid"),
    }
}

fn plan(n_items: usize) -> Change {
    let item = |position| PlanItem {
        text: format!("step {position}"),
        status: PlanStatus::Open,
    };
    Change::PlanReplaced {
        items: (0..n_items).map(item).collect(),
    }
}

fn create(store: &impl Store, run: &str) {
    block_on(store.create(run, &Origin::default(), CREATED)).expect("it is new");
}

fn append(store: &impl Store, run: &str, based_on: u64, changes: Vec<Change>) -> u64 {
    block_on(store.append(run, based_on, LATER, changes)).expect("it fits")
}

fn load(store: &impl Store, run: &str) -> RunState {
    block_on(store.load(run)).expect("it exists")
}

fn a_new_run_is_empty(store: &impl Store) {
    create(store, "r");
    assert_eq!(load(store, "r"), RunState::new("r", CREATED));
    let delta = block_on(store.since("r", 0, 10)).expect("it exists");
    assert_eq!((delta.newest_seq, delta.events.len()), (0, 0));
    assert!(!delta.has_more());
}

fn runs_are_created_once(store: &impl Store) {
    create(store, "r");
    append(store, "r", 0, vec![note("kept")]);
    let again = block_on(store.create("r", &Origin::default(), LATER)).expect_err("it exists");
    let run = "r".to_owned();
    assert_eq!(again, StoreError::Exists { run });
    assert_eq!(load(store, "r").version, 1);
}

fn appended_events_are_the_state(store: &impl Store) {
    let events = population::events(11, Size::Small);
    create(store, "r");
    let mut expected = RunState::new("r", CREATED);
    for step in events.chunks(7) {
        for event in step {
            let mut event = event.clone();
            event.at_ms = LATER;
            expected.apply(&event).expect("it fits");
        }
        let changes = step.iter().map(|event| event.change.clone()).collect();
        let version = append(store, "r", step[0].seq - 1, changes);
        assert_eq!(version, expected.version);
        assert_eq!(load(store, "r"), expected);
    }
}

fn a_stale_write_is_a_conflict(store: &impl Store) {
    create(store, "r");
    append(store, "r", 0, vec![note("a"), note("b")]);
    for based_on in [0, 1, 3, u64::MAX] {
        let lost = block_on(store.append("r", based_on, LATER, vec![note("c")]));
        let expected = StoreError::Conflict {
            run: "r".to_owned(),
            based_on,
            found: 2,
        };
        assert_eq!(lost, Err(expected));
    }
    assert_eq!(append(store, "r", 2, vec![note("c")]), 3);
}

fn a_step_is_kept_whole_or_not_at_all(store: &impl Store) {
    create(store, "r");
    append(store, "r", 0, vec![plan(2)]);
    let before = load(store, "r");
    let fits = Change::PlanItemChanged {
        item: 1,
        status: PlanStatus::Done,
    };
    let does_not = Change::PlanItemChanged {
        item: 2,
        status: PlanStatus::Done,
    };
    let refused = block_on(store.append("r", 1, LATER, vec![fits, does_not]));
    let source = Rejection::NoSuchPlanItem {
        item: 2,
        n_items: 2,
    };
    let run = "r".to_owned();
    assert_eq!(refused, Err(StoreError::Rejected { run, source }));
    assert_eq!(load(store, "r"), before);
    let delta = block_on(store.since("r", 1, 10)).expect("it exists");
    assert_eq!((delta.newest_seq, delta.events.len()), (1, 0));
    assert_eq!(append(store, "r", 1, Vec::new()), 1, "an empty step is one");
    assert_eq!(append(store, "r", 1, vec![plan(3)]), 2);
}

fn a_delta_is_what_came_since(store: &impl Store) {
    create(store, "r");
    append(store, "r", 0, vec![plan(2), note("a")]);
    let mut state = load(store, "r");
    let changed = Change::PlanItemChanged {
        item: 0,
        status: PlanStatus::InProgress,
    };
    let started = Change::StatusChanged {
        status: RunStatus::Running,
    };
    append(store, "r", 2, vec![changed, started]);
    let delta = block_on(store.since("r", 2, 10)).expect("it exists");
    let seqs: Vec<_> = delta.events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, [3, 4]);
    assert_eq!(delta.run, "r");
    delta.apply_to(&mut state).expect("it fits");
    assert_eq!(state, load(store, "r"));
    let ahead = block_on(store.since("r", 5, 10));
    let expected = StoreError::AheadOfLog {
        run: "r".to_owned(),
        since_seq: 5,
        newest_seq: 4,
    };
    assert_eq!(ahead, Err(expected));
}

fn a_long_history_comes_in_pages(store: &impl Store) {
    create(store, "r");
    let changes = (0..25).map(|i| note(&format!("{i}"))).collect();
    append(store, "r", 0, changes);
    let mut state = RunState::new("r", CREATED);
    let mut lengths = Vec::new();
    loop {
        let page = block_on(store.since("r", state.version, 10)).expect("it exists");
        lengths.push(page.events.len());
        page.apply_to(&mut state).expect("it fits");
        assert_eq!(state.version, page.until_seq());
        if !page.has_more() {
            break;
        }
    }
    assert_eq!(lengths, [10, 10, 5]);
    assert_eq!(state, load(store, "r"));
}

fn runs_are_listed_in_pages(store: &impl Store) {
    for name in ["b", "a/1", "ä", "c", "a"] {
        create(store, name);
    }
    append(store, "c", 0, vec![note("a")]);
    let names = |after, at_most| -> Vec<String> {
        let page = block_on(store.list(&Filter::default(), after, at_most)).expect("a list");
        page.into_iter().map(|summary| summary.run).collect()
    };
    assert_eq!(names(None, 2), ["a", "a/1"]);
    assert_eq!(names(Some("a/1"), 2), ["b", "c"]);
    assert_eq!(names(Some("c"), 2), ["ä"]);
    assert_eq!(names(Some("ä"), 2), Vec::<String>::new());
    assert_eq!(names(Some("aa"), 1), ["b"], "a name that is not there");
    let page = block_on(store.list(&Filter::default(), Some("b"), 1)).expect("a list");
    assert_eq!(page[0].version, 1);
    assert_eq!(page[0].status, RunStatus::Pending);
    assert_eq!(page[0].updated_at_ms, LATER);
}

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

fn steps_and_children_come_as_deltas(store: &impl Store) {
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

fn runs_are_listed_by_what_they_belong_to(store: &impl Store) {
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

fn a_clock_that_steps_back_is_not_followed(store: &impl Store) {
    create(store, "r");
    append(store, "r", 0, vec![note("a")]);
    let earlier = UnixMillis(CREATED.0 - 1);
    let appended = block_on(store.append("r", 1, earlier, vec![note("b")]));
    assert_eq!(appended, Ok(2));
    assert_eq!(load(store, "r").updated_at_ms, LATER);
    let delta = block_on(store.since("r", 1, 1)).expect("it exists");
    assert_eq!(delta.events[0].at_ms, LATER);
}

fn compaction_leaves_numbers_and_state_alone(store: &impl Store) {
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

fn a_restored_run_is_the_same(from: &impl Store, to: &impl Store) {
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
fn a_long_run_is_loaded_as_it_was_written(store: &impl Store) {
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

fn a_removed_run_is_gone(store: &impl Store) {
    create(store, "r");
    append(store, "r", 0, vec![note("a")]);
    block_on(store.remove("r")).expect("it exists");
    let run = "r".to_owned();
    assert_eq!(block_on(store.load("r")), Err(StoreError::NotFound { run }));
    create(store, "r");
    assert_eq!(load(store, "r").version, 0, "a new run of an old name");
}

fn an_unknown_run_is_named(store: &impl Store) {
    let run = || "nobody".to_owned();
    let expected = StoreError::NotFound { run: run() };
    assert_eq!(block_on(store.load("nobody")), Err(expected.clone()));
    assert_eq!(block_on(store.since("nobody", 0, 1)), Err(expected.clone()));
    assert_eq!(block_on(store.remove("nobody")), Err(expected.clone()));
    let appended = block_on(store.append("nobody", 0, LATER, Vec::new()));
    assert_eq!(appended, Err(expected.clone()));
    assert_eq!(expected.to_string(), "find run `nobody`");
}

/// Each writer adds its notes one by one, and on a conflict looks what is new and tries again.
fn two_writers_lose_nothing(store: &impl Store) {
    const N_NOTES: usize = 100;
    create(store, "r");
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        for name in ["left", "right"] {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                let mut version = 0;
                for position in 0..N_NOTES {
                    version = append_in_the_end(store, version, &format!("{name} {position}"));
                }
            });
        }
    });
    let delta = block_on(store.since("r", 0, usize::MAX)).expect("it exists");
    let seqs = delta.events.iter().map(|event| event.seq);
    assert!(seqs.eq(1..=2 * N_NOTES as u64), "dense");
    for name in ["left", "right"] {
        let of_writer: Vec<_> = delta
            .events
            .iter()
            .filter_map(|event| match &event.change {
                Change::Noted { payload, .. } => serde_json::from_str(payload.as_str()).ok(),
                _ => None,
            })
            .filter(|text: &String| text.starts_with(name))
            .collect();
        let expected: Vec<_> = (0..N_NOTES).map(|i| format!("{name} {i}")).collect();
        assert_eq!(of_writer, expected, "all, in order");
    }
}

fn append_in_the_end(store: &impl Store, mut version: u64, text: &str) -> u64 {
    loop {
        match block_on(store.append("r", version, LATER, vec![note(text)])) {
            Ok(version) => return version,
            Err(StoreError::Conflict { found, .. }) => version = found,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Each step adds a plan and finishes all its items, so a plan with an open item is a torn read.
fn readers_never_see_half_a_step(store: &impl Store) {
    const N_STEPS: u64 = 200;
    create(store, "r");
    let write = || {
        for step in 0..N_STEPS {
            let done = |item| Change::PlanItemChanged {
                item,
                status: PlanStatus::Done,
            };
            append(store, "r", 3 * step, vec![plan(2), done(0), done(1)]);
        }
    };
    let read = || {
        let state = load(store, "r");
        assert_eq!(state.version % 3, 0, "whole steps");
        let is_done = |item: &PlanItem| item.status == PlanStatus::Done;
        assert!(state.plan.iter().all(is_done));
        let delta = block_on(store.since("r", state.version, usize::MAX)).expect("it exists");
        assert_eq!(delta.events.len() % 3, 0, "whole steps");
        assert_eq!(delta.until_seq(), delta.newest_seq);
        state.version
    };
    std::thread::scope(|scope| {
        scope.spawn(write);
        while read() < 3 * N_STEPS {}
    });
}

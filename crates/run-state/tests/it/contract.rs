//! What every store must do, whatever it keeps its sessions in.
//!
//! A store's own file calls [`check`] with a function that makes an empty one.

use std::sync::Barrier;

use futures::executor::block_on;
use run_state::event::Change;
use run_state::population::{self, Size};
use run_state::session::{Json, PlanItem, PlanStatus, RunStatus, SessionState, UnixMillis};
use run_state::store::Store;
use run_state::{Rejection, StoreError};

/// Runs the whole contract, each part on an empty store.
pub(crate) fn check<S: Store>(make_store: impl Fn() -> S) {
    a_new_session_is_empty(&make_store());
    sessions_are_created_once(&make_store());
    appended_events_are_the_state(&make_store());
    a_stale_write_is_a_conflict(&make_store());
    a_step_is_kept_whole_or_not_at_all(&make_store());
    a_delta_is_what_came_since(&make_store());
    a_long_history_comes_in_pages(&make_store());
    sessions_are_listed_in_pages(&make_store());
    a_removed_session_is_gone(&make_store());
    an_unknown_session_is_named(&make_store());
    two_writers_lose_nothing(&make_store());
    readers_never_see_half_a_step(&make_store());
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

fn create(store: &impl Store, session: &str) {
    block_on(store.create(session, CREATED)).expect("it is new");
}

fn append(store: &impl Store, session: &str, based_on: u64, changes: Vec<Change>) -> u64 {
    block_on(store.append(session, based_on, LATER, changes)).expect("it fits")
}

fn load(store: &impl Store, session: &str) -> SessionState {
    block_on(store.load(session)).expect("it exists")
}

fn a_new_session_is_empty(store: &impl Store) {
    create(store, "s");
    assert_eq!(load(store, "s"), SessionState::new("s", CREATED));
    let delta = block_on(store.since("s", 0, 10)).expect("it exists");
    assert_eq!((delta.newest_seq, delta.events.len()), (0, 0));
    assert!(!delta.has_more());
}

fn sessions_are_created_once(store: &impl Store) {
    create(store, "s");
    append(store, "s", 0, vec![note("kept")]);
    let again = block_on(store.create("s", LATER)).expect_err("it exists");
    let session = "s".to_owned();
    assert_eq!(again, StoreError::Exists { session });
    assert_eq!(load(store, "s").version, 1);
}

fn appended_events_are_the_state(store: &impl Store) {
    let events = population::events(11, Size::Small);
    create(store, "s");
    let mut expected = SessionState::new("s", CREATED);
    for step in events.chunks(7) {
        for event in step {
            let mut event = event.clone();
            event.at_ms = LATER;
            expected.apply(&event).expect("it fits");
        }
        let changes = step.iter().map(|event| event.change.clone()).collect();
        let version = append(store, "s", step[0].seq - 1, changes);
        assert_eq!(version, expected.version);
        assert_eq!(load(store, "s"), expected);
    }
}

fn a_stale_write_is_a_conflict(store: &impl Store) {
    create(store, "s");
    append(store, "s", 0, vec![note("a"), note("b")]);
    for based_on in [0, 1, 3, u64::MAX] {
        let lost = block_on(store.append("s", based_on, LATER, vec![note("c")]));
        let expected = StoreError::Conflict {
            session: "s".to_owned(),
            based_on,
            found: 2,
        };
        assert_eq!(lost, Err(expected));
    }
    assert_eq!(append(store, "s", 2, vec![note("c")]), 3);
}

fn a_step_is_kept_whole_or_not_at_all(store: &impl Store) {
    create(store, "s");
    append(store, "s", 0, vec![plan(2)]);
    let before = load(store, "s");
    let fits = Change::PlanItemChanged {
        item: 1,
        status: PlanStatus::Done,
    };
    let does_not = Change::PlanItemChanged {
        item: 2,
        status: PlanStatus::Done,
    };
    let refused = block_on(store.append("s", 1, LATER, vec![fits, does_not]));
    let source = Rejection::NoSuchPlanItem {
        item: 2,
        n_items: 2,
    };
    let session = "s".to_owned();
    assert_eq!(refused, Err(StoreError::Rejected { session, source }));
    assert_eq!(load(store, "s"), before);
    let delta = block_on(store.since("s", 1, 10)).expect("it exists");
    assert_eq!((delta.newest_seq, delta.events.len()), (1, 0));
    assert_eq!(append(store, "s", 1, Vec::new()), 1, "an empty step is one");
    assert_eq!(append(store, "s", 1, vec![plan(3)]), 2);
}

fn a_delta_is_what_came_since(store: &impl Store) {
    create(store, "s");
    append(store, "s", 0, vec![plan(2), note("a")]);
    let mut state = load(store, "s");
    let changed = Change::PlanItemChanged {
        item: 0,
        status: PlanStatus::InProgress,
    };
    let started = Change::StatusChanged {
        status: RunStatus::Running,
    };
    append(store, "s", 2, vec![changed, started]);
    let delta = block_on(store.since("s", 2, 10)).expect("it exists");
    let seqs: Vec<_> = delta.events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, [3, 4]);
    assert_eq!(delta.session, "s");
    delta.apply_to(&mut state).expect("it fits");
    assert_eq!(state, load(store, "s"));
    let ahead = block_on(store.since("s", 5, 10));
    let expected = StoreError::AheadOfLog {
        session: "s".to_owned(),
        since_seq: 5,
        newest_seq: 4,
    };
    assert_eq!(ahead, Err(expected));
}

fn a_long_history_comes_in_pages(store: &impl Store) {
    create(store, "s");
    let changes = (0..25).map(|i| note(&format!("{i}"))).collect();
    append(store, "s", 0, changes);
    let mut state = SessionState::new("s", CREATED);
    let mut lengths = Vec::new();
    loop {
        let page = block_on(store.since("s", state.version, 10)).expect("it exists");
        lengths.push(page.events.len());
        page.apply_to(&mut state).expect("it fits");
        assert_eq!(state.version, page.until_seq());
        if !page.has_more() {
            break;
        }
    }
    assert_eq!(lengths, [10, 10, 5]);
    assert_eq!(state, load(store, "s"));
}

fn sessions_are_listed_in_pages(store: &impl Store) {
    for name in ["b", "a/1", "ä", "c", "a"] {
        create(store, name);
    }
    append(store, "c", 0, vec![note("a")]);
    let names = |after, at_most| -> Vec<String> {
        let page = block_on(store.list(after, at_most)).expect("a list");
        page.into_iter().map(|summary| summary.session).collect()
    };
    assert_eq!(names(None, 2), ["a", "a/1"]);
    assert_eq!(names(Some("a/1"), 2), ["b", "c"]);
    assert_eq!(names(Some("c"), 2), ["ä"]);
    assert_eq!(names(Some("ä"), 2), Vec::<String>::new());
    assert_eq!(names(Some("aa"), 1), ["b"], "a name that is not there");
    let page = block_on(store.list(Some("b"), 1)).expect("a list");
    assert_eq!(page[0].version, 1);
    assert_eq!(page[0].status, RunStatus::Pending);
    assert_eq!(page[0].updated_at_ms, LATER);
}

fn a_removed_session_is_gone(store: &impl Store) {
    create(store, "s");
    append(store, "s", 0, vec![note("a")]);
    block_on(store.remove("s")).expect("it exists");
    let session = "s".to_owned();
    assert_eq!(
        block_on(store.load("s")),
        Err(StoreError::NotFound { session })
    );
    create(store, "s");
    assert_eq!(load(store, "s").version, 0, "a new session of an old name");
}

fn an_unknown_session_is_named(store: &impl Store) {
    let session = || "nobody".to_owned();
    let expected = StoreError::NotFound { session: session() };
    assert_eq!(block_on(store.load("nobody")), Err(expected.clone()));
    assert_eq!(block_on(store.since("nobody", 0, 1)), Err(expected.clone()));
    assert_eq!(block_on(store.remove("nobody")), Err(expected.clone()));
    let appended = block_on(store.append("nobody", 0, LATER, Vec::new()));
    assert_eq!(appended, Err(expected.clone()));
    assert_eq!(expected.to_string(), "find session `nobody`");
}

/// Each writer adds its notes one by one, and on a conflict looks what is new and tries again.
fn two_writers_lose_nothing(store: &impl Store) {
    const N_NOTES: usize = 100;
    create(store, "s");
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
    let delta = block_on(store.since("s", 0, usize::MAX)).expect("it exists");
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
        match block_on(store.append("s", version, LATER, vec![note(text)])) {
            Ok(version) => return version,
            Err(StoreError::Conflict { found, .. }) => version = found,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Each step adds a plan and finishes all its items, so a plan with an open item is a torn read.
fn readers_never_see_half_a_step(store: &impl Store) {
    const N_STEPS: u64 = 200;
    create(store, "s");
    let write = || {
        for step in 0..N_STEPS {
            let done = |item| Change::PlanItemChanged {
                item,
                status: PlanStatus::Done,
            };
            append(store, "s", 3 * step, vec![plan(2), done(0), done(1)]);
        }
    };
    let read = || {
        let state = load(store, "s");
        assert_eq!(state.version % 3, 0, "whole steps");
        let is_done = |item: &PlanItem| item.status == PlanStatus::Done;
        assert!(state.plan.iter().all(is_done));
        let delta = block_on(store.since("s", state.version, usize::MAX)).expect("it exists");
        assert_eq!(delta.events.len() % 3, 0, "whole steps");
        assert_eq!(delta.until_seq(), delta.newest_seq);
        state.version
    };
    std::thread::scope(|scope| {
        scope.spawn(write);
        while read() < 3 * N_STEPS {}
    });
}

//! What every store must do, whatever it keeps its runs in.
//!
//! A store's own file calls [`check`] with a function that makes an empty one.

use run_state::event::Change;
use run_state::json::Json;
use run_state::plan::{PlanItem, PlanStatus};
use run_state::population::{self, Size};
use run_state::run::{Origin, RunState, RunStatus, UnixMillis};
use run_state::store::{Filter, Store};
use run_state::{Rejection, StoreError};

use crate::places::block_on;

mod concurrent;
mod whole;

/// Runs the whole contract, each part on an empty store.
pub(crate) fn check<S: Store>(make_store: impl Fn() -> S) {
    a_new_run_is_empty(&make_store());
    runs_are_created_once(&make_store());
    appended_events_are_the_state(&make_store());
    a_stale_write_is_a_conflict(&make_store());
    a_step_is_kept_whole_or_not_at_all(&make_store());
    a_delta_is_what_came_since(&make_store());
    a_long_history_comes_in_pages(&make_store());
    whole::steps_and_children_come_as_deltas(&make_store());
    runs_are_listed_in_pages(&make_store());
    whole::runs_are_listed_by_what_they_belong_to(&make_store());
    whole::a_clock_that_steps_back_is_not_followed(&make_store());
    whole::compaction_leaves_numbers_and_state_alone(&make_store());
    whole::a_restored_run_is_the_same(&make_store(), &make_store());
    whole::a_long_run_is_loaded_as_it_was_written(&make_store());
    a_removed_run_is_gone(&make_store());
    an_unknown_run_is_named(&make_store());
    concurrent::two_writers_lose_nothing(&make_store());
    concurrent::readers_never_see_half_a_step(&make_store());
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

//! Writers and readers of one run at the same time.

use std::sync::Barrier;

use run_state::StoreError;
use run_state::event::Change;
use run_state::plan::{PlanItem, PlanStatus};
use run_state::store::Store;

use super::{LATER, append, create, load, note, plan};
use crate::places::block_on;

/// Each writer adds its notes one by one, and on a conflict looks what is new and tries again.
pub(super) fn two_writers_lose_nothing(store: &impl Store) {
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
pub(super) fn readers_never_see_half_a_step(store: &impl Store) {
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

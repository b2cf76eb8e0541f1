//! Every interleaving of requests with each other and with the writer that takes their cell away.

use loom::model;
use loom::sync::Arc;
use loom::thread;

use super::*;
use crate::rate::{Burst, Rate};

const A: Print = Print(7);
const B: Print = Print(8);

/// When the models begin: A's state is this, and requests come at this time.
const NOW: Nanos = 10;

/// A permit per nanosecond, so many at once.
fn gcra(burst: u32) -> Gcra {
    let rate = Rate::per_second(1e9).expect("in range");
    Gcra::new(rate, Burst::new(burst).expect("not zero"))
}

fn cell_of_a() -> Arc<Cell> {
    let cell = Cell::empty();
    cell.assign(A, NOW);
    Arc::new(cell)
}

#[test]
fn two_requests_at_once_share_one_permit() {
    model(|| {
        let cell = cell_of_a();
        let other = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || cell.decide(A, &gcra(1), NOW))
        };
        let mine = cell.decide(A, &gcra(1), NOW);
        let outcomes = [mine, other.join().expect("it ends")];
        let n_allowed = outcomes
            .iter()
            .flatten()
            .filter(|outcome| outcome.is_allowed());
        assert_eq!(n_allowed.count(), 1);
    });
}

#[test]
fn no_permit_of_a_key_is_charged_to_the_next_one() {
    model(|| {
        let cell = cell_of_a();
        let request = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || cell.decide_for(A, &gcra(2), NOW))
        };
        // The writer: A rested, B comes.
        let later = NOW + 5;
        let is_retired = cell.retire_if_idle(later);
        if is_retired {
            cell.assign(B, later);
        }
        let decided = request.join().expect("it ends");
        if is_retired {
            assert_eq!(cell.print(), Some(B));
            assert_eq!(cell.tat.load(Ordering::Relaxed), later, "{decided:?}");
        } else {
            assert_eq!(decided, Probe::Decided(Outcome::Allow));
        }
    });
}

#[test]
fn a_permit_spent_while_the_key_moves_is_not_forgotten() {
    model(|| {
        let cell = cell_of_a();
        let request = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || cell.decide(A, &gcra(2), NOW))
        };
        let taken = cell.take();
        let spent = match request.join().expect("it ends") {
            Some(outcome) => u64::from(outcome.is_allowed()),
            // It will look the key up again.
            None => 0,
        };
        assert_eq!(taken, Some((A, NOW + spent)));
    });
}

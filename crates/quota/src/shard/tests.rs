//! Keys whose prints collide, and arrays that neither fill up nor grow while keys come and go.

use super::*;
use crate::rate::{Burst, Rate};

const SECOND: Nanos = 1_000_000_000;

fn gcra() -> Gcra {
    Gcra::new(Rate::per_second(1.0).expect("in range"), Burst::ONE)
}

/// Thirty prints that name three places, at the end of the ring.
fn colliding(key: u64) -> Print {
    Print::of((key + 1) << 32 | (u64::from(u32::MAX) - key % 3))
}

#[test]
fn colliding_keys_are_found_across_retired_cells_and_the_end_of_the_ring() {
    let shard = Shard::default();
    let mut n_allowed = 0;
    for round in 1..200_u64 {
        let now = round * 2 * SECOND;
        for key in 0..30_u64 {
            // Some keys rest for rounds, and are evicted meanwhile.
            if (key + round).is_multiple_of(1 + key % 5) {
                let print = colliding(key);
                let (outcome, _) = shard.decide_locked(print, &gcra(), now);
                assert!(
                    outcome.is_allowed(),
                    "key {key} has rested in round {round}"
                );
                let again = shard.decide(print, &gcra(), now);
                assert!(
                    again.is_some_and(|outcome| !outcome.is_allowed()),
                    "found, and spent"
                );
                n_allowed += 1;
            }
        }
        if round.is_multiple_of(3) {
            shard.evict_idle(now + SECOND / 2);
        }
        if round.is_multiple_of(30) {
            shard.evict_idle(now + SECOND + 1);
            assert_eq!(shard.n_keys(), 0);
            assert_eq!(shard.writer.lock().n_used, 0, "no trace is left");
        }
    }
    assert!(n_allowed > 2_000, "{n_allowed}");
    assert_eq!(shard.level.load(Ordering::Relaxed), 0, "it never grew");
}

#[test]
fn keys_that_come_and_go_do_not_make_a_shard_grow() {
    let shard = Shard::default();
    for number in 1..20_000_u64 {
        let now = number * SECOND;
        let print = Print::of(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7);
        let (outcome, _) = shard.decide_locked(print, &gcra(), now);
        assert!(outcome.is_allowed());
        if number.is_multiple_of(10) {
            shard.evict_idle(now);
            assert!(shard.n_keys() < 10);
        }
    }
    assert_eq!(shard.level.load(Ordering::Relaxed), 0);
}

//! All or nothing, never over the cap, and given back exactly once.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use super::*;

fn set() -> (CapSet, CapId, CapId) {
    let set = CapSet::new([("parents", 5), ("total", 12)]);
    let parents = set.cap("parents").expect("made with it");
    let total = set.cap("total").expect("made with it");
    (set, parents, total)
}

fn claim(cap: CapId, key: &str) -> Claim<'_> {
    Claim { cap, key }
}

#[test]
fn the_refusal_names_the_cap_that_is_reached() {
    let (set, parents, total) = set();
    let both = [claim(total, "w"), claim(parents, "w")];
    let permits: Vec<_> = (0..5).map(|_| set.acquire(&both).expect("free")).collect();
    let refusal = set.acquire(&both).expect_err("five parents live");
    assert_eq!((&*refusal.cap, refusal.at_most), ("parents", 5));
    let children: Vec<_> = (0..7)
        .map(|_| set.acquire(&[claim(total, "w")]).expect("free"))
        .collect();
    let refusal = set.acquire(&both).expect_err("both are reached");
    assert_eq!(&*refusal.cap, "total", "the first in the order given");
    drop((permits, children));
    assert_eq!(set.live(claim(parents, "w")), 0);
    assert_eq!(set.live(claim(total, "w")), 0);
}

#[test]
fn a_refused_step_takes_nothing() {
    let (set, parents, total) = set();
    let _permits: Vec<_> = (0..5)
        .map(|_| set.acquire(&[claim(parents, "w")]).expect("free"))
        .collect();
    let step = [claim(total, "w"), claim(total, "v"), claim(parents, "w")];
    assert!(set.acquire(&step).is_err());
    assert_eq!(set.live(claim(total, "w")), 0);
    assert_eq!(set.live(claim(total, "v")), 0);
}

#[test]
fn equal_claims_ask_for_several_places() {
    let (set, parents, _) = set();
    let three = [claim(parents, "w"); 3];
    let _first = set.acquire(&three).expect("three of five");
    assert!(set.acquire(&three).is_err());
    assert_eq!(set.live(claim(parents, "w")), 3);
}

#[test]
fn keys_and_caps_are_counted_apart() {
    let (set, parents, total) = set();
    let _permit = set.acquire(&[claim(parents, "w")]).expect("free");
    assert_eq!(set.live(claim(parents, "v")), 0);
    assert_eq!(set.live(claim(total, "w")), 0);
}

#[test]
fn a_cap_of_zero_admits_nothing() {
    let set = CapSet::new([("none", 0)]);
    let none = set.cap("none").expect("made with it");
    assert!(set.acquire(&[claim(none, "w")]).is_err());
}

#[test]
fn a_panic_gives_the_places_back_once() {
    let (set, parents, _) = set();
    let holder = set.acquire(&[claim(parents, "w")]).expect("free");
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _permit = set.acquire(&[claim(parents, "w")]).expect("free");
        assert_eq!(set.live(claim(parents, "w")), 2);
        panic!("the run fails");
    }));
    assert!(unwound.is_err());
    assert_eq!(set.live(claim(parents, "w")), 1);
    drop(holder);
    assert_eq!(set.live(claim(parents, "w")), 0);
}

#[test]
fn a_permit_shows_what_it_holds() {
    let (set, parents, total) = set();
    let permit = set
        .acquire(&[claim(parents, "w"), claim(total, "w")])
        .expect("free");
    assert_eq!(
        format!("{permit:?}"),
        r#"Permit {"parents": "w", "total": "w"}"#
    );
}

/// What the claimants of one key see: how many hold a place now, and the most that ever did.
#[derive(Default)]
struct Watch {
    live: AtomicU32,
    most: AtomicU32,
}

impl Watch {
    fn enter(&self) {
        let live = self.live.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(live, Ordering::SeqCst);
    }

    fn leave(&self) {
        self.live.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn sixty_four_claimants_never_overshoot_in_a_thousand_rounds() {
    const N_CLAIMANTS: usize = 64;
    const N_ROUNDS: usize = 1_000;
    let (set, parents, total) = set();
    let [parents_seen, total_seen] = [Watch::default(), Watch::default()];
    let barrier = Barrier::new(N_CLAIMANTS);
    let n_admitted = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for claimant in 0..N_CLAIMANTS {
            let (set, barrier, n_admitted) = (&set, &barrier, &n_admitted);
            let (parents_seen, total_seen) = (&parents_seen, &total_seen);
            scope.spawn(move || {
                // Two orders of the same claims would deadlock if locks followed the claims.
                let mut claims = vec![claim(parents, "w"), claim(total, "w")];
                if claimant % 2 == 0 {
                    claims.reverse();
                }
                barrier.wait();
                for _ in 0..N_ROUNDS {
                    if let Ok(permit) = set.acquire(&claims) {
                        parents_seen.enter();
                        total_seen.enter();
                        n_admitted.fetch_add(1, Ordering::Relaxed);
                        parents_seen.leave();
                        total_seen.leave();
                        drop(permit);
                    }
                    if let Ok(permit) = set.acquire(&[claim(total, "w")]) {
                        total_seen.enter();
                        std::thread::yield_now();
                        total_seen.leave();
                        drop(permit);
                    }
                }
            });
        }
    });
    let most_parents = parents_seen.most.into_inner();
    let most_total = total_seen.most.into_inner();
    assert!(most_parents <= 5, "{most_parents} parents at once");
    assert!(most_total <= 12, "{most_total} runs at once");
    assert!(n_admitted.into_inner() > 0);
    assert_eq!(set.live(claim(parents, "w")), 0);
    assert_eq!(set.live(claim(total, "w")), 0);
}

#[test]
fn a_rush_on_a_cap_of_five_admits_exactly_five() {
    for _ in 0..50 {
        let (set, parents, _) = set();
        let barrier = Barrier::new(24);
        let permits: Vec<_> = std::thread::scope(|scope| {
            let claimants: Vec<_> = (0..24)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        set.acquire(&[claim(parents, "w")]).ok()
                    })
                })
                .collect();
            let permits = claimants.into_iter().map(|claimant| claimant.join());
            permits
                .filter_map(|permit| permit.expect("no panic"))
                .collect()
        });
        assert_eq!(permits.len(), 5);
    }
}

/// A step of the model: claim a list of (cap, key), or drop the permit at a position.
#[derive(Clone, Debug)]
enum Move {
    Acquire(Vec<(usize, usize)>),
    Release(usize),
}

fn any_moves() -> impl Strategy<Value = Vec<Move>> {
    let acquire = prop::collection::vec((0..2usize, 0..3usize), 1..5).prop_map(Move::Acquire);
    let release = (0..20usize).prop_map(Move::Release);
    prop::collection::vec(prop_oneof![3 => acquire, 2 => release], 1..100)
}

proptest! {
    #[test]
    fn the_set_counts_as_a_plain_map_would(moves in any_moves()) {
        let (set, parents, total) = set();
        let caps = [(parents, 5), (total, 12)];
        let keys = ["u", "v", "w"];
        let mut model: BTreeMap<(usize, usize), u32> = BTreeMap::new();
        let mut held: Vec<(Permit, Vec<(usize, usize)>)> = Vec::new();
        for step in moves {
            match step {
                Move::Acquire(wanted) => {
                    let claims: Vec<_> = wanted.iter().map(|&(cap, key)| claim(caps[cap].0, keys[key])).collect();
                    let mut after = model.clone();
                    for place in &wanted {
                        *after.entry(*place).or_default() += 1;
                    }
                    let fits = after.iter().all(|(&(cap, _), &live)| live <= caps[cap].1);
                    let acquired = set.acquire(&claims);
                    prop_assert_eq!(acquired.is_ok(), fits);
                    if let Ok(permit) = acquired {
                        model = after;
                        held.push((permit, wanted));
                    }
                }
                Move::Release(at) if at < held.len() => {
                    for place in held.swap_remove(at).1 {
                        *model.entry(place).or_default() -= 1;
                    }
                }
                Move::Release(_) => {}
            }
            for (cap, (id, at_most)) in caps.iter().enumerate() {
                for (key, name) in keys.iter().enumerate() {
                    let live = set.live(claim(*id, name));
                    prop_assert_eq!(live, model.get(&(cap, key)).copied().unwrap_or(0));
                    prop_assert!(live <= *at_most);
                }
            }
        }
    }
}

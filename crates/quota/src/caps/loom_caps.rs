//! Every interleaving of two steps that take the same places in opposite order, and of a step with a release.

use loom::model;
use loom::thread;

use super::*;

fn set(at_most: u32) -> (CapSet, [Claim<'static>; 2]) {
    let set = CapSet::reproducible([("parents", at_most), ("total", at_most)]);
    let claim = |name| Claim {
        cap: set.cap(name).expect("made with it"),
        key: "w",
    };
    let claims = ["parents", "total"].map(claim);
    (set, claims)
}

#[test]
fn steps_in_opposite_order_never_block_each_other_nor_share_a_place() {
    model(|| {
        let (set, [parents, total]) = set(1);
        let other = {
            let set = set.clone();
            thread::spawn(move || set.acquire(&[total, parents]))
        };
        let mine = set.acquire(&[parents, total]);
        let permits = [mine, other.join().expect("it ends")];
        assert_eq!(permits.iter().filter(|permit| permit.is_ok()).count(), 1);
        assert_eq!((set.live(parents), set.live(total)), (1, 1));
        drop(permits);
        assert_eq!((set.live(parents), set.live(total)), (0, 0));
    });
}

#[test]
fn a_place_that_is_given_back_while_another_asks_goes_to_one_holder_at_a_time() {
    model(|| {
        let (set, [parents, total]) = set(1);
        let held = set.acquire(&[parents, total]).expect("free");
        let releasing = thread::spawn(move || drop(held));
        let mine = set.acquire(&[total, parents]);
        releasing.join().expect("it ends");
        let n_live = u32::from(mine.is_ok());
        assert_eq!((set.live(parents), set.live(total)), (n_live, n_live));
    });
}

//! Who comes next: turns between namespaces, credit, ageing, lanes and delays, case by case.

use std::time::{Duration, Instant};

use control_plane::key::QueryKey;
use control_plane::queue::order::Order;
use control_plane::queue::{Lane, Priority};

use crate::queue_order::{AGEING_PERIOD, BURST, add, config, pop_and_release};

/// Three namespaces that always wait and have spent their credit, and what is served next of all.
fn busy_order(now: Instant) -> (Order, impl Fn(&mut Order, usize) -> String) {
    let mut order = Order::new(config(1, 1));
    for n in 0..100 {
        for busy in ["a", "b", "c"] {
            add(
                &mut order,
                busy,
                &format!("q{n}"),
                Lane::Start,
                Priority::NORMAL,
                now,
            );
        }
    }
    let namespaces_of_next = move |order: &mut Order, n_pops: usize| {
        let popped = (0..n_pops).filter_map(|_| pop_and_release(order, now));
        let namespaces = popped.filter_map(|key| Some(key.split_once('/')?.0.to_owned()));
        namespaces.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        namespaces_of_next(&mut order, 12),
        ["a b c"; BURST as usize].join(" ")
    );
    (order, namespaces_of_next)
}

#[test]
fn a_namespace_that_asks_seldom_goes_before_those_that_always_wait() {
    let now = Instant::now();
    let (mut order, next) = busy_order(now);
    assert_eq!(next(&mut order, 1), "a");
    add(
        &mut order,
        "seldom",
        "q",
        Lane::Start,
        Priority::NORMAL,
        now,
    );
    assert_eq!(next(&mut order, 4), "seldom b c a");
}

#[test]
fn saved_turns_are_spent_at_once_and_earned_again_by_letting_turns_pass() {
    let now = Instant::now();
    let (mut order, next) = busy_order(now);
    let ask = |order: &mut Order, n_queries: usize, round: &str| {
        for n in 0..n_queries {
            add(
                order,
                "seldom",
                &format!("{round}{n}"),
                Lane::Start,
                Priority::NORMAL,
                now,
            );
        }
    };
    ask(&mut order, 7, "first");
    assert_eq!(next(&mut order, 4), "seldom seldom seldom seldom");
    assert_eq!(
        next(&mut order, 12),
        "a b c seldom a b c seldom a b c seldom"
    );
    assert_eq!(next(&mut order, 6), "a b c a b c", "its turn passed once");
    ask(&mut order, 3, "second");
    assert_eq!(next(&mut order, 8), "seldom a b c seldom a b c");
}

#[test]
fn those_with_credit_take_turns_among_themselves() {
    let now = Instant::now();
    let (mut order, next) = busy_order(now);
    for n in 0..3 {
        for seldom in ["d", "e"] {
            add(
                &mut order,
                seldom,
                &format!("q{n}"),
                Lane::Start,
                Priority::NORMAL,
                now,
            );
        }
    }
    assert_eq!(next(&mut order, 8), "d e d e d e a b");
}

#[test]
fn a_namespace_is_forgotten_once_its_turns_are_saved_up() {
    let mut order = Order::new(config(1, 1));
    let now = Instant::now();
    for n in 0..20 {
        add(
            &mut order,
            "busy",
            &format!("q{n}"),
            Lane::Start,
            Priority::NORMAL,
            now,
        );
    }
    add(
        &mut order,
        "seldom",
        "q",
        Lane::Start,
        Priority::NORMAL,
        now,
    );
    for _ in 0..2 {
        pop_and_release(&mut order, now);
    }
    assert_eq!(order.n_known(), (19, 2), "it has spent one of four");
    pop_and_release(&mut order, now);
    assert_eq!(order.n_known(), (18, 1));
}

#[test]
fn namespaces_that_come_once_do_not_pile_up() {
    let mut order = Order::new(config(1, 1));
    let now = Instant::now();
    for n in 0..1_000 {
        add(
            &mut order,
            &format!("once{n}"),
            "q",
            Lane::Start,
            Priority::NORMAL,
            now,
        );
        pop_and_release(&mut order, now);
        assert!(order.n_known().1 <= 2, "{:?}", order.n_known());
    }
}

#[test]
fn an_old_query_of_the_initial_list_outlasts_a_stream_of_fresh_ones() {
    let mut order = Order::new(config(1, 1));
    let start = Instant::now();
    add(
        &mut order,
        "ns",
        "old",
        Lane::Start,
        Priority::INITIAL,
        start,
    );
    add(
        &mut order,
        "ns",
        "fresh",
        Lane::Start,
        Priority::NORMAL,
        start,
    );
    let mut n_pops = 0;
    loop {
        let now = start + Duration::from_millis(n_pops);
        let key = pop_and_release(&mut order, now).expect("there is always something");
        n_pops += 1;
        if key == "ns/old" {
            break;
        }
        add(
            &mut order,
            "ns",
            &format!("fresh{n_pops}"),
            Lane::Start,
            Priority::NORMAL,
            now,
        );
        assert!(n_pops < 100, "the old one starves");
    }
    assert!(n_pops <= AGEING_PERIOD as u64, "after {n_pops} pops");
}

#[test]
fn fresh_queries_go_before_the_initial_list_of_their_namespace_only() {
    let mut order = Order::new(config(1, 1));
    let now = Instant::now();
    add(
        &mut order,
        "a",
        "initial",
        Lane::Start,
        Priority::INITIAL,
        now,
    );
    add(
        &mut order,
        "b",
        "fresh1",
        Lane::Start,
        Priority::NORMAL,
        now,
    );
    add(
        &mut order,
        "b",
        "fresh2",
        Lane::Start,
        Priority::NORMAL,
        now,
    );
    add(&mut order, "a", "fresh", Lane::Start, Priority::NORMAL, now);
    let popped: Vec<String> = std::iter::from_fn(|| pop_and_release(&mut order, now)).collect();
    assert_eq!(popped, ["a/fresh", "b/fresh1", "a/initial", "b/fresh2"]);
}

#[test]
fn control_goes_on_while_every_in_flight_slot_is_taken() {
    let mut order = Order::new(config(8, 1));
    let now = Instant::now();
    add(&mut order, "ns", "runs", Lane::Start, Priority::NORMAL, now);
    add(
        &mut order,
        "ns",
        "waits",
        Lane::Start,
        Priority::NORMAL,
        now,
    );
    let running = order.pop(now).expect("a slot is free");
    assert_eq!(order.pop(now), None, "the in-flight slot is taken");
    add(
        &mut order,
        "ns",
        "waits",
        Lane::Control,
        Priority::NORMAL,
        now,
    );
    let canceled = order.pop(now).expect("Control needs no in-flight slot");
    assert_eq!(
        (canceled.key.to_string().as_str(), canceled.lane),
        ("ns/waits", Lane::Control)
    );
    order.release(canceled.id, now);
    order.release(running.id, now);
    assert_eq!(
        order.pop(now),
        None,
        "the Control lease answered for the Start add"
    );
}

#[test]
fn a_timer_of_the_control_lane_fires_for_a_key_that_waits_to_start() {
    let mut order = Order::new(config(8, 1));
    let now = Instant::now();
    add(&mut order, "ns", "runs", Lane::Start, Priority::NORMAL, now);
    order.pop(now).expect("a slot is free");
    let key = QueryKey::new("ns", "waits");
    order.add_after(key.clone(), Lane::Control, Duration::from_secs(5), now);
    order.add(key.clone(), Lane::Start, Priority::NORMAL, now);
    let later = now + Duration::from_secs(5);
    assert_eq!(order.next_due(), Some(later));
    order.mature(later);
    let popped = order.pop(later).expect("the deadline of the wait is over");
    assert_eq!((popped.key, popped.lane), (key, Lane::Control));
}

#[test]
fn delays_are_not_waited_for_while_no_worker_slot_is_free() {
    let mut order = Order::new(config(1, 1));
    let now = Instant::now();
    add(&mut order, "ns", "a", Lane::Control, Priority::NORMAL, now);
    order.add_after(
        QueryKey::new("ns", "b"),
        Lane::Control,
        Duration::from_secs(1),
        now,
    );
    let popped = order.pop(now).expect("the slot is free");
    assert_eq!(order.next_due(), None);
    order.release(popped.id, now);
    assert_eq!(order.next_due(), Some(now + Duration::from_secs(1)));
}

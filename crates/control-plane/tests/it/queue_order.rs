//! Properties of the queue's order, held against a model that is too slow to be wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use control_plane::key::QueryKey;
use control_plane::queue::order::{Order, Popped};
use control_plane::queue::{Backoff, Lane, Priority, QueueConfig};
use proptest::prelude::*;

/// The burst of Control pops that the order promises never to exceed while Start could be served.
const CONTROL_BURST: usize = 8;
/// The share of pops that the ageing rule may take.
pub(crate) const AGEING_PERIOD: usize = 8;
/// The turns that a namespace may save up.
pub(crate) const BURST: isize = 4;

#[derive(Debug, Clone)]
enum Op {
    Add(usize, Lane, Priority),
    AddAfter(usize, Lane, Duration),
    Retry(usize, Lane),
    Forget(usize),
    Pop,
    StartExecution(usize),
    Release(usize),
    Pass(Duration),
}

fn lane() -> impl Strategy<Value = Lane> {
    prop_oneof![Just(Lane::Start), Just(Lane::Control)]
}

fn priority() -> impl Strategy<Value = Priority> {
    prop_oneof![
        Just(Priority::NORMAL),
        Just(Priority::INITIAL),
        Just(Priority(7))
    ]
}

fn duration() -> impl Strategy<Value = Duration> {
    (0u64..500).prop_map(Duration::from_millis)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0usize..12, lane(), priority()).prop_map(|(key, lane, priority)| Op::Add(key, lane, priority)),
        2 => (0usize..12, lane(), duration()).prop_map(|(key, lane, delay)| Op::AddAfter(key, lane, delay)),
        1 => (0usize..12, lane()).prop_map(|(key, lane)| Op::Retry(key, lane)),
        1 => (0usize..12).prop_map(Op::Forget),
        6 => Just(Op::Pop),
        1 => (0usize..8).prop_map(Op::StartExecution),
        4 => (0usize..8).prop_map(Op::Release),
        1 => duration().prop_map(Op::Pass),
    ]
}

/// The key of a number; three namespaces.
fn key(number: usize) -> QueryKey {
    QueryKey::new(format!("ns{}", number % 3), format!("q{number}"))
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Ready {
    lane: Lane,
    priority: Priority,
    added: Instant,
    /// When it came to the end of its line.
    turn: usize,
}

#[derive(Debug)]
struct Leased {
    popped: Popped,
    holds_worker: bool,
}

/// The order under test beside a plain description of the same state.
struct Model {
    config: QueueConfig,
    order: Order,
    now: Instant,
    ready_by_key: BTreeMap<QueryKey, Ready>,
    /// When, and which of equal times came first.
    due_by_key: BTreeMap<(QueryKey, Lane), (Instant, usize)>,
    failures_by_key: BTreeMap<QueryKey, u32>,
    leased: Vec<Leased>,
    n_turns: usize,
    n_control_in_a_row: usize,
    /// Pops by (namespace, lane) since one went to a lower priority.
    n_by_rank: BTreeMap<(String, Lane), usize>,
}

impl Model {
    fn new(config: QueueConfig) -> Self {
        Self {
            config,
            order: Order::new(config),
            now: Instant::now(),
            ready_by_key: BTreeMap::new(),
            due_by_key: BTreeMap::new(),
            failures_by_key: BTreeMap::new(),
            leased: Vec::new(),
            n_turns: 0,
            n_control_in_a_row: 0,
            n_by_rank: BTreeMap::new(),
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Add(number, lane, priority) => {
                let is_new = self.order.add(key(*number), *lane, *priority, self.now);
                self.due_by_key.remove(&(key(*number), *lane));
                let expected = self.make_ready(key(*number), *lane, *priority, self.now);
                assert_eq!(is_new, expected, "an add counts once per wait");
            }
            Op::AddAfter(number, lane, delay) => {
                self.order.add_after(key(*number), *lane, *delay, self.now);
                self.delay(key(*number), *lane, *delay);
            }
            Op::Retry(number, lane) => {
                let n_failures = self.failures_by_key.entry(key(*number)).or_default();
                *n_failures += 1;
                let expected = self.config.backoff.delay(*n_failures);
                let delay = self.order.retry(key(*number), *lane, self.now);
                assert_eq!(delay, expected, "only retries lengthen the back-off");
                self.delay(key(*number), *lane, delay);
            }
            Op::Forget(number) => {
                self.order.forget(&key(*number));
                self.failures_by_key.remove(&key(*number));
            }
            Op::Pop => self.pop(),
            Op::StartExecution(nth) => self.start_execution(*nth),
            Op::Release(nth) => self.release(*nth),
            Op::Pass(time) => self.now += *time,
        }
        self.check();
    }

    /// As the order should: the first add counts, the stronger lane and the higher priority win.
    fn make_ready(
        &mut self,
        key: QueryKey,
        lane: Lane,
        priority: Priority,
        added: Instant,
    ) -> bool {
        self.n_turns += 1;
        let turn = self.n_turns;
        let Some(ready) = self.ready_by_key.get_mut(&key) else {
            let ready = Ready {
                lane,
                priority,
                added,
                turn,
            };
            self.ready_by_key.insert(key, ready);
            return true;
        };
        let stronger = (ready.lane.max(lane), ready.priority.max(priority));
        if stronger != (ready.lane, ready.priority) {
            (ready.lane, ready.priority) = stronger;
            ready.turn = turn;
        }
        false
    }

    fn delay(&mut self, key: QueryKey, lane: Lane, delay: Duration) {
        if self
            .ready_by_key
            .get(&key)
            .is_some_and(|ready| ready.lane == lane)
        {
            return;
        }
        let due = self.now + delay;
        self.n_turns += 1;
        let asked = (due, self.n_turns);
        let earliest = self.due_by_key.entry((key, lane)).or_insert(asked);
        if due < earliest.0 {
            *earliest = asked;
        }
    }

    fn mature(&mut self) {
        while let Some(((key, lane), (due, _))) = self
            .due_by_key
            .iter()
            .map(|(key, due)| (key.clone(), *due))
            .filter(|(_, (due, _))| *due <= self.now)
            .min_by_key(|(_, due)| *due)
        {
            self.due_by_key.remove(&(key.clone(), lane));
            self.make_ready(key, lane, Priority::NORMAL, due);
        }
    }

    fn waiting(&self) -> impl Iterator<Item = (&QueryKey, &Ready)> {
        self.ready_by_key
            .iter()
            .filter(|(key, _)| !self.leased.iter().any(|leased| leased.popped.key == **key))
    }

    fn can_pop(&self, lane: Lane) -> bool {
        let n_workers = self
            .leased
            .iter()
            .filter(|leased| leased.holds_worker)
            .count();
        n_workers < self.config.max_concurrent_reconciles
            && (lane == Lane::Control || self.n_in_flight() < self.config.max_in_flight)
            && self.waiting().any(|(_, ready)| ready.lane == lane)
    }

    fn n_in_flight(&self) -> usize {
        let leased = self.leased.iter();
        leased
            .filter(|leased| leased.popped.lane == Lane::Start)
            .count()
    }

    fn pop(&mut self) {
        self.order.mature(self.now);
        self.mature();
        let control = self.can_pop(Lane::Control);
        let start = self.can_pop(Lane::Start);
        let Some(popped) = self.order.pop(self.now) else {
            assert!(!control && !start, "there was something to pop");
            return;
        };
        match popped.lane {
            Lane::Control => {
                assert!(control, "{popped:?} was not to be popped");
                self.n_control_in_a_row = if start {
                    self.n_control_in_a_row + 1
                } else {
                    0
                };
                assert!(self.n_control_in_a_row <= CONTROL_BURST, "Start is starved");
            }
            Lane::Start => {
                assert!(start, "{popped:?} was not to be popped");
                let burst_is_over = self.n_control_in_a_row >= CONTROL_BURST;
                assert!(!control || burst_is_over, "Start went before Control");
                self.n_control_in_a_row = 0;
            }
        }
        let in_lane: Vec<(QueryKey, Ready)> = self
            .waiting()
            .filter(|(key, ready)| {
                key.namespace == popped.key.namespace && ready.lane == popped.lane
            })
            .map(|(key, ready)| (key.clone(), *ready))
            .collect();
        let ready = in_lane
            .iter()
            .find(|(key, _)| *key == popped.key)
            .map(|(_, ready)| *ready)
            .expect("a popped key was waiting");
        assert_eq!(popped.waited, self.now - ready.added);
        let is_first = in_lane
            .iter()
            .filter(|(_, other)| other.priority == ready.priority)
            .all(|(_, other)| other.turn >= ready.turn);
        assert!(
            is_first,
            "first in, first out within namespace and priority"
        );
        let is_highest = in_lane
            .iter()
            .all(|(_, other)| other.priority <= ready.priority);
        let rank = (popped.key.namespace.to_string(), popped.lane);
        let n_since = self.n_by_rank.entry(rank).or_insert(0);
        *n_since += 1;
        if !is_highest {
            assert!(*n_since >= AGEING_PERIOD, "ageing takes at most its share");
            *n_since = 0;
            assert!(
                in_lane.iter().all(|(_, other)| {
                    other.added >= ready.added
                        || other.turn > ready.turn
                        || in_lane.iter().any(|(_, head)| {
                            head.priority == other.priority && head.turn < other.turn
                        })
                }),
                "ageing takes the oldest head"
            );
        }
        self.ready_by_key.remove(&popped.key);
        self.leased.push(Leased {
            popped,
            holds_worker: true,
        });
    }

    fn start_execution(&mut self, nth: usize) {
        let now = self.now;
        if let Some(leased) = self.leased.get_mut(nth) {
            let worked = self.order.start_execution(leased.popped.id, now);
            assert_eq!(
                worked.is_some(),
                leased.holds_worker,
                "a slot is given back once"
            );
            leased.holds_worker = false;
        }
    }

    fn release(&mut self, nth: usize) {
        if nth >= self.leased.len() {
            return;
        }
        let leased = self.leased.remove(nth);
        let worked = self.order.release(leased.popped.id, self.now);
        assert_eq!(
            worked.is_some(),
            leased.holds_worker,
            "a slot is given back once"
        );
        self.n_turns += 1;
        let turn = self.n_turns;
        if let Some(ready) = self.ready_by_key.get_mut(&leased.popped.key) {
            ready.turn = turn;
        }
    }

    fn check(&self) {
        let keys: BTreeSet<_> = self
            .leased
            .iter()
            .map(|leased| &leased.popped.key)
            .collect();
        assert_eq!(keys.len(), self.leased.len(), "a key is leased once");
        assert_eq!(self.order.len(), self.ready_by_key.len());
        assert_eq!(self.order.n_delayed(), self.due_by_key.len());
        assert_eq!(self.order.n_leased(), self.leased.len());
        assert_eq!(self.order.n_in_flight(), self.n_in_flight());
        assert_eq!(
            self.order.can_pop(),
            self.can_pop(Lane::Control) || self.can_pop(Lane::Start)
        );
        let standing = self.order.standing(self.now);
        let n_in_depth: usize = standing.depth_by_priority.iter().map(|(_, n)| n).sum();
        assert_eq!(n_in_depth, self.ready_by_key.len());
    }

    /// Hands everything out and takes it back: what was asked for comes, and then nothing is kept.
    fn drain(&mut self) {
        while !self.leased.is_empty() {
            self.apply(&Op::Release(0));
        }
        self.apply(&Op::Pass(Duration::from_secs(3_600)));
        while self.order.n_delayed() > 0 || !self.order.is_empty() {
            self.apply(&Op::Pop);
            self.apply(&Op::Release(0));
        }
        assert!(
            self.ready_by_key.is_empty() && self.due_by_key.is_empty(),
            "nothing is lost"
        );
        for number in 0..12 {
            self.apply(&Op::Forget(number));
        }
        assert_eq!(self.order.n_known().0, 0, "nothing is kept of idle keys");
        for lane in [Lane::Start, Lane::Control] {
            for n in 0..4 * BURST {
                add(
                    &mut self.order,
                    "other",
                    &format!("q{n}"),
                    lane,
                    Priority::NORMAL,
                    self.now,
                );
                pop_and_release(&mut self.order, self.now);
            }
        }
        assert_eq!(
            self.order.n_known(),
            (0, 1),
            "nothing is kept of namespaces once others were served"
        );
    }
}

pub(crate) fn config(max_concurrent_reconciles: usize, max_in_flight: usize) -> QueueConfig {
    QueueConfig {
        max_concurrent_reconciles,
        max_in_flight,
        backoff: Backoff::default(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_order_does_what_its_model_does(
        ops in prop::collection::vec(op(), 0..300),
        n_workers in 1usize..5,
        max_in_flight in 1usize..4,
    ) {
        let mut model = Model::new(config(n_workers, max_in_flight));
        for op in &ops {
            model.apply(op);
        }
        model.drain();
    }

    #[test]
    fn nobody_is_served_much_more_often_than_a_namespace_that_waits(
        steps in prop::collection::vec((0usize..6, 0usize..6), 1..400),
        noise in 1usize..4,
    ) {
        let mut order = Order::new(config(1, 1));
        let now = Instant::now();
        let mut n_waiting = [0usize; 6];
        // By (waiting, other): how often the other was served more than the waiting one since its wait began.
        let mut leads = [[0isize; 6]; 6];
        for (n_query, (namespace, n_pops)) in steps.into_iter().enumerate() {
            // Most adds go to one noisy namespace.
            let namespace = if n_query % noise == 0 { namespace } else { 0 };
            let key = QueryKey::new(format!("ns{namespace}"), format!("q{n_query}"));
            order.add(key, Lane::Start, Priority::NORMAL, now);
            n_waiting[namespace] += 1;
            for _ in 0..n_pops / 3 {
                let Some(popped) = order.pop(now) else { break };
                order.release(popped.id, now);
                let served: usize = popped.key.namespace[2..].parse().expect("a number");
                n_waiting[served] -= 1;
                for waiting in 0..6 {
                    if n_waiting[waiting] == 0 {
                        leads[waiting] = [0; 6];
                        continue;
                    }
                    leads[waiting][served] += 1;
                    for other in (0..6).filter(|_| served == waiting) {
                        leads[waiting][other] -= 1;
                    }
                    prop_assert!(leads[waiting].iter().all(|lead| *lead <= BURST + 1), "{leads:?}");
                }
            }
        }
    }
}

pub(crate) fn add(
    order: &mut Order,
    namespace: &str,
    name: &str,
    lane: Lane,
    priority: Priority,
    now: Instant,
) {
    order.add(QueryKey::new(namespace, name), lane, priority, now);
}

pub(crate) fn pop_and_release(order: &mut Order, now: Instant) -> Option<String> {
    let popped = order.pop(now)?;
    order.release(popped.id, now);
    Some(popped.key.to_string())
}

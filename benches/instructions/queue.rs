//! Twins of the suite `queue`.

use std::time::Instant;

use benches::twins::queue::{self as twins, backlog, ordered};
use control_plane::queue::Queue;
use control_plane::queue::order::Order;
use iai_callgrind::{library_benchmark, library_benchmark_group};

#[library_benchmark(setup = backlog)]
#[bench::_1k_waiting(1_000)]
#[bench::_30k_waiting(30_000)]
fn hand_out(queue: Queue) -> Queue {
    twins::hand_out(queue)
}

#[library_benchmark(setup = ordered)]
#[bench::_30k_waiting(30_000)]
fn order(ordered: (Order, Instant)) -> Order {
    twins::order(ordered)
}

library_benchmark_group!(name = queue; benchmarks = hand_out, order);

//! Twins of the suite `transition`: a hundred decisions each, so that what surrounds the code weighs nothing.

use std::hint::black_box;

use benches::cases::{
    claimed, execution, now, running as running_query, seen as seen_event, unclaimed,
};
use control_plane::transition::{Event, Execution, transition};
use iai_callgrind::{library_benchmark, library_benchmark_group};
use query_api::query::{Phase, Query};

const N_ROUNDS: usize = 100;

fn finished(n_targets: usize) -> (Query, Execution) {
    let query = running_query(n_targets);
    let execution = execution(&query);
    (query, execution)
}

// What goes in comes out again, so that dropping it is not counted.

#[library_benchmark]
#[bench::claim(unclaimed(Phase::Pending))]
#[bench::start(claimed(Phase::Pending))]
#[bench::resume(claimed(Phase::Running))]
#[bench::keep(claimed(Phase::Done))]
fn seen(query: Query) -> Query {
    let event = seen_event();
    for _ in 0..N_ROUNDS {
        black_box(transition(black_box(&query), black_box(&event), now()));
    }
    query
}

#[library_benchmark(setup = finished)]
#[bench::_1_target(1)]
#[bench::_64_targets(64)]
fn executed((query, execution): (Query, Execution)) -> (Query, Execution) {
    for _ in 0..N_ROUNDS {
        let event = Event::Executed(&execution);
        black_box(transition(black_box(&query), black_box(&event), now()));
    }
    (query, execution)
}

library_benchmark_group!(name = transition; benchmarks = seen, executed);

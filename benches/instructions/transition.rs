//! Twins of the suite `transition`.

use benches::twins::transition::{self as twins, running, unclaimed};
use control_plane::transition::Execution;
use iai_callgrind::{library_benchmark, library_benchmark_group};
use query_api::query::Query;

#[library_benchmark]
#[bench::new(setup = unclaimed)]
fn seen(query: Query) -> (Query, usize) {
    twins::seen(query)
}

#[library_benchmark(setup = running)]
#[bench::_1_target(1)]
#[bench::_16_targets(16)]
#[bench::_256_targets(256)]
fn executed(running: (Query, Execution)) -> (Query, Execution, usize) {
    twins::executed(running)
}

library_benchmark_group!(name = transition; benchmarks = seen, executed);

//! Twins of the suite `fan_out`.

use benches::twins::fan_out::{self as twins, Bare};
use iai_callgrind::{library_benchmark, library_benchmark_group};

#[library_benchmark(setup = Bare::of)]
#[bench::_1_target(1)]
#[bench::_16_targets(16)]
#[bench::_256_targets(256)]
fn all_succeed(bare: Bare) -> (Bare, usize) {
    twins::all_succeed(bare)
}

library_benchmark_group!(name = fan_out; benchmarks = all_succeed);

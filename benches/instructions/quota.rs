//! Twins of the suite `quota`.

use ::quota::caps::{CapId, CapSet};
use ::quota::limiter::LimitId;
use benches::twins::quota::{self as twins, Handle, RateLimiter, capped, fresh, named, spent};
use iai_callgrind::{library_benchmark, library_benchmark_group};

#[library_benchmark]
#[bench::_1_workspace(setup = fresh)]
fn handle_allow(handle: Handle) -> (Handle, usize) {
    twins::handle_allow(handle)
}

#[library_benchmark]
#[bench::_1_workspace(setup = spent)]
fn handle_deny(handle: Handle) -> (Handle, usize) {
    twins::handle_deny(handle)
}

#[library_benchmark(setup = named)]
#[bench::_1k_workspaces(1_000)]
fn name_allow(named: (RateLimiter, LimitId, Vec<String>)) -> (RateLimiter, Vec<String>, usize) {
    twins::name_allow(named)
}

#[library_benchmark]
#[bench::_1_workspace(setup = capped)]
fn caps_acquire_release(capped: (CapSet, [CapId; 2])) -> CapSet {
    twins::caps_acquire_release(capped)
}

library_benchmark_group!(
    name = quota;
    benchmarks = handle_allow, handle_deny, name_allow, caps_acquire_release
);

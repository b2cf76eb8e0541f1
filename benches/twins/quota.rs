//! The paths of the suite `quota`: a thousand checks each, so that what surrounds the code weighs nothing.
//!
//! Their clock stands. The counting machine is too slow for the processor's own, and the standard clock in its place
//! would be most of a check, and a few instructions more or less each time.

use std::hint::black_box;

use ::quota::caps::{CapId, CapSet, Claim};
use ::quota::clock::ManualClock;
use ::quota::limiter::{self, LimitId};
use ::quota::rate::{Burst, Rate};

/// A limiter on a clock that stands.
pub type RateLimiter = limiter::RateLimiter<ManualClock>;

/// A prepared check of it.
pub type Handle = limiter::Handle<ManualClock>;

const N_CHECKS: usize = 1_000;

/// A rate that never runs out.
fn never_spent() -> (RateLimiter, LimitId) {
    limiter(1e9, 1_000_000_000)
}

/// A rate whose only permit is taken.
pub fn spent() -> Handle {
    let (limiter, limit) = limiter(1.0 / 3_600.0, 1);
    let handle = limiter.handle("workspace", limit);
    assert!(handle.check().is_allowed());
    handle
}

fn limiter(per_second: f64, burst: u32) -> (RateLimiter, LimitId) {
    let rate = Rate::per_second(per_second).expect("in range");
    let burst = Burst::new(burst).expect("not zero");
    let limiter = RateLimiter::reproducible([("limit", rate, burst)]);
    let limit = limiter.limit("limit").expect("made with it");
    (limiter, limit)
}

/// A handle of a rate that never runs out.
pub fn fresh() -> Handle {
    let (limiter, limit) = never_spent();
    let handle = limiter.handle("workspace", limit);
    assert!(handle.check().is_allowed());
    handle
}

fn workspaces(n_workspaces: usize) -> Vec<String> {
    (0..n_workspaces)
        .map(|number| format!("workspace-{number:06}"))
        .collect()
}

/// A rate that never runs out, and workspaces that it knows.
pub fn named(n_workspaces: usize) -> (RateLimiter, LimitId, Vec<String>) {
    let (limiter, limit) = never_spent();
    let workspaces = workspaces(n_workspaces);
    for workspace in &workspaces {
        assert!(limiter.check(workspace, limit).is_allowed());
    }
    (limiter, limit, workspaces)
}

/// Two caps with room.
pub fn capped() -> (CapSet, [CapId; 2]) {
    let caps = CapSet::reproducible([("parent_runs", 5), ("total_runs", 12)]);
    let ids = ["parent_runs", "total_runs"].map(|name| caps.cap(name).expect("made with it"));
    (caps, ids)
}

fn n_allowed(handle: &Handle) -> usize {
    let checks = 0..N_CHECKS;
    checks
        .filter(|_| black_box(handle).check().is_allowed())
        .count()
}

/// Checks by handle that are allowed.
pub fn handle_allow(handle: Handle) -> (Handle, usize) {
    let n_allowed = n_allowed(&handle);
    (handle, n_allowed)
}

/// Checks by handle that are denied.
pub fn handle_deny(handle: Handle) -> (Handle, usize) {
    let n_allowed = n_allowed(&handle);
    (handle, n_allowed)
}

/// Checks by name that are allowed, each of another workspace.
pub fn name_allow(
    (limiter, limit, workspaces): (RateLimiter, LimitId, Vec<String>),
) -> (RateLimiter, Vec<String>, usize) {
    let visits = workspaces.iter().cycle().take(N_CHECKS);
    let n_allowed = visits
        .filter(|workspace| limiter.check(black_box(workspace), limit).is_allowed())
        .count();
    (limiter, workspaces, n_allowed)
}

/// Takes places under both caps and gives them back.
pub fn caps_acquire_release((caps, ids): (CapSet, [CapId; 2])) -> CapSet {
    for _ in 0..N_CHECKS {
        let claims = ids.map(|cap| Claim {
            cap,
            key: black_box("workspace"),
        });
        assert!(black_box(caps.acquire(&claims)).is_ok());
    }
    caps
}

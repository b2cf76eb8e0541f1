//! One key, many ways to reach it: by name, by handle, after eviction, from many threads.

use std::sync::Barrier;
use std::time::Duration;

use super::*;
use crate::clock::ManualClock;

fn limiter(clock: &ManualClock) -> (RateLimiter<ManualClock>, LimitId) {
    let rates = [
        ("create", rate(10.0), burst(3)),
        ("tick", rate(1.0), burst(1)),
    ];
    let limiter = RateLimiter::with_clock(rates, clock.clone());
    let create = limiter.limit("create").expect("made with it");
    (limiter, create)
}

fn rate(per_second: f64) -> Rate {
    Rate::per_second(per_second).expect("in range")
}

fn burst(permits: u32) -> Burst {
    Burst::new(permits).expect("not zero")
}

fn count_allowed(mut check: impl FnMut() -> Outcome, n_requests: usize) -> usize {
    (0..n_requests).filter(|_| check().is_allowed()).count()
}

#[test]
fn workspaces_and_limits_do_not_share_permits() {
    let clock = ManualClock::default();
    let (limiter, create) = limiter(&clock);
    let tick = limiter.limit("tick").expect("made with it");
    assert_eq!(count_allowed(|| limiter.check("a", create), 10), 3);
    assert_eq!(count_allowed(|| limiter.check("b", create), 10), 3);
    assert_eq!(count_allowed(|| limiter.check("a", tick), 10), 1);
    assert_eq!(limiter.limit("other"), None);
}

#[test]
fn a_handle_and_a_name_share_permits() {
    let clock = ManualClock::default();
    let (limiter, create) = limiter(&clock);
    let handle = limiter.handle("a", create);
    assert!(handle.check().is_allowed());
    assert_eq!(count_allowed(|| limiter.check("a", create), 10), 2);
    clock.advance(Duration::from_millis(100));
    assert!(handle.check().is_allowed());
    assert!(!limiter.check("a", create).is_allowed());
}

#[test]
fn the_denial_names_the_limit_and_the_time() {
    let clock = ManualClock::default();
    let (limiter, create) = limiter(&clock);
    for _ in 0..3 {
        assert_eq!(limiter.decide("a", create), Decision::Allowed);
    }
    let decision = limiter.decide("a", create);
    assert_eq!(
        decision.to_string(),
        "rate create exceeded, retry after 100ms"
    );
}

#[test]
fn eviction_forgets_the_rested_and_changes_no_decision() {
    let clock = ManualClock::default();
    clock.set(1);
    let (evicting, create) = limiter(&clock);
    let (keeping, _) = limiter(&clock);
    let mut most_states = 0;
    for step in 0..5_000_u64 {
        clock.advance(Duration::from_millis(7));
        let workspace = format!("workspace-{}", (step * step) % 97);
        let expected = keeping.check(&workspace, create);
        assert_eq!(evicting.check(&workspace, create), expected, "step {step}");
        evicting.evict_idle();
        most_states = most_states.max(evicting.n_states());
    }
    assert!(most_states < 45, "{most_states} states kept");
    clock.advance(Duration::from_secs(1));
    evicting.evict_idle();
    assert_eq!(evicting.n_states(), 0);
}

#[test]
fn a_handle_keeps_its_state_from_eviction() {
    let clock = ManualClock::default();
    let (limiter, create) = limiter(&clock);
    let handle = limiter.handle("a", create);
    clock.advance(Duration::from_secs(60));
    assert_eq!(limiter.evict_idle(), 0);
    assert_eq!(count_allowed(|| handle.check(), 10), 3);
    assert_eq!(count_allowed(|| limiter.check("a", create), 10), 0);
    drop(handle);
    clock.advance(Duration::from_secs(60));
    assert_eq!(limiter.evict_idle(), 1);
}

#[test]
fn keys_of_every_length_are_told_apart() {
    let clock = ManualClock::default();
    let (limiter, create) = limiter(&clock);
    let workspaces: Vec<String> = (0..200).map(|length| "x".repeat(length)).collect();
    for workspace in &workspaces {
        assert_eq!(count_allowed(|| limiter.check(workspace, create), 5), 3);
    }
    assert_eq!(limiter.n_states(), 200);
    for workspace in &workspaces {
        assert!(!limiter.check(workspace, create).is_allowed());
        let handle = limiter.handle(workspace, create);
        assert!(!handle.check().is_allowed());
    }
    clock.advance(Duration::from_secs(10));
    assert_eq!(limiter.evict_idle(), 200);
}

/// Runs a body on several threads that start together.
fn on_threads(n_threads: usize, body: impl Fn(usize) + Sync) {
    let barrier = Barrier::new(n_threads);
    std::thread::scope(|scope| {
        for thread in 0..n_threads {
            let (barrier, body) = (&barrier, &body);
            scope.spawn(move || {
                barrier.wait();
                body(thread);
            });
        }
    });
}

#[test]
fn threads_together_get_the_burst_and_no_more() {
    let clock = ManualClock::default();
    let rates = [("create", rate(10.0), burst(1_000))];
    let limiter = RateLimiter::with_clock(rates, clock);
    let create = limiter.limit("create").expect("made with it");
    let handle = limiter.handle("a", create);
    let allowed = std::sync::atomic::AtomicUsize::new(0);
    on_threads(8, |thread| {
        let count = if thread % 2 == 0 {
            count_allowed(|| limiter.check("a", create), 500)
        } else {
            count_allowed(|| handle.check(), 500)
        };
        allowed.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(allowed.into_inner(), 1_000);
}

/// Time stands, so every workspace may be allowed its burst once between two advances, however
/// its cell is evicted, reused and found again meanwhile.
#[test]
fn no_permit_is_lost_or_invented_while_cells_change_hands() {
    const N_WORKSPACES: usize = 300;
    const N_ROUNDS: usize = 30;
    let clock = ManualClock::default();
    let (limiter, create) = limiter(&clock);
    let workspaces: Vec<String> = (0..N_WORKSPACES)
        .map(|i| format!("workspace-{i}"))
        .collect();
    for round in 0..N_ROUNDS {
        // Long enough for every state to rest.
        clock.advance(Duration::from_secs(1));
        let allowed: Vec<_> = (0..N_WORKSPACES)
            .map(|_| std::sync::atomic::AtomicUsize::new(0))
            .collect();
        on_threads(4, |thread| {
            if thread == 0 {
                for _ in 0..20 {
                    limiter.evict_idle();
                }
                return;
            }
            for step in 0..N_WORKSPACES * 2 {
                // A third of the workspaces sits out each round, and is evicted.
                let index = (step * (2 * thread + 1)) % N_WORKSPACES;
                if index % 3 != round % 3 {
                    let count = count_allowed(|| limiter.check(&workspaces[index], create), 2);
                    allowed[index].fetch_add(count, std::sync::atomic::Ordering::Relaxed);
                }
            }
        });
        for (index, allowed) in allowed.into_iter().enumerate() {
            let expected = if index % 3 == round % 3 { 0 } else { 3 };
            assert_eq!(
                allowed.into_inner(),
                expected,
                "round {round}, workspace {index}"
            );
        }
    }
}

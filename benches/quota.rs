//! What does it cost to ask whether a workspace may go on: by handle, by name, and under caps?
//!
//! Timed: one check, or one acquisition with its release. `handle` is a prepared check, `name` looks the workspace up
//! by its string, `governor` is that crate's keyed limiter with the same strings in the same order, and
//! `governor_direct` its limiter without keys. `allow` spends a permit of a rate that never runs out, `deny` asks one
//! that is spent. With two threads it is the time of one check of each; they share all workspaces, so that one
//! workspace is fought for.
//! Not timed: making limiters, and first requests. The order of the visits has nothing to do with that of the first
//! requests, so that what a limiter keeps for 100k workspaces is touched at random; the strings and handles themselves
//! lie in the order of the visits, at hand like those of a request that has just come.
//! Do not conclude anything about limits kept outside the process, which cost a thousand times as much.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use benches::{Suite, suite_main};
use criterion::Bencher;
use criterion::measurement::WallTime;
use governor::DefaultKeyedRateLimiter;
use quota::caps::{CapSet, Claim};
use quota::limiter::{Handle, LimitId, RateLimiter};
use quota::rate::{Burst, Rate};

/// One hot workspace, the first cache, beyond the second.
const SIZES: [Size; 3] = [
    Size {
        n_workspaces: 1,
        one_thread: "1_workspace",
        two_threads: "1_workspace_2_threads",
    },
    Size {
        n_workspaces: 1_000,
        one_thread: "1k_workspaces",
        two_threads: "1k_workspaces_2_threads",
    },
    Size {
        n_workspaces: 100_000,
        one_thread: "100k_workspaces",
        two_threads: "100k_workspaces_2_threads",
    },
];

struct Size {
    n_workspaces: usize,
    one_thread: &'static str,
    two_threads: &'static str,
}

/// What the rate does to every request of a case.
#[derive(Clone, Copy)]
enum Answer {
    Allow,
    Deny,
}

impl Answer {
    /// A billion per second with as much burst, or one per hour without.
    fn limiter(self) -> (RateLimiter, LimitId) {
        let (per_second, burst) = match self {
            Self::Allow => (1e9, 1_000_000_000),
            Self::Deny => (1.0 / 3_600.0, 1),
        };
        let rate = Rate::per_second(per_second).expect("in range");
        let burst = Burst::new(burst).expect("not zero");
        let limiter = RateLimiter::new([("limit", rate, burst)]);
        let limit = limiter.limit("limit").expect("made with it");
        (limiter, limit)
    }

    fn governor(self) -> governor::Quota {
        let most = NonZeroU32::new(1_000_000_000).expect("not zero");
        match self {
            Self::Allow => governor::Quota::per_second(most).allow_burst(most),
            Self::Deny => governor::Quota::per_hour(NonZeroU32::MIN),
        }
    }

    /// The first request takes the only permit of the spent rate; the second gets what the case is about.
    fn check(self, mut is_allowed: impl FnMut() -> bool) {
        is_allowed();
        assert_eq!(is_allowed(), matches!(self, Self::Allow));
    }
}

fn allow(suite: &mut Suite<'_>) {
    for size in &SIZES {
        let names = ["handle_allow", "name_allow", "governor_allow"];
        one_thread(suite, size, Answer::Allow, names);
    }
}

fn deny(suite: &mut Suite<'_>) {
    for size in &SIZES {
        let names = ["handle_deny", "name_deny", "governor_deny"];
        one_thread(suite, size, Answer::Deny, names);
    }
}

/// A handle has no key; neither has governor's direct limiter, which is the closest to it.
fn direct(suite: &mut Suite<'_>) {
    for (case, answer) in [
        ("governor_direct_allow", Answer::Allow),
        ("governor_direct_deny", Answer::Deny),
    ] {
        let limiter = governor::RateLimiter::direct(answer.governor());
        answer.check(|| limiter.check().is_ok());
        suite.case(case, "1_workspace", |bencher| {
            bencher.iter(|| limiter.check().is_ok());
        });
    }
}

fn one_thread(suite: &mut Suite<'_>, size: &Size, answer: Answer, names: [&'static str; 3]) {
    let n_workspaces = suite.population(size.n_workspaces, 100);
    let [by_handle, by_name, by_governor] = names;
    let parameter = size.one_thread;
    let set_up = || prepared_handles(n_workspaces, answer);
    suite.prepared(by_handle, parameter, set_up, |bencher, handles| {
        each(bencher, handles, |handle| handle.check().is_allowed());
    });
    let set_up = || prepared_names(n_workspaces, answer);
    suite.prepared(
        by_name,
        parameter,
        set_up,
        |bencher, (limiter, limit, workspaces)| {
            each(bencher, workspaces, |workspace| {
                limiter.check(workspace, *limit).is_allowed()
            });
        },
    );
    let set_up = || prepared_governor(n_workspaces, answer);
    suite.prepared(
        by_governor,
        parameter,
        set_up,
        |bencher, (limiter, workspaces)| {
            each(bencher, workspaces, |workspace| {
                limiter.check_key(workspace).is_ok()
            });
        },
    );
}

fn allow_on_two_threads(suite: &mut Suite<'_>) {
    for size in &SIZES {
        let n_workspaces = suite.population(size.n_workspaces, 100);
        let parameter = size.two_threads;
        let set_up = || prepared_handles(n_workspaces, Answer::Allow);
        suite.prepared("handle_allow", parameter, set_up, |bencher, handles| {
            each_on_two_threads(bencher, handles, |handle| handle.check().is_allowed());
        });
        let set_up = || prepared_names(n_workspaces, Answer::Allow);
        suite.prepared(
            "name_allow",
            parameter,
            set_up,
            |bencher, (limiter, limit, workspaces)| {
                each_on_two_threads(bencher, workspaces, |workspace| {
                    limiter.check(workspace, *limit).is_allowed()
                });
            },
        );
        let set_up = || prepared_governor(n_workspaces, Answer::Allow);
        suite.prepared(
            "governor_allow",
            parameter,
            set_up,
            |bencher, (limiter, workspaces)| {
                each_on_two_threads(bencher, workspaces, |workspace| {
                    limiter.check_key(workspace).is_ok()
                });
            },
        );
    }
}

/// A parent run: a place under both caps of its workspace, taken and given back.
fn caps(suite: &mut Suite<'_>) {
    let set = CapSet::new([("parent_runs", 5), ("total_runs", 12), ("none", 0)]);
    let [parents, total, none] =
        ["parent_runs", "total_runs", "none"].map(|name| set.cap(name).expect("made with it"));
    let start = |workspace: &String| {
        let claims = [parents, total].map(|cap| Claim {
            cap,
            key: workspace,
        });
        set.acquire(&claims).is_ok()
    };
    let refused = |workspace: &String| {
        let claims = [parents, none].map(|cap| Claim {
            cap,
            key: workspace,
        });
        set.acquire(&claims).is_ok()
    };
    for size in &SIZES {
        let n_workspaces = suite.population(size.n_workspaces, 100);
        let set_up = || visits(n_workspaces);
        suite.prepared(
            "caps_acquire_release",
            size.one_thread,
            set_up,
            |bencher, workspaces| {
                assert!(start(&workspaces[0]));
                each(bencher, workspaces, start);
            },
        );
        suite.prepared(
            "caps_acquire_release",
            size.two_threads,
            set_up,
            |bencher, workspaces| {
                each_on_two_threads(bencher, workspaces, start);
            },
        );
    }
    let set_up = || visits(1);
    suite.prepared(
        "caps_refuse",
        "1_workspace",
        set_up,
        |bencher, workspaces| {
            assert!(!refused(&workspaces[0]));
            each(bencher, workspaces, refused);
        },
    );
}

/// The workspaces by name, in the order of their first requests.
fn workspaces(n_workspaces: usize) -> Vec<String> {
    (0..n_workspaces)
        .map(|number| format!("workspace-{number:06}-{:016x}", mixed(number as u64)))
        .collect()
}

/// The same workspaces in the order of the visits, each in memory of its own in that order.
fn visits(n_workspaces: usize) -> Vec<String> {
    let mut workspaces = workspaces(n_workspaces);
    workspaces.sort_by_key(|workspace| mixed(workspace.len() as u64 ^ fold(workspace)));
    workspaces
        .iter()
        .map(|workspace| workspace.as_str().to_owned())
        .collect()
}

fn fold(text: &str) -> u64 {
    let fold = |hash, byte| mixed(hash ^ u64::from(byte));
    text.bytes().fold(0, fold)
}

/// A number that looks random and is always the same.
fn mixed(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn prepared_handles(n_workspaces: usize, answer: Answer) -> Vec<Handle> {
    let (limiter, limit) = answer.limiter();
    for workspace in workspaces(n_workspaces) {
        answer.check(|| limiter.check(&workspace, limit).is_allowed());
    }
    let visits = visits(n_workspaces);
    let handles = visits
        .iter()
        .map(|workspace| limiter.handle(workspace, limit));
    handles.collect()
}

fn prepared_names(n_workspaces: usize, answer: Answer) -> (RateLimiter, LimitId, Vec<String>) {
    let (limiter, limit) = answer.limiter();
    for workspace in workspaces(n_workspaces) {
        answer.check(|| limiter.check(&workspace, limit).is_allowed());
    }
    (limiter, limit, visits(n_workspaces))
}

fn prepared_governor(
    n_workspaces: usize,
    answer: Answer,
) -> (DefaultKeyedRateLimiter<String>, Vec<String>) {
    let limiter = governor::RateLimiter::keyed(answer.governor());
    for workspace in workspaces(n_workspaces) {
        answer.check(|| limiter.check_key(&workspace).is_ok());
    }
    (limiter, visits(n_workspaces))
}

/// Checks one after the other, around and around.
fn each<T>(bencher: &mut Bencher<'_, WallTime>, items: &[T], check: impl Fn(&T) -> bool) {
    let mut visits = items.iter().cycle();
    bencher.iter(|| visits.next().map(&check));
}

/// The same on two threads at once, the second half way around; they share all items.
fn each_on_two_threads<T: Sync>(
    bencher: &mut Bencher<'_, WallTime>,
    items: &[T],
    check: impl Fn(&T) -> bool + Sync,
) {
    bencher.iter_custom(|n_iterations| {
        let barrier = Barrier::new(2);
        let run = |first: usize| {
            let visits = items.iter().cycle().skip(first);
            barrier.wait();
            let began = Instant::now();
            for item in visits.take(n_iterations as usize) {
                black_box(check(black_box(item)));
            }
            began.elapsed()
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(|| run(items.len() / 2));
            let took = run(0);
            let other_took: Duration = other.join().expect("a check does not panic");
            took.max(other_took)
        })
    });
}

suite_main!(allow, deny, direct, allow_on_two_threads, caps);

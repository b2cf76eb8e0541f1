//! What does it cost to ask whether a workspace may go on: by handle, by name, and under caps?
//!
//! Timed: the CPU time of one check, or of one acquisition with its release. `handle` is a prepared check, `name` looks the workspace up
//! by its string, `governor` is that crate's keyed limiter with the same strings in the same order, and
//! `governor_direct` its limiter without keys. `allow` spends a permit of a rate that never runs out, `deny` asks one
//! that is spent. With two threads it is the time of the busier one; they share all workspaces, so that one workspace is
//! fought for. `name_against_governor` takes turns with governor, one round of all workspaces each, so that both meet the
//! same neighbours; its figures are the ratios of rounds.
//! In every check by string, ours or governor's, is the copy of the name into one buffer: like that of a request that
//! has just been parsed, it is at hand.
//! Not timed: making limiters, and first requests. The order of the visits has nothing to do with that of the first
//! requests, so that what a limiter keeps for 100k workspaces is touched at random.
//! Do not conclude anything about limits kept outside the process, which cost a thousand times as much.

#[path = "quota/rounds.rs"]
mod rounds;

use std::num::NonZeroU32;
use std::time::Duration;

use benches::{Suite, suite_main};
use governor::DefaultKeyedRateLimiter;
use pairs::turns::Bencher;
use quota::caps::{CapId, CapSet, Claim};
use quota::limiter::{Handle, LimitId, RateLimiter};
use quota::rate::{Burst, Rate};
use results::figures::{Bound, Figure};

use self::rounds::{
    Name, Round, each, each_on_two_threads, time_of, time_on_two_threads, visits, workspaces,
};

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
    let set_up = || prepared_handles(n_workspaces, answer);
    suite.prepared(by_handle, size.one_thread, set_up, |bencher, handles| {
        each(bencher, handles, |handle| handle.check().is_allowed());
    });
    let set_up = || prepared_names(n_workspaces, answer);
    suite.prepared(by_name, size.one_thread, set_up, |bencher, named| {
        let (limiter, limit, visits) = named;
        let mut buffer = String::new();
        each(bencher, visits, |name| {
            limiter
                .check(name.copied_to(&mut buffer), *limit)
                .is_allowed()
        });
    });
    let set_up = || prepared_governor(n_workspaces, answer);
    suite.prepared(by_governor, size.one_thread, set_up, |bencher, governed| {
        let (limiter, visits) = governed;
        let mut buffer = String::new();
        each(bencher, visits, |name| {
            limiter.check_key(name.copied_to(&mut buffer)).is_ok()
        });
    });
}

fn allow_on_two_threads(suite: &mut Suite<'_>) {
    for size in &SIZES {
        let n_workspaces = suite.population(size.n_workspaces, 100);
        let parameter = size.two_threads;
        let set_up = || prepared_handles(n_workspaces, Answer::Allow);
        suite.prepared("handle_allow", parameter, set_up, |bencher, handles| {
            each_on_two_threads(bencher, handles, |handle, _| handle.check().is_allowed());
        });
        let set_up = || prepared_names(n_workspaces, Answer::Allow);
        suite.prepared("name_allow", parameter, set_up, |bencher, named| {
            let (limiter, limit, visits) = named;
            each_on_two_threads(bencher, visits, |name, buffer| {
                limiter.check(name.copied_to(buffer), *limit).is_allowed()
            });
        });
        let set_up = || prepared_governor(n_workspaces, Answer::Allow);
        suite.prepared("governor_allow", parameter, set_up, |bencher, governed| {
            let (limiter, visits) = governed;
            each_on_two_threads(bencher, visits, |name, buffer| {
                limiter.check_key(name.copied_to(buffer)).is_ok()
            });
        });
    }
}

/// The promise about many workspaces by name, where a neighbour's use of the caches weighs most.
fn against_governor(suite: &mut Suite<'_>) {
    let n_workspaces = suite.population(100_000, 100);
    for (case, answer) in [
        ("name_against_governor_allow", Answer::Allow),
        ("name_against_governor_deny", Answer::Deny),
    ] {
        let set_up = || {
            let (limiter, limit, visits) = prepared_names(n_workspaces, answer);
            let (governor, _) = prepared_governor(n_workspaces, answer);
            (limiter, limit, governor, visits)
        };
        let mut ratios = Vec::new();
        suite.prepared(case, "100k_workspaces", set_up, |bencher, prepared| {
            let (limiter, limit, governor, visits) = prepared;
            let mut buffer = String::new();
            take_turns(bencher, &mut ratios, n_workspaces, || {
                let ours = time_of(visits.visits(0, n_workspaces), |name| {
                    limiter
                        .check(name.copied_to(&mut buffer), *limit)
                        .is_allowed()
                });
                let theirs = time_of(visits.visits(0, n_workspaces), |name| {
                    governor.check_key(name.copied_to(&mut buffer)).is_ok()
                });
                (ours, theirs)
            });
        });
        promise(suite, &format!("{case}/100k_workspaces"), &ratios);
        let mut ratios = Vec::new();
        suite.prepared(
            case,
            "100k_workspaces_2_threads",
            set_up,
            |bencher, prepared| {
                let (limiter, limit, governor, visits) = prepared;
                take_turns(bencher, &mut ratios, n_workspaces, || {
                    let ours = time_on_two_threads(visits, 0, n_workspaces, |name, buffer| {
                        limiter.check(name.copied_to(buffer), *limit).is_allowed()
                    });
                    let theirs = time_on_two_threads(visits, 0, n_workspaces, |name, buffer| {
                        governor.check_key(name.copied_to(buffer)).is_ok()
                    });
                    (ours, theirs)
                });
            },
        );
        promise(suite, &format!("{case}/100k_workspaces_2_threads"), &ratios);
    }
}

/// One round of ours and of theirs per sample, whatever number of iterations is asked for: a round is long enough.
fn take_turns(
    bencher: &mut Bencher<'_>,
    ratios: &mut Vec<f64>,
    n_visits: usize,
    mut rounds: impl FnMut() -> (Duration, Duration),
) {
    bencher.iter_custom(|n_iterations| {
        let (ours, theirs) = rounds();
        ratios.push(ours.as_secs_f64() / theirs.as_secs_f64());
        ours.mul_f64(n_iterations as f64 / n_visits as f64)
    });
}

fn promise(suite: &mut Suite<'_>, name: &str, ratios: &[f64]) {
    let text = "our check by string against governor's, round against round";
    if let Some(figure) = Figure::median_of(name, ratios, "ratio", text) {
        suite.figure(figure.bound(Bound::AtMost(0.5)));
    }
}

/// A parent run: a place under both caps of its workspace, taken and given back.
fn caps(suite: &mut Suite<'_>) {
    let set = CapSet::new([("parent_runs", 5), ("total_runs", 12), ("none", 0)]);
    let [parents, total, none] =
        ["parent_runs", "total_runs", "none"].map(|name| set.cap(name).expect("made with it"));
    let acquire = |caps: [CapId; 2], name: &Name| {
        let claims = caps.map(|cap| Claim {
            cap,
            key: name.as_str(),
        });
        set.acquire(&claims).is_ok()
    };
    let start = |name: &Name| acquire([parents, total], name);
    let refused = |name: &Name| acquire([parents, none], name);
    for size in &SIZES {
        let n_workspaces = suite.population(size.n_workspaces, 100);
        let set_up = || visits(n_workspaces);
        let case = "caps_acquire_release";
        suite.prepared(case, size.one_thread, set_up, |bencher, visits| {
            assert!(start(&visits.items[0]));
            each(bencher, visits, start);
        });
        suite.prepared(case, size.two_threads, set_up, |bencher, visits| {
            each_on_two_threads(bencher, visits, |name, _| start(name));
        });
    }
    suite.prepared(
        "caps_refuse",
        "1_workspace",
        || visits(1),
        |bencher, visits| {
            assert!(!refused(&visits.items[0]));
            each(bencher, visits, refused);
        },
    );
}

fn prepared_handles(n_workspaces: usize, answer: Answer) -> Round<Handle> {
    let (limiter, limit, visits) = prepared_names(n_workspaces, answer);
    let names = visits.items.iter();
    let handles = names.map(|name| limiter.handle(name.as_str(), limit));
    Round::of(handles.collect())
}

fn prepared_names(n_workspaces: usize, answer: Answer) -> (RateLimiter, LimitId, Round<Name>) {
    let (limiter, limit) = answer.limiter();
    for name in workspaces(n_workspaces) {
        answer.check(|| limiter.check(name.as_str(), limit).is_allowed());
    }
    (limiter, limit, visits(n_workspaces))
}

fn prepared_governor(
    n_workspaces: usize,
    answer: Answer,
) -> (DefaultKeyedRateLimiter<String>, Round<Name>) {
    let limiter = governor::RateLimiter::keyed(answer.governor());
    for name in workspaces(n_workspaces) {
        let name = name.as_str().to_owned();
        answer.check(|| limiter.check_key(&name).is_ok());
    }
    (limiter, visits(n_workspaces))
}

suite_main!(
    allow,
    deny,
    direct,
    allow_on_two_threads,
    against_governor,
    caps
);

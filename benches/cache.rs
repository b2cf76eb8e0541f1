//! What does a cache save, and what does a hit cost: of the state of a run, and of the answer of a model?
//!
//! `load_hit`: a state from the cache in front of SQLite, which is asked whether anything came since; `load_packed_hit`: the same
//! with long fields held compressed; `load_miss`: the same state from SQLite alone. `load_after_append`: one event came since.
//! `load_hit/100kb_2_threads`: two threads, each with a run of its own; time per load of either.
//! `answer_hit_memory`, `answer_packed_hit_memory`, `answer_hit_redis`: an answer of 4 KB that was given before, from the memory or the
//! server; `answer_miss_*`: asked of somebody who answers at once, and kept. `prompt_key`: the key of a conversation.
//! Figures: questions that reach the model where 64 ask the same at once; what a cache of 1 MB holds, packed and not.
//! Not timed: making runs and prompts. Redis runs where `PLIMSOLL_REDIS` names a server (`scripts/services` starts one).
//! Do not conclude that a cache pays: a load from a warm SQLite file is what it saves.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use benches::{Suite, runtime, suite_main};
use futures::executor::block_on;
use futures::future::{join_all, ready};
use results::figures::{Bound, Figure};
use run_state::population::{self, Size};
use run_state::response::redis::{Config, RedisAnswers};
use run_state::response::{Bounds, PromptKey, Responses};
use run_state::run::{Origin, UnixMillis};
use run_state::store::Store;
use run_state::store::cached::Cached;
use run_state::store::memory::Memory;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

#[path = "cache/subject.rs"]
mod subject;

use subject::{RUNS, Stored, note};

const SERVER: &str = "PLIMSOLL_REDIS";

const NOW: UnixMillis = UnixMillis(1_735_689_600_000);

/// Bytes above which a field or an answer is packed: shorter ones gain little.
const PACKED_ABOVE: usize = 1_024;

const SIZES: [(&str, Size); 3] = [
    ("10kb", Size::Small),
    ("100kb", Size::Usual),
    ("1mb", Size::Large),
];

fn load(suite: &mut Suite<'_>) {
    for (parameter, size) in SIZES {
        suite.prepared(
            "load_miss",
            parameter,
            || Stored::new(size),
            |bencher, stored| {
                bencher.iter(|| block_on(stored.store().load(black_box(RUNS[0]))));
            },
        );
        suite.prepared(
            "load_hit",
            parameter,
            || Stored::new(size).cached(None),
            |bencher, cached| {
                bencher.iter(|| block_on(cached.load(black_box(RUNS[0]))));
                assert_eq!(cached.counts().misses(), 2, "one per run, before");
            },
        );
        suite.prepared(
            "load_packed_hit",
            parameter,
            || Stored::new(size).cached(Some(PACKED_ABOVE)),
            |bencher, cached| {
                bencher.iter(|| block_on(cached.load(black_box(RUNS[0]))));
            },
        );
    }
}

fn load_after_append(suite: &mut Suite<'_>) {
    for (parameter, size) in &SIZES[..2] {
        let set_up = || Stored::new(*size).cached(None);
        suite.prepared("load_after_append", parameter, set_up, |bencher, cached| {
            bencher.iter_custom(|n_iterations| {
                let one = || {
                    let version = block_on(cached.load(RUNS[0])).expect("it is there").version;
                    let appended = cached.append(RUNS[0], version, NOW, vec![note()]);
                    block_on(appended).expect("nobody else writes");
                    let start = Instant::now();
                    black_box(block_on(cached.load(RUNS[0]))).expect("it is there");
                    start.elapsed()
                };
                (0..n_iterations).map(|_| one()).sum()
            });
        });
    }
}

fn load_on_two_threads(suite: &mut Suite<'_>) {
    let set_up = || Stored::new(Size::Usual).cached(None);
    suite.prepared("load_hit", "100kb_2_threads", set_up, |bencher, cached| {
        bencher.iter_custom(|n_iterations| {
            let n_each = n_iterations.div_ceil(2);
            let took = on_two_threads(|thread| {
                for _ in 0..n_each {
                    black_box(block_on(cached.load(RUNS[thread]))).expect("it is there");
                }
            });
            took.mul_f64(n_iterations as f64 / (2 * n_each) as f64)
        });
    });
}

fn on_two_threads(work: impl Fn(usize) + Sync) -> Duration {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let work = &work;
            scope.spawn(move || work(thread));
        }
    });
    start.elapsed()
}

/// A conversation of about 10 KB, each with other words at its end.
fn prompt(position: usize) -> Value {
    let said = "the query returns a target after the retry window of each workspace; ".repeat(14);
    let messages =
        (0..10).map(|turn| json!({"role": "user", "content": format!("{turn}: {said}")}));
    let last = json!({"role": "user", "content": position.to_string()});
    Value::Array(messages.chain([last]).collect())
}

fn key(position: usize) -> PromptKey {
    PromptKey::of("a-model", &prompt(position))
}

/// About 4 KB.
fn answer() -> String {
    let state = population::state(7, Size::Small);
    let said = state.messages.iter().map(|message| &*message.content);
    let text: String = said.collect();
    text.chars().take(4_000).collect()
}

fn bounds(most_bytes: usize, compress_above: Option<usize>) -> Bounds {
    Bounds {
        most_bytes,
        compress_above,
        ttl_ms: 3_600_000,
    }
}

async fn asked(responses: &Responses<String>, key: PromptKey, answer: &str) -> usize {
    let given = responses.answer(key, NOW, || ready(Ok(answer.to_owned())));
    given.await.expect("it is answered").len()
}

fn answers_in_memory(suite: &mut Suite<'_>) {
    let answer = answer();
    let prompt = prompt(0);
    suite.case("prompt_key", "10kb", |bencher| {
        bencher.iter(|| PromptKey::of("a-model", black_box(&prompt)));
    });
    for (case, compress_above) in [
        ("answer_hit_memory", None),
        ("answer_packed_hit_memory", Some(PACKED_ABOVE)),
    ] {
        let responses = Responses::new(bounds(1_000_000, compress_above));
        block_on(asked(&responses, key(0), &answer));
        let key = key(0);
        suite.case(case, "4kb", |bencher| {
            bencher.iter(|| block_on(asked(&responses, black_box(key), &answer)));
        });
        assert_eq!(responses.counts().misses, 1);
    }
    let keys: Vec<PromptKey> = (0..1_000).map(key).collect();
    let responses = Responses::new(bounds(1_000_000, None));
    let mut next = keys.iter().cycle();
    // The next of a thousand was given up long ago, for 250 fit.
    suite.case("answer_miss_memory", "4kb", |bencher| {
        bencher.iter(|| {
            let key = *next.next().expect("it goes round");
            block_on(asked(&responses, black_box(key), &answer))
        });
    });
    assert_eq!(responses.counts().hits, 0);
}

/// A client with nothing in its own memory, on its own runtime.
struct Shared {
    runtime: Runtime,
    responses: Responses<String>,
    n_asked: usize,
}

impl Shared {
    fn new(url: &str) -> Self {
        let config = Config {
            namespace: format!("bench:{}", std::process::id()),
            wait: Duration::from_secs(2),
            ..Config::new(url)
        };
        let answers = RedisAnswers::open(config).expect("a valid address");
        // What is left in the server ends by itself, soon.
        let bounds = Bounds {
            ttl_ms: 60_000,
            ..bounds(0, None)
        };
        Self {
            runtime: runtime::current_thread(),
            responses: Responses::new(bounds).sharing(Arc::new(answers)),
            n_asked: 0,
        }
    }
}

fn answers_in_redis(suite: &mut Suite<'_>) {
    let url = suite.service(SERVER).unwrap_or_default();
    let answer = answer();
    let set_up = || {
        let shared = Shared::new(&url);
        shared
            .runtime
            .block_on(asked(&shared.responses, key(0), &answer));
        shared
    };
    let known = key(0);
    suite.prepared("answer_hit_redis", "4kb", set_up, |bencher, shared| {
        bencher
            .to_async(&shared.runtime)
            .iter(|| asked(&shared.responses, known, &answer));
        assert_eq!(shared.responses.counts().unreachable, 0);
    });
    suite.prepared(
        "answer_miss_redis",
        "4kb",
        || Shared::new(&url),
        |bencher, shared| {
            bencher.iter_custom(|n_iterations| {
                let one = |_| {
                    shared.n_asked += 1;
                    let key = key(shared.n_asked);
                    let start = Instant::now();
                    shared
                        .runtime
                        .block_on(asked(&shared.responses, key, &answer));
                    start.elapsed()
                };
                (0..n_iterations).map(one).sum()
            });
        },
    );
}

fn asked_once(suite: &mut Suite<'_>) {
    if !suite.keeps_figures() {
        return;
    }
    let runtime = runtime::current_thread();
    let responses: Responses<String> = Responses::new(bounds(1_000_000, None));
    let n_asked = Arc::new(AtomicUsize::new(0));
    let questions = (0..64).map(|_| {
        let n_asked = Arc::clone(&n_asked);
        responses.answer(key(0), NOW, || async move {
            n_asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok(String::new())
        })
    });
    runtime.block_on(join_all(questions));
    let text = "questions that reach the model where 64 callers ask the same at once";
    let n_asked = n_asked.load(Ordering::Relaxed) as f64;
    suite.figure(
        Figure::exact("single_flight/64_callers", n_asked, "questions", text)
            .bound(Bound::Exactly(1.0)),
    );
}

/// How many states of 10 KB a bound of 1 MB holds.
fn held(suite: &mut Suite<'_>) {
    const MOST_BYTES: usize = 1_000_000;
    const N_RUNS: u64 = 400;
    if !suite.keeps_figures() {
        return;
    }
    for (name, compress_above) in [
        ("held_in_1mb/10kb_states", None),
        ("held_in_1mb/10kb_states_packed", Some(64)),
    ] {
        let cached = Cached::new(Memory::new(), MOST_BYTES);
        let cached = match compress_above {
            Some(above) => cached.compressing_above(above),
            None => cached,
        };
        for seed in 0..N_RUNS {
            let run = format!("run-{seed}");
            let events = population::events(seed, Size::Small).into_iter();
            let changes = events.map(|event| event.change).collect();
            block_on(cached.create(&run, &Origin::default(), NOW)).expect("it is new");
            block_on(cached.append(&run, 0, NOW, changes)).expect("it fits");
            block_on(cached.load(&run)).expect("it is there");
        }
        let (n_states, n_bytes) = cached.held();
        assert!(n_bytes <= MOST_BYTES, "{n_bytes}");
        let text = "states of 10 KB that the cache holds where it may hold 1 MB";
        suite.figure(Figure::exact(name, n_states as f64, "states", text));
    }
}

suite_main!(
    load,
    load_after_append,
    load_on_two_threads,
    answers_in_memory,
    answers_in_redis,
    asked_once,
    held
);

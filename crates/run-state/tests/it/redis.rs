//! Answers that processes share in Redis: found, asked once, given up, ended; and a server that is gone.
//!
//! The first half needs a server: `scripts/services cargo test -p run-state --features redis`. Without one these tests say that
//! they were skipped, and fail where `CI` is set.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::ready;
use run_state::StoreError;
use run_state::response::redis::{Config, RedisAnswers};
use run_state::response::share::{Found, SharedAnswers};
use run_state::response::{Bounds, PromptKey, Responses};
use run_state::run::UnixMillis;
use serde_json::json;

use crate::places::{block_on, url};

const NOW: UnixMillis = UnixMillis(1_000);

/// Nothing in memory, so that every question goes to the server.
fn responses(config: &Config, ttl_ms: u64) -> Responses<String> {
    let answers = RedisAnswers::open(config.clone()).expect("a valid URL");
    let bounds = Bounds {
        most_bytes: 0,
        compress_above: None,
        ttl_ms,
    };
    Responses::new(bounds).sharing(Arc::new(answers))
}

/// A namespace that no other test has, nor any run before.
fn config(url: &str) -> Config {
    static N_NAMESPACES: AtomicU64 = AtomicU64::new(0);
    let number = N_NAMESPACES.fetch_add(1, Ordering::Relaxed);
    Config {
        namespace: format!("test:{}:{number}", std::process::id()),
        wait: Duration::from_secs(5),
        ..Config::new(url)
    }
}

fn key(prompt: &str) -> PromptKey {
    PromptKey::of("m", &json!(prompt))
}

async fn ask(responses: &Responses<String>, prompt: &str) -> String {
    let answer = format!("answer to {prompt}");
    let asked = responses.answer(key(prompt), NOW, || ready(Ok(answer)));
    asked.await.expect("it was answered").to_string()
}

#[test]
fn what_one_process_was_answered_another_is_given() {
    let Some(url) = url("PLIMSOLL_REDIS") else {
        return;
    };
    let config = config(&url);
    let (left, right) = (responses(&config, 60_000), responses(&config, 60_000));
    block_on(async {
        assert_eq!(ask(&left, "a").await, "answer to a");
        assert_eq!(ask(&right, "a").await, "answer to a");
        assert_eq!((right.counts().shared_hits, right.counts().misses), (1, 0));
        ask(&right, "b").await;
        assert_eq!(
            right.counts().misses,
            1,
            "another prompt is another question"
        );
    });
}

#[test]
fn of_all_processes_one_asks_at_a_time() {
    let Some(url) = url("PLIMSOLL_REDIS") else {
        return;
    };
    let config = config(&url);
    let processes: Vec<_> = (0..8).map(|_| responses(&config, 60_000)).collect();
    let n_asked = Arc::new(AtomicUsize::new(0));
    let answers = block_on(async {
        let questions = processes.iter().map(|responses| {
            let n_asked = Arc::clone(&n_asked);
            responses.answer(key("a"), NOW, || async move {
                n_asked.fetch_add(1, Ordering::Relaxed);
                // Long enough that the others come meanwhile.
                tokio::time::sleep(Duration::from_millis(30)).await;
                Ok("once".to_owned())
            })
        });
        futures::future::join_all(questions).await
    });
    assert!(answers.iter().all(|answer| answer.as_deref() == Ok("once")));
    assert_eq!(n_asked.load(Ordering::Relaxed), 1);
}

#[test]
fn an_answer_ends_by_itself() {
    let Some(url) = url("PLIMSOLL_REDIS") else {
        return;
    };
    let responses = responses(&config(&url), 1);
    block_on(async {
        ask(&responses, "a").await;
        // However late this is read: it ends, and then it is asked anew.
        while responses.counts().misses < 2 {
            ask(&responses, "a").await;
        }
    });
}

#[test]
fn the_right_to_ask_of_a_process_that_failed_or_died_passes_on() {
    let Some(url) = url("PLIMSOLL_REDIS") else {
        return;
    };
    let config = Config {
        lease: Duration::from_millis(50),
        ..config(&url)
    };
    let dead = RedisAnswers::open(config.clone()).expect("a valid URL");
    let responses = responses(&config, 60_000);
    block_on(async {
        let failed = responses.answer(key("a"), NOW, || ready(Err("overloaded".to_owned())));
        assert!(failed.await.is_err());
        assert_eq!(
            ask(&responses, "a").await,
            "answer to a",
            "the right was given back"
        );
        // It takes the right and is never heard of again.
        assert!(matches!(dead.find(key("b")).await, Found::Nothing(_)));
        assert_eq!(ask(&responses, "b").await, "answer to b");
    });
}

#[test]
fn without_a_server_every_question_is_asked_and_none_hangs() {
    let nobody = "redis://127.0.0.1:1".to_owned();
    // One that takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silent = format!("redis://{}", silent.local_addr().expect("it is bound"));
    for url in [nobody, silent] {
        let config = Config {
            wait: Duration::from_millis(20),
            ..config(&url)
        };
        let responses = responses(&config, 60_000);
        let asked = async {
            for prompt in 0..100 {
                ask(&responses, &prompt.to_string()).await;
            }
        };
        // A bound for a test that hangs; no promise is that long.
        let in_time =
            block_on(async { tokio::time::timeout(Duration::from_secs(60), asked).await });
        assert!(in_time.is_ok(), "{url}");
        assert_eq!(responses.counts().unreachable, 100);
        assert_eq!(responses.counts().misses, 100);
    }
}

#[test]
fn an_address_that_is_none_is_an_error_with_its_mend() {
    let error = RedisAnswers::open(Config::new("somewhere")).expect_err("no address");
    assert!(matches!(error, StoreError::Unavailable { .. }));
    assert!(error.to_string().contains("redis://host:port"), "{error}");
}

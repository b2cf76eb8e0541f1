//! What is answered from where, what is asked once, and what is kept.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::channel::oneshot;
use futures::executor::block_on;
use futures::future::{join, ready};
use serde_json::json;

use super::*;

const NOW: UnixMillis = UnixMillis(1_000);

fn responses(most_bytes: usize) -> Responses<String> {
    Responses::new(Bounds {
        most_bytes,
        compress_above: None,
        ttl_ms: 100,
    })
}

fn key(prompt: &str) -> PromptKey {
    PromptKey::of("m", &json!([{"role": "user", "content": prompt}]))
}

fn ask(responses: &Responses<String>, prompt: &str, now: UnixMillis) -> Arc<str> {
    let answer = format!("answer to {prompt}");
    let asked = responses.answer(key(prompt), now, || ready(Ok(answer)));
    block_on(asked).expect("it was answered")
}

#[test]
fn a_key_is_of_the_meaning_and_not_of_the_layout() {
    let left: Value = serde_json::from_str(r#"[{"a": 1, "b": {"c": 2, "d": 3}}]"#).expect("valid");
    let right: Value = serde_json::from_str(r#"[{"b":{"d":3,"c":2},"a":1}]"#).expect("valid");
    assert_eq!(PromptKey::of("m", &left), PromptKey::of("m", &right));
    assert_ne!(PromptKey::of("m", &left), PromptKey::of("n", &left));
    assert_ne!(
        PromptKey::of("m", &json!([1, 2])),
        PromptKey::of("m", &json!([[1], 2]))
    );
    assert_ne!(
        PromptKey::of("m\"x\"", &json!("y")),
        PromptKey::of("m", &json!("x"))
    );
}

#[test]
fn an_answer_is_given_again_until_its_time_is_over() {
    let responses = responses(1_000);
    ask(&responses, "a", NOW);
    ask(&responses, "a", UnixMillis(NOW.0 + 99));
    assert_eq!(responses.counts().hits, 1);
    ask(&responses, "a", UnixMillis(NOW.0 + 100));
    assert_eq!((responses.counts().hits, responses.counts().misses), (1, 2));
}

#[test]
fn identical_questions_at_the_same_time_are_one() {
    let responses = responses(1_000);
    let n_asked = AtomicUsize::new(0);
    let (answer, asked) = oneshot::channel();
    let first = responses.answer(key("a"), NOW, || {
        n_asked.fetch_add(1, Ordering::Relaxed);
        asked.map(|answer| answer.map_err(|_| "nobody answered".to_owned()))
    });
    let second = responses.answer(key("a"), NOW, || {
        n_asked.fetch_add(1, Ordering::Relaxed);
        ready(Ok("of its own".to_owned()))
    });
    let both = join(first, async {
        let second = second.boxed_local();
        let mut second = second.fuse();
        assert!(
            futures::poll!(&mut second).is_pending(),
            "it waits for the first"
        );
        answer.send("once".to_owned()).expect("somebody waits");
        second.await
    });
    let (first, second) = block_on(both);
    assert_eq!(
        (first.as_deref(), second.as_deref()),
        (Ok("once"), Ok("once"))
    );
    assert_eq!(n_asked.into_inner(), 1);
    assert_eq!(responses.counts().joined, 1);
}

#[test]
fn a_failure_is_told_and_not_kept() {
    let responses = responses(1_000);
    let failed = responses.answer(key("a"), NOW, || ready(Err("overloaded".to_owned())));
    let failed = block_on(failed).expect_err("it failed");
    assert_eq!(*failed, "overloaded");
    assert_eq!(&*ask(&responses, "a", NOW), "answer to a");
}

#[test]
fn a_question_that_nobody_waits_for_any_more_is_asked_anew() {
    let responses = responses(1_000);
    let never = responses.answer(key("a"), NOW, futures::future::pending);
    assert!(never.now_or_never().is_none());
    assert_eq!(&*ask(&responses, "a", NOW), "answer to a");
}

#[test]
fn no_more_is_kept_than_may_be() {
    let responses = responses(25);
    for prompt in ["a", "b", "a", "c"] {
        ask(&responses, prompt, NOW);
    }
    assert_eq!(responses.counts().evictions, 1);
    let before = responses.counts().hits;
    ask(&responses, "a", NOW);
    assert_eq!(responses.counts().hits, before + 1, "used after `b`");
    assert!(responses.kept.lock().n_bytes <= 25);
}

#[test]
fn a_long_answer_is_held_compressed_and_given_whole() {
    let responses: Responses<String> = Responses::new(Bounds {
        most_bytes: 1_000,
        compress_above: Some(100),
        ttl_ms: 100,
    });
    let long = "the same sentence again; ".repeat(200);
    for n_hits in 0..2 {
        let asked = responses.answer(key("a"), NOW, || ready(Ok(long.clone())));
        assert_eq!(block_on(asked).as_deref(), Ok(&*long));
        assert_eq!(responses.counts().hits, n_hits);
    }
    assert!(responses.kept.lock().n_bytes < long.len() / 10);
}

/// What is shared, in the memory of this process: one map, as many caches as one likes.
#[derive(Debug, Default)]
struct Together {
    answers: Mutex<HashMap<PromptKey, Arc<str>>>,
    is_gone: std::sync::atomic::AtomicBool,
    n_given_up: AtomicUsize,
}

impl SharedAnswers for Together {
    fn find(&self, key: PromptKey) -> BoxFuture<'_, Found> {
        let found = match self.answers.lock().get(&key) {
            _ if self.is_gone.load(Ordering::Relaxed) => Found::Unreachable,
            Some(answer) => Found::Answer {
                answer: Arc::clone(answer),
                fresh_for_ms: 40,
            },
            None => Found::Nothing(share::Asking::new("t".to_owned())),
        };
        ready(found).boxed()
    }

    fn keep(
        &self,
        key: PromptKey,
        _asking: share::Asking,
        answer: Arc<str>,
        _ttl_ms: u64,
    ) -> BoxFuture<'_, ()> {
        self.answers.lock().insert(key, answer);
        ready(()).boxed()
    }

    fn give_up(&self, _key: PromptKey, _asking: share::Asking) -> BoxFuture<'_, ()> {
        self.n_given_up.fetch_add(1, Ordering::Relaxed);
        ready(()).boxed()
    }
}

#[test]
fn what_another_process_was_answered_is_not_asked_again_and_no_older_than_there() {
    let together = Arc::new(Together::default());
    let left = responses(1_000).sharing(together.clone());
    let right = responses(1_000).sharing(together.clone());
    ask(&left, "a", NOW);
    ask(&right, "a", NOW);
    assert_eq!((right.counts().misses, right.counts().shared_hits), (0, 1));
    ask(&right, "a", UnixMillis(NOW.0 + 39));
    assert_eq!(right.counts().hits, 1, "from its own memory");
    ask(&right, "a", UnixMillis(NOW.0 + 40));
    assert_eq!(right.counts().shared_hits, 2, "its time there was over");
}

#[test]
fn without_what_is_shared_every_process_asks_for_itself() {
    let together = Arc::new(Together::default());
    together.is_gone.store(true, Ordering::Relaxed);
    let responses = responses(1_000).sharing(together.clone());
    assert_eq!(&*ask(&responses, "a", NOW), "answer to a");
    assert_eq!(&*ask(&responses, "a", NOW), "answer to a");
    let counts = responses.counts();
    assert_eq!((counts.unreachable, counts.misses, counts.hits), (1, 1, 1));
    assert!(together.answers.lock().is_empty());
}

#[test]
fn a_failure_lets_others_ask() {
    let together = Arc::new(Together::default());
    let responses = responses(1_000).sharing(together.clone());
    let failed = responses.answer(key("a"), NOW, || ready(Err("overloaded".to_owned())));
    assert!(block_on(failed).is_err());
    assert_eq!(together.n_given_up.load(Ordering::Relaxed), 1);
}

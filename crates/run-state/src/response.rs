//! Answers of models that were given before: the same prompt to the same model, once.
//!
//! Off unless somebody asks through it. Identical prompts that are under way at the same time are one
//! question; a failure is told to all who waited and is not kept. Bounded by bytes; what was used longest
//! ago goes first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::run::UnixMillis;

/// SHA-256 of a model and its messages: equal for equal meaning, whatever the order of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PromptKey([u8; 32]);

impl PromptKey {
    /// The key of a prompt.
    pub fn of(model: &str, messages: &Value) -> Self {
        let mut text = Vec::new();
        write_canonical(messages, &mut text);
        let mut hasher = Sha256::new();
        // The length keeps a model's name and the messages apart.
        hasher.update((model.len() as u64).to_le_bytes());
        hasher.update(model);
        hasher.update(text);
        Self(hasher.finalize().into())
    }
}

/// JSON with sorted keys and without space.
fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            out.push(b'{');
            for (name, field) in fields {
                write_plain(name, out);
                out.push(b':');
                write_canonical(field, out);
                out.push(b',');
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for item in items {
                write_canonical(item, out);
                out.push(b',');
            }
            out.push(b']');
        }
        plain => write_plain(plain, out),
    }
}

fn write_plain<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("plain values into memory");
}

/// How much is kept, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of all answers together.
    pub most_bytes: usize,
    /// Milliseconds from the question on for which its answer is given again.
    pub ttl_ms: u64,
}

/// What the cache has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Questions that were answered from memory.
    pub hits: u64,
    /// Questions that were asked.
    pub misses: u64,
    /// Questions that waited for one that was under way.
    pub joined: u64,
    /// Answers that were given up for others.
    pub evictions: u64,
}

/// Answers by prompt. `E` is why a question has no answer.
#[derive(Debug)]
pub struct Responses<E> {
    bounds: Bounds,
    kept: Arc<Mutex<Kept<E>>>,
}

type Answer<E> = Result<Arc<str>, Arc<E>>;
type UnderWay<E> = Shared<BoxFuture<'static, Answer<E>>>;

#[derive(Debug)]
struct Kept<E> {
    answers: HashMap<PromptKey, Entry>,
    /// Keys by the number of their last use, the oldest first.
    keys_by_use: BTreeMap<u64, PromptKey>,
    under_way: HashMap<PromptKey, UnderWay<E>>,
    n_uses: u64,
    n_bytes: usize,
    counts: Counts,
}

#[derive(Debug)]
struct Entry {
    answer: Arc<str>,
    until: UnixMillis,
    last_use: u64,
}

impl<E: Send + Sync + 'static> Responses<E> {
    /// An empty cache.
    pub fn new(bounds: Bounds) -> Self {
        let kept = Kept {
            answers: HashMap::new(),
            keys_by_use: BTreeMap::new(),
            under_way: HashMap::new(),
            n_uses: 0,
            n_bytes: 0,
            counts: Counts::default(),
        };
        Self {
            bounds,
            kept: Arc::new(Mutex::new(kept)),
        }
    }

    /// What the cache has done.
    pub fn counts(&self) -> Counts {
        self.kept.lock().counts
    }

    /// The answer to a prompt: from memory, from a question that is under way, or by asking.
    ///
    /// If whoever asked stops waiting, the question goes on as long as somebody else waits for it.
    pub async fn answer<F>(
        &self,
        key: PromptKey,
        now: UnixMillis,
        ask: impl FnOnce() -> F,
    ) -> Answer<E>
    where
        F: Future<Output = Result<String, E>> + Send + 'static,
    {
        let waiting = {
            let mut kept = self.kept.lock();
            if let Some(answer) = kept.fresh(key, now) {
                kept.counts.hits += 1;
                return Ok(answer);
            }
            // One that nobody waits for any more stands still, and is asked anew.
            let under_way = kept.under_way.get(&key);
            let joined = under_way
                .filter(|waiting| waiting.strong_count() > Some(1))
                .cloned();
            match joined {
                Some(waiting) => {
                    kept.counts.joined += 1;
                    waiting
                }
                None => {
                    kept.counts.misses += 1;
                    let asked = self.asked(key, now, ask()).boxed().shared();
                    kept.under_way.insert(key, asked.clone());
                    asked
                }
            }
        };
        waiting.await
    }

    /// A question whose answer is kept when it comes.
    fn asked<F>(
        &self,
        key: PromptKey,
        now: UnixMillis,
        asked: F,
    ) -> impl Future<Output = Answer<E>> + use<F, E>
    where
        F: Future<Output = Result<String, E>> + Send + 'static,
    {
        let (kept, bounds) = (Arc::clone(&self.kept), self.bounds);
        async move {
            let answer = asked.await;
            let mut kept = kept.lock();
            kept.under_way.remove(&key);
            let answer: Arc<str> = answer.map_err(Arc::new)?.into();
            let until = UnixMillis(now.0.saturating_add(bounds.ttl_ms));
            kept.keep(key, Arc::clone(&answer), until, bounds.most_bytes);
            Ok(answer)
        }
    }
}

impl<E> Kept<E> {
    fn fresh(&mut self, key: PromptKey, now: UnixMillis) -> Option<Arc<str>> {
        if self.answers.get(&key)?.until <= now {
            self.forget(key);
            return None;
        }
        self.n_uses += 1;
        let entry = self.answers.get_mut(&key)?;
        self.keys_by_use.remove(&entry.last_use);
        self.keys_by_use.insert(self.n_uses, key);
        entry.last_use = self.n_uses;
        Some(Arc::clone(&entry.answer))
    }

    fn keep(&mut self, key: PromptKey, answer: Arc<str>, until: UnixMillis, most_bytes: usize) {
        self.forget(key);
        if answer.len() > most_bytes {
            return;
        }
        while self.n_bytes + answer.len() > most_bytes {
            let Some((_, oldest)) = self.keys_by_use.pop_first() else {
                break;
            };
            self.forget(oldest);
            self.counts.evictions += 1;
        }
        self.n_uses += 1;
        self.n_bytes += answer.len();
        self.keys_by_use.insert(self.n_uses, key);
        let last_use = self.n_uses;
        let entry = Entry {
            answer,
            until,
            last_use,
        };
        self.answers.insert(key, entry);
    }

    fn forget(&mut self, key: PromptKey) {
        if let Some(entry) = self.answers.remove(&key) {
            self.keys_by_use.remove(&entry.last_use);
            self.n_bytes -= entry.answer.len();
        }
    }
}

#[cfg(test)]
mod tests {
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
        let left: Value =
            serde_json::from_str(r#"[{"a": 1, "b": {"c": 2, "d": 3}}]"#).expect("valid");
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
}

//! Answers of models that were given before: the same prompt to the same model, once.
//!
//! Off unless somebody asks through it. Identical prompts that are under way at the same time are one
//! question; a failure is told to all who waited and is not kept. Bounded by bytes; what was used longest
//! ago goes first.
//!
//! ```text
//! answer ──► memory ──► under way in this process? ──► shared, if there is one ──► ask
//! ```
//!
//! What several processes [`share`] is behind the memory; where that is bounded by nothing, it is all there is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest, Sha256};

use self::share::{Found, SharedAnswers};
use crate::bounds::Field;
use crate::run::UnixMillis;

#[cfg(feature = "redis")]
pub mod redis;
pub mod share;

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

    /// In hexadecimal digits.
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
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
    /// Bytes of all answers together, as they are held; 0 keeps none in memory.
    pub most_bytes: usize,
    /// Bytes above which an answer is held compressed; `None` for never.
    pub compress_above: Option<usize>,
    /// Milliseconds from the question on for which its answer is given again.
    pub ttl_ms: u64,
}

/// What the cache has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Questions that were answered from memory.
    pub hits: u64,
    /// Questions that were answered by what several processes share.
    pub shared_hits: u64,
    /// Questions that were asked.
    pub misses: u64,
    /// Questions that waited for one that was under way.
    pub joined: u64,
    /// Answers that were given up for others.
    pub evictions: u64,
    /// Questions for which what is shared could not be reached.
    pub unreachable: u64,
}

impl Counts {
    /// The names under which a service shows them to Prometheus, each a counter.
    pub fn metrics(&self) -> [(&'static str, u64); 6] {
        [
            ("llm_response_cache_hits_total", self.hits),
            ("llm_response_cache_shared_hits_total", self.shared_hits),
            ("llm_response_cache_misses_total", self.misses),
            ("llm_response_cache_joined_total", self.joined),
            ("llm_response_cache_evictions_total", self.evictions),
            ("llm_response_cache_unreachable_total", self.unreachable),
        ]
    }
}

/// Answers by prompt. `E` is why a question has no answer.
#[derive(Debug)]
pub struct Responses<E> {
    bounds: Bounds,
    kept: Arc<Mutex<Kept<E>>>,
    /// `None` if this process shares its answers with no other.
    shared: Option<Arc<dyn SharedAnswers>>,
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
    answer: Held,
    until: UnixMillis,
    last_use: u64,
}

/// An answer in memory.
#[derive(Debug)]
enum Held {
    Whole(Arc<str>),
    Packed(Field),
}

impl Held {
    fn of(answer: &Arc<str>, compress_above: Option<usize>) -> Self {
        match compress_above.and_then(|above| Field::compressed(answer, above)) {
            Some(packed) => Self::Packed(packed),
            None => Self::Whole(Arc::clone(answer)),
        }
    }

    fn text(&self) -> Arc<str> {
        match self {
            Self::Whole(answer) => Arc::clone(answer),
            Self::Packed(packed) => packed.text().into(),
        }
    }

    fn n_bytes(&self) -> usize {
        match self {
            Self::Whole(answer) => answer.len(),
            Self::Packed(packed) => packed.n_bytes(),
        }
    }
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
            shared: None,
        }
    }

    /// The same, with answers behind it that several processes share.
    #[must_use]
    pub fn sharing(self, shared: Arc<dyn SharedAnswers>) -> Self {
        Self {
            shared: Some(shared),
            ..self
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
        let shared = self.shared.clone();
        async move {
            let answered = answered(key, bounds.ttl_ms, asked, &kept, shared).await;
            let mut kept = kept.lock();
            kept.under_way.remove(&key);
            let (answer, fresh_for_ms) = answered?;
            let until = UnixMillis(now.0.saturating_add(fresh_for_ms));
            kept.keep(key, &answer, until, bounds);
            Ok(answer)
        }
    }
}

/// The answer of another process, or of this one, and for how many milliseconds it may be given again.
async fn answered<F, E>(
    key: PromptKey,
    ttl_ms: u64,
    asked: F,
    kept: &Mutex<Kept<E>>,
    shared: Option<Arc<dyn SharedAnswers>>,
) -> Result<(Arc<str>, u64), Arc<E>>
where
    F: Future<Output = Result<String, E>> + Send + 'static,
{
    let asking = match &shared {
        None => None,
        Some(shared) => match shared.find(key).await {
            Found::Answer {
                answer,
                fresh_for_ms,
            } => {
                kept.lock().counts.shared_hits += 1;
                return Ok((answer, fresh_for_ms.min(ttl_ms)));
            }
            Found::Nothing(asking) => Some((shared, asking)),
            Found::Unreachable => {
                kept.lock().counts.unreachable += 1;
                None
            }
        },
    };
    kept.lock().counts.misses += 1;
    let answer = asked.await.map(Arc::from).map_err(Arc::new);
    if let Some((shared, asking)) = asking {
        match &answer {
            Ok(answer) => shared.keep(key, asking, Arc::clone(answer), ttl_ms).await,
            Err(_) => shared.give_up(key, asking).await,
        }
    }
    Ok((answer?, ttl_ms))
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
        Some(entry.answer.text())
    }

    fn keep(&mut self, key: PromptKey, answer: &Arc<str>, until: UnixMillis, bounds: Bounds) {
        self.forget(key);
        let answer = Held::of(answer, bounds.compress_above);
        let n_bytes = answer.n_bytes();
        if n_bytes > bounds.most_bytes {
            return;
        }
        while self.n_bytes + n_bytes > bounds.most_bytes {
            let Some((_, oldest)) = self.keys_by_use.pop_first() else {
                break;
            };
            self.forget(oldest);
            self.counts.evictions += 1;
        }
        self.n_uses += 1;
        self.n_bytes += n_bytes;
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
            self.n_bytes -= entry.answer.n_bytes();
        }
    }
}

#[cfg(test)]
mod tests;

//! What the stub really did, in bounded memory: counts, executions by name in a window, the last requests.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::{
    histogram::Histogram,
    tally::{Execution, Recent, Tally},
};
use crate::llm::script::Fault;

/// The last requests that are remembered one by one.
const REMEMBERED: usize = 1_024;

/// Names of executions that a [`Tally`] lists at most.
const LISTED: usize = 100;

#[derive(Debug)]
pub(crate) struct Ledger {
    /// Executions that are told apart; beyond, the oldest is forgotten.
    window: usize,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    counts: Counts,
    faults: BTreeMap<&'static str, u64>,
    by_execution: HashMap<Arc<str>, Calls>,
    /// The names of `by_execution`, oldest first.
    order: VecDeque<Arc<str>>,
    recent: VecDeque<Recent>,
    waits: Histogram,
    lateness: Histogram,
}

/// What is simply added up.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    calls: u64,
    answered: u64,
    abandoned: u64,
    denied_by_rate: u64,
    denied_by_cap: u64,
    refused: u64,
    duplicated: u64,
    forgotten: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Calls {
    n_calls: u32,
    n_answered: u32,
}

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It had its whole answer, of so many tokens.
    Answered { prompt: u64, completion: u64 },
    /// A fault struck it.
    Struck(Fault),
    /// A rate was used up.
    DeniedByRate,
    /// Slots and queue were full.
    DeniedByCap,
    /// Neither path, body nor key were right.
    Refused,
    /// Its caller went away before the end.
    Abandoned,
}

/// When the parts of one answer were due and came, from the start of the stub on.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) arrived: Duration,
    pub(crate) waited: Duration,
    /// What was drawn for the first token.
    pub(crate) drawn: Duration,
    pub(crate) first: Duration,
}

impl Ledger {
    pub(crate) fn new(window: usize) -> Self {
        Self {
            window: window.max(1),
            books: Mutex::default(),
        }
    }

    /// Counts a call and returns how often this execution was called before, as far back as the window goes.
    pub(crate) fn called(&self, execution: &Arc<str>) -> usize {
        let mut books = self.books.lock();
        books.counts.calls += 1;
        if let Some(calls) = books.by_execution.get_mut(execution) {
            calls.n_calls += 1;
            return calls.n_calls as usize - 1;
        }
        if books.order.len() >= self.window {
            if let Some(oldest) = books.order.pop_front() {
                books.by_execution.remove(&oldest);
            }
            books.counts.forgotten += 1;
        }
        let calls = Calls {
            n_calls: 1,
            n_answered: 0,
        };
        books.by_execution.insert(execution.clone(), calls);
        books.order.push_back(execution.clone());
        0
    }

    /// Counts a call that named no execution, since nobody could read it.
    pub(crate) fn refused(&self) {
        let mut books = self.books.lock();
        books.counts.calls += 1;
        books.counts.refused += 1;
    }

    /// Writes down how a call ended at `now`.
    pub(crate) fn ended(&self, execution: &Arc<str>, times: Times, now: Duration, ending: Ending) {
        let mut books = self.books.lock();
        let counts = &mut books.counts;
        match ending {
            Ending::Answered { prompt, completion } => {
                counts.answered += 1;
                counts.prompt_tokens += prompt;
                counts.completion_tokens += completion;
                books.answered(execution);
            }
            Ending::Struck(fault) => *books.faults.entry(fault.name()).or_default() += 1,
            Ending::DeniedByRate => counts.denied_by_rate += 1,
            Ending::DeniedByCap => counts.denied_by_cap += 1,
            Ending::Refused => counts.refused += 1,
            Ending::Abandoned => counts.abandoned += 1,
        }
        if times.first > Duration::ZERO {
            books.waits.add(times.waited);
            let due = times.arrived + times.waited + times.drawn;
            books.lateness.add(times.first.saturating_sub(due));
        }
        if books.recent.len() == REMEMBERED {
            books.recent.pop_front();
        }
        let recent = Recent::of(execution, times, now, ending);
        books.recent.push_back(recent);
    }

    pub(crate) fn clear(&self) {
        *self.books.lock() = Books::default();
    }

    /// Everything that is known, but for what the server itself must add.
    pub(crate) fn tally(&self) -> Tally {
        let books = self.books.lock();
        let counts = books.counts;
        Tally {
            calls: counts.calls,
            answered: counts.answered,
            abandoned: counts.abandoned,
            denied_by_rate: counts.denied_by_rate,
            denied_by_cap: counts.denied_by_cap,
            refused: counts.refused,
            faults: books.faults.clone(),
            executions: books.by_execution.len(),
            duplicated: counts.duplicated,
            forgotten: counts.forgotten,
            prompt_tokens: counts.prompt_tokens,
            completion_tokens: counts.completion_tokens,
            waits: books.waits.clone(),
            lateness: books.lateness.clone(),
            ..Tally::default()
        }
    }

    /// One execution by its name; `None` if it was never called or has been forgotten.
    pub(crate) fn execution(&self, name: &str) -> Option<Execution> {
        let books = self.books.lock();
        let calls = books.by_execution.get(name)?;
        Some(calls.of(name))
    }

    /// All executions in the window, in the order in which they were first called.
    pub(crate) fn executions(&self) -> Vec<Execution> {
        let books = self.books.lock();
        let named = |name: &Arc<str>| Some(books.by_execution.get(name)?.of(name));
        books.order.iter().filter_map(named).collect()
    }

    /// Executions that were answered more than once, in the order in which they were first called.
    pub(crate) fn duplicated(&self) -> Vec<Execution> {
        let books = self.books.lock();
        let calls = books.order.iter().filter_map(|name| {
            let calls = books.by_execution.get(name)?;
            (calls.n_answered > 1).then(|| calls.of(name))
        });
        calls.take(LISTED).collect()
    }

    /// The last requests, oldest first.
    pub(crate) fn recent(&self) -> Vec<Recent> {
        self.books.lock().recent.iter().cloned().collect()
    }
}

impl Books {
    fn answered(&mut self, execution: &Arc<str>) {
        let Some(calls) = self.by_execution.get_mut(execution) else {
            return;
        };
        calls.n_answered += 1;
        if calls.n_answered == 2 {
            self.counts.duplicated += 1;
        }
    }
}

impl Calls {
    fn of(self, name: &str) -> Execution {
        Execution {
            name: name.to_owned(),
            calls: self.n_calls,
            answered: self.n_answered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered() -> Ending {
        Ending::Answered {
            prompt: 1,
            completion: 1,
        }
    }

    #[test]
    fn an_execution_that_is_answered_twice_is_a_duplicate_and_a_retry_after_a_fault_is_none() {
        let ledger = Ledger::new(10);
        let call = |name: &str, ending| {
            let execution: Arc<str> = name.into();
            let n_before = ledger.called(&execution);
            ledger.ended(&execution, Times::default(), Duration::ZERO, ending);
            n_before
        };
        assert_eq!(call("retried", Ending::Struck(Fault::Cut)), 0);
        assert_eq!(call("retried", answered()), 1);
        assert_eq!(ledger.tally().duplicated, 0);
        for n_before in 0..3 {
            assert_eq!(call("twice", answered()), n_before);
        }
        let tally = ledger.tally();
        assert_eq!((tally.calls, tally.answered, tally.duplicated), (5, 4, 1));
        assert_eq!(tally.faults["cut"], 1);
        let duplicated = ledger.duplicated();
        assert_eq!(duplicated.len(), 1);
        assert_eq!((&*duplicated[0].name, duplicated[0].answered), ("twice", 3));
    }

    #[test]
    fn nothing_grows_beyond_its_bound_and_what_is_forgotten_is_counted() {
        let ledger = Ledger::new(8);
        for n in 0..5_000 {
            let execution: Arc<str> = format!("q-{n}").into();
            ledger.called(&execution);
            ledger.ended(&execution, Times::default(), Duration::ZERO, answered());
        }
        let tally = ledger.tally();
        assert_eq!((tally.executions, tally.forgotten), (8, 4_992));
        assert_eq!(ledger.recent().len(), REMEMBERED);
        assert_eq!(ledger.execution("q-0"), None);
        assert_eq!(ledger.execution("q-4999").map(|found| found.calls), Some(1));
    }
}

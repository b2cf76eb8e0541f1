//! What a server is made of, beside the script that it plays.

use super::{rates::PerMinute, windows::Window};
use crate::llm::script::Script;

/// The whole behaviour of one [`LlmServer`](super::LlmServer): plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What is answered, how fast and with which faults.
    pub script: Script,
    /// Answers that are made at once; `None` means without end.
    pub slots: Option<usize>,
    /// Calls that may wait for a slot.
    pub queue: usize,
    /// The status for a call that finds the queue full: 429 or 503.
    pub full_status: u16,
    /// Requests and tokens per minute, for all callers together.
    pub per_minute: PerMinute,
    /// When the whole stub stands still.
    pub stalls: Vec<Window>,
    /// When it takes no connections; those that there are stay.
    pub refusals: Vec<Window>,
    /// Executions that the ledger tells apart; beyond, the oldest is forgotten.
    pub window: usize,
    /// Threads that answer; `None` means as many as there are cores.
    pub threads: Option<usize>,
}

impl Default for Settings {
    /// Answers at once and without end; a queue as long as that of other stubs for the case that there are slots.
    fn default() -> Self {
        Self {
            script: Script::new(),
            slots: None,
            queue: 1_000,
            full_status: 503,
            per_minute: PerMinute::default(),
            stalls: Vec::new(),
            refusals: Vec::new(),
            window: 65_536,
            threads: None,
        }
    }
}

//! What changed in a session since a version: the events after it, and nothing else.

use serde::{Deserialize, Serialize};

use crate::error::Rejection;
use crate::event::Event;
use crate::session::{Seq, SessionState};

/// The events of a session after a version, oldest first.
///
/// Its size follows what happened, not how long the session is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// Name of the session.
    pub session: String,
    /// The version that the reader has.
    pub since_seq: Seq,
    /// The newest version; later than the last event here if the delta is one page of several.
    pub newest_seq: Seq,
    /// The events, numbered from `since_seq + 1` without gaps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

impl Delta {
    /// The version of a reader who has applied this.
    pub fn until_seq(&self) -> Seq {
        self.events.last().map_or(self.since_seq, |event| event.seq)
    }

    /// Whether there are events that this page does not hold: ask again from
    /// [`until_seq`](Self::until_seq).
    pub fn has_more(&self) -> bool {
        self.until_seq() < self.newest_seq
    }

    /// Brings a state of version `since_seq` up to [`until_seq`](Self::until_seq).
    ///
    /// Stops at the first event that does not fit; the state is then that of the event before.
    pub fn apply_to(&self, state: &mut SessionState) -> Result<(), Rejection> {
        self.events.iter().try_for_each(|event| state.apply(event))
    }
}

//! What can go wrong with a run: an event that does not fit, bytes that cannot be read,
//! a store that cannot do what it is asked.
//!
//! Three enums, for three callers: whoever writes events, reads bytes, or uses a store.

use crate::run::{RunStatus, Seq};

/// Why an event does not fit the state that it was applied to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Its number is not the next one.
    #[error("event {found} where {expected} is next")]
    OutOfOrder {
        /// The next number.
        expected: Seq,
        /// The event's number.
        found: Seq,
    },
    /// It answers a call that was not made or is answered already.
    #[error("no open tool call `{call_id}`")]
    NoSuchCall {
        /// The id of the call.
        call_id: String,
    },
    /// It moves an item that the plan does not have.
    #[error("no item {item} in a plan of {n_items}")]
    NoSuchPlanItem {
        /// The item's position.
        item: usize,
        /// How many there are.
        n_items: usize,
    },
    /// It is a step whose number is not the next one.
    #[error("step {found} where {expected} is next")]
    StepOutOfOrder {
        /// The next number.
        expected: u64,
        /// The step's number.
        found: u64,
    },
    /// It starts a child run of the name of one that has not ended.
    #[error("child run `{child}` is there and has not ended")]
    ChildExists {
        /// Name of the child run.
        child: String,
    },
    /// It is about a child run that was not started or has ended.
    #[error("no open child run `{child}`")]
    NoSuchChild {
        /// Name of the child run.
        child: String,
    },
    /// It changes the status of a run that has ended.
    #[error("the run is already {}", status.as_str())]
    AlreadyEnded {
        /// How it ended.
        status: RunStatus,
    },
}

/// Why bytes cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// They stop in the middle.
    #[error("decode {object}: truncated at byte {offset}")]
    Truncated {
        /// What was being read.
        object: &'static str,
        /// Where the bytes stop.
        offset: usize,
    },
    /// They are not what such an object looks like.
    #[error("decode {object}: corrupt at byte {offset}: {reason}")]
    Corrupt {
        /// What was being read.
        object: &'static str,
        /// Where the fault was seen; at most the number of bytes.
        offset: usize,
        /// What is wrong there.
        reason: String,
    },
    /// They hold another kind of object.
    #[error("decode {object}: the bytes hold `{found}`")]
    WrongObject {
        /// What was being read.
        object: &'static str,
        /// What the bytes say they are.
        found: String,
    },
    /// A later version of this program wrote them; reading and rewriting would lose its fields.
    #[error("decode {object}: version {found} is newer than {newest}, update this program")]
    TooNew {
        /// What was being read.
        object: &'static str,
        /// The version of the bytes.
        found: u32,
        /// The newest version that can be read.
        newest: u32,
    },
}

/// Why a store did not do what it was asked.
///
/// A cause from a library is kept as its text: callers decide by the variant, people read the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such run.
    #[error("find run `{run}`")]
    NotFound {
        /// Its name.
        run: String,
    },
    /// There is such a run already.
    #[error("create run `{run}`: it exists")]
    Exists {
        /// Its name.
        run: String,
    },
    /// Somebody else wrote first: load what is new, and decide again.
    #[error("append to run `{run}` at version {based_on}: it is at {found}")]
    Conflict {
        /// Its name.
        run: String,
        /// The version that the write was based on.
        based_on: Seq,
        /// The version that it found.
        found: Seq,
    },
    /// A change does not fit; none of the write was kept.
    #[error("append to run `{run}`")]
    Rejected {
        /// Its name.
        run: String,
        /// Why not.
        #[source]
        source: Rejection,
    },
    /// A reader claims to have a version that does not exist yet.
    #[error("read run `{run}` since version {since_seq}: it is at {newest_seq}")]
    AheadOfLog {
        /// Its name.
        run: String,
        /// What the reader claims to have.
        since_seq: Seq,
        /// The newest version.
        newest_seq: Seq,
    },
    /// What is stored is damaged: it was changed by something else than this store, or cut off.
    #[error(
        "read {what} of run `{run}`: {reason}; restore it from an archive, the other runs are whole"
    )]
    Damaged {
        /// Name of the run.
        run: String,
        /// Which part of it, and where that is.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing more fits: a full disk, or an exhausted limit of the database. Nothing was written.
    #[error("{action}: no space left; free some, what was stored is whole")]
    Full {
        /// What was to be done.
        action: String,
    },
    /// Another process has the store open, and this kind of store serves one at a time.
    #[error("open {place}: another process has it open")]
    InUse {
        /// The folder or file.
        place: String,
    },
    /// The disk or the database did not do it, or is out of reach.
    #[error("{action}: {reason}")]
    Unavailable {
        /// What was to be done.
        action: String,
        /// Why not, in the words of the system.
        reason: String,
    },
}

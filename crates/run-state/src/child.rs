//! The child runs of a run: how they stand, and when the parent may go on.
//!
//! Children that were started together are a group, and their parent waits for the group.
//! [`join`] decides; it is pure, and takes the time as an argument.

use serde::{Deserialize, Serialize};

use crate::run::{RunStatus, Seq, UnixMillis};

/// A run that another one started, as its parent knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChildRun {
    /// Name of the child run; its log is its own.
    pub id: String,
    /// How its parent waits for it.
    pub spawn: Spawn,
    /// How far it is, as far as the parent has been told.
    pub status: RunStatus,
    /// When the parent started it.
    pub spawned_at_ms: UnixMillis,
    /// When the parent was told that it ended; `None` before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<UnixMillis>,
    /// Number of the parent's event that last changed this entry.
    pub seq: Seq,
}

/// How a parent waits for a child.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spawn {
    /// The children of one group are joined together; the empty name is a group too.
    pub group: String,
    /// How many of the group the parent waits for.
    pub join: JoinPolicy,
    /// What becomes of the group if this child fails.
    pub on_failure: FailurePolicy,
}

/// How many children of a group a parent waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum JoinPolicy {
    /// All of them.
    #[default]
    All,
    /// The first that completes.
    Any,
    /// This many that complete.
    Quorum {
        /// At least one.
        n_children: u32,
    },
    /// All of them, but no longer than this since the first of the group was started.
    Timeout {
        /// In milliseconds.
        after_ms: u64,
    },
}

/// What becomes of a group when one of its children fails or is canceled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailurePolicy {
    /// The join fails at once; the siblings go on.
    #[default]
    FailFast,
    /// The join goes on without the child.
    IgnoreFailure,
    /// The join fails at once, and the siblings are canceled.
    CancelSiblings,
}

impl FailurePolicy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::FailFast, Self::IgnoreFailure, Self::CancelSiblings];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FailFast => "fail_fast",
            Self::IgnoreFailure => "ignore_failure",
            Self::CancelSiblings => "cancel_siblings",
        }
    }
}

/// What a parent does about a group of children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Join {
    /// Wait, at most until then if a time is given.
    Wait {
        /// When to decide again although no child has ended.
        until: Option<UnixMillis>,
    },
    /// Go on: as many as were waited for have completed, or the time is over.
    Go,
    /// Fail because of a child.
    Fail {
        /// The child that decided it.
        because_of: String,
        /// Children to cancel now.
        cancel: Vec<String>,
    },
}

/// Decides about one group of children. The policy of its first child holds for all.
///
/// An empty group is joined. A group that can no longer bring together as many completed children as
/// are waited for fails because of the last one that failed.
pub fn join(group: &[&ChildRun], now: UnixMillis) -> Join {
    let Some(first) = group.first() else {
        return Join::Go;
    };
    let has_failed =
        |child: &&&ChildRun| matches!(child.status, RunStatus::Failed | RunStatus::Canceled);
    let decides = |child: &&&ChildRun| {
        has_failed(child) && child.spawn.on_failure != FailurePolicy::IgnoreFailure
    };
    if let Some(failed) = group.iter().find(decides) {
        return fail(failed, group);
    }
    let n_completed = count(group, |child| child.status == RunStatus::Completed);
    let n_open = count(group, |child| !child.status.is_terminal());
    let n_wanted = match first.spawn.join {
        JoinPolicy::Any => 1,
        JoinPolicy::Quorum { n_children } => n_children.max(1) as usize,
        JoinPolicy::All => return if n_open == 0 { Join::Go } else { wait() },
        JoinPolicy::Timeout { after_ms } => {
            let until = UnixMillis(first.spawned_at_ms.0.saturating_add(after_ms));
            return if n_open == 0 || now >= until {
                Join::Go
            } else {
                Join::Wait { until: Some(until) }
            };
        }
    };
    if n_completed >= n_wanted {
        return Join::Go;
    }
    if n_completed + n_open >= n_wanted {
        return wait();
    }
    match group.iter().rfind(has_failed) {
        Some(failed) => fail(failed, group),
        // More were waited for than were ever started: no child will change that.
        None => fail(first, group),
    }
}

fn wait() -> Join {
    Join::Wait { until: None }
}

fn fail(failed: &ChildRun, group: &[&ChildRun]) -> Join {
    let cancels = failed.spawn.on_failure == FailurePolicy::CancelSiblings;
    let open = group
        .iter()
        .filter(|child| cancels && !child.status.is_terminal());
    Join::Fail {
        because_of: failed.id.clone(),
        cancel: open.map(|child| child.id.clone()).collect(),
    }
}

fn count(group: &[&ChildRun], holds: impl Fn(&ChildRun) -> bool) -> usize {
    group.iter().filter(|child| holds(child)).count()
}

#[cfg(test)]
mod tests;

//! What changed in a run since a version: the events after it, and nothing else.

use serde::{Deserialize, Serialize};

use crate::child::{ChildRun, Spawn};
use crate::error::Rejection;
use crate::event::{Change, Event};
use crate::run::{RunState, RunStatus, Seq, UnixMillis};
use crate::step::Step;

/// The events of a run after a version, oldest first.
///
/// Its size follows what happened, not how long the run is. Steps and children that are not in it
/// have not changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// Name of the run; version 1 called it a session.
    #[serde(alias = "session")]
    pub run: String,
    /// The version that the reader has.
    pub since_seq: Seq,
    /// The newest version; later than the last event here if the delta is one page of several.
    pub newest_seq: Seq,
    /// The events, numbered from `since_seq + 1` without gaps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

/// What became of a child run since a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChildDelta<'a> {
    /// It is new: the whole entry.
    Spawned(ChildRun),
    /// It was there, and moved on.
    Changed {
        /// Name of the child run.
        child: &'a str,
        /// Where to.
        status: RunStatus,
        /// When its parent was told.
        at_ms: UnixMillis,
    },
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
    pub fn apply_to(&self, state: &mut RunState) -> Result<(), Rejection> {
        self.events.iter().try_for_each(|event| state.apply(event))
    }

    /// The steps that are new, each with its number.
    pub fn steps(&self) -> impl Iterator<Item = (u64, Step)> {
        self.events.iter().filter_map(|event| match &event.change {
            Change::StepAdded {
                index,
                kind,
                payload,
            } => {
                let step = Step {
                    seq: event.seq,
                    at_ms: event.at_ms,
                    kind: *kind,
                    payload: payload.clone(),
                };
                Some((*index, step))
            }
            _ => None,
        })
    }

    /// The children that are new or moved on, each once, in the order of their first change here.
    pub fn children(&self) -> Vec<ChildDelta<'_>> {
        let mut children: Vec<ChildDelta<'_>> = Vec::new();
        for event in &self.events {
            match &event.change {
                Change::ChildSpawned { child, spawn } => {
                    children.push(ChildDelta::Spawned(spawned(event, child, spawn)));
                }
                Change::ChildChanged { child, status } => {
                    let known = children.iter_mut().rfind(|known| known.is_of(child));
                    match known {
                        Some(known) => known.move_on(*status, event),
                        None => children.push(ChildDelta::Changed {
                            child,
                            status: *status,
                            at_ms: event.at_ms,
                        }),
                    }
                }
                _ => {}
            }
        }
        children
    }
}

impl ChildDelta<'_> {
    fn is_of(&self, name: &str) -> bool {
        match self {
            Self::Spawned(child) => child.id == name,
            Self::Changed { child, .. } => *child == name,
        }
    }

    fn move_on(&mut self, to: RunStatus, event: &Event) {
        match self {
            Self::Spawned(child) => {
                child.status = to;
                child.seq = event.seq;
                child.ended_at_ms = to.is_terminal().then_some(event.at_ms);
            }
            Self::Changed { status, at_ms, .. } => {
                *status = to;
                *at_ms = event.at_ms;
            }
        }
    }
}

fn spawned(event: &Event, child: &str, spawn: &Spawn) -> ChildRun {
    ChildRun {
        id: child.to_owned(),
        spawn: spawn.clone(),
        status: RunStatus::Pending,
        spawned_at_ms: event.at_ms,
        ended_at_ms: None,
        seq: event.seq,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;
    use crate::step::StepKind;

    fn step(index: u64) -> Change {
        Change::StepAdded {
            index,
            kind: StepKind::Action,
            payload: Json::parse(index.to_string()).expect("valid"),
        }
    }

    fn spawn(child: &str) -> Change {
        Change::ChildSpawned {
            child: child.to_owned(),
            spawn: Spawn::default(),
        }
    }

    fn moved(child: &str, status: RunStatus) -> Change {
        let child = child.to_owned();
        Change::ChildChanged { child, status }
    }

    fn log() -> Vec<Event> {
        let changes = vec![
            step(1),
            spawn("a"),
            moved("a", RunStatus::Running),
            step(2),
            spawn("b"),
            moved("a", RunStatus::Completed),
            moved("b", RunStatus::Failed),
        ];
        let mut head = crate::head::Head::new(UnixMillis(1));
        head.extend(UnixMillis(2), changes).expect("all fit")
    }

    #[test]
    fn steps_and_children_of_a_delta_are_those_that_changed_in_the_state() {
        let log = log();
        let mut state = RunState::new("r", UnixMillis(1));
        log.iter()
            .for_each(|event| state.apply(event).expect("it fits"));
        for since_seq in 0..=log.len() as u64 {
            let delta = Delta {
                run: "r".to_owned(),
                since_seq,
                newest_seq: state.version,
                events: log[since_seq as usize..].to_vec(),
            };
            let steps: Vec<_> = delta.steps().map(|(_, step)| step).collect();
            assert_eq!(steps, state.steps_since(since_seq));
            let changed: Vec<_> = state.children_since(since_seq).collect();
            let children = delta.children();
            assert_eq!(children.len(), changed.len(), "since {since_seq}");
            for child in changed {
                let of_delta = children.iter().find(|delta| delta.is_of(&child.id));
                match of_delta.expect("it changed") {
                    ChildDelta::Spawned(spawned) => assert_eq!(spawned, child),
                    ChildDelta::Changed { status, .. } => assert_eq!(*status, child.status),
                }
            }
        }
    }
}

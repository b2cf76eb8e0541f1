//! What must hold after every run, whatever was promised.

use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;
use crate::run::Ran;

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invariant {
    /// What.
    pub name: String,
    /// Whether it does; unset if the driver cannot tell.
    pub holds: Option<bool>,
    /// The numbers behind it.
    pub detail: String,
}

/// Looks at all of them.
pub fn check(ran: &Ran) -> Vec<Invariant> {
    vec![
        accounted(ran),
        executed_once(ran),
        within_cap(ran),
        at_rest(ran),
        cleaned_up(ran),
    ]
}

/// Every operation that was started has an end, and what was acknowledged is finished or a named loss.
fn accounted(ran: &Ran) -> Invariant {
    let all = ran.recorder.of_starts();
    let ended = all.outcomes.total();
    let lost: u64 = [
        Outcome::TimedOut,
        Outcome::Lost,
        Outcome::Stuck,
        Outcome::Cancelled,
    ]
    .into_iter()
    .map(|outcome| all.outcomes.get(outcome))
    .sum();
    Invariant {
        name: "every start has an end".to_owned(),
        holds: Some(ended == ran.started && all.acknowledged <= ran.started),
        detail: format!(
            "{} started, {} acknowledged, {} finished, {lost} named losses",
            ran.started,
            all.acknowledged,
            ended.saturating_sub(lost)
        ),
    }
}

fn executed_once(ran: &Ran) -> Invariant {
    let counted = ran.findings.executions.as_ref();
    let most = counted.and_then(|executions| executions.values().max().copied());
    Invariant {
        name: "nothing is executed twice".to_owned(),
        holds: counted.map(|executions| executions.values().all(|count| *count <= 1)),
        detail: match (counted, most) {
            (Some(executions), Some(most)) => {
                format!("{} executed, at most {most} times each", executions.len())
            }
            (Some(_), None) => "nothing was executed".to_owned(),
            (None, _) => "nobody counted".to_owned(),
        },
    }
}

fn within_cap(ran: &Ran) -> Invariant {
    let at_once = ran.findings.most_at_once;
    Invariant {
        name: "no more at once than the cap".to_owned(),
        holds: at_once.map(|(most, cap)| most <= cap),
        detail: at_once.map_or_else(
            || "nobody counted".to_owned(),
            |(most, cap)| format!("{most} at most, the cap is {cap}"),
        ),
    }
}

fn at_rest(ran: &Ran) -> Invariant {
    let still = ran.findings.still_at_work;
    Invariant {
        name: "all slots are given back".to_owned(),
        holds: still.map(|still| still == 0),
        detail: still.map_or_else(
            || "nobody counted".to_owned(),
            |still| format!("{still} still at work after the end"),
        ),
    }
}

fn cleaned_up(ran: &Ran) -> Invariant {
    Invariant {
        name: "nothing is left behind".to_owned(),
        holds: Some(ran.left_over == 0),
        detail: format!("{} objects could not be removed", ran.left_over),
    }
}

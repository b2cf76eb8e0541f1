//! Cases whose counts say less than they seem to. Pure.
//!
//! A count is judged to the last instruction, so it must be of the path and of nothing else: of a tiny case much is the
//! harness and the call, and a case that takes another way each time, as with a random hasher, hides what a change did.

use serde::Serialize;

use crate::baseline::CountCase;
use crate::case_id::CaseId;

/// Instructions per iteration below which a count is mostly what surrounds the path: the harness alone moves by two or
/// three of them between its versions, and the set-up of a call is tens.
pub const TINY: u64 = 1_000;

/// What is wrong with a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Lint {
    /// Too little happens in an iteration.
    Tiny {
        /// The whole id.
        id: String,
        /// Instructions of an iteration.
        instructions: u64,
    },
    /// Equal runs of one program differ.
    Unsteady {
        /// The whole id.
        id: String,
        /// By how many instructions.
        spread: u64,
    },
}

/// What is to say about the recorded cases, in their order.
pub fn lints<'a>(cases: impl IntoIterator<Item = (&'a CaseId, &'a CountCase)>) -> Vec<Lint> {
    let mut lints = Vec::new();
    for (id, case) in cases {
        if case.instructions < TINY {
            lints.push(Lint::Tiny {
                id: id.to_string(),
                instructions: case.instructions,
            });
        }
        if case.repeats > 0 {
            lints.push(Lint::Unsteady {
                id: id.to_string(),
                spread: case.repeats,
            });
        }
    }
    lints
}

impl std::fmt::Display for Lint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tiny { id, instructions } => write!(
                formatter,
                "{id} runs {instructions} instructions per iteration, and under {TINY} much of a count is the harness: \
                 repeat the work inside the case"
            ),
            Self::Unsteady { id, spread } => write!(
                formatter,
                "{id} counts up to {spread} instructions more or less in equal runs of one program: look for a random \
                 hasher or a clock, and fix what they give"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lint, lints};
    use crate::baseline::CountCase;
    use crate::case_id::CaseId;

    fn check(instructions: u64, repeats: u64, band: u64, expected: &[&str]) {
        let id = CaseId::new("quota/allow/1k").expect("well formed");
        let case = CountCase {
            instructions,
            band,
            repeats,
        };
        let found = lints([(&id, &case)]);
        let kinds: Vec<&str> = found
            .iter()
            .map(|lint| match lint {
                Lint::Tiny { .. } => "tiny",
                Lint::Unsteady { .. } => "unsteady",
            })
            .collect();
        assert_eq!(kinds, expected, "{instructions} {repeats} {band}");
        assert!(
            found
                .iter()
                .all(|lint| lint.to_string().contains(id.as_str()))
        );
    }

    #[test]
    fn a_case_under_a_thousand_instructions_is_named() {
        check(999, 0, 0, &["tiny"]);
        check(1_000, 0, 0, &[]);
    }

    #[test]
    fn a_case_whose_equal_runs_differ_is_named() {
        check(5_000, 1, 1, &["unsteady"]);
        check(500, 3, 3, &["tiny", "unsteady"]);
    }

    #[test]
    fn a_case_that_only_another_link_moves_is_not() {
        check(5_000, 0, 7, &[]);
    }
}

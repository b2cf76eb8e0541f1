//! Instruction counts of both sides of a pair run: exact where time is not. Pure.
//!
//! They answer what a change of time cannot: whether the code does more. More instructions and slower is the code; the
//! same instructions and slower may be nothing but its layout. Only cases with a twin have them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::cross::Work;
use crate::callgrind::Costs;
use crate::case_id::CaseId;
use crate::culprits::{CaseFunctions, Culprits};
use crate::functions::{FunctionTable, changes};

/// What is known of both sides' instructions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "are")]
pub enum PairCounts {
    /// Both sides were counted.
    Taken {
        /// Every case that a side has a twin of, in the order of their ids.
        cases: Vec<CaseCounts>,
        /// The functions that are behind more than one case.
        culprits: Culprits,
    },
    /// Nobody could count; the verdicts stand on time alone.
    NotAvailable {
        /// What was missing.
        because: String,
    },
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseCounts {
    /// The case.
    pub id: CaseId,
    /// Instructions of the base; unset if it has no such twin.
    pub base: Option<u64>,
    /// Instructions of the candidate; unset if it has no such twin.
    pub candidate: Option<u64>,
}

/// What one side counted of one case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SideCount {
    /// Instructions.
    pub instructions: u64,
    /// Of which functions they are made; unset if no profile was left.
    pub costs: Option<Costs>,
}

/// What one side counted.
pub type SideCounts = BTreeMap<CaseId, SideCount>;

impl CaseCounts {
    /// Candidate ÷ base; `None` unless both sides have the twin.
    pub fn ratio(&self) -> Option<f64> {
        let (base, candidate) = (self.base?, self.candidate?);
        (base > 0).then(|| candidate as f64 / base as f64)
    }

    /// Whether a side lacks it, or they differ by more than counts of equal code may.
    pub fn is_changed(&self) -> bool {
        self.base != self.candidate && Work::of(self.ratio()) != Work::Same
    }
}

impl PairCounts {
    /// Holds both sides against each other.
    pub fn of(base: &SideCounts, candidate: &SideCounts) -> Self {
        let ids: BTreeSet<&CaseId> = base.keys().chain(candidate.keys()).collect();
        let instructions = |side: &SideCounts, id| side.get(id).map(|count| count.instructions);
        let cases = ids.into_iter().map(|id| CaseCounts {
            id: id.clone(),
            base: instructions(base, id),
            candidate: instructions(candidate, id),
        });
        let cases: Vec<CaseCounts> = cases.collect();
        let changed = cases.iter().filter(|case| case.is_changed());
        let changed = changed.filter_map(|case| {
            let (base, candidate) = (base.get(&case.id)?, candidate.get(&case.id)?);
            Some(functions(&case.id, base, candidate))
        });
        Self::Taken {
            culprits: Culprits::of(changed.collect()),
            cases,
        }
    }

    /// Candidate ÷ base of every case that both sides counted, to be held against the change of its time.
    pub fn ratios(&self) -> BTreeMap<CaseId, f64> {
        let cases = match self {
            Self::Taken { cases, .. } => cases.as_slice(),
            Self::NotAvailable { .. } => &[],
        };
        let ratios = cases
            .iter()
            .filter_map(|case| Some((case.id.clone(), case.ratio()?)));
        ratios.collect()
    }
}

fn functions(id: &CaseId, base: &SideCount, candidate: &SideCount) -> CaseFunctions {
    match (&base.costs, &candidate.costs) {
        (Some(base), Some(candidate)) => {
            CaseFunctions::of(id.as_str(), changes(&FunctionTable::whole(base), candidate))
        }
        _ => CaseFunctions::unknown(id.as_str(), "a side left no profile"),
    }
}

#[cfg(test)]
mod tests {
    use super::{PairCounts, SideCount, SideCounts};
    use crate::callgrind::{Cost, Costs};
    use crate::case_id::CaseId;

    fn id(text: &str) -> CaseId {
        CaseId::new(text).expect("well formed")
    }

    fn side(cases: &[(&str, &[(&str, u64)])]) -> SideCounts {
        let counts = cases.iter().map(|(name, functions)| {
            let own = |(name, own): &(&str, u64)| {
                let cost = Cost {
                    own: *own,
                    inclusive: *own,
                };
                ((*name).to_owned(), cost)
            };
            let total = functions.iter().map(|(_, own)| own).sum();
            let costs = Costs {
                functions: functions.iter().map(own).collect(),
                total,
            };
            let count = SideCount {
                instructions: total,
                costs: Some(costs),
            };
            (id(name), count)
        });
        counts.collect()
    }

    #[test]
    fn each_changed_case_names_its_functions_and_those_that_share_one_are_one_finding() {
        let base = side(&[
            ("codec/a/1", &[("parse", 100), ("copy", 50)]),
            ("codec/b/1", &[("parse", 300)]),
            ("codec/same/1", &[("parse", 10)]),
        ]);
        let candidate = side(&[
            ("codec/a/1", &[("parse", 160), ("copy", 40)]),
            ("codec/b/1", &[("parse", 480)]),
            ("codec/same/1", &[("parse", 10)]),
        ]);
        let counts = PairCounts::of(&base, &candidate);
        assert_eq!(counts.ratios().get(&id("codec/b/1")).copied(), Some(1.6));
        assert_eq!(counts.ratios().get(&id("codec/same/1")).copied(), Some(1.0));
        let PairCounts::Taken { culprits, .. } = counts else {
            panic!("taken");
        };
        assert_eq!(culprits.by_case.len(), 2);
        assert_eq!(culprits.shared.len(), 1);
        assert_eq!(
            (&*culprits.shared[0].function, culprits.shared[0].growth),
            ("parse", 240)
        );
    }

    #[test]
    fn what_differs_by_less_than_equal_code_may_has_no_cause() {
        let of = |parse| side(&[("codec/a/1", &[("parse", parse)])]);
        for (candidate, is_changed) in [(100_000, false), (100_090, false), (100_110, true)] {
            let PairCounts::Taken { cases, culprits } =
                PairCounts::of(&of(100_000), &of(candidate))
            else {
                panic!("taken");
            };
            assert_eq!(cases[0].is_changed(), is_changed, "{candidate}");
            assert_eq!(culprits.by_case.len(), usize::from(is_changed));
        }
    }

    #[test]
    fn a_twin_that_a_side_lacks_has_no_ratio_and_does_not_disappear() {
        let base = side(&[("codec/old/1", &[("f", 1)])]);
        let candidate = side(&[("codec/new/1", &[("f", 1)])]);
        let counts = PairCounts::of(&base, &candidate);
        assert_eq!(counts.ratios().get(&id("codec/old/1")).copied(), None);
        let PairCounts::Taken { cases, .. } = counts else {
            panic!("taken");
        };
        let sides: Vec<_> = cases
            .iter()
            .map(|case| (case.base, case.candidate))
            .collect();
        assert_eq!(sides, [(None, Some(1)), (Some(1), None)]);
    }

    #[test]
    fn without_profiles_the_counts_still_stand() {
        let count = |instructions| SideCount {
            instructions,
            costs: None,
        };
        let base = SideCounts::from([(id("a/b"), count(10))]);
        let candidate = SideCounts::from([(id("a/b"), count(11))]);
        let counts = PairCounts::of(&base, &candidate);
        assert_eq!(counts.ratios().get(&id("a/b")).copied(), Some(1.1));
        let PairCounts::Taken { culprits, .. } = counts else {
            panic!("taken");
        };
        assert!(culprits.by_case[0].unknown.is_some());
    }
}

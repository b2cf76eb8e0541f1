//! Where the pass and the fail are, and what lies between them.

use crate::capacity::place::{Knowledge, Place};

/// The ends of the bracket among the places that were tried.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bracket {
    /// The highest pass below the first fail.
    pub(super) pass: Option<Place>,
    /// The lowest fail.
    pub(super) fail: Option<Place>,
    /// Loads between them of which nothing can be told, ascending.
    pub(super) undecided: Vec<f64>,
    /// The lowest load that the generator cannot offer.
    pub(super) spoiled: Option<f64>,
    /// Some load above the first fail passed.
    pub(super) non_monotonic: bool,
}

impl Bracket {
    /// The bracket of places by ascending load.
    pub(super) fn of(places: &[Place]) -> Self {
        let known = |knowledge| {
            places
                .iter()
                .filter(move |place| place.knowledge == knowledge)
        };
        let fail = known(Knowledge::Fail).next().copied();
        let below = |place: &&Place| fail.is_none_or(|fail| place.load.value() < fail.load.value());
        let pass = known(Knowledge::Pass).rfind(below).copied();
        let above = |load: f64| pass.is_none_or(|pass| pass.load.value() < load);
        Self {
            pass,
            fail,
            undecided: known(Knowledge::Undecided)
                .filter(below)
                .map(|place| place.load.value())
                .filter(|load| above(*load))
                .collect(),
            spoiled: known(Knowledge::Spoiled)
                .map(|place| place.load.value())
                .next(),
            non_monotonic: known(Knowledge::Pass).any(|place| !below(&place)),
        }
    }

    /// The gaps that are worth a probe: from the pass up to the first doubt, then from the last doubt up to the fail.
    pub(super) fn gaps(&self) -> Vec<(f64, f64)> {
        let (Some(pass), Some(fail)) = (self.pass, self.fail) else {
            return Vec::new();
        };
        let (pass, fail) = (pass.load.value(), fail.load.value());
        match (self.undecided.first(), self.undecided.last()) {
            (Some(first), Some(last)) => vec![(pass, *first), (*last, fail)],
            _ => vec![(pass, fail)],
        }
    }
}

//! What all trials at one load say together.

use crate::capacity::{Load, Purpose, Trial};
use crate::slo::judge::Standing;

/// Trials in a row that the generator spoils at one load before that load is beyond it: a neighbour on the machine
/// spoils one or two, and passes.
const MOST_TRIES: usize = 4;

/// One load and its trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    /// The load.
    pub(super) load: Load,
    /// What is known there.
    pub(super) knowledge: Knowledge,
    /// Trials that decided.
    pub(super) decided: usize,
    /// Confirmations that the generator spoiled.
    pub(super) unconfirmed: usize,
    /// It was held for long and kept every promise.
    pub(super) is_held: bool,
    /// Starts of the longest trial that was not spoiled.
    pub(super) longest: u64,
}

/// What is known of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Knowledge {
    /// Every promise is kept.
    Pass,
    /// Some promise is broken.
    Fail,
    /// Nothing yet, but a longer trial may tell.
    TooShort,
    /// Nothing, and no longer trial is allowed; or trials contradict each other.
    Undecided,
    /// The generator spoiled the few trials that there were: once more.
    SpoiledSoFar,
    /// The generator spoils every trial here.
    Spoiled,
}

/// The places of all trials but the ladder's, by ascending load.
pub(super) fn places(trials: &[Trial], longest_trial: u64) -> Vec<Place> {
    let mut loads: Vec<Load> = Vec::new();
    for trial in trials
        .iter()
        .filter(|trial| trial.probe.purpose != Purpose::Ladder)
    {
        if !loads.contains(&trial.probe.load) {
            loads.push(trial.probe.load);
        }
    }
    loads.sort_by(|left, right| left.value().total_cmp(&right.value()));
    let place = |load| {
        let here: Vec<&Trial> = trials
            .iter()
            .filter(|trial| trial.probe.purpose != Purpose::Ladder && trial.probe.load == load)
            .collect();
        place(load, &here, longest_trial)
    };
    loads.into_iter().map(place).collect()
}

fn place(load: Load, here: &[&Trial], longest_trial: u64) -> Place {
    let count = |standing| {
        let matching = here
            .iter()
            .filter(|trial| trial.observation.standing() == standing);
        matching.count()
    };
    let (met, missed) = (count(Standing::Met), count(Standing::Missed));
    let (open, spoiled) = (count(Standing::Inconclusive), count(Standing::Invalid));
    let unspoiled = here
        .iter()
        .filter(|trial| trial.observation.spoiled.is_none());
    let longest = unspoiled.map(|trial| trial.probe.starts).max().unwrap_or(0);
    let of = |purpose, standing| {
        let mut of = here.iter().filter(|trial| trial.probe.purpose == purpose);
        of.any(|trial| trial.observation.standing() == standing)
    };
    // A confirmation that could not tell takes back what a shorter trial had said.
    let let_go =
        of(Purpose::Hold, Standing::Inconclusive) || of(Purpose::Repeat, Standing::Inconclusive);
    let knowledge = match (met, missed, open) {
        (0, 0, 0) if spoiled >= MOST_TRIES => Knowledge::Spoiled,
        (0, 0, 0) => Knowledge::SpoiledSoFar,
        (0, 0, _) if longest < longest_trial => Knowledge::TooShort,
        (0, 0, _) => Knowledge::Undecided,
        (_, 0, _) if !let_go => Knowledge::Pass,
        (0, _, _) if !let_go => Knowledge::Fail,
        _ => Knowledge::Undecided,
    };
    Place {
        load,
        knowledge,
        decided: met + missed,
        unconfirmed: here
            .iter()
            .filter(|trial| matches!(trial.probe.purpose, Purpose::Hold | Purpose::Repeat))
            .filter(|trial| trial.observation.spoiled.is_some())
            .count(),
        is_held: of(Purpose::Hold, Standing::Met),
        longest,
    }
}

//! The search as a pure state machine: what was tried goes in, the next probe comes out.
//!
//! The state is the list of trials and nothing else, so a search that was broken off goes on from its record.

use crate::capacity::bracket::Bracket;
use crate::capacity::ladder;
use crate::capacity::place::{Knowledge, Place, places};
use crate::capacity::{
    Axis, Capacity, Ceiling, LITTLE_TOLERANCE, Load, Observation, Own, Probe, Purpose, Settings,
    Trial,
};
use crate::slo::Slo;
use crate::slo::judge::Standing;
use crate::usl::{Rung, Usl};

/// The one-sided level of a judgement within a search.
///
/// A search judges some ten places of which two or three are near the boundary, some of them again with longer trials;
/// at two fifths of the usual level, and with both ends confirmed, their errors together stay below the usual one.
pub const LEVEL: f64 = 0.02;

/// The first open probe, as a share of what the ladder brought through at most.
const FIRST_SHARE: f64 = 0.75;

/// The factor upwards from a pass: the ladder has said about where the end is.
const UPWARD: f64 = 1.25;

/// How far above all that was tried it is asked whether the system comes back.
const BEYOND: f64 = 1.5;

/// How often the confirmation of one load may be spoiled before it is left alone.
const MOST_SPOILED: usize = 3;

/// No open probe is above the ladder's best by more than this: what keeps its promises there is not bound by them.
const FARTHEST: f64 = 4.0;

/// Halvings at most, whatever the settings say.
const MOST_STEPS: i32 = 24;

/// A search with its trials.
#[derive(Debug, Clone)]
pub struct Search {
    settings: Settings,
    trials: Vec<Trial>,
}

impl Settings {
    /// Settings for these promises: trials long enough for the rarest quantile.
    pub fn new(axis: Axis, slos: &[Slo]) -> Self {
        let needed = slos.iter().map(|slo| slo.samples_needed_at(LEVEL)).max();
        let trial = 2 * needed.unwrap_or(1).max(100);
        Self {
            axis,
            start: 1.0,
            growth: 2.0,
            most: 4096.0,
            resolution: 0.05,
            trial,
            longest_trial: 16 * trial,
            hold: 16 * trial,
            most_probes: 60,
        }
    }
}

impl Search {
    /// A search that has not tried anything.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            trials: Vec::new(),
        }
    }

    /// The next probe; `None` when nothing more is to be learnt.
    pub fn next_probe(&self) -> Option<Probe> {
        if self.trials.len() >= self.settings.most_probes {
            return None;
        }
        let (purpose, load, starts) = self.ladder().or_else(|| self.search())?;
        Some(Probe {
            index: self.trials.len(),
            purpose,
            load,
            starts,
        })
    }

    /// What came of the probe.
    pub fn report(&mut self, probe: Probe, observation: Observation) {
        self.trials.push(Trial { probe, observation });
    }

    /// What is known.
    pub fn finish(self) -> Capacity {
        let places = places(&self.trials, self.settings.longest_trial);
        let bracket = Bracket::of(&places);
        // What was not confirmed is not stated.
        let confirmed = bracket.pass.filter(|pass| pass.is_held);
        let fail = bracket.fail.map(|fail| fail.load.value());
        Capacity {
            axis: self.settings.axis,
            highest_pass: confirmed.map(|pass| pass.load.value()),
            first_fail: fail,
            ceiling: self.ceiling(&bracket),
            binding: self.binding(fail),
            own: self.own(&bracket.undecided),
            usl: Usl::fit(&self.rungs(), 1),
            non_monotonic: bracket.non_monotonic,
            undecided: bracket.undecided,
            trials: self.trials,
        }
    }

    /// The next rung; only a rate needs the ladder.
    fn ladder(&self) -> Option<(Purpose, Load, u64)> {
        if self.settings.axis != Axis::Rate {
            return None;
        }
        let (users, starts) = ladder::next(&self.settings, &self.trials)?;
        Some((Purpose::Ladder, Load::Closed { users }, starts))
    }

    fn search(&self) -> Option<(Purpose, Load, u64)> {
        let Settings {
            trial,
            longest_trial,
            hold,
            ..
        } = self.settings;
        let places = places(&self.trials, longest_trial);
        if let Some(place) = places.iter().find(|place| wants_more(place)) {
            let starts = match place.knowledge {
                Knowledge::TooShort => (2 * place.longest).min(longest_trial),
                _ => trial,
            };
            return Some((self.last_purpose(place.load), place.load, starts));
        }
        let bracket = Bracket::of(&places);
        if let Some(load) = self.outward(&places, &bracket) {
            return Some((Purpose::Bracket, load, trial));
        }
        if let Some(load) = self.inward(&bracket) {
            return Some((Purpose::Narrow, load, trial));
        }
        let unconfirmed = |place: &Place| place.decided < 2 && place.unconfirmed < MOST_SPOILED;
        if let Some(fail) = bracket.fail.filter(unconfirmed) {
            let starts = (2 * fail.longest).clamp(trial, longest_trial);
            return Some((Purpose::Repeat, fail.load, starts));
        }
        let unheld = |place: &Place| !place.is_held && place.unconfirmed < MOST_SPOILED;
        if let Some(pass) = bracket.pass.filter(unheld) {
            return Some((Purpose::Hold, pass.load, hold));
        }
        bracket.fail?;
        let is_asked = |trial: &Trial| trial.probe.purpose == Purpose::Beyond;
        let beyond = self.at(places.last()?.load.value() * BEYOND)?;
        (!self.trials.iter().any(is_asked)).then_some((Purpose::Beyond, beyond, trial))
    }

    /// The next load in search of a pass below a fail; `None` once there are both, or no load is left to try.
    fn outward(&self, places: &[Place], bracket: &Bracket) -> Option<Load> {
        match (bracket.pass, bracket.fail) {
            (Some(_), Some(_)) => None,
            (_, None) => {
                let Some(highest) = places.last() else {
                    return self.at(self.first()?);
                };
                let up = match self.settings.axis {
                    Axis::Rate => UPWARD,
                    Axis::Burst | Axis::Concurrency => self.settings.growth,
                };
                if bracket.spoiled.is_some() {
                    return None;
                }
                self.at(highest.load.value() * up)
            }
            (None, Some(_)) => {
                let lowest = places.first()?.load.value();
                let least = self.first()? / 2_f64.powi(MOST_STEPS);
                let down = self.at(lowest / 2.0)?;
                (down.value() < lowest && down.value() > least).then_some(down)
            }
        }
    }

    /// The middle of the first gap that is still too wide.
    fn inward(&self, bracket: &Bracket) -> Option<Load> {
        let worth = |(low, high): &(f64, f64)| match self.settings.axis {
            Axis::Rate => high / low > 1.0 + self.settings.resolution,
            Axis::Burst | Axis::Concurrency => {
                high - low > 1.0 && high / low > 1.0 + self.settings.resolution
            }
        };
        let (low, high) = bracket.gaps().into_iter().find(worth)?;
        self.at((low * high).sqrt())
            .filter(|load| low < load.value() && load.value() < high)
            .or_else(|| self.at(low + 1.0))
    }

    /// The first load of the search proper.
    fn first(&self) -> Option<f64> {
        match self.settings.axis {
            Axis::Burst | Axis::Concurrency => Some(self.settings.start),
            Axis::Rate => {
                Some(FIRST_SHARE * ladder::most_through(&self.trials)).filter(|rate| *rate > 0.0)
            }
        }
    }

    /// A load at a place on the axis; `None` beyond the settings or below one whole user.
    fn at(&self, value: f64) -> Option<Load> {
        let whole = value.round();
        let is_allowed = whole >= 1.0 && whole <= self.settings.most;
        match self.settings.axis {
            Axis::Rate => (value <= FARTHEST * ladder::most_through(&self.trials))
                .then_some(Load::Open { rate: value }),
            Axis::Burst => is_allowed.then_some(Load::Burst { size: whole as u64 }),
            Axis::Concurrency => is_allowed.then_some(Load::Closed {
                users: whole as u64,
            }),
        }
    }

    /// Closed loops that the generator did not spoil and that obey Little's law.
    fn rungs(&self) -> Vec<Rung> {
        let closed = self
            .trials
            .iter()
            .filter_map(|trial| match trial.probe.load {
                Load::Closed { users } => Some((users, &trial.observation)),
                _ => None,
            });
        closed
            .filter(|(_, seen)| seen.spoiled.is_none() && seen.little_gap() <= LITTLE_TOLERANCE)
            .map(|(users, seen)| Rung {
                concurrency: users as f64,
                throughput: seen.throughput,
                error: seen.throughput_error,
            })
            .collect()
    }

    fn last_purpose(&self, load: Load) -> Purpose {
        let mut here = self.trials.iter().rev();
        let last =
            here.find(|trial| trial.probe.load == load && trial.probe.purpose != Purpose::Ladder);
        last.map_or(Purpose::Bracket, |trial| trial.probe.purpose)
    }

    fn ceiling(&self, bracket: &Bracket) -> Ceiling {
        let end = bracket.fail.map_or(f64::INFINITY, |fail| fail.load.value());
        let refused = |trial: &Trial| {
            let is_rung = trial.probe.purpose == Purpose::Ladder;
            trial.observation.refusals > 0 && (is_rung || trial.probe.load.value() <= end)
        };
        if self.trials.iter().any(refused) {
            return Ceiling::Quota;
        }
        match bracket.fail {
            Some(_) => Ceiling::Slo,
            None if bracket.spoiled.is_some() => Ceiling::Generator,
            None if self
                .trials
                .iter()
                .all(|trial| trial.observation.spoiled.is_some()) =>
            {
                Ceiling::Generator
            }
            None if self.trials.len() >= self.settings.most_probes => Ceiling::Probes,
            None => Ceiling::Settings,
        }
    }

    /// The promises that are broken at the first fail, by how far they are from their bounds.
    fn binding(&self, fail: Option<f64>) -> Vec<String> {
        let mut broken: Vec<(f64, String)> = self
            .unspoiled()
            .filter(|(load, _)| Some(*load) == fail)
            .flat_map(|(_, seen)| &seen.judgements)
            .filter(|judgement| judgement.standing == Standing::Missed)
            .map(|judgement| {
                (
                    (judgement.estimate / judgement.bound).ln().abs(),
                    judgement.slo.clone(),
                )
            })
            .collect();
        broken.sort_by(|left, right| right.0.total_cmp(&left.0));
        let mut names: Vec<String> = Vec::new();
        for (_, name) in broken {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Each promise alone, without the loads of which nothing can be told.
    fn own(&self, undecided: &[f64]) -> Vec<Own> {
        let names: Vec<String> = self
            .unspoiled()
            .map(|(_, seen)| &seen.judgements)
            .next()
            .map(|judgements| {
                judgements
                    .iter()
                    .map(|judgement| judgement.slo.clone())
                    .collect()
            })
            .unwrap_or_default();
        let own = |slo: String| {
            let at = |standing| {
                let told = self
                    .unspoiled()
                    .filter(|(load, _)| !undecided.contains(load));
                let seen = told.filter(|(_, seen)| {
                    let mut judgements = seen.judgements.iter();
                    judgements
                        .any(|judgement| judgement.slo == slo && judgement.standing == standing)
                });
                seen.map(|(load, _)| load).collect::<Vec<f64>>()
            };
            let first_fail = at(Standing::Missed).into_iter().reduce(f64::min);
            let below = |load: &f64| first_fail.is_none_or(|fail| *load < fail);
            let highest_pass = at(Standing::Met).into_iter().filter(below).reduce(f64::max);
            Own {
                slo,
                highest_pass,
                first_fail,
            }
        };
        names.into_iter().map(own).collect()
    }

    /// Loads of the search proper with what was seen there.
    fn unspoiled(&self) -> impl Iterator<Item = (f64, &Observation)> {
        self.trials
            .iter()
            .filter(|trial| {
                trial.probe.purpose != Purpose::Ladder && trial.observation.spoiled.is_none()
            })
            .map(|trial| (trial.probe.load.value(), &trial.observation))
    }
}

fn wants_more(place: &Place) -> bool {
    matches!(
        place.knowledge,
        Knowledge::TooShort | Knowledge::SpoiledSoFar
    )
}

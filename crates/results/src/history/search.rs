//! Looks at every series on every night, in the order of the nights, and says what was found when.
//!
//! The findings follow from the values alone, and a later night never takes a finding back: what is found on a night is
//! found from the nights up to it, and the search begins anew behind it.
//!
//! One budget covers everything. [`LOOK_LEVEL`] is what one look at one series may spend on steps and drifts together;
//! series that are looked at on the same night share as many levels as they are (Benjamini and Hochberg). Not Holm: the
//! promise is about the number of false findings, one per hundred series and year, and not about the chance of any, so a
//! history with more cases may make more of them. With Holm every further case would blind the others a little.

use super::drift::Drift;
use super::likeness;
use super::step::{Step, shift, split};
use crate::pairs::level::benjamini_hochberg;
use crate::stats::quantile;

/// What one look at one series may spend: the chance of a finding where nothing changed.
///
/// A year has 365 looks at a series, and most of a window is the same from night to night, so that a year spends some
/// sixty times as much and not 365 times: `a_year_of_equal_nights_has_few_findings` measures what it comes to.
pub const LOOK_LEVEL: f64 = 1e-4;

/// However many series share a night, of its findings no larger part may be false.
const MOST_FALSE: f64 = 0.05;

/// A p-value above which nothing further is asked: far above any level that a look can have.
const WORTH_A_LOOK: f64 = 0.05;

/// What the search knows of a case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Track {
    /// The night of each value, rising; series share the count.
    pub nights: Vec<i32>,
    /// Log ratios.
    pub values: Vec<f64>,
    /// Half the width of what is not known about the difference between a night and the night before it, beside their
    /// noise: zero but where the reference changed.
    pub doubts: Vec<f64>,
    /// The log ratio below which a change does not matter.
    pub minimum: f64,
}

/// A change that lasts.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Found {
    /// What kind of change.
    pub kind: Kind,
    /// The place of the first night that has the new level, or the first of the drift.
    pub first: usize,
    /// The place of the night on which it was found.
    pub found: usize,
    /// The log ratio before.
    pub before: f64,
    /// The log ratio after; of a drift, on the night on which it was found.
    pub after: f64,
    /// The chance of it in one look, if nothing had changed.
    pub p: f64,
}

/// How a level moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// At once.
    Step,
    /// Night by night.
    Drift,
}

/// Everything that is found in the tracks, each in the order of the nights.
pub fn search(tracks: &[Track]) -> Vec<Vec<Found>> {
    let mut searches: Vec<Search<'_>> = tracks.iter().map(Search::new).collect();
    let mut nights: Vec<i32> = tracks
        .iter()
        .flat_map(|track| track.nights.iter().copied())
        .collect();
    nights.sort_unstable();
    nights.dedup();
    for night in nights {
        let looked: Vec<(usize, Option<Found>)> = searches
            .iter_mut()
            .enumerate()
            .filter(|(_, search)| search.is_next(night))
            .map(|(index, search)| (index, search.look()))
            .collect();
        let p_values: Vec<f64> = looked
            .iter()
            .map(|(_, found)| found.map_or(1.0, |found| found.p))
            .collect();
        let rate = (LOOK_LEVEL * looked.len() as f64).min(MOST_FALSE);
        let is_named = benjamini_hochberg(&p_values, rate);
        for ((index, found), is_named) in looked.into_iter().zip(is_named) {
            if let Some(found) = found.filter(|_| is_named) {
                searches[index].keep(found);
            }
        }
    }
    searches.into_iter().map(|search| search.found).collect()
}

/// Whether so many nights could show anything.
pub fn is_enough(n_nights: usize) -> bool {
    n_nights >= super::drift::MIN_NIGHTS
}

/// One series in the middle of the search.
struct Search<'t> {
    track: &'t Track,
    /// The first night of the present level.
    start: usize,
    /// Nights that were looked at.
    n_seen: usize,
    found: Vec<Found>,
}

impl<'t> Search<'t> {
    fn new(track: &'t Track) -> Self {
        Self {
            track,
            start: 0,
            n_seen: 0,
            found: Vec::new(),
        }
    }

    fn is_next(&self, night: i32) -> bool {
        self.track.nights.get(self.n_seen) == Some(&night)
    }

    /// Takes the next night in, and says what it shows, with its p-value before that of the other series is known.
    fn look(&mut self) -> Option<Found> {
        self.n_seen += 1;
        let level = &self.track.values[self.start..self.n_seen];
        let step = Step::most_lopsided(level);
        let drift = Drift::surest(level);

        // How much nights resemble each other is asked only where it could matter: it never makes a p-value smaller.
        let p_step = |inflation| step.map_or(1.0, |step| halved(step.p_value(inflation)));
        let p_drift = |inflation| drift.map_or(1.0, |drift| halved(drift.p_value(inflation)));
        if p_step(1.0).min(p_drift(1.0)) > WORTH_A_LOOK {
            return None;
        }
        let by_step = step.and_then(|step| self.step(step));
        let by_drift = drift.and_then(|drift| self.drift(drift));
        match (
            by_step.map(|found| self.judged(found, p_step)),
            by_drift.map(|found| self.judged(found, p_drift)),
        ) {
            (Some(step), Some(drift)) if drift.p < step.p => Some(drift),
            (Some(step), _) => Some(step),
            (None, drift) => drift,
        }
    }

    /// With its p-value. How much nights resemble their neighbours is asked of what is left once all changes are taken
    /// off, this one among them: a level that moves would pass for noise that lingers.
    fn judged(&self, found: Found, p: impl Fn(f64) -> f64) -> Found {
        let mut level = self.track.values[..self.n_seen].to_vec();
        for change in self.found.iter().chain([&found]) {
            change.take_off(&mut level);
        }
        Found {
            p: p(likeness::inflation(&level)),
            ..found
        }
    }

    fn keep(&mut self, found: Found) {
        self.start = match found.kind {
            Kind::Step => found.first,
            // A drift has no level yet; where it goes on, it is found again.
            Kind::Drift => found.found,
        };
        self.found.push(found);
    }

    /// What a step comes to, as far as it matters; its p-value is not known yet.
    fn step(&self, step: Step) -> Option<Found> {
        let begin = self.n_seen - step.window;
        let values = &self.track.values[begin..self.n_seen];
        let split = split(values);
        let shift = shift(values, split)?;
        if shift.abs() < self.track.minimum + self.doubt_since(begin) {
            return None;
        }
        if let Some(ramp) = Ramp::better_than_step(values, split) {
            return Some(Found {
                kind: Kind::Drift,
                first: begin + ramp.knot,
                found: self.n_seen - 1,
                before: ramp.level,
                after: ramp.last,
                p: 1.0,
            });
        }
        let before = quantile(&values[..split], 0.5)?;
        Some(Found {
            kind: Kind::Step,
            first: begin + split,
            found: self.n_seen - 1,
            before,
            after: before + shift,
            p: 1.0,
        })
    }

    /// What a drift comes to, as far as it matters; its p-value is not known yet.
    fn drift(&self, drift: Drift) -> Option<Found> {
        let begin = self.n_seen - drift.window;
        let line = drift.line(&self.track.values[..self.n_seen])?;
        let rise = (line.last - line.first).abs();
        (rise >= self.track.minimum + self.doubt_since(begin)).then_some(Found {
            kind: Kind::Drift,
            first: begin,
            found: self.n_seen - 1,
            before: line.first,
            after: line.last,
            p: 1.0,
        })
    }

    /// What the changes of the reference after a night leave unknown.
    fn doubt_since(&self, begin: usize) -> f64 {
        let doubts = &self.track.doubts[begin + 1..self.n_seen];
        doubts.iter().map(|doubt| doubt.powi(2)).sum::<f64>().sqrt()
    }
}

impl Found {
    /// Takes the change off the values, as if it had not been.
    fn take_off(&self, values: &mut [f64]) {
        let rise = self.after - self.before;
        let n_nights = (self.found - self.first).max(1) as f64;
        for (index, value) in values.iter_mut().enumerate().skip(self.first) {
            let share = match self.kind {
                Kind::Step => 1.0,
                Kind::Drift => ((index - self.first) as f64 / n_nights).min(1.0),
            };
            *value -= rise * share;
        }
    }
}

/// Two tests share what a look may spend.
fn halved(p: f64) -> f64 {
    (2.0 * p).min(1.0)
}

/// A level that is steady up to a night and then rises or falls evenly.
struct Ramp {
    /// Nights before the first that moves.
    knot: usize,
    level: f64,
    last: f64,
}

impl Ramp {
    /// The ramp that fits the values best, if it fits them better than a step does; both have as much freedom.
    fn better_than_step(values: &[f64], split: usize) -> Option<Self> {
        let (before, after) = values.split_at(split);
        let of_step = squares(before) + squares(after);
        let ramps = (0..values.len() - 2).filter_map(|knot| Self::at(values, knot));
        let (of_ramp, ramp) = ramps.min_by(|left, right| left.0.total_cmp(&right.0))?;
        (of_ramp < of_step).then_some(ramp)
    }

    /// The least squares of a ramp that begins after this night, and the ramp.
    fn at(values: &[f64], knot: usize) -> Option<(f64, Self)> {
        let n = values.len() as f64;
        let climb = |index: usize| index.saturating_sub(knot) as f64;
        let mean_climb = (0..values.len()).map(climb).sum::<f64>() / n;
        let mean = values.iter().sum::<f64>() / n;
        let (mut with_itself, mut with_value, mut total) = (0.0, 0.0, 0.0);
        for (index, value) in values.iter().enumerate() {
            let (x, y) = (climb(index) - mean_climb, value - mean);
            with_itself += x * x;
            with_value += x * y;
            total += y * y;
        }
        let slope = with_value / with_itself;
        let level = mean - slope * mean_climb;
        slope.is_finite().then(|| {
            let ramp = Self {
                knot,
                level,
                last: level + slope * climb(values.len() - 1),
            };
            (total - slope * with_value, ramp)
        })
    }
}

/// The sum of the squared distances from the mean.
fn squares(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

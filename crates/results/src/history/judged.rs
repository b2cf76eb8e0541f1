//! A judged history: every case with its series, what was found in it, and whether somebody must act.
//!
//! It is the one thing that reports show; a sparkline needs [`CaseHistory::levels`] and the points of its series.

use std::path::Path;

use jiff::civil::Date;
use serde::Serialize;

use super::folder::{self, Breach};
use super::search::{self, Found, Kind};
use super::series::{self, Point, Segment, Series};
use crate::accept::{AcceptanceCensus, Acceptances, Answer, Metric};
use crate::comparison::Outcome;
use crate::error::Error;
use crate::stats::quantile;

/// Drifts that begin at most so many nights after the last one was found are the same drift.
const SAME_DRIFT: usize = 14;

/// Nights that stand for the level after a drift.
const LEVEL_NIGHTS: usize = 5;

/// Everything there is to say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct History {
    /// Every case, in the order of their ids.
    pub cases: Vec<CaseHistory>,
    /// Lines that were left out.
    pub breaches: Vec<Breach>,
    /// The last night of any case.
    pub last_night: i32,
    /// What became of the slowdowns that were agreed to.
    pub acceptances: AcceptanceCensus,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseHistory {
    /// Its nights.
    #[serde(flatten)]
    pub series: Series,
    /// What was found in it, in the order of the nights.
    pub findings: Vec<Finding>,
    /// Whether somebody must act.
    pub standing: Standing,
    /// What a reader must know beside it; unset if the standing is plain.
    pub reason: Option<String>,
}

/// A change that lasts, in one segment of a series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The place of the segment in its series.
    pub segment: usize,
    /// Where and how large; places are those of the segment's points.
    #[serde(flatten)]
    pub change: Found,
    /// The night before the change: the last date and commit of the old level.
    pub last_before: (Date, String),
    /// The first date and commit of the new level.
    pub first_after: (Date, String),
    /// The night on which it was found.
    pub found_on: Date,
    /// Whether the machine changed with it, which may be all that changed.
    pub is_machine_change: bool,
}

/// Whether somebody must act on a case.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Standing {
    /// It is slower than before a finding, by more than matters.
    Slower {
        /// By this share.
        share: f64,
    },
    /// It is, and somebody agreed to it.
    Accepted {
        /// By this share.
        share: f64,
    },
    /// It is faster than before the first finding, by more than matters.
    Faster {
        /// By this share.
        share: f64,
    },
    /// Nothing was found, or what was found has gone again.
    Steady,
    /// Its last segment is too short to find anything.
    TooFewNights {
        /// Nights that it has.
        n_nights: usize,
    },
}

/// A stretch of a segment on one level, or on a ramp.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Level {
    /// The place of its segment.
    pub segment: usize,
    /// The place of its first point.
    pub first: usize,
    /// The place of its last point.
    pub last: usize,
    /// The log ratio at its first point.
    pub from: f64,
    /// The log ratio at its last point.
    pub to: f64,
}

/// Reads a folder and judges all that is in it.
pub fn read(folder: &Path, acceptances: &Acceptances, today: Date) -> Result<History, Error> {
    let kept = folder::read(folder)?;
    Ok(judge(
        &series::series(&kept),
        kept.breaches,
        acceptances,
        today,
    ))
}

/// Judges all series together: they share the budget of false findings.
pub fn judge(
    all: &[Series],
    breaches: Vec<Breach>,
    acceptances: &Acceptances,
    today: Date,
) -> History {
    let segments = all.iter().enumerate().flat_map(|(case, series)| {
        let segments = series.segments.iter().enumerate();
        segments.map(move |(place, segment)| (case, place, segment))
    });
    let places: Vec<(usize, usize, &Segment)> = segments.collect();
    let tracks: Vec<_> = places
        .iter()
        .map(|(case, _, segment)| segment.track(all[*case].relevance))
        .collect();
    let mut findings: Vec<Vec<Finding>> = vec![Vec::new(); all.len()];
    for ((case, place, segment), found) in places.iter().zip(search::search(&tracks)) {
        let of_segment = merged(found).into_iter();
        findings[*case].extend(of_segment.map(|change| Finding::of(*place, segment, change)));
    }

    let mut census = AcceptanceCensus {
        expired: acceptances.expired(today).cloned().collect(),
        ..AcceptanceCensus::default()
    };
    let cases = all.iter().zip(findings).map(|(series, findings)| {
        let mut case = CaseHistory {
            standing: standing(series, &findings),
            series: series.clone(),
            findings,
            reason: None,
        };
        case.settle(acceptances, &mut census, today);
        case
    });
    let cases: Vec<CaseHistory> = cases.collect();
    let last_nights = cases.iter().filter_map(|case| case.series.last_night());
    History {
        last_night: last_nights.max().unwrap_or_default(),
        cases,
        breaches,
        acceptances: census,
    }
}

/// A drift that goes on is found again and again; it is one.
fn merged(found: Vec<Found>) -> Vec<Found> {
    let mut merged: Vec<Found> = Vec::new();
    for change in found {
        match merged.last_mut() {
            Some(last)
                if last.kind == Kind::Drift
                    && change.kind == Kind::Drift
                    && (last.after > last.before) == (change.after > change.before)
                    && change.first <= last.found + SAME_DRIFT =>
            {
                last.after = change.after;
                last.found = change.found;
                last.p = last.p.min(change.p);
            }
            _ => merged.push(change),
        }
    }
    merged
}

impl Finding {
    fn of(place: usize, segment: &Segment, change: Found) -> Self {
        let points = &segment.points;
        let known = |point: &Point| (point.date(), point.commit.clone());
        let before = &points[change.first.saturating_sub(1)];
        let after = &points[change.first];
        Self {
            segment: place,
            change,
            last_before: known(before),
            first_after: known(after),
            found_on: points[change.found].date(),
            is_machine_change: before.machine != after.machine,
        }
    }

    /// The share by which the case became slower; negative if it became faster.
    pub fn share(&self) -> f64 {
        (self.change.after - self.change.before).exp_m1()
    }
}

fn standing(series: &Series, findings: &[Finding]) -> Standing {
    let place = series.segments.len() - 1;
    let points = &series.segments[place].points;
    let current: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.segment == place)
        .collect();
    let (Some(first), Some(last)) = (current.first(), current.last()) else {
        return if search::is_enough(points.len()) {
            Standing::Steady
        } else {
            Standing::TooFewNights {
                n_nights: points.len(),
            }
        };
    };
    let level = level_after(points, &last.change);
    let rises = current.iter().map(|finding| level - finding.change.before);
    let highest = rises.fold(f64::NEG_INFINITY, f64::max);
    let since_first = level - first.change.before;
    let minimum = series.relevance.ln_1p();
    if highest >= minimum {
        Standing::Slower {
            share: highest.exp_m1(),
        }
    } else if since_first <= -minimum {
        Standing::Faster {
            share: -since_first.exp_m1(),
        }
    } else {
        Standing::Steady
    }
}

/// Where a case stands after its last finding.
fn level_after(points: &[Point], change: &Found) -> f64 {
    let begin = match change.kind {
        Kind::Step => change.first,
        Kind::Drift if points.len() - change.found > LEVEL_NIGHTS => points.len() - LEVEL_NIGHTS,
        Kind::Drift => return change.after,
    };
    median(&points[begin..]).unwrap_or(change.after)
}

fn median(points: &[Point]) -> Option<f64> {
    let values: Vec<f64> = points.iter().map(|point| point.effect.log_ratio).collect();
    quantile(&values, 0.5)
}

impl CaseHistory {
    /// Calls what was agreed to accepted.
    fn settle(&mut self, acceptances: &Acceptances, census: &mut AcceptanceCensus, today: Date) {
        let case = &self.series.case;
        match self.standing {
            Standing::Slower { share } => {
                let answer = acceptances.answer(case, Metric::Time, share, today);
                if let Answer::Accepted(entry) = answer {
                    self.standing = Standing::Accepted { share };
                    census.used.push(entry.clone());
                }
                self.reason = answer.in_words();
            }
            Standing::Steady | Standing::Faster { .. } => {
                let unused = acceptances.in_force(case, Metric::Time, today);
                census.unused.extend(unused.cloned());
            }
            Standing::Accepted { .. } | Standing::TooFewNights { .. } => {}
        }
    }

    /// The levels between the findings, in the order of the nights: what a plot draws through the points.
    pub fn levels(&self) -> Vec<Level> {
        let segments = self.series.segments.iter().enumerate();
        segments
            .flat_map(|(place, segment)| {
                let changes = self
                    .findings
                    .iter()
                    .filter(|finding| finding.segment == place);
                levels_of(
                    place,
                    &segment.points,
                    changes.map(|finding| finding.change),
                )
            })
            .collect()
    }
}

fn levels_of(segment: usize, points: &[Point], changes: impl Iterator<Item = Found>) -> Vec<Level> {
    let mut levels = Vec::new();
    let mut first = 0;
    let put = |first: usize, end: usize| {
        let stretch = points.get(first..end).and_then(median);
        stretch.map(|level| Level {
            segment,
            first,
            last: end - 1,
            from: level,
            to: level,
        })
    };
    for change in changes {
        levels.extend(put(first, change.first));
        first = change.first;
        if change.kind == Kind::Drift {
            levels.push(Level {
                segment,
                first,
                last: change.found,
                from: change.before,
                to: change.after,
            });
            first = change.found + 1;
        }
    }
    levels.extend(put(first, points.len()));
    levels
}

impl History {
    /// The cases that somebody must look at, the largest change first.
    pub fn ranked(&self) -> Vec<&CaseHistory> {
        let mut found: Vec<&CaseHistory> = self
            .cases
            .iter()
            .filter(|case| !case.findings.is_empty())
            .collect();
        found.sort_by(|left, right| {
            let key = |case: &CaseHistory| match case.standing {
                Standing::Slower { share } => (0, -share),
                Standing::Accepted { share } => (1, -share),
                Standing::Faster { share } => (2, -share),
                Standing::Steady | Standing::TooFewNights { .. } => (3, 0.0),
            };
            let (left_key, right_key) = (key(left), key(right));
            let by_rank = left_key.0.cmp(&right_key.0);
            by_rank.then(left_key.1.total_cmp(&right_key.1))
        });
        found
    }

    /// Cases without a point on the last night.
    pub fn silent(&self) -> impl Iterator<Item = &CaseHistory> {
        let is_silent = |case: &&CaseHistory| case.series.last_night() != Some(self.last_night);
        self.cases.iter().filter(is_silent)
    }

    /// What the history says as a whole: one without a case that could be judged is never fine.
    pub fn outcome(&self) -> Outcome {
        let is = |wanted: fn(&Standing) -> bool| {
            let mut standings = self.cases.iter().map(|case| &case.standing);
            standings.any(wanted)
        };
        if is(|standing| matches!(standing, Standing::Slower { .. })) {
            Outcome::Regressed
        } else if is(|standing| !matches!(standing, Standing::TooFewNights { .. })) {
            Outcome::Fine
        } else {
            Outcome::CouldNotTell
        }
    }
}

#[cfg(test)]
mod tests;

//! The series of a case: one point per night, all against one reference.
//!
//! A series survives a change of the machine, because each of its points is a ratio to a reference that ran in the same
//! session. It survives a change of the reference if some night measured one commit against both, old and new: such a
//! night bridges, and the new reference's points are moved by what the old and the new one differ by.
//!
//! ```text
//! night     1     2     3     4     5     6
//! old       x     x     x     x                    x: effect against the old reference
//! new                   y     y     y     y        y: effect against the new one
//! series    x     x     x     x    y+d   y+d       d: the median of x − y over the nights that have both
//! ```
//!
//! What the bridge does not know of `d` is kept as a doubt: a change across it must be larger by as much. Without such a
//! night a new segment begins, and nothing is said across its border.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::folder::Kept;
use super::line::{Effect, Line};
use super::search::Track;
use crate::case_id::CaseId;
use crate::stats::quantile;

/// All nights of one case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// The case.
    pub case: CaseId,
    /// The share below which a change does not matter, as the last night has it.
    pub relevance: f64,
    /// Stretches within which points can be held against each other, in the order of their nights; at least one.
    pub segments: Vec<Segment>,
    /// Nights that are left out because their run is contaminated.
    pub n_contaminated: usize,
    /// Runs that are left out because a later one of the same night stands.
    pub n_superseded: usize,
}

/// A stretch of a series with one reference, or with several that are bridged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Segment {
    /// In the order of their nights; at least one.
    pub points: Vec<Point>,
}

/// One night of one case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// The number of the night; see [`Line::night`].
    pub night: i32,
    /// When its run ended.
    pub time: Timestamp,
    /// Log ratio to the first reference of the segment, with its 95 % interval.
    pub effect: Effect,
    /// The commit of the night.
    pub commit: String,
    /// What it was held against.
    pub reference: String,
    /// The class of the machine.
    pub machine: String,
    /// Half the width of what is not known about the bridge before this night; zero where there is none.
    pub doubt: f64,
}

impl Point {
    /// The date of the night.
    pub fn date(&self) -> Date {
        let epoch = Date::constant(1970, 1, 1);
        let days = jiff::Span::new().try_days(i64::from(self.night));
        days.and_then(|days| epoch.checked_add(days))
            .unwrap_or(epoch)
    }
}

impl Series {
    /// The number of its last night.
    pub fn last_night(&self) -> Option<i32> {
        let last = self.segments.last()?.points.last()?;
        Some(last.night)
    }
}

impl Segment {
    /// What the search needs to know of it.
    pub fn track(&self, relevance: f64) -> Track {
        let points = || self.points.iter();
        Track {
            nights: points().map(|point| point.night).collect(),
            values: points().map(|point| point.effect.log_ratio).collect(),
            doubts: points().map(|point| point.doubt).collect(),
            minimum: relevance.ln_1p(),
        }
    }
}

/// The series of all cases, in the order of their ids.
pub fn series(kept: &Kept) -> Vec<Series> {
    let mut lines_by_case: BTreeMap<&CaseId, Vec<&Line>> = BTreeMap::new();
    for line in &kept.lines {
        lines_by_case.entry(&line.case).or_default().push(line);
    }
    let cases = lines_by_case.into_iter();
    cases
        .filter_map(|(case, lines)| of_case(case, &lines))
        .collect()
}

/// `None` if every night of the case is contaminated.
fn of_case(case: &CaseId, lines: &[&Line]) -> Option<Series> {
    let relevance = lines.last()?.relevance;
    let (contaminated, sound): (Vec<&Line>, Vec<&Line>) =
        lines.iter().partition(|line| line.is_contaminated);
    let mut n_superseded = 0;
    let mut segments: Vec<Open> = Vec::new();
    for night in sound.chunk_by(|left, right| left.night() == right.night()) {
        // Of several runs against one reference the last one stands: somebody measured again.
        let by_reference: BTreeMap<&str, &Line> =
            night.iter().map(|line| (&*line.reference, *line)).collect();
        n_superseded += night.len() - by_reference.len();
        let is_taken = segments
            .last_mut()
            .is_some_and(|segment| segment.take(&by_reference));
        if !is_taken {
            let first = night.first()?;
            segments.push(Open::begin(first, &by_reference));
        }
    }
    let segments: Vec<Segment> = segments
        .into_iter()
        .map(|open| Segment {
            points: open.points,
        })
        .collect();
    (!segments.is_empty()).then(|| Series {
        case: case.clone(),
        relevance,
        segments,
        n_contaminated: contaminated.len(),
        n_superseded,
    })
}

/// A segment that may go on.
struct Open {
    points: Vec<Point>,
    /// The reference of the last point.
    reference: String,
    /// What to add to effects against `reference`.
    offset: f64,
    /// Of other references: what to add to effects against them, as each night that has both says.
    bridges: BTreeMap<String, Vec<Bridge>>,
}

/// What one night says about two references.
struct Bridge {
    offset: f64,
    half_width: f64,
}

impl Open {
    fn begin(line: &Line, night: &BTreeMap<&str, &Line>) -> Self {
        let mut open = Self {
            points: Vec::new(),
            reference: line.reference.clone(),
            offset: 0.0,
            bridges: BTreeMap::new(),
        };
        open.take(night);
        open
    }

    /// Takes a night in, if it was held against a reference that the segment knows.
    fn take(&mut self, night: &BTreeMap<&str, &Line>) -> bool {
        if let Some(line) = night.get(&*self.reference) {
            self.put(line, 0.0);
            for other in night.values() {
                self.learn(line, other);
            }
            return true;
        }
        let bridged = night
            .values()
            .find_map(|line| Some((*line, crossing(self.bridges.get(&line.reference)?)?)));
        let Some((line, (offset, doubt))) = bridged else {
            return false;
        };
        self.reference.clone_from(&line.reference);
        self.offset = offset;
        self.put(line, doubt);
        true
    }

    fn put(&mut self, line: &Line, doubt: f64) {
        let moved = |log_ratio: f64| log_ratio + self.offset;
        self.points.push(Point {
            night: line.night(),
            time: line.time,
            effect: Effect {
                log_ratio: moved(line.wall.log_ratio),
                low: moved(line.wall.low),
                high: moved(line.wall.high),
            },
            commit: line.commit.clone(),
            reference: line.reference.clone(),
            machine: line.machine.clone(),
            doubt,
        });
    }

    /// What a night says about its second reference. Another commit's effect says nothing about the references.
    fn learn(&mut self, known: &Line, other: &Line) {
        if other.reference == known.reference || other.commit != known.commit {
            return;
        }
        let half_width = |effect: Effect| (effect.high - effect.low) / 2.0;
        let bridge = Bridge {
            offset: self.offset + known.wall.log_ratio - other.wall.log_ratio,
            half_width: half_width(known.wall).hypot(half_width(other.wall)),
        };
        self.bridges
            .entry(other.reference.clone())
            .or_default()
            .push(bridge);
    }
}

/// What the nights of a bridge say together: the offset, and half the width of what they leave unknown.
fn crossing(bridges: &[Bridge]) -> Option<(f64, f64)> {
    let offsets: Vec<f64> = bridges.iter().map(|bridge| bridge.offset).collect();
    let squares: f64 = bridges.iter().map(|bridge| bridge.half_width.powi(2)).sum();
    let doubt = squares.sqrt() / bridges.len() as f64;
    Some((quantile(&offsets, 0.5)?, doubt))
}

#[cfg(test)]
mod tests;

//! Acceptances: slowdowns that somebody agreed to, each for one case and metric, up to an effect, with a reason and an
//! end.
//!
//! They stand in `baselines/accepted.toml`, which a reviewer reads as it is:
//!
//! ```toml
//! [[accepted]]
//! case = "queue/order/30k_waiting"
//! metric = "time"
//! allow_percent = 4.0
//! because = "the ledger is written before the answer"
//! on = 2026-11-21
//! until = 2027-01-31
//! ```
//!
//! An acceptance changes no measurement and no judgement of size: a case that is slower by no more than was agreed to is
//! called *accepted* instead of regressed, and named in every report. The day after its end it counts for nothing, and
//! reports say so until somebody removes it.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::case_id::CaseId;
use crate::error::Error;
use crate::files;
use crate::record::Unit;

mod apply;

/// The file, in the folder of all baselines.
pub const FILE: &str = "accepted.toml";

const HEAD: &str = "# Slowdowns that were agreed to, each until a day. Written by `cargo plimsoll baseline accept`;\n\
    # to take one back, remove its paragraph, and say so in CHANGES.md.\n";

const MEND: &str = "mend it, or restore it from version control";

/// The largest effect that can be accepted: beyond doubling, nothing is being watched any more.
const MOST_SHARE: f64 = 1.0;

/// What is slower, or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Wall time, by whichever way it was measured.
    Time,
    /// Instruction counts.
    Instructions,
    /// Allocations.
    Allocations,
}

impl From<Unit> for Metric {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Nanoseconds => Self::Time,
            Unit::Instructions => Self::Instructions,
            Unit::Allocations => Self::Allocations,
        }
    }
}

/// One slowdown that was agreed to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Acceptance {
    /// The case, exactly.
    pub case: CaseId,
    /// By which metric.
    pub metric: Metric,
    /// Up to which share more.
    pub share: f64,
    /// Why.
    pub because: String,
    /// The day on which it was agreed to.
    pub on: Date,
    /// The last day on which it counts.
    pub until: Date,
}

/// All acceptances, in the order of their cases and metrics.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Acceptances {
    entries: Vec<Acceptance>,
}

/// What became of the acceptances in one report.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AcceptanceCensus {
    /// Those that kept a case from failing.
    pub used: Vec<Acceptance>,
    /// Those whose case was judged and is not slower: they can go.
    pub unused: Vec<Acceptance>,
    /// Those whose end has passed; they count for nothing.
    pub expired: Vec<Acceptance>,
}

/// What the acceptances say about a case that is slower.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer<'a> {
    /// It was agreed to.
    Accepted(&'a Acceptance),
    /// Less was agreed to.
    Exceeded(&'a Acceptance),
    /// It was agreed to until a day that has passed.
    Expired(&'a Acceptance),
    /// Nobody agreed to anything.
    Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireTable {
    #[serde(default)]
    accepted: Vec<WireEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEntry {
    case: CaseId,
    metric: Metric,
    allow_percent: f64,
    because: String,
    on: Date,
    until: Date,
}

/// The day by the clock, in UTC; whatever decides takes the day as an argument.
pub fn today() -> Date {
    jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date()
}

impl Acceptance {
    /// Checks what was asked for: a share of nothing, an end that has passed and an empty reason are no agreement.
    pub fn check(&self) -> Result<(), Error> {
        let refused = |reason: String, mend| Error::Refused {
            doing: format!("accept a slowdown of {}", self.case),
            reason,
            mend,
        };
        if !(self.share > 0.0 && self.share <= MOST_SHARE) {
            return Err(refused(
                format!("{} % is no effect to allow", self.share * 100.0),
                "allow more than 0 % and at most 100 %",
            ));
        }
        if self.because.trim().is_empty() {
            let mend = "say why with --because, in words that the next reader understands";
            return Err(refused("it has no reason".to_owned(), mend));
        }
        if self.until <= self.on {
            return Err(refused(
                format!("its end {} is not after {}", self.until, self.on),
                "name a later day with --until",
            ));
        }
        Ok(())
    }

    /// Whether it counts on this day.
    pub fn is_in_force(&self, today: Date) -> bool {
        today <= self.until
    }

    /// `+4 % until 2027-01-31 (the ledger is written before the answer)`.
    pub fn in_words(&self) -> String {
        let percent = (self.share * 1e4).round() / 100.0;
        format!("+{percent} % until {} ({})", self.until, self.because)
    }
}

impl Acceptances {
    /// Reads the file in the folder of all baselines; without it nothing was accepted.
    pub fn read(baselines: &Path) -> Result<Self, Error> {
        let path = baselines.join(FILE);
        match files::read_if_there(&path)? {
            None => Ok(Self::default()),
            Some(text) => Self::parse(&path, &text),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let malformed = |reason: String| Error::malformed(path, reason, MEND);
        let wire: WireTable = toml::from_str(text)
            .map_err(|error| malformed(error.to_string().trim_end().to_owned()))?;
        let mut acceptances = Self::default();
        for entry in wire.accepted {
            let acceptance = Acceptance {
                case: entry.case,
                metric: entry.metric,
                share: entry.allow_percent / 100.0,
                because: entry.because,
                on: entry.on,
                until: entry.until,
            };
            acceptance
                .check()
                .map_err(|error| malformed(error.to_string()))?;
            if acceptances.add(acceptance.clone()).is_some() {
                let reason = format!("{} is accepted twice by one metric", acceptance.case);
                return Err(malformed(reason));
            }
        }
        Ok(acceptances)
    }

    /// Adds one; what it takes the place of, if there is one of the same case and metric.
    pub fn add(&mut self, acceptance: Acceptance) -> Option<Acceptance> {
        let key = |entry: &Acceptance| (entry.case.clone(), entry.metric);
        let place = self.entries.binary_search_by_key(&key(&acceptance), key);
        match place {
            Ok(place) => Some(std::mem::replace(&mut self.entries[place], acceptance)),
            Err(place) => {
                self.entries.insert(place, acceptance);
                None
            }
        }
    }

    /// Stores all of them; returns the file.
    pub fn write(&self, baselines: &Path) -> Result<PathBuf, Error> {
        let path = baselines.join(FILE);
        let accepted = self.entries.iter().map(|entry| WireEntry {
            case: entry.case.clone(),
            metric: entry.metric,
            allow_percent: (entry.share * 1e4).round() / 100.0,
            because: entry.because.clone(),
            on: entry.on,
            until: entry.until,
        });
        let table = WireTable {
            accepted: accepted.collect(),
        };
        let text = toml::to_string(&table)
            .map_err(|error| Error::malformed(&path, error.to_string(), MEND))?;
        files::write_at_once(&path, &format!("{HEAD}\n{text}"))?;
        Ok(path)
    }

    /// What they say about a case that is slower by this share.
    pub fn answer(&self, case: &CaseId, metric: Metric, share: f64, today: Date) -> Answer<'_> {
        let mut entries = self.entries.iter();
        let fitting = entries.find(|entry| entry.case == *case && entry.metric == metric);
        match fitting {
            None => Answer::Unknown,
            Some(entry) if !entry.is_in_force(today) => Answer::Expired(entry),
            Some(entry) if share > entry.share => Answer::Exceeded(entry),
            Some(entry) => Answer::Accepted(entry),
        }
    }

    /// Those whose end has passed.
    pub fn expired(&self, today: Date) -> impl Iterator<Item = &Acceptance> {
        self.entries
            .iter()
            .filter(move |entry| !entry.is_in_force(today))
    }

    /// The one of a case and metric that counts on this day.
    pub fn in_force(&self, case: &CaseId, metric: Metric, today: Date) -> Option<&Acceptance> {
        let mut entries = self.entries.iter();
        entries
            .find(|entry| entry.case == *case && entry.metric == metric && entry.is_in_force(today))
    }
}

impl Answer<'_> {
    /// What a report says beside the case; `None` if there is nothing to say.
    pub fn in_words(&self) -> Option<String> {
        match self {
            Self::Accepted(entry) => Some(format!("accepted: {}", entry.in_words())),
            Self::Exceeded(entry) => Some(format!("more than was accepted: {}", entry.in_words())),
            Self::Expired(entry) => Some(format!("no longer accepted: {}", entry.in_words())),
            Self::Unknown => None,
        }
    }
}

impl AcceptanceCensus {
    /// A line for each acceptance that a reader must know of.
    pub fn in_words(&self) -> Vec<String> {
        let line = |title: &str, entry: &Acceptance| {
            format!("{title}: {} {}", entry.case, entry.in_words())
        };
        let used = self.used.iter().map(|entry| line("accepted", entry));
        let unused = self
            .unused
            .iter()
            .map(|entry| line("accepted and not needed any more, remove it", entry));
        let expired = self
            .expired
            .iter()
            .map(|entry| line("accepted once, but its end has passed", entry));
        used.chain(unused).chain(expired).collect()
    }
}

#[cfg(test)]
mod tests;

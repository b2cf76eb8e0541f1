//! The text of a baseline file.
//!
//! Derived numbers (estimate, spread) stand beside the runs for the reader's sake; they are checked on reading,
//! so that a line changed by hand is noticed.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::allocations::AllocationCase;
use super::{Baseline, CountCase, Shelf, TimeCase};
use crate::allocations::Allocations;
use crate::case_id::CaseId;
use crate::error::Error;
use crate::files;
use crate::machine;
use crate::round::{SPREAD_DIGITS, TIME_DIGITS, significant};

/// The version of the file that this code writes, and the only one that it reads.
pub(super) const SCHEMA: u32 = 1;

pub(super) const GENERATED_BY: &str =
    "cargo plimsoll baseline record; do not edit, see baselines/README.md";

pub(super) const MEND: &str = "restore it from version control, or remove it and record it again";

/// A case as its line holds it.
pub(super) trait WireCase: Sized {
    type Line: Serialize + DeserializeOwned;
    /// The unit named in the head of the file.
    const UNIT: &'static str;

    fn to_line(&self) -> Self::Line;
    fn from_line(line: &Self::Line) -> Result<Self, String>;
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeLine {
    estimate_ns: f64,
    between_percent: f64,
    within_percent: f64,
    runs_ns: Vec<f64>,
}

impl WireCase for TimeCase {
    type Line = TimeLine;
    const UNIT: &'static str = "ns";

    fn to_line(&self) -> TimeLine {
        let percent = |share: f64| significant(share * 100.0, SPREAD_DIGITS);
        TimeLine {
            estimate_ns: significant(self.estimate_ns(), TIME_DIGITS),
            between_percent: percent(self.moments.deviation),
            within_percent: percent(self.within),
            runs_ns: self.runs_ns.clone(),
        }
    }

    fn from_line(line: &TimeLine) -> Result<Self, String> {
        let case = Self::new(&line.runs_ns, line.within_percent / 100.0)
            .ok_or("its runs are not all positive times")?;
        if line.runs_ns.len() < super::MIN_PROCESSES {
            return Err(format!("it has {} runs", line.runs_ns.len()));
        }
        if !(line.within_percent >= 0.0 && line.within_percent.is_finite()) {
            return Err(format!("its spread within is {} %", line.within_percent));
        }
        let derived = case.to_line();
        // Rounding may fall either way when the last bit of a logarithm does.
        let agrees = |stored: f64, derived: f64, digits: i32| {
            (stored - derived).abs() <= derived.abs() * 10_f64.powi(1 - digits)
        };
        if !agrees(line.estimate_ns, derived.estimate_ns, TIME_DIGITS)
            || !agrees(line.between_percent, derived.between_percent, SPREAD_DIGITS)
        {
            return Err("its estimate or spread does not follow from its runs".to_owned());
        }
        Ok(case)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CountLine {
    instructions: u64,
    band: u64,
    repeats: u64,
}

impl WireCase for CountCase {
    type Line = CountLine;
    const UNIT: &'static str = "instructions";

    fn to_line(&self) -> CountLine {
        CountLine {
            instructions: self.instructions,
            band: self.band,
            repeats: self.repeats,
        }
    }

    fn from_line(line: &CountLine) -> Result<Self, String> {
        if line.instructions == 0 {
            return Err("it counts no instructions".to_owned());
        }
        if line.repeats > line.band {
            return Err("its band is narrower than its repetitions".to_owned());
        }
        Ok(Self {
            instructions: line.instructions,
            band: line.band,
            repeats: line.repeats,
        })
    }
}

/// Each number with its band.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllocationLine {
    count: [u64; 2],
    bytes: [u64; 2],
    peak: [u64; 2],
}

impl WireCase for AllocationCase {
    type Line = AllocationLine;
    const UNIT: &'static str = "allocations";

    fn to_line(&self) -> AllocationLine {
        let Self { smallest, band } = self;
        AllocationLine {
            count: [smallest.count, band.count],
            bytes: [smallest.bytes, band.bytes],
            peak: [smallest.peak, band.peak],
        }
    }

    fn from_line(line: &AllocationLine) -> Result<Self, String> {
        if (line.count[0] == 0) != (line.bytes[0] == 0) && line.count[1] + line.bytes[1] == 0 {
            return Err(
                "it has allocations without bytes, or bytes without allocations".to_owned(),
            );
        }
        let number = |index: usize| Allocations {
            count: line.count[index],
            bytes: line.bytes[index],
            peak: line.peak[index],
        };
        Ok(Self {
            smallest: number(0),
            band: number(1),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireBaseline<L> {
    #[serde(rename = "generated_by")]
    _generated_by: String,
    schema: u32,
    suite: String,
    unit: String,
    cases: UniqueMap<L>,
}

/// A map that refuses a key given twice, as a bad merge leaves it; plain maps keep the last one in silence.
pub(super) struct UniqueMap<L>(pub(super) BTreeMap<String, L>);

impl<'de, L: Deserialize<'de>> Deserialize<'de> for UniqueMap<L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UniqueVisitor<L>(PhantomData<L>);

        impl<'de, L: Deserialize<'de>> Visitor<'de> for UniqueVisitor<L> {
            type Value = UniqueMap<L>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("cases by key")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueMap<L>, A::Error> {
                let mut cases = BTreeMap::new();
                while let Some((key, line)) = map.next_entry::<String, L>()? {
                    if cases.contains_key(&key) {
                        return Err(A::Error::custom(format!("case {key:?} is there twice")));
                    }
                    cases.insert(key, line);
                }
                Ok(UniqueMap(cases))
            }
        }

        deserializer.deserialize_map(UniqueVisitor(PhantomData))
    }
}

pub(super) fn read_shelf<C: WireCase, M: DeserializeOwned>(
    folder: &Path,
) -> Result<Option<Shelf<C, M>>, Error> {
    let mut suites = BTreeMap::new();
    for entry in files::sorted_entries(folder)? {
        let path = entry.path();
        let is_json = path
            .extension()
            .is_some_and(|extension| extension == "json");
        if is_json && entry.file_name() != machine::FILE {
            let baseline = read_suite::<C>(&path)?;
            suites.insert(baseline.suite.clone(), baseline);
        }
    }
    match machine::read(folder)? {
        Some(machine) => Ok(Some(Shelf { machine, suites })),
        None if suites.is_empty() => Ok(None),
        None => Err(Error::malformed(
            &folder.join(machine::FILE),
            "it is not there, so nobody knows which machine the baselines are of",
            MEND,
        )),
    }
}

fn read_suite<C: WireCase>(path: &Path) -> Result<Baseline<C>, Error> {
    let malformed = |reason: String| Error::malformed(path, reason, MEND);
    let wire: WireBaseline<C::Line> = files::parse_json(path, &files::read(path)?, MEND)?;
    if wire.schema != SCHEMA {
        return Err(malformed(format!(
            "schema is {}, this build reads {SCHEMA}",
            wire.schema
        )));
    }
    if wire.unit != C::UNIT {
        return Err(malformed(format!(
            "its unit is {:?} where {:?} belongs",
            wire.unit,
            C::UNIT
        )));
    }
    if path.file_stem().is_none_or(|stem| stem != &*wire.suite) {
        return Err(malformed(format!(
            "it says it is of suite {:?}",
            wire.suite
        )));
    }
    let mut cases = BTreeMap::new();
    for (key, line) in &wire.cases.0 {
        let case =
            C::from_line(line).map_err(|reason| malformed(format!("case {key:?}: {reason}")))?;
        let id = CaseId::of(&wire.suite, key)
            .ok_or_else(|| malformed(format!("case {key:?} has no name")))?;
        cases.insert(id, case);
    }
    Ok(Baseline {
        suite: wire.suite,
        cases,
    })
}

pub(super) fn write_suite<C: WireCase>(folder: &Path, baseline: &Baseline<C>) -> Result<(), Error> {
    let path = folder.join(format!("{}.json", baseline.suite));
    let text =
        render(baseline).map_err(|error| Error::malformed(&path, error.to_string(), MEND))?;
    files::write_at_once(&path, &text)
}

/// One case per line, by hand: no setting of the JSON writer gives it.
fn render<C: WireCase>(baseline: &Baseline<C>) -> Result<String, serde_json::Error> {
    let json = |text: &str| serde_json::to_string(text);
    let mut text = String::new();
    let mut put = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    put(format!("{{\"generated_by\": {},", json(GENERATED_BY)?));
    put(format!("\"schema\": {SCHEMA},"));
    put(format!("\"suite\": {},", json(&baseline.suite)?));
    put(format!("\"unit\": {},", json(C::UNIT)?));
    put("\"cases\": {".to_owned());
    let last = baseline.cases.len().saturating_sub(1);
    for (index, (id, case)) in baseline.cases.iter().enumerate() {
        let line = serde_json::to_string(&case.to_line())?;
        let comma = if index == last { "" } else { "," };
        put(format!("{}: {line}{comma}", json(id.key())?));
    }
    put("}}".to_owned());
    Ok(text)
}

//! Figures: absolute products of a suite that are not times of a case, such as executions per Query.
//!
//! A suite writes them beside Criterion's output, in `<criterion home>/figures/<suite>.json`; the table shows them
//! with their bounds. They are judged on any machine, because the bound is a promise and not an earlier run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::files;
use crate::round;

/// The version of the file that this code writes, and the only one that it reads.
const SCHEMA: u32 = 1;

/// The folder inside the Criterion home; no Criterion group may be called so.
pub(crate) const FOLDER: &str = "figures";

const MEND: &str = "remove it and run the suite again";

/// One figure of a suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Short and stable, unique within the suite: `executions_per_query/50_at_once`.
    pub name: String,
    /// What was found.
    pub value: f64,
    /// The range in which the true value lies with 95 % confidence.
    ///
    /// Unset means that the value is exact, a count: it is then judged at its word.
    /// A measured figure without its interval would be called met or missed by noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// The unit as it is shown: `µs`, `executions`, `ratio`.
    pub unit: String,
    /// The promise. Unset for a figure that only informs, such as a stand-in's share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
    /// What it says, for a reader who does not know the suite.
    pub text: String,
}

/// A promise about a figure, with its direction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Smaller is better, and this much is allowed.
    AtMost(f64),
    /// Larger is better, and this much is promised.
    AtLeast(f64),
    /// Anything else is an error.
    Exactly(f64),
}

impl Figure {
    /// An exact figure, without a bound.
    pub fn exact(name: &str, value: f64, unit: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            value,
            interval: None,
            unit: unit.to_owned(),
            bound: None,
            text: text.to_owned(),
        }
    }

    /// A measured figure with its 95 % interval, without a bound.
    pub fn measured(name: &str, value: f64, interval: (f64, f64), unit: &str, text: &str) -> Self {
        Self {
            interval: Some(interval),
            ..Self::exact(name, value, unit, text)
        }
    }

    /// A figure that repetitions of one measurement agree on: their median, with its 95 % interval by rank.
    ///
    /// `None` for a sample that is empty or holds something that is not a number. Fewer than six repetitions give the whole range.
    pub fn median_of(name: &str, repetitions: &[f64], unit: &str, text: &str) -> Option<Self> {
        let median = crate::stats::Quantile::of(repetitions, 0.5)?;
        Some(Self::measured(
            name,
            median.estimate,
            (median.low, median.high),
            unit,
            text,
        ))
    }

    /// The same figure with its promise.
    #[must_use]
    pub fn bound(self, bound: Bound) -> Self {
        Self {
            bound: Some(bound),
            ..self
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFigures {
    schema: u32,
    suite: String,
    figures: Vec<Figure>,
}

/// Stores all figures of one run of a suite, in place of those of an earlier run.
pub fn write(criterion_home: &Path, suite: &str, figures: &[Figure]) -> Result<(), Error> {
    let mut figures = figures.to_vec();
    for figure in &mut figures {
        figure.value = round::significant(figure.value, round::TIME_DIGITS);
        figure.interval = figure.interval.map(|(low, high)| {
            (
                round::significant(low, round::TIME_DIGITS),
                round::significant(high, round::TIME_DIGITS),
            )
        });
    }
    figures.sort_by(|left, right| left.name.cmp(&right.name));
    let path = path_of(criterion_home, suite);
    let wire = WireFigures {
        schema: SCHEMA,
        suite: suite.to_owned(),
        figures,
    };
    check(&path, &wire)?;
    let mut text = serde_json::to_string_pretty(&wire).map_err(|error| {
        Error::malformed(&path, error.to_string(), "give the figure a finite value")
    })?;
    text.push('\n');
    files::write_at_once(&path, &text)
}

/// Removes the figures of an earlier run, so that a run that does not come to its end shows none.
pub fn clear(criterion_home: &Path, suite: &str) -> Result<(), Error> {
    let path = path_of(criterion_home, suite);
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::unwritable(&path, source)),
    }
}

/// Reads the figures of a suite in the order of their names; empty if it wrote none.
pub fn read(criterion_home: &Path, suite: &str) -> Result<Vec<Figure>, Error> {
    let path = path_of(criterion_home, suite);
    let Some(text) = files::read_if_there(&path)? else {
        return Ok(Vec::new());
    };
    let wire: WireFigures = files::parse_json(&path, &text, MEND)?;
    check(&path, &wire)?;
    if wire.suite != suite {
        let reason = format!("it is of suite {:?}", wire.suite);
        return Err(Error::malformed(&path, reason, MEND));
    }
    Ok(wire.figures)
}

/// The suites that have figures, in the order of their names.
pub fn suites(criterion_home: &Path) -> Result<Vec<String>, Error> {
    let entries = files::sorted_entries(&criterion_home.join(FOLDER))?;
    let names = entries.iter().filter_map(|entry| {
        let path = entry.path();
        let is_json = path
            .extension()
            .is_some_and(|extension| extension == "json");
        let stem = path.file_stem()?.to_str()?;
        is_json.then(|| stem.to_owned())
    });
    Ok(names.collect())
}

fn path_of(criterion_home: &Path, suite: &str) -> PathBuf {
    criterion_home.join(FOLDER).join(format!("{suite}.json"))
}

fn check(path: &Path, wire: &WireFigures) -> Result<(), Error> {
    if wire.schema != SCHEMA {
        let reason = format!("schema is {}, this build reads {SCHEMA}", wire.schema);
        return Err(Error::malformed(path, reason, MEND));
    }
    for pair in wire.figures.windows(2) {
        if pair[0].name == pair[1].name {
            let reason = format!("the figure {:?} is there twice", pair[0].name);
            return Err(Error::malformed(path, reason, "rename one of the two"));
        }
    }
    for figure in &wire.figures {
        let (low, high) = figure.interval.unwrap_or((figure.value, figure.value));
        if !(low <= figure.value && figure.value <= high) {
            let reason = format!(
                "the figure {:?} has the value {} outside its interval {low} to {high}",
                figure.name, figure.value
            );
            return Err(Error::malformed(
                path,
                reason,
                "mend the suite that wrote it",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Bound, Figure, clear, read, suites, write};

    fn figures() -> [Figure; 2] {
        [
            Figure::measured(
                "cost_per_query",
                82.123_456,
                (80.0, 85.0),
                "µs",
                "our own CPU time",
            )
            .bound(Bound::AtMost(100.0)),
            Figure::exact(
                "executions_per_query",
                1.0,
                "executions",
                "counted at the stub",
            )
            .bound(Bound::Exactly(1.0)),
        ]
    }

    #[test]
    fn what_a_suite_wrote_is_read_back_rounded() {
        let home = tempfile::tempdir().expect("a folder");
        write(home.path(), "lifecycle", &figures()).expect("written");
        let back = read(home.path(), "lifecycle").expect("read");
        assert_eq!(back[0].value, 82.12);
        assert_eq!(back[1], figures()[1]);
        assert_eq!(suites(home.path()).expect("listed"), ["lifecycle"]);
    }

    #[test]
    fn a_suite_without_figures_has_none_and_clearing_twice_is_fine() {
        let home = tempfile::tempdir().expect("a folder");
        write(home.path(), "lifecycle", &figures()).expect("written");
        clear(home.path(), "lifecycle").expect("cleared");
        clear(home.path(), "lifecycle").expect("nothing to clear");
        assert!(read(home.path(), "lifecycle").expect("none").is_empty());
    }

    #[test]
    fn a_value_outside_its_interval_or_a_name_twice_is_refused() {
        let home = tempfile::tempdir().expect("a folder");
        let outside = Figure::measured("a", 3.0, (1.0, 2.0), "ns", "");
        let not_a_number = Figure::exact("a", f64::NAN, "ns", "");
        let twice = Figure::exact("a", 1.0, "ns", "");
        for bad in [
            vec![outside],
            vec![not_a_number],
            vec![twice.clone(), twice],
        ] {
            assert!(write(home.path(), "s", &bad).is_err(), "{bad:?}");
        }
        assert!(suites(home.path()).expect("listed").is_empty());
    }

    #[test]
    fn an_unknown_field_is_an_error_that_names_the_file() {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(home.path().join("figures")).expect("made");
        let path = home.path().join("figures/s.json");
        std::fs::write(&path, r#"{"schema":1,"suite":"s","figures":[],"extra":1}"#).expect("put");
        let error = read(home.path(), "s")
            .expect_err("unknown field")
            .to_string();
        assert!(
            error.contains("s.json") && error.contains("extra"),
            "{error}"
        );
    }
}

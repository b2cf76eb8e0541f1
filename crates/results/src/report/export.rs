//! Numbers for the databases of others: Bencher's BMF, and github-action-benchmark's own JSON.
//!
//! Both take measurements and judge by themselves, so they get what was measured now, and no verdict. A contaminated
//! run exports nothing: it would stay in their history for good.

use std::collections::BTreeMap;

use serde::Serialize;

use super::model::{Case, Report};
use super::words;
use crate::record::Unit;

/// Renders Bencher's metric format: the measures of each case, by name.
///
/// Times are under its built-in measure `latency`, which is in nanoseconds; counts are under `instructions` and `allocations`.
pub fn bmf(report: &Report) -> Result<String, serde_json::Error> {
    let mut measures_by_case: BTreeMap<&str, BTreeMap<&str, Metric>> = BTreeMap::new();
    for (case, value) in measured(report) {
        let measure = match case.unit {
            Unit::Nanoseconds => "latency",
            counted => counted.as_str(),
        };
        let metric = Metric {
            value,
            lower_value: case.now_interval.map(|(low, _)| low),
            upper_value: case.now_interval.map(|(_, high)| high),
        };
        let measures = measures_by_case.entry(&case.id).or_default();
        measures.insert(measure, metric);
    }
    pretty(&measures_by_case)
}

/// Renders what github-action-benchmark reads with `tool: customSmallerIsBetter`.
pub fn gha(report: &Report) -> Result<String, serde_json::Error> {
    let entries: Vec<Entry> = measured(report)
        .map(|(case, value)| {
            // One name must not stand for two units.
            let (name, unit) = match case.unit {
                Unit::Nanoseconds => (case.id.clone(), "ns/iter"),
                counted => (
                    format!("{} ({})", case.id, counted.as_str()),
                    counted.as_str(),
                ),
            };
            let half_width = |(low, high): (f64, f64)| (high - low) / 2.0;
            Entry {
                name,
                unit,
                value,
                range: case
                    .now_interval
                    .map(|interval| format!("± {}", words::four_digits(half_width(interval)))),
                extra: format!("machine {}", report.machine),
            }
        })
        .collect();
    pretty(&entries)
}

#[derive(Serialize)]
struct Metric {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    extra: String,
}

fn measured(report: &Report) -> impl Iterator<Item = (&Case, f64)> {
    let is_believed = !report.is_contaminated();
    let cases = report.cases.iter().filter(move |_| is_believed);
    cases.filter_map(|case| Some((case, case.now?)))
}

fn pretty(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

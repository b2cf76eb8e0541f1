//! The columns of Locust's `_stats.csv`, for what already reads those. Times are in milliseconds.
//!
//! Locust has no word for samples that never came: they count as failures here, and a quantile that reaches into them
//! is left empty.

use std::fmt::Write as _;

use super::model::LoadRecord;
use super::model::operation::{LatencyRow, OperationRow};
use crate::outcome::Outcome;

const HEADER: &str = "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,\
Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,\
99.9%,99.99%,100%";

/// Renders the record of a run; the row of all operations stands last, as Locust's `Aggregated`.
pub fn render(record: &LoadRecord) -> String {
    let mut text = format!("{HEADER}\n");
    let seconds = record.duration_ns as f64 / 1e9;
    let mut rows = record.operations.iter();
    let all = rows.next();
    for row in rows {
        write_row(&mut text, ("QUERY", &row.name), row, seconds);
    }
    if let Some(all) = all {
        write_row(&mut text, ("", "Aggregated"), all, seconds);
    }
    text
}

fn write_row(text: &mut String, (kind, name): (&str, &str), row: &OperationRow, seconds: f64) {
    let done = row
        .outcomes
        .iter()
        .find(|(outcome, _)| *outcome == Outcome::Done);
    let failures = row.count - done.map_or(0, |(_, count)| *count);
    let per_second = |count: u64| {
        if seconds > 0.0 {
            count as f64 / seconds
        } else {
            0.0
        }
    };
    let LatencyRow {
        mean_ns,
        min_ns,
        p50_ns,
        p90_ns,
        p95_ns,
        p99_ns,
        max_ns,
        ..
    } = row.response;
    let ms = |nanoseconds: Option<u64>| millis(nanoseconds.map(|nanoseconds| nanoseconds as f64));
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{kind},{},{},{failures},{},{},{},{},0,{:.3},{:.3},{},,,,{},{},,{},,,{}",
        quoted(name),
        row.count,
        ms(p50_ns),
        millis(mean_ns),
        ms(min_ns),
        ms(max_ns),
        per_second(row.count),
        per_second(failures),
        ms(p50_ns),
        ms(p90_ns),
        ms(p95_ns),
        ms(p99_ns),
        ms(max_ns),
    );
}

fn millis(nanoseconds: Option<f64>) -> String {
    nanoseconds.map_or_else(String::new, |nanoseconds| {
        format!("{:.3}", nanoseconds / 1e6)
    })
}

/// A field as CSV needs it.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

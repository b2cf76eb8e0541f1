//! For a comment on a pull request.

use std::fmt::Write as _;

use super::model::LoadReport;
use super::words;
use crate::drift::record::SoakRecord;

/// Renders a report.
pub fn render(report: &LoadReport) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(report, &mut text);
    text
}

/// Renders a soak.
pub fn render_soak(record: &SoakRecord) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_soak(record, &mut text);
    text
}

fn write(report: &LoadReport, text: &mut String) -> std::fmt::Result {
    writeln!(
        text,
        "## Load: {}: {}\n",
        report.scenario,
        report.conclusion.words()
    )?;
    for warning in words::warnings(report) {
        writeln!(text, "> {warning}\n")?;
    }
    let throughput = &report.throughput;
    writeln!(
        text,
        "{:.2} queries per second, {:.1} % of {:.2}/s; {} of {} started in {}, driver {}.",
        throughput.per_second,
        throughput.ratio * 100.0,
        throughput.expected_per_second,
        report.started,
        report.planned,
        words::length(report.duration_ns),
        report.driver.name
    )?;
    writeln!(text, "Generator: {}.\n", words::health(report))?;
    writeln!(
        text,
        "| operation | outcomes | response p50 | p95 | p99 | queue wait p99 |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|")?;
    for row in &report.operations {
        let [p50, _, p95, p99, _] = words::quantiles(&row.response);
        let [_, _, _, waited, _] = words::quantiles(&row.queue_wait);
        let outcomes = words::outcomes(row);
        table_row(text, [&row.name, &outcomes, &p50, &p95, &p99, &waited])?;
    }
    if !report.slos.is_empty() {
        writeln!(text, "\n| promise | standing | measured |\n|---|---|---|")?;
    }
    for row in &report.slos {
        let measured = words::measured(row);
        table_row(
            text,
            [&row.slo.to_string(), &row.standing.to_string(), &measured],
        )?;
    }
    writeln!(text, "\n| invariant | | |\n|---|---|---|")?;
    for invariant in &report.invariants {
        let holds = words::holds(invariant.holds);
        table_row(text, [&invariant.name, holds, &invariant.detail])?;
    }
    Ok(())
}

fn write_soak(record: &SoakRecord, text: &mut String) -> std::fmt::Result {
    writeln!(
        text,
        "## Soak: {}: {}\n",
        record.scenario,
        words::soak(record)
    )?;
    for warning in words::soak_warnings(record) {
        writeln!(text, "> {warning}\n")?;
    }
    writeln!(text, "{}.", words::soaked(record))?;
    writeln!(text, "Generator: {}.\n", words::soak_health(record))?;
    writeln!(
        text,
        "| watched | class | growth | reason |\n|---|---|---|---|"
    )?;
    for row in &record.findings {
        table_row(
            text,
            [
                row.watched.words(),
                row.class.words(),
                &words::growth(row),
                &words::found(row),
            ],
        )?;
    }
    Ok(())
}

/// A row of cells, which no name can add another cell or row to.
fn table_row<const N: usize>(text: &mut String, cells: [&str; N]) -> std::fmt::Result {
    for cell in cells {
        write!(text, "| {} ", cell.replace('|', "\\|").replace('\n', " "))?;
    }
    writeln!(text, "|")
}

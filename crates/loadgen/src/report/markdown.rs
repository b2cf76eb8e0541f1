//! For a comment on a pull request.

use std::fmt::Write as _;

use super::model::LoadRecord;
use super::words;
use crate::drift::record::SoakRecord;

/// Renders the record of a run.
pub fn render(record: &LoadRecord) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(record, &mut text);
    text
}

/// Renders a soak.
pub fn render_soak(record: &SoakRecord) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_soak(record, &mut text);
    text
}

fn write(record: &LoadRecord, text: &mut String) -> std::fmt::Result {
    writeln!(
        text,
        "## Load: {}: {}\n",
        record.scenario,
        record.conclusion.words()
    )?;
    for warning in words::warnings(record) {
        writeln!(text, "> {warning}\n")?;
    }
    let throughput = &record.throughput;
    writeln!(
        text,
        "{:.2} queries per second, {:.1} % of {:.2}/s; {} of {} started in {}, driver {}.",
        throughput.per_second,
        throughput.ratio * 100.0,
        throughput.expected_per_second,
        record.started,
        record.planned,
        words::length(record.duration_ns),
        record.driver.name
    )?;
    writeln!(text, "Generator: {}.\n", words::health(record))?;
    writeln!(
        text,
        "| operation | outcomes | response p50 | p95 | p99 | queue wait p99 |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|")?;
    for row in &record.operations {
        let [p50, _, p95, p99, _] = words::quantiles(&row.response);
        let [_, _, _, waited, _] = words::quantiles(&row.queue_wait);
        let outcomes = words::outcomes(row);
        table_row(text, [&row.name, &outcomes, &p50, &p95, &p99, &waited])?;
    }
    if !record.slos.is_empty() {
        writeln!(text, "\n| promise | standing | measured |\n|---|---|---|")?;
    }
    for row in &record.slos {
        let measured = words::measured(row);
        table_row(
            text,
            [&row.slo.to_string(), &row.standing.to_string(), &measured],
        )?;
    }
    writeln!(text, "\n| invariant | | |\n|---|---|---|")?;
    for invariant in &record.invariants {
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

//! For a terminal.

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
    writeln!(text, "{}: {}", report.scenario, report.conclusion.words())?;
    for warning in words::warnings(report) {
        writeln!(text, "  {warning}")?;
    }
    let throughput = &report.throughput;
    writeln!(text)?;
    writeln!(
        text,
        "  driver      {}, {} of {} started in {}",
        report.driver.name,
        report.started,
        report.planned,
        words::length(report.duration_ns)
    )?;
    writeln!(
        text,
        "  throughput  {:.2}/s, {:.1} % of {:.2}/s",
        throughput.per_second,
        throughput.ratio * 100.0,
        throughput.expected_per_second
    )?;
    let names = report.operations.iter().map(|row| row.name.len() + 1);
    let width = names.max().unwrap_or(0).max(12);
    for row in &report.operations {
        writeln!(text, "  {:<width$}{}", row.name, words::outcomes(row))?;
    }
    writeln!(text, "  generator   {}", words::health(report))?;
    if let Some(most) = report.usage.iter().map(|usage| usage.resident_bytes).max() {
        let mib = most as f64 / f64::from(1 << 20);
        writeln!(
            text,
            "  memory      {mib:.1} MiB at most, {}",
            report.usage_of
        )?;
    }

    if let Some(model) = &report.model {
        writeln!(text, "  model       {}", words::model(model))?;
    }

    writeln!(
        text,
        "\n  {:<14}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "", "p50", "p90", "p95", "p99", "max"
    )?;
    if let Some(all) = report.operations.first() {
        let kinds = [
            ("response", &all.response),
            ("service", &all.service),
            ("create", &all.create),
            ("queue wait", &all.queue_wait),
        ];
        let first_token = ("first token", &all.first_token);
        let sees_it = report.driver.sees_first_token;
        for (name, row) in kinds.into_iter().chain(sees_it.then_some(first_token)) {
            let [p50, p90, p95, p99, max] = words::quantiles(row);
            writeln!(text, "  {name:<14}{p50:>9}{p90:>9}{p95:>9}{p99:>9}{max:>9}")?;
        }
    }

    if !report.slos.is_empty() {
        writeln!(text, "\n  promises")?;
    }
    for row in &report.slos {
        let measured = words::measured(row);
        writeln!(text, "  {:<14}{}: {measured}", row.standing, row.slo)?;
    }
    writeln!(text, "\n  invariants")?;
    for invariant in &report.invariants {
        let holds = words::holds(invariant.holds);
        writeln!(
            text,
            "  {holds:<14}{}: {}",
            invariant.name, invariant.detail
        )?;
    }
    Ok(())
}

fn write_soak(record: &SoakRecord, text: &mut String) -> std::fmt::Result {
    writeln!(text, "{}: {}", record.scenario, words::soak(record))?;
    for warning in words::soak_warnings(record) {
        writeln!(text, "  {warning}")?;
    }
    writeln!(text, "\n  soaked      {}", words::soaked(record))?;
    writeln!(text, "  generator   {}\n", words::soak_health(record))?;
    for row in &record.findings {
        writeln!(
            text,
            "  {:<17}{:<11}{}: {}",
            row.watched.words(),
            row.class.words(),
            words::growth(row),
            words::found(row)
        )?;
    }
    Ok(())
}

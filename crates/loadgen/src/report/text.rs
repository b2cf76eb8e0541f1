//! For a terminal.

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
    writeln!(text, "{}: {}", record.scenario, record.conclusion.words())?;
    for warning in words::warnings(record) {
        writeln!(text, "  {warning}")?;
    }
    let throughput = &record.throughput;
    writeln!(text)?;
    writeln!(
        text,
        "  driver      {}, {} of {} started in {}",
        record.driver.name,
        record.started,
        record.planned,
        words::length(record.duration_ns)
    )?;
    writeln!(
        text,
        "  throughput  {:.2}/s, {:.1} % of {:.2}/s",
        throughput.per_second,
        throughput.ratio * 100.0,
        throughput.expected_per_second
    )?;
    let names = record.operations.iter().map(|row| row.name.len() + 1);
    let width = names.max().unwrap_or(0).max(12);
    for row in &record.operations {
        writeln!(text, "  {:<width$}{}", row.name, words::outcomes(row))?;
    }
    writeln!(text, "  generator   {}", words::health(record))?;
    if let Some(most) = record.usage.iter().map(|usage| usage.resident_bytes).max() {
        let mib = most as f64 / f64::from(1 << 20);
        writeln!(
            text,
            "  memory      {mib:.1} MiB at most, {}",
            record.usage_of
        )?;
    }

    if let Some(model) = &record.model {
        writeln!(text, "  model       {}", words::model(model))?;
    }

    writeln!(
        text,
        "\n  {:<14}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "", "p50", "p90", "p95", "p99", "max"
    )?;
    if let Some(all) = record.operations.first() {
        let kinds = [
            ("response", &all.response),
            ("service", &all.service),
            ("create", &all.create),
            ("queue wait", &all.queue_wait),
        ];
        let first_token = ("first token", &all.first_token);
        let sees_it = record.driver.sees_first_token;
        for (name, row) in kinds.into_iter().chain(sees_it.then_some(first_token)) {
            let [p50, p90, p95, p99, max] = words::quantiles(row);
            writeln!(text, "  {name:<14}{p50:>9}{p90:>9}{p95:>9}{p99:>9}{max:>9}")?;
        }
    }

    if !record.slos.is_empty() {
        writeln!(text, "\n  promises")?;
    }
    for row in &record.slos {
        let measured = words::measured(row);
        writeln!(text, "  {:<14}{}: {measured}", row.standing, row.slo)?;
    }
    writeln!(text, "\n  invariants")?;
    for invariant in &record.invariants {
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

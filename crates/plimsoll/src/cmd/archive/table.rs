//! Archives and runs as a table, in each form.

use run_state::archive::ArchiveRow;
use run_state::run::UnixMillis;
use run_state::store::RunSummary;
use serde_json::json;

use crate::tell::TableFormat;

/// What was archived.
pub(super) fn rows(rows: &[ArchiveRow], format: TableFormat) -> anyhow::Result<String> {
    if format == TableFormat::Json {
        return Ok(format!("{}\n", serde_json::to_string_pretty(rows)?));
    }
    let header = ["run", "status", "events", "archived", "file"];
    let cells = rows.iter().map(|row| {
        [
            row.run.clone(),
            row.status.as_str().to_owned(),
            row.n_events.to_string(),
            row.archived_at_ms.to_iso(),
            row.path.display().to_string(),
        ]
    });
    Ok(table(header, cells.collect(), format))
}

/// What would be archived.
pub(super) fn summaries(runs: &[RunSummary], format: TableFormat) -> anyhow::Result<String> {
    if format == TableFormat::Json {
        let object = |run: &RunSummary| {
            json!({
                "run": run.run,
                "status": run.status,
                "n_events": run.version,
                "created_at_ms": run.created_at_ms,
                "ended_at_ms": run.ended_at_ms,
            })
        };
        let objects: Vec<_> = runs.iter().map(object).collect();
        return Ok(format!("{}\n", serde_json::to_string_pretty(&objects)?));
    }
    let header = ["run", "status", "events", "created", "ended"];
    let cells = runs.iter().map(|run| {
        [
            run.run.clone(),
            run.status.as_str().to_owned(),
            run.version.to_string(),
            run.created_at_ms.to_iso(),
            run.ended_at_ms.map(UnixMillis::to_iso).unwrap_or_default(),
        ]
    });
    Ok(table(header, cells.collect(), format))
}

fn table<const N: usize>(
    header: [&str; N],
    cells: Vec<[String; N]>,
    format: TableFormat,
) -> String {
    let lines = std::iter::once(header.map(str::to_owned)).chain(cells);
    if format == TableFormat::Markdown {
        let mut lines: Vec<String> = lines
            .map(|line| {
                format!(
                    "| {} |\n",
                    line.map(|cell| cell.replace('|', "\\|")).join(" | ")
                )
            })
            .collect();
        lines.insert(1, format!("|{}\n", " --- |".repeat(N)));
        return lines.concat();
    }
    let lines: Vec<[String; N]> = lines.collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let padded = |line: &[String; N]| {
        let cells = line.iter().zip(widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    lines.iter().map(padded).collect()
}

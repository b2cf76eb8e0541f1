//! One page with everything: inline pictures, no script, nothing from the network.

mod picture;
mod plot;
mod soak;

use std::fmt::Write as _;

use results::machine::Machine;

use crate::advice::Measurements;
use crate::advice::scaling::decisions;
use crate::advice::thresholds::{Severity, signs};
use crate::capacity::record::CapacityRecord;
use crate::drift::record::SoakRecord;
use crate::driver::Capabilities;
use crate::report::markup::escaped;
use crate::report::model::LoadRecord;
use crate::report::model::slo::SloRow;
use crate::report::words;

/// Renders the record of a run.
pub fn render(record: &LoadRecord) -> String {
    rendered(&Page {
        record,
        capacity: None,
    })
}

/// Renders a search with the run that it keeps; `None` if it keeps none, as no trial was made.
pub fn render_search(capacity: &CapacityRecord) -> Option<String> {
    let record = capacity.trial.as_ref()?;
    Some(rendered(&Page {
        record,
        capacity: Some(capacity),
    }))
}

/// Renders a soak.
pub fn render_soak(record: &SoakRecord) -> String {
    let mut html = String::new();
    // Writing to a String cannot fail.
    let _ = soak::write(record, &mut html);
    html
}

/// What a page shows.
struct Page<'a> {
    /// A run; of a search, its trial.
    record: &'a LoadRecord,
    /// A search; unset for a single run.
    capacity: Option<&'a CapacityRecord>,
}

fn rendered(page: &Page<'_>) -> String {
    let mut html = String::new();
    // Writing to a String cannot fail.
    let _ = write(page, &mut html);
    html
}

fn write(page: &Page<'_>, html: &mut String) -> std::fmt::Result {
    let record = page.record;
    match page.capacity {
        Some(capacity) => {
            open(html, (&record.scenario, "load"), &capacity.headline())?;
            section(html, "The load line", &picture::load_line(capacity))?;
        }
        None => open(html, (&record.scenario, "load"), record.conclusion.words())?,
    }
    writeln!(html, "<p>{}</p>", escaped(&record.text))?;
    let which = match page.capacity {
        Some(capacity) if capacity.highest_pass.is_some() => {
            "The trial that confirmed the highest pass"
        }
        Some(_) => "The last trial; none confirmed a pass",
        None => "The run",
    };
    writeln!(html, "<h2>{which}</h2>\n{}", slos(&record.slos))?;
    writeln!(html, "<div class=\"two\">")?;
    section(html, "Latency over time", &picture::latency(record))?;
    section(
        html,
        "Response times",
        &picture::histogram(&record.response_bars),
    )?;
    writeln!(html, "</div>")?;
    let health = format!(
        "{}\n<p>{}</p>",
        picture::health(record),
        escaped(&words::health(record))
    );
    section(html, "Generator, window by window", &health)?;
    if let Some(capacity) = page.capacity {
        section(
            html,
            "Throughput against concurrency",
            &picture::usl(capacity),
        )?;
        section(html, "Every probe", &probes(capacity))?;
    }
    section(html, "Advice", &advice(&record.measurements))?;
    let surroundings = Surroundings {
        driver: &record.driver,
        seed: record.seed,
        time_scale: record.time_scale,
        settings: &record.settings,
        machine: &record.machine,
    };
    close(html, &surroundings)
}

/// All that stands above the first section: of what scenario and kind it is, and what it comes to.
fn open(html: &mut String, (scenario, kind): (&str, &str), headline: &str) -> std::fmt::Result {
    let title = escaped(scenario);
    writeln!(
        html,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    )?;
    writeln!(
        html,
        "<meta name=\"viewport\" content=\"width=device-width\">"
    )?;
    writeln!(
        html,
        "<title>{title}: {kind}</title>\n<style>{STYLE}</style></head><body>"
    )?;
    writeln!(html, "<h1>{title}</h1>")?;
    writeln!(html, "<p class=\"head\">{}</p>", escaped(headline))
}

fn section(html: &mut String, heading: &str, content: &str) -> std::fmt::Result {
    writeln!(html, "<section><h2>{heading}</h2>\n{content}</section>")
}

fn slos(rows: &[SloRow]) -> String {
    let mut html = String::from(
        "<table><tr><th>promise</th><th>standing</th><th>measured</th><th>interval</th><th>samples</th></tr>\n",
    );
    for row in rows {
        let number = |number: Option<f64>| {
            number.map_or("–".to_owned(), |number| {
                words::number_of(&row.slo, number)
            })
        };
        let _ = writeln!(
            html,
            "<tr><td>{1}</td><td class=\"{0}\">{0}</td><td class=\"number\">{2}</td><td class=\"number\">{3} to {4}</td>\
             <td class=\"number\">{5} of {6} needed</td></tr>",
            row.standing,
            escaped(&row.slo),
            number(row.estimate),
            number(row.low),
            number(row.high),
            row.samples,
            row.needed
        );
    }
    html + "</table>"
}

fn probes(capacity: &CapacityRecord) -> String {
    let mut html = String::from(
        "<table><tr><th>probe</th><th>load</th><th>starts</th><th>standing</th><th>throughput</th><th>Little</th><th></th></tr>\n",
    );
    for row in &capacity.probes {
        let little = row
            .little_gap
            .map_or("–".to_owned(), |gap| format!("{:.1} %", 100.0 * gap));
        let _ = writeln!(
            html,
            "<tr><td>{1}</td><td class=\"number\">{2:.2} {3}</td><td class=\"number\">{4}</td><td class=\"{0}\">{0}</td>\
             <td class=\"number\">{5:.2}/s ± {6:.2}</td><td class=\"number\">{little}</td><td>{7}</td></tr>",
            row.standing,
            row.purpose,
            row.load,
            row.unit,
            row.starts,
            row.throughput,
            row.throughput_error,
            escaped(row.spoiled.as_deref().unwrap_or(""))
        );
    }
    html + "</table>"
}

fn advice(measurements: &Measurements) -> String {
    let mut html = String::from(
        "<table><tr><th>sign</th><th>severity</th><th>evidence</th><th>action</th></tr>\n",
    );
    for sign in signs(measurements) {
        let (class, word, action) = match sign.severity {
            Severity::Unmeasured => ("", "not measured", ""),
            Severity::Fine => ("met", "fine", ""),
            Severity::Warning => ("inconclusive", "warning", sign.threshold.action),
            Severity::Critical => ("missed", "critical", sign.threshold.action),
        };
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td class=\"{class}\">{word}</td><td>{}</td><td>{action}</td></tr>",
            escaped(sign.threshold.metric),
            escaped(&sign.evidence())
        );
    }
    html += "</table>\n";
    let decisions = decisions(measurements);
    if decisions.is_empty() {
        return html + "<p>No symptom calls for a change.</p>";
    }
    html += "<table><tr><th>symptom</th><th>cause</th><th>solution</th><th>evidence</th></tr>\n";
    for decision in decisions {
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            decision.symptom,
            decision.cause,
            decision.solution,
            escaped(&decision.evidence)
        );
    }
    html + "</table>"
}

/// How and where it was measured.
struct Surroundings<'a> {
    driver: &'a Capabilities,
    seed: u64,
    time_scale: f64,
    settings: &'a [(String, String)],
    machine: &'a Machine,
}

/// The last section, and the end of the page.
fn close(html: &mut String, surroundings: &Surroundings<'_>) -> std::fmt::Result {
    section(html, "Machine and settings", &table_of(surroundings))?;
    writeln!(html, "</body></html>")
}

fn table_of(surroundings: &Surroundings<'_>) -> String {
    let mut html = String::from("<table>\n");
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td></tr>",
            escaped(name),
            escaped(value)
        );
    };
    row("driver", &surroundings.driver.name);
    row("seed", &surroundings.seed.to_string());
    row("time scale", &surroundings.time_scale.to_string());
    for (name, value) in surroundings.settings {
        row(name, value);
    }
    if let Ok(serde_json::Value::Object(machine)) = serde_json::to_value(surroundings.machine) {
        for (name, value) in machine {
            match value {
                serde_json::Value::String(text) => row(&name, &text),
                value => row(&name, &value.to_string()),
            }
        }
    }
    html + "</table>"
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#1b2733}\
h1{margin:0}h2{font-size:1.05em;margin:1.4em 0 .4em}.head{font-size:1.3em;margin:.2em 0}\
table{border-collapse:collapse;font-size:.9em}td,th{padding:.2em .8em .2em 0;text-align:left;border-bottom:1px solid #e3e8ec}\
td.met{color:#1a7f4b}td.missed{color:#b3261e}td.inconclusive,td.invalid{color:#8a6100}td.met,td.missed,td.inconclusive,td.invalid,td.number{white-space:nowrap}.two{display:flex;flex-wrap:wrap;gap:2em}\
svg{max-width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:#4a5a68}";

#[cfg(test)]
mod tests;

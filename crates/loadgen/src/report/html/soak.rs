//! The page of a soak: what was found, and a picture of each series with the line through it.

use std::fmt::Write as _;

use super::picture::{BLUE, GREEN, PALE, RED};
use super::plot::Plot;
use super::{Surroundings, close, open, section};
use crate::drift::record::{FindingRow, SoakRecord};
use crate::drift::{Class, Watched};
use crate::report::markup::escaped;
use crate::report::words;

/// What the pictures show, the same for each.
const KEY: &str = "Pale is what was seen, the line its slope behind the warm-up after Theil and Sen, and a dot at the end \
    what was left after the drain. No axis of values begins at zero, unless what was seen does.";

pub(super) fn write(record: &SoakRecord, html: &mut String) -> std::fmt::Result {
    open(html, (&record.scenario, "soak"), &words::soak(record))?;
    for warning in words::soak_warnings(record) {
        writeln!(html, "<p>{}</p>", escaped(&warning))?;
    }
    writeln!(html, "<p>{}</p>", escaped(&record.text))?;
    let health = words::soak_health(record);
    let line = format!("{}. Generator: {health}.", words::soaked(record));
    writeln!(html, "<p>{}</p>\n{}", escaped(&line), table(record))?;
    writeln!(html, "<p>{KEY}</p>\n<div class=\"two\">")?;
    for row in &record.findings {
        let heading = format!("{}: {}", row.watched.words(), row.class.words());
        section(html, &heading, &picture(row, record.duration_s))?;
    }
    writeln!(html, "</div>")?;
    let surroundings = Surroundings {
        driver: &record.driver,
        seed: record.seed,
        time_scale: record.time_scale,
        settings: &record.settings,
        machine: &record.machine,
    };
    close(html, &surroundings)
}

fn table(record: &SoakRecord) -> String {
    let mut html = String::from(
        "<table><tr><th>watched</th><th>class</th><th>growth</th><th>chance</th><th>reason</th></tr>\n",
    );
    for row in &record.findings {
        let chance = row.trend.map(|trend| format!("{:.4}", trend.chance));
        // Writing to a String cannot fail.
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td class=\"{}\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td>{}</td></tr>",
            row.watched.words(),
            standing(row.class),
            row.class.words(),
            words::growth(row),
            chance.as_deref().unwrap_or("–"),
            escaped(&words::found(row))
        );
    }
    html + "</table>"
}

/// The style of what a promise to be without a leak would come to.
fn standing(class: Class) -> &'static str {
    match class {
        Class::Leak => "missed",
        Class::Bounded | Class::None => "met",
        Class::TooShort => "inconclusive",
    }
}

/// The samples of a series, and the line through what lies behind the warm-up.
fn picture(row: &FindingRow, duration_s: f64) -> String {
    if row.samples.is_empty() {
        return "<p>No sample came.</p>".to_owned();
    }
    let (size, unit) = unit(row.watched);
    let (second, time) = unit_of_time(duration_s);
    let end = row.samples.iter().map(|sample| sample.at_s);
    let end = end.fold(duration_s, f64::max) / second;
    let (low, high) = heights(row);
    let mut plot = Plot::new(500.0, 200.0, (0.0, end), (low / size, high / size));
    let points = row.samples.iter().map(|sample| {
        let ends = [sample.low / size, sample.high / size];
        (sample.at_s / second, ends)
    });
    plot.band(&points.collect::<Vec<_>>(), PALE);
    if let Some(trend) = row.trend {
        let colour = if row.class == Class::Leak { RED } else { BLUE };
        let line = [
            (trend.from_s / second, Some(trend.start / size)),
            (
                trend.to_s / second,
                Some((trend.start + trend.growth) / size),
            ),
        ];
        plot.line(line, colour);
    }
    if let Some(level) = row.after_drain {
        let what = format!("{} after the drain", words::level(row.watched, level));
        plot.dot((end, level / size), GREEN, &what);
    }
    plot.svg(&format!("{time} since the begin"), unit)
}

/// The lowest and the highest that a picture shows.
///
/// Not from zero, where a leak of a twentieth could not be seen; and over no less than twice the least growth, or noise
/// would look like one.
fn heights(row: &FindingRow) -> (f64, f64) {
    let samples = row.samples.iter();
    let of_samples = samples.flat_map(|sample| [sample.low, sample.high]);
    let of_trend = row.trend.iter();
    let of_trend = of_trend.flat_map(|trend| [trend.start, trend.start + trend.growth]);
    let shown = of_samples.chain(of_trend).chain(row.after_drain);
    let (low, high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let missing = 2.0 * row.watched.least_growth(low) - (high - low);
    let room = missing.max(0.0) / 2.0;
    // Nothing that is watched can be negative.
    ((low - room).max(0.0), high + room)
}

/// How large one mark on the axis is, and what it counts.
fn unit(watched: Watched) -> (f64, &'static str) {
    match watched {
        Watched::Latency => (1e-3, "ms"),
        Watched::Rss => (f64::from(1 << 20), "MiB"),
        Watched::FileDescriptors => (1.0, "files"),
        Watched::Tasks => (1.0, "tasks"),
        Watched::QueueDepth => (1.0, "waiting"),
        Watched::Objects => (1.0, "objects"),
    }
}

/// The same of the axis of time, by how long the soak took.
fn unit_of_time(duration_s: f64) -> (f64, &'static str) {
    if duration_s > 7200.0 {
        (3600.0, "h")
    } else if duration_s > 120.0 {
        (60.0, "min")
    } else {
        (1.0, "s")
    }
}

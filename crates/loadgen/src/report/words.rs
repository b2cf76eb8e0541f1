//! Numbers and states in words, the same in every form.

use std::time::Duration;

use super::model::LoadRecord;
use super::model::health::HealthWindowRow;
use super::model::operation::{LatencyRow, ModelRow, OperationRow};
use super::model::slo::SloRow;
use crate::drift::record::{FindingRow, SoakRecord};
use crate::drift::{Class, Watched};
use crate::health::{Reason, Verdict};
use crate::judging::Conclusion;

/// A latency with three digits, such as `1.05 s` or `12.3 ms`; `never` where the quantile reaches into what never came.
pub(super) fn latency(nanoseconds: Option<u64>) -> String {
    nanoseconds.map_or_else(
        || "never".to_owned(),
        |nanoseconds| time(nanoseconds as f64),
    )
}

/// A time with three digits and its unit.
pub(super) fn time(nanoseconds: f64) -> String {
    let units = [(1e9, "s"), (1e6, "ms"), (1e3, "µs")];
    let found = units.iter().find(|(size, _)| nanoseconds >= *size);
    let (size, unit) = found.copied().unwrap_or((1.0, "ns"));
    let value = nanoseconds / size;
    let decimals = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$} {unit}")
}

/// How long, in seconds or minutes.
pub(super) fn length(nanoseconds: u64) -> String {
    let duration = Duration::from_nanos(nanoseconds);
    match duration.as_secs() {
        0..=119 => format!("{:.1} s", duration.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// All outcomes that came about, such as `98 done, 2 timed out`.
pub(super) fn outcomes(row: &OperationRow) -> String {
    let counts = row.outcomes.iter();
    let words: Vec<String> = counts
        .map(|(outcome, count)| format!("{count} {}", outcome.as_str()))
        .collect();
    if words.is_empty() {
        return "nothing ended".to_owned();
    }
    words.join(", ")
}

/// The quantiles that a table shows.
pub(super) fn quantiles(row: &LatencyRow) -> [String; 5] {
    if row.count == 0 {
        return std::array::from_fn(|_| "–".to_owned());
    }
    [row.p50_ns, row.p90_ns, row.p95_ns, row.p99_ns, row.max_ns].map(latency)
}

/// What was measured for a promise, with its interval.
pub(super) fn measured(row: &SloRow) -> String {
    let Some(estimate) = row.estimate else {
        return match row.samples {
            0 => "nothing measured".to_owned(),
            samples => format!("never came, {samples} samples"),
        };
    };
    let value = |number: f64| number_of(&row.slo, number);
    let low = row.low.map_or_else(|| "–".to_owned(), value);
    let high = row.high.map_or_else(|| "∞".to_owned(), value);
    let mut text = value(estimate);
    if low != high {
        text = format!("{text} [{low}, {high}]");
    }
    if row.samples < row.needed {
        text = format!("{text}, {} of {} samples", row.samples, row.needed);
    }
    text
}

/// A number in the unit that its promise has.
pub(super) fn number_of(slo: &str, number: f64) -> String {
    if slo.contains('%') {
        return format!("{:.1} %", number * 100.0);
    }
    if slo.contains("MiB") {
        return format!("{:.1} MiB", number / f64::from(1 << 20));
    }
    let is_latency = [" ≤ ", " p"].iter().all(|part| slo.contains(part));
    if is_latency {
        time(number)
    } else {
        format!("{number:.3}")
    }
}

/// The generator's health on one line.
pub(super) fn health(record: &LoadRecord) -> String {
    let health = &record.health;
    let lag = health
        .lag_p99_ns
        .map_or("unknown".to_owned(), |lag| time(lag as f64));
    let mut text = format!("{}; start lag p99 {lag}", health.verdict.words());
    let is_stolen = |window: &&HealthWindowRow| window.verdict == Verdict::Stolen;
    let n_stolen = health.windows.iter().filter(is_stolen).count();
    if n_stolen > 0 {
        let (n_windows, all) = (health.windows.len(), record.operations.first());
        let (aside, of) = all.map_or((0, 0), |all| (all.set_aside, all.count));
        text = format!(
            "{text}; the hypervisor spoiled {n_stolen} of {n_windows} s, and latencies of {aside} of {of} are set aside"
        );
    }
    if !health.reasons.is_empty() {
        text = format!("{text}; {}", reasons(&health.reasons));
    }
    if let Some(ceiling) = health.ceiling_per_second {
        text = format!("{text}; it can make {ceiling:.0}/s");
    }
    for (what, workers) in [
        ("nothing came from", &health.lost_workers),
        (
            "more than half of what it can was made by",
            &health.overtaxed_workers,
        ),
    ] {
        if !workers.is_empty() {
            let numbers: Vec<String> = workers.iter().map(usize::to_string).collect();
            text = format!("{text}; {what} worker {}", numbers.join(", "));
        }
    }
    text
}

/// Why the generator, or a window of it, may not be believed.
pub(super) fn reasons(reasons: &[Reason]) -> String {
    let words: Vec<&str> = reasons.iter().map(|reason| reason.words()).collect();
    words.join(", ")
}

/// What the model was asked on one line.
pub(super) fn model(model: &ModelRow) -> String {
    let mut text = format!("{} calls, {} answered", model.calls, model.answered);
    if let Some(tokens) = model.tokens_per_done {
        text = format!("{text}; {tokens:.0} tokens for each done");
    }
    if model.struck > 0 {
        let (recovered, struck) = (model.recovered, model.struck);
        text = format!(
            "{text}; of {struck} that failed at first, {recovered} were answered in the end"
        );
    }
    text
}

/// What must be known before any number is read; empty for an ordinary run.
pub(super) fn warnings(record: &LoadRecord) -> Vec<String> {
    let mut warnings = Vec::new();
    if record.interrupted {
        warnings.push("broken off before its end; no promise is judged".to_owned());
    }
    if record.health.verdict == Verdict::Invalid && record.conclusion != Conclusion::Spoiled {
        warnings.push(
            "the generator was late: its latencies say nothing; all starts were open at once, and what became of them is judged"
                .to_owned(),
        );
    }
    warnings.extend(scaled(record.time_scale));
    warnings
}

fn scaled(time_scale: f64) -> Option<String> {
    (time_scale != 1.0).then(|| {
        format!("scaled: every duration times {time_scale}; a quick look, not a measurement of the scenario")
    })
}

/// The state of an invariant.
pub(super) const fn holds(holds: Option<bool>) -> &'static str {
    match holds {
        Some(true) => "holds",
        Some(false) => "broken",
        None => "not known",
    }
}

/// What a soak comes to on one line.
pub(super) fn soak(record: &SoakRecord) -> String {
    let conclusion = record.conclusion();
    let leaks = record
        .findings
        .iter()
        .filter(|row| row.class == Class::Leak);
    let leaks: Vec<&str> = leaks.map(|row| row.watched.words()).collect();
    match conclusion {
        Conclusion::Fine => "nothing leaks".to_owned(),
        Conclusion::Missed => format!("leak: {}", leaks.join(", ")),
        Conclusion::CouldNotTell | Conclusion::Spoiled => conclusion.words().to_owned(),
    }
}

/// What must be known before any finding is read; empty for an ordinary soak.
pub(super) fn soak_warnings(record: &SoakRecord) -> Vec<String> {
    let broken_off = record
        .interrupted
        .then(|| "broken off before its end; what does not grow yet may do so later".to_owned());
    broken_off
        .into_iter()
        .chain(scaled(record.time_scale))
        .collect()
}

/// What ran, and for how long.
pub(super) fn soaked(record: &SoakRecord) -> String {
    let nanoseconds = (record.duration_s * 1e9) as u64;
    format!(
        "{} operations in {}, driver {}, watched {}",
        record.started,
        length(nanoseconds),
        record.driver.name,
        record.usage_of
    )
}

/// The generator's health in a soak.
pub(super) fn soak_health(record: &SoakRecord) -> String {
    let verdict = record.generator.words();
    match record.reasons.is_empty() {
        true => verdict.to_owned(),
        false => format!("{verdict}; {}", reasons(&record.reasons)),
    }
}

/// By how much a series grew from which level, with the interval; a dash if there were too few samples.
pub(super) fn growth(row: &FindingRow) -> String {
    let Some(trend) = row.trend else {
        return "–".to_owned();
    };
    let grown = trend.slope.map(|slope| slope * (trend.to_s - trend.from_s));
    let [best, low, high] = grown.map(|grown| signed(row.watched, grown));
    let start = level(row.watched, trend.start);
    format!("from {start} by {best} [{low}, {high}]")
}

/// Why a series is called what it is, and how long a leak has left.
pub(super) fn found(row: &FindingRow) -> String {
    match row.time_left_s {
        Some(left) => format!("{}; {:.1} h left", row.reason, left / 3600.0),
        None => row.reason.clone(),
    }
}

/// A value of what is watched, in its unit.
pub(super) fn level(watched: Watched, value: f64) -> String {
    match watched {
        Watched::Latency => time(value * 1e9),
        Watched::Rss => format!("{:.1} MiB", value / f64::from(1 << 20)),
        Watched::FileDescriptors | Watched::Tasks | Watched::QueueDepth | Watched::Objects => {
            format!("{value:.1}")
        }
    }
}

fn signed(watched: Watched, value: f64) -> String {
    let sign = if value < 0.0 { '−' } else { '+' };
    format!("{sign}{}", level(watched, value.abs()))
}

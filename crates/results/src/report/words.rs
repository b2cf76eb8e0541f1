//! Numbers and sentences that all reports share.

use crate::compare::Ratio;
use crate::comparison::{Comparison, Note, PromiseRow};
use crate::figures::Bound;
use crate::machine::Difference;
use crate::record::Unit;
use crate::verdict::{Promise, Verdict};

/// A measurement with its unit, four significant digits.
pub(super) fn quantity(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Nanoseconds => time(value),
        Unit::Instructions => grouped(value),
    }
}

/// Nanoseconds in the unit in which the number is readable.
fn time(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    format!("{} {unit}", four_digits(value))
}

pub(super) fn four_digits(value: f64) -> String {
    let places = match value.abs() {
        size if size >= 1000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        _ => 3,
    };
    format!("{value:.places$}")
}

/// A whole number with its digits in threes.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `+3.1 % [-5, +12]`; without the interval where it is a point.
pub(super) fn delta(ratio: Ratio) -> String {
    let estimate = percent(ratio.estimate);
    if ratio.low == ratio.high {
        return format!("{estimate} %");
    }
    format!(
        "{estimate} % [{}, {}]",
        percent(ratio.low),
        percent(ratio.high)
    )
}

fn percent(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    let text = if percent.abs() < 0.1 && percent != 0.0 {
        format!("{percent:+.2}")
    } else if percent.abs() < 10.0 {
        format!("{percent:+.1}")
    } else {
        format!("{percent:+.0}")
    };
    // Rounding leaves a sign on nothing.
    match &*text {
        "-0.00" | "-0.0" | "+0.00" | "+0.0" => "0.0".to_owned(),
        _ => text,
    }
}

/// `0.5123 [0.48, 0.55]`, or why there is none.
pub(super) fn promised_value(row: &PromiseRow) -> String {
    let Some(value) = row.value else {
        return "not measured".to_owned();
    };
    let unit = if row.unit.is_empty() {
        String::new()
    } else {
        format!(" {}", row.unit)
    };
    match row.interval {
        Some((low, high)) => format!("{} [{}, {}]{unit}", plain(value), plain(low), plain(high)),
        None => format!("{}{unit}", plain(value)),
    }
}

/// Whole numbers without places, others with four digits.
fn plain(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        format!("{value:.0}")
    } else {
        four_digits(value)
    }
}

/// `at most 0.8`.
pub(super) fn bound(bound: Option<Bound>) -> String {
    match bound {
        None => String::new(),
        Some(Bound::AtMost(value)) => format!("at most {}", shortest(value)),
        Some(Bound::AtLeast(value)) => format!("at least {}", shortest(value)),
        Some(Bound::Exactly(value)) => format!("exactly {}", shortest(value)),
    }
}

fn shortest(value: f64) -> String {
    format!("{value}")
}

/// What a note says, in one paragraph.
pub(super) fn note(note: &Note, machine: &str) -> String {
    match note {
        Note::NoBaseline {
            recorded,
            differences,
        } => {
            let others = match recorded.first() {
                None => "there is none of any machine yet".to_owned(),
                Some(first) if differences.is_empty() => format!("there is one of {first}"),
                Some(first) => format!(
                    "there is one of {first}, which differs in {}",
                    listed(differences)
                ),
            };
            format!(
                "no judgement of wall times: no baseline of this machine class ({machine}); {others}. \
                 Figures and ratios hold anywhere. Record one with `cargo plimsoll baseline record`."
            )
        }
        Note::OtherMachine { differences } => format!(
            "no judgement of wall times: the baseline of {machine} was recorded on another machine or with other \
             flags; it differs in {}.",
            listed(differences)
        ),
        Note::Drifted { differences } => format!(
            "since the baseline was recorded, this changed on the machine: {}. It may explain a verdict.",
            listed(differences)
        ),
        Note::NoCountBaseline => {
            "no judgement of instruction counts: none are recorded. Record them with \
             `cargo plimsoll baseline record --instructions`."
                .to_owned()
        }
        Note::OtherCountMachine { differences } => format!(
            "no judgement of instruction counts: they were recorded elsewhere; it differs in {}.",
            listed(differences)
        ),
    }
}

fn listed(differences: &[Difference]) -> String {
    let fields: Vec<String> = differences.iter().map(ToString::to_string).collect();
    fields.join("; ")
}

/// How many cases of a comparison have which verdict.
pub(super) fn cases_summary(comparison: &Comparison) -> String {
    verdicts_summary(|verdict| comparison.count_of(verdict))
}

/// How many cases have which verdict, in the order in which they matter.
pub(super) fn verdicts_summary(count_of: impl Fn(Verdict) -> usize) -> String {
    let verdicts = [
        Verdict::Regressed,
        Verdict::Accepted,
        Verdict::Improved,
        Verdict::Unchanged,
        Verdict::Inconclusive,
        Verdict::Missing,
        Verdict::New,
        Verdict::NotJudged,
    ];
    let counts = verdicts
        .iter()
        .map(|verdict| (count_of(*verdict), verdict.as_str()));
    counted(counts).unwrap_or_else(|| "no case".to_owned())
}

/// How many promises are judged how; `None` if there are none.
pub(super) fn promises_summary(comparison: &Comparison) -> Option<String> {
    let promises = [Promise::Missed, Promise::Inconclusive, Promise::Met];
    counted(
        promises
            .iter()
            .map(|promise| (comparison.promises_of(*promise), promise.as_str())),
    )
}

fn counted<'a>(parts: impl Iterator<Item = (usize, &'a str)>) -> Option<String> {
    let parts: Vec<String> = parts
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

//! Numbers and sentences that all reports share.

use super::model::{Case, Cause, Kind, Reason, Report};
use crate::compare::Ratio;
use crate::comparison::{Outcome, PromiseRow};
use crate::figures::Bound;
use crate::pairs::sample::Side;
use crate::record::Unit;
use crate::verdict::{Promise, Verdict};

/// What the report says as a whole, in the word that begins or ends it.
pub(super) fn outcome(report: &Report) -> &'static str {
    match report.outcome {
        _ if report.is_contaminated() => "contaminated",
        Outcome::Fine => "fine",
        Outcome::Regressed if report.count_of(Verdict::Regressed) == 0 => "promises missed",
        Outcome::Regressed => "worse",
        Outcome::CouldNotTell => "could not tell all",
    }
}

/// What it comes down to, in a sentence.
pub(super) fn headline(report: &Report) -> String {
    let n_cases = report.shown().count();
    let of_cases = |count: usize, what: &str| format!("{count} of {n_cases} cases {what}");
    let n_missed = report.promises_of(Promise::Missed);
    let missed = match n_missed {
        1 => "1 promise was missed".to_owned(),
        _ => format!("{n_missed} promises were missed"),
    };
    let n_open = report.count_of(Verdict::Inconclusive);
    match report.outcome {
        _ if report.is_contaminated() => {
            "This run says nothing: the machine favours a side".to_owned()
        }
        Outcome::Fine => "No case regressed".to_owned(),
        Outcome::Regressed => {
            let n_regressed = report.count_of(Verdict::Regressed);
            match (n_regressed, n_missed) {
                (0, _) => missed,
                (_, 0) => of_cases(n_regressed, "regressed"),
                _ => format!("{}, and {missed}", of_cases(n_regressed, "regressed")),
            }
        }
        Outcome::CouldNotTell if !report.judged_something => "Nothing could be judged".to_owned(),
        Outcome::CouldNotTell if n_open > 0 => {
            format!(
                "No regression was found, but {}",
                of_cases(n_open, "stay open")
            )
        }
        Outcome::CouldNotTell => {
            "No regression was found, but not everything was judged".to_owned()
        }
    }
}

/// The title of a report.
pub(super) fn title(report: &Report) -> &'static str {
    match report.kind {
        Kind::Baselines => "Plimsoll",
        Kind::Pairs => "Plimsoll pairs",
    }
}

/// `candidate HEAD (4567def, with changes) against base main (0123abc)`, or what was measured against baselines.
pub(super) fn sides(report: &Report) -> String {
    match &report.sides {
        Some(sides) => format!(
            "candidate {} against base {}",
            side(&sides.candidate),
            side(&sides.base)
        ),
        None => format!(
            "the last measurement against the baselines of {}",
            report.machine
        ),
    }
}

/// Letters of a commit that are shown; JSON has all of them.
const COMMIT_LETTERS: usize = 9;

fn side(side: &Side) -> String {
    let changes = side.is_dirty.then_some("with changes");
    let commit = side.commit.as_deref();
    let commit = commit.map(|commit| commit.get(..COMMIT_LETTERS).unwrap_or(commit));
    let known: Vec<&str> = commit.into_iter().chain(changes).collect();
    if known.is_empty() {
        return side.label.clone();
    }
    format!("{} ({})", side.label, known.join(", "))
}

/// The verdicts of cases without a row, each with what it means there.
pub(super) fn census_titles(kind: Kind) -> [(Verdict, &'static str); 3] {
    let (missing, new) = match kind {
        Kind::Baselines => (
            "missing: in the baseline, not measured",
            "new: measured, not in the baseline",
        ),
        Kind::Pairs => (
            "missing: in the base, not in the candidate",
            "new: in the candidate, not in the base",
        ),
    };
    [
        (Verdict::NotJudged, "not judged"),
        (Verdict::Missing, missing),
        (Verdict::New, new),
    ]
}

/// Regressions with one cause, in a sentence.
pub(super) fn cause(cause: &Cause) -> String {
    let n_cases = cause.cases.len();
    let cases = if n_cases == 1 { "case" } else { "cases" };
    format!(
        "{n_cases} {cases}, one cause: {}, {}",
        cause.function, cause.evidence
    )
}

/// The change that accuses a regressed case, by the clock that does.
pub(super) fn accusation(case: &Case) -> String {
    // Wall time that could not tell leaves the accusation to CPU time.
    let is_by_cpu = case.reasons.contains(&Reason::CpuTimeAlone);
    match (case.change, case.cpu) {
        (_, Some(cpu)) if is_by_cpu => format!("CPU time {}", delta(cpu.ratio)),
        (Some(change), _) => delta(change.ratio),
        (None, _) => String::new(),
    }
}

/// A value in words, or what stands for none.
pub(super) fn or_none<T>(value: Option<T>, in_words: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), in_words)
}

/// A measurement with its unit, four significant digits.
pub(super) fn quantity(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Nanoseconds => time(value),
        Unit::Instructions | Unit::Allocations => grouped(value),
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
pub(super) fn grouped(value: f64) -> String {
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
    match delta_parts(ratio) {
        (estimate, interval) if interval.is_empty() => estimate,
        (estimate, interval) => format!("{estimate} {interval}"),
    }
}

/// `+3.1 %` and `[-5, +12]`; the interval is empty where it is a point.
pub(super) fn delta_parts(ratio: Ratio) -> (String, String) {
    let estimate = format!("{} %", percent(ratio.estimate));
    if ratio.low == ratio.high {
        return (estimate, String::new());
    }
    let interval = format!("[{}, {}]", percent(ratio.low), percent(ratio.high));
    (estimate, interval)
}

pub(super) fn percent(ratio: f64) -> String {
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

pub(super) fn shortest(value: f64) -> String {
    format!("{value}")
}

/// Three places where they say something.
pub(super) fn p_value(p: f64) -> String {
    if p < 0.001 {
        "<0.001".to_owned()
    } else {
        format!("{p:.3}")
    }
}

/// `1.2 %`.
pub(super) fn share(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// All verdicts, in the order in which they matter.
pub(super) const VERDICTS: [Verdict; 8] = [
    Verdict::Regressed,
    Verdict::Accepted,
    Verdict::Improved,
    Verdict::Unchanged,
    Verdict::Inconclusive,
    Verdict::Missing,
    Verdict::New,
    Verdict::NotJudged,
];

/// How many cases have which verdict.
pub(super) fn cases_summary(report: &Report) -> String {
    let counts = VERDICTS.map(|verdict| (report.count_of(verdict), verdict.as_str()));
    counted(counts.into_iter()).unwrap_or_else(|| "no case".to_owned())
}

/// How many promises are judged how; `None` if there are none.
pub(super) fn promises_summary(report: &Report) -> Option<String> {
    let promises = [Promise::Missed, Promise::Inconclusive, Promise::Met];
    counted(
        promises
            .iter()
            .map(|promise| (report.promises_of(*promise), promise.as_str())),
    )
}

fn counted<'a>(parts: impl Iterator<Item = (usize, &'a str)>) -> Option<String> {
    let parts: Vec<String> = parts
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

//! Says a check of the tool in text, JSON and Markdown: one table, and the sentences that it needs.

use std::fmt::Write as _;

use serde::Serialize;

use super::paint::wrapped;
use super::text::WIDTH;
use crate::compare::FALSE_ALARM_BUDGET;
use crate::selfcheck::check::Check;
use crate::selfcheck::promise::{Promised, Standing};
use crate::selfcheck::repetition::{Means, Neighbour};
use crate::selfcheck::rule;
use crate::selfcheck::tally::{Question, Rate, Row};
use crate::stats::CONFIDENCE;

/// Changes when a reader of the old JSON could be misled by the new one.
pub const SCHEMA: u32 = 1;

/// Columns of the question.
const QUESTION_WIDTH: usize = 46;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    generated_by: &'static str,
    confidence: f64,
    false_alarm_budget: f64,
    #[serde(flatten)]
    check: &'a Check,
}

/// Renders a check for a terminal of 100 columns.
pub fn text(check: &Check) -> String {
    let mut text = String::new();
    let mut paragraph = |words: &str| {
        for line in wrapped(words, WIDTH) {
            let _ = writeln!(text, "{line}");
        }
    };
    paragraph(&head(check));
    for (title, rows) in groups(check) {
        let _ = writeln!(
            text,
            "\n{title:<QUESTION_WIDTH$} {:>11}  {:<16} {:<12}",
            "of", "[95 %]", "promised"
        );
        for row in rows {
            let question = format!("  {}", question(&row.question));
            let promised = row.promised.map_or(String::new(), promised);
            let line = format!(
                "{question:<QUESTION_WIDTH$} {:>11}  {:<16} {promised:<12} {}",
                counted(&row.rate),
                interval(&row.rate),
                standing(row)
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    let _ = writeln!(text);
    for note in notes(check) {
        for line in wrapped(&note, WIDTH) {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

/// Renders a check for a page of documentation.
pub fn markdown(check: &Check) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}\n", head(check));
    for (title, rows) in groups(check) {
        let _ = writeln!(
            text,
            "| {title} | of | 95 % interval | promised | |\n|---|---:|---|---|---|"
        );
        for row in rows {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                question(&row.question),
                counted(&row.rate),
                interval(&row.rate),
                row.promised.map_or(String::new(), promised),
                standing(row)
            );
        }
        let _ = writeln!(text);
    }
    for note in notes(check) {
        let _ = writeln!(text, "{note}\n");
    }
    text
}

/// Renders a check as one JSON object, pretty, with a line feed at the end.
pub fn json(check: &Check) -> Result<String, serde_json::Error> {
    let document = Document {
        schema: SCHEMA,
        generated_by: "plimsoll selfcheck --store",
        confidence: CONFIDENCE,
        false_alarm_budget: FALSE_ALARM_BUDGET,
        check,
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

fn head(check: &Check) -> String {
    let machine = &check.fingerprint;
    let seconds = check.tally.median_seconds;
    let took = seconds.map_or(String::new(), |seconds| {
        format!(", a run takes {seconds:.0} s")
    });
    format!(
        "Selfcheck of {} on {}: {}, {} cores, Linux {}, {}. {} cases, {} tests that share one budget of {:.0} % per run, \
         {} rounds at first{took}.",
        check.commit.get(..9).unwrap_or(&check.commit),
        check.day,
        machine.processor,
        machine.cores,
        machine.kernel,
        check.machine,
        check.tally.n_cases,
        check.tally.n_tests,
        100.0 * FALSE_ALARM_BUDGET,
        check.n_rounds,
    )
}

/// The rows of each means and neighbour, with a title.
fn groups(check: &Check) -> Vec<(&'static str, Vec<&Row>)> {
    let groups = [
        (Means::Pairs, Neighbour::None, "pairs"),
        (Means::Pairs, Neighbour::Busy, "pairs, the other core busy"),
        (Means::Counts, Neighbour::None, "instruction counts"),
    ];
    let with_rows = groups.into_iter().map(|(means, neighbour, title)| {
        let rows = check.tally.rows.iter();
        let of_group = rows.filter(|row| (row.means, row.neighbour) == (means, neighbour));
        (title, of_group.collect::<Vec<_>>())
    });
    with_rows.filter(|(_, rows)| !rows.is_empty()).collect()
}

fn question(question: &Question) -> String {
    let percent = |per_mille: &u32| format!("{} %", f64::from(*per_mille) / 10.0);
    match question {
        Question::FalseAlarm => "equal programs: runs that say REGRESSED".to_owned(),
        Question::FalsePraise => "equal programs: runs that say improved".to_owned(),
        Question::Contaminated => "equal programs: runs called contaminated".to_owned(),
        Question::Incomplete => "equal programs: runs that time ended".to_owned(),
        Question::Open => "equal programs: cases left open".to_owned(),
        Question::NotReached => "equal programs: cases not reached in time".to_owned(),
        Question::ByCriterion => "  Criterion: cases called changed".to_owned(),
        Question::ByCriterionInARow => "  Criterion, one run after the other".to_owned(),
        Question::Found {
            per_mille,
            path: None,
        } => format!("{} slower: called REGRESSED", percent(per_mille)),
        Question::Found {
            path: Some(path), ..
        } => format!("  of these in {path}"),
        Question::FoundByCriterion { .. } => "  Criterion: called regressed".to_owned(),
        Question::FalseAlarmElsewhere => "one path slower: runs that accuse another".to_owned(),
        Question::LayoutAlarm => "only relinked: runs that say REGRESSED".to_owned(),
        Question::CalledLayout => "only relinked: cases called layout, not code".to_owned(),
    }
}

fn counted(rate: &Rate) -> String {
    format!("{} of {}", rate.n_events, rate.n_trials)
}

fn interval(rate: &Rate) -> String {
    format!("{:.1} to {:.1} %", 100.0 * rate.low, 100.0 * rate.high)
}

fn promised(promised: Promised) -> String {
    match promised {
        Promised::Below { rate, .. } => format!("< {:.0} %", 100.0 * rate),
        Promised::AtLeast { rate, .. } => format!(">= {:.0} %", 100.0 * rate),
        Promised::Never { .. } => "never".to_owned(),
    }
}

fn standing(row: &Row) -> String {
    let n_enough = match row.promised {
        Some(
            Promised::Below { n_trials, .. }
            | Promised::AtLeast { n_trials, .. }
            | Promised::Never { n_trials },
        ) => n_trials,
        None => 0,
    };
    match row.standing {
        Some(Standing::Kept) => "kept".to_owned(),
        Some(Standing::Broken) => "NOT KEPT".to_owned(),
        Some(Standing::TooFewTrials) => format!("so far; says little before {n_enough}"),
        None => String::new(),
    }
}

fn notes(check: &Check) -> Vec<String> {
    let mut notes = Vec::new();
    let asked = |question: fn(&Question) -> bool| {
        check.tally.rows.iter().any(|row| question(&row.question))
    };
    if asked(|question| matches!(question, Question::Found { .. })) {
        let counted = check.counted_percents.iter();
        let counted: Vec<String> = counted
            .map(|(path, percent)| match percent {
                Some(percent) => format!("{path} {percent:.2} %"),
                None => format!("{path} not counted"),
            })
            .collect();
        notes.push(format!(
            "One path is slowed per run, and the others are not. 1 % is, counted in instructions: {}.",
            counted.join(", ")
        ));
    }
    if asked(|question| {
        matches!(
            question,
            Question::ByCriterion | Question::ByCriterionInARow
        )
    }) {
        notes.push(format!(
            "Criterion: the rule of 0.8.2 at its defaults (p < 0.05 of Welch's t among resamples of both samples pooled, here \
             {}; 95 % interval of mean ÷ mean beyond 1 %) on the same samples, those of all rounds of a run together. The \
             first line takes both sides of one run, which took turns; \"one run after the other\" takes the base of a run \
             and of the one before, as `cargo bench` before and after a change does.",
            rule::N_RESAMPLES
        ));
    }
    if !check.tally.accused.is_empty() {
        let accused = check.tally.accused.iter();
        let accused: Vec<String> = accused.map(|(id, n)| format!("{id} ({n})")).collect();
        notes.push(format!("Accused in error: {}.", accused.join(", ")));
    }
    notes
}

#[cfg(test)]
mod tests;

//! A comparison with baselines, as reports show it.

use super::causes;
use super::model::{
    About, Case, Change, Kind, Method, NotJudged, Note, NotedDifference, Reason, Report, SCHEMA,
};
use crate::accept::AcceptanceCensus;
use crate::compare::{FALSE_ALARM_BUDGET, MIN_FAMILY};
use crate::comparison::{self, Comparison, Row};
use crate::culprits::Culprits;
use crate::lint::{Lint, TINY};
use crate::machine::{Difference, Machine};
use crate::record::Unit;
use crate::stats::CONFIDENCE;
use crate::verdict::Verdict;

impl Report {
    /// Of a comparison with baselines; the machine is that of the measurement, where it is known.
    pub fn of_comparison(comparison: &Comparison, machine: Option<Machine>) -> Self {
        let rows = comparison.rows.iter();
        let cases = rows.map(|row| case(row, &comparison.culprits)).collect();
        let notes = comparison.notes.iter();
        let mut notes: Vec<Note> = notes.map(|told| note(told, &comparison.machine)).collect();
        notes.extend(accepted(&comparison.acceptances));
        notes.extend(comparison.unfinished.iter().map(|suite| Note {
            about: About::Unfinished,
            text: format!("suite {suite} did not come to its end; its rows are incomplete"),
            differences: Vec::new(),
        }));
        Self {
            schema: SCHEMA,
            kind: Kind::Baselines,
            outcome: comparison.outcome(),
            judged_something: comparison.judged_something(),
            sides: None,
            method: Method {
                false_alarm_budget: FALSE_ALARM_BUDGET,
                confidence: CONFIDENCE,
                min_family: Some(MIN_FAMILY),
                pairs: None,
            },
            machine: comparison.machine.clone(),
            machine_details: machine,
            cases,
            promises: comparison.promises.clone(),
            not_judged: census(comparison),
            notes,
            causes: causes::shared(&comparison.culprits),
            histories: Vec::new(),
        }
    }
}

fn case(row: &Row, culprits: &Culprits) -> Case {
    let has_cause = row.unit == Unit::Instructions && row.verdict == Verdict::Regressed;
    let cause = has_cause
        .then(|| causes::remark(culprits, &row.id))
        .flatten();
    let change = row.ratio.map(|ratio| Change {
        ratio,
        p: None,
        p_corrected: None,
        floor: None,
    });
    Case {
        id: row.id.clone(),
        unit: row.unit,
        before: row.baseline,
        now: row.now,
        now_interval: None,
        change,
        cpu: None,
        relevance: row.relevance,
        engine: None,
        n_rounds: None,
        confirmation: None,
        verdict: row.verdict,
        reasons: reason(row).into_iter().collect(),
        remarks: row.reason.iter().cloned().chain(cause).collect(),
        instructions: None,
    }
}

fn reason(row: &Row) -> Option<Reason> {
    match row.verdict {
        Verdict::Regressed | Verdict::Accepted | Verdict::Improved | Verdict::Unchanged => None,
        Verdict::Inconclusive => Some(Reason::Undecided),
        Verdict::Missing => Some(Reason::NotMeasured),
        Verdict::New => Some(Reason::NotInBaseline),
        // Only a case that has a baseline is given a reason of its own.
        Verdict::NotJudged if row.reason.is_some() => Some(Reason::TooLittle),
        Verdict::NotJudged => Some(Reason::NoBaseline),
    }
}

/// What became of the slowdowns that were agreed to.
pub(super) fn accepted(acceptances: &AcceptanceCensus) -> impl Iterator<Item = Note> {
    let texts = acceptances.in_words().into_iter();
    texts.map(|text| Note {
        about: About::Acceptance,
        text,
        differences: Vec::new(),
    })
}

fn census(comparison: &Comparison) -> Vec<NotJudged> {
    let rows = comparison.rows.iter().filter_map(|row| {
        let why = match row.verdict {
            Verdict::Missing => "in the baseline, not measured",
            Verdict::New => "measured, not in the baseline",
            Verdict::NotJudged => "no baseline holds on this machine",
            _ => return None,
        };
        Some(NotJudged {
            name: row.id.clone(),
            reason: reason(row)?,
            why: row.reason.clone().unwrap_or_else(|| why.to_owned()),
        })
    });
    let not_run = comparison.not_run.iter().map(|id| NotJudged {
        name: id.clone(),
        reason: Reason::NotRun,
        why: "not run this time".to_owned(),
    });
    let unfinished = comparison.unfinished.iter().map(|suite| NotJudged {
        name: suite.clone(),
        reason: Reason::Unfinished,
        why: "the suite did not come to its end".to_owned(),
    });
    rows.chain(not_run).chain(unfinished).collect()
}

fn note(note: &comparison::Note, machine: &str) -> Note {
    use comparison::Note as Told;
    let (about, differences): (About, &[Difference]) = match note {
        Told::NoBaseline { differences, .. } => (About::NoBaseline, differences),
        Told::OtherMachine { differences } => (About::OtherMachine, differences),
        Told::Drifted { differences } => (About::Drifted, differences),
        Told::NoCountBaseline => (About::NoCountBaseline, &[]),
        Told::OtherCountMachine { differences } => (About::OtherCountMachine, differences),
        Told::NoAllocationBaseline => (About::NoAllocationBaseline, &[]),
        Told::OtherAllocationMachine { differences } => {
            (About::OtherAllocationMachine, differences)
        }
        Told::Lints { .. } => (About::Lints, &[]),
    };
    let differences = differences.iter().map(|difference| NotedDifference {
        field: difference.field.to_owned(),
        baseline: difference.baseline.clone(),
        here: difference.here.clone(),
    });
    Note {
        about,
        text: text_of(note, machine),
        differences: differences.collect(),
    }
}

/// What a note says, in one paragraph.
fn text_of(note: &comparison::Note, machine: &str) -> String {
    use comparison::Note;
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
        Note::NoAllocationBaseline => {
            "no judgement of allocations: none are recorded. Record them with \
             `cargo plimsoll baseline record --allocations`."
                .to_owned()
        }
        Note::OtherAllocationMachine { differences } => format!(
            "no judgement of allocations: they were recorded elsewhere; it differs in {}.",
            listed(differences)
        ),
        Note::Lints { lints } => lints_in_words(lints),
    }
}

/// Cases by what is wrong with them, so that a dozen of one kind share one sentence.
fn lints_in_words(lints: &[Lint]) -> String {
    let (mut tiny, mut unsteady) = (Vec::new(), Vec::new());
    for lint in lints {
        match lint {
            Lint::Tiny { id, instructions } => tiny.push(format!("{id} ({instructions})")),
            Lint::Unsteady { id, spread } => unsteady.push(format!("{id} (by {spread})")),
        }
    }
    let mut sentences = Vec::new();
    if !tiny.is_empty() {
        sentences.push(format!(
            "under {TINY} instructions per iteration, so that much of the count is the harness: {}.",
            tiny.join(", ")
        ));
    }
    if !unsteady.is_empty() {
        sentences.push(format!(
            "equal runs of one program differed when the baseline was recorded, as with a random hasher or a clock: {}.",
            unsteady.join(", ")
        ));
    }
    sentences.join(" ")
}

fn listed(differences: &[Difference]) -> String {
    let fields: Vec<String> = differences.iter().map(ToString::to_string).collect();
    fields.join("; ")
}

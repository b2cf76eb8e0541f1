//! Numbers and sentences that the reports of pair mode share.

use crate::comparison::Outcome;
use crate::pairs::comparison::{Confirmation, Delta, Finding, Next, PairComparison, PairRow};
use crate::pairs::sample::Side;
use crate::report::words;
use crate::verdict::Verdict;

/// `candidate HEAD (4567def, with changes) against base main (0123abc)`.
pub(super) fn sides(comparison: &PairComparison) -> String {
    format!(
        "candidate {} against base {}",
        side(&comparison.candidate),
        side(&comparison.base)
    )
}

fn side(side: &Side) -> String {
    let changes = side.is_dirty.then_some("with changes");
    let known: Vec<&str> = side.commit.as_deref().into_iter().chain(changes).collect();
    if known.is_empty() {
        return side.label.clone();
    }
    format!("{} ({})", side.label, known.join(", "))
}

/// What the run says as a whole, in the word that begins or ends a report.
pub(super) fn outcome(comparison: &PairComparison) -> &'static str {
    if comparison.control.is_contaminated() {
        return "contaminated";
    }
    match comparison.outcome() {
        Outcome::Fine => "fine",
        Outcome::Regressed => "worse",
        Outcome::CouldNotTell => "could not tell all",
    }
}

/// Why nothing of the run may be believed; `None` if it may.
pub(super) fn contamination(comparison: &PairComparison) -> Option<String> {
    let control = &comparison.control;
    if !control.is_contaminated() {
        return None;
    }
    let fired: Vec<&str> = control.fired.iter().map(|id| id.as_str()).collect();
    Some(format!(
        "base differed from base in {} of {} cases of the null control ({}), which chance does with p {}. Something \
         on the machine favours a side; nothing is judged, and no baseline may be recorded from this run. Measure \
         again on a quieter machine.",
        fired.len(),
        control.n_cases,
        fired.join(", "),
        p_value(control.chance)
    ))
}

/// What a reader must know beside the rows.
pub(super) fn notes(comparison: &PairComparison) -> Vec<String> {
    let mut notes = Vec::new();
    let control = &comparison.control;
    if control.n_cases == 0 {
        notes.push(
            "no case ran base against base, so nobody checked whether the machine favours a side."
                .to_owned(),
        );
    } else if !control.is_contaminated() {
        notes.push(format!(
            "null control: base differed from base in {} of {} cases, as chance allows.",
            control.fired.len(),
            control.n_cases
        ));
    }
    if !comparison.is_complete {
        notes.push(
            "the run was interrupted; cases may have fewer rounds than asked for.".to_owned(),
        );
    }
    let n_open = comparison.open().count();
    if n_open > 0 {
        notes.push(format!(
            "open cases that more rounds could decide: {n_open}."
        ));
    }
    let n_unconfirmed = comparison.unconfirmed().count();
    if n_unconfirmed > 0 {
        notes.push(format!(
            "accused cases that wait for fresh rounds: {n_unconfirmed}."
        ));
    }
    notes.extend(comparison.acceptances.in_words());
    for pattern in &comparison.idle_relevances {
        notes.push(format!(
            "relevance.toml: the entry for pairs of {pattern:?} decided about no case of this run."
        ));
    }
    notes
}

/// Why the verdict is not a plain one, what the other clock says, and what confirmed it.
pub(super) fn remarks(row: &PairRow) -> Vec<String> {
    let mut remarks: Vec<String> = row.reason.iter().cloned().collect();
    let is_quiet = |finding: Option<Finding>| matches!(finding, None | Some(Finding::Same));
    let cpu_finding = row.cpu.map(|delta| delta.finding);
    let is_plain = row.verdict == Verdict::Unchanged && is_quiet(cpu_finding);
    if let Some(cpu) = row.cpu.filter(|_| !is_plain) {
        remarks.push(format!(
            "CPU time {}, p {}",
            words::delta(cpu.ratio),
            p_value(cpu.p_corrected)
        ));
    }
    match row.confirmation {
        Confirmation::Agreed { p, is_other_core } => {
            let place = if is_other_core {
                " on another core"
            } else {
                ""
            };
            remarks.push(format!("fresh rounds{place} agree, p {}", p_value(p)));
        }
        Confirmation::Disagreed { p } => {
            remarks.push(format!("p of the fresh rounds {}", p_value(p)));
        }
        Confirmation::NotNeeded | Confirmation::Needed => {}
    }
    if row.next == Next::MoreRounds {
        remarks.push("more rounds could decide it".to_owned());
    }
    remarks
}

/// The change that accuses a regressed case, by the clock that does.
pub(super) fn accusation(row: &PairRow) -> String {
    let is_slower = |delta: &Delta| delta.finding == Finding::Slower;
    match (row.wall.filter(is_slower), row.cpu) {
        (Some(wall), _) => words::delta(wall.ratio),
        (None, Some(cpu)) => format!("CPU time {}", words::delta(cpu.ratio)),
        (None, None) => String::new(),
    }
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

/// How many cases have which verdict.
pub(super) fn cases_summary(comparison: &PairComparison) -> String {
    words::verdicts_summary(|verdict| comparison.count_of(verdict))
}

/// The verdicts of cases without a table row, each with what it means here.
pub(super) const CENSUS: [(Verdict, &str); 3] = [
    (Verdict::NotJudged, "not judged"),
    (
        Verdict::Missing,
        "missing: in the base, not in the candidate",
    ),
    (Verdict::New, "new: in the candidate, not in the base"),
];

/// Whether the row belongs to the census of what was not judged.
pub(super) fn is_in_census(row: &PairRow) -> bool {
    CENSUS.iter().any(|(verdict, _)| *verdict == row.verdict)
}

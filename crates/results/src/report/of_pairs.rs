//! A judged run of pair mode, as reports show it.

use std::collections::BTreeMap;

use super::causes;
use super::model::{
    About, BothSides, Case, Change, Control, Fresh, Kind, Method, NotJudged, Note, PairMethod,
    Reason, Report, SCHEMA, Sides,
};
use super::of_comparison::accepted;
use super::words;
use crate::case_id::CaseId;
use crate::compare::FALSE_ALARM_BUDGET;
use crate::culprits::Culprits;
use crate::pairs::comparison::{
    ClockVerdict, Confirmation, ConfirmedOn, Delta, LayoutCheck, Next, PairComparison, PairRow, Way,
};
use crate::pairs::counts::{CaseCounts, PairCounts};
use crate::pairs::cross::Work;
use crate::pairs::judge::REPORT_RATE;
use crate::pairs::sample::{CaseFailure, Pair, PairCase, PairRun, SameProgram, Sample};
use crate::record::Unit;
use crate::round::{TIME_DIGITS, significant};
use crate::stats::{self, CONFIDENCE, Quantile};
use crate::verdict::Verdict;

impl Report {
    /// Of a run of pair mode and what was judged of it.
    pub fn of_pairs(run: &PairRun, comparison: &PairComparison) -> Self {
        let measured: BTreeMap<&CaseId, &PairCase> =
            run.cases.iter().map(|case| (&case.id, case)).collect();
        let rows = comparison.rows.iter();
        let cases: Vec<Case> = rows
            .map(|row| case(row, measured.get(&row.id).copied(), comparison))
            .collect();
        let not_judged = cases.iter().filter_map(census).collect();
        let control = &comparison.control;
        Self {
            schema: SCHEMA,
            kind: Kind::Pairs,
            outcome: comparison.outcome(),
            judged_something: cases.iter().any(|case| {
                matches!(
                    case.verdict,
                    Verdict::Regressed | Verdict::Accepted | Verdict::Improved | Verdict::Unchanged
                )
            }),
            sides: Some(Sides {
                base: comparison.base.clone(),
                candidate: comparison.candidate.clone(),
            }),
            method: Method {
                false_alarm_budget: FALSE_ALARM_BUDGET,
                confidence: CONFIDENCE,
                min_family: None,
                pairs: Some(PairMethod {
                    n_tests: comparison.n_tests,
                    report_rate: REPORT_RATE,
                    seed: run.seed.to_string(),
                    is_complete: comparison.is_complete,
                    control: Control {
                        n_cases: control.n_cases,
                        fired: control.fired.iter().map(ToString::to_string).collect(),
                        chance: control.chance,
                        is_contaminated: control.is_contaminated(),
                    },
                }),
            },
            machine: comparison.machine.clone(),
            machine_details: Some(run.machine.clone()),
            cases,
            promises: Vec::new(),
            not_judged,
            notes: notes(comparison)
                .into_iter()
                .chain(accepted(&comparison.acceptances))
                .collect(),
            causes: causes::shared(culprits(comparison)),
            histories: Vec::new(),
        }
    }
}

fn case(row: &PairRow, measured: Option<&PairCase>, comparison: &PairComparison) -> Case {
    let base = measured.and_then(|case| location(case, |pair| &pair.base));
    let candidate = measured.and_then(|case| location(case, |pair| &pair.candidate));
    let change = |delta: Delta| Change {
        ratio: delta.ratio,
        p: Some(delta.p),
        p_corrected: Some(delta.p_corrected),
        floor: Some(delta.floor),
    };
    let confirmation = match row.confirmation {
        Confirmation::NotNeeded | Confirmation::Needed => None,
        Confirmation::Agreed { p, .. } => Some(Fresh { agrees: true, p }),
        Confirmation::Disagreed { p } => Some(Fresh { agrees: false, p }),
    };
    let failure = measured.and_then(|case| case.failure.as_ref());
    Case {
        id: row.id.to_string(),
        unit: Unit::Nanoseconds,
        before: base.map(|base| base.estimate),
        now: candidate.map(|candidate| candidate.estimate),
        now_interval: candidate.map(|candidate| (candidate.low, candidate.high)),
        change: row.wall.map(change),
        cpu: row.cpu.map(change),
        instructions: instructions(comparison, &row.id),
        relevance: Some(row.relevance),
        engine: Some(row.engine),
        n_rounds: Some(row.n_rounds),
        confirmation,
        verdict: row.verdict,
        reasons: reasons(row, failure, comparison.control.is_contaminated()),
        remarks: remarks(row, comparison),
    }
}

/// Nanoseconds per iteration: the median over rounds of the rounds' medians, with its interval by rank.
fn location(case: &PairCase, side: impl Fn(&Pair) -> &Sample) -> Option<Quantile> {
    let medians: Vec<f64> = case
        .rounds
        .iter()
        .filter_map(|round| {
            let times: Vec<f64> = round
                .pairs
                .iter()
                .map(|pair| side(pair).wall_ns / side(pair).n_iterations as f64)
                .collect();
            stats::quantile(&times, 0.5)
        })
        .collect();
    let median = Quantile::of(&medians, 0.5)?;
    let rounded = |value| significant(value, TIME_DIGITS);
    Some(Quantile {
        estimate: rounded(median.estimate),
        low: rounded(median.low),
        high: rounded(median.high),
    })
}

fn reasons(row: &PairRow, failure: Option<&CaseFailure>, is_contaminated: bool) -> Vec<Reason> {
    use ClockVerdict::{Faster, Open, Same, Slower};
    if let Some(failure) = failure {
        return vec![match failure {
            CaseFailure::MissingInBase => Reason::MissingInBase,
            CaseFailure::MissingInCandidate => Reason::MissingInCandidate,
            CaseFailure::PanickedInBase { .. } => Reason::PanickedInBase,
            CaseFailure::PanickedInCandidate { .. } => Reason::PanickedInCandidate,
            CaseFailure::TimedOut { .. } => Reason::TimedOut,
            CaseFailure::NoSamplesInBase { .. } | CaseFailure::NoSamplesInCandidate { .. } => {
                Reason::NoSamples
            }
            CaseFailure::AmbiguousId { .. } => Reason::AmbiguousId,
            CaseFailure::SettingsDiffer => Reason::SettingsDiffer,
        }];
    }
    if row.same_program.is_some() {
        return vec![Reason::SameProgram];
    }
    if is_contaminated {
        return vec![Reason::Contaminated];
    }
    let Some(wall) = row.wall else {
        return vec![Reason::TooLittle];
    };
    let mut reasons = Vec::new();
    match (wall.verdict, row.cpu.map(|delta| delta.verdict)) {
        // Nobody asked fresh rounds about what wall time says.
        (Slower | Faster, Some(_))
            if row.verdict == Verdict::Inconclusive
                && row.confirmation == Confirmation::NotNeeded =>
        {
            reasons.push(Reason::ClocksDisagree);
        }
        (Slower | Faster, Some(Same)) => reasons.push(Reason::WallTimeAlone),
        (Same | Open, Some(Slower | Faster)) => reasons.push(Reason::CpuTimeAlone),
        _ => {}
    }
    match row.confirmation {
        Confirmation::Needed => reasons.push(Reason::Unconfirmed),
        Confirmation::Disagreed { .. } => reasons.push(Reason::NotConfirmed),
        Confirmation::NotNeeded | Confirmation::Agreed { .. } => {}
    }
    match row.layout {
        LayoutCheck::Needed | LayoutCheck::Impossible { .. } => {
            reasons.push(Reason::LayoutUnchecked);
        }
        LayoutCheck::Gone(_) => reasons.push(Reason::Layout),
        LayoutCheck::Open(_) => reasons.push(Reason::LayoutOpen),
        LayoutCheck::NotNeeded | LayoutCheck::Held(_) => {}
    }
    if row.verdict == Verdict::Inconclusive && reasons.is_empty() {
        reasons.push(Reason::Undecided);
    }
    reasons
}

/// Why the verdict is not a plain one, what the other clock says, and what confirmed it.
fn remarks(row: &PairRow, comparison: &PairComparison) -> Vec<String> {
    let mut remarks: Vec<String> = row.reason.iter().cloned().collect();
    let is_quiet =
        |verdict: Option<ClockVerdict>| matches!(verdict, None | Some(ClockVerdict::Same));
    let cpu_verdict = row.cpu.map(|delta| delta.verdict);
    let is_plain = row.verdict == Verdict::Unchanged && is_quiet(cpu_verdict);
    if let Some(cpu) = row.cpu.filter(|_| !is_plain) {
        remarks.push(format!(
            "CPU time {}, p {}",
            words::delta(cpu.ratio),
            words::p_value(cpu.p_corrected)
        ));
    }
    match row.confirmation {
        Confirmation::Agreed { p, place } => {
            let place = match place {
                ConfirmedOn::OtherCores => " on another core",
                ConfirmedOn::EachCore => " on each core",
                ConfirmedOn::SameCores => "",
            };
            remarks.push(format!(
                "fresh rounds{place} agree, p {}",
                words::p_value(p)
            ));
        }
        Confirmation::Disagreed { p } => {
            remarks.push(format!("p of the fresh rounds {}", words::p_value(p)));
        }
        Confirmation::NotNeeded | Confirmation::Needed => {}
    }
    if let Some(counts) = instructions(comparison, &row.id)
        && let ratio = counts.candidate as f64 / counts.base as f64
        && Work::of(Some(ratio)) != Work::Same
    {
        remarks.push(format!("instructions {} %", words::percent(ratio)));
        remarks.extend(causes::remark(culprits(comparison), row.id.as_str()));
    }
    if row.next == Next::MoreRounds {
        remarks.push("more rounds could decide it".to_owned());
    }
    remarks
}

fn census(case: &Case) -> Option<NotJudged> {
    let why = match case.verdict {
        Verdict::Missing => "in the base, not in the candidate",
        Verdict::New => "in the candidate, not in the base",
        Verdict::NotJudged => "not judged",
        _ => return None,
    };
    Some(NotJudged {
        name: case.id.clone(),
        reason: *case.reasons.first()?,
        why: case
            .remarks
            .first()
            .cloned()
            .unwrap_or_else(|| why.to_owned()),
    })
}

/// What a reader must know beside the rows; a contamination first.
fn notes(comparison: &PairComparison) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut note = |about, text| {
        notes.push(Note {
            about,
            text,
            differences: Vec::new(),
        });
    };
    let control = &comparison.control;
    let n_fired = control.fired.len();
    if control.is_contaminated() {
        let fired: Vec<&str> = control.fired.iter().map(CaseId::as_str).collect();
        let text = format!(
            "base differed from base in {n_fired} of {} cases of the null control ({}), which chance does with p {}. \
             Something on the machine favours a side; nothing is judged, and no baseline may be recorded from this \
             run. Measure again on a quieter machine.",
            control.n_cases,
            fired.join(", "),
            words::p_value(control.chance)
        );
        note(About::Contaminated, text);
    } else if !comparison.rows.iter().any(|row| row.n_rounds > 0) {
        // Without rounds there was nothing for a control to control.
    } else if control.n_cases == 0 {
        let text =
            "no case ran base against base, so nobody checked whether the machine favours a side.";
        note(About::NullControl, text.to_owned());
    } else {
        let text = format!(
            "null control: base differed from base in {n_fired} of {} cases, as chance allows.",
            control.n_cases
        );
        note(About::NullControl, text);
    }
    if let Some(text) = counts(comparison) {
        note(About::Counts, text);
    }
    if let Some(text) = same_programs(comparison) {
        note(About::SameProgram, text);
    }
    if !comparison.is_complete {
        let text = "the run was interrupted; cases may have fewer rounds than asked for.";
        note(About::Interrupted, text.to_owned());
    }
    let n_open = comparison.open().count();
    if n_open > 0 {
        let text = format!("open cases that more rounds could decide: {n_open}.");
        note(About::Open, text);
    }
    let unconfirmed = |way| comparison.unconfirmed(way).count();
    let n_unconfirmed = unconfirmed(Way::Slower) + unconfirmed(Way::Faster);
    if n_unconfirmed > 0 {
        let text = format!("slower or faster cases that wait for fresh rounds: {n_unconfirmed}.");
        note(About::Unconfirmed, text);
    }
    for pattern in &comparison.idle_relevances {
        let text = format!(
            "relevance.toml: the entry for pairs of {pattern:?} decided about no case of this run."
        );
        note(About::IdleRelevance, text);
    }
    notes
}

/// Cases that are unchanged because both sides run the same program; `None` if there are none.
fn same_programs(comparison: &PairComparison) -> Option<String> {
    let rows = comparison.rows.iter();
    let same: Vec<&PairRow> = rows.filter(|row| row.same_program.is_some()).collect();
    let mut suites: Vec<&str> = same.iter().map(|row| row.id.suite()).collect();
    suites.dedup();
    let is_in_lines = |row: &&PairRow| row.same_program == Some(SameProgram::ButForLines);
    let but = if same.iter().any(is_in_lines) {
        ", but for line numbers in the messages of panics"
    } else {
        ""
    };
    (!same.is_empty()).then(|| {
        format!(
            "both sides are the same program{but}, which leaves nothing to measure: {} cases of {}.",
            same.len(),
            suites.join(", ")
        )
    })
}

fn instructions(comparison: &PairComparison, id: &CaseId) -> Option<BothSides> {
    let Some(PairCounts::Taken { cases, .. }) = &comparison.counts else {
        return None;
    };
    let case = cases.iter().find(|case| case.id == *id)?;
    Some(BothSides {
        base: case.base?,
        candidate: case.candidate?,
    })
}

fn culprits(comparison: &PairComparison) -> &Culprits {
    static NOBODY: Culprits = Culprits::nobody();
    match &comparison.counts {
        Some(PairCounts::Taken { culprits, .. }) => culprits,
        Some(PairCounts::NotAvailable { .. }) | None => &NOBODY,
    }
}

/// What the counts of both sides say together, and of the twins without a row; `None` if nobody was asked to count.
fn counts(comparison: &PairComparison) -> Option<String> {
    let cases = match comparison.counts.as_ref()? {
        PairCounts::NotAvailable { because } => {
            return Some(format!("instructions were not counted: {because}."));
        }
        PairCounts::Taken { cases, .. } => cases,
    };
    let changed = |case: &&CaseCounts| case.is_changed();
    let n_equal = cases.len() - cases.iter().filter(changed).count();
    let has_row = |id: &CaseId| comparison.rows.iter().any(|row| row.id == *id);
    let rowless = cases.iter().filter(changed);
    let rowless = rowless.filter(|case| case.ratio().is_none() || !has_row(&case.id));
    let mut sentences = vec![format!(
        "instructions: {n_equal} of {} twins equal.",
        cases.len()
    )];
    sentences.extend(rowless.map(|case| match (case.base, case.candidate) {
        (Some(_), None) => format!("{}: a twin in the base alone.", case.id),
        (None, _) => format!("{}: a twin in the candidate alone.", case.id),
        (Some(base), Some(candidate)) => format!(
            "{}: {} → {}.",
            case.id,
            words::grouped(base as f64),
            words::grouped(candidate as f64)
        ),
    }));
    Some(sentences.join(" "))
}

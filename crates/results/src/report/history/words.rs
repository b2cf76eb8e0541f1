//! Numbers and sentences that the reports of a history share.

use crate::comparison::Outcome;
use crate::history::judged::{CaseHistory, Finding, History, Standing};
use crate::history::search::Kind;

/// `slower by 3.1 %`.
pub(super) fn standing(standing: Standing) -> String {
    match standing {
        Standing::Slower { share } => format!("SLOWER by {}", percent(share)),
        Standing::Accepted { share } => format!("accepted: slower by {}", percent(share)),
        Standing::Faster { share } => format!("faster by {}", percent(share)),
        Standing::Steady => "steady".to_owned(),
        Standing::TooFewNights { n_nights } => {
            format!(
                "too few nights: {n_nights}, and {} are needed",
                crate::history::drift::MIN_NIGHTS
            )
        }
    }
}

/// `step of +3.1 % between 2026-10-02 (0123abc) and 2026-10-03 (4567def), found on 2026-10-09`.
pub(super) fn finding(finding: &Finding) -> String {
    let share = finding.share();
    let sign = if share < 0.0 { "-" } else { "+" };
    let size = format!("{sign}{}", percent(share.abs()));
    let place =
        |(date, commit): &(jiff::civil::Date, String)| format!("{date} ({})", short(commit));
    let (before, after) = (place(&finding.last_before), place(&finding.first_after));
    let change = match finding.change.kind {
        Kind::Step => format!("step of {size} between {before} and {after}"),
        Kind::Drift => format!("drift of {size} from {after} to {}", finding.found_on),
    };
    let machine = if finding.is_machine_change {
        "; the machine changed with it, so look at both machines first"
    } else {
        ""
    };
    format!("{change}, found on {}{machine}", finding.found_on)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn short(commit: &str) -> &str {
    commit.get(..9).unwrap_or(commit)
}

/// What the history says as a whole.
pub(super) fn outcome(history: &History) -> &'static str {
    match history.outcome() {
        Outcome::Fine => "fine",
        Outcome::Regressed => "worse",
        Outcome::CouldNotTell => "could not tell: too few nights",
    }
}

/// How many cases stand how.
pub(super) fn summary(history: &History) -> String {
    let count = |is: fn(&Standing) -> bool| {
        let standings = history.cases.iter().map(|case| &case.standing);
        standings.filter(|standing| is(standing)).count()
    };
    let counts = [
        (count(|s| matches!(s, Standing::Slower { .. })), "slower"),
        (
            count(|s| matches!(s, Standing::Accepted { .. })),
            "accepted",
        ),
        (count(|s| matches!(s, Standing::Faster { .. })), "faster"),
        (count(|s| matches!(s, Standing::Steady)), "steady"),
        (
            count(|s| matches!(s, Standing::TooFewNights { .. })),
            "with too few nights",
        ),
    ];
    let said: Vec<String> = counts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, words)| format!("{n} {words}"))
        .collect();
    said.join(", ")
}

/// What a reader of all cases must know beside them.
pub(super) fn notes(history: &History) -> Vec<String> {
    let mut notes = history.acceptances.in_words();
    let silent: Vec<&str> = history
        .silent()
        .map(|case| case.series.case.as_str())
        .collect();
    if !silent.is_empty() {
        notes.push(format!(
            "not measured on the last night: {}",
            silent.join(", ")
        ));
    }
    let contaminated = history.cases.iter().map(|case| case.series.n_contaminated);
    let n_contaminated = contaminated.max().unwrap_or(0);
    if n_contaminated > 0 {
        notes.push(format!(
            "left out because their null control fired: up to {n_contaminated} nights of a case"
        ));
    }
    let broken = history.breaches.iter().map(|breach| {
        let (path, line) = (breach.path.display(), breach.line);
        format!("left out: {path}, line {line}: {}", breach.reason)
    });
    notes.extend(broken);
    notes
}

/// What a reader of one case must know beside its plot.
pub(super) fn case_notes(case: &CaseHistory) -> Vec<String> {
    let series = &case.series;
    let mut notes = Vec::new();
    for pair in series.segments.windows(2) {
        let (Some(before), Some(after)) = (pair[0].points.last(), pair[1].points.first()) else {
            continue;
        };
        notes.push(format!(
            "on {} the reference changed from {} to {}, and no night measured one commit against both: a new segment \
             begins, and nothing is said across its border",
            after.date(),
            short(&before.reference),
            short(&after.reference)
        ));
    }
    let points = series
        .segments
        .iter()
        .flat_map(|segment| segment.points.windows(2));
    for pair in points {
        if pair[0].reference != pair[1].reference {
            notes.push(format!(
                "on {} the reference changed from {} to {}, with a bridge that is sure to {}",
                pair[1].date(),
                short(&pair[0].reference),
                short(&pair[1].reference),
                percent(pair[1].doubt)
            ));
        }
        if pair[0].machine != pair[1].machine {
            notes.push(format!(
                "on {} the machine changed from {} to {}",
                pair[1].date(),
                pair[0].machine,
                pair[1].machine
            ));
        }
    }
    if series.n_contaminated > 0 {
        notes.push(format!(
            "contaminated nights left out: {}",
            series.n_contaminated
        ));
    }
    if series.n_superseded > 0 {
        notes.push(format!(
            "runs left out because a later one of the same night stands: {}",
            series.n_superseded
        ));
    }
    notes
}

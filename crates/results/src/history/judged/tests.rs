//! Judged histories: standings, acceptances, merged drifts, levels.

use jiff::civil::{Date, date};

use super::{CaseHistory, History, Standing, judge};
use crate::accept::{Acceptance, Acceptances, Metric};
use crate::case_id::CaseId;
use crate::comparison::Outcome;
use crate::history::folder::Kept;
use crate::history::line::Line;
use crate::history::search::Kind;
use crate::history::series::series;
use crate::history::synthetic::line;

const TODAY: Date = date(2026, 6, 1);

/// A case whose nights scatter by 0.3 % around these percents, the same for the same ones.
fn nights(id: &str, percents: &[f64]) -> Vec<Line> {
    let nights = (0_i32..).zip(percents);
    nights
        .map(|(night, percent)| {
            // The fractional parts of multiples of the golden ratio are spread evenly and never repeat.
            let scatter = 0.6 * (f64::from(night + 1) * 0.618_034).fract() - 0.3;
            line(night).at(percent + scatter).of_case(id)
        })
        .collect()
}

fn history(lines: Vec<Line>, acceptances: &Acceptances) -> History {
    let kept = Kept {
        lines,
        breaches: Vec::new(),
    };
    judge(&series(&kept), Vec::new(), acceptances, TODAY)
}

/// Stretches of nights on these levels in percent.
fn levels(stretches: &[(usize, f64)]) -> Vec<f64> {
    let stretches = stretches.iter();
    stretches
        .flat_map(|(n_nights, percent)| vec![*percent; *n_nights])
        .collect()
}

fn case(percents: &[f64]) -> CaseHistory {
    let mut history = history(
        nights("codec/encode/10kb", percents),
        &Acceptances::default(),
    );
    history.cases.remove(0)
}

fn accepted(percent: f64, until: Date) -> Acceptances {
    let mut acceptances = Acceptances::default();
    acceptances.add(Acceptance {
        case: CaseId::new("codec/encode/10kb").expect("well formed"),
        metric: Metric::Time,
        share: percent / 100.0,
        because: "it is worth it".to_owned(),
        on: date(2026, 2, 1),
        until,
    });
    acceptances
}

fn share(standing: Standing) -> f64 {
    match standing {
        Standing::Slower { share } | Standing::Accepted { share } | Standing::Faster { share } => {
            share
        }
        Standing::Steady | Standing::TooFewNights { .. } => 0.0,
    }
}

#[test]
fn a_step_is_found_dated_and_sized_and_makes_the_case_slower() {
    let case = case(&levels(&[(40, 0.0), (20, 3.0)]));
    assert_eq!(case.findings.len(), 1);
    let finding = &case.findings[0];
    assert_eq!(finding.change.kind, Kind::Step);
    assert_eq!(finding.first_after.0, date(2026, 2, 10));
    assert_eq!(finding.last_before.0, date(2026, 2, 9));
    assert!(
        (finding.share() - 0.03).abs() < 0.003,
        "{}",
        finding.share()
    );
    assert!(matches!(case.standing, Standing::Slower { .. }));
}

#[test]
fn what_goes_back_is_steady_again() {
    let case = case(&levels(&[(40, 0.0), (20, 3.0), (20, 0.0)]));
    assert_eq!(case.findings.len(), 2);
    assert_eq!(case.standing, Standing::Steady);
}

#[test]
fn an_improvement_is_no_reason_to_act_until_half_of_it_is_lost() {
    let case = case(&levels(&[(40, 0.0), (30, -6.0)]));
    assert!(
        matches!(case.standing, Standing::Faster { .. }),
        "{:?}",
        case.standing
    );
    let lost = super::tests::case(&levels(&[(40, 0.0), (30, -6.0), (30, -3.0)]));
    assert!(
        matches!(lost.standing, Standing::Slower { .. }),
        "{:?}",
        lost.standing
    );
    assert!((share(lost.standing) - 0.03).abs() < 0.004);
}

#[test]
fn several_small_steps_add_up() {
    let case = case(&levels(&[(40, 0.0), (25, 2.0), (25, 4.0)]));
    assert_eq!(case.findings.len(), 2);
    assert!(
        (share(case.standing) - 0.04).abs() < 0.004,
        "{:?}",
        case.standing
    );
}

#[test]
fn a_drift_that_goes_on_is_one_finding() {
    let drifting = (0..40).map(|night| 0.5 * f64::from(night));
    let percents: Vec<f64> = levels(&[(30, 0.0)]).into_iter().chain(drifting).collect();
    let case = case(&percents);
    let drifts: Vec<_> = case
        .findings
        .iter()
        .map(|finding| finding.change.kind)
        .collect();
    assert_eq!(drifts, [Kind::Drift], "{:?}", case.findings);
    assert!(share(case.standing) > 0.1, "{:?}", case.standing);
}

#[test]
fn too_few_nights_are_no_pass() {
    let few = history(
        nights("codec/encode/10kb", &[0.0; 13]),
        &Acceptances::default(),
    );
    assert_eq!(few.outcome(), Outcome::CouldNotTell);
    let enough = history(
        nights("codec/encode/10kb", &[0.0; 14]),
        &Acceptances::default(),
    );
    assert_eq!(enough.outcome(), Outcome::Fine);
}

#[test]
fn an_accepted_slowdown_is_fine_while_it_is_no_larger_and_its_end_has_not_passed() {
    let lines = || nights("codec/encode/10kb", &levels(&[(40, 0.0), (20, 3.0)]));
    for (percent, until, outcome) in [
        (4.0, date(2026, 12, 1), Outcome::Fine),
        (2.0, date(2026, 12, 1), Outcome::Regressed),
        (4.0, date(2026, 5, 31), Outcome::Regressed),
    ] {
        let history = history(lines(), &accepted(percent, until));
        assert_eq!(history.outcome(), outcome, "{percent} {until}");
        assert_eq!(
            history.acceptances.used.len(),
            usize::from(outcome == Outcome::Fine)
        );
        assert_eq!(
            history.acceptances.expired.len(),
            usize::from(until < TODAY)
        );
        assert!(history.cases[0].reason.is_some());
    }
}

#[test]
fn an_acceptance_that_nothing_needs_is_flagged() {
    let history = history(
        nights("codec/encode/10kb", &levels(&[(60, 0.0)])),
        &accepted(4.0, date(2026, 12, 1)),
    );
    assert_eq!(history.acceptances.unused.len(), 1);
    assert_eq!(history.outcome(), Outcome::Fine);
}

#[test]
fn the_largest_slowdown_comes_first_and_steady_cases_do_not_come() {
    let lines = [
        nights("a/faster/1", &levels(&[(40, 0.0), (20, -9.0)])),
        nights("b/slower/1", &levels(&[(40, 0.0), (20, 3.0)])),
        nights("c/slower/2", &levels(&[(40, 0.0), (20, 6.0)])),
        nights("d/steady/1", &levels(&[(60, 0.0)])),
    ];
    let history = history(lines.concat(), &Acceptances::default());
    let ranked: Vec<&str> = history
        .ranked()
        .iter()
        .map(|case| case.series.case.as_str())
        .collect();
    assert_eq!(ranked, ["c/slower/2", "b/slower/1", "a/faster/1"]);
}

#[test]
fn a_case_that_fell_silent_is_named() {
    let lines = [
        nights("a/goes_on/1", &levels(&[(30, 0.0)])),
        nights("b/gone/1", &levels(&[(20, 0.0)])),
    ];
    let history = history(lines.concat(), &Acceptances::default());
    let silent: Vec<&str> = history
        .silent()
        .map(|case| case.series.case.as_str())
        .collect();
    assert_eq!(silent, ["b/gone/1"]);
}

#[test]
fn a_step_that_the_machine_made_says_so() {
    let mut lines = nights("codec/encode/10kb", &levels(&[(40, 0.0), (20, 3.0)]));
    for line in &mut lines[40..] {
        *line = line.clone().on_machine("another");
    }
    let history = history(lines, &Acceptances::default());
    assert!(history.cases[0].findings[0].is_machine_change);
}

#[test]
fn a_bridge_that_is_a_little_off_is_no_finding_and_a_large_change_across_it_is() {
    for (jump, n_findings) in [(1.4, 0), (4.0, 1)] {
        let mut lines = nights("codec/encode/10kb", &levels(&[(30, 0.0), (30, jump)]));
        // The last night of the old reference has the new one too, with no difference between the two.
        let mut bridge = lines[29].clone().against("new").later();
        bridge.commit.clone_from(&lines[29].commit);
        for line in &mut lines[30..] {
            *line = line.clone().against("new");
        }
        lines.insert(30, bridge);
        let history = history(lines, &Acceptances::default());
        assert_eq!(history.cases[0].series.segments.len(), 1);
        assert_eq!(history.cases[0].findings.len(), n_findings, "{jump} %");
    }
}

#[test]
fn levels_lie_between_the_findings_and_cover_every_night_once() {
    let drifting = (0..30).map(|night| 0.5 * f64::from(night));
    let percents: Vec<f64> = levels(&[(40, 0.0), (30, 3.0), (40, 1.0)])
        .into_iter()
        .chain(drifting)
        .collect();
    let case = case(&percents);
    let levels = case.levels();
    let mut next = 0;
    for level in &levels {
        assert_eq!(level.first, next, "{levels:?}");
        next = level.last + 1;
    }
    assert_eq!(next, percents.len());
    assert!((levels[1].from - 0.03).abs() < 0.003, "{levels:?}");
}

#[test]
fn the_same_nights_say_the_same_and_a_later_night_takes_nothing_back() {
    let percents = levels(&[(40, 0.0), (30, 3.0), (30, 1.0), (30, 5.0)]);
    let whole = case(&percents);
    assert_eq!(whole, case(&percents));
    for n_nights in (30..percents.len()).step_by(7) {
        let early = case(&percents[..n_nights]);
        assert_eq!(early.findings, whole.findings[..early.findings.len()]);
    }
}

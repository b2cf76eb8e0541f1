//! Acceptances in comparisons: which regressions were agreed to, and which agreements are left over.

use jiff::civil::Date;

use super::{AcceptanceCensus, Acceptances, Answer, Metric};
use crate::case_id::CaseId;
use crate::comparison::Comparison;
use crate::pairs::comparison::{ClockVerdict, PairComparison, PairRow};
use crate::verdict::Verdict;

/// The verdicts after which an acceptance is not needed: the case was judged, and it is not slower.
const CALM: [Verdict; 2] = [Verdict::Unchanged, Verdict::Improved];

impl Acceptances {
    /// Calls what was agreed to accepted, and adds the census.
    pub fn apply(&self, comparison: &mut Comparison, today: Date) {
        let mut census = self.census(today);
        for row in &mut comparison.rows {
            let (Some(case), metric) = (CaseId::new(&*row.id), Metric::from(row.unit)) else {
                continue;
            };
            let share = row.ratio.map_or(0.0, |ratio| ratio.estimate - 1.0);
            let (verdict, reason) = (&mut row.verdict, &mut row.reason);
            self.settle(&mut census, (&case, metric, share, today), verdict, reason);
        }
        comparison.acceptances = census;
    }

    /// Calls what was agreed to accepted, and adds the census.
    pub fn apply_to_pairs(&self, comparison: &mut PairComparison, today: Date) {
        let mut census = self.census(today);
        for row in &mut comparison.rows {
            let asked = (&row.id.clone(), Metric::Time, accused_share(row), today);
            self.settle(&mut census, asked, &mut row.verdict, &mut row.reason);
        }
        comparison.acceptances = census;
    }

    fn census(&self, today: Date) -> AcceptanceCensus {
        AcceptanceCensus {
            expired: self.expired(today).cloned().collect(),
            ..AcceptanceCensus::default()
        }
    }

    fn settle(
        &self,
        census: &mut AcceptanceCensus,
        (case, metric, share, today): (&CaseId, Metric, f64, Date),
        verdict: &mut Verdict,
        reason: &mut Option<String>,
    ) {
        if CALM.contains(verdict) {
            let unused = self.in_force(case, metric, today);
            census.unused.extend(unused.cloned());
        }
        if *verdict != Verdict::Regressed {
            return;
        }
        let answer = self.answer(case, metric, share, today);
        if let Answer::Accepted(entry) = answer {
            *verdict = Verdict::Accepted;
            census.used.push(entry.clone());
        }
        let words = reason.take().into_iter().chain(answer.in_words());
        *reason = words.reduce(|left, right| format!("{left}; {right}"));
    }
}

/// By how much a regressed row is slower, by the clock that says so.
fn accused_share(row: &PairRow) -> f64 {
    let clocks = [row.wall, row.cpu].into_iter().flatten();
    let slower = clocks.filter(|delta| delta.verdict == ClockVerdict::Slower);
    slower
        .map(|delta| delta.ratio.estimate - 1.0)
        .fold(0.0, f64::max)
}

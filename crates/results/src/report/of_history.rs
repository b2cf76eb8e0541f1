//! A judged history as the series of a report: how the cases of this run went on the nights before it.

use super::model::{self, Report};
use crate::history::judged::{CaseHistory, History};

/// A line needs two ends.
const MIN_NIGHTS: usize = 2;

/// What the values are.
const WHAT: &str = "time ÷ time of the reference, a night each";

impl Report {
    /// With the series of its own cases, in the order of the report; a case without two comparable nights has none.
    pub fn with_history(mut self, history: &History) -> Self {
        let of_case = |id: &str| {
            let mut cases = history.cases.iter();
            cases.find(|case| case.series.case.as_str() == id)
        };
        let cases = self.cases.iter();
        self.histories = cases
            .filter_map(|case| of_case(&case.id).and_then(series))
            .collect();
        self
    }
}

/// The last segment: across its border nights cannot be held against each other.
fn series(case: &CaseHistory) -> Option<model::History> {
    let place = case.series.segments.len().checked_sub(1)?;
    let points = &case.series.segments[place].points;
    let findings = case.findings.iter();
    let changes = findings.filter(|finding| finding.segment == place);
    (points.len() >= MIN_NIGHTS).then(|| model::History {
        id: case.series.case.as_str().to_owned(),
        what: WHAT.to_owned(),
        values: points
            .iter()
            .map(|point| point.effect.log_ratio.exp())
            .collect(),
        change_points: changes.map(|finding| finding.change.first).collect(),
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use crate::accept::Acceptances;
    use crate::history::folder::Kept;
    use crate::history::judged::judge;
    use crate::history::line::Line;
    use crate::history::series::series;
    use crate::history::synthetic::line;
    use crate::report::tests::reports;

    #[test]
    fn a_report_takes_the_series_of_its_own_cases_and_no_others() {
        let [_, report, _] = reports();
        let mine = report.cases[0].id.clone();
        let nights = |id: &str, n_nights: i32| -> Vec<Line> {
            let level = |night| if night < 30 { 0.0 } else { 3.0 };
            (0..n_nights)
                .map(|night| {
                    let scatter = 0.6 * (f64::from(night + 1) * 0.618_034).fract() - 0.3;
                    line(night).of_case(id).at(level(night) + scatter)
                })
                .collect()
        };
        let kept = Kept {
            lines: [
                nights("of/another/suite", 60),
                nights(&mine, 60),
                nights(&report.cases[1].id, 1),
            ]
            .concat(),
            breaches: Vec::new(),
        };
        let today = date(2026, 12, 1);
        let history = judge(&series(&kept), Vec::new(), &Acceptances::default(), today);

        let report = report.with_history(&history);

        let [series] = &report.histories[..] else {
            panic!("{:?}", report.histories);
        };
        assert_eq!((&series.id, series.values.len()), (&mine, 60));
        assert_eq!(series.change_points, [30]);
        let rise = series.values[59] / series.values[0];
        assert!((1.02..1.04).contains(&rise), "in ratios: {rise}");
    }
}

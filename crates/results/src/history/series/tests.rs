//! Series made of lines: nights, bridges, segments, and what is left out.

use proptest::prelude::*;

use super::{Series, series};
use crate::history::folder::Kept;
use crate::history::line::Line;
use crate::history::synthetic::line;

fn of(lines: Vec<Line>) -> Series {
    let kept = Kept {
        lines,
        breaches: Vec::new(),
    };
    let mut all = series(&kept);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// The log ratios of a segment, in percent.
fn percents(series: &Series, segment: usize) -> Vec<f64> {
    let points = series.segments[segment].points.iter();
    points
        .map(|point| (point.effect.log_ratio * 1e4).round() / 100.0)
        .collect()
}

#[test]
fn a_series_survives_a_change_of_the_machine() {
    let series = of(vec![
        line(1).at(2.0),
        line(2).at(2.1).on_machine("other"),
        line(3).at(2.2),
    ]);
    assert_eq!(series.segments.len(), 1);
    assert_eq!(percents(&series, 0), [2.0, 2.1, 2.2]);
}

#[test]
fn a_night_that_has_both_references_bridges_them() {
    let series = of(vec![
        line(1).at(5.0),
        line(2).at(5.2),
        line(2).at(1.2).against("new"),
        line(3).at(1.0).against("new"),
        line(4).at(1.1).against("new"),
    ]);
    assert_eq!(series.segments.len(), 1);
    assert_eq!(percents(&series, 0), [5.0, 5.2, 5.0, 5.1]);
    let doubts: Vec<bool> = series.segments[0]
        .points
        .iter()
        .map(|point| point.doubt > 0.0)
        .collect();
    assert_eq!(doubts, [false, false, true, false]);
}

#[test]
fn several_nights_bridge_by_their_median_and_leave_less_doubt() {
    let doubt = |n_nights: i32| {
        let mut lines = Vec::new();
        for night in 1..=n_nights {
            // One bad night among three does not move the bridge.
            let wild = if night == 2 { 9.0 } else { 4.0 };
            lines.push(line(night).at(5.0));
            lines.push(line(night).at(5.0 - wild).against("new"));
        }
        lines.push(line(n_nights + 1).at(1.0).against("new"));
        let series = of(lines);
        let last = series.segments[0].points.last().expect("a point").clone();
        if n_nights != 2 {
            assert!((last.effect.log_ratio - 0.05).abs() < 1e-9, "{last:?}");
        }
        last.doubt
    };
    assert!(doubt(3) < doubt(1));
}

#[test]
fn without_a_night_that_has_both_a_new_segment_begins() {
    for second in [
        line(2).at(1.2).against("new"),
        // Another commit's effect says nothing about the references.
        line(1).at(1.2).against("new").of_commit("other"),
    ] {
        let series = of(vec![
            line(1).at(5.0),
            second,
            line(3).at(1.0).against("new"),
        ]);
        assert_eq!(series.segments.len(), 2);
        assert_eq!(percents(&series, 0), [5.0]);
    }
}

#[test]
fn the_reference_may_go_back_over_a_bridge() {
    let series = of(vec![
        line(1).at(5.0),
        line(1).at(1.0).against("new"),
        line(2).at(1.0).against("new"),
        line(2).at(5.0),
        line(3).at(5.0),
    ]);
    assert_eq!(series.segments.len(), 1);
    assert_eq!(percents(&series, 0), [5.0, 5.0, 5.0]);
}

#[test]
fn of_two_runs_of_a_night_the_later_one_stands() {
    let series = of(vec![
        line(1).at(9.0),
        line(1).at(2.0).later(),
        line(2).at(2.0),
    ]);
    assert_eq!(percents(&series, 0), [2.0, 2.0]);
    assert_eq!(series.n_superseded, 1);
}

#[test]
fn contaminated_nights_are_left_out_and_counted() {
    let series = of(vec![
        line(1).at(2.0),
        line(2).at(30.0).contaminated(),
        line(2).at(2.0).later(),
    ]);
    assert_eq!(percents(&series, 0), [2.0, 2.0]);
    assert_eq!((series.n_contaminated, series.n_superseded), (1, 0));
}

#[test]
fn a_night_goes_from_noon_to_noon() {
    let night = |time: &str| {
        let mut line = line(1);
        line.time = time.parse().expect("a time");
        let series = of(vec![line]);
        series.segments[0].points[0].date().to_string()
    };
    assert_eq!(night("2026-11-20T23:50:00Z"), "2026-11-21");
    assert_eq!(night("2026-11-21T00:10:00Z"), "2026-11-21");
    assert_eq!(night("2026-11-21T11:59:59Z"), "2026-11-21");
    assert_eq!(night("2026-11-21T12:00:00Z"), "2026-11-22");
}

proptest! {
    #[test]
    fn every_sound_night_is_in_one_segment_once(
        nights in proptest::collection::vec((1..60_i32, 0..3_usize, any::<bool>()), 1..80),
    ) {
        let references = ["old", "new", "newest"];
        let mut lines: Vec<Line> = nights
            .iter()
            .map(|(night, reference, is_contaminated)| {
                let line = line(*night).against(references[*reference]);
                if *is_contaminated { line.contaminated() } else { line }
            })
            .collect();
        lines.sort_by_key(|line| line.time);
        let mut expected: Vec<i32> = lines.iter().filter(|line| !line.is_contaminated).map(Line::night).collect();
        expected.dedup();
        let kept = Kept { lines, breaches: Vec::new() };
        let found: Vec<i32> = series(&kept)
            .iter()
            .flat_map(|series| &series.segments)
            .flat_map(|segment| segment.points.iter().map(|point| point.night))
            .collect();
        prop_assert_eq!(found, expected);
    }
}

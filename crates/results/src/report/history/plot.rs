//! A series as lines of text: readable at 80 columns and without colour, on paper and in a log.
//!
//! ```text
//! +2.1 % |                         1   o|o|    o  a night, or the median of those that share a column
//!        |                         1---|o|-    |  its 95 % interval
//!  0.0 % |-|o|o-o|o---o|-|o|-o|o-|o:           -  the level between two findings
//!        +----------------------------------    1  the first night of the finding of that number
//! ```

use crate::history::judged::{CaseHistory, Level};
use crate::history::series::Point;
use crate::stats::quantile;

/// Columns of the whole plot.
pub const WIDTH: usize = 80;

/// Columns before the plot's own.
const MARGIN: usize = 10;

/// Lines of the plot's own.
const HEIGHT: usize = 15;

/// The share of the points' intervals that the plot has room for; the others end at its edge.
const SHOWN: f64 = 0.98;

/// Draws all segments of a case one after the other; no lines if it has no point.
pub fn lines(case: &CaseHistory) -> Vec<String> {
    let segments = || case.series.segments.iter();
    let nights = || {
        segments()
            .flat_map(|segment| &segment.points)
            .map(|point| point.night)
    };
    let (Some(first), Some(last)) = (nights().min(), nights().max()) else {
        return Vec::new();
    };
    let scale = Scale::of(case, first, last);
    let mut canvas = vec![vec![' '; scale.n_columns]; HEIGHT];
    for level in case.levels() {
        let points = &case.series.segments[level.segment].points;
        scale.draw_level(&mut canvas, &level, points);
    }
    for (number, finding) in (1..).zip(&case.findings) {
        let points = &case.series.segments[finding.segment].points;
        scale.draw_finding(&mut canvas, number, points[finding.change.first].night);
    }
    for segment in segments() {
        scale.draw_points(&mut canvas, &segment.points);
    }
    let mut lines: Vec<String> = (0..HEIGHT)
        .map(|row| {
            let cells: String = canvas[row].iter().collect();
            format!("{:>8} |{cells}", scale.label(row))
                .trim_end()
                .to_owned()
        })
        .collect();
    lines.push(format!("{:>9}+{}", "", "-".repeat(scale.n_columns)));
    lines.push(dates(case, scale.n_columns));
    lines
}

/// The number of a finding as one character; beyond nine they share one.
pub(super) fn mark(number: usize) -> char {
    let digit = u32::try_from(number)
        .ok()
        .and_then(|number| char::from_digit(number, 10));
    digit.unwrap_or('+')
}

/// The first date under the left edge, the last under the right.
fn dates(case: &CaseHistory, n_columns: usize) -> String {
    let points = || {
        case.series
            .segments
            .iter()
            .flat_map(|segment| &segment.points)
    };
    let date =
        |point: Option<&Point>| point.map_or(String::new(), |point| point.date().to_string());
    let (first, last) = (date(points().next()), date(points().last()));
    let gap = n_columns.saturating_sub(first.len());
    if first == last || gap <= last.len() {
        return format!("{:>MARGIN$}{first}", "");
    }
    format!("{:>MARGIN$}{first}{last:>gap$}", "")
}

/// What a column and a row stand for.
struct Scale {
    first_night: i32,
    nights_per_column: i32,
    n_columns: usize,
    low: f64,
    high: f64,
}

impl Scale {
    fn of(case: &CaseHistory, first: i32, last: i32) -> Self {
        let most = (WIDTH - MARGIN) as i32;
        let n_nights = last - first + 1;
        let nights_per_column = (n_nights + most - 1) / most;
        let points = || {
            case.series
                .segments
                .iter()
                .flat_map(|segment| &segment.points)
        };
        let lows: Vec<f64> = points().map(|point| point.effect.low).collect();
        let highs: Vec<f64> = points().map(|point| point.effect.high).collect();
        let low = quantile(&lows, 1.0 - SHOWN).unwrap_or(0.0).min(0.0);
        let high = quantile(&highs, SHOWN).unwrap_or(0.0).max(0.0);
        // Room for a flat line.
        let least = case.series.relevance;
        let widen = ((least - (high - low)) / 2.0).max(0.0);
        Self {
            first_night: first,
            nights_per_column,
            n_columns: ((n_nights + nights_per_column - 1) / nights_per_column) as usize,
            low: low - widen,
            high: high + widen,
        }
    }

    fn column(&self, night: i32) -> usize {
        ((night - self.first_night) / self.nights_per_column) as usize
    }

    fn row(&self, value: f64) -> usize {
        let share = (self.high - value) / (self.high - self.low);
        let row = (share * (HEIGHT - 1) as f64).round();
        row.clamp(0.0, (HEIGHT - 1) as f64) as usize
    }

    /// Every fourth row says what it stands for, and so does the last.
    fn label(&self, row: usize) -> String {
        if !row.is_multiple_of(4) && row + 1 != HEIGHT {
            return String::new();
        }
        let step = (self.high - self.low) / (HEIGHT - 1) as f64;
        let value = self.high - step * row as f64;
        let percent = (value.exp_m1() * 100.0 * 10.0).round() / 10.0;
        // Rounding leaves a sign on nothing.
        let percent = if percent == 0.0 { 0.0 } else { percent };
        let sign = if percent > 0.0 { "+" } else { "" };
        format!("{sign}{percent:.1} %")
    }

    fn draw_level(&self, canvas: &mut [Vec<char>], level: &Level, points: &[Point]) {
        let (first, last) = (points[level.first].night, points[level.last].night);
        let span = f64::from((last - first).max(1));
        for night in first..=last {
            let share = f64::from(night - first) / span;
            let value = level.from + (level.to - level.from) * share;
            canvas[self.row(value)][self.column(night)] = '-';
        }
    }

    fn draw_finding(&self, canvas: &mut [Vec<char>], number: usize, night: i32) {
        let column = self.column(night);
        for row in canvas.iter_mut() {
            row[column] = ':';
        }
        canvas[0][column] = mark(number);
    }

    fn draw_points(&self, canvas: &mut [Vec<char>], points: &[Point]) {
        let same_column =
            |left: &Point, right: &Point| self.column(left.night) == self.column(right.night);
        for points in points.chunk_by(same_column) {
            let column = self.column(points[0].night);
            let median = |of: fn(&Point) -> f64| {
                let values: Vec<f64> = points.iter().map(of).collect();
                quantile(&values, 0.5).unwrap_or(0.0)
            };
            let low = self.row(median(|point| point.effect.low));
            let high = self.row(median(|point| point.effect.high));
            for row in canvas.iter_mut().take(low + 1).skip(high) {
                row[column] = '|';
            }
            canvas[self.row(median(|point| point.effect.log_ratio))][column] = 'o';
        }
    }
}

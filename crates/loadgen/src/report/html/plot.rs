//! Axes, and where a value stands between them.

use std::fmt::Write as _;

/// A picture with two axes, each from one number to another.
#[derive(Debug)]
pub(super) struct Plot {
    width: f64,
    height: f64,
    x_from: f64,
    x_to: f64,
    y_from: f64,
    y_to: f64,
    body: String,
}

/// Room for the labels: left, right, above, below.
const MARGIN: [f64; 4] = [56.0, 14.0, 12.0, 36.0];

/// Marks on an axis, about.
const MARKS: f64 = 5.0;

impl Plot {
    pub(super) fn new(width: f64, height: f64, x: (f64, f64), y: (f64, f64)) -> Self {
        Self {
            width,
            height,
            x_from: x.0,
            x_to: if x.1 > x.0 { x.1 } else { x.0 + 1.0 },
            y_from: y.0,
            y_to: y.0 + if y.1 > y.0 { (y.1 - y.0) * 1.08 } else { 1.0 },
            body: String::new(),
        }
    }

    pub(super) fn x(&self, value: f64) -> f64 {
        let room = self.width - MARGIN[0] - MARGIN[1];
        MARGIN[0] + room * (value - self.x_from) / (self.x_to - self.x_from)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        let room = self.height - MARGIN[2] - MARGIN[3];
        let part = (value - self.y_from) / (self.y_to - self.y_from);
        MARGIN[2] + room * (1.0 - part.clamp(0.0, 1.0))
    }

    /// A line through points; where one is missing, it has a gap.
    pub(super) fn line(
        &mut self,
        points: impl IntoIterator<Item = (f64, Option<f64>)>,
        colour: &str,
    ) {
        let mut path = String::new();
        let mut pen = 'M';
        for (x, y) in points {
            let Some(y) = y else {
                pen = 'M';
                continue;
            };
            let _ = write!(path, "{pen}{:.1} {:.1} ", self.x(x), self.y(y));
            pen = 'L';
        }
        let _ = writeln!(
            self.body,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        );
    }

    /// What lies between two lines, each point with its place, its low and its high.
    pub(super) fn band(&mut self, points: &[(f64, [f64; 2])], colour: &str) {
        let low = points.iter().map(|(x, [low, _])| (x, low));
        let high = points.iter().rev().map(|(x, [_, high])| (x, high));
        let mut outline = String::new();
        for (x, y) in low.chain(high) {
            let _ = write!(outline, "{:.1},{:.1} ", self.x(*x), self.y(*y));
        }
        let _ = writeln!(
            self.body,
            "<polygon points=\"{outline}\" fill=\"{colour}\" stroke=\"{colour}\"/>"
        );
    }

    pub(super) fn dot(&mut self, (x, y): (f64, f64), colour: &str, what: &str) {
        let _ = writeln!(
            self.body,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4.5\" fill=\"{colour}\"><title>{what}</title></circle>",
            self.x(x),
            self.y(y)
        );
    }

    pub(super) fn bar(&mut self, (from, to): (f64, f64), value: f64, colour: &str) {
        let (left, top) = (self.x(from), self.y(value));
        let _ = writeln!(
            self.body,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>",
            (self.x(to) - left - 1.0).max(0.5),
            self.y(self.y_from) - top
        );
    }

    /// A name at the right end of the picture, one below the other.
    pub(super) fn key(&mut self, index: usize, name: &str, colour: &str) {
        let _ = writeln!(
            self.body,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" style=\"fill:{colour}\">{name}</text>",
            self.width - MARGIN[1],
            MARGIN[2] + 14.0 * (index + 1) as f64
        );
    }

    /// The picture, with the names of its axes.
    pub(super) fn svg(self, x_name: &str, y_name: &str) -> String {
        let mut svg = format!(
            "<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\">\n",
            self.width, self.height
        );
        let (left, right) = (MARGIN[0], self.width - MARGIN[1]);
        for mark in marks(self.y_from, self.y_to) {
            let y = self.y(mark);
            let _ = writeln!(
                svg,
                "<path d=\"M{left} {y:.1}H{right}\" stroke=\"#e3e8ec\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 6.0,
                y + 4.0,
                short(mark)
            );
        }
        let bottom = self.y(self.y_from);
        for mark in marks(self.x_from, self.x_to) {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                self.x(mark),
                bottom + 15.0,
                short(mark)
            );
        }
        svg += &self.body;
        let _ = writeln!(
            svg,
            "<path d=\"M{left} {bottom:.1}H{right}\" stroke=\"#4a5a68\"/>\n\
             <text x=\"{right}\" y=\"{:.1}\" text-anchor=\"end\">{x_name}</text>\n\
             <text x=\"{:.1}\" y=\"{:.1}\">{y_name}</text></svg>",
            bottom + 31.0,
            left + 6.0,
            MARGIN[2] + 10.0
        );
        svg
    }
}

/// Round numbers between two ends.
fn marks(from: f64, to: f64) -> Vec<f64> {
    let rough = (to - from) / MARKS;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let step = step
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(10.0 * power);
    let first = (from / step).ceil() as i64;
    (first..)
        .map(|index| index as f64 * step)
        .take_while(|mark| *mark <= to)
        .collect()
}

fn short(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_within() {
        assert_eq!(marks(0.0, 108.0), [0.0, 50.0, 100.0]);
        assert_eq!(marks(3.0, 11.0), [4.0, 6.0, 8.0, 10.0]);
        assert_eq!(short(0.25), "0.25");
        assert_eq!(short(40.0), "40");
    }

    #[test]
    fn a_gap_in_a_line_is_no_line() {
        let mut plot = Plot::new(100.0, 100.0, (0.0, 2.0), (0.0, 1.0));
        plot.line([(0.0, Some(1.0)), (1.0, None), (2.0, Some(1.0))], "red");
        assert_eq!(plot.svg("x", "y").matches('L').count(), 0);
    }
}

//! Sparklines: how cases went over time.

use std::fmt::Write as _;

use super::super::markup::{breakable, escaped};
use super::super::model::History;
use super::super::words;

const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 36.0;

/// Pixels above and below, so that no line is cut.
const MARGIN: f64 = 4.0;

pub(super) fn write(page: &mut String, histories: &[History]) {
    if histories.is_empty() {
        return;
    }
    page.push_str(
        "<section>\n<h2>History</h2>\n<table class=\"history\"><thead><tr><th>case</th><th class=\"plot\">oldest to \
         newest</th><th class=\"number\">over all</th><th class=\"number\">points</th></tr></thead>\n<tbody>\n",
    );
    for history in histories {
        let finite = history.values.iter().filter(|value| value.is_finite());
        let values: Vec<f64> = finite.copied().collect();
        let moved = match (values.first(), values.last()) {
            (Some(first), Some(last)) if *first > 0.0 => {
                format!("{} %", words::percent(last / first))
            }
            _ => String::new(),
        };
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}<br/><small>{}</small></th><td class=\"plot\">{}</td><td class=\"number\">{moved}\
             </td><td class=\"number\">{}</td></tr>",
            breakable(&history.id),
            escaped(&history.what),
            sparkline(&history.values, &history.change_points),
            history.values.len()
        );
    }
    page.push_str("</tbody></table>\n</section>\n");
}

/// One line, a dot at its end, and a bar where a new level begins. What is no number leaves a gap.
fn sparkline(values: &[f64], change_points: &[usize]) -> String {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    let step = WIDTH / values.len().saturating_sub(1).max(1) as f64;
    let x = |index: usize| index as f64 * step;
    let span = high - low;
    let y = |value: f64| {
        let share = if span > 0.0 {
            (value - low) / span
        } else {
            0.5
        };
        HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN)
    };

    let mut svg = format!(
        "<svg class=\"sparkline\" viewBox=\"-4 0 {} {HEIGHT}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
        WIDTH + 8.0
    );
    for index in change_points.iter().filter(|index| **index < values.len()) {
        let x = x(*index) - step / 2.0;
        let _ = write!(svg, "<path class=\"step\" d=\"M{x:.1} 0V{HEIGHT}\"/>");
    }
    let mut path = String::new();
    let mut is_drawing = false;
    for (index, value) in values.iter().enumerate() {
        if value.is_finite() {
            let command = if is_drawing { 'L' } else { 'M' };
            let _ = write!(path, "{command}{:.1} {:.1}", x(index), y(*value));
        }
        is_drawing = value.is_finite();
    }
    if !path.is_empty() {
        let _ = write!(svg, "<path class=\"series\" d=\"{path}\"/>");
    }
    if let Some((index, value)) = values
        .iter()
        .enumerate()
        .rfind(|(_, value)| value.is_finite())
    {
        let (x, y) = (x(index), y(*value));
        // A line of no length with round ends is a dot, however the picture is stretched.
        let _ = write!(svg, "<path class=\"last\" d=\"M{x:.1} {y:.1}h0.01\"/>");
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::sparkline;

    #[test]
    fn a_row_of_any_kind_is_drawn_inside_its_box() {
        for values in [
            vec![],
            vec![1.0],
            vec![2.0, 2.0, 2.0],
            vec![1.0, f64::NAN, 3.0, f64::INFINITY, 2.0],
        ] {
            let svg = sparkline(&values, &[1, 99]);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            roxmltree::Document::parse(&svg).expect("well formed");
        }
    }

    #[test]
    fn a_change_point_stands_between_the_levels() {
        let svg = sparkline(&[1.0, 1.0, 2.0, 2.0], &[2]);
        assert!(svg.contains("class=\"step\" d=\"M120.0 0V36\""), "{svg}");
    }
}

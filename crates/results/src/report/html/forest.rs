//! The forest plot: every case with its interval, by suite, what matters first.

use std::fmt::Write as _;

use super::super::markup::{breakable, escaped};
use super::super::model::{Case, Change, Kind, Report};
use super::super::{table, words};
use super::axis::{Axis, Place};
use super::{badge, class};
use crate::record::Unit;
use crate::verdict::Verdict;

/// The cases of one suite and one kind of number.
struct Group<'r> {
    suite: &'r str,
    unit: Unit,
    cases: Vec<&'r Case>,
}

pub(super) fn write(page: &mut String, report: &Report) {
    let groups = groups(report);
    if groups.is_empty() {
        return;
    }
    let axis = Axis::of(report.shown());
    let change = match report.kind {
        Kind::Baselines => "Change against the baseline",
        Kind::Pairs => "Change from base to candidate",
    };
    let _ = writeln!(page, "<section>\n<h2>{change}</h2>");
    legend(page, report);
    for group in &groups {
        write_group(page, group, axis, report.kind);
    }
    page.push_str("</section>\n");
}

/// The suites with their most serious case first; so are the cases of each.
fn groups(report: &Report) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for case in report.shown() {
        let is_of = |group: &&mut Group<'_>| group.suite == case.suite() && group.unit == case.unit;
        match groups.iter_mut().find(is_of) {
            Some(group) => group.cases.push(case),
            None => groups.push(Group {
                suite: case.suite(),
                unit: case.unit,
                cases: vec![case],
            }),
        }
    }
    for group in &mut groups {
        group.cases.sort_by(|left, right| {
            let size = |case: &Case| {
                case.change
                    .map_or(0.0, |change| change.ratio.estimate.ln().abs())
            };
            let by_verdict = table::rank(left.verdict).cmp(&table::rank(right.verdict));
            let by_size = size(right).total_cmp(&size(left));
            by_verdict
                .then(by_size)
                .then_with(|| left.id.cmp(&right.id))
        });
    }
    groups.sort_by_key(|group| {
        let worst = group
            .cases
            .iter()
            .map(|case| table::rank(case.verdict))
            .min();
        (worst, group.suite, group.unit)
    });
    groups
}

fn legend(page: &mut String, report: &Report) {
    let cpu = match report.kind {
        Kind::Baselines => "",
        Kind::Pairs => {
            "<li><svg width=\"34\" height=\"14\"><path class=\"cpu\" d=\"M2 7H32\"/>\
             <rect class=\"cpu\" x=\"15\" y=\"5\" width=\"4\" height=\"4\"/></svg> CPU time</li>"
        }
    };
    let _ = writeln!(
        page,
        "<ul class=\"legend\">\
         <li><svg class=\"quiet\" width=\"34\" height=\"14\"><path class=\"interval\" d=\"M2 7H32\"/>\
         <circle class=\"mark\" cx=\"17\" cy=\"7\" r=\"4\"/></svg> estimate with its {} % interval</li>{cpu}\
         <li><svg width=\"34\" height=\"14\"><rect class=\"band\" width=\"34\" height=\"14\"/></svg> too small to \
         matter</li><li>left is faster, right is slower</li></ul>",
        report.method.confidence * 100.0
    );
}

fn write_group(page: &mut String, group: &Group<'_>, axis: Axis, kind: Kind) {
    let now = group.unit.as_str();
    let before = match kind {
        Kind::Baselines => "baseline",
        Kind::Pairs => "base",
    };
    let n_cases = group.cases.len();
    let _ = writeln!(
        page,
        "<table class=\"forest\">\n<caption>{} <small>{n_cases}</small></caption>\n<thead><tr><th>case</th>\
         <th class=\"plot\">{}</th><th class=\"number\">change</th><th class=\"interval\">95 %</th>\
         <th class=\"number\">{now}</th><th class=\"number before\">{before}</th><th>verdict</th></tr></thead>\n<tbody>",
        escaped(group.suite),
        axis_labels(axis)
    );
    for case in &group.cases {
        write_case(page, case, axis);
    }
    page.push_str("</tbody>\n</table>\n");
}

fn write_case(page: &mut String, case: &Case, axis: Axis) {
    let class = class(case.verdict);
    let (estimate, interval) = match case.change {
        Some(change) => words::delta_parts(change.ratio),
        None => (String::new(), String::new()),
    };
    let quantity = |value| words::or_none(value, |value| words::quantity(value, case.unit));
    let _ = writeln!(
        page,
        "<tr class=\"{class}\"><th scope=\"row\">{}</th><td class=\"plot\">{}</td><td class=\"number change\">{estimate}\
         </td><td class=\"interval\">{interval}</td><td class=\"number\">{}</td><td class=\"number before\">{}</td>\
         <td>{}</td></tr>",
        breakable(case.key()),
        plot(case, axis),
        quantity(case.now),
        quantity(case.before),
        badge(class, case.verdict.as_str())
    );
    let details = details(case);
    if !details.is_empty() {
        let _ = writeln!(
            page,
            "<tr class=\"remark\"><td colspan=\"7\">{}</td></tr>",
            escaped(&details.join("; "))
        );
    }
}

/// What stands below a case: its remarks, and the numbers that a verdict stands on.
fn details(case: &Case) -> Vec<String> {
    let p = case.change.and_then(|change| change.p_corrected);
    let standing = match (case.n_rounds, p) {
        (Some(n_rounds), Some(p)) if !case.remarks.is_empty() => {
            Some(format!("{n_rounds} rounds, p {}", words::p_value(p)))
        }
        _ => None,
    };
    standing.into_iter().chain(case.remarks.clone()).collect()
}

fn axis_labels(axis: Axis) -> String {
    let mut svg =
        String::from("<svg class=\"axis\" width=\"100%\" height=\"16\" aria-hidden=\"true\">");
    for line in axis.lines {
        let _ = write!(
            svg,
            "<text x=\"{:.2}%\" y=\"12\">{}</text>",
            axis.held(*line),
            axis_label(*line)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// `+10 %`, with a place after the point only where the line needs it.
fn axis_label(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    let tenths = (percent * 10.0).round() / 10.0;
    match tenths {
        0.0 => "0 %".to_owned(),
        _ => format!("{tenths:+} %"),
    }
}

fn plot(case: &Case, axis: Axis) -> String {
    let Some(change) = case.change else {
        return String::new();
    };
    let label = words::delta(change.ratio);
    let mut svg = format!(
        "<svg width=\"100%\" height=\"26\" role=\"img\" aria-label=\"{}\">",
        escaped(&label)
    );
    if let Some(relevance) = case.relevance {
        let (left, right) = (
            axis.held(1.0 / (1.0 + relevance)),
            axis.held(1.0 + relevance),
        );
        let _ = write!(
            svg,
            "<rect class=\"band\" x=\"{left:.2}%\" width=\"{:.2}%\" height=\"26\"/>",
            right - left
        );
    }
    for line in axis.lines {
        let class = if *line == 1.0 { "zero" } else { "line" };
        let x = axis.held(*line);
        let _ = write!(
            svg,
            "<line class=\"{class}\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"0\" y2=\"26\"/>"
        );
    }
    floor(&mut svg, case, &change, axis);
    let middle = if case.cpu.is_some() { 10.0 } else { 13.0 };
    interval(&mut svg, "interval", change, axis, middle);
    marker(&mut svg, case.verdict, change, axis, middle);
    if let Some(cpu) = case.cpu {
        interval(&mut svg, "cpu", cpu, axis, 20.0);
        if let Place::At(x) = axis.place(cpu.ratio.estimate) {
            let _ = write!(
                svg,
                "<svg x=\"{x:.2}%\" y=\"20\" overflow=\"visible\"><rect class=\"cpu\" x=\"-2\" y=\"-2\" width=\"4\" \
                 height=\"4\"/></svg>"
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

/// Where equal programs were seen to differ by more than what matters.
fn floor(svg: &mut String, case: &Case, change: &Change, axis: Axis) {
    let (Some(floor), Some(relevance)) = (change.floor, case.relevance) else {
        return;
    };
    // Both have been through a logarithm and back.
    if floor <= relevance * 1.001 {
        return;
    }
    for ratio in [1.0 / (1.0 + floor), 1.0 + floor] {
        let x = axis.held(ratio);
        let _ = write!(
            svg,
            "<line class=\"floor\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"0\" y2=\"26\"/>"
        );
    }
}

/// The interval, with an arrow at an end of the axis that it goes beyond.
fn interval(svg: &mut String, class: &str, change: Change, axis: Axis, y: f64) {
    let (low, high) = (change.ratio.low, change.ratio.high);
    let _ = write!(
        svg,
        "<line class=\"{class}\" x1=\"{:.2}%\" x2=\"{:.2}%\" y1=\"{y}\" y2=\"{y}\"/>",
        axis.held(low),
        axis.held(high)
    );
    if axis.place(low) == Place::Below {
        arrow(svg, class, 0.0, y, "M5 -4L0 0L5 4");
    }
    if axis.place(high) == Place::Above {
        arrow(svg, class, 100.0, y, "M-5 -4L0 0L-5 4");
    }
}

fn arrow(svg: &mut String, class: &str, x: f64, y: f64, path: &str) {
    let _ = write!(
        svg,
        "<svg x=\"{x}%\" y=\"{y}\" overflow=\"visible\"><path class=\"{class} arrow\" d=\"{path}\"/></svg>"
    );
}

/// A shape for each verdict, so that none is told by its colour alone.
fn marker(svg: &mut String, verdict: Verdict, change: Change, axis: Axis, y: f64) {
    let Place::At(x) = axis.place(change.ratio.estimate) else {
        return;
    };
    let shape = match verdict {
        Verdict::Regressed => "<path class=\"mark\" d=\"M-4 -5.5L6 0L-4 5.5Z\"/>",
        Verdict::Improved => "<path class=\"mark\" d=\"M4 -5.5L-6 0L4 5.5Z\"/>",
        Verdict::Unchanged => "<circle class=\"mark\" r=\"4\"/>",
        _ => "<circle class=\"mark hollow\" r=\"4\"/>",
    };
    let _ = write!(
        svg,
        "<svg x=\"{x:.2}%\" y=\"{y}\" overflow=\"visible\">{shape}</svg>"
    );
}

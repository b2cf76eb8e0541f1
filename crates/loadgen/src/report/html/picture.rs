//! The pictures of the page.

use std::fmt::Write as _;

use super::plot::Plot;
use crate::capacity::record::CapacityRecord;
use crate::capacity::{Purpose, Unit};
use crate::health::Verdict;
use crate::report::markup::escaped;
use crate::report::model::LoadRecord;
use crate::report::model::bar::Bar;
use crate::report::model::over_time::WindowRow;
use crate::report::words;
use crate::slo::judge::Standing;
use crate::usl::Coefficients;

pub(super) const GREEN: &str = "#1a7f4b";
pub(super) const RED: &str = "#b3261e";
const AMBER: &str = "#c98a00";
pub(super) const BLUE: &str = "#1f5fa8";
pub(super) const PALE: &str = "#9bb7d4";

/// Room for what is said of an end of the bracket.
const LABEL: f64 = 220.0;

/// The load line, as on a ship's side: water up to the highest pass, a band of doubt, and what fails above.
pub(super) fn load_line(capacity: &CapacityRecord) -> String {
    let (width, height, left, right) = (1000.0, 150.0, 20.0, 980.0);
    let probes = || {
        capacity
            .probes
            .iter()
            .filter(|row| row.purpose != Purpose::Ladder)
    };
    let most = probes().map(|row| row.load).fold(0.0, f64::max);
    let most = 1.1 * most.max(capacity.first_fail.unwrap_or(0.0)).max(1.0);
    let x = |load: f64| left + (right - left) * load / most;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n"
    );
    let mut band = |from: f64, to: f64, colour: &str| {
        let _ = writeln!(
            svg,
            "<rect x=\"{:.1}\" y=\"58\" width=\"{:.1}\" height=\"26\" fill=\"{colour}\"/>",
            x(from),
            x(to) - x(from)
        );
    };
    let pass = capacity.highest_pass.unwrap_or(0.0);
    let fail = capacity.first_fail.unwrap_or(most);
    band(0.0, pass, "#cfe8da");
    band(pass, fail, "#f4e3bd");
    band(fail, most, "#f3cfcb");
    for row in probes() {
        let colour = colour(row.standing);
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"71\" r=\"4\" fill=\"{colour}\" fill-opacity=\"0.75\"><title>{} {:.2}: {}</title></circle>",
            x(row.load),
            row.purpose,
            row.load,
            row.standing
        );
    }
    // Each stands on the outer side of its mark, unless the picture ends there.
    let mut mark = |load: Option<f64>, what: &str, y: f64, anchor: &str, colour: &str| {
        let Some(load) = load else { return };
        let (at, text) = (x(load), y - 6.0);
        let (anchor, shift) = match anchor {
            "end" if at > left + LABEL => ("end", at - 6.0),
            "start" if at > right - LABEL => ("end", at - 6.0),
            _ => ("start", at + 6.0),
        };
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {text:.1}V96\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{shift:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" style=\"fill:{colour};font-size:14px\">{what} {load:.2} {}</text>",
            y + 4.0,
            capacity.axis.unit()
        );
    };
    mark(capacity.highest_pass, "carries", 24.0, "end", GREEN);
    mark(capacity.first_fail, "fails at", 44.0, "start", RED);
    let binding = escaped(&capacity.binding.join("; "));
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"112\">0</text><text x=\"{right}\" y=\"112\" text-anchor=\"end\">{most:.0} {}</text>\
         <text x=\"{left}\" y=\"138\" style=\"font-size:14px\">{}</text></svg>",
        capacity.axis.unit(),
        if binding.is_empty() {
            "no promise was broken".to_owned()
        } else {
            format!("binding: {binding}")
        }
    );
    svg
}

/// One quantile of a window, in nanoseconds.
type Quantile = fn(&WindowRow) -> Option<u64>;

/// Quantiles of the response time, window by window.
pub(super) fn latency(record: &LoadRecord) -> String {
    let ms = |nanoseconds: Option<u64>| nanoseconds.map(|nanoseconds| nanoseconds as f64 / 1e6);
    let seconds = |nanoseconds: u64| nanoseconds as f64 / 1e9;
    let most = record
        .windows
        .iter()
        .filter_map(|window| ms(window.p99_ns))
        .fold(0.0, f64::max);
    let end = record
        .windows
        .last()
        .map_or(1.0, |window| seconds(window.begin_ns + window.width_ns));
    let mut plot = Plot::new(500.0, 240.0, (0.0, end), (0.0, most));
    let lines: [(&str, &str, Quantile); 3] = [
        ("p99", RED, |window| window.p99_ns),
        ("p95", AMBER, |window| window.p95_ns),
        ("p50", BLUE, |window| window.p50_ns),
    ];
    for (index, (name, colour, of)) in lines.into_iter().enumerate() {
        let points = record.windows.iter().map(|window| {
            let middle = seconds(window.begin_ns + window.width_ns / 2);
            (middle, ms(of(window)))
        });
        plot.line(points.collect::<Vec<_>>(), colour);
        plot.key(index, name, colour);
    }
    plot.svg("s since the begin", "ms")
}

/// How many answers took how long.
pub(super) fn histogram(bars: &[Bar]) -> String {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else {
        return "<p>No answer came.</p>".to_owned();
    };
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0) as f64;
    let ms = |nanoseconds: u64| nanoseconds as f64 / 1e6;
    let mut plot = Plot::new(
        500.0,
        240.0,
        (ms(first.from_ns), ms(last.to_ns)),
        (0.0, most),
    );
    for bar in bars {
        plot.bar((ms(bar.from_ns), ms(bar.to_ns)), bar.count as f64, BLUE);
    }
    plot.svg("ms, the last bar holds all beyond", "answers")
}

/// One cell per window of the generator: green, amber or red, and grey what the hypervisor took.
pub(super) fn health(record: &LoadRecord) -> String {
    let windows = &record.health.windows;
    let (width, cell) = (1000.0, 980.0 / windows.len().max(1) as f64);
    let mut svg =
        format!("<svg viewBox=\"0 0 {width} 24\" width=\"{width}\" height=\"24\" role=\"img\">\n");
    for (index, window) in windows.iter().enumerate() {
        let colour = match window.verdict {
            Verdict::Valid => "#8fcaa9",
            Verdict::Suspect => "#f0cf85",
            Verdict::Stolen => "#b9b4c7",
            Verdict::Invalid => "#e08a82",
        };
        let _ = writeln!(
            svg,
            "<rect x=\"{:.1}\" y=\"2\" width=\"{:.2}\" height=\"20\" fill=\"{colour}\"><title>{} {}</title></rect>",
            10.0 + cell * index as f64,
            (cell - 0.5).max(0.3),
            window.verdict.words(),
            words::reasons(&window.reasons)
        );
    }
    svg + "</svg>"
}

/// The rungs, and the law through them.
pub(super) fn usl(capacity: &CapacityRecord) -> String {
    let rungs: Vec<_> = capacity
        .probes
        .iter()
        .filter(|row| row.unit == Unit::Users)
        .collect();
    let most = rungs.iter().map(|row| row.throughput).fold(0.0, f64::max);
    let users = rungs.iter().map(|row| row.load).fold(1.0, f64::max);
    let mut plot = Plot::new(700.0, 260.0, (0.0, 1.05 * users), (0.0, most));
    // No further than it was measured: beyond that it is no finding.
    if let Some(usl) = &capacity.usl {
        let law = Coefficients {
            lambda: usl.lambda[0],
            sigma: usl.sigma[0],
            kappa: usl.kappa[0],
        };
        let steps = (0..=100).map(|step| 1.0 + (usl.measured_to - 1.0) * f64::from(step) / 100.0);
        let curve: Vec<_> = steps
            .map(|users| (users, Some(law.throughput(users))))
            .collect();
        plot.line(curve, PALE);
    }
    for row in &rungs {
        let what = format!("{:.0} users: {:.2}/s", row.load, row.throughput);
        plot.dot((row.load, row.throughput), BLUE, &what);
    }
    let svg = plot.svg("users", "answers per second");
    match capacity.usl {
        None => svg + "<p>Too few rungs obey Little's law for a fit.</p>",
        Some(usl) => {
            let [lambda, sigma, kappa] = [usl.lambda, usl.sigma, usl.kappa]
                .map(|[best, low, high]| format!("{best:.4} ({low:.4} to {high:.4})"));
            svg + &format!(
                "<p>Universal Scalability Law: λ {lambda} per second, σ {sigma}, κ {kappa}; 95 % intervals, measured to {} users.</p>",
                usl.measured_to
            )
        }
    }
}

fn colour(standing: Standing) -> &'static str {
    match standing {
        Standing::Met => GREEN,
        Standing::Missed => RED,
        Standing::Inconclusive => AMBER,
        Standing::Invalid => "#7a8894",
    }
}

//! One HTML page that needs nothing beside it: no network, no script of its own, light and dark, on paper too.
//!
//! It is well-formed XML as well, so that its tests can read it strictly. Everything that comes from a report is
//! escaped; flamegraphs have scripts, so each is shut into a frame that shares nothing with the page.

use std::fmt::Write as _;

use super::markup::{breakable, escaped};
use super::model::{About, NotJudged, Reason, Report};
use super::{method, words};
use crate::comparison::Outcome;
use crate::verdict::{Promise, Verdict};

mod axis;
mod forest;
mod history;

/// All styles; colours are told apart by every common kind of colour blindness, and shapes say the same again.
const STYLE: &str = include_str!("html/style.css");

/// Nothing may be loaded from anywhere; flamegraphs run their own scripts inside their frames.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// Height in pixels of a flamegraph that does not say its own.
const USUAL_HEIGHT: u32 = 600;

/// A flamegraph to show inside the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flamegraph {
    /// The case, or whatever else tells it from others.
    pub title: String,
    /// The whole SVG.
    pub svg: String,
}

/// Renders a report.
pub fn render(report: &Report, flamegraphs: &[Flamegraph]) -> String {
    let mut page = String::new();
    let title = format!("{}: {}", words::title(report), words::headline(report));
    let _ = writeln!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"/>\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>",
        escaped(&title)
    );
    head(&mut page, report);
    notes(&mut page, report);
    causes(&mut page, report);
    forest::write(&mut page, report);
    promises(&mut page, report);
    history::write(&mut page, &report.histories);
    census(&mut page, report);
    self::flamegraphs(&mut page, flamegraphs);
    how(&mut page, report);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// The circle with the line through it that ships carry.
const MARK: &str = "<svg class=\"mark\" viewBox=\"0 0 32 20\" aria-hidden=\"true\">\
    <circle cx=\"16\" cy=\"10\" r=\"7\"/><path d=\"M2 10H30\"/></svg>";

fn head(page: &mut String, report: &Report) {
    let tone = match report.outcome {
        Outcome::Fine => "unchanged",
        Outcome::Regressed => "regressed",
        Outcome::CouldNotTell => "inconclusive",
    };
    let _ = writeln!(
        page,
        "<header class=\"{tone}\">\n<p class=\"brand\">{MARK} {}</p>\n<h1>{}</h1>\n<p class=\"sides\">{}</p>\n\
         <ul class=\"counts\">",
        words::title(report),
        escaped(&words::headline(report)),
        escaped(&words::sides(report)),
    );
    for verdict in words::VERDICTS {
        let count = report.count_of(verdict);
        if count > 0 {
            count_of(page, class(verdict), count, verdict.as_str());
        }
    }
    for promise in [Promise::Missed, Promise::Inconclusive, Promise::Met] {
        let count = report.promises_of(promise);
        if count > 0 {
            let word = format!("promises {promise}");
            count_of(page, promise_class(promise), count, &word);
        }
    }
    page.push_str("</ul>\n</header>\n");
}

fn count_of(page: &mut String, class: &str, count: usize, word: &str) {
    let word = word.to_lowercase();
    let _ = writeln!(
        page,
        "<li class=\"{class}\"><b>{count}</b> <span>{word}</span></li>"
    );
}

fn notes(page: &mut String, report: &Report) {
    if report.notes.is_empty() {
        return;
    }
    page.push_str("<ul class=\"notes\">\n");
    for note in &report.notes {
        let is_alarm = matches!(
            note.about,
            About::Contaminated | About::Unfinished | About::Interrupted
        );
        let class = if is_alarm { " class=\"alarm\"" } else { "" };
        let _ = writeln!(page, "<li{class}>{}</li>", escaped(&note.text));
    }
    page.push_str("</ul>\n");
}

fn causes(page: &mut String, report: &Report) {
    if report.causes.is_empty() {
        return;
    }
    page.push_str("<section>\n<h2>Causes</h2>\n<ul class=\"causes\">\n");
    for cause in &report.causes {
        let cases: Vec<String> = cause.cases.iter().map(|case| escaped(case)).collect();
        let _ = writeln!(
            page,
            "<li><code>{}</code> {}<br/><small>{}</small></li>",
            escaped(&cause.function),
            escaped(&cause.evidence),
            cases.join(", ")
        );
    }
    page.push_str("</ul>\n</section>\n");
}

fn promises(page: &mut String, report: &Report) {
    if report.promises.is_empty() {
        return;
    }
    page.push_str(
        "<section>\n<h2>Promises and figures</h2>\n<div class=\"wide\"><table class=\"plain\">\n<thead><tr>\
         <th>figure or ratio</th><th class=\"number\">value [95 %]</th><th class=\"number\">promise</th>\
         <th>verdict</th></tr></thead>\n<tbody>\n",
    );
    let mut rows: Vec<_> = report.promises.iter().collect();
    rows.sort_by_key(|row| (row.promise, &row.suite, &row.name));
    for row in rows {
        let class = promise_class(row.promise);
        let _ = writeln!(
            page,
            "<tr class=\"{class}\"><td><b>{}/{}</b><br/><small>{}</small></td><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td><td>{}</td></tr>",
            breakable(&row.suite),
            breakable(&row.name),
            escaped(&row.text),
            escaped(&words::promised_value(row)),
            words::bound(row.bound),
            badge(class, row.promise.as_str()),
        );
    }
    page.push_str("</tbody></table></div>\n</section>\n");
}

/// What was not judged, by the reason.
fn census(page: &mut String, report: &Report) {
    if report.not_judged.is_empty() {
        return;
    }
    let n_entries = report.not_judged.len();
    let _ = writeln!(
        page,
        "<section>\n<h2>Not judged <small>{n_entries}, and why</small></h2>"
    );
    let (not_run, tried): (Vec<&NotJudged>, Vec<&NotJudged>) = report
        .not_judged
        .iter()
        .partition(|entry| entry.reason == Reason::NotRun);
    entries(page, &tried);
    if !not_run.is_empty() {
        let n_not_run = not_run.len();
        let _ = writeln!(
            page,
            "<details><summary>{n_not_run} not run this time</summary>"
        );
        entries(page, &not_run);
        page.push_str("</details>\n");
    }
    page.push_str("</section>\n");
}

fn entries(page: &mut String, entries: &[&NotJudged]) {
    if entries.is_empty() {
        return;
    }
    page.push_str("<div class=\"wide\"><table class=\"plain\"><tbody>\n");
    for entry in entries {
        let _ = writeln!(
            page,
            "<tr><td><b>{}</b></td><td>{}</td></tr>",
            breakable(&entry.name),
            escaped(&entry.why)
        );
    }
    page.push_str("</tbody></table></div>\n");
}

fn flamegraphs(page: &mut String, flamegraphs: &[Flamegraph]) {
    if flamegraphs.is_empty() {
        return;
    }
    page.push_str("<section>\n<h2>Where the time goes</h2>\n");
    for flamegraph in flamegraphs {
        let title = escaped(&flamegraph.title);
        let _ = writeln!(
            page,
            "<figure><figcaption>{title}</figcaption><iframe title=\"{title}\" sandbox=\"allow-scripts\" \
             height=\"{}\" srcdoc=\"{}\"></iframe></figure>",
            height(&flamegraph.svg),
            escaped(&in_a_frame(&flamegraph.svg))
        );
    }
    page.push_str("</section>\n");
}

/// The SVG as the body of a page of its own, without what only a file begins with.
fn in_a_frame(svg: &str) -> String {
    let start = svg.find("<svg").unwrap_or(0);
    format!(
        "<style>body{{margin:0;background:#fff}}svg{{display:block;width:100%}}</style>{}",
        &svg[start..]
    )
}

/// The height that an SVG says of itself in its first element.
fn height(svg: &str) -> u32 {
    let said = svg.split_once("<svg").and_then(|(_, rest)| {
        let element = rest.split('>').next()?;
        let value = element.split_once(" height=\"")?.1;
        value.split('"').next()?.parse().ok()
    });
    said.unwrap_or(USUAL_HEIGHT)
}

fn how(page: &mut String, report: &Report) {
    page.push_str("<section class=\"method\">\n<h2>How it was judged, and where</h2>\n<dl>\n");
    for (what, how) in method::rows(report) {
        let _ = writeln!(page, "<dt>{what}</dt><dd>{}</dd>", escaped(&how));
    }
    page.push_str("</dl>\n</section>\n");
}

fn badge(class: &str, word: &str) -> String {
    format!(
        "<span class=\"badge {class}\">{}</span>",
        word.to_lowercase()
    )
}

/// The class that gives a verdict its colour.
fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => "regressed",
        Verdict::Accepted => "inconclusive",
        Verdict::Improved => "improved",
        Verdict::Unchanged => "unchanged",
        Verdict::Inconclusive | Verdict::Missing => "inconclusive",
        Verdict::New | Verdict::NotJudged => "quiet",
    }
}

fn promise_class(promise: Promise) -> &'static str {
    match promise {
        Promise::Missed => "regressed",
        Promise::Inconclusive => "inconclusive",
        Promise::Met => "unchanged",
        Promise::Stated => "quiet",
    }
}

#[cfg(test)]
mod tests;

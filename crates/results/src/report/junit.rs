//! JUnit's XML, as GitLab, Jenkins and GitHub's readers take it: a case is a test.
//!
//! | verdict | test |
//! |---|---|
//! | regressed, promise missed | failure |
//! | panicked, timed out, suite not finished, nothing may be judged | error |
//! | inconclusive, missing, new, not judged | skipped, with the reason |
//! | improved, unchanged, promise met | passed |
//!
//! One more test, [`RUN`], stands for the run itself: a contaminated or empty run is no green one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::markup::escaped;
use super::model::{About, Case, Cause, Reason, Report};
use super::words;
use crate::comparison::PromiseRow;
use crate::record::Unit;
use crate::verdict::{Promise, Verdict};

/// The suite and the name of the test that stands for the run itself.
pub const RUN: (&str, &str) = ("plimsoll", "this run can be believed");

/// Renders a report.
pub fn render(report: &Report) -> String {
    let mut tests_by_suite: BTreeMap<&str, Vec<Test>> = BTreeMap::new();
    tests_by_suite.entry(RUN.0).or_default().push(run(report));
    for case in &report.cases {
        let tests = tests_by_suite.entry(case.suite()).or_default();
        tests.push(of_case(case, report));
    }
    let is_promise = |row: &&PromiseRow| row.promise != Promise::Stated;
    for row in report.promises.iter().filter(is_promise) {
        let tests = tests_by_suite.entry(&row.suite).or_default();
        tests.push(of_promise(row));
    }
    for entry in &report.not_judged {
        if entry.reason == Reason::Unfinished {
            let tests = tests_by_suite.entry(&entry.name).or_default();
            tests.push(Test {
                name: "the suite comes to its end".to_owned(),
                seconds: None,
                result: Ending::Error("unfinished"),
                message: entry.why.clone(),
            });
        }
    }

    let all = || tests_by_suite.values().flatten();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuites name=\"{}\" {}>",
        words::title(report),
        Counts::of(all()).without_skipped()
    );
    for (suite, tests) in &tests_by_suite {
        let counts = Counts::of(tests.iter());
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" {} skipped=\"{}\">",
            escaped(suite),
            counts.without_skipped(),
            counts.skipped
        );
        for test in tests {
            test.write(&mut xml, suite);
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

struct Test {
    name: String,
    seconds: Option<f64>,
    result: Ending,
    message: String,
}

/// How a test ended, with the type that readers group by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Passed,
    Failure(&'static str),
    Error(&'static str),
    Skipped,
}

#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn of<'a>(tests: impl Iterator<Item = &'a Test>) -> Self {
        let mut counts = Self::default();
        for test in tests {
            counts.tests += 1;
            match test.result {
                Ending::Passed => {}
                Ending::Failure(_) => counts.failures += 1,
                Ending::Error(_) => counts.errors += 1,
                Ending::Skipped => counts.skipped += 1,
            }
        }
        counts
    }

    /// The element around all suites has no number of skipped tests.
    fn without_skipped(&self) -> String {
        format!(
            "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
            self.tests, self.failures, self.errors
        )
    }
}

impl Test {
    fn write(&self, xml: &mut String, suite: &str) {
        let time = self
            .seconds
            .map_or_else(String::new, |seconds| format!(" time=\"{seconds:.9}\""));
        let _ = write!(
            xml,
            "    <testcase classname=\"{}\" name=\"{}\"{time}>",
            escaped(suite),
            escaped(&self.name)
        );
        let message = escaped(&self.message);
        let _ = match self.result {
            Ending::Passed if self.message.is_empty() => write!(xml, ""),
            Ending::Passed => write!(xml, "<system-out>{message}</system-out>"),
            Ending::Failure(kind) => write!(
                xml,
                "<failure type=\"{kind}\" message=\"{message}\">{message}</failure>"
            ),
            Ending::Error(kind) => write!(
                xml,
                "<error type=\"{kind}\" message=\"{message}\">{message}</error>"
            ),
            Ending::Skipped => write!(xml, "<skipped message=\"{message}\"/>"),
        };
        xml.push_str("</testcase>\n");
    }
}

/// The test that no case can stand for.
fn run(report: &Report) -> Test {
    let why = report.notes.iter().find_map(|note| match note.about {
        About::Contaminated => Some(("contaminated", &note.text)),
        About::Interrupted => Some(("interrupted", &note.text)),
        _ => None,
    });
    let nothing = "nothing was held against anything".to_owned();
    let (result, message) = match why {
        Some((kind, text)) => (Ending::Error(kind), text.clone()),
        None if !report.judged_something => (Ending::Error("empty"), nothing),
        None => (Ending::Passed, words::cases_summary(report)),
    };
    Test {
        name: RUN.1.to_owned(),
        seconds: None,
        result,
        message,
    }
}

fn of_case(case: &Case, report: &Report) -> Test {
    let broken = case.reasons.iter().find_map(|reason| match reason {
        Reason::PanickedInBase | Reason::PanickedInCandidate => Some("panicked"),
        Reason::TimedOut => Some("timed_out"),
        _ => None,
    });
    let result = match (case.verdict, broken) {
        (_, Some(kind)) => Ending::Error(kind),
        (Verdict::Regressed, _) => Ending::Failure("regressed"),
        (Verdict::Accepted | Verdict::Improved | Verdict::Unchanged, _) => Ending::Passed,
        (Verdict::Inconclusive | Verdict::Missing | Verdict::New | Verdict::NotJudged, _) => {
            Ending::Skipped
        }
    };
    let change = case.change.map(|change| words::delta(change.ratio));
    let mut parts = vec![case.verdict.to_string()];
    parts.extend(change);
    parts.extend(case.remarks.iter().cloned());
    let is_of_case = |cause: &&Cause| cause.cases.contains(&case.id);
    let causes = report.causes.iter().filter(is_of_case);
    parts.extend(causes.map(words::cause));
    let (name, seconds) = match case.unit {
        Unit::Nanoseconds => (case.key().to_owned(), case.now.map(|now| now / 1e9)),
        counted => (format!("{} ({})", case.key(), counted.as_str()), None),
    };
    Test {
        name,
        seconds,
        result,
        message: parts.join("; "),
    }
}

fn of_promise(row: &PromiseRow) -> Test {
    let result = match row.promise {
        Promise::Missed => Ending::Failure("promise_missed"),
        Promise::Inconclusive => Ending::Skipped,
        Promise::Met | Promise::Stated => Ending::Passed,
    };
    Test {
        name: format!("promise: {}", row.name),
        seconds: None,
        result,
        message: format!(
            "{}: {}, {}; {}",
            row.promise,
            words::promised_value(row),
            words::bound(row.bound),
            row.text
        ),
    }
}

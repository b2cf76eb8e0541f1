//! JUnit's XML: a promise is a test, so is an invariant and what a soak watched, and one more test says whether the run
//! can be believed.
//!
//! | standing | test |
//! |---|---|
//! | missed, broken, leak | failure |
//! | invalid, or the generator spoiled the run | error |
//! | inconclusive, not known, too short | skipped, with the reason |
//! | met, holds, bounded, no growth | passed |

use std::fmt::Write as _;

use super::markup::escaped;
use super::model::LoadRecord;
use super::words;
use crate::drift::Class;
use crate::drift::record::SoakRecord;
use crate::judging::Conclusion;
use crate::slo::judge::Standing;

/// Renders the record of a run.
pub fn render(record: &LoadRecord) -> String {
    rendered("load", &record.scenario, &tests(record))
}

/// Renders a soak.
pub fn render_soak(record: &SoakRecord) -> String {
    rendered("soak", &record.scenario, &soak_tests(record))
}

fn rendered(command: &str, scenario: &str, tests: &[Test]) -> String {
    let count = |element: &str| tests.iter().filter(|test| test.element == element).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        tests.len(),
        count("failure"),
        count("error")
    );
    let suite = escaped(&format!("{command}/{scenario}"));
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail.
    let _ = writeln!(xml, "<testsuites name=\"plimsoll {command}\" {counts}>");
    let skipped = count("skipped");
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{suite}\" {counts} skipped=\"{skipped}\">"
    );
    for test in tests {
        let name = escaped(&test.name);
        let message = escaped(&test.message);
        let _ = write!(xml, "    <testcase classname=\"{suite}\" name=\"{name}\">");
        let _ = match test.element {
            "" => write!(xml, "<system-out>{message}</system-out>"),
            "skipped" => write!(xml, "<skipped message=\"{message}\"/>"),
            element => write!(
                xml,
                "<{element} type=\"{}\" message=\"{message}\">{message}</{element}>",
                test.kind
            ),
        };
        xml.push_str("</testcase>\n");
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

struct Test {
    name: String,
    /// The element within the test; empty if it passed.
    element: &'static str,
    kind: &'static str,
    message: String,
}

impl Test {
    /// Whether what was measured says anything.
    fn of_run(conclusion: Conclusion, interrupted: bool, health: String) -> Self {
        Self {
            name: "this run can be believed".to_owned(),
            element: match (conclusion, interrupted) {
                (Conclusion::Spoiled, _) | (_, true) => "error",
                _ => "",
            },
            kind: if interrupted {
                "interrupted"
            } else {
                "spoiled"
            },
            message: health,
        }
    }
}

fn tests(record: &LoadRecord) -> Vec<Test> {
    let health = words::health(record);
    let run = Test::of_run(record.conclusion, record.interrupted, health);
    let promises = record.slos.iter().map(|row| Test {
        name: row.slo.clone(),
        element: match row.standing {
            Standing::Met => "",
            Standing::Missed => "failure",
            Standing::Invalid => "error",
            Standing::Inconclusive => "skipped",
        },
        kind: row.standing.words(),
        message: format!("{}: {}", row.standing, words::measured(row)),
    });
    let invariants = record.invariants.iter().map(|invariant| Test {
        name: invariant.name.clone(),
        element: match invariant.holds {
            Some(true) => "",
            Some(false) => "failure",
            None => "skipped",
        },
        kind: "broken",
        message: invariant.detail.clone(),
    });
    std::iter::once(run)
        .chain(promises)
        .chain(invariants)
        .collect()
}

fn soak_tests(record: &SoakRecord) -> Vec<Test> {
    let health = words::soak_health(record);
    let run = Test::of_run(record.conclusion(), record.interrupted, health);
    let series = record.findings.iter().map(|row| Test {
        name: format!("{}: no leak", row.watched.words()),
        element: match row.class {
            Class::Leak => "failure",
            Class::TooShort => "skipped",
            Class::Bounded | Class::None => "",
        },
        kind: row.class.words(),
        message: format!(
            "{}: {}: {}",
            row.class.words(),
            words::growth(row),
            words::found(row)
        ),
    });
    std::iter::once(run).chain(series).collect()
}

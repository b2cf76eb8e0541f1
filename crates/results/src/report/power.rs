//! Says what the present settings can find, case by case.

use std::fmt::Write as _;

use serde::Serialize;

use super::paint::wrapped;
use super::text::WIDTH;
use crate::pairs::power::{POWER, Power, Settings};

/// Changes when a reader of the old JSON could be misled by the new one.
pub const SCHEMA: u32 = 1;

/// Columns of a case.
const CASE_WIDTH: usize = 40;

/// The slowdowns of which it is said how often they are found, in percent: those that the project promises to find.
const PERCENTS: [f64; 4] = [1.0, 2.0, 5.0, 10.0];

/// How often each of [`PERCENTS`] is promised to be found.
const PROMISED: [f64; 4] = [0.8, 0.95, 0.99, 1.0];

/// What can be found, of all cases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Powers {
    /// The class of the machine.
    pub machine: String,
    /// What a run would be measured and judged by.
    pub settings: Settings,
    /// By case, in the order of their names.
    pub cases: Vec<(String, Power)>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    power: f64,
    #[serde(flatten)]
    powers: &'a Powers,
    found: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    case: &'a str,
    percent: f64,
    rate: f64,
    promised: f64,
}

/// Renders it for a terminal of 100 columns.
pub fn text(powers: &Powers) -> String {
    let mut text = String::new();
    for line in wrapped(&head(powers), WIDTH) {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(
        text,
        "\n{:<CASE_WIDTH$} {:>6} {:>6} {:>6} {:>7} {:>22}",
        "", "SD", "floor", "finds", "no floor", "found: 1, 2, 5, 10 %"
    );
    for (case, power) in &powers.cases {
        let [deviation, floor, smallest, without] = cells(power);
        let mut name = case.clone();
        if name.chars().count() > CASE_WIDTH {
            let _ = writeln!(text, "{name}");
            name.clear();
        }
        let _ = writeln!(
            text,
            "{name:<CASE_WIDTH$} {deviation:>6} {floor:>6} {smallest:>6} {without:>7}  {}",
            found(power).join(" ")
        );
    }
    let _ = writeln!(text);
    for note in notes(powers) {
        for line in wrapped(&note, WIDTH) {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

/// Renders it for a page of documentation.
pub fn markdown(powers: &Powers) -> String {
    let mut text = format!("{}\n\n", head(powers));
    let _ = writeln!(
        text,
        "| case | SD of a round | floor | finds | without floor | 1 % | 2 % | 5 % | 10 % |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    );
    for (case, power) in &powers.cases {
        let cells = cells(power).join(" | ");
        let _ = writeln!(
            text,
            "| `{case}` | {cells} | {} |",
            found(power).join(" | ")
        );
    }
    for note in notes(powers) {
        let _ = writeln!(text, "\n{note}");
    }
    text
}

/// Renders it as one JSON object, pretty, with a line feed at the end.
pub fn json(powers: &Powers) -> Result<String, serde_json::Error> {
    let found = powers.cases.iter().flat_map(|(case, power)| {
        let promises = PERCENTS.into_iter().zip(PROMISED);
        promises.map(move |(percent, promised)| Found {
            case,
            percent,
            rate: power.of(percent / 100.0),
            promised,
        })
    });
    let document = Document {
        schema: SCHEMA,
        power: POWER,
        powers,
        found: found.collect(),
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

fn head(powers: &Powers) -> String {
    let Settings {
        n_rounds,
        n_rounds_most,
        n_tests,
    } = powers.settings;
    format!(
        "The smallest slowdown that pair mode finds in {:.0} % of the runs on {}: {n_rounds} rounds at first and up to \
         {n_rounds_most} while a case is open, {n_tests} tests that share one budget.",
        100.0 * POWER,
        powers.machine
    )
}

fn cells(power: &Power) -> [String; 4] {
    let share = |share: f64| format!("{:.2} %", 100.0 * share);
    let smallest = |smallest: Option<f64>| smallest.map_or_else(|| "-".to_owned(), share);
    [
        share(power.deviation),
        share(power.floor),
        smallest(power.smallest),
        smallest(power.smallest_without_floor),
    ]
}

/// How often each promised slowdown is found; a star marks less than is promised.
fn found(power: &Power) -> Vec<String> {
    let promises = PERCENTS.into_iter().zip(PROMISED);
    promises
        .map(|(percent, promised)| {
            let rate = power.of(percent / 100.0);
            let mark = if rate < promised { "*" } else { "" };
            format!("{:>4.0} %{mark}", 100.0 * rate)
        })
        .collect()
}

fn notes(powers: &Powers) -> Vec<String> {
    let mut notes = vec![
        "SD: of one round by wall time. A star: less often than is promised (1 % in 80 %, 2 % in 95 %, 5 % in 99 %, 10 % \
         always). \"No floor\": what the test alone would find; a change below the floor is never called a regression."
            .to_owned(),
    ];
    let few = |power: &Power| power.n_null_rounds < 30;
    let n_few = powers.cases.iter().filter(|(_, power)| few(power)).count();
    if n_few > 0 {
        notes.push(format!(
            "{n_few} of {} cases are known from fewer than 30 rounds of equal programs: run `plimsoll selfcheck` for more.",
            powers.cases.len()
        ));
    }
    notes
}

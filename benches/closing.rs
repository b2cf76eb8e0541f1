//! The table after the last case: the rows of what this invocation measured, and of nothing else.
//!
//! In a full or filtered run the target `verdict`, which Cargo runs last, shows it once for all suites.
//! A suite that was chosen with `--bench`, or started by hand, shows its own rows when it ends.
//! The table informs; it never fails the run. Exit codes are the business of `plimsoll compare`.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use results::allocations;
use results::case_id::CaseId;
use results::closing::{ClosingTable, Invocation as Measured, closing_table, closing_table_of};
use results::comparison::Locations;
use results::error::Error;
use results::iai;

use crate::invocation::{ALLOCATIONS_TARGET, INSTRUCTIONS_TARGET, Invocation, Mark};
use crate::mode::{Arguments, Mode};
use crate::places::Places;

/// The `main` of the closing target.
pub fn run(target_tmpdir: &Path) -> ExitCode {
    let arguments = Arguments::of_this_process();
    if arguments.mode != Mode::Measure {
        return ExitCode::SUCCESS;
    }
    let places = Places::of_target(target_tmpdir);
    let invocation = Invocation::of_this_process(&places.invocations);
    let code = show(&places, &invocation, &arguments, None);
    invocation.forget();
    code
}

/// Prints the rows of one suite, or of all that ran in this invocation.
pub fn show(
    places: &Places,
    invocation: &Invocation,
    arguments: &Arguments,
    only: Option<&str>,
) -> ExitCode {
    match table(places, invocation, arguments, only) {
        Ok(table) => {
            let mut stdout = io::stdout().lock();
            let text = table.render(stdout.is_terminal());
            let text = text + &not_run(invocation, only);
            // Whoever closed the output does not want the table.
            let _ = write!(stdout, "\n{text}").and_then(|()| stdout.flush());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: cannot show the table: {error}");
            ExitCode::from(2)
        }
    }
}

fn table(
    places: &Places,
    invocation: &Invocation,
    arguments: &Arguments,
    only: Option<&str>,
) -> Result<ClosingTable, Error> {
    let locations = Locations {
        criterion: places.criterion.clone(),
        iai: places.iai.clone(),
        baselines: places.baselines.clone(),
    };
    let mut marks = invocation.marks().unwrap_or_default();
    if marks.is_empty() {
        // The closing target alone: show again whatever is stored.
        return closing_table(&locations, None);
    }
    marks.retain(|mark| only.is_none_or(|only| mark.suite == only));
    let mut measured = measured(&marks, arguments.filtered);
    measured.began = invocation.began();
    let has_counted = |target| marks.iter().any(|mark: &Mark| mark.suite == target);
    if has_counted(INSTRUCTIONS_TARGET) {
        let counts = iai::read_if_any(&locations.iai)?;
        let written = counts.iter().map(|(id, count)| (id, count.written));
        add_counted(&mut measured, written, only);
    }
    if has_counted(ALLOCATIONS_TARGET) {
        let counts = allocations::read_if_any(&locations.criterion)?;
        let written = counts.iter().map(|(id, counted)| (id, counted.written));
        add_counted(&mut measured, written, only);
    }
    closing_table_of(&locations, &measured)
}

/// A line for each suite and service that it had to do without.
fn not_run(invocation: &Invocation, only: Option<&str>) -> String {
    let mut lines = String::new();
    for mark in invocation.marks().unwrap_or_default() {
        if only.is_some_and(|only| mark.suite != only) {
            continue;
        }
        for (variable, n_cases) in &mark.n_skipped_by_variable {
            lines += &format!(
                "not run: {n_cases} cases of {}, because {variable} is not set\n",
                mark.suite
            );
        }
    }
    lines
}

fn measured(marks: &[Mark], filtered: bool) -> Measured {
    let suites = marks
        .iter()
        .filter(|mark| ![INSTRUCTIONS_TARGET, ALLOCATIONS_TARGET].contains(&&*mark.suite));
    Measured {
        suites: suites
            // A suite that ran no case was filtered out whole.
            .filter(|mark| !mark.ids.is_empty() || !mark.finished)
            .map(|mark| mark.suite.clone())
            .collect(),
        ids: marks.iter().flat_map(|mark| mark.ids.clone()).collect(),
        filtered,
        unfinished: marks
            .iter()
            .filter(|mark| !mark.finished)
            .map(|mark| mark.suite.clone())
            .collect(),
        began: None,
    }
}

/// The twins of a suite were counted although the suite itself may not have run.
fn add_counted<'a>(
    measured: &mut Measured,
    written: impl Iterator<Item = (&'a CaseId, Option<SystemTime>)>,
    only: Option<&str>,
) {
    let began = measured.began;
    let counted: BTreeSet<String> = written
        .filter(|(_, written)| began.is_none_or(|began| *written >= Some(began)))
        .map(|(id, _)| id.suite().to_owned())
        .collect();
    // Alone, the counts are no reason to miss the wall times.
    measured.filtered |= only.is_some();
    let known: BTreeSet<String> = measured.suites.drain(..).collect();
    measured.suites = known.union(&counted).cloned().collect();
}

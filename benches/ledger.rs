//! Counts the allocations of paths and keeps them, for the target `allocations`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use results::allocations::{self, Allocations};
use results::case_id::CaseId;

use crate::closing;
use crate::counting::counted;
use crate::invocation::{ALLOCATIONS_TARGET, Invocation};
use crate::mode::{Arguments, Mode};
use crate::places::Places;

/// Iterations that are kept: enough to see whether a path allocates alike each time.
const N_ITERATIONS: usize = 3;

/// What was counted, by suite and key.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Each case just once, to see that it works.
    is_smoke: bool,
    iterations_by_case: BTreeMap<CaseId, Vec<Allocations>>,
}

impl Ledger {
    /// Counts one case: each iteration has a set-up of its own, and the first is not kept, for it pays for what a thread
    /// sets up once.
    pub fn case<S, T>(
        &mut self,
        id: &'static str,
        set_up: impl Fn() -> S,
        routine: impl Fn(S) -> T,
    ) {
        let id = CaseId::new(id).expect("written as suite/case/parameter");
        drop(routine(set_up()));
        if self.is_smoke {
            return;
        }
        let iterations = (0..N_ITERATIONS).map(|_| {
            let state = set_up();
            counted(|| routine(state)).1
        });
        let known = self.iterations_by_case.insert(id, iterations.collect());
        assert_eq!(known, None, "two cases have this id");
    }
}

/// Runs the given cases and keeps what they allocate; the body of the target's `main`.
///
/// A filter chooses among timed cases; under one, nothing is counted, because the closing table shows what was chosen.
pub fn run(target_tmpdir: &Path, cases: impl FnOnce(&mut Ledger)) -> ExitCode {
    let arguments = Arguments::of_this_process();
    let mut ledger = Ledger::default();
    match arguments.mode {
        Mode::Smoke if !arguments.filtered => {
            ledger.is_smoke = true;
            cases(&mut ledger);
            return ExitCode::SUCCESS;
        }
        Mode::Measure if !arguments.filtered => {}
        _ => return ExitCode::SUCCESS,
    }
    let places = Places::of_target(target_tmpdir);
    let invocation = Invocation::of_this_process(&places.invocations);
    let mark = invocation
        .begin(ALLOCATIONS_TARGET)
        .expect("the target directory, just written by Cargo, takes a mark");
    cases(&mut ledger);
    if let Err(error) = allocations::write(&places.criterion, &ledger.iterations_by_case) {
        panic!("cannot store the allocations: {error}");
    }
    mark.finish().expect("a mark that was begun can be ended");
    if invocation.closing_target_follows() {
        ExitCode::SUCCESS
    } else {
        closing::show(&places, &invocation, &arguments, Some(ALLOCATIONS_TARGET))
    }
}

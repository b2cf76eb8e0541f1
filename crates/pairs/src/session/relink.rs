//! Rounds of suspects with their functions in other orders.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use results::case_id::CaseId;
use results::pairs::sample::CaseFailure;

use super::{Session, keep};
use crate::build::Built;
use crate::error::Error;
use crate::round::Outcome;
use crate::schedule::{Stage, Step};
use crate::watch::Event;

impl Session<'_> {
    /// Other orders of each suspect, drawn for each side by itself, with one round each, until it has so many; whether there
    /// was any to measure.
    ///
    /// It takes as long as it takes, which is not part of the budget: an accusation is about to fail the run.
    pub(crate) fn relink(&mut self, suspects: &BTreeMap<&CaseId, usize>) -> Result<bool, Error> {
        // The suspects of one suite share its orders.
        let mut missing_by_suite: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
        for (case, listed) in self.listed.iter().enumerate() {
            let n_layouts = suspects.get(&listed.case).copied().unwrap_or_default();
            let n_missing = n_layouts.saturating_sub(self.run.cases[case].layout_rounds.len());
            if n_missing > 0 {
                let suite = missing_by_suite.entry(listed.suite.clone()).or_default();
                suite.push((case, n_missing));
            }
        }
        let missing = missing_by_suite.values().flatten();
        self.watch.note(Event::Planned {
            n_rounds: missing.map(|(_, n_missing)| n_missing).sum(),
        });
        for (suite, missing) in &missing_by_suite {
            self.relink_suite(suite, missing)?;
        }
        Ok(!missing_by_suite.is_empty())
    }

    /// As many orders of one suite as each of its cases is missing.
    fn relink_suite(&mut self, suite: &str, missing: &[(usize, usize)]) -> Result<(), Error> {
        let n_layouts = missing.iter().map(|(_, n_missing)| *n_missing).max();
        let n_layouts = n_layouts.unwrap_or_default();
        self.watch.note(Event::Relinking { suite, n_layouts });
        for number in 0..n_layouts {
            let cases = missing.iter().filter(|(_, n_missing)| number < *n_missing);
            let cases: Vec<usize> = cases.map(|(case, _)| *case).collect();
            if let Err(reason) = self.layout(suite, &cases)? {
                for case in &cases {
                    self.run.cases[*case].layout_failure = Some(reason.clone());
                }
                break;
            }
        }
        Ok(())
    }

    /// One order of one suite, and a round of each of its suspects; in words, why there is none.
    fn layout(&mut self, suite: &str, cases: &[usize]) -> Result<Result<(), String>, Error> {
        let seeds = self.schedule.draw_layouts();
        let folder = self.scratch.path().join("layout");
        let [base, candidate] = &self.built;
        let base = relinked(base, suite, &folder.join("base"), seeds[0])?;
        // As long as the other, as all that the two processes can see is.
        let candidate = relinked(candidate, suite, &folder.join("cand"), seeds[1])?;
        let (base, candidate) = match (base, candidate) {
            (Ok(base), Ok(candidate)) => (base, candidate),
            (Err(reason), _) | (_, Err(reason)) => return Ok(Err(reason)),
        };
        let steps: Vec<(usize, Stage)> = cases.iter().map(|case| (*case, Stage::Layout)).collect();
        for step in self.schedule.lap(&steps) {
            if self.watch.stopped() {
                return Err(Error::Interrupted);
            }
            if let Err(failure) = self.take_relinked(step, [&base, &candidate])? {
                return Ok(Err(format!("it fails in another order: {failure:?}")));
            }
        }
        Ok(Ok(()))
    }

    fn take_relinked(
        &mut self,
        step: Step,
        sides: [&Built; 2],
    ) -> Result<Result<(), CaseFailure>, Error> {
        match self.round(step, sides)? {
            Outcome::Done { round, .. } => {
                keep(&mut self.run.cases[step.case], step.stage, round);
                Ok(Ok(()))
            }
            Outcome::Failed(failure) => Ok(Err(failure)),
        }
    }
}

fn relinked(
    built: &Built,
    suite: &str,
    folder: &Path,
    seed: u32,
) -> Result<Result<Built, String>, Error> {
    fs::create_dir_all(folder).map_err(Error::file(folder))?;
    Ok(built.relinked(suite, folder, seed))
}

//! The probe of a search: pair mode on one case, the good commit as the base of every step.

use std::collections::BTreeMap;
use std::time::Instant;

use results::case_id::{CaseId, nearest};
use results::pairs::comparison::PairComparison;
use results::pairs::sample::CaseFailure;
use results::verdict;

use super::Verdict;
use super::drive::Probe;
use crate::build::Workshop;
use crate::course::{self, Plan};
use crate::error::Error;
use crate::schedule::Stage;
use crate::session::{Session, Settings};
use crate::tree::Source;
use crate::watch::Watch;

/// Builds commits and measures one case of theirs.
pub struct PairProbe<'a> {
    /// Where commits are built; those that were built before are not built again.
    pub workshop: &'a Workshop,
    /// What is looked at.
    pub case: CaseId,
    /// The base of every step.
    pub good: Source,
    /// The commits after it, the oldest first.
    pub commits: Vec<Source>,
    /// How each step is measured; its budget is that of one step.
    pub plan: Plan,
    /// By which chance; each step draws anew.
    pub settings: Settings,
    /// Who is told.
    pub watch: &'a dyn Watch,
}

impl Probe for PairProbe<'_> {
    fn probe(&mut self, place: usize) -> Result<Verdict, Error> {
        self.settings.seed = self.settings.seed.wrapping_add(1);
        // The end of the range is what all else stands on, so the machine is checked there.
        let is_checked = place == self.commits.len();
        match self.measure(&self.commits[place - 1], is_checked) {
            // A tree whose manifest cannot be read does not build either.
            Err(Error::Unbuildable { commit, .. }) if commit != self.good.known_commit => {
                Ok(Verdict::Skipped)
            }
            Err(Error::Metadata { tree, .. }) if tree != self.good.label => Ok(Verdict::Skipped),
            other => other,
        }
    }
}

impl PairProbe<'_> {
    fn measure(&self, commit: &Source, is_checked: bool) -> Result<Verdict, Error> {
        let suites = [self.case.suite().to_owned()];
        let sides = [&self.good, commit];
        let built = self.workshop.build_both(sides, Some(&suites), self.watch)?;
        let mut session = Session::open(self.workshop, built, &self.settings, self.watch)?;
        self.check_case(&session)?;
        let mut cases = session.run().cases.iter();
        if cases.any(|case| case.id == self.case && case.same_program.is_some()) {
            return Ok(Verdict::NotSlower);
        }

        let end = Instant::now() + self.plan.budget;
        let n_rounds = course::first_rounds(self.plan.n_rounds, 1);
        let mut take = |stage| {
            let wanted = BTreeMap::from([(self.case.clone(), (stage, n_rounds))]);
            session.measure_some(&wanted, end)
        };
        take(Stage::Judge)?;
        if is_checked {
            take(Stage::Null)?;
        }
        session.complete();
        let comparison = course::settle(&mut session, &self.plan, end)?;
        Ok(self.verdict(&session, &comparison))
    }

    /// A case that the good commit does not have is a mistyped name.
    fn check_case(&self, session: &Session<'_>) -> Result<(), Error> {
        let mut cases = session.run().cases.iter();
        let is_in_good = cases
            .any(|case| case.id == self.case && case.failure != Some(CaseFailure::MissingInBase));
        if is_in_good {
            return Ok(());
        }
        let known = session.run().cases.iter().map(|case| case.id.as_str());
        Err(Error::UnknownCase {
            name: self.case.to_string(),
            nearest: nearest(self.case.as_str(), known),
        })
    }

    fn verdict(&self, session: &Session<'_>, comparison: &PairComparison) -> Verdict {
        let mut cases = session.run().cases.iter();
        let has_failed = cases.any(|case| case.id == self.case && case.failure.is_some());
        let mut rows = comparison.rows.iter();
        match rows.find(|row| row.id == self.case).map(|row| row.verdict) {
            _ if has_failed => Verdict::Skipped,
            Some(verdict::Verdict::Regressed) => Verdict::Slower,
            Some(verdict::Verdict::Unchanged | verdict::Verdict::Improved) => Verdict::NotSlower,
            _ => Verdict::Undecided,
        }
    }
}

//! How long the rounds of a case are, learnt before its first.

use std::time::{Duration, Instant};

use results::case_id::CaseId;
use results::pairs::sample::Engine;

use super::Session;
use crate::error::Error;
use crate::schedule::{Length, PROBING};
use crate::watch::Event;

impl Session<'_> {
    /// Learns how long the rounds of each case are, in random order but for those that are wanted first, until the deadline.
    ///
    /// Samples will be as many as fit into the time if every case takes so many rounds.
    pub(crate) fn probe_all(
        &mut self,
        is_first: impl Fn(&CaseId) -> bool,
        n_rounds: usize,
        time: Duration,
        deadline: Instant,
    ) -> Result<(), Error> {
        self.length = Length::within(time, self.n_to_measure() * n_rounds);
        let all: Vec<usize> = (0..self.listed.len()).collect();
        let mut all = self.schedule.shuffled(&all);
        all.retain(|case| self.listed[*case].is_to_measure());
        all.sort_by_key(|case| !is_first(&self.listed[*case].case));
        for case in all {
            if self.watch.stopped() {
                return Err(Error::Interrupted);
            }
            if Instant::now() >= deadline {
                break;
            }
            self.probe(case)?;
        }
        Ok(())
    }

    /// Learns from one short process of the base how long a case's processes may be, what a round of them takes, and whether
    /// one core is enough.
    pub(super) fn probe(&mut self, case: usize) -> Result<(), Error> {
        self.watch.note(Event::Round {
            case: self.run.cases[case].id.as_str(),
        });
        let base = &self.built[0];
        let short = Length::Quick { within: PROBING };
        // It has all cores, and nobody takes turns with it: neither core nor order matter.
        match self.setting(case, (0, true), [base, base], short).probe()? {
            Ok(probe) => {
                let known = &mut self.run.cases[case];
                if probe.has_threads {
                    known.engine = Engine::Blocks;
                }
                let length = self.length.of_case(probe.pace.sample);
                let n_processes = match known.engine {
                    Engine::Turns => 2,
                    Engine::Blocks => 4,
                };
                self.lengths[case] = Some(length);
                self.costs[case] = Some(length.process(probe.pace) * n_processes);
            }
            Err(failure) => self.run.cases[case].failure = Some(failure),
        }
        Ok(())
    }
}

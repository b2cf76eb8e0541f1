//! A run from its first round to its file: measures what the schedule says, and keeps all of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use results::case_id::CaseId;
use results::machine::Machine;
use results::pairs::control::rounds_to_fire;
use results::pairs::sample::{Engine, PairCase, PairRun, Round, SCHEMA, Side};

use crate::build::{Built, Workshop};
use crate::cores::Cores;
use crate::error::Error;
use crate::listing::{self, Listed};
use crate::referee::Patience;
use crate::round::{Outcome, Setting};
use crate::schedule::{self, Length, MOST_SAMPLES, NULL_ONE_IN, Schedule, Stage, Step};
use crate::watch::{Event, Watch};

mod probe;
mod relink;

/// What is measured, and by which chance.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Draws the order of cases and sides, and the null control.
    pub seed: u64,
    /// How long a process may take for a turn.
    pub patience: Patience,
    /// What to do with suites that are the same program on both sides.
    pub equal_programs: EqualPrograms,
}

/// What to do with suites that are the same program on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EqualPrograms {
    /// Say so: there is nothing to measure.
    Leave,
    /// Measure them nevertheless, to see what equal programs give here.
    Measure,
}

/// A run that is being measured.
pub struct Session<'w> {
    built: [Built; 2],
    listed: Vec<Listed>,
    /// What there is time for in each process of a case.
    length: Length,
    /// The same by case; learnt before its first round.
    lengths: Vec<Option<Length>>,
    /// What the last round of a case took; before its first, what a short process of it lets expect.
    costs: Vec<Option<Duration>>,
    null_cases: Vec<usize>,
    schedule: Schedule,
    patience: Patience,
    scratch: tempfile::TempDir,
    watch: &'w dyn Watch,
    run: PairRun,
}

/// Rounds of cases that are begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstRounds {
    /// At once.
    pub(crate) now: usize,
    /// In all, if they settle nothing.
    pub(crate) in_all: usize,
}

impl FirstRounds {
    /// With those of the null control, spread over all cases.
    fn on_average(self) -> usize {
        self.in_all + rounds_to_fire().div_ceil(NULL_ONE_IN)
    }
}

/// Whether there was time for all that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All rounds were measured.
    Done,
    /// The budget was over before.
    OutOfBudget,
}

impl<'w> Session<'w> {
    /// Lists the cases of both sides.
    pub fn open(
        workshop: &Workshop,
        built: [Built; 2],
        settings: &Settings,
        watch: &'w dyn Watch,
    ) -> Result<Self, Error> {
        Self::open_only(workshop, built, settings, watch, |_| true)
    }

    /// The same with some of the cases alone.
    pub fn open_only(
        workshop: &Workshop,
        built: [Built; 2],
        settings: &Settings,
        watch: &'w dyn Watch,
        is_wanted: impl Fn(&CaseId) -> bool,
    ) -> Result<Self, Error> {
        let same_programs = match settings.equal_programs {
            EqualPrograms::Leave => workshop.same_programs(&built, watch)?,
            EqualPrograms::Measure => BTreeMap::new(),
        };
        let mut listed = listing::list([&built[0], &built[1]], &same_programs, watch)?;
        listed.retain(|listed| is_wanted(&listed.case));
        if listed.is_empty() {
            return Err(Error::NothingToMeasure {
                reason: "no suite of either side has a Criterion case that is wanted".to_owned(),
            });
        }
        let schedule = Schedule::new(settings.seed, Cores::allowed()?.numbers());
        let run = PairRun {
            schema: SCHEMA,
            seed: settings.seed,
            base: side(&built[0]),
            candidate: side(&built[1]),
            machine: Machine::here(),
            cases: listed.iter().map(case).collect(),
            is_complete: false,
        };
        Ok(Self {
            length: Length::Samples(MOST_SAMPLES),
            lengths: vec![None; listed.len()],
            costs: vec![None; listed.len()],
            null_cases: Vec::new(),
            scratch: workshop.scratch()?,
            patience: settings.patience,
            built,
            listed,
            schedule,
            watch,
            run,
        })
    }

    /// How many cases there are to measure.
    pub(crate) fn n_to_measure(&self) -> usize {
        let listed = self.listed.iter();
        listed.filter(|listed| listed.is_to_measure()).count()
    }

    /// All that was measured so far.
    pub fn run(&self) -> &PairRun {
        &self.run
    }

    /// Marks the run as one that came to its end.
    pub(crate) fn complete(&mut self) {
        self.run.is_complete = true;
    }

    /// Begins those of these cases that have no round yet, as many as there is time for: so many rounds of each, and of a
    /// null control among them. Whether there was any.
    ///
    /// There is time for a case if there is for all rounds that it may need; those with the shortest come first.
    pub(crate) fn begin(
        &mut self,
        is_wanted: impl Fn(&CaseId) -> bool,
        n_rounds: FirstRounds,
        deadline: Instant,
    ) -> Result<bool, Error> {
        let costs = self.listed.iter().enumerate().filter_map(|(case, listed)| {
            let known = &self.run.cases[case];
            let is_new = known.rounds.is_empty() && known.failure.is_none();
            let round = self.costs[case].filter(|_| is_new && is_wanted(&listed.case))?;
            Some((case, round * n_rounds.on_average() as u32))
        });
        let time = deadline.saturating_duration_since(Instant::now());
        let begun = schedule::affordable(costs.collect(), time);
        let null = self.schedule.draw_null(&begun);
        let judged = begun
            .iter()
            .map(|case| ((*case, Stage::Judge), n_rounds.now));
        let controlled = null
            .iter()
            .map(|case| ((*case, Stage::Null), rounds_to_fire()));
        let wanted: BTreeMap<_, _> = judged.chain(controlled).collect();
        self.null_cases.extend(null);
        self.measure(&wanted, deadline)?;
        Ok(!begun.is_empty())
    }

    /// So many further rounds of the null control.
    pub(crate) fn measure_null(
        &mut self,
        n_rounds: usize,
        deadline: Instant,
    ) -> Result<Progress, Error> {
        let null = self.null_cases.iter();
        let wanted = null.map(|case| ((*case, Stage::Null), n_rounds)).collect();
        self.measure(&wanted, deadline)
    }

    /// So many further rounds of some cases, judged or confirming.
    pub(crate) fn measure_some(
        &mut self,
        wanted: &BTreeMap<CaseId, (Stage, usize)>,
        deadline: Instant,
    ) -> Result<Progress, Error> {
        let cases = self.listed.iter().enumerate();
        let wanted: BTreeMap<(usize, Stage), usize> = cases
            .filter_map(|(case, listed)| {
                let (stage, n_rounds) = wanted.get(&listed.case)?;
                Some(((case, *stage), *n_rounds))
            })
            .collect();
        self.measure(&wanted, deadline)
    }

    fn measure(
        &mut self,
        wanted: &BTreeMap<(usize, Stage), usize>,
        deadline: Instant,
    ) -> Result<Progress, Error> {
        let mut left = wanted.clone();
        left.retain(|(case, _), _| self.run.cases[*case].failure.is_none());
        self.watch.note(Event::Planned {
            n_rounds: left.values().sum(),
        });
        loop {
            left.retain(|(case, _), n_left| *n_left > 0 && self.run.cases[*case].failure.is_none());
            if left.is_empty() {
                return Ok(Progress::Done);
            }
            let time = deadline.saturating_duration_since(Instant::now());
            let costs = left.iter();
            let costs = costs.map(|(which, n_left)| {
                // Nothing, where nobody has probed it.
                let round = self.costs[which.0].unwrap_or_default();
                (*which, round * *n_left as u32)
            });
            let cases = schedule::affordable(costs.collect(), time);
            if cases.is_empty() {
                return Ok(Progress::OutOfBudget);
            }
            for step in self.schedule.lap(&cases) {
                if self.watch.stopped() {
                    return Err(Error::Interrupted);
                }
                if Instant::now() >= deadline {
                    return Ok(Progress::OutOfBudget);
                }
                self.take(step)?;
                if let Some(n_left) = left.get_mut(&(step.case, step.stage)) {
                    *n_left -= 1;
                }
            }
        }
    }

    /// Measures one round, and keeps it, or the reason why there is none.
    fn take(&mut self, step: Step) -> Result<(), Error> {
        if self.run.cases[step.case].failure.is_some() {
            // An earlier step of this lap failed: the null control and the judged rounds share a case.
            return Ok(());
        }
        if self.lengths[step.case].is_none() {
            self.probe(step.case)?;
            if self.run.cases[step.case].failure.is_some() {
                self.watch.note(Event::RoundDone);
                return Ok(());
            }
        }
        let [base, candidate] = &self.built;
        let sides = match step.stage {
            Stage::Null => [base, base],
            Stage::Judge | Stage::Confirm | Stage::Layout => [base, candidate],
        };
        let begin = Instant::now();
        let mut outcome = self.round(step, sides)?;
        let case = &mut self.run.cases[step.case];
        let is_new = case.rounds.is_empty() && case.null_rounds.is_empty();
        if is_new && matches!(outcome, Outcome::Done { has_threads, .. } if has_threads) {
            case.engine = Engine::Blocks;
            outcome = self.round(step, sides)?;
        }
        self.costs[step.case] = Some(begin.elapsed());
        let case = &mut self.run.cases[step.case];
        match outcome {
            Outcome::Done { round, .. } => keep(case, step.stage, round),
            Outcome::Failed(failure) => case.failure = Some(failure),
        }
        Ok(())
    }

    fn round(&self, step: Step, sides: [&Built; 2]) -> Result<Outcome, Error> {
        self.watch.note(Event::Round {
            case: self.run.cases[step.case].id.as_str(),
        });
        let length = self.lengths[step.case].unwrap_or(self.length);
        let setting = self.setting(step.case, (step.core, step.is_base_first), sides, length);
        let outcome = setting.measure(self.run.cases[step.case].engine);
        self.watch.note(Event::RoundDone);
        outcome
    }

    fn setting<'a>(
        &'a self,
        case: usize,
        (core, is_base_first): (u32, bool),
        sides: [&'a Built; 2],
        length: Length,
    ) -> Setting<'a> {
        Setting {
            listed: &self.listed[case],
            sides,
            length,
            scratch: self.scratch.path(),
            core,
            is_base_first,
            patience: self.patience,
            watch: self.watch,
        }
    }
}

fn side(built: &Built) -> Side {
    Side {
        label: built.source.label.clone(),
        commit: Some(built.source.known_commit.clone()),
        is_dirty: built.source.is_dirty(),
    }
}

fn case(listed: &Listed) -> PairCase {
    PairCase {
        id: listed.case.clone(),
        engine: if listed.takes_turns {
            Engine::Turns
        } else {
            Engine::Blocks
        },
        rounds: Vec::new(),
        null_rounds: Vec::new(),
        confirm_rounds: Vec::new(),
        layout_rounds: Vec::new(),
        layout_failure: None,
        same_program: listed.same_program,
        failure: listed.failure.clone(),
    }
}

fn keep(case: &mut PairCase, stage: Stage, round: Round) {
    match stage {
        Stage::Judge => case.rounds.push(round),
        Stage::Null => case.null_rounds.push(round),
        Stage::Confirm => case.confirm_rounds.push(round),
        Stage::Layout => case.layout_rounds.push(vec![round]),
    }
}

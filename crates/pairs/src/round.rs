//! One round of one case: fresh processes, taking turns on one core or running whole, one after the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use results::pairs::sample::{CaseFailure, Engine, Pair, Round, Sample};

use crate::build::Built;
use crate::cores::{Confined, Cores};
use crate::error::Error;
use crate::listing::{Listed, command, left_no_samples, panicked, timed_out};
use crate::peer::{Fault, Peer};
use crate::process::{Place, Process};
use crate::referee::{self, Patience, Player, SideIndex, Taken};
use crate::samples;
use crate::schedule::{Length, PROBING, Pace, SAMPLE};
use crate::watch::Watch;
use crate::wire::Turn;

/// How long a process warms up: long enough to count the iterations of a sample, which is shorter, and no longer, because
/// every round pays for it twice. Criterion doubles the iterations until this is over, so that it takes up to twice as
/// long; whatever is still cold then is so on both sides, and the median over a process's samples does not see it.
const WARM_UP: Duration = Duration::from_millis(5);

/// Fresh processes of one case, ready to be started.
pub(crate) struct Setting<'a> {
    pub(crate) listed: &'a Listed,
    /// What takes the place of base and candidate: in the null control, the base twice.
    pub(crate) sides: [&'a Built; 2],
    /// How much each process measures.
    pub(crate) length: Length,
    /// A folder for what Criterion stores.
    pub(crate) scratch: &'a Path,
    pub(crate) core: u32,
    pub(crate) is_base_first: bool,
    pub(crate) patience: Patience,
    pub(crate) watch: &'a dyn Watch,
}

/// How a round ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was measured.
    Done {
        round: Round,
        /// Whether other threads worked in a turn, so that one core is not enough for the case.
        has_threads: bool,
    },
    /// One side failed.
    Failed(CaseFailure),
}

/// What a short process tells of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) pace: Pace,
    /// Whether other threads worked, so that one core is not enough for the case.
    pub(crate) has_threads: bool,
}

/// A process with what belongs to it.
struct Running {
    process: Process,
    peer: Peer,
    home: PathBuf,
}

impl Setting<'_> {
    /// Measures the round.
    pub(crate) fn measure(&self, engine: Engine) -> Result<Outcome, Error> {
        let outcome = match engine {
            Engine::Turns => self.in_turns(),
            Engine::Blocks => self.in_blocks(),
        };
        match outcome {
            Ok(outcome) => Ok(outcome),
            Err(Broken::Failed(failure)) => Ok(Outcome::Failed(failure)),
            Err(Broken::Error(error)) => Err(error),
        }
    }

    /// Runs one process of the base for as long as [`PROBING`], on all cores.
    pub(crate) fn probe(&self) -> Result<Result<Probe, CaseFailure>, Error> {
        let run = || -> Result<Probe, Broken> {
            let began = Instant::now();
            let (samples, taken) = self.run_alone(0, Cores::allowed()?)?;
            Ok(Probe::of(&samples, &taken, began.elapsed()))
        };
        match run() {
            Ok(probe) => Ok(Ok(probe)),
            Err(Broken::Failed(failure)) => Ok(Err(failure)),
            Err(Broken::Error(error)) => Err(error),
        }
    }

    fn in_turns(&self) -> Result<Outcome, Broken> {
        let confined = Confined::to(self.core)?;
        let place = Place {
            cores: Cores::only(self.core),
            takes_turns: true,
        };
        let mut base = self.start(0, place)?;
        let mut candidate = self.start(1, place)?;
        let first = SideIndex::from(!self.is_base_first);
        let turns = {
            let mut left = base.process.watched(self.watch);
            let mut right = candidate.process.watched(self.watch);
            let mut players = [
                Player {
                    peer: &mut base.peer,
                    around: &mut left,
                },
                Player {
                    peer: &mut candidate.peer,
                    around: &mut right,
                },
            ];
            referee::alternate(&mut players, first, &self.patience)
        };
        let [of_base, of_candidate] = turns.map_err(|(side, fault)| broken(side, fault))?;
        drop(confined);
        let has_threads = samples::has_threads(&of_base) || samples::has_threads(&of_candidate);
        let base = base.finish(0, self.length, Some(&of_base))?;
        let candidate = candidate.finish(1, self.length, Some(&of_candidate))?;
        Ok(self.done(
            samples::pairs(&base, &candidate, self.length),
            self.core,
            has_threads,
        ))
    }

    /// Base, candidate, candidate, base, or the other way round, so that a steady drift cancels out.
    fn in_blocks(&self) -> Result<Outcome, Broken> {
        let cores = Cores::allowed()?;
        let order = if self.is_base_first {
            [0, 1, 1, 0]
        } else {
            [1, 0, 0, 1]
        };
        let mut blocks = [Vec::new(), Vec::new()];
        for side in order {
            blocks[side].push(self.run_alone(side, cores)?.0);
        }
        let [base, candidate] = blocks;
        let both = base.iter().zip(&candidate);
        let pairs = both
            .flat_map(|(base, candidate)| samples::pairs(base, candidate, self.length))
            .collect();
        let first = cores.numbers().first().copied().unwrap_or_default();
        Ok(self.done(pairs, first, false))
    }

    /// A whole process; it has no turns if its suite knows nothing of them.
    fn run_alone(
        &self,
        side: SideIndex,
        cores: Cores,
    ) -> Result<(Vec<Sample>, Vec<Taken>), Broken> {
        let takes_turns = self.listed.takes_turns;
        let mut running = self.start(side, Place { cores, takes_turns })?;
        let mut around = running.process.watched(self.watch);
        let taken = if takes_turns {
            referee::alone(&mut running.peer, &self.patience, &mut around)
        } else {
            let within = self.patience.first + self.patience.later;
            let ended = running.peer.answer(within, &mut around);
            ended.map(|_| Vec::new())
        };
        let taken = taken.map_err(|fault| broken(side, fault))?;
        let turns: Vec<Turn> = taken.iter().map(|taken| taken.turn).collect();
        let turns = takes_turns.then_some(turns.as_slice());
        let samples = running.finish(side, self.length, turns)?;
        Ok((samples, taken))
    }

    fn start(&self, side: SideIndex, place: Place) -> Result<Running, Broken> {
        // Equally long, as all that the two processes can see is.
        let home = self.scratch.join(["base", "cand"][side]);
        if home.exists() {
            fs::remove_dir_all(&home).map_err(Error::file(&home))?;
        }
        let built = self.sides[side];
        let Some(suite) = built.suite(&self.listed.suite) else {
            return Err(Broken::Failed(panicked(
                side,
                "its suite is gone".to_owned(),
            )));
        };
        let mut command = command(built, suite);
        command
            .env("CRITERION_HOME", &home)
            .args(["--noplot", "--nresamples", "2"])
            .args(arguments(self.length))
            .args(["--exact", &self.listed.name]);
        let (process, peer) = Process::start(command, place)?;
        Ok(Running {
            process,
            peer,
            home,
        })
    }

    fn done(&self, pairs: Vec<Pair>, core: u32, has_threads: bool) -> Outcome {
        if pairs.is_empty() {
            return Outcome::Failed(CaseFailure::SettingsDiffer);
        }
        let round = Round {
            core,
            is_base_first: self.is_base_first,
            pairs,
        };
        Outcome::Done { round, has_threads }
    }
}

impl Probe {
    /// From the samples of a process, its turns and all its time.
    ///
    /// Criterion is told what a case wants to be told: the CPU time of one Query, where a sample makes a population of
    /// hundreds. What a sample takes beside that is seen in the last turn. The first one holds the start of the process,
    /// too; where there is no other, either its one iteration is as long as all probing, or it hides what takes so long.
    fn of(samples: &[Sample], taken: &[Taken], elapsed: Duration) -> Self {
        let nanos = |sample: &Sample| Duration::from_nanos(sample.wall_ns as u64);
        let (iteration, reported) = samples.last().map_or_else(Default::default, |sample| {
            let n_iterations = u32::try_from(sample.n_iterations.max(1)).unwrap_or(u32::MAX);
            (nanos(sample) / n_iterations, nanos(sample))
        });
        let hidden = match taken {
            [] => Duration::ZERO,
            [_] if reported >= PROBING => Duration::ZERO,
            [.., last] => last.took.saturating_sub(reported),
        };
        let later: Duration = taken.iter().skip(1).map(|taken| taken.took).sum();
        let last = taken.last().map(|taken| taken.turn);
        Self {
            pace: Pace {
                sample: iteration.max(SAMPLE) + hidden,
                around: elapsed.saturating_sub(later),
            },
            has_threads: samples::has_threads(last.as_slice()),
        }
    }
}

impl Running {
    /// The samples of a process that has ended; of what Criterion stored alone if it took no turns.
    fn finish(
        self,
        side: SideIndex,
        length: Length,
        turns: Option<&[Turn]>,
    ) -> Result<Vec<Sample>, Broken> {
        let ended = self.process.wait()?;
        if !ended.status.success() {
            return Err(Broken::Failed(panicked(side, ended.words())));
        }
        let samples = samples::stored(&self.home).and_then(|stored| match turns {
            Some(turns) if matches!(length, Length::Quick { .. }) => samples::of_quick_turns(turns),
            Some(turns) => samples::of_turns(turns, &stored),
            None => samples::of_stored(&stored),
        });
        samples.ok_or_else(|| {
            let message = "a sample took no time, it sets an output directory, or it changes its name when it runs";
            Broken::Failed(left_no_samples(side, message))
        })
    }
}

fn arguments(length: Length) -> Vec<String> {
    let seconds = |seconds: f64| seconds.to_string();
    match length {
        Length::Samples(n_samples) => vec![
            "--sample-size".to_owned(),
            n_samples.to_string(),
            "--warm-up-time".to_owned(),
            seconds(WARM_UP.as_secs_f64()),
            "--measurement-time".to_owned(),
            seconds(n_samples as f64 * SAMPLE.as_secs_f64()),
        ],
        Length::Quick { within } => vec![
            "--quick".to_owned(),
            "--measurement-time".to_owned(),
            seconds(within.as_secs_f64()),
        ],
    }
}

/// Why there is no round.
enum Broken {
    /// The case is at fault.
    Failed(CaseFailure),
    /// We are.
    Error(Error),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn broken(side: SideIndex, fault: Fault) -> Broken {
    match fault {
        Fault::Silent(after) => Broken::Failed(timed_out(after)),
        Fault::Garbled => Broken::Failed(panicked(
            side,
            "it did not keep to the protocol of turns".to_owned(),
        )),
        Fault::Stopped => Broken::Error(Error::Interrupted),
    }
}

#[cfg(test)]
mod tests {
    use super::Probe;
    use crate::referee::Taken;
    use crate::samples::of_quick_turns;
    use crate::wire::Turn;
    use std::time::Duration;

    /// What a process tells whose turns report and take so many microseconds, in 40 ms all told.
    fn probe(turns: &[(u64, u64)]) -> [u128; 2] {
        let taken: Vec<Taken> = turns
            .iter()
            .map(|(reported_us, took_us)| Taken {
                turn: Turn {
                    value_ns: *reported_us as f64 * 1e3,
                    cpu_ns: reported_us * 1_000,
                    elsewhere_ns: 0,
                    n_involuntary_switches: 0,
                    n_page_faults: 0,
                },
                took: Duration::from_micros(*took_us),
            })
            .collect();
        let turns: Vec<Turn> = taken.iter().map(|taken| taken.turn).collect();
        let samples = of_quick_turns(&turns).expect("times");
        let probe = Probe::of(&samples, &taken, Duration::from_millis(40));
        [probe.pace.sample.as_micros(), probe.pace.around.as_micros()]
    }

    #[test]
    fn a_sample_takes_what_its_turn_takes_and_not_what_it_reports() {
        // Short iterations: as many as a sample holds, and the hand-over.
        let short = [(20, 9_000), (40, 55), (80, 95), (160, 175)];
        assert_eq!(probe(&short), [125 + 15, 40_000 - 325]);
        // Of long ones one is a sample, and the start of the process is not in it.
        assert_eq!(probe(&[(7_000, 16_000)]), [7_000, 40_000]);
        // CPU time of one Query, of a population that takes 30 ms to make: alone in its turn, and not.
        assert_eq!(probe(&[(42, 39_000)]), [125 + 38_958, 40_000]);
        let twice = [(42, 12_000), (84, 3_084)];
        assert_eq!(probe(&twice), [125 + 3_000, 40_000 - 3_084]);
    }
}

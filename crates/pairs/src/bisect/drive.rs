//! A search from its first step to its end: asks the probe what the core wants to know, and remembers every answer.

use super::memory::Memory;
use super::{Answer, Next, Verdict, next};
use crate::error::Error;

/// Measures commits; the one behind it runs pair mode.
pub trait Probe {
    /// Holds the commit at this place, from one, against the good one.
    fn probe(&mut self, place: usize) -> Result<Verdict, Error>;
}

/// What happens during a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// So many answers of an earlier, interrupted search are taken as they are.
    Resumed {
        /// How many.
        n_answers: usize,
    },
    /// The commit at this place is measured now.
    Measuring {
        /// The place, from one.
        place: usize,
        /// The earliest place that can still be guilty as good as surely.
        first: usize,
        /// The latest.
        last: usize,
    },
    /// It came to this.
    Answered(Answer),
}

/// What a search came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Found {
    /// The bad commit was not seen to be slower than the good one, so there is nothing to look for.
    BadIsNotSlower(Verdict),
    /// One of these is guilty; a single one if they are the same.
    Guilty {
        /// The earliest place, from one.
        first: usize,
        /// The latest.
        last: usize,
        /// The chance that it is among them.
        chance: f64,
    },
}

/// Searches until the guilty commit is known, or no further commit could tell.
///
/// An error, an interruption among them, leaves all answers in the memory, and the same call goes on from there.
pub fn follow(
    n_commits: usize,
    probe: &mut dyn Probe,
    memory: &mut Memory,
    tell: &mut dyn FnMut(Step),
) -> Result<Found, Error> {
    let n_answers = memory.answers().len();
    if n_answers > 0 {
        tell(Step::Resumed { n_answers });
    }
    // The bad commit first: what is not slower cannot be looked for.
    let verdict = match memory.answers().first() {
        Some(answer) => answer.verdict,
        None => {
            tell(Step::Measuring {
                place: n_commits,
                first: 1,
                last: n_commits,
            });
            ask(n_commits, probe, memory, tell)?
        }
    };
    if verdict != Verdict::Slower {
        memory.forget()?;
        return Ok(Found::BadIsNotSlower(verdict));
    }
    loop {
        let (first, last, _) = super::range(n_commits, memory.answers());
        match next(n_commits, memory.answers()) {
            Next::Measure(place) => {
                tell(Step::Measuring { place, first, last });
                ask(place, probe, memory, tell)?;
            }
            Next::Guilty {
                first,
                last,
                chance,
            } => {
                memory.forget()?;
                return Ok(Found::Guilty {
                    first,
                    last,
                    chance,
                });
            }
        }
    }
}

fn ask(
    place: usize,
    probe: &mut dyn Probe,
    memory: &mut Memory,
    tell: &mut dyn FnMut(Step),
) -> Result<Verdict, Error> {
    let verdict = probe.probe(place)?;
    let answer = Answer { place, verdict };
    memory.remember(answer)?;
    tell(Step::Answered(answer));
    Ok(verdict)
}

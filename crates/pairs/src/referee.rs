//! The referee: gives the turns, so that a dead or silent process is seen at once and time-outs live in one place.

use std::time::{Duration, Instant};

use crate::peer::{Answer, Fault, Peer, Surroundings};
use crate::wire::Turn;

/// One of the two processes: 0 is the base, 1 the candidate.
pub(crate) type SideIndex = usize;

/// How long a process may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For its first turn: loading, set-up and warm-up.
    pub first: Duration,
    /// For each later turn, and for the end after the last.
    pub later: Duration,
}

impl Default for Patience {
    /// Populations of the largest cases take a few seconds; a sample of the slowest case about one.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(60),
            later: Duration::from_secs(20),
        }
    }
}

impl Patience {
    fn of_turn(&self, n_taken: usize) -> Duration {
        if n_taken == 0 { self.first } else { self.later }
    }
}

/// One of the two processes that take turns, and what is around it.
pub(crate) struct Player<'a> {
    pub(crate) peer: &'a mut Peer,
    pub(crate) around: &'a mut dyn Surroundings,
}

/// Gives turns to both processes alternately until both have ended.
///
/// A process that ends early, well or by a panic, does not stop the other, which has only its own samples left to take.
pub(crate) fn alternate(
    players: &mut [Player<'_>; 2],
    first: SideIndex,
    patience: &Patience,
) -> Result<[Vec<Turn>; 2], (SideIndex, Fault)> {
    let mut turns = [Vec::new(), Vec::new()];
    let mut has_ended = [false; 2];
    let mut side = first;
    while !(has_ended[0] && has_ended[1]) {
        if !has_ended[side] {
            let Player { peer, around } = &mut players[side];
            let answer = peer.turn(patience.of_turn(turns[side].len()), &mut **around);
            match answer.map_err(|fault| (side, fault))? {
                Answer::Sample(turn) => turns[side].push(turn),
                Answer::Ended => has_ended[side] = true,
            }
        }
        side = 1 - side;
    }
    Ok(turns)
}

/// A turn, and how long it was waited for: for the first one, with all that a process does before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Taken {
    pub(crate) turn: Turn,
    pub(crate) took: Duration,
}

/// Gives one process all the turns it wants.
pub(crate) fn alone(
    peer: &mut Peer,
    patience: &Patience,
    around: &mut dyn Surroundings,
) -> Result<Vec<Taken>, Fault> {
    let mut all = Vec::new();
    loop {
        let began = Instant::now();
        match peer.turn(patience.of_turn(all.len()), around)? {
            Answer::Sample(turn) => all.push(Taken {
                turn,
                took: began.elapsed(),
            }),
            Answer::Ended => return Ok(all),
        }
    }
}

#[cfg(test)]
mod tests;

//! The conversation with fakes at the other end: quick ones, silent ones, dead ones, and ones that talk nonsense.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::{Patience, Player, alone, alternate};
use crate::peer::{Fault, Peer, Surroundings};
use crate::wire::{Message, Turn, VERSION};

const PATIENCE: Patience = Patience {
    first: Duration::from_millis(300),
    later: Duration::from_millis(200),
};

/// Who took each turn, in order.
type Journal = Arc<Mutex<Vec<usize>>>;

struct Calm {
    stopped: bool,
}

impl Surroundings for Calm {
    fn is_gone(&mut self) -> bool {
        false
    }

    fn is_stopped(&self) -> bool {
        self.stopped
    }
}

#[derive(Clone, Copy)]
enum Fake {
    /// Takes so many samples and ends.
    Takes(usize),
    /// Takes so many samples, and then says nothing more, until the wire is cut.
    FallsSilentAfter(usize),
    /// Is gone before it said anything.
    Dead,
    /// Says something else.
    Stranger,
    /// Comes from another version.
    OtherVersion,
    /// Hands in a sample before it said hello.
    Rude,
    /// Dies in the middle of a message.
    CutShort,
}

fn turn(number: usize) -> Turn {
    Turn {
        value_ns: number as f64,
        cpu_ns: 1,
        elsewhere_ns: 0,
        n_involuntary_switches: 0,
        n_page_faults: 0,
    }
}

impl Fake {
    fn start(self, side: usize, journal: &Journal) -> Peer {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        let journal = Arc::clone(journal);
        thread::spawn(move || self.run(theirs, side, &journal));
        Peer::new(ours).expect("a peer")
    }

    fn run(self, mut wire: UnixStream, side: usize, journal: &Journal) {
        let mut byte = [0];
        let mut say = |bytes: &[u8]| wire.write_all(bytes);
        let hello = Message::Hello { version: VERSION }.to_bytes();
        let n_samples = match self {
            Self::Dead => return,
            Self::Stranger => return drop(say(&[b'?'; Message::LENGTH])),
            Self::OtherVersion => {
                return drop(say(&Message::Hello { version: 0 }.to_bytes()));
            }
            Self::Rude => return drop(say(&Message::Sample(turn(0)).to_bytes())),
            Self::CutShort => return drop(say(&hello[..10])),
            Self::Takes(n_samples) | Self::FallsSilentAfter(n_samples) => n_samples,
        };
        drop(say(&hello));
        for number in 0..n_samples {
            if wire.read_exact(&mut byte).is_err() {
                return;
            }
            journal.lock().expect("whole").push(side);
            drop(wire.write_all(&Message::Sample(turn(number)).to_bytes()));
        }
        // The turn after the last sample.
        drop(wire.read_exact(&mut byte));
        if matches!(self, Self::FallsSilentAfter(_)) {
            drop(wire.read_exact(&mut byte));
        }
    }
}

/// Lets two fakes alternate and returns how many samples each handed in, and the order of the turns.
fn check(
    fakes: [Fake; 2],
    first: usize,
    expected: Result<[usize; 2], (usize, Fault)>,
) -> Vec<usize> {
    let journal = Journal::default();
    let mut base = fakes[0].start(0, &journal);
    let mut candidate = fakes[1].start(1, &journal);
    let (mut left, mut right) = (Calm { stopped: false }, Calm { stopped: false });
    let mut players = [
        Player {
            peer: &mut base,
            around: &mut left,
        },
        Player {
            peer: &mut candidate,
            around: &mut right,
        },
    ];
    let got = alternate(&mut players, first, &PATIENCE);
    let counted = got.map(|turns| turns.map(|turns| turns.len()));
    assert_eq!(counted, expected);
    journal.lock().expect("whole").clone()
}

#[test]
fn the_sides_alternate_whoever_is_first() {
    for first in [0, 1] {
        let order = check([Fake::Takes(3), Fake::Takes(3)], first, Ok([3, 3]));
        let expected: Vec<usize> = (0..6).map(|turn| (first + turn) % 2).collect();
        assert_eq!(order, expected);
    }
}

#[test]
fn a_side_that_dies_does_not_stop_the_other() {
    check([Fake::Takes(1), Fake::Takes(4)], 0, Ok([1, 4]));
    check([Fake::Takes(2), Fake::Dead], 1, Ok([2, 0]));
    check([Fake::CutShort, Fake::Takes(2)], 1, Ok([0, 2]));
}

#[test]
fn a_side_that_falls_silent_is_given_up() {
    let silent = Err((1, Fault::Silent(PATIENCE.later)));
    check([Fake::Takes(5), Fake::FallsSilentAfter(2)], 0, silent);
    let silent = Err((0, Fault::Silent(PATIENCE.first)));
    check([Fake::FallsSilentAfter(0), Fake::Takes(5)], 1, silent);
}

#[test]
fn nonsense_is_no_sample() {
    for fake in [Fake::Stranger, Fake::OtherVersion, Fake::Rude] {
        check([Fake::Takes(2), fake], 0, Err((1, Fault::Garbled)));
    }
}

#[test]
fn a_process_alone_gets_all_its_turns() {
    let mut peer = Fake::Takes(4).start(0, &Journal::default());
    let taken = alone(&mut peer, &PATIENCE, &mut Calm { stopped: false }).expect("all");
    let turns: Vec<_> = taken.iter().map(|taken| taken.turn).collect();
    assert_eq!(turns, [0, 1, 2, 3].map(turn));
    assert!(peer.said_hello());
}

#[test]
fn whoever_wants_to_stop_does_not_wait() {
    let mut peer = Fake::FallsSilentAfter(0).start(0, &Journal::default());
    let got = alone(&mut peer, &PATIENCE, &mut Calm { stopped: true });
    assert_eq!(got, Err(Fault::Stopped));
}

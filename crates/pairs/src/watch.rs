//! How a run tells of itself, and learns that it should end; who prints is not its business.

/// What happens during a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// The suites of a side are being built; Cargo talks on stderr meanwhile.
    Building {
        /// The label of the side.
        side: &'a str,
        /// Its commit.
        commit: &'a str,
    },
    /// The suites of a side were built before, and are taken as they are.
    Cached {
        /// The label of the side.
        side: &'a str,
        /// Its commit.
        commit: &'a str,
    },
    /// The instructions of a side are being counted; Cargo and the target talk on stderr meanwhile.
    Counting {
        /// The label of the side.
        side: &'a str,
        /// Its commit.
        commit: &'a str,
    },
    /// The instructions of a side were counted before, and are taken as they are.
    Counted {
        /// The label of the side.
        side: &'a str,
        /// Its commit.
        commit: &'a str,
    },
    /// These suites are the same program on both sides, and need no rounds.
    SameProgram {
        /// The suites, with commas between them.
        suites: &'a str,
    },
    /// Suites would be the same program on both sides, but what they read may differ, so they are measured.
    SameButFiles {
        /// How many suites.
        n_suites: usize,
        /// The first file that differs.
        file: &'a str,
    },
    /// A suite of both sides is linked again, with its functions in other orders.
    Relinking {
        /// The suite.
        suite: &'a str,
        /// How many orders of each side.
        n_layouts: usize,
    },
    /// So many further rounds are planned.
    Planned {
        /// Rounds, each of one case.
        n_rounds: usize,
    },
    /// A round of this case begins.
    Round {
        /// The case.
        case: &'a str,
    },
    /// The round came to its end, well or not.
    RoundDone,
}

/// Watches a run.
pub trait Watch {
    /// Takes note of an event.
    fn note(&self, event: Event<'_>);

    /// Whether the run should end now.
    fn stopped(&self) -> bool;
}

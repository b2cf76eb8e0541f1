//! Words for programs: why a verdict is what it is, and what a note is about.

use serde::{Deserialize, Serialize};

/// Why a verdict is what it is, for programs; the words for people are remarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The baseline has it, and it was not measured.
    NotMeasured,
    /// It was measured, and the baseline does not have it.
    NotInBaseline,
    /// It is on disk, and this run left it out.
    NotRun,
    /// Its suite began and did not come to its end.
    Unfinished,
    /// There is no baseline that holds on this machine.
    NoBaseline,
    /// A time of it is not a positive number, or there are too few for an interval.
    TooLittle,
    /// The base does not have it: new, or renamed.
    MissingInBase,
    /// The candidate does not have it: gone, or renamed.
    MissingInCandidate,
    /// It panicked in the base.
    PanickedInBase,
    /// It panicked in the candidate.
    PanickedInCandidate,
    /// A side did not come to its end in time.
    TimedOut,
    /// A side came to its end and left no samples.
    NoSamples,
    /// Several benchmarks of one side have its id.
    AmbiguousId,
    /// The sides take samples that cannot be held against each other.
    SettingsDiffer,
    /// Both sides run the same program, so nothing was measured.
    SameProgram,
    /// Over other orders of the same functions it is no slower: the layout moved it, not the code.
    Layout,
    /// Orders of its functions differ by more than would tell layout from code.
    LayoutOpen,
    /// The layout alone may have moved it, and nobody has seen it in other orders.
    LayoutUnchecked,
    /// The null control fired, so nothing of the run is judged.
    Contaminated,
    /// Wall time and CPU time say the opposite of each other.
    ClocksDisagree,
    /// Wall time changed and CPU time did not.
    WallTimeAlone,
    /// CPU time changed, and wall time does not show it.
    CpuTimeAlone,
    /// It was accused, and no fresh rounds have been taken, or too few.
    Unconfirmed,
    /// It was accused, and fresh rounds do not agree.
    NotConfirmed,
    /// The interval holds both "nothing" and "something that matters", or the whole run moved.
    Undecided,
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// No wall times are recorded for this class of machines.
    NoBaseline,
    /// The baselines of this class say that they are of another machine.
    OtherMachine,
    /// The machine is the same, and something on it is not.
    Drifted,
    /// No instruction counts are recorded.
    NoCountBaseline,
    /// The instruction counts were recorded with other tools or processor features.
    OtherCountMachine,
    /// No allocations are recorded.
    NoAllocationBaseline,
    /// The allocations were recorded with another compiler or for another architecture.
    OtherAllocationMachine,
    /// Counts that say less than they seem to.
    Lints,
    /// What became of a slowdown that was agreed to.
    Acceptance,
    /// What the instructions of both sides say, or why nobody counted them.
    Counts,
    /// A suite began and did not come to its end.
    Unfinished,
    /// The null control fired more often than chance does.
    Contaminated,
    /// What the null control of a healthy run gave.
    NullControl,
    /// The run was interrupted.
    Interrupted,
    /// Cases that more rounds could decide.
    Open,
    /// Accused cases that wait for fresh rounds.
    Unconfirmed,
    /// Cases whose sides run the same program.
    SameProgram,
    /// An entry of the relevance table that decided nothing.
    IdleRelevance,
}

//! Whether the generator itself spoiled what it measured: window by window, and the run as a whole.
//!
//! Here is the judgement, which is pure; `watch` takes the readings. A spoiled window says nothing about the system
//! under test, and no capacity may be stated from a spoiled run.
//!
//! A window that the hypervisor spoiled is *stolen*: no fault of the generator, and no sign of too much load. The run
//! goes on without it; `run::settling` says which operations are set aside for it. Such a run is suspect, as what was set
//! aside may have been the system's worst: a cloud that rations processors takes them away when the system is busiest.
//!
//! Pressure on the machine as a whole is not looked at: other programs wait without harm to us. What counts is how
//! long our own threads were ready and had no processor, which the kernel counts for each.

pub(crate) mod system;
pub(crate) mod watch;

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Later than this the generator did not follow its schedule, or its event loop did not see what had come.
///
/// Both are errors of the latency that is measured, and of the same size.
const MOST_LAG: Duration = Duration::from_millis(5);

/// Or later than this part of the tightest latency that is promised, if that is more: a bound of a second is not judged
/// otherwise for ten milliseconds.
const MOST_LAG_OF_SLO: f64 = 0.01;

/// Less than this part of what was due was sent in its time, and more than one start was not.
const LEAST_ACHIEVED: f64 = 0.99;

/// More than this part of its processors the generator may not use: bursts would have to wait.
const MOST_CPU: f64 = 0.8;

/// For more than this part of the time some thread of the generator was ready and had no processor.
///
/// On one processor of a virtual machine, 2,000 starts per second wait for 3 to 5 % of the time if the generator has it to
/// itself, and for 8 to 15 % beside a spinner.
const MOST_WAITING: f64 = 0.07;

/// More than this part of the time the hypervisor gave to others.
///
/// What is lost of a window of a second is an error of a latency like any lag, and of waiting for a processor, too: a
/// bound of a minute bears more of both.
const MOST_STEAL: f64 = 0.05;

/// Later than this part of the tightest latency that is promised, the watch showed what was there.
const MOST_WATCH_LAG_OF_SLO: f64 = 0.1;

/// A reading that uses up this part of what is allowed is suspect.
const SUSPECT: f64 = 0.6;

/// A run with more than this part of its windows spoiled is spoiled.
const MOST_SPOILED: f64 = 0.1;

/// A run with more than this part of its windows stolen is spoiled: what is left is too little of it.
const MOST_STOLEN: f64 = 0.5;

/// What the generator knows of itself in one window.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reading {
    /// Operations that were due.
    pub offered: u64,
    /// Of these, sent in time.
    pub achieved: u64,
    /// How late starts were: one in a hundred was later, or one of fewer.
    pub lag_p99: Duration,
    /// CPU time of the generator's threads, as a part of the processors that it may use.
    pub cpu: f64,
    /// The part of the time in which threads of the generator were ready and had no processor.
    pub waiting: f64,
    /// For how long the cgroup was throttled.
    pub throttled: Duration,
    /// The part of the machine's time that the hypervisor gave to others.
    pub steal: f64,
    /// How late the event loop was: one in a hundred looks was later.
    pub loop_lag_p99: Duration,
    /// How late the watch showed what was acknowledged, one in a hundred; unset if there was nothing to see.
    pub watch_lag_p99: Option<Duration>,
    /// Connections that failed for want of ports or file descriptors.
    pub socket_errors: u64,
}

/// Whether a window, or a run, may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The generator did what it had to.
    #[default]
    Valid,
    /// It was near its bounds.
    Suspect,
    /// The hypervisor spoiled it, and not the generator; said of windows alone.
    Stolen,
    /// It spoiled the measurement.
    Invalid,
}

/// Why a window is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It started operations late.
    ScheduleLag,
    /// It started fewer than were due.
    Achieved,
    /// It used too much of its processors.
    Cpu,
    /// It waited for a processor.
    Waiting,
    /// Its cgroup was throttled.
    Throttled,
    /// The hypervisor took the processors away.
    Steal,
    /// Its event loop was late.
    LoopLag,
    /// It saw late what was there.
    WatchLag,
    /// It ran out of ports or file descriptors.
    Sockets,
    /// A worker of the run handed nothing over.
    WorkerLost,
    /// It made more than half of what it can.
    Ceiling,
}

impl Verdict {
    /// In a word, as reports use it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Suspect => "suspect",
            Self::Stolen => "stolen",
            Self::Invalid => "invalid",
        }
    }
}

impl Reason {
    /// What happened, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ScheduleLag => "starts were late",
            Self::Achieved => "starts were missed",
            Self::Cpu => "it used up its processors",
            Self::Waiting => "it waited for a processor",
            Self::Throttled => "its cgroup was throttled",
            Self::Steal => "the hypervisor took processors away",
            Self::LoopLag => "its event loop was late",
            Self::WatchLag => "its watch was late",
            Self::Sockets => "it ran out of ports or file descriptors",
            Self::WorkerLost => "a worker was lost",
            Self::Ceiling => "it made more than half of what it can",
        }
    }
}

/// One window with its judgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// From the begin of the run.
    pub begin: Duration,
    /// What was read.
    pub reading: Reading,
    /// What it means.
    pub verdict: Verdict,
    /// Why it is not valid.
    pub reasons: Vec<Reason>,
}

/// The generator's health in a run; valid if nothing was ever read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Health {
    /// Whether the run may be believed.
    pub verdict: Verdict,
    /// Why not, each once.
    pub reasons: Vec<Reason>,
    /// How late starts were in all windows that were not stolen: one in a hundred was later. Unset if none fell into one.
    pub lag_p99: Option<Duration>,
    /// All windows; in a run of several workers those of each, by their begin.
    pub windows: Vec<Window>,
    /// The numbers of the workers who handed nothing over; such a run is invalid.
    pub lost_workers: Vec<usize>,
    /// The numbers of the workers who made more than half of what they can; such a run is invalid.
    pub overtaxed_workers: Vec<usize>,
    /// Operations per second that the generator can make at most, all workers together; unset if nobody measured it.
    pub ceiling: Option<f64>,
}

impl Health {
    /// How many windows the hypervisor spoiled.
    pub fn n_stolen(&self) -> usize {
        let stolen = |window: &&Window| window.verdict == Verdict::Stolen;
        self.windows.iter().filter(stolen).count()
    }

    /// Whether nothing but lateness spoiled the run, so that no operation failed or went missing for its sake.
    pub(crate) fn is_only_late(&self) -> bool {
        /// What changes the end of an operation, and not its time alone.
        const FATAL: [Reason; 2] = [Reason::Sockets, Reason::WorkerLost];
        !self.reasons.iter().any(|reason| FATAL.contains(reason))
    }

    /// The part of the run that the hypervisor spoiled. Latencies can be set aside; a pace may have been higher by this.
    pub(crate) fn stolen_share(&self) -> f64 {
        self.n_stolen() as f64 / self.windows.len().max(1) as f64
    }
}

/// Judges one reading; `tightest` is the smallest latency that the scenario promises, if it promises any.
pub fn judge(reading: &Reading, tightest: Option<Duration>) -> (Verdict, Vec<Reason>) {
    let seconds = |duration: Duration| duration.as_secs_f64();
    let share_of_slo = |share: f64| tightest.map(|tightest| seconds(tightest) * share);
    let most_lag = seconds(MOST_LAG).max(share_of_slo(MOST_LAG_OF_SLO).unwrap_or(0.0));
    let missed = reading.offered.saturating_sub(reading.achieved) as f64;
    // Fewer than a hundred starts have no hundredth part: one of them may be late.
    let most_missed = ((1.0 - LEAST_ACHIEVED) * reading.offered as f64).max(1.0);
    let watch_lag = reading.watch_lag_p99.map_or(0.0, seconds);
    let most_lost = |share: f64| share.max(share_of_slo(MOST_LAG_OF_SLO).unwrap_or(0.0));
    // Each as a part of what is allowed.
    let used = [
        (Reason::ScheduleLag, seconds(reading.lag_p99) / most_lag),
        (Reason::Achieved, missed / most_missed),
        (Reason::Cpu, reading.cpu / MOST_CPU),
        (Reason::Waiting, reading.waiting / most_lost(MOST_WAITING)),
        (
            Reason::Throttled,
            if reading.throttled.is_zero() {
                0.0
            } else {
                f64::INFINITY
            },
        ),
        (Reason::Steal, reading.steal / most_lost(MOST_STEAL)),
        (Reason::LoopLag, seconds(reading.loop_lag_p99) / most_lag),
        (
            Reason::WatchLag,
            share_of_slo(MOST_WATCH_LAG_OF_SLO).map_or(0.0, |most| watch_lag / most),
        ),
        (
            Reason::Sockets,
            if reading.socket_errors == 0 {
                0.0
            } else {
                f64::INFINITY
            },
        ),
    ];
    let most_used = used.iter().map(|(_, used)| *used).fold(0.0, f64::max);
    let (verdict, from) = if most_used > 1.0 {
        (Verdict::Invalid, 1.0)
    } else if most_used > SUSPECT {
        (Verdict::Suspect, SUSPECT)
    } else {
        return (Verdict::Valid, Vec::new());
    };
    let reasons = used.iter().filter(|(_, used)| *used > from);
    let reasons: Vec<Reason> = reasons.map(|(reason, _)| *reason).collect();
    if verdict == Verdict::Invalid && is_stolen(&reasons) {
        return (Verdict::Stolen, reasons);
    }
    (verdict, reasons)
}

/// Whether the hypervisor alone spoiled the window: whatever was late then was late for it.
fn is_stolen(reasons: &[Reason]) -> bool {
    /// What it does not explain.
    const ELSEWHERE: [Reason; 4] = [
        Reason::Cpu,
        Reason::Waiting,
        Reason::Throttled,
        Reason::Sockets,
    ];
    let is_elsewhere = |reason: &Reason| ELSEWHERE.contains(reason);
    reasons.contains(&Reason::Steal) && !reasons.iter().any(is_elsewhere)
}

/// Judges a run: by its lag in all windows that were not stolen, and by how many of its windows are spoiled.
pub fn judge_run(
    windows: Vec<Window>,
    lag_p99: Option<Duration>,
    tightest: Option<Duration>,
) -> Health {
    let share = tightest.map_or(Duration::ZERO, |tightest| tightest.mul_f64(MOST_LAG_OF_SLO));
    let is_late = lag_p99 > Some(MOST_LAG.max(share));
    let with = |verdict: Verdict| {
        windows
            .iter()
            .filter(move |window| window.verdict == verdict)
    };
    let (n_spoiled, n_stolen) = (
        with(Verdict::Invalid).count(),
        with(Verdict::Stolen).count(),
    );
    let n_left = windows.len() - n_stolen;
    let is_spoiled = n_spoiled as f64 > n_left as f64 * MOST_SPOILED;
    let is_stolen = n_stolen as f64 > windows.len() as f64 * MOST_STOLEN;
    let verdict = if is_late || is_spoiled || is_stolen {
        Verdict::Invalid
    } else if n_spoiled > 0 || n_stolen > 0 || with(Verdict::Suspect).count() > n_left / 2 {
        Verdict::Suspect
    } else {
        Verdict::Valid
    };
    let late = is_late.then_some(Reason::ScheduleLag);
    let mut reasons: Vec<Reason> = windows
        .iter()
        .flat_map(|window| window.reasons.iter().copied())
        .chain(late)
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    if verdict == Verdict::Valid {
        reasons.clear();
    }
    Health {
        verdict,
        reasons,
        lag_p99,
        windows,
        lost_workers: Vec::new(),
        overtaxed_workers: Vec::new(),
        ceiling: None,
    }
}

#[cfg(test)]
mod tests;

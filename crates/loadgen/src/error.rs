//! Why a scenario cannot be used, a driver cannot drive, and workers do not come to one run.

use std::path::PathBuf;
use std::time::Duration;

/// What is wrong with a scenario file; every message names the file, the place and the mend.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// No scenario has that name.
    #[error("no scenario {name:?}; there are: {known}; or give the path of a .toml file")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The file cannot be read.
    #[error("cannot read scenario {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The text is not TOML, lacks a field, or has one that no scenario has.
    #[error("scenario {} does not parse", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, column and the fields that are known there.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The text parses, but no run could follow it.
    #[error("scenario {}: {place}: {reason}", path.display())]
    Impossible {
        /// The file.
        path: PathBuf,
        /// The table or field, such as `closed.users`.
        place: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
}

/// Why a driver cannot drive.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// Nobody answers, or not in time.
    #[error("cannot reach {system}: {reason}; is it running, and is that its address?")]
    Unreachable {
        /// What was to be reached.
        system: String,
        /// What went wrong.
        reason: String,
    },
    /// The system answers, and forbids it.
    #[error("not allowed to {action}: {reason}; grant the verb to the account of the kubeconfig")]
    Forbidden {
        /// What was forbidden.
        action: String,
        /// The server's words.
        reason: String,
    },
    /// The system does not know Queries.
    #[error(
        "cannot find the definition of Query ({crd}): {reason}; install it, such as with `plimsoll crd | kubectl apply -f -`"
    )]
    NoDefinition {
        /// The name of the definition.
        crd: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The file with the objects of the set-up is wrong.
    #[error("{place}: {reason}")]
    Setup {
        /// The file, and the document in it.
        place: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The address of an endpoint, or the key to it, is none.
    #[error("{place}: {reason}")]
    Endpoint {
        /// Which it is.
        place: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The scenario names an operation that the platform does not have.
    #[error("{platform} has no operation {operation:?}; it has {known}")]
    Operation {
        /// As the scenario names it.
        operation: String,
        /// Whose operations are meant.
        platform: &'static str,
        /// Those that there are.
        known: String,
    },
    /// The system answers, and not as it should.
    #[error("failed to {action}: {reason}")]
    Refused {
        /// What was asked.
        action: String,
        /// The server's words.
        reason: String,
    },
    /// Some workers of a run did not come to the begin.
    #[error(
        "cannot begin run {run}: no sign of worker {workers} within {waited:?}; look at their pods, or wait longer with --wait-for-workers"
    )]
    Absent {
        /// The run.
        run: String,
        /// The numbers of those who are not there.
        workers: String,
        /// How long they were waited for.
        waited: Duration,
    },
    /// Somebody else has the place, or had it in an earlier run of the same name.
    #[error(
        "cannot be {worker} in run {run}: {object} is there already; remove what an earlier run has left, or name another with --run"
    )]
    Taken {
        /// Who wants to be.
        worker: String,
        /// The run.
        run: String,
        /// What is there.
        object: String,
    },
    /// The clocks of the workers differ by too much for a common begin.
    #[error("cannot begin with the other workers: {reason}; set the clocks of all machines by NTP")]
    Clock {
        /// By how much, and which way.
        reason: String,
    },
}

impl DriverError {
    /// The system under test was out of reach, or the other workers were: no wrong input.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Absent { .. })
    }
}

/// Why workers do not come to one run.
#[derive(Debug, thiserror::Error)]
pub enum WorkersError {
    /// A closed load has too few users to share.
    #[error(
        "cannot share {users} users among {workers} workers; take at most {users}, or give the scenario more users"
    )]
    TooFewUsers {
        /// The users of the load.
        users: usize,
        /// How many want some.
        workers: usize,
    },
    /// A file with a part cannot be read.
    #[error("cannot read part {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A part is not whole, or none at all.
    #[error(
        "part {place} does not parse: {reason}; it was cut off or changed, and its worker has to run again"
    )]
    Malformed {
        /// The file or the object.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A part was written by another version.
    #[error(
        "part {place} is of version {found}, and this plimsoll reads version {known}; use one version for all workers and the gatherer"
    )]
    Version {
        /// The file or the object.
        place: String,
        /// Its version.
        found: u64,
        /// Ours.
        known: u64,
    },
    /// A part belongs elsewhere.
    #[error(
        "part {place} is of another {what}: {is}, where {expected} was expected; gather the parts of one run, with the arguments of that run"
    )]
    Foreign {
        /// The file or the object.
        place: String,
        /// What is not the same, such as `run`, `scenario` or `seed`.
        what: &'static str,
        /// What the part says.
        is: String,
        /// What the others say.
        expected: String,
    },
    /// A worker is there twice.
    #[error("{worker} is there twice: in {first} and in {second}; give each part once")]
    Twice {
        /// Which.
        worker: String,
        /// Where it was found first.
        first: String,
        /// Where it was found again.
        second: String,
    },
    /// There is nothing to merge.
    #[error(
        "found no part of run {run}; have its workers come to their end, and is --run or --namespace the same as theirs?"
    )]
    None {
        /// The run.
        run: String,
    },
    /// A part is too large for the cluster to keep.
    #[error(
        "the part of {worker} has {bytes} bytes, and a ConfigMap keeps {most}; write it to a shared volume with --part FILE"
    )]
    TooLarge {
        /// Whose.
        worker: String,
        /// How large it is, compressed.
        bytes: usize,
        /// How large it may be.
        most: usize,
    },
}

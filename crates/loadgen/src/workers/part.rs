//! What a worker hands over when its share is done: all that a report of the whole needs, and whose part it is.

mod wire;

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use self::wire::WirePart;
use crate::driver::{Capabilities, Findings};
use crate::error::WorkersError;
use crate::health::Health;
use crate::recorder::Recorder;
use crate::report::model::Circumstances;
use crate::run::Ran;
use crate::scenario::Scenario;
use crate::share::Worker;

/// The version of a part that is written, and the only one that is read: parts live as long as one run.
const VERSION: u64 = 3;

/// What one worker found.
#[derive(Debug, Clone)]
pub struct Part {
    /// Whose part it is.
    pub of: Belonging,
    /// What drove the system, and with what.
    pub capabilities: Capabilities,
    /// How the scenario was run, and where.
    pub circumstances: Circumstances,
    /// All samples.
    pub recorder: Recorder,
    /// Whether this worker may be believed, and its ceiling, against which the one who gathers holds it.
    pub health: Health,
    /// What came to light afterwards.
    pub findings: Findings,
    /// Operations that were started.
    pub started: u64,
    /// From the first intended start of the run to the last end here.
    pub duration: Duration,
    /// It was broken off.
    pub interrupted: bool,
    /// Objects that could not be removed.
    pub left_over: usize,
}

/// Where a part belongs: equal in all parts of a run but for the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belonging {
    /// The name of the run.
    pub run: String,
    /// The [fingerprint] of the scenario.
    pub fingerprint: String,
    /// The seed of the schedule.
    pub seed: u64,
    /// The common begin on the wall clock; unset if there was no barrier.
    pub begin: Option<String>,
    /// Whose part it is.
    pub worker: Worker,
}

impl Part {
    /// The part of a worker that has come to its end.
    ///
    /// What its process used is left out: that is memory and CPU of a generator, and not of the system under test.
    pub fn new(of: Belonging, circumstances: Circumstances, ran: Ran) -> Self {
        Self {
            of,
            capabilities: ran.capabilities,
            circumstances,
            recorder: ran.recorder,
            health: ran.health,
            findings: ran.findings,
            started: ran.started,
            duration: ran.duration,
            interrupted: ran.interrupted,
            left_over: ran.left_over,
        }
    }

    /// As JSON, on one line. Histograms are in HDR's V2 form, deflated, in base64.
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string(&WirePart::new(self)).expect("a part is JSON");
        text.push('\n');
        text
    }

    /// Reads one; `place` is where it came from, for messages.
    ///
    /// # Errors
    /// If it is not whole, not a part, or of another version.
    pub fn parse(place: &str, text: &str) -> Result<Self, WorkersError> {
        /// As much as every version has.
        #[derive(Deserialize)]
        struct Versioned {
            version: u64,
        }
        let malformed = |reason: String| WorkersError::Malformed {
            place: place.to_owned(),
            reason,
        };
        let read = serde_json::from_str(text);
        let Versioned { version } = read.map_err(|error| malformed(error.to_string()))?;
        if version != VERSION {
            return Err(WorkersError::Version {
                place: place.to_owned(),
                found: version,
                known: VERSION,
            });
        }
        let read = serde_json::from_str::<WirePart>(text);
        let wire = read.map_err(|error| malformed(error.to_string()))?;
        wire.into_part().map_err(malformed)
    }

    /// Reads one from a file.
    ///
    /// # Errors
    /// If the file cannot be read; else as [`Part::parse`].
    pub fn read(path: &Path) -> Result<Self, WorkersError> {
        let text = std::fs::read_to_string(path).map_err(|source| WorkersError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&path.display().to_string(), &text)
    }
}

/// Tells scenarios apart as they are run, with all that was changed about them: 32 hexadecimal digits.
///
/// It is made of the form for debugging, which has every field: two versions of this program may differ in it, and
/// then their parts do not come together.
pub fn fingerprint(scenario: &Scenario) -> String {
    let digest = Sha256::digest(format!("{scenario:?}"));
    digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

//! The exit codes, all of them, and nowhere else.

use std::process::ExitCode;

use loadgen::error::DriverError;
use loadgen::judging::Conclusion;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Fine.
    Fine = 0,
    /// Something regressed, or a promise was missed.
    Regressed = 1,
    /// Wrong usage or input.
    BadInput = 2,
    /// Could not tell.
    CouldNotTell = 3,
    /// The load generator spoiled the run.
    GeneratorSpoiled = 4,
    /// The system under test was out of reach.
    OutOfReach = 5,
}

/// A suite did not build or did not come to its end: nothing can be said, and no input was wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SuiteFailed(pub(crate) String);

impl Exit {
    /// The code for an error that ended a command.
    pub(crate) fn of_error(error: &anyhow::Error) -> Self {
        let of_driver = error.downcast_ref::<DriverError>();
        if error.is::<SuiteFailed>() {
            Self::CouldNotTell
        } else if of_driver.is_some_and(DriverError::is_unreachable) {
            Self::OutOfReach
        } else {
            Self::BadInput
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<results::comparison::Outcome> for Exit {
    fn from(outcome: results::comparison::Outcome) -> Self {
        use results::comparison::Outcome;
        match outcome {
            Outcome::Fine => Self::Fine,
            Outcome::Regressed => Self::Regressed,
            Outcome::CouldNotTell => Self::CouldNotTell,
        }
    }
}

impl From<Conclusion> for Exit {
    fn from(conclusion: Conclusion) -> Self {
        match conclusion {
            Conclusion::Fine => Self::Fine,
            Conclusion::Missed => Self::Regressed,
            Conclusion::CouldNotTell => Self::CouldNotTell,
            Conclusion::Spoiled => Self::GeneratorSpoiled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, SuiteFailed};

    #[test]
    fn the_codes_are_those_of_the_design() {
        let codes = [
            Exit::Fine,
            Exit::Regressed,
            Exit::BadInput,
            Exit::CouldNotTell,
            Exit::GeneratorSpoiled,
            Exit::OutOfReach,
        ];
        assert_eq!(codes.map(|exit| exit as u8), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_failed_suite_is_no_bad_input() {
        let failed = anyhow::Error::new(SuiteFailed("it panicked".to_owned()));
        assert_eq!(Exit::of_error(&failed), Exit::CouldNotTell);
        assert_eq!(
            Exit::of_error(&anyhow::anyhow!("no such file")),
            Exit::BadInput
        );
    }
}

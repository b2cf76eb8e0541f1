//! What an error of the Kubernetes API means for a run.

use std::time::Duration;

use kube::Error;

use crate::driver::End;
use crate::error::DriverError;

/// Why work before or after the load failed.
pub(crate) fn refused(action: &str, error: &Error) -> DriverError {
    let action = action.to_owned();
    match error {
        Error::Api(status) if status.code == 401 || status.code == 403 => DriverError::Forbidden {
            action,
            reason: status.message.clone(),
        },
        Error::Api(status) => DriverError::Refused {
            action,
            reason: status.message.clone(),
        },
        other => unreachable(chain(other)),
    }
}

/// A request was not answered in time.
pub(crate) fn no_reply(action: &str, patience: Duration) -> DriverError {
    unreachable(format!("no reply to {action} within {patience:?}"))
}

/// The API itself was out of reach.
pub(super) fn unreachable(reason: String) -> DriverError {
    DriverError::Unreachable {
        system: "the Kubernetes API".to_owned(),
        reason,
    }
}

/// The end of an operation whose Query was not taken in.
pub(super) fn denied(error: &Error) -> End {
    let Error::Api(status) = error else {
        return End::Failed(chain(error));
    };
    match status.code {
        429 => End::DeniedByRate,
        403 if status.message.contains("exceeded quota") => End::DeniedByCap,
        _ => End::Failed(status.message.clone()),
    }
}

/// An error with its causes: the outermost of a connection error says nothing.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

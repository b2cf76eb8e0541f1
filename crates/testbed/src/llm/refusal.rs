//! What a stub says when it does not answer: a status, an error body and the time to retry.

use std::{borrow::Cow, time::Duration};

use crate::llm::{
    call::Call,
    reply,
    script::{Fault, RetryAfter},
};

/// An error in the shape of OpenAI's.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The value of the `retry-after` header.
    pub(crate) retry_after: Option<String>,
    message: String,
    kind: &'static str,
    code: &'static str,
}

impl Refusal {
    pub(crate) fn new(
        status: u16,
        message: impl Into<String>,
        kind: &'static str,
        code: &'static str,
    ) -> Self {
        Self {
            status,
            retry_after: None,
            message: message.into(),
            kind,
            code,
        }
    }

    pub(crate) fn no_such_path() -> Self {
        Self::invalid(404, "no such path", "not_found")
    }

    pub(crate) fn no_request(error: &serde_json::Error) -> Self {
        let message = format!("the body is no chat completion request: {error}");
        Self::invalid(400, message, "invalid_json")
    }

    pub(crate) fn wrong_key() -> Self {
        Self::invalid(401, "incorrect API key provided", "invalid_api_key")
    }

    pub(crate) fn overloaded() -> Self {
        let message = "the server is overloaded: all slots and places in the queue are taken";
        Self::new(503, message, "server_error", "server_is_overloaded")
    }

    /// The refusal that a fault consists of, if it does.
    pub(crate) fn by(fault: Fault, call: &Call<'_>) -> Option<Self> {
        let model = &call.model;
        Some(match fault {
            Fault::RateLimited(wait) => {
                let message = format!("rate limit reached for {model}");
                let mut refusal = Self::new(429, message, "requests", "rate_limit_exceeded");
                refusal.retry_after = match wait {
                    RetryAfter::Absent => None,
                    RetryAfter::Seconds(seconds) => Some(seconds.to_string()),
                    RetryAfter::DateIn(wait) => Some(date_in(wait)),
                };
                refusal
            }
            Fault::QuotaExhausted => {
                let message = "you exceeded your current quota";
                Self::new(429, message, "insufficient_quota", "insufficient_quota")
            }
            Fault::Status(status) => {
                let message = format!("the stub was told to answer {status}");
                Self::new(status, message, "server_error", "server_error")
            }
            Fault::Overloaded => Self::overloaded(),
            Fault::ContextLength => {
                let message = format!(
                    "the request has about {} tokens, more than {model} can read",
                    call.n_bytes() / 4
                );
                Self::invalid(400, message, "context_length_exceeded")
            }
            Fault::WrongKey => Self::wrong_key(),
            Fault::ModelNotFound => {
                let message = format!("the model {model} does not exist");
                Self::invalid(404, message, "model_not_found")
            }
            _ => return None,
        })
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        reply::error(&self.message, self.kind, self.code)
    }

    fn invalid(status: u16, message: impl Into<Cow<'static, str>>, code: &'static str) -> Self {
        let message: Cow<'static, str> = message.into();
        Self::new(status, message, "invalid_request_error", code)
    }
}

/// An HTTP date this long from now.
fn date_in(wait: Duration) -> String {
    use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
    let date = Timestamp::now().checked_add(wait).ok();
    date.and_then(|date| {
        DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&date)
            .ok()
    })
    .expect("a script waits for less than a thousand years")
}

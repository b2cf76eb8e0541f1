//! What a span says of an operation.

use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use sha2::{Digest as _, Sha256};

use super::Traces;
use crate::outcome::Outcome;
use crate::run::Ended;

/// The name of the service, unless a collector is told otherwise.
const SERVICE: &str = "plimsoll";

impl Traces {
    pub(super) fn span(&self, ended: &Ended<'_>) -> Span {
        let at = |time: Duration| self.unix_nanos(ended.begin + time);
        let times = ended.times;
        let events = [
            ("sent", times.sent),
            ("acknowledged", times.acknowledged),
            ("queued", times.queued),
            ("running", times.running),
            ("first_token", times.first_token),
        ];
        let events = events.into_iter().filter_map(|(name, time)| {
            Some(Event {
                time_unix_nano: at(time?),
                name: name.to_owned(),
                ..Event::default()
            })
        });
        let operation = self.operations.get(ended.start.operation);
        let (trace_id, span_id) = ids(&self.run, ended.start.id);
        Span {
            trace_id,
            span_id,
            name: operation.cloned().unwrap_or_else(|| "operation".to_owned()),
            kind: SpanKind::Client.into(),
            start_time_unix_nano: at(times.intended),
            // Nobody saw when it ended: it was given up, or ended unseen, by now.
            end_time_unix_nano: times.done.map_or_else(|| self.now(), at),
            attributes: vec![
                attribute("plimsoll.run", text(self.run.clone())),
                attribute("plimsoll.operation", number(ended.start.id)),
                attribute("plimsoll.tenant", number(ended.start.tenant as u64)),
                attribute("plimsoll.agent", number(ended.start.agent as u64)),
                attribute("plimsoll.outcome", text(ended.outcome.as_str().to_owned())),
            ],
            events: events.collect(),
            status: (ended.outcome != Outcome::Done).then(|| Status {
                message: ended.outcome.as_str().to_owned(),
                code: StatusCode::Error.into(),
            }),
            ..Span::default()
        }
    }

    fn now(&self) -> u64 {
        self.unix_nanos(std::time::Instant::now())
    }
}

/// Sixteen and eight bytes that are the same for the same operation of the same run, and never all zero.
fn ids(run: &str, id: u64) -> (Vec<u8>, Vec<u8>) {
    let digest = Sha256::new()
        .chain_update(run)
        .chain_update(id.to_be_bytes())
        .finalize();
    (digest[..16].to_vec(), digest[16..24].to_vec())
}

pub(super) fn resource() -> Resource {
    Resource {
        attributes: vec![attribute("service.name", text(SERVICE.to_owned()))],
        ..Resource::default()
    }
}

pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(text: String) -> Value {
    Value::StringValue(text)
}

fn number(number: u64) -> Value {
    Value::IntValue(i64::try_from(number).unwrap_or(i64::MAX))
}

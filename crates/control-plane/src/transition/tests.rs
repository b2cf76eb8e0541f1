//! What holds for every Query and every event, and the cases that upstream's clients rely on.

mod cases;
mod properties;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use query_api::dialect::Dialect;
use query_api::go_duration::GoDuration;
use query_api::query::{
    Phase, QUERY_FINALIZER, Query, QuerySpec, QueryStatus, Response, Target, TargetKind, TokenUsage,
};

use super::*;
use crate::execution::Answer;
use crate::execution::error::TargetError;

const ME: &str = "controller-a";
const ANOTHER: &str = "controller-b";
const SOMEBODYS_FINALIZER: &str = "example.com/audit";

/// The moment at which all tests take place.
fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn ago(seconds: u64) -> Timestamp {
    now() - Duration::from_secs(seconds)
}

/// A pending Query with `n_targets` model targets, created just now and touched by nobody.
fn query(dialect: Dialect, n_targets: usize) -> Query {
    let mut targets = (0..n_targets).map(model);
    let spec = match dialect {
        Dialect::Targets => QuerySpec {
            targets: targets.collect(),
            ..QuerySpec::default()
        },
        Dialect::Target => QuerySpec {
            r#type: Some(query_api::query::InputType::User),
            target: targets.next(),
            ..QuerySpec::default()
        },
    };
    let mut query = Query::new("q", spec);
    query.metadata.namespace = Some("ns".to_owned());
    query.metadata.resource_version = Some("7".to_owned());
    query.metadata.creation_timestamp = Some(Time(now()));
    query
}

fn model(index: usize) -> Target {
    Target::new(TargetKind::Model, format!("m{index}"))
}

trait With: Sized {
    fn claimed_by(self, identity: &str) -> Self;
    fn deleting(self) -> Self;
    fn canceling(self) -> Self;
    fn in_phase(self, phase: Phase) -> Self;
    fn completed(self, reason: Reason, at: Timestamp) -> Self;
    fn with_ttl(self, ttl: Duration) -> Self;
    fn with_timeout(self, timeout: Duration) -> Self;
    fn with_selector(self) -> Self;
    fn created(self, at: Timestamp) -> Self;
    fn answered_by(self, target: &Target, tokens: i64) -> Self;
}

impl With for Query {
    fn claimed_by(mut self, identity: &str) -> Self {
        self.metadata.finalizers = Some(vec![
            SOMEBODYS_FINALIZER.to_owned(),
            QUERY_FINALIZER.to_owned(),
        ]);
        self.metadata.annotations = Some(BTreeMap::from([(
            CLAIM_ANNOTATION.to_owned(),
            identity.to_owned(),
        )]));
        self
    }

    fn deleting(mut self) -> Self {
        self.metadata.deletion_timestamp = Some(Time(now()));
        self
    }

    fn canceling(mut self) -> Self {
        self.spec.cancel = true;
        self
    }

    fn in_phase(mut self, phase: Phase) -> Self {
        let status = self.status.get_or_insert_default();
        status.phase = phase;
        if phase == Phase::Other {
            let text = serde_json::Value::from("approval-required");
            status.unknown.insert("phase".to_owned(), text);
        }
        self
    }

    fn completed(mut self, reason: Reason, at: Timestamp) -> Self {
        let status = if reason == Reason::QueryRunning {
            "False"
        } else {
            "True"
        };
        let conditions = &mut self.status.get_or_insert_default().conditions;
        for (type_, status) in [("MemoryDegraded", "True"), ("Completed", status)] {
            conditions.push(Condition {
                last_transition_time: Time(at),
                message: String::new(),
                observed_generation: None,
                reason: reason.to_string(),
                status: status.to_owned(),
                type_: type_.to_owned(),
            });
        }
        self
    }

    fn with_ttl(mut self, ttl: Duration) -> Self {
        self.spec.ttl = Some(GoDuration(ttl));
        self
    }

    fn with_timeout(mut self, timeout: Duration) -> Self {
        self.spec.timeout = Some(GoDuration(timeout));
        self
    }

    fn with_selector(mut self) -> Self {
        self.spec.selector = Some(LabelSelector::default());
        self
    }

    fn created(mut self, at: Timestamp) -> Self {
        self.metadata.creation_timestamp = Some(Time(at));
        self
    }

    fn answered_by(mut self, target: &Target, tokens: i64) -> Self {
        let status: &mut QueryStatus = self.status.get_or_insert_default();
        status.responses.push(answer(target));
        let usage = status.token_usage.get_or_insert_default();
        *usage += used(tokens);
        self
    }
}

fn answer(target: &Target) -> Response {
    Response {
        target: Some(target.clone()),
        content: format!("{target} says hello"),
        phase: Some(Phase::Done),
        ..Response::default()
    }
}

fn used(tokens: i64) -> TokenUsage {
    TokenUsage {
        prompt_tokens: tokens,
        completion_tokens: 1,
        total_tokens: tokens + 1,
        cached_tokens: 0,
    }
}

/// This controller, looking at a Query that it has just read from the server.
fn seen() -> Event<'static> {
    Event::Seen(observer())
}

fn observer() -> Observer<'static> {
    Observer {
        identity: ME,
        inherited: false,
        fresh: true,
        since: now(),
    }
}

fn succeeded(target: &Target, tokens: i64) -> TargetOutcome {
    TargetOutcome {
        target: target.clone(),
        result: Ok(Answer {
            content: format!("{target} says hello"),
            usage: used(tokens),
        }),
        took: Duration::from_millis(3),
        recorded: false,
    }
}

fn failed(target: &Target, error: TargetError) -> TargetOutcome {
    TargetOutcome {
        result: Err(error),
        ..succeeded(target, 0)
    }
}

fn execution(outcomes: Vec<TargetOutcome>) -> Execution {
    Execution {
        outcomes,
        spent: TokenUsage::default(),
        took: Duration::from_millis(1500),
    }
}

/// The effect of a step that must have one.
fn effect(query: &Query, event: &Event<'_>) -> Effect {
    let step = transition(query, event, now());
    step.effect.expect("the step has an effect")
}

/// The status patch of a step that must end the Query.
fn finish(query: &Query, event: &Event<'_>) -> StatusPatch {
    match effect(query, event) {
        Effect::Finish(patch) => patch,
        other => panic!("the Query should end, but: {other:?}"),
    }
}

fn completed_condition(patch: &StatusPatch) -> &Condition {
    let conditions = patch.conditions.iter().flatten();
    conditions
        .into_iter()
        .find(|condition| condition.type_ == "Completed")
        .expect("the patch has a Completed condition")
}

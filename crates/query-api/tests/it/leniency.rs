//! What others may write must be readable, or refused with the place and the reason.

use proptest::prelude::*;
use query_api::dialect::Dialect;
use query_api::query::{
    InputType, Phase, Query, QuerySpec, QueryStatus, Response, Target, TargetKind, TokenUsage,
};
use query_api::tool::{HttpMethod, HttpTool};
use serde_json::{Value, json};
use std::time::Duration;

fn spec(value: Value) -> QuerySpec {
    serde_json::from_value(value).expect("a readable spec")
}

fn status(value: Value) -> QueryStatus {
    serde_json::from_value(value).expect("a readable status")
}

/// The error of a Query read from bytes, as the controller reads it.
fn refusal(value: &Value) -> String {
    let bytes = serde_json::to_vec(value).expect("JSON");
    serde_json::from_slice::<Query>(&bytes)
        .expect_err("an unreadable Query")
        .to_string()
}

#[test]
fn a_query_without_status_is_pending() {
    let query: Query =
        serde_json::from_value(json!({"metadata": {"name": "q"}, "spec": {"input": "hi"}}))
            .expect("a fresh Query");
    assert_eq!(query.phase(), Phase::Pending);
    for empty in [json!({}), json!({"phase": ""}), json!({"phase": null})] {
        assert_eq!(status(empty).phase, Phase::Pending);
    }
}

#[test]
fn a_query_without_spec_is_readable_and_empty() {
    for object in [
        json!({"metadata": {"name": "q"}}),
        json!({"metadata": {"name": "q"}, "spec": null, "status": null}),
    ] {
        let query: Query = serde_json::from_value(object).expect("an empty Query");
        assert_eq!(query.spec, QuerySpec::default());
        assert_eq!(query.phase(), Phase::Pending);
    }
}

#[test]
fn an_unknown_phase_is_kept_and_is_not_terminal() {
    let read = status(json!({
        "phase": "hibernating",
        "responses": [{"content": "", "phase": "half-done"}]
    }));
    assert_eq!(read.phase, Phase::Other);
    assert!(!read.phase.is_terminal());
    assert_eq!(read.unknown["phase"], "hibernating");
    assert_eq!(
        serde_json::to_value(&read).expect("JSON"),
        json!({"phase": "hibernating", "responses": [{"content": "", "phase": "half-done"}]})
    );

    let ended = QueryStatus {
        phase: Phase::Canceled,
        ..read
    };
    let written = serde_json::to_string(&ended).expect("JSON");
    assert_eq!(written.matches("\"phase\":\"canceled\"").count(), 1);
    assert!(!written.contains("hibernating"), "{written}");
}

#[test]
fn a_text_that_is_no_duration_is_kept_and_named() {
    let read = spec(json!({"input": "hi", "timeout": "banana", "ttl": "1h"}));
    assert_eq!(read.timeout, None);
    assert_eq!(
        read.ttl.map(Duration::from),
        Some(Duration::from_secs(3600))
    );
    assert_eq!(
        read.check().expect_err("no duration").to_string(),
        "`spec.timeout`: duration \"banana\" is not a number with a unit, such as `1.5h` or `2m30s`"
    );
    assert_eq!(
        serde_json::to_value(&read).expect("JSON")["timeout"],
        "banana"
    );
    let too_long = spec(json!({"input": "hi", "ttl": "9999999h"}));
    assert!(too_long.check().is_err());
    assert_eq!(spec(json!({"input": "hi", "ttl": "1h"})).check(), Ok(()));
}

#[test]
fn null_is_the_same_as_absent() {
    let read = spec(json!({
        "type": null, "input": null, "parameters": null, "targets": null, "target": null,
        "selector": null, "memory": null, "evaluators": null, "evaluatorSelector": null,
        "serviceAccount": null, "sessionId": null, "conversationId": null, "overrides": null,
        "ttl": null, "timeout": null, "cancel": null
    }));
    assert_eq!(read, QuerySpec::default());
    let read = status(json!({
        "phase": null, "responses": null, "response": null, "evaluations": null,
        "tokenUsage": null, "conversationId": null, "duration": null, "conditions": null
    }));
    assert_eq!(read, QueryStatus::default());
}

#[test]
fn unknown_fields_are_kept_at_every_depth_and_written_back() {
    let object = json!({
        "input": "hi",
        "budget": {"tokens": 5, "per": ["day", null]},
        "parameters": [{"name": "p", "value": "", "secret": true}],
        "overrides": [{"resourceType": "model", "scope": "all"}]
    });
    let read = spec(object.clone());
    assert_eq!(read.unknown["budget"]["tokens"], 5);
    assert_eq!(serde_json::to_value(&read).expect("JSON"), object);
}

#[test]
fn keys_and_texts_with_escapes_are_read_like_any_other() {
    let read: QuerySpec = serde_json::from_str(
        r#"{"in\u0070ut": "tab\there", "t\u0074l": "1\u0068", "odd\nkey": 1}"#,
    )
    .expect("escapes");
    assert_eq!(read.input_text(), "tab\there");
    assert_eq!(
        read.ttl.map(Duration::from),
        Some(Duration::from_secs(3600))
    );
    assert_eq!(read.unknown["odd\nkey"], 1);
}

#[test]
fn a_wrong_type_names_its_path() {
    for (object, place) in [
        (
            json!({"metadata": {}, "spec": {"targets": [{"type": "agent", "name": "a"}, {"type": "agent", "name": 5}]}}),
            "`spec.targets[1].name`: invalid type: integer `5`, expected a string",
        ),
        (
            json!({"metadata": {}, "spec": {"target": {"type": "oracle", "name": "a"}}}),
            "`spec.target.type`: unknown variant `oracle`, expected one of `agent`, `team`, `model`, `tool`",
        ),
        (
            json!({"metadata": {}, "spec": {"targets": [{"name": "a"}]}}),
            "`spec.targets[0]`: missing field `type`",
        ),
        (
            json!({"metadata": {}, "spec": {"targets": {"type": "agent"}}}),
            "`spec.targets`: invalid type: map, expected a list",
        ),
        (
            json!({"metadata": {}, "spec": {"timeout": 30}}),
            "`spec.timeout`: invalid type: integer `30`, expected a string",
        ),
        (
            json!({"metadata": {}, "spec": {"cancel": "yes"}}),
            "`spec.cancel`: invalid type: string \"yes\", expected a boolean",
        ),
        (
            json!({"metadata": {}, "spec": {"parameters": [{"name": "p", "valueFrom": {"serviceRef": {"port": 80}}}]}}),
            "`spec.parameters[0].valueFrom.serviceRef.port`: invalid type: integer `80`, expected a string",
        ),
        (
            json!({"metadata": {}, "spec": ["hi"]}),
            "`spec`: invalid type: sequence, expected an object (QuerySpec)",
        ),
        (
            json!({"metadata": {}, "spec": {}, "status": {"tokenUsage": {"totalTokens": "many"}}}),
            "`status.tokenUsage.totalTokens`: invalid type: string \"many\", expected i64",
        ),
    ] {
        let error = refusal(&object);
        assert!(error.starts_with(place), "{error}");
        assert!(error.contains(" at line 1 column "), "{error}");
    }
}

#[test]
fn truncated_bytes_are_refused_at_every_length() {
    let whole = br#"{"metadata":{},"spec":{"input":"hi","ttl":"5m","targets":[{"type":"agent","name":"a"}]},"status":{"phase":"done","responses":[{"content":"x"}]}}"#;
    assert!(serde_json::from_slice::<Query>(whole).is_ok());
    for length in 0..whole.len() {
        assert!(serde_json::from_slice::<Query>(&whole[..length]).is_err());
    }
}

#[test]
fn other_enums_keep_values_that_upstream_may_add() {
    let read = spec(json!({"type": "voice", "input": "hi"}));
    assert_eq!(read.r#type, Some(InputType::Other("voice".into())));
    assert_eq!(serde_json::to_value(&read).expect("JSON")["type"], "voice");
    let tool: HttpTool =
        serde_json::from_value(json!({"url": "http://a", "method": "QUERY"})).expect("a tool");
    assert_eq!(tool.method, Some(HttpMethod::Other("QUERY".into())));
}

#[test]
fn targets_of_both_dialects_are_found_in_the_order_of_the_spec() {
    let names =
        |spec: &QuerySpec| -> Vec<String> { spec.all_targets().map(ToString::to_string).collect() };
    let older = spec(
        json!({"input": "hi", "targets": [{"type": "team", "name": "b"}, {"type": "agent", "name": "a"}]}),
    );
    assert_eq!(names(&older), ["team/b", "agent/a"]);
    assert_eq!(Dialect::of_query(&older), Dialect::Targets);
    let newer = spec(json!({"input": "hi", "target": {"type": "tool", "name": "t"}}));
    assert_eq!(names(&newer), ["tool/t"]);
    assert_eq!(Dialect::of_query(&newer), Dialect::Target);
    assert_eq!(names(&spec(json!({"input": "hi"}))), [""; 0]);
}

#[test]
fn input_is_text_whatever_its_form() {
    assert_eq!(spec(json!({"input": "hi"})).input_text(), "hi");
    assert_eq!(spec(json!({})).input_text(), "");
    assert_eq!(
        spec(json!({"input": [{"role": "user"}]})).input_text(),
        r#"[{"role":"user"}]"#
    );
}

#[test]
fn an_empty_answer_is_written_all_the_same() {
    let response = Response {
        target: Some(Target::new(TargetKind::Model, "m")),
        ..Response::default()
    };
    assert_eq!(
        serde_json::to_value(&response).expect("JSON"),
        json!({"target": {"type": "model", "name": "m"}, "content": ""})
    );
}

#[test]
fn token_usage_adds_up_and_saturates() {
    let some = TokenUsage {
        prompt_tokens: 1,
        completion_tokens: 2,
        total_tokens: 3,
        cached_tokens: 4,
    };
    let all: TokenUsage = [some, some].into_iter().sum();
    assert_eq!(all.cached_tokens, 8);
    let huge = TokenUsage {
        total_tokens: i64::MAX,
        ..some
    };
    assert_eq!((huge + some).total_tokens, i64::MAX);
    assert_eq!(
        serde_json::to_value(TokenUsage::default()).expect("JSON"),
        json!({})
    );
}

proptest! {
    #[test]
    fn a_number_that_we_do_not_know_comes_out_as_it_went_in(number in any::<f64>()) {
        prop_assume!(number.is_finite());
        let text = format!(r#"{{"input":"hi","temperature":{number:?}}}"#);
        let read: QuerySpec = serde_json::from_str(&text).expect("a readable spec");
        let written = serde_json::to_string(&read).expect("JSON");
        let again: Value = serde_json::from_str(&written).expect("JSON");
        prop_assert_eq!(again["temperature"].as_f64(), Some(number));
    }
}

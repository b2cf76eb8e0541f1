//! What a definition's schema does to objects: pruning, defaults, validation.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::server::{on_every_server, refusal};
use super::shorthand::Shorthand;
use super::widgets::widget_named;

#[test]
fn unknown_fields_are_pruned_where_they_are_not_preserved() {
    on_every_server(|server| async move {
        let spec = json!({
            "size": 1,
            "bogus": true,
            "free": {"any": {"thing": [1, {"x": null}]}},
            "parts": [{"name": "p", "bogus": 1}],
            "limits": {"cpu": 5},
            "steps": [{"do": "a", "bogus": 2}],
        });
        let mut widget = widget_named("a", spec);
        widget.data["surplus"] = json!(1);
        let created = server.widgets().created(&widget).await;
        assert_eq!(created.data.get("surplus"), None);
        let spec = &created.data["spec"];
        assert_eq!(spec.get("bogus"), None);
        assert_eq!(spec["free"], json!({"any": {"thing": [1, {"x": null}]}}));
        assert_eq!(spec["parts"], json!([{"name": "p", "count": 1}]));
        assert_eq!(spec["limits"], json!({"cpu": 5}));
        assert_eq!(spec["steps"], json!([{"do": "a"}]));
    });
}

#[test]
fn defaults_fill_what_is_missing() {
    on_every_server(|server| async move {
        let created = server
            .widgets()
            .created(&widget_named("a", json!({"size": 1, "mode": "fast"})))
            .await;
        let expected = json!({"size": 1, "color": "red", "mode": "fast", "nested": {"depth": 7}});
        assert_eq!(created.data["spec"], expected);
        let created = server
            .widgets()
            .created(&widget_named(
                "b",
                json!({"size": 1, "color": null, "note": null, "nested": {}}),
            ))
            .await;
        let expected = json!({"size": 1, "color": "red", "mode": "slow", "note": null, "nested": {"depth": 7}});
        assert_eq!(created.data["spec"], expected);
    });
}

/// A specification, the field that is wrong in it, and part of the message that says so.
fn check_refused(cases: &[(Value, &str, &str)]) {
    on_every_server(|server| async move {
        for (spec, field, message) in cases {
            let widget = widget_named("a", spec.clone());
            let status = server.widgets().create_refused(&widget).await;
            assert_eq!((status.code, &*status.reason), (422, "Invalid"), "{spec}");
            let begin = "Widget.conformance.plimsoll.dev \"a\" is invalid: ";
            assert!(status.message.starts_with(begin), "{}", status.message);
            assert!(
                status.message.contains(message),
                "{spec}: {}",
                status.message
            );
            let details = status.details.unwrap();
            assert_eq!((&*details.name, &*details.kind), ("a", "Widget"));
            let fields: Vec<&str> = details.causes.iter().map(|cause| &*cause.field).collect();
            assert!(fields.contains(field), "{spec}: {fields:?}");
        }
    });
}

#[test]
fn wrong_types_are_named() {
    check_refused(&[
        (
            json!({"size": "big"}),
            "spec.size",
            "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"",
        ),
        (
            json!({"size": 1.5}),
            "spec.size",
            "spec.size in body must be of type integer: \"number\"",
        ),
        (
            json!({"size": 1, "on": "yes"}),
            "spec.on",
            "spec.on in body must be of type boolean: \"string\"",
        ),
        (
            json!({"size": 1, "tags": "x"}),
            "spec.tags",
            "spec.tags in body must be of type array: \"string\"",
        ),
        (
            json!({"size": 1, "tags": ["a", 5]}),
            "spec.tags[1]",
            "spec.tags[1] in body must be of type string: \"integer\"",
        ),
        (
            json!({"size": 1, "limits": {"cpu": "x"}}),
            "spec.limits.cpu",
            "spec.limits.cpu in body must be of type integer: \"string\"",
        ),
        (
            json!({"size": 1, "port": true}),
            "spec.port",
            "spec.port: Invalid value: \"boolean\": spec.port in body must be of type integer,string: \"boolean\"",
        ),
        (
            json!({"size": 1, "nested": []}),
            "spec.nested",
            "spec.nested in body must be of type object: \"array\"",
        ),
        (json!({"size": null}), "spec.size", "spec.size"),
    ]);
}

#[test]
fn missing_fields_are_named() {
    check_refused(&[
        (json!({}), "spec.size", "spec.size: Required value"),
        (
            json!({"size": 1, "parts": [{"count": 2}]}),
            "spec.parts[0].name",
            "spec.parts[0].name: Required value",
        ),
    ]);
}

#[test]
fn values_out_of_bounds_are_named() {
    check_refused(&[
        (
            json!({"size": -1}),
            "spec.size",
            "spec.size: Invalid value: -1: spec.size in body should be greater than or equal to 0",
        ),
        (
            json!({"size": 101}),
            "spec.size",
            "spec.size: Invalid value: 101: spec.size in body should be less than or equal to 100",
        ),
        (
            json!({"size": 1, "ratio": 0}),
            "spec.ratio",
            "spec.ratio in body should be greater than 0",
        ),
        (
            json!({"size": 1, "code": "a"}),
            "spec.code",
            "spec.code: Invalid value: \"a\": spec.code in body should be at least 2 chars long",
        ),
        (
            json!({"size": 1, "code": "abcdef"}),
            "spec.code",
            "spec.code: Too long: may not be more than 5 bytes",
        ),
        (
            json!({"size": 1, "code": "AB"}),
            "spec.code",
            "spec.code: Invalid value: \"AB\": spec.code in body should match '^[a-z]+$'",
        ),
        (
            json!({"size": 1, "color": "pink"}),
            "spec.color",
            "spec.color: Unsupported value: \"pink\": supported values: \"red\", \"green\", \"blue\"",
        ),
        (
            json!({"size": 1, "tags": ["a", "b", "c", "d"]}),
            "spec.tags",
            "spec.tags: Too many: 4: must have at most 3 items",
        ),
        (
            json!({"size": 1, "since": "yesterday"}),
            "spec.since",
            "spec.since in body must be of type date-time: \"yesterday\"",
        ),
    ]);
}

#[test]
fn duplicates_in_sets_and_maps_are_named() {
    check_refused(&[
        (
            json!({"size": 1, "tags": ["a", "b", "a"]}),
            "spec.tags[2]",
            "spec.tags[2]: Duplicate value: \"a\"",
        ),
        (
            json!({"size": 1, "parts": [{"name": "p"}, {"name": "p"}]}),
            "spec.parts[1]",
            "spec.parts[1]: Duplicate value: ",
        ),
    ]);
}

#[test]
fn combined_schemas_are_checked() {
    check_refused(&[
        (
            json!({"size": 1, "either": {}}),
            "<nil>",
            "must validate one and only one schema (oneOf)",
        ),
        (
            json!({"size": 1, "either": {"a": "x", "b": "y"}}),
            "<nil>",
            "must validate one and only one schema (oneOf)",
        ),
    ]);
}

#[test]
fn all_that_is_wrong_is_listed() {
    on_every_server(|server| async move {
        let spec = json!({"size": -4, "color": "pink"});
        let status = server
            .widgets()
            .create_refused(&widget_named("a", spec))
            .await;
        assert!(
            status.message.contains("is invalid: ["),
            "{}",
            status.message
        );
        let details = status.details.unwrap();
        let mut fields: Vec<&str> = details.causes.iter().map(|cause| &*cause.field).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["spec.color", "spec.size"]);
        let color = details
            .causes
            .iter()
            .find(|cause| cause.field == "spec.color")
            .unwrap();
        assert_eq!(color.reason, "FieldValueNotSupported");
    });
}

#[test]
fn right_values_pass() {
    on_every_server(|server| async move {
        for (index, spec) in [
            json!({"size": 0, "port": 80, "ratio": 0.5, "since": "2026-01-02T03:04:05Z"}),
            json!({"size": 100, "port": "http", "ratio": 3, "since": "2026-01-02T03:04:05.678+01:00"}),
            json!({"size": 5, "note": null, "either": {"a": "x"}, "code": "abc", "tags": []}),
            json!({"size": 5.0}),
        ]
        .into_iter()
        .enumerate()
        {
            let widget = widget_named(&format!("w{index}"), spec);
            let created = server.widgets().created(&widget).await;
            let got = server.widgets().get(&format!("w{index}")).await.unwrap();
            assert_eq!(got.data, created.data);
        }
    });
}

#[test]
fn a_strict_patch_names_unknown_fields() {
    on_every_server(|server| async move {
        server
            .widgets()
            .created(&widget_named("a", json!({"size": 1})))
            .await;
        let strict = PatchParams {
            field_validation: Some(kube::api::ValidationDirective::Strict),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(json!({"spec": {"bogus": 1}}));
        let status = refusal(server.widgets().patch("a", &strict, &patch).await);
        assert!(
            status.message.contains("unknown field \"spec.bogus\""),
            "{}",
            status.message
        );
    });
}

//! Merge patches and JSON patches of the object itself.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::server::{on_every_server, version};
use super::shorthand::{Shorthand, check_refusal, check_refusal_saying};
use super::widgets::{plain, widget_named};

#[test]
fn a_merge_patch_merges_objects_and_replaces_lists() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let spec = json!({"size": 1, "tags": ["a", "b"], "limits": {"cpu": 1, "memory": 2}, "free": {"x": {"y": 1}}});
        widgets.created(&widget_named("a", spec)).await;
        let patch = json!({"spec": {
            "tags": ["c"],
            "limits": {"cpu": null, "disk": 3},
            "free": {"x": {"z": 2}, "n": {"gone": null, "kept": 1}},
        }});
        let patched = widgets.patched("a", &Patch::Merge(patch)).await;
        let spec = &patched.data["spec"];
        assert_eq!(spec["tags"], json!(["c"]));
        assert_eq!(spec["limits"], json!({"memory": 2, "disk": 3}));
        assert_eq!(
            spec["free"],
            json!({"x": {"y": 1, "z": 2}, "n": {"kept": 1}})
        );
    });
}

#[test]
fn a_metadata_patch_leaves_the_rest_alone() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        let patch =
            json!({"metadata": {"labels": {"a": "1"}, "finalizers": ["plimsoll.dev/hold"]}});
        let patched = widgets.patched("a", &Patch::Merge(patch)).await;
        assert_eq!(
            patched.metadata.finalizers,
            Some(vec!["plimsoll.dev/hold".to_owned()])
        );
        assert_eq!(patched.data, created.data);
        assert_eq!(patched.metadata.uid, created.metadata.uid);
        assert_eq!(patched.metadata.generation, Some(1));
        assert!(version(&patched) > version(&created));
        let patch = json!({"metadata": {"labels": {"a": null, "b": "2"}}});
        let patched = widgets.patched("a", &Patch::Merge(patch)).await;
        assert_eq!(
            patched.metadata.labels,
            Some([("b".to_owned(), "2".to_owned())].into())
        );
        let patch = json!({"metadata": {"finalizers": null}});
        let patched = widgets.patched("a", &Patch::Merge(patch)).await;
        assert_eq!(patched.metadata.finalizers, None);
    });
}

#[test]
fn a_patch_cannot_change_identity() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        let renamed = json!({"metadata": {"name": "b"}});
        let status = widgets.patch_refused("a", &Patch::Merge(renamed)).await;
        check_refusal(&status, 400, "BadRequest");
        let other_uid = json!({"metadata": {"uid": "11111111-2222-4333-8444-555555555555"}});
        let status = widgets.patch_refused("a", &Patch::Merge(other_uid)).await;
        check_refusal(&status, 422, "Invalid");
        let unset =
            json!({"metadata": {"uid": null, "creationTimestamp": null, "generation": null}});
        let same = widgets.patched("a", &Patch::Merge(unset)).await;
        assert_eq!(same.metadata.uid, created.metadata.uid);
        assert_eq!(
            same.metadata.creation_timestamp,
            created.metadata.creation_timestamp
        );
    });
}

#[test]
fn a_patch_with_a_version_is_conditional_and_without_one_is_not() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        let blind = json!({"spec": {"size": 2}});
        widgets.patched("a", &Patch::Merge(&blind)).await;
        let based = json!({"metadata": {"resourceVersion": created.metadata.resource_version}, "spec": {"size": 3}});
        let status = widgets.patch_refused("a", &Patch::Merge(&based)).await;
        check_refusal(&status, 409, "Conflict");
        let based = json!({
            "metadata": {"resourceVersion": created.metadata.resource_version, "labels": {"a": "b"}},
        });
        let status = widgets.patch_refused("a", &Patch::Merge(&based)).await;
        check_refusal(&status, 409, "Conflict");
    });
}

#[test]
fn patching_a_missing_object_is_not_found() {
    on_every_server(|server| async move {
        let patch = Patch::Merge(json!({"spec": {"size": 2}}));
        let status = server.widgets().patch_refused("nobody", &patch).await;
        check_refusal(&status, 404, "NotFound");
        let status = server
            .widgets()
            .status_patch_refused("nobody", &patch)
            .await;
        check_refusal(&status, 404, "NotFound");
    });
}

#[test]
fn a_json_patch_applies_its_steps_in_order() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let spec = json!({"size": 1, "tags": ["a", "b"], "free": {"x~/y": 1}});
        widgets.created(&widget_named("a", spec)).await;
        let patched = widgets
            .patched(
                "a",
                &json_patch(json!([
                    {"op": "test", "path": "/spec/size", "value": 1},
                    {"op": "replace", "path": "/spec/size", "value": 4},
                    {"op": "add", "path": "/spec/tags/1", "value": "c"},
                    {"op": "remove", "path": "/spec/tags/0"},
                    {"op": "add", "path": "/spec/tags/-", "value": "d"},
                    {"op": "copy", "from": "/spec/size", "path": "/spec/free/copied"},
                    {"op": "move", "from": "/spec/free/x~0~1y", "path": "/spec/free/moved"},
                    {"op": "add", "path": "/metadata/labels", "value": {"l": "v"}},
                ])),
            )
            .await;
        let spec = &patched.data["spec"];
        assert_eq!(spec["size"], 4);
        assert_eq!(spec["tags"], json!(["c", "b", "d"]));
        assert_eq!(spec["free"], json!({"copied": 4, "moved": 1}));
        assert_eq!(
            patched.metadata.labels,
            Some([("l".to_owned(), "v".to_owned())].into())
        );
        assert_eq!(patched.metadata.generation, Some(2));
    });
}

#[test]
fn a_json_patch_whose_test_fails_changes_nothing() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        for steps in [
            json!([{"op": "replace", "path": "/spec/size", "value": 2}, {"op": "test", "path": "/spec/size", "value": 9}]),
            json!([{"op": "remove", "path": "/spec/nothing"}]),
            json!([{"op": "test", "path": "/spec/nothing", "value": 1}]),
            json!([{"op": "move", "path": "/spec/free", "from": "/spec/nothing"}]),
            json!([{"op": "add", "path": "/spec/free/deep/er", "value": 1}]),
        ] {
            let status = widgets.patch_refused("a", &json_patch(steps.clone())).await;
            assert_eq!((status.code, &*status.reason), (422, "Invalid"), "{steps}");
        }
        let got = widgets.get("a").await.unwrap();
        assert_eq!(version(&got), version(&created));
    });
}

#[test]
fn a_json_patch_may_test_for_absence_with_null() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets.created(&plain("a")).await;
        // This is how kube-runtime adds its first finalizer.
        let first = json!([
            {"op": "test", "path": "/metadata/finalizers", "value": null},
            {"op": "add", "path": "/metadata/finalizers", "value": ["plimsoll.dev/hold"]},
        ]);
        let patched = widgets.patched("a", &json_patch(first.clone())).await;
        assert_eq!(
            patched.metadata.finalizers,
            Some(vec!["plimsoll.dev/hold".to_owned()])
        );
        let status = widgets.patch_refused("a", &json_patch(first)).await;
        assert_eq!(status.code, 422);
        let last = json!([
            {"op": "test", "path": "/metadata/finalizers/0", "value": "plimsoll.dev/hold"},
            {"op": "remove", "path": "/metadata/finalizers/0", "path": "/metadata/finalizers/0"},
        ]);
        let patched = widgets.patched("a", &json_patch(last)).await;
        assert_eq!(patched.metadata.finalizers, None);
    });
}

#[test]
fn an_invalid_result_is_refused_with_its_field() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        let merge = Patch::Merge(json!({"spec": {"size": "large"}}));
        let status = widgets.patch_refused("a", &merge).await;
        check_refusal_saying(&status, 422, "Invalid", "spec.size: Invalid value");
        let steps = json!([{"op": "remove", "path": "/spec/size"}]);
        let status = widgets.patch_refused("a", &json_patch(steps)).await;
        check_refusal_saying(&status, 422, "Invalid", "spec.size: Required value");
        assert_eq!(version(&widgets.get("a").await.unwrap()), version(&created));
    });
}

#[test]
fn a_patch_prunes_and_fills_in_defaults() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets.created(&plain("a")).await;
        let patch = Patch::Merge(
            json!({"spec": {"mode": null, "bogus": 1, "parts": [{"name": "p", "bogus": 2}]}}),
        );
        let patched = widgets.patched("a", &patch).await;
        let spec = &patched.data["spec"];
        assert_eq!(spec["mode"], "slow");
        assert_eq!(spec.get("bogus"), None);
        assert_eq!(spec["parts"], json!([{"name": "p", "count": 1}]));
    });
}

#[test]
fn a_dry_run_of_a_patch_stores_nothing() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        let dry = PatchParams {
            dry_run: true,
            ..PatchParams::default()
        };
        let patch = Patch::Merge(json!({"spec": {"size": 33}}));
        let answered = widgets.patch("a", &dry, &patch).await.unwrap();
        assert_eq!(answered.data["spec"]["size"], 33);
        let patch = Patch::Merge(json!({"status": {"phase": "done"}}));
        let answered = widgets.patch_status("a", &dry, &patch).await.unwrap();
        assert_eq!(answered.data["status"]["phase"], "done");
        let got = widgets.get("a").await.unwrap();
        assert_eq!(version(&got), version(&created));
    });
}

#[test]
fn a_strategic_merge_patch_is_not_for_custom_resources() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets.created(&plain("a")).await;
        let patch = Patch::Strategic(json!({"spec": {"size": 2}}));
        let status = widgets.patch_refused("a", &patch).await;
        check_refusal(&status, 415, "UnsupportedMediaType");
    });
}

/// The steps as kube's own type of patch.
fn json_patch(steps: Value) -> Patch<()> {
    Patch::Json(serde_json::from_value(steps).unwrap())
}

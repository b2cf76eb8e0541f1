//! Replacing objects: optimistic locking, generations, changes that change nothing.

use kube::api::{DynamicObject, Patch, PostParams};
use serde_json::json;

use super::server::{on_every_server, refusal, version};
use super::shorthand::{Shorthand, check_refusal, check_refusal_saying};
use super::widgets::plain;

#[test]
fn a_replacement_based_on_an_old_version_conflicts() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        let mut first = created.clone();
        first.data["spec"]["size"] = json!(2);
        widgets
            .replace("a", &PostParams::default(), &first)
            .await
            .unwrap();
        let status = refusal(widgets.replace("a", &PostParams::default(), &first).await);
        check_refusal(&status, 409, "Conflict");
        assert_eq!(
            status.message,
            "Operation cannot be fulfilled on widgets.conformance.plimsoll.dev \"a\": the object has been modified; please apply your changes to the latest version and try again"
        );
        let details = status.details.unwrap();
        assert_eq!(
            (&*details.name, &*details.group, &*details.kind),
            ("a", "conformance.plimsoll.dev", "widgets")
        );
    });
}

#[test]
fn a_replacement_needs_a_resource_version() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets.created(&plain("a")).await;
        let status = refusal(
            widgets
                .replace("a", &PostParams::default(), &plain("a"))
                .await,
        );
        check_refusal_saying(
            &status,
            422,
            "Invalid",
            "metadata.resourceVersion: Invalid value: ",
        );
        assert!(
            status.message.contains("must be specified for an update"),
            "{}",
            status.message
        );
    });
}

#[test]
fn replacing_a_missing_object_is_not_found() {
    on_every_server(|server| async move {
        let mut widget = plain("a");
        widget.metadata.resource_version = Some("1".to_owned());
        let status = refusal(
            server
                .widgets()
                .replace("a", &PostParams::default(), &widget)
                .await,
        );
        check_refusal(&status, 404, "NotFound");
    });
}

#[test]
fn replacing_under_another_name_is_a_bad_request() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let mut created = widgets.created(&plain("a")).await;
        created.metadata.name = Some("b".to_owned());
        let status = refusal(widgets.replace("a", &PostParams::default(), &created).await);
        check_refusal(&status, 400, "BadRequest");
        assert_eq!(
            status.message,
            "the name of the object (b) does not match the name on the URL (a)"
        );
    });
}

#[test]
fn another_uid_is_a_conflict() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let mut created = widgets.created(&plain("a")).await;
        created.metadata.uid = Some("11111111-2222-4333-8444-555555555555".to_owned());
        created.data["spec"]["size"] = json!(9);
        let status = refusal(widgets.replace("a", &PostParams::default(), &created).await);
        check_refusal_saying(&status, 409, "Conflict", "UID in precondition");
    });
}

#[test]
fn the_generation_counts_changes_of_the_specification_only() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let merge = |patch| async { widgets.patched("a", &Patch::Merge(patch)).await };
        widgets.created(&plain("a")).await;
        let labelled =
            merge(json!({"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}})).await;
        assert_eq!(labelled.metadata.generation, Some(1));
        let sized = merge(json!({"spec": {"size": 5}})).await;
        assert_eq!(sized.metadata.generation, Some(2));
        let same = merge(json!({"spec": {"size": 5}})).await;
        assert_eq!(same.metadata.generation, Some(2));
        let set = merge(json!({"metadata": {"generation": 40}, "spec": {"size": 6}})).await;
        assert_eq!(set.metadata.generation, Some(3));
    });
}

#[test]
fn a_change_that_changes_nothing_keeps_the_version() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        let same = widgets
            .replace("a", &PostParams::default(), &created)
            .await
            .unwrap();
        assert_eq!(version(&same), version(&created));
        for patch in [
            json!({}),
            json!({"metadata": {"labels": null}}),
            json!({"spec": {"color": "red"}}),
        ] {
            let same = widgets.patched("a", &Patch::Merge(patch)).await;
            assert_eq!(version(&same), version(&created));
        }
        let mut reordered = created.clone();
        reordered.data =
            json!({"spec": {"nested": {"depth": 7}, "mode": "slow", "color": "red", "size": 1}});
        let same = widgets
            .replace("a", &PostParams::default(), &reordered)
            .await
            .unwrap();
        assert_eq!(version(&same), version(&created));
    });
}

#[test]
fn system_fields_survive_a_replacement_without_them() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        let mut bare: DynamicObject = plain("a");
        bare.metadata.resource_version = created.metadata.resource_version.clone();
        bare.data["spec"]["size"] = json!(8);
        let replaced = widgets
            .replace("a", &PostParams::default(), &bare)
            .await
            .unwrap();
        assert_eq!(replaced.metadata.uid, created.metadata.uid);
        assert_eq!(
            replaced.metadata.creation_timestamp,
            created.metadata.creation_timestamp
        );
        assert_eq!(replaced.metadata.generation, Some(2));
        assert_eq!(replaced.metadata.namespace, created.metadata.namespace);
    });
}

#[test]
fn a_dry_run_of_a_replacement_stores_nothing() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let mut created = widgets.created(&plain("a")).await;
        created.data["spec"]["size"] = json!(60);
        let dry = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let answered = widgets.replace("a", &dry, &created).await.unwrap();
        assert_eq!(answered.data["spec"]["size"], 60);
        assert_eq!(answered.metadata.generation, Some(2));
        assert_eq!(version(&answered), version(&created));
        let got = widgets.get("a").await.unwrap();
        assert_eq!(got.data["spec"]["size"], 1);
        assert_eq!(version(&got), version(&created));
    });
}

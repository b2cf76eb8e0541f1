//! Server-side apply.

use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use super::server::{Server, on_every_server, refusal, version};
use super::shorthand::{Shorthand, check_refusal, check_refusal_saying};
use super::widgets::plain;

fn config(mut fields: Value) -> Value {
    fields["apiVersion"] = json!("conformance.plimsoll.dev/v1");
    fields["kind"] = json!("Widget");
    fields["metadata"]["name"] = json!("a");
    fields
}

async fn apply(server: &Server, manager: &str, fields: Value) -> kube::Result<DynamicObject> {
    let patch = Patch::Apply(config(fields));
    server
        .widgets()
        .patch("a", &PatchParams::apply(manager), &patch)
        .await
}

#[test]
fn an_apply_creates_and_notes_its_manager() {
    on_every_server(|server| async move {
        let fields = json!({"metadata": {"labels": {"l": "v"}}, "spec": {"size": 2}});
        let applied = apply(&server, "one", fields.clone()).await.unwrap();
        assert_eq!(applied.data["spec"]["mode"], "slow");
        assert_eq!(applied.metadata.generation, Some(1));
        let owners = applied.metadata.managed_fields.clone().unwrap();
        assert_eq!(owners.len(), 1);
        assert_eq!(owners[0].manager.as_deref(), Some("one"));
        assert_eq!(owners[0].operation.as_deref(), Some("Apply"));
        let owned = &owners[0].fields_v1.as_ref().unwrap().0;
        assert_eq!(
            owned,
            &json!({"f:metadata": {"f:labels": {"f:l": {}}}, "f:spec": {"f:size": {}}})
        );
        let again = apply(&server, "one", fields).await.unwrap();
        assert_eq!(version(&again), version(&applied));
    });
}

#[test]
fn an_apply_changes_and_removes_its_own_fields_only() {
    on_every_server(|server| async move {
        apply(
            &server,
            "one",
            json!({"spec": {"size": 2, "code": "abc", "limits": {"cpu": 1}}}),
        )
        .await
        .unwrap();
        apply(
            &server,
            "two",
            json!({"spec": {"on": true, "limits": {"disk": 2}}}),
        )
        .await
        .unwrap();
        let applied = apply(&server, "one", json!({"spec": {"size": 3}}))
            .await
            .unwrap();
        let spec = &applied.data["spec"];
        assert_eq!(spec["size"], 3);
        assert_eq!(spec.get("code"), None);
        assert_eq!(spec["on"], true);
        assert_eq!(spec["limits"], json!({"disk": 2}));
    });
}

#[test]
fn another_managers_field_is_a_conflict_without_force() {
    on_every_server(|server| async move {
        apply(&server, "one", json!({"spec": {"size": 2}}))
            .await
            .unwrap();
        let status = refusal(apply(&server, "two", json!({"spec": {"size": 5}})).await);
        check_refusal(&status, 409, "Conflict");
        assert_eq!(
            status.message,
            "Apply failed with 1 conflict: conflict with \"one\": .spec.size"
        );
        let cause = &status.details.unwrap().causes[0];
        assert_eq!(
            (&*cause.reason, &*cause.field),
            ("FieldManagerConflict", ".spec.size")
        );
        let same = apply(&server, "two", json!({"spec": {"size": 2}}))
            .await
            .unwrap();
        assert_eq!(same.metadata.managed_fields.unwrap().len(), 2);
        let forced = Patch::Apply(config(json!({"spec": {"size": 5}})));
        let forced = server
            .widgets()
            .patch("a", &PatchParams::apply("two").force(), &forced)
            .await
            .unwrap();
        assert_eq!(forced.data["spec"]["size"], 5);
        let owners = forced.metadata.managed_fields.unwrap();
        assert_eq!(owners.len(), 1);
        assert_eq!(owners[0].manager.as_deref(), Some("two"));
    });
}

#[test]
fn an_update_takes_a_field_from_its_applier() {
    on_every_server(|server| async move {
        apply(&server, "one", json!({"spec": {"size": 2, "code": "abc"}}))
            .await
            .unwrap();
        let params = PatchParams {
            field_manager: Some("editor".to_owned()),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(json!({"spec": {"size": 7}}));
        let patched = server.widgets().patch("a", &params, &patch).await.unwrap();
        let owner = |manager: &str| {
            let owners = patched.metadata.managed_fields.as_ref().unwrap();
            let found = owners
                .iter()
                .find(|owner| owner.manager.as_deref() == Some(manager));
            found.unwrap().fields_v1.as_ref().unwrap().0.clone()
        };
        assert_eq!(owner("one"), json!({"f:spec": {"f:code": {}}}));
        assert_eq!(owner("editor"), json!({"f:spec": {"f:size": {}}}));
        let status =
            refusal(apply(&server, "one", json!({"spec": {"size": 2, "code": "abc"}})).await);
        assert_eq!(status.code, 409);
        assert!(
            status
                .message
                .contains("conflict with \"editor\" using conformance.plimsoll.dev/v1: .spec.size"),
            "{}",
            status.message
        );
    });
}

#[test]
fn lists_merge_by_their_keys() {
    on_every_server(|server| async move {
        apply(
            &server,
            "one",
            json!({"spec": {"size": 1, "parts": [{"name": "p", "count": 4}], "tags": ["x"]}}),
        )
        .await
        .unwrap();
        let both = apply(
            &server,
            "two",
            json!({"spec": {"parts": [{"name": "q", "owner": "two"}], "tags": ["y"]}}),
        )
        .await
        .unwrap();
        assert_eq!(
            both.data["spec"]["parts"],
            json!([{"name": "p", "count": 4}, {"name": "q", "count": 1, "owner": "two"}])
        );
        assert_eq!(both.data["spec"]["tags"], json!(["x", "y"]));
        let gone = apply(&server, "one", json!({"spec": {"size": 1}}))
            .await
            .unwrap();
        assert_eq!(
            gone.data["spec"]["parts"],
            json!([{"name": "q", "count": 1, "owner": "two"}])
        );
        assert_eq!(gone.data["spec"]["tags"], json!(["y"]));
        let status = refusal(
            apply(
                &server,
                "three",
                json!({"spec": {"parts": [{"name": "q", "owner": "three"}]}}),
            )
            .await,
        );
        assert!(
            status.message.contains(".spec.parts[name=\"q\"].owner"),
            "{}",
            status.message
        );
    });
}

#[test]
fn the_status_is_applied_on_its_own() {
    on_every_server(|server| async move {
        apply(
            &server,
            "one",
            json!({"spec": {"size": 1}, "status": {"phase": "done"}}),
        )
        .await
        .unwrap();
        let patch = Patch::Apply(config(
            json!({"spec": {"size": 50}, "status": {"phase": "running"}}),
        ));
        let applied = server
            .widgets()
            .patch_status("a", &PatchParams::apply("runner"), &patch)
            .await
            .unwrap();
        assert_eq!(applied.data["status"], json!({"phase": "running"}));
        assert_eq!(applied.data["spec"]["size"], 1);
        let owners = applied.metadata.managed_fields.unwrap();
        let runner = owners
            .iter()
            .find(|owner| owner.manager.as_deref() == Some("runner"))
            .unwrap();
        assert_eq!(runner.subresource.as_deref(), Some("status"));
        assert_eq!(
            runner.fields_v1.as_ref().unwrap().0,
            json!({"f:status": {"f:phase": {}}})
        );
    });
}

#[test]
fn an_apply_needs_a_manager_and_is_checked() {
    on_every_server(|server| async move {
        let patch = Patch::Apply(config(json!({"spec": {"size": 1}})));
        let status = server.widgets().patch_refused("a", &patch).await;
        check_refusal_saying(
            &status,
            422,
            "Invalid",
            "fieldManager: Required value: is required for apply patch",
        );
        let status = refusal(apply(&server, "one", json!({"spec": {"size": "x"}})).await);
        assert!([422, 500].contains(&status.code), "{status:?}");
        let created = server.widgets().created(&plain("a")).await;
        let based = json!({"metadata": {"resourceVersion": "1"}, "spec": {"size": 1}});
        let status = refusal(apply(&server, "one", based).await);
        check_refusal(&status, 409, "Conflict");
        assert_eq!(
            version(&server.widgets().get("a").await.unwrap()),
            version(&created)
        );
    });
}

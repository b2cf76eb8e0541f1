//! The built-in kinds.

use k8s_openapi::ByteString;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Secret, Service};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PostParams};
use serde_json::json;

use super::server::{on_every_server, refusal};
use super::shorthand::{Shorthand, check_refusal, check_refusal_saying};

#[test]
fn a_secrets_plain_data_becomes_data() {
    on_every_server(|server| async move {
        let secrets: Api<Secret> = Api::namespaced(server.client.clone(), &server.namespace);
        let secret: Secret = serde_json::from_value(json!({
            "metadata": {"name": "s"}, "stringData": {"key": "value"}, "data": {"other": "eA=="},
        }))
        .unwrap();
        let created = secrets.created(&secret).await;
        assert_eq!(created.string_data, None);
        assert_eq!(created.type_.as_deref(), Some("Opaque"));
        assert_eq!(created.metadata.generation, None);
        let data = created.data.unwrap();
        assert_eq!(data["key"], ByteString(b"value".to_vec()));
        assert_eq!(data["other"], ByteString(b"x".to_vec()));
        let more = Patch::Merge(json!({"stringData": {"more": "1"}}));
        let patched = secrets.patched("s", &more).await;
        assert_eq!(patched.data.unwrap().len(), 3);
        let retyped = Patch::Merge(json!({"type": "kubernetes.io/other"}));
        let status = secrets.patch_refused("s", &retyped).await;
        check_refusal_saying(
            &status,
            422,
            "Invalid",
            "type: Invalid value: \"kubernetes.io/other\": field is immutable",
        );
        let list = secrets
            .list(&ListParams::default().fields("type=Opaque"))
            .await
            .unwrap();
        assert_eq!(list.items.len(), 1);
    });
}

#[test]
fn an_immutable_config_map_stays() {
    on_every_server(|server| async move {
        let maps: Api<ConfigMap> = Api::namespaced(server.client.clone(), &server.namespace);
        let map: ConfigMap =
            serde_json::from_value(json!({"metadata": {"name": "c"}, "data": {"a": "b"}})).unwrap();
        let created = maps.created(&map).await;
        assert_eq!(created.data.unwrap()["a"], "b");
        // Built-in kinds can be replaced without saying what the replacement is based on.
        let blind: ConfigMap = serde_json::from_value(
            json!({"metadata": {"name": "c"}, "data": {"a": "c"}, "immutable": true}),
        )
        .unwrap();
        let replaced = maps
            .replace("c", &PostParams::default(), &blind)
            .await
            .unwrap();
        assert_eq!(replaced.metadata.uid, created.metadata.uid);
        let change = Patch::Merge(json!({"data": {"a": "d"}}));
        let status = maps.patch_refused("c", &change).await;
        check_refusal_saying(
            &status,
            422,
            "Invalid",
            "field is immutable when `immutable` is set",
        );
        assert!(
            maps.delete("c", &DeleteParams::default())
                .await
                .unwrap()
                .right()
                .unwrap()
                .is_success()
        );
    });
}

#[test]
fn wrong_types_in_built_in_kinds_are_bad_requests() {
    on_every_server(|server| async move {
        for (path, body) in [
            (
                "configmaps",
                json!({"metadata": {"name": "x"}, "data": {"a": 5}}),
            ),
            (
                "secrets",
                json!({"metadata": {"name": "x"}, "data": {"a": "###"}}),
            ),
        ] {
            let uri = format!("/api/v1/namespaces/{}/{path}", server.namespace);
            let request = http::Request::post(uri).header("content-type", "application/json");
            let request = request.body(serde_json::to_vec(&body).unwrap()).unwrap();
            let status = refusal(server.client.request_text(request).await);
            assert_eq!(
                (status.code, &*status.reason),
                (400, "BadRequest"),
                "{path}"
            );
        }
    });
}

#[test]
fn a_service_gets_its_defaults() {
    on_every_server(|server| async move {
        let services: Api<Service> = Api::namespaced(server.client.clone(), &server.namespace);
        let service: Service = serde_json::from_value(json!({
            "metadata": {"name": "v"}, "spec": {"clusterIP": "None", "ports": [{"port": 80}], "selector": {"a": "b"}},
        }))
        .unwrap();
        let created = services.created(&service).await;
        let spec = created.spec.unwrap();
        assert_eq!(spec.type_.as_deref(), Some("ClusterIP"));
        assert_eq!(spec.session_affinity.as_deref(), Some("None"));
        assert_eq!(spec.ports.unwrap()[0].protocol.as_deref(), Some("TCP"));
        let portless: Service =
            serde_json::from_value(json!({"metadata": {"name": "w"}, "spec": {}})).unwrap();
        let status = services.create_refused(&portless).await;
        assert!(
            status.message.contains("spec.ports: Required value"),
            "{}",
            status.message
        );
        let badly_named: Service = serde_json::from_value(
            json!({"metadata": {"name": "1v"}, "spec": {"ports": [{"port": 1}]}}),
        )
        .unwrap();
        assert_eq!(services.create_refused(&badly_named).await.code, 422);
        let removed = services
            .delete("v", &DeleteParams::default())
            .await
            .unwrap()
            .left()
            .unwrap();
        assert_eq!(removed.metadata.name.as_deref(), Some("v"));
    });
}

#[test]
fn a_lease_is_renewed_under_optimistic_locking() {
    on_every_server(|server| async move {
        let leases: Api<Lease> = Api::namespaced(server.client.clone(), &server.namespace);
        let lease: Lease = serde_json::from_value(json!({
            "metadata": {"name": "l"},
            "spec": {"holderIdentity": "x", "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.123456Z"},
        }))
        .unwrap();
        let created = leases.created(&lease).await;
        let mut mine = created.clone();
        mine.spec.as_mut().unwrap().holder_identity = Some("me".to_owned());
        let taken = leases
            .replace("l", &PostParams::default(), &mine)
            .await
            .unwrap();
        assert_eq!(taken.spec.unwrap().holder_identity.as_deref(), Some("me"));
        let status = refusal(leases.replace("l", &PostParams::default(), &mine).await);
        check_refusal(&status, 409, "Conflict");
        let mut other = lease.clone();
        other.metadata.name = Some("new".to_owned());
        leases
            .replace("new", &PostParams::default(), &other)
            .await
            .unwrap();
        assert!(leases.get("new").await.unwrap().metadata.uid.is_some());
    });
}

#[test]
fn events_can_be_written_and_selected() {
    on_every_server(|server| async move {
        let events: Api<Event> = Api::namespaced(server.client.clone(), &server.namespace);
        for (name, about, reason) in [("e1", "w1", "Started"), ("e2", "w2", "Done")] {
            let event: Event = serde_json::from_value(json!({
                "metadata": {"name": name},
                "involvedObject": {"kind": "Widget", "name": about, "namespace": server.namespace},
                "reason": reason, "type": "Normal", "message": "text",
            }))
            .unwrap();
            events.created(&event).await;
        }
        for selector in ["involvedObject.name=w2", "reason=Done"] {
            let list = events
                .list(&ListParams::default().fields(selector))
                .await
                .unwrap();
            assert_eq!(list.items.len(), 1, "{selector}");
            assert_eq!(list.items[0].metadata.name.as_deref(), Some("e2"));
        }
    });
}

#[test]
fn a_namespace_is_active_until_it_is_deleted() {
    on_every_server(|server| async move {
        let namespaces: Api<Namespace> = Api::all(server.client.clone());
        let own = namespaces.get(&server.namespace).await.unwrap();
        assert_eq!(own.status.unwrap().phase.as_deref(), Some("Active"));
        assert_eq!(
            own.metadata.labels.unwrap()["kubernetes.io/metadata.name"],
            server.namespace
        );
        assert_eq!(own.spec.unwrap().finalizers.unwrap(), ["kubernetes"]);
        let other = format!("{}-other", server.namespace);
        let object = serde_json::from_value(json!({"metadata": {"name": other}})).unwrap();
        namespaces.created(&object).await;
        let going = namespaces
            .delete(&other, &DeleteParams::default())
            .await
            .unwrap()
            .left()
            .unwrap();
        assert_eq!(going.status.unwrap().phase.as_deref(), Some("Terminating"));
        assert!(going.metadata.deletion_timestamp.is_some());
    });
}

#[test]
fn a_strategic_merge_patch_is_for_built_in_kinds() {
    on_every_server(|server| async move {
        let maps: Api<ConfigMap> = Api::namespaced(server.client.clone(), &server.namespace);
        let map: ConfigMap = serde_json::from_value(
            json!({"metadata": {"name": "c"}, "data": {"a": "1", "b": "2"}}),
        )
        .unwrap();
        maps.created(&map).await;
        let patch = Patch::Strategic(json!({"data": {"a": null, "c": "3"}}));
        let patched = maps.patched("c", &patch).await;
        let data = patched.data.unwrap();
        assert_eq!(
            data.keys().map(String::as_str).collect::<Vec<_>>(),
            ["b", "c"]
        );
    });
}

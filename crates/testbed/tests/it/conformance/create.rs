//! Creating and getting objects.

use kube::api::{ListParams, PostParams};
use serde_json::json;

use super::server::{name, on_every_server, refusal};
use super::shorthand::{Shorthand, check_refusal, check_refusal_saying};
use super::widgets::{Adjectives, generated, plain, widget_named};

#[test]
fn a_created_object_gets_its_system_fields() {
    on_every_server(|server| async move {
        let created = server.widgets().created(&plain("a")).await;
        let own = &created.metadata;
        assert_eq!(own.name.as_deref(), Some("a"));
        assert_eq!(own.namespace, Some(server.namespace.clone()));
        assert_eq!(own.generation, Some(1));
        assert_eq!(own.uid.as_ref().unwrap().len(), 36);
        assert!(own.creation_timestamp.is_some());
        assert!(
            own.resource_version
                .as_ref()
                .unwrap()
                .parse::<u64>()
                .unwrap()
                > 0
        );
        let got = server.widgets().get("a").await.unwrap();
        assert_eq!(got.metadata.uid, own.uid);
        assert_eq!(got.metadata.resource_version, own.resource_version);
        assert_eq!(got.data, created.data);
        assert_eq!(got.types.unwrap().kind, "Widget");
    });
}

#[test]
fn creating_a_taken_name_already_exists() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets.created(&plain("a")).await;
        let status = widgets.create_refused(&plain("a")).await;
        check_refusal(&status, 409, "AlreadyExists");
        assert_eq!(
            status.message,
            "widgets.conformance.plimsoll.dev \"a\" already exists"
        );
        let details = status.details.unwrap();
        assert_eq!(
            (&*details.name, &*details.group, &*details.kind),
            ("a", "conformance.plimsoll.dev", "widgets")
        );
    });
}

#[test]
fn a_missing_object_is_not_found() {
    on_every_server(|server| async move {
        let status = refusal(server.widgets().get("nobody").await);
        check_refusal(&status, 404, "NotFound");
        assert_eq!(
            status.message,
            "widgets.conformance.plimsoll.dev \"nobody\" not found"
        );
        let details = status.details.unwrap();
        assert_eq!((&*details.name, &*details.kind), ("nobody", "widgets"));
        assert_eq!(
            server
                .widgets()
                .get_opt("nobody")
                .await
                .unwrap()
                .map(|_| ()),
            None
        );
    });
}

#[test]
fn a_generated_name_is_the_prefix_and_five_characters() {
    on_every_server(|server| async move {
        let widget = generated("job-");
        let first = server.widgets().created(&widget).await;
        let second = server.widgets().created(&widget).await;
        for created in [&first, &second] {
            let suffix = name(created).strip_prefix("job-").unwrap();
            assert_eq!(suffix.len(), 5);
            assert!(
                suffix
                    .bytes()
                    .all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte))
            );
            assert_eq!(created.metadata.generate_name.as_deref(), Some("job-"));
        }
        assert_ne!(name(&first), name(&second));
    });
}

#[test]
fn an_object_without_a_name_is_invalid() {
    on_every_server(|server| async move {
        let mut widget = plain("x");
        widget.metadata.name = None;
        let status = server.widgets().create_refused(&widget).await;
        check_refusal_saying(
            &status,
            422,
            "Invalid",
            "metadata.name: Required value: name or generateName is required",
        );
    });
}

#[test]
fn a_name_that_is_no_subdomain_is_invalid() {
    on_every_server(|server| async move {
        for bad in ["Upper", "under_score", "-dash", "dot."] {
            let status = server.widgets().create_refused(&plain(bad)).await;
            assert_eq!(status.code, 422, "{bad}");
            assert!(
                status.message.contains("metadata.name: Invalid value"),
                "{}",
                status.message
            );
            assert!(
                status
                    .message
                    .contains("a lowercase RFC 1123 subdomain must consist of"),
                "{}",
                status.message
            );
        }
        server.widgets().created(&plain("a.b-c.0")).await;
    });
}

#[test]
fn an_object_for_another_namespace_is_a_bad_request() {
    on_every_server(|server| async move {
        let mut widget = plain("a");
        widget.metadata.namespace = Some("elsewhere".to_owned());
        let status = server.widgets().create_refused(&widget).await;
        check_refusal_saying(&status, 400, "BadRequest", "does not match the namespace");
    });
}

#[test]
fn an_object_for_a_missing_namespace_is_refused() {
    on_every_server(|mut server| async move {
        "no-such-namespace".clone_into(&mut server.namespace);
        let status = server.widgets().create_refused(&plain("a")).await;
        check_refusal(&status, 404, "NotFound");
        assert_eq!(status.message, "namespaces \"no-such-namespace\" not found");
    });
}

#[test]
fn an_object_to_be_created_carries_no_resource_version() {
    on_every_server(|server| async move {
        let mut widget = plain("a");
        widget.metadata.resource_version = Some("7".to_owned());
        let status = server.widgets().create_refused(&widget).await;
        assert!(
            status
                .message
                .contains("resourceVersion should not be set on objects to be created"),
            "{}",
            status.message
        );
    });
}

#[test]
fn another_kind_or_version_is_a_bad_request() {
    on_every_server(|server| async move {
        let mut widget = plain("a");
        widget.types.as_mut().unwrap().api_version = "conformance.plimsoll.dev/v2".to_owned();
        let status = server.widgets().create_refused(&widget).await;
        check_refusal_saying(
            &status,
            400,
            "BadRequest",
            "does not match the expected API version",
        );
        let mut widget = plain("a");
        widget.types.as_mut().unwrap().kind = "Gadget".to_owned();
        let status = server.widgets().create_refused(&widget).await;
        check_refusal_saying(
            &status,
            422,
            "Invalid",
            "kind: Invalid value: \"Gadget\": must be Widget",
        );
    });
}

#[test]
fn a_dry_run_answers_and_stores_nothing() {
    on_every_server(|server| async move {
        let dry = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let answered = server
            .widgets()
            .create(&dry, &widget_named("a", json!({"size": 3})))
            .await
            .unwrap();
        assert_eq!(answered.data["spec"]["mode"], "slow");
        assert!(answered.metadata.uid.is_some());
        assert_eq!(answered.metadata.resource_version, None);
        assert!(
            server
                .widgets()
                .list(&ListParams::default())
                .await
                .unwrap()
                .items
                .is_empty()
        );
        let status = refusal(
            server
                .widgets()
                .create(&dry, &widget_named("b", json!({"size": -3})))
                .await,
        );
        assert_eq!(status.code, 422);
    });
}

#[test]
fn clients_cannot_set_what_the_server_sets() {
    on_every_server(|server| async move {
        let mut widget = plain("a");
        widget.metadata.uid = Some("mine".to_owned());
        widget.metadata.generation = Some(9);
        widget.metadata.deletion_grace_period_seconds = Some(30);
        let created = server.widgets().created(&widget).await;
        assert_ne!(created.metadata.uid.as_deref(), Some("mine"));
        assert_eq!(created.metadata.generation, Some(1));
        assert_eq!(created.metadata.deletion_grace_period_seconds, None);
        assert_eq!(created.metadata.deletion_timestamp, None);
    });
}

#[test]
fn labels_and_annotations_have_rules() {
    on_every_server(|server| async move {
        for (key, value) in [("a b", "x"), ("ok", "no spaces"), ("-a", "x"), ("x/", "y")] {
            let widget = plain("a").labelled(key, value);
            let status = server.widgets().create_refused(&widget).await;
            assert_eq!(status.code, 422, "{key}={value}");
            assert!(
                status.message.contains("metadata.labels: Invalid value"),
                "{}",
                status.message
            );
        }
        let mut widget = plain("a");
        widget.metadata.annotations =
            Some([("free".to_owned(), "any text at all / ü".to_owned())].into());
        widget.metadata.labels =
            Some([("example.com/a_b.c".to_owned(), "v_1.2-x".to_owned())].into());
        let created = server.widgets().created(&widget).await;
        assert_eq!(created.metadata.annotations, widget.metadata.annotations);
        assert_eq!(created.metadata.labels, widget.metadata.labels);
    });
}

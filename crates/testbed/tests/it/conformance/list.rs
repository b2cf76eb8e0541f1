//! Lists: order, selectors, pages that belong to one state, versions.

use kube::Api;
use kube::api::{
    DeleteParams, DynamicObject, GetParams, ListParams, Patch, PatchParams, VersionMatch,
};
use serde_json::json;

use super::server::{Server, name, on_every_server, refusal, version};
use super::shorthand::{Shorthand, check_refusal_saying};
use super::widgets::{plain, widget_named};

fn names(list: &[DynamicObject]) -> Vec<&str> {
    list.iter().map(name).collect()
}

async fn create_all(server: &Server, all: &[&str]) {
    for name in all {
        server.widgets().created(&plain(name)).await;
    }
}

#[test]
fn a_list_is_in_order_of_names_and_carries_a_version() {
    on_every_server(|server| async move {
        create_all(&server, &["b", "a-1", "a", "a.1"]).await;
        let list = server.widgets().list(&ListParams::default()).await.unwrap();
        assert_eq!(names(&list.items), ["a", "a-1", "a.1", "b"]);
        let newest = list.items.iter().map(version).max().unwrap();
        assert!(
            list.metadata
                .resource_version
                .unwrap()
                .parse::<u64>()
                .unwrap()
                >= newest
        );
        assert_eq!(
            list.metadata.continue_.filter(|token| !token.is_empty()),
            None
        );
    });
}

#[test]
fn label_selectors_select() {
    on_every_server(|server| async move {
        for (name, labels) in [
            ("a", vec![("tier", "front"), ("n", "1")]),
            ("b", vec![("tier", "back"), ("n", "2")]),
            ("c", vec![("tier", "front"), ("example.com/x", "")]),
            ("d", vec![]),
        ] {
            let mut widget = plain(name);
            let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
            widget.metadata.labels = Some(labels.into_iter().map(owned).collect());
            server.widgets().created(&widget).await;
        }
        for (selector, expected) in [
            ("tier=front", "a c"),
            ("tier==front", "a c"),
            ("tier!=front", "b d"),
            ("tier in (front,back)", "a b c"),
            ("tier notin (front)", "b d"),
            ("tier", "a b c"),
            ("!tier", "d"),
            ("tier=front,n=1", "a"),
            ("tier in (front, back),n", "a b"),
            ("n>1", "b"),
            ("n<2", "a"),
            ("example.com/x=", "c"),
            ("example.com/x", "c"),
            ("nothing=x", ""),
            ("", "a b c d"),
        ] {
            let list = server
                .widgets()
                .list(&ListParams::default().labels(selector))
                .await
                .unwrap();
            assert_eq!(names(&list.items).join(" "), expected, "{selector}");
        }
        for bad in ["a b", "a in (", "=x", "a=b c", "n>x", "a b=c"] {
            let status = refusal(
                server
                    .widgets()
                    .list(&ListParams::default().labels(bad))
                    .await,
            );
            assert_eq!((status.code, &*status.reason), (400, "BadRequest"), "{bad}");
        }
    });
}

#[test]
fn field_selectors_select() {
    on_every_server(|server| async move {
        for (name, color) in [("a", "red"), ("b", "green"), ("c", "red")] {
            let widget = widget_named(name, json!({"size": 1, "color": color}));
            server.widgets().created(&widget).await;
        }
        let done = Patch::Merge(json!({"status": {"phase": "done"}}));
        server.widgets().status_patched("c", &done).await;
        let here = format!("metadata.namespace={}", server.namespace);
        for (selector, expected) in [
            ("metadata.name=b", "b"),
            ("metadata.name!=b", "a c"),
            (here.as_str(), "a b c"),
            ("metadata.namespace=elsewhere", ""),
            ("spec.color=red", "a c"),
            ("spec.color==red,metadata.name=c", "c"),
            ("status.phase=done", "c"),
            ("status.phase!=done", "a b"),
            ("status.phase=", "a b"),
        ] {
            let list = server
                .widgets()
                .list(&ListParams::default().fields(selector))
                .await
                .unwrap();
            assert_eq!(names(&list.items).join(" "), expected, "{selector}");
        }
        let status = refusal(
            server
                .widgets()
                .list(&ListParams::default().fields("spec.size=1"))
                .await,
        );
        check_refusal_saying(
            &status,
            400,
            "BadRequest",
            "field label not supported: spec.size",
        );
        let status = refusal(
            server
                .widgets()
                .list(&ListParams::default().fields("bogus"))
                .await,
        );
        assert_eq!(status.code, 400);
    });
}

#[test]
fn pages_belong_to_one_state() {
    on_every_server(|server| async move {
        create_all(&server, &["a", "b", "c", "d", "e", "f"]).await;
        let widgets = server.widgets();
        let first = widgets.list(&ListParams::default().limit(2)).await.unwrap();
        assert_eq!(names(&first.items), ["a", "b"]);
        assert_eq!(first.metadata.remaining_item_count, Some(4));
        // The later pages must not see any of this.
        widgets.delete("d", &DeleteParams::default()).await.unwrap();
        create_all(&server, &["c-new", "z"]).await;
        let grown = Patch::Merge(json!({"spec": {"size": 9}}));
        widgets.patched("e", &grown).await;
        let token = first.metadata.continue_.unwrap();
        let second = widgets
            .list(&ListParams::default().limit(2).continue_token(&token))
            .await
            .unwrap();
        assert_eq!(names(&second.items), ["c", "d"]);
        assert_eq!(second.metadata.remaining_item_count, Some(2));
        assert_eq!(
            second.metadata.resource_version,
            first.metadata.resource_version
        );
        let token = second.metadata.continue_.unwrap();
        let third = widgets
            .list(&ListParams::default().limit(2).continue_token(&token))
            .await
            .unwrap();
        assert_eq!(names(&third.items), ["e", "f"]);
        assert_eq!(third.items[0].data["spec"]["size"], 1);
        assert_eq!(
            third.metadata.continue_.filter(|token| !token.is_empty()),
            None
        );
        assert_eq!(third.metadata.remaining_item_count, None);
        let now = widgets.list(&ListParams::default()).await.unwrap();
        assert_eq!(names(&now.items), ["a", "b", "c", "c-new", "e", "f", "z"]);
    });
}

#[test]
fn pages_count_what_the_selector_selects() {
    on_every_server(|server| async move {
        for name in ["a", "b", "c", "d", "e"] {
            let mut widget = plain(name);
            let parity = if ["a", "c", "e"].contains(&name) {
                "odd"
            } else {
                "even"
            };
            widget.metadata.labels = Some([("parity".to_owned(), parity.to_owned())].into());
            server.widgets().created(&widget).await;
        }
        let params = ListParams::default().labels("parity=odd").limit(2);
        let first = server.widgets().list(&params).await.unwrap();
        assert_eq!(names(&first.items), ["a", "c"]);
        assert_eq!(first.metadata.remaining_item_count, None);
        let token = first.metadata.continue_.unwrap();
        let second = server
            .widgets()
            .list(&params.continue_token(&token))
            .await
            .unwrap();
        assert_eq!(names(&second.items), ["e"]);
    });
}

#[test]
fn a_broken_continue_token_is_a_bad_request() {
    on_every_server(|server| async move {
        let params = ListParams::default().limit(2).continue_token("not-a-token");
        let status = refusal(server.widgets().list(&params).await);
        check_refusal_saying(&status, 400, "BadRequest", "continue key is not valid");
    });
}

#[test]
fn a_list_can_ask_for_an_exact_version() {
    on_every_server(|server| async move {
        create_all(&server, &["a", "b"]).await;
        let widgets = server.widgets();
        let before = widgets.version_now().await;
        widgets.delete("a", &DeleteParams::default()).await.unwrap();
        create_all(&server, &["c"]).await;
        let exact = ListParams::default()
            .at(&before)
            .matching(VersionMatch::Exact);
        let then = widgets.list(&exact).await.unwrap();
        assert_eq!(names(&then.items), ["a", "b"]);
        assert_eq!(then.metadata.resource_version.as_ref(), Some(&before));
        let at_least = ListParams::default()
            .at(&before)
            .matching(VersionMatch::NotOlderThan);
        let now = widgets.list(&at_least).await.unwrap();
        assert!(
            now.metadata
                .resource_version
                .unwrap()
                .parse::<u64>()
                .unwrap()
                >= before.parse().unwrap()
        );
    });
}

#[test]
fn a_version_in_the_future_times_out() {
    on_every_server(|server| async move {
        create_all(&server, &["a"]).await;
        let future = ListParams::default()
            .at("99999999")
            .matching(VersionMatch::NotOlderThan);
        let status = refusal(server.widgets().list(&future).await);
        check_refusal_saying(
            &status,
            504,
            "Timeout",
            "Too large resource version: 99999999",
        );
        let got = server
            .widgets()
            .get_with("a", &GetParams::any())
            .await
            .unwrap();
        assert_eq!(name(&got), "a");
    });
}

#[test]
fn parameters_that_mean_nothing_are_refused() {
    on_every_server(|server| async move {
        let path = format!(
            "/apis/conformance.plimsoll.dev/v1/namespaces/{}/widgets",
            server.namespace
        );
        for (query, code) in [
            ("limit=abc", 400),
            ("resourceVersion=abc", 400),
            ("resourceVersionMatch=Exact", 422),
            ("resourceVersion=0&resourceVersionMatch=Exact", 422),
            ("resourceVersion=5&resourceVersionMatch=Bogus", 422),
            ("sendInitialEvents=true", 422),
            ("watch=true&sendInitialEvents=true", 422),
            (
                "watch=true&resourceVersion=5&resourceVersionMatch=NotOlderThan",
                422,
            ),
            ("watch=true&resourceVersion=abc", 500),
            ("limit=0", 200),
            ("limit=-1", 200),
            ("unknown=parameter", 200),
        ] {
            let request = http::Request::get(format!("{path}?{query}"))
                .body(Vec::new())
                .unwrap();
            let got = match server.client.request_text(request).await {
                Ok(_) => 200,
                Err(kube::Error::Api(status)) => status.code,
                Err(other) => panic!("{other}"),
            };
            assert_eq!(got, code, "{query}");
        }
    });
}

#[test]
fn a_list_across_namespaces_sees_all_of_them() {
    on_every_server(|server| async move {
        create_all(&server, &["here"]).await;
        let all: Api<DynamicObject> =
            Api::all_with(server.client.clone(), &super::widgets::widget());
        let list = all.list(&ListParams::default()).await.unwrap();
        let mine =
            |object: &&DynamicObject| object.metadata.namespace.as_ref() == Some(&server.namespace);
        assert_eq!(list.items.iter().filter(mine).count(), 1);
    });
}

#[test]
fn metadata_alone_can_be_asked_for() {
    on_every_server(|server| async move {
        create_all(&server, &["a"]).await;
        let widgets = server.widgets();
        let partial = widgets.get_metadata("a").await.unwrap();
        let types = partial.types.clone().unwrap();
        assert_eq!(
            (&*types.kind, &*types.api_version),
            ("PartialObjectMetadata", "meta.k8s.io/v1")
        );
        assert_eq!(partial.metadata.generation, Some(1));
        let list = widgets.list_metadata(&ListParams::default()).await.unwrap();
        assert_eq!(list.items[0].metadata.name.as_deref(), Some("a"));
        let labelled = Patch::Merge(json!({"metadata": {"labels": {"x": "y"}}}));
        let patched = widgets
            .patch_metadata("a", &PatchParams::default(), &labelled)
            .await
            .unwrap();
        assert_eq!(
            patched.metadata.labels,
            Some([("x".to_owned(), "y".to_owned())].into())
        );
    });
}

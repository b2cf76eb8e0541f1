//! Faults: each strikes what it names, as often as it says, and nothing else.

use std::time::Duration;

use futures::StreamExt;
use kube::api::{GetParams, ListParams, Patch, PatchParams};
use serde_json::json;
use testbed::kube_api::{Effect, Fault, Lost, Verb};
use tokio::time::Instant;

use super::{server, widgets_of};
use crate::conformance::server::{failure_of, name, next_change, refusal};
use crate::conformance::shorthand::{Shorthand, check_refusal, check_refusal_saying};
use crate::conformance::widgets::{generated, plain};

fn resize(size: i64) -> Patch<serde_json::Value> {
    Patch::Merge(json!({"spec": {"size": size}}))
}

#[tokio::test(start_paused = true)]
async fn latency_delays_its_verb_only() {
    let api = server();
    let widgets = widgets_of(&api);
    api.faults()
        .add(Fault::new(Effect::Latency(Duration::from_millis(70))).on(Verb::Get));
    let before = Instant::now();
    widgets.created(&plain("a")).await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    widgets.get("a").await.unwrap();
    assert!(before.elapsed() >= Duration::from_millis(70));
}

#[tokio::test]
async fn a_scripted_conflict_strikes_the_next_few_of_its_resource() {
    let api = server();
    let widgets = widgets_of(&api);
    widgets.created(&plain("a")).await;
    let fault = api
        .faults()
        .add(Fault::new(Effect::Conflict).of("widgets/status").next(2));
    let status = Patch::Merge(json!({"status": {"phase": "done"}}));
    widgets.patched("a", &resize(2)).await;
    for _ in 0..2 {
        let refused = widgets.status_patch_refused("a", &status).await;
        check_refusal_saying(
            &refused,
            409,
            "Conflict",
            "widgets.conformance.plimsoll.dev \"a\"",
        );
    }
    widgets.status_patched("a", &status).await;
    assert_eq!(api.faults().n_struck(fault), 2);
}

#[tokio::test]
async fn every_third_request_can_be_turned_away() {
    let api = server();
    let widgets = widgets_of(&api);
    widgets.created(&plain("a")).await;
    api.faults().add(
        Fault::new(Effect::TooManyRequests(7))
            .on(Verb::Get)
            .every(3),
    );
    for round in 1..=6 {
        let result = widgets.get("a").await;
        if round % 3 == 0 {
            let refused = refusal(result);
            check_refusal(&refused, 429, "TooManyRequests");
            assert_eq!(refused.details.unwrap().retry_after_seconds, 7);
        } else {
            result.unwrap();
        }
    }
    let request =
        http::Request::get("/apis/conformance.plimsoll.dev/v1/namespaces/default/widgets/a");
    api.faults().clear();
    api.faults().add(Fault::new(Effect::TooManyRequests(7)));
    let request = request.body(kube::client::Body::empty()).unwrap();
    let response = api.client("default").send(request).await.unwrap();
    assert_eq!(response.headers()["retry-after"], "7");
}

#[tokio::test]
async fn a_rate_is_kept_and_repeats_with_its_seed() {
    async fn struck(seed: u64) -> Vec<bool> {
        let api = server();
        let widgets = widgets_of(&api);
        widgets.created(&plain("a")).await;
        api.faults().reseed(seed);
        api.faults()
            .add(Fault::new(Effect::InternalError).on(Verb::Get).at_rate(0.1));
        let mut struck = Vec::new();
        for _ in 0..1000 {
            struck.push(widgets.get("a").await.is_err());
        }
        struck
    }
    let first = struck(7).await;
    assert_eq!(first, struck(7).await);
    assert_ne!(first, struck(8).await);
    let count = first.iter().filter(|struck| **struck).count();
    assert!((60..140).contains(&count), "{count}");
}

#[tokio::test]
async fn a_fault_can_name_one_object_and_be_removed() {
    let api = server();
    let widgets = widgets_of(&api);
    for name in ["a", "b"] {
        widgets.created(&plain(name)).await;
    }
    let fault = api.faults().add(
        Fault::new(Effect::InternalError)
            .named("a")
            .in_namespace("default"),
    );
    assert_eq!(refusal(widgets.get("a").await).code, 500);
    widgets.get("b").await.unwrap();
    api.faults().remove(fault);
    widgets.get("a").await.unwrap();
}

#[tokio::test]
async fn a_lost_reply_leaves_the_write_done() {
    let api = server();
    let widgets = widgets_of(&api);
    widgets.created(&plain("a")).await;
    for (size, lost, code) in [
        (2, Lost::InternalError, Some(500)),
        (3, Lost::Timeout, Some(504)),
        (4, Lost::Disconnect, None),
    ] {
        api.faults()
            .add(Fault::new(Effect::LostReply(lost)).on(Verb::Patch).next(1));
        let result = widgets
            .patch("a", &PatchParams::default(), &resize(size))
            .await;
        match code {
            Some(code) => assert_eq!(refusal(result).code, code),
            None => assert!(matches!(result, Err(kube::Error::Service(_)))),
        }
        assert_eq!(widgets.get("a").await.unwrap().data["spec"]["size"], size);
        api.faults().clear();
    }
}

#[tokio::test]
async fn stale_reads_serve_an_older_state() {
    let api = server();
    let widgets = widgets_of(&api);
    widgets.created(&plain("a")).await;
    let second = widgets.patched("a", &resize(2)).await;
    widgets.patched("a", &resize(3)).await;
    widgets.created(&plain("b")).await;
    api.faults().add(Fault::new(Effect::Stale(2)).of("widgets"));
    let stale = widgets.get("a").await.unwrap();
    assert_eq!(stale.data["spec"]["size"], 2);
    assert_eq!(
        stale.metadata.resource_version,
        second.metadata.resource_version
    );
    assert_eq!(refusal(widgets.get("b").await).code, 404);
    let list = widgets.list(&ListParams::default()).await.unwrap();
    assert_eq!(list.items.len(), 1);
    assert_eq!(
        list.metadata.resource_version,
        second.metadata.resource_version
    );
    // A watch that begins with a stale state still tells everything that came since.
    let mut stream = widgets.watched("0").await;
    let (kind, object) = next_change(&mut stream).await;
    assert_eq!((kind, &object.data["spec"]["size"]), ("ADDED", &json!(2)));
    let (kind, object) = next_change(&mut stream).await;
    assert_eq!(
        (kind, &object.data["spec"]["size"]),
        ("MODIFIED", &json!(3))
    );
    let (kind, object) = next_change(&mut stream).await;
    assert_eq!((kind, name(&object)), ("ADDED", "b"));
    api.faults().clear();
    let newest = widgets.get_with("a", &GetParams::default()).await.unwrap();
    assert_eq!(newest.data["spec"]["size"], 3);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_watch_ends_before_the_event_it_drops() {
    let api = server();
    let widgets = widgets_of(&api);
    let from = widgets.version_now().await;
    api.faults().add(Fault::new(Effect::DropWatch).every(2));
    let mut stream = widgets.watched(&from).await;
    for name in ["a", "b", "c"] {
        widgets.created(&plain(name)).await;
    }
    let (_, first) = next_change(&mut stream).await;
    assert_eq!(name(&first), "a");
    assert!(stream.next().await.is_none());
    let from = first.metadata.resource_version.unwrap();
    let mut stream = widgets.watched(&from).await;
    assert_eq!(name(&next_change(&mut stream).await.1), "b");
}

#[tokio::test(start_paused = true)]
async fn an_expired_watch_ends_with_a_410() {
    let api = server();
    let widgets = widgets_of(&api);
    for effect in [Effect::ExpireWatch, Effect::ExpireWatchStart] {
        let from = widgets.version_now().await;
        api.faults().add(Fault::new(effect).next(1));
        let mut stream = widgets.watched(&from).await;
        widgets.created(&generated("w-")).await;
        let status = failure_of(&mut stream).await;
        check_refusal(&status, 410, "Expired");
        assert!(stream.next().await.is_none());
        api.faults().clear();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lagging_watch_tells_later_and_in_order() {
    let api = server();
    let widgets = widgets_of(&api);
    let from = widgets.version_now().await;
    api.faults()
        .add(Fault::new(Effect::WatchLag(Duration::from_secs(3))).named("a"));
    let mut stream = widgets.watched(&from).await;
    let before = Instant::now();
    for name in ["a", "b"] {
        widgets.created(&plain(name)).await;
    }
    assert_eq!(name(&next_change(&mut stream).await.1), "a");
    assert!(before.elapsed() >= Duration::from_secs(3));
    assert_eq!(name(&next_change(&mut stream).await.1), "b");
}

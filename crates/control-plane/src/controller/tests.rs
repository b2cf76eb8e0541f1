//! The ledger and the sightings, which decide without a server what is news.

use bytes::Bytes;
use jiff::Timestamp;
use query_api::query::{Phase, QUERY_FINALIZER};
use serde_json::{Value, json};

use super::ledger::{Ledger, Left, Origin};
use super::sighting::{Sighting, Version};
use crate::key::QueryKey;
use crate::queue::Lane;

const ME: &str = "me";

fn body(version: u64, phase: &str) -> Value {
    json!({
        "metadata": {
            "namespace": "ns",
            "name": "q",
            "uid": "u1",
            "resourceVersion": version.to_string(),
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "finalizers": [QUERY_FINALIZER],
            "annotations": {"plimsoll/claimed-by": ME, "note": "a \"quoted\" word"},
        },
        "spec": {"input": "hello"},
        "status": {"phase": phase},
    })
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

fn sighting(body: &Value) -> Sighting {
    Sighting::of(Bytes::from(body.to_string())).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn key() -> QueryKey {
    QueryKey::new("ns", "q")
}

fn ledger() -> Ledger {
    Ledger::new(ME.into())
}

/// The lane that a watch event calls for.
fn observe(ledger: &mut Ledger, body: &Value) -> Option<Lane> {
    let call = ledger.observe(sighting(body), Origin::Watch, now());
    call.map(|call| call.lane)
}

/// A pass that ends having acted on `version`.
fn left(version: u64) -> Left {
    Left {
        version: Version::of(&version.to_string()),
        is_gone: false,
        expires: None,
        unwritten: None,
        is_backed_off: false,
    }
}

#[test]
fn a_sighting_reads_what_decides_and_keeps_the_rest_for_later() {
    let body = with(
        body(7, "running"),
        "/spec",
        json!({"cancel": true, "target": null}),
    );
    let sighting = sighting(&body);
    let glance = &sighting.glance;
    assert_eq!((&*sighting.namespace, &*sighting.name), ("ns", "q"));
    assert_eq!(glance.phase, Phase::Running);
    assert_eq!(glance.claimant.as_deref(), Some(ME));
    assert!(glance.is_canceling && glance.has_finalizer && !glance.is_deleting);
    let (query, cause) = sighting.query();
    assert_eq!(cause, None);
    assert_eq!(
        query.metadata.annotations.unwrap()["note"],
        "a \"quoted\" word"
    );
}

#[test]
fn a_query_without_status_is_pending_and_one_in_an_unknown_phase_is_not() {
    let mut fresh = body(1, "");
    fresh.as_object_mut().unwrap().remove("status");
    assert_eq!(sighting(&fresh).glance.phase, Phase::Pending);
    assert_eq!(sighting(&body(1, "approved")).glance.phase, Phase::Other);
}

#[test]
fn a_spec_that_cannot_be_understood_leaves_enough_to_end_the_query() {
    let targets = json!({"targets": [{"type": "oracle", "name": "o"}]});
    let sighting = sighting(&with(body(7, "pending"), "/spec", targets));
    let (query, cause) = sighting.query();
    assert!(cause.unwrap().contains("oracle"));
    assert_eq!(query.metadata.resource_version.as_deref(), Some("7"));
    assert_eq!(query.metadata.finalizers.unwrap(), [QUERY_FINALIZER]);
}

#[test]
fn only_the_newer_dialect_has_a_deadline_and_only_before_the_start() {
    let spec = json!({"target": {"type": "model", "name": "m"}, "timeout": "1m"});
    let waiting = with(body(1, "pending"), "/spec", spec.clone());
    let deadline: Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
    assert_eq!(sighting(&waiting).glance.deadline, Some(deadline));
    let running = with(body(1, "running"), "/spec", spec);
    assert_eq!(sighting(&running).glance.deadline, None);
    assert_eq!(sighting(&body(1, "pending")).glance.deadline, None);
}

#[test]
fn a_version_that_is_no_number_is_never_taken_for_old() {
    let (opaque, number) = (Version::of("a7"), Version::of("7"));
    assert!(!opaque.is_covered_by(number));
    assert!(!opaque.is_covered_by(opaque));
    assert!(number.is_covered_by(number));
}

#[test]
fn echoes_and_replays_are_no_news() {
    let mut ledger = ledger();
    assert_eq!(observe(&mut ledger, &body(5, "pending")), Some(Lane::Start));
    assert_eq!(observe(&mut ledger, &body(5, "pending")), None);
    assert_eq!(observe(&mut ledger, &body(4, "running")), None);
    assert_eq!(observe(&mut ledger, &body(6, "done")), Some(Lane::Control));
}

#[test]
fn what_happens_during_a_pass_is_told_at_its_end_unless_the_pass_acted_on_it() {
    for (acted_on, expected) in [(5, Some(Lane::Control)), (6, None)] {
        let mut ledger = ledger();
        observe(&mut ledger, &body(5, "running"));
        ledger.begin(&key()).unwrap();
        assert_eq!(observe(&mut ledger, &body(6, "done")), None);
        let ended = ledger.end(&key(), left(acted_on));
        assert_eq!(ended.call.map(|call| call.lane), expected);
    }
}

#[test]
fn cancel_and_deletion_reach_the_execution_at_once() {
    let canceling = with(body(6, "running"), "/spec", json!({"cancel": true}));
    let mut deleting = body(6, "running");
    deleting["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    for event in [canceling, deleting] {
        let mut ledger = ledger();
        observe(&mut ledger, &body(5, "running"));
        ledger.begin(&key()).unwrap();
        let interrupt = ledger.interrupt(&key());
        assert!(!interrupt.is_cancelled());
        observe(&mut ledger, &event);
        assert!(interrupt.is_cancelled());
        assert!(
            ledger.interrupt(&key()).is_cancelled(),
            "nor does another begin"
        );
    }
}

#[test]
fn a_query_that_vanishes_during_a_pass_stays_until_its_end() {
    let mut ledger = ledger();
    observe(&mut ledger, &body(5, "running"));
    ledger.begin(&key()).unwrap();
    let interrupt = ledger.interrupt(&key());
    ledger.vanish(&sighting(&body(6, "running")));
    assert!(interrupt.is_cancelled());
    assert_eq!(ledger.len(), 1);
    ledger.end(&key(), left(5));
    assert_eq!(ledger.len(), 0);
}

#[test]
fn a_query_created_anew_under_a_pass_interrupts_it_and_has_its_own_turn() {
    let mut ledger = ledger();
    observe(&mut ledger, &body(5, "running"));
    ledger.begin(&key()).unwrap();
    let interrupt = ledger.interrupt(&key());
    ledger.vanish(&sighting(&body(6, "running")));
    let another = with(body(7, "pending"), "/metadata/uid", json!("u2"));
    assert_eq!(observe(&mut ledger, &another), None);
    assert!(interrupt.is_cancelled());
    let ended = ledger.end(&key(), left(5));
    assert_eq!(ended.call.map(|call| call.lane), Some(Lane::Start));
}

#[test]
fn the_end_of_an_earlier_query_of_the_same_name_is_not_that_of_this_one() {
    let mut ledger = ledger();
    let another = with(body(7, "pending"), "/metadata/uid", json!("u2"));
    observe(&mut ledger, &another);
    ledger.vanish(&sighting(&body(6, "running")));
    assert_eq!(ledger.len(), 1);
}

#[test]
fn a_list_that_does_not_show_a_query_ends_it_unless_a_pass_works_on_it() {
    let nothing = std::collections::HashSet::new();
    let mut ledger = ledger();
    observe(&mut ledger, &body(5, "running"));
    ledger.begin(&key()).unwrap();
    ledger.retain_listed(None, &nothing);
    assert_eq!(ledger.len(), 1);
    ledger.end(&key(), left(5));
    ledger.retain_listed(Some("elsewhere"), &nothing);
    assert_eq!(ledger.len(), 1);
    ledger.retain_listed(Some("ns"), &nothing);
    assert_eq!(ledger.len(), 0);
}

#[test]
fn what_was_inherited_is_so_until_somebody_claims_it() {
    let by = |version, claimant: &str| {
        let pointer = "/metadata/annotations/plimsoll~1claimed-by";
        with(body(version, "running"), pointer, json!(claimant))
    };
    let mut ledger = ledger();
    let call = ledger.observe(sighting(&by(5, "a")), Origin::Inheritance, now());
    assert_eq!(call.map(|call| call.lane), Some(Lane::Start));
    assert_eq!(observe(&mut ledger, &by(6, "a")), Some(Lane::Start));
    assert_eq!(observe(&mut ledger, &by(7, "b")), None);
}

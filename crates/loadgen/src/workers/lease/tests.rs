//! The barrier against the API stand-in: all come, one does not, two want the same.

use testbed::kube_api::{Effect, Fault, KubeApi, Settings, Verb};

use super::*;

fn barrier(api: &KubeApi, number: usize, of: usize) -> LeaseBarrier {
    LeaseBarrier::new(LeaseConfig {
        client: api.client("default"),
        namespace: "workers".to_owned(),
        run: "load-test".to_owned(),
        worker: Worker::new(number, of).expect("below"),
        patience: Duration::from_secs(60),
    })
}

async fn all_ready(barriers: &[LeaseBarrier]) -> Vec<Result<Instant, DriverError>> {
    futures::future::join_all(barriers.iter().map(LeaseBarrier::ready)).await
}

#[tokio::test(start_paused = true)]
async fn all_workers_begin_at_the_instant_that_one_of_them_said() {
    for of in [1, 2, 5] {
        let api = KubeApi::new();
        let barriers: Vec<LeaseBarrier> = (0..of).map(|number| barrier(&api, number, of)).collect();
        for ready in all_ready(&barriers).await {
            ready.expect("all are there");
        }
        let agreed = barriers[0].agreed();
        assert!(agreed.is_some());
        assert!(barriers.iter().all(|barrier| barrier.agreed() == agreed));
        assert_eq!(api.n_objects("leases"), of + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_never_comes_is_named_and_nobody_begins() {
    let api = KubeApi::new();
    let barriers = [0, 2].map(|number| barrier(&api, number, 4));
    for ready in all_ready(&barriers).await {
        let error = ready.expect_err("two are missing");
        assert!(matches!(error, DriverError::Absent { .. }), "{error}");
        assert!(error.to_string().contains("worker 1, 3"), "{error}");
        assert!(error.is_unreachable());
    }
    assert_eq!(api.n_objects("leases"), 0, "nobody is there any more");
}

#[tokio::test(start_paused = true)]
async fn of_two_who_decide_at_once_the_first_one_counts() {
    let api = KubeApi::new();
    let [first, second] = [0, 1].map(|number| barrier(&api, number, 2));
    first.enter().await.expect("free");
    second.enter().await.expect("free");
    let decided = first.decide().await.expect("answered");
    assert!(decided.is_some());
    assert_eq!(second.decide().await.expect("answered"), None);
    let seen = second.look().await.expect("answered");
    assert_eq!(seen.begin, decided);
}

#[tokio::test(start_paused = true)]
async fn two_workers_of_one_number_are_a_conflict() {
    let api = KubeApi::new();
    let [first, second] = [0, 0].map(|number| barrier(&api, number, 2));
    first.enter().await.expect("free");
    let error = second.ready().await.expect_err("the place is taken");
    assert!(matches!(error, DriverError::Taken { .. }), "{error}");
    assert!(error.to_string().contains("load-test-worker-0"), "{error}");
    assert_eq!(api.n_objects("leases"), 1, "the first one is still there");
}

#[tokio::test(start_paused = true)]
async fn workers_of_another_number_are_no_company() {
    let api = KubeApi::new();
    barrier(&api, 1, 3).enter().await.expect("free");
    let error = barrier(&api, 0, 2).ready().await;
    let error = error.expect_err("the other one belongs to three");
    assert!(error.to_string().contains("worker 1 "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_namespace_of_the_workers_need_not_be_there() {
    let api = KubeApi::with_settings(Settings {
        strict_namespaces: true,
        ..Settings::default()
    });
    let barriers = [0, 1].map(|number| barrier(&api, number, 2));
    for ready in all_ready(&barriers).await {
        ready.expect("they make it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stumbles_holds_nobody_up_for_good() {
    let api = KubeApi::new();
    let stumble = Fault::new(Effect::InternalError).on(Verb::List);
    api.faults().add(stumble.of("leases").next(5));
    let barriers = [0, 1].map(|number| barrier(&api, number, 2));
    for ready in all_ready(&barriers).await {
        ready.expect("they try again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_out_of_reach() {
    let api = KubeApi::new();
    let silence = Effect::Latency(Duration::from_secs(24 * 3600));
    api.faults().add(Fault::new(silence).of("leases"));
    let error = barrier(&api, 0, 2).ready().await;
    let error = error.expect_err("nobody answers");
    assert!(error.is_unreachable(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn who_comes_after_the_begin_does_not_run() {
    let api = KubeApi::new();
    let [first, second] = [0, 1].map(|number| barrier(&api, number, 2));
    let earlier = now() - Duration::from_secs(60);
    let lease = first.lease(&first.begin_name(), "worker 0 of 2", earlier, None);
    let created = first.leases.create(&PostParams::default(), &lease).await;
    created.expect("free");
    let error = second.ready().await.expect_err("it is over");
    assert!(matches!(error, DriverError::Clock { .. }), "{error}");
    assert_eq!(api.n_objects("leases"), 1, "its own sign is taken back");
}

#[test]
fn a_begin_is_believed_if_it_can_have_been_said_just_now() {
    let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
    let ms = Duration::from_millis;
    for (ahead, expected) in [
        (ms(1), true),
        (ms(3_000), true),
        (ms(3_400), true),
        (ms(3_600), false),
    ] {
        assert_eq!(left(now + ahead, now).ok(), expected.then_some(ahead));
    }
    let error = left(now - ms(1_500), now).expect_err("it has passed");
    assert!(error.to_string().contains("1.5s ago"), "{error}");
    let error = left(now + ms(10_000), now).expect_err("too far");
    assert!(error.to_string().contains("7.0s behind"), "{error}");
}

//! Every join policy with every way that children can end.

use super::*;
use RunStatus::{Canceled, Completed, Failed, Running};

const SPAWNED: UnixMillis = UnixMillis(1_000);

fn children(join: JoinPolicy, on_failure: FailurePolicy, all: &[RunStatus]) -> Vec<ChildRun> {
    let child = |(position, status): (usize, &RunStatus)| ChildRun {
        id: format!("child-{position}"),
        spawn: Spawn {
            group: String::new(),
            join,
            on_failure,
        },
        status: *status,
        spawned_at_ms: SPAWNED,
        ended_at_ms: None,
        seq: 1,
    };
    all.iter().enumerate().map(child).collect()
}

fn decide(join_policy: JoinPolicy, on_failure: FailurePolicy, all: &[RunStatus]) -> Join {
    let children = children(join_policy, on_failure, all);
    let group: Vec<_> = children.iter().collect();
    join(&group, UnixMillis(SPAWNED.0 + 10))
}

fn failed(because_of: &str, cancel: &[&str]) -> Join {
    Join::Fail {
        because_of: because_of.to_owned(),
        cancel: cancel.iter().map(|id| (*id).to_owned()).collect(),
    }
}

#[test]
fn all_waits_for_the_last_child() {
    let all = |statuses: &[_]| decide(JoinPolicy::All, FailurePolicy::IgnoreFailure, statuses);
    assert_eq!(all(&[]), Join::Go);
    assert_eq!(all(&[Completed, Running]), wait());
    assert_eq!(all(&[Failed, Running]), wait());
    assert_eq!(all(&[Completed, Failed]), Join::Go);
}

#[test]
fn any_and_quorum_count_completed_children_only() {
    let any = |statuses: &[_]| decide(JoinPolicy::Any, FailurePolicy::IgnoreFailure, statuses);
    assert_eq!(any(&[Running, Running]), wait());
    assert_eq!(any(&[Failed, Running]), wait());
    assert_eq!(any(&[Running, Completed]), Join::Go);
    assert_eq!(any(&[Failed, Canceled]), failed("child-1", &[]));
    let two = JoinPolicy::Quorum { n_children: 2 };
    let quorum = |statuses: &[_]| decide(two, FailurePolicy::IgnoreFailure, statuses);
    assert_eq!(quorum(&[Completed, Running, Failed]), wait());
    assert_eq!(quorum(&[Completed, Completed, Running]), Join::Go);
    assert_eq!(quorum(&[Completed, Failed, Failed]), failed("child-2", &[]));
    assert_eq!(
        quorum(&[Completed]),
        failed("child-0", &[]),
        "one cannot be two"
    );
}

#[test]
fn a_failed_child_fails_the_group_and_may_take_its_siblings_with_it() {
    let fast = decide(
        JoinPolicy::All,
        FailurePolicy::FailFast,
        &[Running, Canceled, Running],
    );
    assert_eq!(fast, failed("child-1", &[]));
    let cancel = decide(
        JoinPolicy::All,
        FailurePolicy::CancelSiblings,
        &[Running, Failed, Completed, Running],
    );
    assert_eq!(cancel, failed("child-1", &["child-0", "child-3"]));
}

#[test]
fn a_timeout_goes_on_with_what_there_is() {
    let at = |after_ms, statuses: &[_]| {
        decide(
            JoinPolicy::Timeout { after_ms },
            FailurePolicy::IgnoreFailure,
            statuses,
        )
    };
    let until = Some(UnixMillis(SPAWNED.0 + 11));
    assert_eq!(at(11, &[Running, Completed]), Join::Wait { until });
    assert_eq!(at(10, &[Running, Completed]), Join::Go);
    assert_eq!(at(11, &[Failed, Completed]), Join::Go);
    let never = at(u64::MAX, &[Running]);
    let until = Some(UnixMillis(u64::MAX));
    assert_eq!(never, Join::Wait { until }, "no overflow");
}

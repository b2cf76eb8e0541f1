//! What a look at a Query calls for: a place in the queue, or nothing.

use query_api::query::Phase;

use super::sighting::Glance;
use crate::queue::Lane;

/// The lane in which a Query seen like this belongs; `None` if there is nothing to do for it.
///
/// `is_inherited` tells that it was there when this controller started, so that a claim of another is void.
pub(super) fn lane(glance: &Glance, identity: &str, is_inherited: bool) -> Option<Lane> {
    if glance.is_deleting {
        return glance.has_finalizer.then_some(Lane::Control);
    }
    let is_ours = glance.claimant.as_deref() == Some(identity);
    let is_unclaimed = glance.claimant.is_none();
    match glance.phase {
        Phase::Done | Phase::Error | Phase::Canceled => Some(Lane::Control),
        Phase::Other => None,
        _ if glance.is_canceling => Some(Lane::Control),
        Phase::InputRequired => None,
        Phase::Pending | Phase::Provisioning | Phase::Queued => {
            (is_unclaimed || is_ours || is_inherited).then_some(Lane::Start)
        }
        Phase::Running | Phase::Evaluating => (is_ours || is_inherited).then_some(Lane::Start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str = "me";

    fn glance(phase: Phase) -> Glance {
        Glance {
            uid: "u".into(),
            version: Default::default(),
            phase,
            is_canceling: false,
            is_deleting: false,
            has_finalizer: true,
            claimant: Some(ME.into()),
            deadline: None,
        }
    }

    fn check(glance: &Glance, expected: Option<Lane>) {
        assert_eq!(lane(glance, ME, false), expected, "{glance:?}");
    }

    #[test]
    fn what_waits_or_runs_under_our_claim_wants_to_execute() {
        for phase in [
            Phase::Pending,
            Phase::Queued,
            Phase::Running,
            Phase::Evaluating,
        ] {
            check(&glance(phase), Some(Lane::Start));
        }
    }

    #[test]
    fn what_has_ended_is_looked_after_for_its_ttl() {
        for phase in [Phase::Done, Phase::Error, Phase::Canceled] {
            check(&glance(phase), Some(Lane::Control));
        }
    }

    #[test]
    fn cancel_and_deletion_never_wait_for_a_place_in_flight() {
        for phase in [Phase::Pending, Phase::Running, Phase::InputRequired] {
            let canceling = Glance {
                is_canceling: true,
                ..glance(phase)
            };
            check(&canceling, Some(Lane::Control));
            let deleting = Glance {
                is_deleting: true,
                ..glance(phase)
            };
            check(&deleting, Some(Lane::Control));
        }
    }

    #[test]
    fn a_query_under_deletion_without_our_finalizer_is_not_ours_to_hold() {
        let released = Glance {
            is_deleting: true,
            has_finalizer: false,
            ..glance(Phase::Done)
        };
        check(&released, None);
    }

    #[test]
    fn what_waits_for_a_person_or_is_in_an_unknown_phase_is_left_alone() {
        check(&glance(Phase::InputRequired), None);
        check(&glance(Phase::Other), None);
    }

    #[test]
    fn a_claim_of_another_is_respected_unless_it_is_older_than_this_controller() {
        for phase in [Phase::Pending, Phase::Running] {
            let theirs = Glance {
                claimant: Some("somebody".into()),
                ..glance(phase)
            };
            check(&theirs, None);
            assert_eq!(lane(&theirs, ME, true), Some(Lane::Start));
        }
    }

    #[test]
    fn a_query_that_runs_without_a_claim_belongs_to_a_controller_of_another_kind() {
        let unclaimed = |phase| Glance {
            claimant: None,
            ..glance(phase)
        };
        check(&unclaimed(Phase::Running), None);
        check(&unclaimed(Phase::Pending), Some(Lane::Start));
    }
}

//! The targets of a Query, and which of them have answered already.

use query_api::dialect::Dialect;
use query_api::query::{Phase, Query, QuerySpec, Response, Target, TokenUsage};

/// Puts the targets that a selector found into the spec, and takes the selector out.
///
/// Dialect `Targets` adds all of them to those named, each target once; dialect `Target` takes the first.
/// The change is for our own copy alone and is never written to the server.
pub fn select(spec: &mut QuerySpec, dialect: Dialect, hits: Vec<Target>) {
    spec.selector = None;
    match dialect {
        Dialect::Targets => {
            for hit in hits {
                if !spec.targets.contains(&hit) {
                    spec.targets.push(hit);
                }
            }
        }
        Dialect::Target if spec.target.is_none() => spec.target = hits.into_iter().next(),
        Dialect::Target => {}
    }
}

/// The answers that an earlier run has recorded, one slot per target in the order of the spec.
///
/// A target that stands twice in the spec needs two answers. A recorded failure is no answer: it is asked again.
pub(super) fn recorded(query: &Query) -> Vec<Option<Response>> {
    let status = query.status.iter();
    let mut answers: Vec<&Response> = status
        .flat_map(|status| status.responses.iter().chain(&status.response))
        .filter(|response| response.phase != Some(Phase::Error))
        .collect();
    let answer = |target: &Target| {
        let place = answers
            .iter()
            .position(|response| response.target.as_ref() == Some(target))?;
        Some(answers.remove(place).clone())
    };
    query.spec.all_targets().map(answer).collect()
}

/// The tokens behind the recorded answers.
pub(super) fn spent(query: &Query) -> TokenUsage {
    let status = query.status.as_ref();
    status
        .and_then(|status| status.token_usage)
        .unwrap_or_default()
}

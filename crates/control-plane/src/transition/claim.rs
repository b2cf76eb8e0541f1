//! Who may execute a Query: the claim that goes with our finalizer.
//!
//! The claim is an annotation in the same patch as the finalizer, written under a `resourceVersion` precondition, so
//! that of several controllers exactly one gets it. It outlives lost replies: a controller that finds its own claim
//! on a Query knows that its write arrived.

use std::collections::BTreeMap;

use query_api::query::{QUERY_FINALIZER, Query};

use super::Observer;
use super::patch::MetadataPatch;

/// The annotation that names the controller which executes a Query.
pub const CLAIM_ANNOTATION: &str = "plimsoll/claimed-by";

/// Whose a Query is, as one controller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Nobody has claimed it, or the one who did is gone.
    Free,
    /// This controller's.
    Ours,
    /// Another controller's, which is taken to be alive.
    Theirs,
}

impl Claim {
    /// Whose `query` is in the eyes of `observer`.
    ///
    /// Our claim without our finalizer counts as free: somebody took the finalizer off, and it must be put back.
    #[must_use]
    pub fn of(query: &Query, observer: &Observer<'_>) -> Self {
        let annotations = query.metadata.annotations.as_ref();
        let claimant = annotations.and_then(|annotations| annotations.get(CLAIM_ANNOTATION));
        match claimant {
            Some(claimant) if claimant == observer.identity && has_finalizer(query) => Self::Ours,
            Some(claimant) if claimant != observer.identity && !observer.inherited => Self::Theirs,
            _ => Self::Free,
        }
    }
}

/// Puts our finalizer beside those of others, and our claim over that of whoever is gone.
pub(super) fn claim(query: &Query, observer: &Observer<'_>) -> MetadataPatch {
    let mut finalizers = query.metadata.finalizers.clone().unwrap_or_default();
    let missing = !has_finalizer(query);
    if missing {
        finalizers.push(QUERY_FINALIZER.to_owned());
    }
    MetadataPatch {
        finalizers: missing.then_some(finalizers),
        annotations: BTreeMap::from([(CLAIM_ANNOTATION, observer.identity.to_owned())]),
    }
}

/// Takes our finalizer off and leaves those of others; `None` if ours is not there.
pub(super) fn release(query: &Query) -> Option<MetadataPatch> {
    let finalizers = query.metadata.finalizers.as_ref()?;
    let others: Vec<String> = finalizers
        .iter()
        .filter(|finalizer| *finalizer != QUERY_FINALIZER)
        .cloned()
        .collect();
    (others.len() < finalizers.len()).then(|| MetadataPatch {
        finalizers: Some(others),
        annotations: BTreeMap::new(),
    })
}

fn has_finalizer(query: &Query) -> bool {
    let finalizers = query.metadata.finalizers.iter().flatten();
    finalizers
        .into_iter()
        .any(|finalizer| finalizer == QUERY_FINALIZER)
}

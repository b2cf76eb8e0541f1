//! One seam for rates and caps, wherever their states are kept: in this process or in Redis.
//!
//! In memory ([`Quotas`]) an answer is ready at once, and the methods of `Quotas` itself give it without a future.
//! A service that may run as several processes asks through [`Backend`], and each process gets the same limits' share.
//!
//! | promise | of |
//! |---|---|
//! | admitted in any window ≤ burst + rate × window | [`decide`](Backend::decide) |
//! | live ≤ cap at every instant | [`acquire`](Backend::acquire) |
//! | all claimed places in one step, or none | [`acquire`](Backend::acquire) |
//! | a permit's places come back exactly once | [`Places`] |
//!
//! One contract suite, `tests/it/contract.rs`, holds every backend to this table.

use std::future::{Future, ready};

use crate::caps::{CapId, Claim, Permit};
use crate::clock::Clock;
use crate::decision::Decision;
use crate::limiter::LimitId;
use crate::quotas::Quotas;

/// Everything that a service asks before it starts something, answered by whoever keeps the states.
///
/// No method fails or hangs: a backend that cannot be reached gives the answer that it was set up to give then,
/// [`Decision::DeniedUnreachable`] or [`Decision::AllowedUncounted`].
pub trait Backend: Send + Sync {
    /// The places of one step, taken until this is dropped.
    type Permit: Places;

    /// The rate of this name; `None` if there is none.
    fn limit(&self, name: &str) -> Option<LimitId>;

    /// The cap of this name; `None` if there is none.
    fn cap(&self, name: &str) -> Option<CapId>;

    /// Asks a rate for one permit of a workspace.
    ///
    /// # Panics
    ///
    /// If `limit` was found in a backend with more rates than this one.
    fn decide(&self, workspace: &str, limit: LimitId) -> impl Future<Output = Decision> + Send;

    /// Takes all the claimed places in one step, or none; the denial is never an allowance.
    ///
    /// A future that is dropped before it is done takes nothing for good.
    ///
    /// # Panics
    ///
    /// If a claim's cap was found in a backend with more caps than this one.
    fn acquire(
        &self,
        claims: &[Claim<'_>],
    ) -> impl Future<Output = Result<Self::Permit, Decision>> + Send;

    /// How many places of the cap are taken for this key; `None` if the backend cannot be reached.
    fn live(&self, claim: Claim<'_>) -> impl Future<Output = Option<u32>> + Send;

    /// Asks the rate first, then takes the places, as the services that we stand in for do:
    /// a request that the caps refuse has spent its permit.
    fn admit(
        &self,
        workspace: &str,
        limit: LimitId,
        claims: &[Claim<'_>],
    ) -> impl Future<Output = Result<Self::Permit, Decision>> + Send {
        async move {
            let decision = self.decide(workspace, limit).await;
            if decision.is_allowed() {
                self.acquire(claims).await
            } else {
                Err(decision)
            }
        }
    }
}

/// The places of one step: given back exactly once, by [`release`](Self::release) or when this is dropped, also
/// while a panic unwinds.
pub trait Places: Send + Sync + 'static {
    /// Gives the places back and waits until others can have them. Dropping does the same without waiting.
    fn release(self) -> impl Future<Output = ()> + Send;

    /// Whether the places are still taken for this holder, who must stop its work if not.
    ///
    /// In memory that is always so; a lease in Redis can be lost.
    fn is_held(&self) -> bool;
}

impl<C: Clock> Backend for Quotas<C> {
    type Permit = Permit;

    fn limit(&self, name: &str) -> Option<LimitId> {
        Quotas::limit(self, name)
    }

    fn cap(&self, name: &str) -> Option<CapId> {
        Quotas::cap(self, name)
    }

    fn decide(&self, workspace: &str, limit: LimitId) -> impl Future<Output = Decision> + Send {
        ready(Quotas::decide(self, workspace, limit))
    }

    fn acquire(
        &self,
        claims: &[Claim<'_>],
    ) -> impl Future<Output = Result<Permit, Decision>> + Send {
        ready(Quotas::acquire(self, claims))
    }

    fn live(&self, claim: Claim<'_>) -> impl Future<Output = Option<u32>> + Send {
        ready(Some(Quotas::live(self, claim)))
    }
}

impl Places for Permit {
    fn release(self) -> impl Future<Output = ()> + Send {
        drop(self);
        ready(())
    }

    fn is_held(&self) -> bool {
        true
    }
}

//! The rates and caps of a service, made from its [`Limits`] and enforced together.
//!
//! This wires [`RateLimiter`] and [`CapSet`] for the named limits; it decides nothing itself.

use crate::caps::{CapId, CapSet, Claim, Permit};
use crate::clock::{Clock, FastClock};
use crate::decision::Decision;
use crate::limiter::{Handle, LimitId, RateLimiter};
use crate::limits::Limits;

/// Everything that a service asks before it starts something.
#[derive(Debug)]
pub struct Quotas<C = FastClock> {
    rates: RateLimiter<C>,
    caps: CapSet,
}

impl Quotas {
    /// Quotas with these limits, on the process's fast clock.
    pub fn new(limits: &Limits) -> Self {
        Self::with_clock(limits, FastClock)
    }
}

impl<C: Clock> Quotas<C> {
    /// Quotas with these limits, on a clock of the caller's.
    pub fn with_clock(limits: &Limits, clock: C) -> Self {
        let rates = limits
            .rates()
            .map(|(name, limit)| (name, limit.per_second, limit.burst));
        Self {
            rates: RateLimiter::with_clock(rates, clock),
            caps: CapSet::new(limits.caps()),
        }
    }

    /// The rate of this name; `None` if there is none.
    pub fn limit(&self, name: &str) -> Option<LimitId> {
        self.rates.limit(name)
    }

    /// The cap of this name; `None` if there is none.
    pub fn cap(&self, name: &str) -> Option<CapId> {
        self.caps.cap(name)
    }

    /// Asks a rate for one permit of a workspace.
    pub fn decide(&self, workspace: &str, limit: LimitId) -> Decision {
        self.rates.decide(workspace, limit)
    }

    /// A prepared check for a workspace that asks often.
    pub fn handle(&self, workspace: &str, limit: LimitId) -> Handle<C> {
        self.rates.handle(workspace, limit)
    }

    /// Takes all the claimed places in one step, or none; the denial is never
    /// [`Decision::Allowed`].
    pub fn acquire(&self, claims: &[Claim<'_>]) -> Result<Permit, Decision> {
        self.caps.acquire(claims).map_err(Decision::from)
    }

    /// How many places of the cap are taken for this key.
    pub fn live(&self, claim: Claim<'_>) -> u32 {
        self.caps.live(claim)
    }

    /// Asks the rate first, then takes the places, as the services that we stand in for do:
    /// a request that the caps refuse has spent its permit.
    pub fn admit(
        &self,
        workspace: &str,
        limit: LimitId,
        claims: &[Claim<'_>],
    ) -> Result<Permit, Decision> {
        let decision = self.decide(workspace, limit);
        if decision.is_allowed() {
            self.acquire(claims)
        } else {
            Err(decision)
        }
    }

    /// Forgets the rate states that no longer matter; see [`RateLimiter::evict_idle`].
    pub fn evict_idle(&self) -> usize {
        self.rates.evict_idle()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_run_is_admitted_by_rate_and_caps_together() {
        let clock = ManualClock::default();
        let quotas = Quotas::with_clock(&Limits::default(), clock.clone());
        let create = quotas.limit("create_run").expect("a default rate");
        let parents = quotas.cap("parent_runs").expect("a default cap");
        let total = quotas.cap("total_runs").expect("a default cap");
        let claims = [parents, total].map(|cap| Claim { cap, key: "w" });
        let permits: Vec<_> = (0..5)
            .map(|_| {
                quotas
                    .admit("w", create, &claims)
                    .expect("five parents fit")
            })
            .collect();
        let denied = quotas.admit("w", create, &claims).expect_err("the sixth");
        assert_eq!(
            denied.to_string(),
            "cap parent_runs reached, at most 5 at once"
        );
        drop(permits);
        for _ in 0..4 {
            let permit = quotas.admit("w", create, &claims).expect("burst of ten");
            drop(permit);
        }
        let denied = quotas
            .admit("w", create, &claims)
            .expect_err("the eleventh");
        let Decision::DeniedByRate { limit, retry_after } = denied else {
            panic!("denied by {denied}");
        };
        assert_eq!(&*limit, "create_run");
        clock.advance(retry_after);
        assert!(quotas.admit("w", create, &claims).is_ok());
    }
}

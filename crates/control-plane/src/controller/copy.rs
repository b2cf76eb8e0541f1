//! A pass's own copy of its Query: writes that change it together with the server's, reads and sightings that renew it.

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;

use bytes::Bytes;
use query_api::query::Query;
use tokio::time::Instant;

use super::api::{Failure, Part};
use super::pass::{Ending, Pass};
use super::patience::Patience;
use super::sighting::{Glance, Sighting};
use crate::metrics::Stage;
use crate::transition::{MetadataPatch, StatusPatch};

/// Conflicts in a row after which a pass lets go of its Query: somebody else writes to it without pause, or what is
/// read is out of date every time.
const MAX_CONFLICTS: u32 = 16;

impl<'a> Pass<'a> {
    pub(super) async fn write_metadata(
        &mut self,
        patch: &MetadataPatch,
        change: impl FnOnce(&mut Glance),
    ) -> ControlFlow<Ending> {
        let body = patch.to_bytes(self.resource_version());
        let written = self.write(Part::Metadata, body, |query| patch.apply(query), change);
        let written = written.await;
        self.settle(written).await
    }

    pub(super) async fn write_status(&mut self, patch: &StatusPatch) -> Result<(), Failure> {
        let started = Instant::now();
        let body = patch.to_bytes(self.resource_version());
        let phase = patch.phase.unwrap_or(self.query.phase());
        let change = |glance: &mut Glance| glance.phase = phase;
        let written = self.write(Part::Status, body, |query| patch.apply(query), change);
        let written = written.await;
        let metrics = &self.shop.metrics;
        metrics.stage(Stage::StatusWrite, started.elapsed());
        written
    }

    /// Sends a patch until the server takes it or has a reason not to, then does the same to our copy.
    async fn write(
        &mut self,
        part: Part,
        body: Vec<u8>,
        apply: impl FnOnce(&mut Query),
        change: impl FnOnce(&mut Glance),
    ) -> Result<(), Failure> {
        let key = self.lease.key();
        let body = Bytes::from(body);
        let api = &self.shop.api;
        let patch = || api.patch(key, part, body.clone());
        let written = self.patience().spend_on(patch).await?;
        let query = Arc::make_mut(&mut self.query);
        apply(query);
        query.metadata.resource_version = Some(written.resource_version);
        self.version = written.version;
        self.is_fresh = true;
        self.n_conflicts = 0;
        let now = self.shop.clock.now();
        let mut ledger = self.shop.ledger.lock();
        ledger.wrote(key, written.version, now, change);
        Ok(())
    }

    /// What follows from a request, for those that have no better idea.
    pub(super) async fn settle(&mut self, sent: Result<(), Failure>) -> ControlFlow<Ending> {
        match sent {
            Ok(()) => Continue(()),
            Err(Failure::Conflict) => self.read().await,
            Err(Failure::Gone) => Break(Ending::Gone),
            Err(Failure::Refused(cause)) if self.failure.is_none() => {
                self.failure = Some(format!("the server refuses to change it: {cause}"));
                Continue(())
            }
            Err(Failure::Refused(cause) | Failure::Passing { cause, .. }) => {
                Break(Ending::Retry(cause))
            }
        }
    }

    /// Reads the Query anew.
    pub(super) async fn read(&mut self) -> ControlFlow<Ending> {
        self.n_conflicts += 1;
        if self.n_conflicts > MAX_CONFLICTS {
            return Break(Ending::Retry(
                "it changes faster than it can be written".to_owned(),
            ));
        }
        let key = self.lease.key();
        let read = || self.read_once();
        let sighting = match self.patience().spend_on(read).await {
            Ok(sighting) => sighting,
            Err(Failure::Gone) => return Break(Ending::Gone),
            Err(Failure::Conflict) => return Break(Ending::Retry("it is contended".to_owned())),
            Err(Failure::Refused(cause) | Failure::Passing { cause, .. }) => {
                return Break(Ending::Retry(cause));
            }
        };
        if self.is_another(&sighting) {
            return Break(Ending::Gone);
        }
        self.adopt(&sighting);
        self.is_fresh = true;
        let now = self.shop.clock.now();
        let standing = self.shop.ledger.lock().learn(key, sighting, now);
        self.standing = standing.unwrap_or(self.standing);
        Continue(())
    }

    /// A copy from the server that is not older than ours.
    async fn read_once(&self) -> Result<Sighting, Failure> {
        let sighting = self.shop.api.get(self.lease.key()).await?;
        let version = sighting.glance.version;
        if version != self.version && version.is_covered_by(self.version) {
            return Err(Failure::Passing {
                cause: "the server gave an out-of-date copy".to_owned(),
                retry_after: None,
            });
        }
        Ok(sighting)
    }

    /// Goes on with what the watch has seen meanwhile.
    pub(super) fn catch_up(&mut self) -> ControlFlow<Ending> {
        let newer = self
            .shop
            .ledger
            .lock()
            .newer(self.lease.key(), self.version);
        let Some((sighting, standing)) = newer else {
            return Continue(());
        };
        if self.is_another(&sighting) {
            return Break(Ending::Gone);
        }
        self.adopt(&sighting);
        self.standing = standing;
        self.is_fresh = false;
        Continue(())
    }

    pub(super) fn adopt(&mut self, sighting: &Sighting) {
        let (query, cause) = sighting.query();
        self.query = Arc::new(query);
        self.version = sighting.glance.version;
        if self.result.is_none() && self.failure.is_none() {
            self.failure = cause;
        }
    }

    /// Whether a Query of the same name has taken the place of ours.
    fn is_another(&self, sighting: &Sighting) -> bool {
        let uid = self.query.metadata.uid.as_deref();
        uid.is_some_and(|uid| *uid != *sighting.glance.uid)
    }

    fn resource_version(&self) -> &str {
        let version = self.query.metadata.resource_version.as_deref();
        version.unwrap_or_default()
    }

    pub(super) fn patience(&self) -> Patience<'a> {
        Patience::new(self.shop.config.retries, &self.shop.abandon)
    }
}

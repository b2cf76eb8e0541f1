//! One namespace's Queries of one run: list, watch, and begin again when the server has forgotten where we were.

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use kube::Api;
use kube::api::{ListParams, WatchEvent, WatchParams};
use query_api::query::{Phase, Query};
use tokio_util::sync::CancellationToken;

use super::failure::refused;
use super::id_of;
use crate::driver::{End, Sightings, What};
use crate::error::DriverError;

/// How long a lost watch is left alone.
const PAUSE: Duration = Duration::from_millis(100);

/// The server's word for "I have forgotten".
const GONE: u16 = 410;

/// Lists, and watches from there on in a task of its own until `stop`.
pub(super) async fn begin(
    queries: Api<Query>,
    selector: String,
    sightings: Sightings,
    stop: CancellationToken,
) -> Result<(), DriverError> {
    let mut watch = Watch {
        queries,
        selector,
        sightings,
        version: String::new(),
        phases_by_id: HashMap::new(),
    };
    watch
        .list()
        .await
        .map_err(|error| refused("list Queries", &error))?;
    // Only a watch that is open has shown that it may be.
    let opened = watch.open().await;
    drop(opened.map_err(|error| refused("watch Queries", &error))?);
    tokio::spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = watch.follow() => {}
        }
    });
    Ok(())
}

struct Watch {
    queries: Api<Query>,
    selector: String,
    sightings: Sightings,
    /// Where to go on.
    version: String,
    /// The operations that have not ended, with the phase in which each was last seen.
    phases_by_id: HashMap<u64, Phase>,
}

/// Why a watch ended.
enum Broken {
    /// It may go on from where it was.
    Off,
    /// What happened meanwhile is forgotten.
    Forgotten,
}

impl Watch {
    async fn follow(&mut self) {
        loop {
            match self.follow_one().await {
                Broken::Off => {}
                Broken::Forgotten => self.catch_up().await,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn open(
        &self,
    ) -> kube::Result<impl futures::Stream<Item = kube::Result<WatchEvent<Query>>> + use<>> {
        let params = WatchParams::default().labels(&self.selector);
        self.queries.watch(&params, &self.version).await
    }

    async fn follow_one(&mut self) -> Broken {
        let events = match self.open().await {
            Ok(events) => events,
            Err(kube::Error::Api(status)) if status.code == GONE => return Broken::Forgotten,
            Err(error) => {
                tracing::warn!(%error, "cannot watch");
                return Broken::Off;
            }
        };
        let mut events = pin!(events);
        while let Some(event) = events.next().await {
            match event {
                Ok(WatchEvent::Added(query) | WatchEvent::Modified(query)) => {
                    self.go_to(query.metadata.resource_version.as_deref());
                    self.see(&query, false);
                }
                Ok(WatchEvent::Deleted(query)) => {
                    self.go_to(query.metadata.resource_version.as_deref());
                    self.see(&query, false);
                    self.see_gone(&query);
                }
                Ok(WatchEvent::Bookmark(bookmark)) => {
                    self.go_to(Some(&bookmark.metadata.resource_version));
                }
                Ok(WatchEvent::Error(status)) if status.code == GONE => return Broken::Forgotten,
                Ok(WatchEvent::Error(status)) => {
                    tracing::warn!(message = %status.message, "watch interrupted");
                    return Broken::Off;
                }
                Err(error) => {
                    tracing::warn!(%error, "watch interrupted");
                    return Broken::Off;
                }
            }
        }
        Broken::Off
    }

    fn go_to(&mut self, version: Option<&str>) {
        if let Some(version) = version {
            version.clone_into(&mut self.version);
        }
    }

    /// Where to begin.
    async fn list(&mut self) -> kube::Result<Vec<Query>> {
        let params = ListParams::default().labels(&self.selector);
        let list = self.queries.list(&params).await?;
        self.version = list.metadata.resource_version.unwrap_or_default();
        Ok(list.items)
    }

    /// Reads what happened while nobody looked: that something ended, but not when.
    async fn catch_up(&mut self) {
        let items = loop {
            match self.list().await {
                Ok(items) => break items,
                Err(error) => {
                    tracing::warn!(%error, "cannot list");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        let mut vanished = self.phases_by_id.clone();
        for query in &items {
            if let Some(id) = id(query) {
                vanished.remove(&id);
            }
            self.see(query, true);
        }
        for id in vanished.into_keys() {
            self.phases_by_id.remove(&id);
            let end = End::Vanished;
            self.sightings.tell(id, What::Ended { end, unseen: true });
        }
    }

    /// Tells what is new about a Query.
    fn see(&mut self, query: &Query, unseen: bool) {
        let Some(id) = id(query) else {
            return;
        };
        let phase = query.phase();
        let before = self.phases_by_id.get(&id).copied();
        if before == Some(phase) {
            return;
        }
        if before.is_none() && !unseen {
            self.sightings.tell(id, What::Sighted);
        }
        self.phases_by_id.insert(id, phase);
        let end = match phase {
            Phase::Queued if !unseen => return self.sightings.tell(id, What::Queued),
            Phase::Running if !unseen => return self.sightings.tell(id, What::Running),
            Phase::Done => End::Answered(answer(query)),
            Phase::Error => End::Failed(answer(query)),
            Phase::Canceled => End::Cancelled,
            _ => return,
        };
        self.sightings.tell(id, What::Ended { end, unseen });
    }

    /// Tells that a Query is gone, if it had not ended.
    fn see_gone(&mut self, query: &Query) {
        let Some(id) = id(query) else {
            return;
        };
        let had_ended = self
            .phases_by_id
            .remove(&id)
            .is_some_and(Phase::is_terminal);
        if !had_ended {
            self.sightings.tell_end(id, End::Vanished);
        }
    }
}

fn id(query: &Query) -> Option<u64> {
    id_of(query.metadata.name.as_deref()?)
}

/// The text of all answers, in either dialect.
fn answer(query: &Query) -> String {
    let Some(status) = &query.status else {
        return String::new();
    };
    let responses = status.responses.iter().chain(&status.response);
    let contents: Vec<&str> = responses.map(|response| &*response.content).collect();
    contents.join("\n")
}

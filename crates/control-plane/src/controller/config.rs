//! What can be set about a controller; every default is a working one.

use std::time::Duration;

use query_api::dialect::Dialect;

use crate::queue::{Backoff, QueueConfig};

/// How a controller works.
#[derive(Debug, Clone)]
pub struct ControllerConfig {
    /// Which Queries it looks after.
    pub scope: Scope,
    /// How it gets to know the Queries that are there already.
    pub listing: Listing,
    /// The form of the Query; `None` asks the CRD. It matters only for Queries that name no target but a selector.
    pub dialect: Option<Dialect>,
    /// Under which name it claims Queries.
    pub identity: Identity,
    /// The bounds of its queue.
    pub queue: QueueConfig,
    /// How it repeats a write or read that failed for a while.
    pub retries: Retries,
    /// How long a lost watch is left alone before the next attempt.
    pub watch_backoff: Backoff,
    /// How long one answer of a Query with several targets waits for others, to be recorded with them.
    pub record_linger: Duration,
    /// How long running Queries may go on after the controller was told to stop; after that they are left in phase
    /// `running`, to be resumed by the next one.
    pub grace: Duration,
}

/// Which Queries a controller looks after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All, through one watch.
    Cluster,
    /// Those in these namespaces, through one watch each; at least one, or the controller does not start.
    Namespaces(Vec<String>),
}

/// How the Queries that are there already are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// In pages of this many; understood by every server.
    Pages(u32),
    /// As the first events of the watch; spares the server a copy of the list, but needs Kubernetes 1.32.
    Stream,
}

/// Under which name a controller claims Queries, and whose claims it takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The only controller. What it finds claimed at its start was left by one before it, and is resumed.
    /// Claims that others make after that are respected all the same. Its name is new at every start.
    ///
    /// It must be the only one, and nothing here makes sure of that: a second one that starts while the first is at
    /// work takes over what runs, and asks the targets again that have not answered yet. The status is still written
    /// once, with the result that comes first. Where two may run at once, be it for the length of a rolling update,
    /// name them.
    Sole,
    /// One of several, under a name that outlives a restart. It resumes only what it claimed itself.
    Named(String),
}

/// How a request that failed for a while is repeated at once; the queue's back-off follows when these are used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Attempts in a row, the first included; zero counts as one.
    pub max_attempts: u32,
    /// The delays between them, unless the server names one.
    pub backoff: Backoff,
    /// How long one attempt may take before its reply counts as lost.
    pub timeout: Duration,
}

impl Default for ControllerConfig {
    fn default() -> Self {
        Self {
            scope: Scope::Cluster,
            listing: Listing::Pages(500),
            dialect: None,
            identity: Identity::Sole,
            queue: QueueConfig::default(),
            retries: Retries::default(),
            watch_backoff: Backoff {
                base: Duration::from_millis(200),
                max: Duration::from_secs(30),
            },
            record_linger: Duration::from_millis(10),
            grace: Duration::from_secs(30),
        }
    }
}

impl Default for Retries {
    /// About 3 s in all: longer than the API server's own hiccups, shorter than anybody's patience.
    fn default() -> Self {
        Self {
            max_attempts: 6,
            backoff: Backoff {
                base: Duration::from_millis(100),
                max: Duration::from_secs(2),
            },
            timeout: Duration::from_secs(30),
        }
    }
}

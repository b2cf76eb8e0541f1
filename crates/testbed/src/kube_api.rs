//! A Kubernetes API server in process: a `tower::Service` behind an ordinary `kube::Client`, without sockets.
//!
//! It answers the requests that clients and controllers send about custom resources and a few built-in kinds
//! as the real server does; the conformance suite in `tests/it/conformance` runs against both. What it leaves
//! out stands in the crate's README.
//!
//! Objects are kept as the bytes that are sent, and one write is one buffer shared by the store, the answer and
//! every watcher, so that the stand-in's own cost in a measurement is small; [`KubeApi::busy`] tells it.

mod aftermath;
mod apply;
mod body;
mod builtin;
mod clock;
mod discovery;
mod failure;
mod faults;
mod json;
mod json_patch;
mod metadata;
mod meter;
mod object;
mod read;
mod remove;
mod request;
mod resource;
mod schema;
mod selector;
mod server;
mod service;
mod table;
mod watch;
mod write;

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::client::Body;

pub use faults::{Effect, Fault, FaultId, Faults, Lost};
pub use meter::Counts;
pub use request::Verb;

use server::Server;
use service::Answer;

/// The stand-in; clones share one state.
#[derive(Clone, Debug)]
pub struct KubeApi {
    server: Arc<Server>,
}

/// What a stand-in is set up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many changes of each resource are remembered; a watch that wants to begin earlier gets a 410.
    pub history_size: usize,
    /// Whether objects can only be created in namespaces that exist, as on a real server.
    ///
    /// Off by default: a benchmark's namespaces need no setting up.
    pub strict_namespaces: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            history_size: 32_768,
            strict_namespaces: false,
        }
    }
}

impl Default for KubeApi {
    fn default() -> Self {
        Self::new()
    }
}

impl KubeApi {
    /// A server with the built-in kinds and no custom resources.
    pub fn new() -> Self {
        Self::with_settings(Settings::default())
    }

    /// A server with the built-in kinds, set up otherwise than by default.
    pub fn with_settings(settings: Settings) -> Self {
        Self {
            server: Arc::new(Server::new(settings)),
        }
    }

    /// Installs definitions of custom resources, as creating them through the API does.
    ///
    /// # Panics
    ///
    /// If a definition is not valid or is already there: both are mistakes in the set-up of a test.
    #[must_use]
    pub fn with_crds(self, crds: impl IntoIterator<Item = CustomResourceDefinition>) -> Self {
        for crd in crds {
            self.server.install(&crd);
        }
        self
    }

    /// A client of this server; must be called inside a tokio runtime, on which the client's worker then runs.
    pub fn client(&self, default_namespace: &str) -> kube::Client {
        let server = Arc::clone(&self.server);
        let service = tower::service_fn(move |request: Request<Body>| {
            Answer::new(Arc::clone(&server), request)
        });

        kube::Client::new(service, default_namespace)
    }

    /// Requests since the start, per verb and resource.
    pub fn counts(&self) -> Counts {
        self.server.counts()
    }

    /// Switches the measuring of [`busy`](Self::busy) on or off; off at first, because each reading of the
    /// clock costs some hundred nanoseconds.
    pub fn measure_busy(&self, on: bool) {
        self.server.meter.switch(on);
    }

    /// CPU time that threads spent inside the stand-in while the measuring was on, the measuring included.
    pub fn busy(&self) -> Duration {
        self.server.meter.busy()
    }

    /// How many objects of a resource, named by its plural, are stored.
    pub fn n_objects(&self, plural: &str) -> usize {
        self.server.n_objects(plural)
    }

    /// The faults of this server, to be switched on and off at any time.
    pub fn faults(&self) -> &Faults {
        &self.server.faults
    }

    /// Ends every running watch, as when the server restarts.
    pub fn drop_watches(&self) {
        self.server.drop_watches();
    }

    /// Forgets all history: every watch that begins at an earlier version gets a 410, every started page too.
    pub fn compact(&self) {
        self.server.compact();
    }
}

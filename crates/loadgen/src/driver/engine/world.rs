//! What the engine acts upon: a store, quotas, a model.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use control_plane::llm::conversation::Conversation;
use control_plane::llm::endpoint::{Endpoint, EndpointSpec};
use control_plane::llm::{Call, LlmClient, LlmConfig, Trace};
use hashbrown::HashMap;
use k8s_openapi::jiff::Timestamp;
use parking_lot::Mutex;
use quota::{Decision, Quotas};
use run_state::StoreError;
use run_state::event::Change;
use run_state::run::{Origin, Seq, UnixMillis};
use run_state::store::Store;
use run_state::store::sqlite::{Durability, Sqlite};
use tempfile::TempDir;
use testbed::llm::latency::Latency;
use testbed::llm::script::Script;
use testbed::llm::server::LlmServer;
use testbed::llm::server::settings::Settings;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::{EngineConfig, Stopped, maestro, taskforce};
use crate::driver::in_process::counted::{AtWork, Place};
use crate::driver::{Setting, Start};
use crate::error::DriverError;
use crate::scenario::platform::{Platform, Runs};

/// The answer of an operation that asks no model and found what it had to.
pub(super) const RIGHT: &str = "right";

/// All that operations share.
pub(super) struct World {
    pub(super) store: Box<dyn Store>,
    pub(super) quotas: Option<Quotas>,
    pub(super) at_work: Arc<AtWork>,
    pub(super) runs: Option<Runs>,
    pub(super) sessions: usize,
    /// Some run has ended.
    pub(super) is_ended: Notify,
    name: String,
    llm: LlmClient,
    endpoint: Endpoint,
    slots: Semaphore,
    books: Mutex<HashMap<String, Book>>,
    n_runs: AtomicU64,
    pub(super) stub: LlmServer,
    /// Goes after the store in it.
    _folder: TempDir,
}

/// What an append must know of a run.
#[derive(Debug, Clone, Copy, Default)]
struct Book {
    version: Seq,
    n_steps: u64,
}

/// A conversation with the model, which takes a place as long as it goes on.
pub(super) struct Talk<'w> {
    world: &'w World,
    name: String,
    trace: Trace,
    conversation: Conversation,
    _at_work: Place,
    _slot: SemaphorePermit<'w>,
}

impl World {
    pub(super) async fn open(config: &EngineConfig, setting: Setting) -> Result<Self, DriverError> {
        let unreachable = |system: &str, reason: String| DriverError::Unreachable {
            system: system.to_owned(),
            reason,
        };
        let [shortest, longest] = setting.latency;
        let latency = Latency::Uniform { shortest, longest };
        let settings = Settings {
            script: Script::new().with_seed(setting.seed).with_latency(latency),
            threads: Some(1),
            ..Settings::default()
        };
        let stub = LlmServer::start(&settings);
        let stub = stub.map_err(|error| unreachable("the LLM stub", error.to_string()))?;
        let endpoint = Endpoint::openai(&EndpointSpec {
            model: "stub".to_owned(),
            base_url: stub.base_url(),
            ..EndpointSpec::default()
        });
        let endpoint = endpoint.map_err(|error| unreachable("the LLM stub", error.to_string()))?;
        let folder = tempfile::tempdir();
        let folder =
            folder.map_err(|error| unreachable("the engine's store", error.to_string()))?;
        let store = Sqlite::open(&folder.path().join("runs.sqlite"), Durability::Durable);
        let store = store.map_err(|error| unreachable("the engine's store", error.to_string()))?;
        let world = Self {
            store: Box::new(store),
            quotas: config.limits.as_ref().map(Quotas::new),
            at_work: Arc::default(),
            runs: config.runs.clone(),
            sessions: config.sessions,
            name: setting.run,
            llm: LlmClient::new(LlmConfig {
                max_in_flight: config.in_flight,
                ..LlmConfig::default()
            }),
            endpoint,
            slots: Semaphore::new(config.in_flight),
            books: Mutex::default(),
            is_ended: Notify::new(),
            n_runs: AtomicU64::new(0),
            stub,
            _folder: folder,
        };
        let made = match config.platform {
            Platform::Taskforce => taskforce::make_sessions(&world).await,
            Platform::AgentMaestro => maestro::make_parent(&world).await,
            Platform::Ark | Platform::AgentCore => Ok(()),
        };
        made.map_err(|error| unreachable("the engine's store", error.to_string()))?;
        Ok(world)
    }

    /// The name of what a start makes.
    pub(super) fn name_of(&self, start: &Start) -> String {
        format!("{}-{}", self.name, start.id)
    }

    /// What the model says at last to a start that asks it so often.
    pub(super) fn right_answer(&self, start: &Start, calls: usize) -> String {
        let workspace = workspace(start.tenant);
        let name = self.name_of(start);
        format!(
            "answer to {workspace}/{name}#0 turn {}",
            calls.saturating_sub(1)
        )
    }

    /// Runs in the store.
    pub(super) fn n_runs(&self) -> u64 {
        self.n_runs.load(Ordering::Relaxed)
    }

    /// Makes a run.
    pub(super) async fn create(&self, run: &str, origin: &Origin) -> Result<(), StoreError> {
        self.store.create(run, origin, now()).await?;
        self.n_runs.fetch_add(1, Ordering::Relaxed);
        self.books.lock().insert(run.to_owned(), Book::default());
        Ok(())
    }

    /// The newest version that is known of a run.
    pub(super) fn version(&self, run: &str) -> Seq {
        self.book(run).version
    }

    fn book(&self, run: &str) -> Book {
        self.books.lock().get(run).copied().unwrap_or_default()
    }

    /// Appends what `changes` makes of the number of the next step, after whatever others have written meanwhile.
    pub(super) async fn append(
        &self,
        run: &str,
        changes: impl Fn(u64) -> Vec<Change>,
    ) -> Result<Seq, StoreError> {
        let mut book = self.book(run);
        loop {
            let changes = changes(book.n_steps + 1);
            let is_step = |change: &&Change| matches!(change, Change::StepAdded { .. });
            let n_steps = book.n_steps + changes.iter().filter(is_step).count() as u64;
            match self.store.append(run, book.version, now(), changes).await {
                Ok(version) => {
                    self.note(run, Book { version, n_steps });
                    return Ok(version);
                }
                Err(StoreError::Conflict { .. }) => {
                    let state = self.store.load(run).await?;
                    book = Book {
                        version: state.version,
                        n_steps: state.steps.len() as u64,
                    };
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Forgets what an append must know of a run that has ended: it would only grow.
    pub(super) fn forget(&self, run: &str) {
        self.books.lock().remove(run);
    }

    fn note(&self, run: &str, book: Book) {
        let mut books = self.books.lock();
        let known = books.entry_ref(run).or_default();
        if book.version > known.version {
            *known = book;
        }
    }

    /// Begins to talk with the model on behalf of a run, as soon as a place is free.
    pub(super) async fn talk(&self, workspace: &str, name: &str) -> Result<Talk<'_>, Stopped> {
        let slot = self.slots.acquire().await?;
        Ok(Talk {
            world: self,
            name: name.to_owned(),
            trace: Trace::new(workspace, name, 0),
            conversation: Conversation::new(),
            _at_work: self.at_work.begin(),
            _slot: slot,
        })
    }
}

impl Talk<'_> {
    /// Asks the model for the next step, with all that was said before.
    pub(super) async fn step(&mut self) -> Result<String, Stopped> {
        self.conversation
            .user(&format!("The next step for {}.", self.name));
        let call = Call {
            endpoint: &self.world.endpoint,
            body: self.conversation.body(&self.world.endpoint, b""),
            trace: &self.trace,
            deadline: None,
        };
        let completion = self.world.llm.complete(&call).await.result?;
        self.conversation.assistant(&completion, "engine");
        Ok(completion.content)
    }
}

/// Nothing that a quota refuses goes on.
pub(super) fn allowed(decision: Decision) -> Result<(), Stopped> {
    match decision.is_allowed() {
        true => Ok(()),
        false => Err(Stopped::Denied(decision)),
    }
}

/// The name of a tenant.
pub(super) fn workspace(tenant: usize) -> String {
    format!("tenant-{tenant}")
}

/// The wall clock, which is what runs are dated by.
fn now() -> UnixMillis {
    UnixMillis(u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default())
}

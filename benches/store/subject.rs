//! The stores that are measured, and the runs that they keep.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use benches::Suite;
use run_state::event::Change;
use run_state::head::Head;
use run_state::json::Json;
use run_state::message::{Message, Role};
use run_state::population::{self, Size};
use run_state::run::{Origin, UnixMillis};
use run_state::step::StepKind;
use run_state::store::files::Files;
use run_state::store::memory::Memory;
use run_state::store::postgres::{self, Postgres};
use run_state::store::sqlite::{Durability, Sqlite};
use run_state::store::{RunLog, Store};
use tokio::runtime::Runtime;

/// Histories: of a few steps, of an hour, of a run that nobody bounded, and of one that never ends.
pub(crate) const SIZES: [(&str, usize); 4] = [
    ("10kb_history", 10_000),
    ("100kb_history", 100_000),
    ("1mb_history", 1_000_000),
    ("10mb_history", 10_000_000),
];

/// The time of everything here; no store cares.
pub(crate) const NOW: UnixMillis = UnixMillis(1_735_689_600_000);

/// Names the PostgreSQL server.
const SERVER: &str = "PLIMSOLL_POSTGRES";

/// About how many bytes a step adds.
const STEP: usize = 700;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Memory,
    Sqlite,
    SqliteNotDurable,
    Files,
    /// A private one of `scripts/services`.
    Postgres,
}

/// The names of a store's cases: literals, as ids are.
pub(crate) struct Cases {
    pub(crate) append: &'static str,
    pub(crate) append_2_threads: &'static str,
    pub(crate) load: &'static str,
    pub(crate) since: &'static str,
}

impl Kind {
    /// All, those that need a service last.
    pub(crate) const ALL: [Self; 5] = [
        Self::Memory,
        Self::Sqlite,
        Self::SqliteNotDurable,
        Self::Files,
        Self::Postgres,
    ];

    /// Says which service the following cases need: where it is not there, they are listed and not run.
    pub(crate) fn wants(self, suite: &mut Suite<'_>) {
        if matches!(self, Self::Postgres) {
            suite.service(SERVER);
        }
    }

    /// The stores that can be measured here.
    pub(crate) fn available() -> impl Iterator<Item = Self> {
        let is_here = |kind: &Self| !matches!(kind, Self::Postgres) || postgres_url().is_some();
        Self::ALL.into_iter().filter(is_here)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::SqliteNotDurable => "sqlite_not_durable",
            Self::Files => "files",
            Self::Postgres => "postgres",
        }
    }

    /// What it keeps outlives the process.
    pub(crate) fn is_lasting(self) -> bool {
        !matches!(self, Self::Memory)
    }

    pub(crate) fn cases(self) -> Cases {
        match self {
            Self::Memory => Cases {
                append: "append_memory",
                append_2_threads: "append_2_threads_memory",
                load: "load_memory",
                since: "since_memory",
            },
            Self::Sqlite => Cases {
                append: "append_sqlite",
                append_2_threads: "append_2_threads_sqlite",
                load: "load_sqlite",
                since: "since_sqlite",
            },
            Self::SqliteNotDurable => Cases {
                append: "append_sqlite_not_durable",
                append_2_threads: "append_2_threads_sqlite_not_durable",
                load: "load_sqlite_not_durable",
                since: "since_sqlite_not_durable",
            },
            Self::Files => Cases {
                append: "append_files",
                append_2_threads: "append_2_threads_files",
                load: "load_files",
                since: "since_files",
            },
            Self::Postgres => Cases {
                append: "append_postgres",
                append_2_threads: "append_2_threads_postgres",
                load: "load_postgres",
                since: "since_postgres",
            },
        }
    }

    /// Whether a write waits for a disk of this machine, and for a sync of this process.
    pub(crate) fn is_durable_here(self) -> bool {
        matches!(self, Self::Sqlite | Self::Files)
    }

    /// What is promised of loading and saving 50 KB, at the 99th percentile.
    pub(crate) fn most_at_p99_ms(self) -> Option<f64> {
        match self {
            Self::Sqlite => Some(5.0),
            Self::Memory | Self::SqliteNotDurable | Self::Files => None,
            Self::Postgres => Some(50.0),
        }
    }
}

/// A store, with the folder that goes with it.
pub(crate) struct Kept {
    pub(crate) store: Box<dyn Store>,
    folder: tempfile::TempDir,
}

impl Kept {
    pub(crate) fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let sqlite = |durability| -> Box<dyn Store> {
            let path = folder.path().join("runs.sqlite");
            Box::new(Sqlite::open(&path, durability).expect("a new file"))
        };
        let store = match kind {
            Kind::Memory => Box::new(Memory::new()),
            Kind::Sqlite => sqlite(Durability::Durable),
            Kind::SqliteNotDurable => sqlite(Durability::NotDurable),
            Kind::Files => Box::new(Files::open(folder.path()).expect("an empty folder")),
            Kind::Postgres => Box::new(postgres()),
        };
        Self { store, folder }
    }

    /// Bytes of all files, once nothing waits to be written any more.
    pub(crate) fn bytes_on_disk(self) -> u64 {
        // The last connection takes its log with it.
        drop(self.store);
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder is there");
        entries
            .filter_map(|entry| entry.ok()?.metadata().ok())
            .map(|metadata| metadata.len())
            .sum()
    }
}

fn postgres_url() -> Option<String> {
    std::env::var(SERVER).ok()
}

/// A store in a schema of its own, which goes with the private database.
fn postgres() -> Postgres {
    static N_SCHEMAS: AtomicUsize = AtomicUsize::new(0);
    let number = N_SCHEMAS.fetch_add(1, Ordering::Relaxed);
    let config = postgres::Config {
        schema: format!("bench_{}_{number}", std::process::id()),
        ..postgres::Config::new(postgres_url().expect("it is measured only where there is one"))
    };
    RUNTIME.get_or_init(|| Runtime::new().expect("threads can be started"));
    block_on(Postgres::connect(config)).expect("the database is there")
}

/// The client of a database needs a runtime; there is none before the first of them.
static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// Waits for a store's answer, from any thread.
pub(crate) fn block_on<F: Future>(answer: F) -> F::Output {
    let _entered = RUNTIME.get().map(Runtime::enter);
    futures::executor::block_on(answer)
}

/// A run of a given size that goes on for ever.
pub(crate) struct History {
    n_bytes: usize,
    changes: Vec<Change>,
}

impl History {
    /// About so many bytes as JSON, of realistic content.
    pub(crate) fn new(n_bytes: usize) -> Self {
        let size = match n_bytes {
            ..100_000 => Size::Small,
            100_000..1_000_000 => Size::Usual,
            _ => Size::Large,
        };
        let n_parts = n_bytes / size.bytes();
        let parts = (0..n_parts as u64).flat_map(|seed| population::events(seed, size));
        // A part ends its run, and the next would not fit any more.
        let changes = parts
            .map(|event| event.change)
            .filter(|change| !matches!(change, Change::StatusChanged { .. }));
        Self {
            n_bytes,
            changes: changes.collect(),
        }
    }

    pub(crate) fn log(&self, run: &str) -> RunLog {
        let mut head = Head::new(NOW);
        let events = head.extend(NOW, self.changes.clone());
        RunLog {
            run: run.to_owned(),
            origin: Origin::default(),
            created_at_ms: NOW,
            events: events.expect("a population fits"),
        }
    }

    /// How many steps may be appended before the run is a third larger.
    pub(crate) fn n_appends_at_size(&self) -> usize {
        (self.n_bytes / 3 / STEP).max(1)
    }

    /// The next step: what the model said, and that it was asked. No two are the same.
    pub(crate) fn step(&self, position: usize, version: u64) -> Vec<Change> {
        let n_appended = (version - self.changes.len() as u64) / 2;
        let payload = format!(r#"{{"model":"m","tokens":{position}}}"#);
        vec![
            self.note(position as u64).remove(0),
            Change::StepAdded {
                index: n_appended + 1,
                kind: StepKind::ModelCall,
                payload: Json::parse(payload).expect("valid"),
            },
        ]
    }

    /// A message alone.
    pub(crate) fn note(&self, position: u64) -> Vec<Change> {
        let sentence = "the query returns a target after the retry window of each workspace; ";
        let content = format!("{position}: {}", sentence.repeat(8));
        vec![Change::MessageAdded {
            message: Message {
                role: Role::Assistant,
                content,
                tool_calls: Vec::new(),
            },
        }]
    }
}

//! The runs that are loaded, in a file of SQLite.

use futures::executor::block_on;
use run_state::event::Change;
use run_state::json::Json;
use run_state::population::{self, Size};
use run_state::run::Origin;
use run_state::store::Store;
use run_state::store::cached::Cached;
use run_state::store::sqlite::{Durability, Sqlite};

use super::NOW;

/// The names of the two runs.
pub(crate) const RUNS: [&str; 2] = ["left", "right"];

/// A store with two runs and their snapshots; not durable, for nothing here waits for a disk.
pub(crate) struct Stored {
    store: Sqlite,
    folder: tempfile::TempDir,
}

impl Stored {
    pub(crate) fn new(size: Size) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let path = folder.path().join("runs.sqlite");
        let store = Sqlite::open(&path, Durability::NotDurable).expect("a new file");
        for (seed, run) in (1..).zip(RUNS) {
            let events = population::events(seed, size);
            let changes: Vec<Change> = events.into_iter().map(|event| event.change).collect();
            block_on(store.create(run, &Origin::default(), NOW)).expect("it is new");
            block_on(store.append(run, 0, NOW, changes)).expect("it fits");
            // The first load leaves a snapshot, as after any load.
            block_on(store.load(run)).expect("it is there");
        }
        Self { store, folder }
    }

    pub(crate) fn store(&self) -> &Sqlite {
        &self.store
    }

    /// With a cache that holds both runs.
    pub(crate) fn cached(self, compress_above: Option<usize>) -> Warm {
        let cached = Cached::new(self.store, 16 << 20);
        let cached = match compress_above {
            Some(above) => cached.compressing_above(above),
            None => cached,
        };
        for run in RUNS {
            let first = block_on(cached.load(run)).expect("it is there");
            let second = block_on(cached.load(run)).expect("it is there");
            assert_eq!(first, second, "the answer is right before it is timed");
        }
        Warm {
            cached,
            _folder: self.folder,
        }
    }
}

/// A cache that holds both runs, with the folder of its store.
pub(crate) struct Warm {
    cached: Cached<Sqlite>,
    _folder: tempfile::TempDir,
}

impl std::ops::Deref for Warm {
    type Target = Cached<Sqlite>;

    fn deref(&self) -> &Self::Target {
        &self.cached
    }
}

/// Changes nothing of a state but its version.
pub(crate) fn note() -> Change {
    Change::Noted {
        kind: "note".to_owned(),
        payload: Json::null(),
    }
}

//! What does it cost to put a run away, to look at it again, and to take it back?
//!
//! Timed: `checkpoint`, a run from a store in memory into a zip file, to the disk, read back, with its row; `read` of such a file,
//! checksum and all; `restore` of it into a store in memory; `compact`, which takes the payloads out of a hundred notes.
//! Figures: runs of 10 KB per second that a pass archives and purges from SQLite, on one thread and on two with a store and a folder
//! each; bytes of an archive against its run's JSON; bytes that a process holds at most for one run at work.
//! Not timed: making the runs. Do not conclude how fast another disk is: a checkpoint syncs a file, its folder and the list.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use benches::counting::{Counting, counted};
use benches::{Suite, suite_main};
use criterion::{BatchSize, Throughput};
use futures::executor::block_on;
use results::figures::Figure;
use run_state::archive::{self, ArchiveRow, NOISY_KINDS, Policy};
use run_state::codec::{self, Encoding, Format};
use run_state::event::Change;
use run_state::head::Head;
use run_state::json::Json;
use run_state::population::{self, Size};
use run_state::run::{Origin, RunState, UnixMillis};
use run_state::store::memory::Memory;
use run_state::store::sqlite::{Durability, Sqlite};
use run_state::store::{RunLog, Store};

/// For the bytes that a run at work holds; it costs each allocation of this suite two nanoseconds.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

const NOW: UnixMillis = UnixMillis(1_767_225_600_000);

const RUN: &str = "run";

const SIZES: [(&str, Size); 3] = [
    ("10kb", Size::Small),
    ("100kb", Size::Usual),
    ("1mb", Size::Large),
];

fn log(run: &str, size: Size) -> RunLog {
    RunLog {
        run: run.to_owned(),
        origin: Origin::default(),
        created_at_ms: UnixMillis(0),
        events: population::events(1, size),
    }
}

/// A store with one run, and a folder for its archives.
struct World {
    store: Memory,
    folder: tempfile::TempDir,
    row: ArchiveRow,
}

impl World {
    fn new(size: Size) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let store = Memory::new();
        let log = log(RUN, size);
        block_on(store.restore(&log)).expect("it is new");
        let row = block_on(archive::checkpoint(&store, RUN, folder.path(), NOW)).expect("space");
        let read = archive::read(folder.path(), &row);
        assert_eq!(
            read.as_ref(),
            Ok(&log),
            "the answer is right before it is timed"
        );
        Self { store, folder, row }
    }
}

fn checkpoint(suite: &mut Suite<'_>) {
    suite.macro_cases();
    for (parameter, size) in SIZES {
        suite.throughput(Throughput::Bytes(size.bytes() as u64));
        suite.prepared(
            "checkpoint",
            parameter,
            || World::new(size),
            |bencher, world| {
                let folder = world.folder.path();
                bencher.iter(|| block_on(archive::checkpoint(&world.store, RUN, folder, NOW)));
                // Or the list of archives would be what is read by the end.
                std::fs::remove_file(folder.join("archives.jsonl")).expect("it is there");
            },
        );
    }
}

fn read(suite: &mut Suite<'_>) {
    for (parameter, size) in SIZES {
        suite.throughput(Throughput::Bytes(size.bytes() as u64));
        suite.prepared(
            "read",
            parameter,
            || World::new(size),
            |bencher, world| {
                bencher.iter(|| archive::read(world.folder.path(), black_box(&world.row)));
            },
        );
        suite.prepared(
            "restore",
            parameter,
            || World::new(size),
            |bencher, world| {
                bencher.iter(|| {
                    let store = Memory::new();
                    let restored = archive::restore(&store, world.folder.path(), &world.row);
                    block_on(restored).expect("the store is empty");
                    store
                });
            },
        );
    }
}

fn compact(suite: &mut Suite<'_>) {
    let note = |position: u64| Change::Noted {
        kind: NOISY_KINDS[0].to_owned(),
        payload: Json::parse(format!("\"token {position} of a stream\"")).expect("valid"),
    };
    suite.case("compact", "100_notes", |bencher| {
        let set_up = || {
            let store = Memory::new();
            let changes: Vec<Change> = (0..100).map(note).collect();
            block_on(store.create(RUN, &Origin::default(), UnixMillis(1))).expect("it is new");
            block_on(store.append(RUN, 0, UnixMillis(1), changes)).expect("it fits");
            store
        };
        let compacted = |store: Memory| {
            let n_compacted = block_on(store.compact(RUN, &NOISY_KINDS, NOW));
            assert_eq!(n_compacted, Ok(100));
            store
        };
        bencher.iter_batched(set_up, compacted, BatchSize::SmallInput);
    });
}

/// A file of SQLite with ended runs, and a folder for their archives.
fn filled(n_runs: usize) -> (Sqlite, PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("runs.sqlite");
    let store = Sqlite::open(&path, Durability::Durable).expect("a new file");
    for position in 0..n_runs {
        let log = log(&format!("run-{position:04}"), Size::Small);
        block_on(store.restore(&log)).expect("it is new");
    }
    let archives = folder.path().join("archives");
    (store, archives, folder)
}

/// Archives and purges everything.
fn pass(store: &Sqlite, archives: &std::path::Path) -> usize {
    let policy = Policy {
        ended_before: NOW,
        compact: NOISY_KINDS.map(str::to_owned).to_vec(),
        purge: true,
        at_most: None,
    };
    let selected = block_on(archive::select(store, &policy)).expect("a list");
    for summary in &selected {
        let archived = archive::archive(store, &summary.run, &policy, archives, NOW);
        block_on(archived).expect("space");
    }
    selected.len()
}

fn passes(suite: &mut Suite<'_>) {
    const N_RUNS: usize = 40;
    const N_REPETITIONS: usize = 6;
    if !suite.keeps_figures() {
        return;
    }
    for (name, n_threads) in [
        ("runs_per_second/1_thread", 1),
        ("runs_per_second/2_threads", 2),
    ] {
        let rate = || {
            let worlds: Vec<_> = (0..n_threads).map(|_| filled(N_RUNS)).collect();
            let start = Instant::now();
            std::thread::scope(|scope| {
                for (store, archives, _) in &worlds {
                    scope.spawn(move || assert_eq!(pass(store, archives), N_RUNS));
                }
            });
            (n_threads * N_RUNS) as f64 / start.elapsed().as_secs_f64()
        };
        let rates: Vec<f64> = (0..N_REPETITIONS).map(|_| rate()).collect();
        let text =
            "runs of 10 KB archived, read back and purged from SQLite per second, all durably";
        if let Some(figure) = Figure::median_of(name, &rates, "runs/s", text) {
            suite.figure(figure);
        }
    }
}

fn bytes(suite: &mut Suite<'_>) {
    if !suite.keeps_figures() {
        return;
    }
    for ((parameter, size), name) in SIZES.into_iter().zip([
        "bytes_in_archive/10kb",
        "bytes_in_archive/100kb",
        "bytes_in_archive/1mb",
    ]) {
        let world = World::new(size);
        let place = world.folder.path().join(&world.row.path);
        let n_bytes = std::fs::metadata(place).expect("it is there").len() as f64;
        let text = format!("the zip file of a run whose state is {parameter} as JSON");
        suite.figure(Figure::exact(name, n_bytes, "bytes", &text));
    }
}

/// What a process holds at most for one run at work: the state as it is read from its snapshot, the events of a step, and
/// the snapshot that it leaves.
fn bytes_in_flight(suite: &mut Suite<'_>) {
    const BINARY: Format = Format {
        encoding: Encoding::Binary,
        compress_above: Some(1_024),
    };
    if !suite.keeps_figures() {
        return;
    }
    for ((parameter, size), name) in SIZES.into_iter().zip([
        "peak_bytes_in_flight/10kb",
        "peak_bytes_in_flight/100kb",
        "peak_bytes_in_flight/1mb",
    ]) {
        let stored = codec::encode_as(&population::state(1, size), BINARY);
        let (_, allocations) = counted(|| {
            let read = stored.clone();
            let mut state: RunState = codec::decode(&read).expect("it was written just now");
            drop(read);
            let note = Change::Noted {
                kind: "note".to_owned(),
                payload: Json::null(),
            };
            let events = Head::of(&state).extend(NOW, vec![note]).expect("it fits");
            for event in &events {
                black_box(codec::encode_as(event, BINARY));
                state.apply(event).expect("it fits");
            }
            black_box(codec::encode_as(&state, BINARY));
            state
        });
        let text = format!(
            "held at most for a run of {parameter} that is loaded, goes a step and leaves a snapshot"
        );
        suite.figure(Figure::exact(name, allocations.peak as f64, "bytes", &text));
    }
}

suite_main!(checkpoint, read, compact, passes, bytes, bytes_in_flight);

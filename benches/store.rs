//! What does it cost to keep a run: to append to it, to load it, to save one, at every size and in every store?
//!
//! `append_<store>`: one step of about 700 bytes (a message, and the step) at the end of a history, as the wall time
//! of the call; after a few appends the run is replaced by a fresh copy, untimed, so that its size is the stated one
//! to within a third. `load_<store>`: the state, from a snapshot and the events after it. `since_<store>`: the delta of
//! the last event. `append_2_threads_<store>`: two threads, each with a run of its own; wall time per append of either.
//! Figures: the 99th percentiles of loading and of saving a state of 50 KB, each call timed alone, with that of a bare sync in turns
//! with the saves; writes per second; bytes on disk.
//!
//! `sqlite` and `files` are durable: every write is synced before it counts. `sqlite_not_durable` survives the end of the
//! process, not a loss of power. `postgres` runs where `PLIMSOLL_POSTGRES` names one (`scripts/services`), durable too;
//! elsewhere its cases are listed as not run.
//! Do not conclude how fast a durable write is elsewhere: a sync costs what the disk under the temporary folder
//! says, and a virtual disk may say it is done when its host has the bytes.

use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use benches::{Suite, suite_main};
use results::figures::{Bound, Figure};
use results::stats::Quantile;
use run_state::store::Store;

#[path = "store/subject.rs"]
mod subject;

use subject::{History, Kept, Kind, SIZES, block_on};

/// Calls that a percentile is taken from.
const N_CALLS: usize = 2_000;

fn append(suite: &mut Suite<'_>) {
    for kind in Kind::ALL {
        kind.wants(suite);
        for (parameter, n_bytes) in SIZES {
            let n_bytes = suite.population(n_bytes, 10_000);
            let set_up = || Appending::new(kind, n_bytes);
            suite.prepared(
                kind.cases().append,
                parameter,
                set_up,
                |bencher, subject| {
                    bencher.iter_custom(|n_iterations| {
                        (0..n_iterations).map(|_| subject.append()).sum()
                    });
                },
            );
        }
    }
}

/// A store with one run, which is kept at its size.
struct Appending {
    kept: Kept,
    history: History,
    run: String,
    version: u64,
    n_appends: usize,
}

impl Appending {
    fn new(kind: Kind, n_bytes: usize) -> Self {
        let mut subject = Self {
            kept: Kept::new(kind),
            history: History::new(n_bytes),
            run: "run-0".to_owned(),
            version: 0,
            n_appends: 0,
        };
        subject.begin();
        subject
    }

    fn begin(&mut self) {
        let log = self.history.log(&self.run);
        self.version = log.events.len() as u64;
        block_on(self.kept.store.restore(&log)).expect("a new run");
    }

    /// Appends one step, and returns how long that took.
    fn append(&mut self) -> Duration {
        if self
            .n_appends
            .is_multiple_of(self.history.n_appends_at_size())
            && self.n_appends > 0
        {
            block_on(self.kept.store.remove(&self.run)).expect("it is there");
            self.run = format!("run-{}", self.n_appends);
            self.begin();
        }
        self.n_appends += 1;
        let changes = self.history.step(self.n_appends, self.version);
        let start = Instant::now();
        let version = block_on(self.kept.store.append(
            &self.run,
            self.version,
            subject::NOW,
            black_box(changes),
        ));
        let took = start.elapsed();
        self.version = version.expect("nobody else writes");
        took
    }
}

/// The promise that a step costs the same at the end of any history: both ends in turns, so that a busy disk is so for both.
fn append_growth(suite: &mut Suite<'_>) {
    const N_BLOCKS: usize = 12;
    const N_IN_BLOCK: usize = 40;
    if !suite.keeps_figures() {
        return;
    }
    for kind in Kind::available() {
        let mut short = Appending::new(kind, 10_000);
        let mut long = Appending::new(kind, 10_000_000);
        let mut block = || {
            let pairs = (0..N_IN_BLOCK).map(|_| (short.append(), long.append()));
            let (short, long): (Vec<_>, Vec<_>) = pairs.unzip();
            let median = |took: Vec<Duration>| sorted(took.into_iter())[N_IN_BLOCK / 2];
            median(long) / median(short)
        };
        // What a connection sets up once.
        block();
        let ratios: Vec<f64> = (0..N_BLOCKS).map(|_| block()).collect();
        let name = format!("append_growth/{}", kind.name());
        let text = "a step at the end of 10 MB against the end of 10 KB, in turns";
        if let Some(figure) = Figure::median_of(&name, &ratios, "ratio", text) {
            // A step in memory takes a microsecond, and whether its log is in the processor's cache shows in it.
            suite.figure(match kind.is_lasting() {
                true => figure.bound(Bound::AtMost(1.2)),
                false => figure,
            });
        }
    }
}

fn append_on_two_threads(suite: &mut Suite<'_>) {
    for kind in Kind::ALL {
        kind.wants(suite);
        let set_up = || {
            let kept = Kept::new(kind);
            let history = History::new(10_000);
            for run in ["left", "right"] {
                let log = history.log(run);
                block_on(kept.store.restore(&log)).expect("a new run");
            }
            (kept, history)
        };
        let case = kind.cases().append_2_threads;
        suite.prepared(case, "10kb_history", set_up, |bencher, (kept, history)| {
            bencher.iter_custom(|n_iterations| {
                let n_each = n_iterations.div_ceil(2);
                let start = Instant::now();
                std::thread::scope(|scope| {
                    for run in ["left", "right"] {
                        let (store, history) = (&*kept.store, &*history);
                        scope.spawn(move || append_many(store, history, run, n_each));
                    }
                });
                start
                    .elapsed()
                    .mul_f64(n_iterations as f64 / (2 * n_each) as f64)
            });
        });
    }
}

fn append_many(store: &dyn Store, history: &History, run: &str, n_appends: u64) {
    // The newest version, from the cheapest read that tells it.
    let delta = block_on(store.since(run, 0, 0)).expect("it is there");
    let mut version = delta.newest_seq;
    for position in 0..n_appends {
        let changes = history.note(position);
        let appended = block_on(store.append(run, version, subject::NOW, changes));
        version = appended.expect("nobody else writes to this run");
    }
}

fn load(suite: &mut Suite<'_>) {
    for kind in Kind::ALL {
        kind.wants(suite);
        for (parameter, n_bytes) in &SIZES[..3] {
            let set_up = || stored(kind, *n_bytes);
            suite.prepared(
                kind.cases().load,
                parameter,
                set_up,
                |bencher, (kept, _)| {
                    bencher.iter(|| block_on(kept.store.load(black_box("run"))));
                },
            );
        }
    }
}

fn since(suite: &mut Suite<'_>) {
    for kind in Kind::ALL {
        kind.wants(suite);
        let set_up = || stored(kind, 1_000_000);
        suite.prepared(
            kind.cases().since,
            "1mb",
            set_up,
            |bencher, (kept, newest)| {
                bencher.iter(|| block_on(kept.store.since(black_box("run"), *newest - 1, 100)));
            },
        );
    }
}

/// A store with one run and, as after any load, its snapshot; and the newest version.
fn stored(kind: Kind, n_bytes: usize) -> (Kept, u64) {
    let kept = Kept::new(kind);
    let log = History::new(n_bytes).log("run");
    block_on(kept.store.restore(&log)).expect("a new run");
    let expected = log.state().expect("a population fits");
    for _ in 0..2 {
        let state = block_on(kept.store.load("run")).expect("it is there");
        assert_eq!(state, expected, "the answer is right before it is timed");
    }
    (kept, expected.version)
}

/// The promise of the document that names the targets: a state loads and saves in time, at the 99th percentile.
fn percentiles(suite: &mut Suite<'_>) {
    if !suite.keeps_figures() {
        return;
    }
    for kind in Kind::available() {
        let log = History::new(50_000).log("run");
        let kept = Kept::new(kind);
        let mut bare = Vec::with_capacity(N_CALLS);
        let mut disk = kind.is_durable_here().then(Disk::new);
        let save = timed(|position| {
            let mut log = log.clone();
            log.run = format!("run-{position:06}");
            let start = Instant::now();
            block_on(kept.store.restore(&log)).expect("a new run");
            let took = start.elapsed();
            bare.extend(disk.as_mut().map(Disk::sync));
            took
        });
        if let Some(figure) = p99_of_syncs(kind, bare) {
            suite.figure(figure);
        }
        let load = timed(|position| {
            let run = format!("run-{position:06}");
            let start = Instant::now();
            black_box(block_on(kept.store.load(&run))).expect("it is there");
            start.elapsed()
        });
        let bound = kind.most_at_p99_ms().map(Bound::AtMost);
        for (what, sample) in [("save", save), ("load", load)] {
            let name = format!("{what}_p99/50kb_{}", kind.name());
            let text = "99th percentile of a state of 50 KB, each call timed alone";
            let p99 = Quantile::of(&sample, 0.99).expect("a sample");
            let interval = (p99.low, p99.high);
            let figure = Figure::measured(&name, p99.estimate, interval, "ms", text);
            suite.figure(match bound {
                Some(bound) => figure.bound(bound),
                None => figure,
            });
        }
    }
}

/// Milliseconds of many calls, the shortest first.
fn timed(call: impl FnMut(usize) -> Duration) -> Vec<f64> {
    sorted((0..N_CALLS).map(call))
}

fn sorted(took: impl Iterator<Item = Duration>) -> Vec<f64> {
    let mut sample: Vec<f64> = took.map(|took| took.as_secs_f64() * 1e3).collect();
    sample.sort_by(f64::total_cmp);
    sample
}

/// A bare file on the same disk: what of a durable write is the disk's own, and nobody's to make faster.
struct Disk {
    file: std::fs::File,
    _folder: tempfile::TempDir,
}

impl Disk {
    /// About what a state of 50 KB is on a disk.
    const BYTES: [u8; 32 * 1024] = [7; 32 * 1024];

    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let file = std::fs::File::create(folder.path().join("bare")).expect("a new file");
        Self {
            file,
            _folder: folder,
        }
    }

    /// Appends, syncs, and returns how long both took.
    fn sync(&mut self) -> Duration {
        let start = Instant::now();
        self.file.write_all(&Self::BYTES).expect("space");
        self.file.sync_data().expect("a disk");
        start.elapsed()
    }
}

fn p99_of_syncs(kind: Kind, took: Vec<Duration>) -> Option<Figure> {
    let p99 = Quantile::of(&sorted(took.into_iter()), 0.99)?;
    let name = format!("sync_p99/beside_{}", kind.name());
    let text =
        "99th percentile of appending 32 KB to a bare file and syncing it, in turns with the saves";
    let interval = (p99.low, p99.high);
    Some(Figure::measured(&name, p99.estimate, interval, "ms", text))
}

/// How many steps eight runs at once get kept in a second.
///
/// The document that names the targets assumes 100 writes per second of its PostgreSQL, unmeasured.
fn writes_per_second(suite: &mut Suite<'_>) {
    const N_WRITERS: usize = 8;
    const N_APPENDS: u64 = 100;
    const N_REPETITIONS: usize = 6;
    if !suite.keeps_figures() {
        return;
    }
    for kind in Kind::available() {
        let kept = Kept::new(kind);
        let history = History::new(50_000);
        let runs: Vec<String> = (0..N_WRITERS).map(|run| format!("run-{run}")).collect();
        for run in &runs {
            block_on(kept.store.restore(&history.log(run))).expect("a new run");
        }
        let rate = || {
            let start = Instant::now();
            std::thread::scope(|scope| {
                for run in &runs {
                    let (store, history) = (&*kept.store, &history);
                    scope.spawn(move || append_many(store, history, run, N_APPENDS));
                }
            });
            (N_WRITERS as u64 * N_APPENDS) as f64 / start.elapsed().as_secs_f64()
        };
        let rates: Vec<f64> = (0..N_REPETITIONS).map(|_| rate()).collect();
        let name = format!("writes_per_second/8_writers_{}", kind.name());
        let text = "steps kept per second, eight writers with a run of 50 KB each";
        if let Some(figure) = Figure::median_of(&name, &rates, "writes/s", text) {
            suite.figure(figure.bound(Bound::AtLeast(100.0)));
        }
    }
}

/// What a run takes on the disk, with its log and its snapshot.
fn bytes_on_disk(suite: &mut Suite<'_>) {
    const N_RUNS: usize = 20;
    if !suite.keeps_figures() {
        return;
    }
    let sizes = [("10kb", 10_000), ("100kb", 100_000), ("1mb", 1_000_000)];
    for (kind, (size, n_bytes)) in [Kind::Sqlite, Kind::Files]
        .into_iter()
        .flat_map(|kind| sizes.map(|size| (kind, size)))
    {
        let kept = Kept::new(kind);
        let mut log = History::new(n_bytes).log("run");
        for position in 0..N_RUNS {
            log.run = format!("run-{position}");
            block_on(kept.store.restore(&log)).expect("a new run");
            block_on(kept.store.load(&log.run)).expect("it is there");
        }
        let n_bytes = kept.bytes_on_disk() as f64 / N_RUNS as f64;
        let name = format!("bytes_on_disk/{size}_{}", kind.name());
        let text = format!("log and snapshot of a run whose state is {size} as JSON");
        suite.figure(Figure::exact(&name, n_bytes, "bytes", &text));
    }
}

suite_main!(
    append,
    append_growth,
    append_on_two_threads,
    load,
    since,
    percentiles,
    writes_per_second,
    bytes_on_disk
);

//! `kill -9` in the middle of appends: what was acknowledged is there, and no half of a write is.
//!
//! The writer is this test binary, started again with one test and told where to write. It says the
//! version of each write once it is kept; whatever it said before it was killed must be found.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use run_state::StoreError;
use run_state::event::Change;
use run_state::plan::{PlanItem, PlanStatus};
use run_state::run::{Origin, UnixMillis};
use run_state::store::Store;

use crate::places::{Places, open_files};

/// Tells the test binary that it is a writer: the kind of store, and its place.
const WRITER: &str = "RUN_STATE_WRITER";

/// How often a writer is killed, unless `RUN_STATE_KILLS` says otherwise.
const N_KILLS: usize = 40;

/// Events of one write; a version that is no multiple of it is half a write.
const WRITE: u64 = 3;

fn open(kind: &str, place: &Path) -> Box<dyn Store> {
    match kind {
        #[cfg(feature = "sqlite")]
        "sqlite" => {
            use run_state::store::sqlite::{Durability, Sqlite};
            Box::new(Sqlite::open(place, Durability::Durable).expect("a file"))
        }
        _ => Box::new(open_files(place)),
    }
}

/// Writes until it is killed, or so many times; says each version that is kept.
fn write(store: &dyn Store, at_most: u64, mut says: impl Write) {
    match block_on(store.create("r", &Origin::default(), UnixMillis(1))) {
        Ok(()) | Err(StoreError::Exists { .. }) => {}
        Err(error) => panic!("{error}"),
    }
    let mut version = block_on(store.load("r")).expect("it is there").version;
    for _ in 0..at_most {
        let items = (0..2).map(|item| PlanItem {
            text: format!("{version}-{item}: {}", "x".repeat(version as usize % 900)),
            status: PlanStatus::Open,
        });
        let items = items.collect();
        let done = |item| Change::PlanItemChanged {
            item,
            status: PlanStatus::Done,
        };
        let changes = vec![Change::PlanReplaced { items }, done(0), done(1)];
        let appended = block_on(store.append("r", version, UnixMillis(2), changes));
        match appended {
            Ok(newest) => version = newest,
            Err(StoreError::Full { .. }) => {
                writeln!(says, "full").expect("somebody listens");
                return;
            }
            Err(error) => panic!("{error}"),
        }
        writeln!(says, "kept {version}").expect("somebody listens");
    }
}

/// The writer, where it is told to be one; the same without the killing otherwise.
#[test]
fn a_writer_says_what_it_has_kept() {
    if let Ok(told) = std::env::var(WRITER) {
        let (kind, place) = told.split_once(':').expect("a kind and a place");
        write(&*open(kind, Path::new(place)), u64::MAX, std::io::stdout());
        return;
    }
    let places = Places::new();
    let store = open("files", &places.next());
    let mut said = Vec::new();
    write(&*store, 2, &mut said);
    assert_eq!(said, b"kept 3\nkept 6\n");
    assert_eq!(block_on(store.load("r")).expect("it is there").version, 6);
}

/// Has a command start this test binary as a writer.
fn told(mut command: Command, kind: &str, place: &Path) -> Command {
    command
        .args([
            "--exact",
            "kill::a_writer_says_what_it_has_kept",
            "--nocapture",
        ])
        .env(WRITER, format!("{kind}:{}", place.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn this_binary() -> PathBuf {
    std::env::current_exe().expect("this binary")
}

/// Starts a writer and kills it some time after it has said something; returns the last version it said.
fn last_said_before_killed(kind: &str, place: &Path, round: usize) -> u64 {
    let mut writer = told(Command::new(this_binary()), kind, place)
        .spawn()
        .expect("this binary can be started again");
    let stdout = writer.stdout.take().expect("piped");
    let lines = BufReader::new(stdout).lines();
    let mut versions = lines.filter_map(|line| kept(&line.ok()?));
    let mut last = 0;
    for _ in 0..=round % 7 {
        last = versions
            .next()
            .expect("the writer writes until it is killed");
    }
    // Some place between two writes, or in one.
    let until = Instant::now() + Duration::from_micros((round * 37 % 800) as u64);
    while Instant::now() < until {
        std::hint::spin_loop();
    }
    writer.kill().expect("it runs");
    writer.wait().expect("it was started here");
    versions.last().unwrap_or(last)
}

/// The version in a line of a writer.
fn kept(line: &str) -> Option<u64> {
    line.rsplit_once("kept ")?.1.parse().ok()
}

/// The system refuses bytes beyond a size, as it does on a full disk.
#[test]
fn a_file_that_may_not_grow_refuses_the_write_and_keeps_what_is_there() {
    let places = Places::new();
    let place = places.next();
    let mut shell = Command::new("sh");
    // The signal would end the writer before it is told.
    let bounded = "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\"";
    shell.args(["-c", bounded]).arg(this_binary());
    let output = told(shell, "files", &place)
        .output()
        .expect("there is a shell");
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(said.contains("\nfull\n"), "{said}");
    let last = said.lines().rev().find_map(kept).expect("some writes fit");
    let store = open("files", &place);
    assert_eq!(
        block_on(store.load("r")).expect("it is whole").version,
        last
    );
    assert_eq!(block_on(store.check("r")), Ok(Vec::new()), "no half write");
    write(&*store, 1, std::io::sink());
    assert_eq!(
        block_on(store.load("r")).expect("it is whole").version,
        last + WRITE
    );
}

fn check(kind: &str) {
    let n_kills = std::env::var("RUN_STATE_KILLS");
    let n_kills = n_kills.map_or(N_KILLS, |text| text.parse().expect("a number of kills"));
    let places = Places::new();
    let place = places.next();
    for round in 0..n_kills {
        let said = last_said_before_killed(kind, &place, round);
        let store = open(kind, &place);
        let state = block_on(store.load("r")).expect("it is whole");
        assert!(state.version >= said, "round {round}: {said} was kept");
        assert!(
            state.version <= said + WRITE,
            "round {round}: one unsaid write at most"
        );
        assert_eq!(state.version % WRITE, 0, "round {round}: no half write");
        let is_done = |item: &PlanItem| item.status == PlanStatus::Done;
        assert!(
            state.plan.iter().all(is_done),
            "round {round}: no half write"
        );
    }
    let store = open(kind, &place);
    let newest = block_on(store.load("r")).expect("it is whole").version;
    let delta = block_on(store.since("r", 0, usize::MAX)).expect("it is whole");
    assert_eq!(
        delta.events.len() as u64,
        newest,
        "every event of all rounds"
    );
}

#[test]
fn what_a_killed_writer_said_it_kept_in_files_is_there() {
    check("files");
}

#[cfg(feature = "sqlite")]
#[test]
fn what_a_killed_writer_said_it_kept_in_sqlite_is_there() {
    check("sqlite");
}

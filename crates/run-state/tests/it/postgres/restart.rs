//! A server of our own that is stopped and started again while four writers write to it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use run_state::StoreError;
use run_state::event::Change;
use run_state::json::Json;
use run_state::run::{Origin, Seq, UnixMillis};
use run_state::store::Store;
use run_state::store::postgres::{Config, Postgres};

use crate::places::{Places, block_on, url};

const N_WRITERS: usize = 4;

/// Appends that all writers together get kept before the server is stopped again, and after the last time.
const BETWEEN: usize = 100;

/// How the server is stopped: each waits less for what is going on than the one before.
const STOPS: [&str; 3] = ["fast", "immediate", "kill"];

/// Nobody's, whom PostgreSQL serves where it would not serve root.
const NOBODY: u32 = 65_534;

struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    is_root: bool,
    running: Option<Child>,
}

impl Server {
    /// A new database in a folder; `None` without PostgreSQL's programs.
    fn new(folder: PathBuf) -> Option<Self> {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        let programs = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
        let programs = programs.filter(|path| path.join("initdb").exists()).max()?;
        fs::create_dir(&folder).expect("a new folder");
        let is_root = fs::metadata(&folder).expect("it is there").uid() == 0;
        if is_root {
            chown(&folder, Some(NOBODY), Some(NOBODY)).expect("root may");
            let parent = folder.parent().expect("it is in a folder");
            chown(parent, Some(NOBODY), Some(NOBODY)).expect("root may");
        }
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("it is bound").port();
        let server = Self {
            programs,
            folder,
            port,
            is_root,
            running: None,
        };
        let made = server
            .program("initdb")
            .args([
                "--username=plimsoll",
                "--auth=trust",
                "--no-sync",
                "--pgdata",
            ])
            .arg(server.folder.join("data"))
            .status();
        assert!(made.expect("it can be started").success());
        Some(server)
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if self.is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// Starts the server, and waits until it listens.
    ///
    /// While the children of one that was killed still live, a new one ends at once, and is started again.
    fn start(&mut self) {
        let until = Instant::now() + Duration::from_secs(30);
        let mut running = self.spawned();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                Instant::now() < until,
                "nobody listens on port {}",
                self.port
            );
            if running.try_wait().expect("it is ours").is_some() {
                running = self.spawned();
            }
            std::thread::yield_now();
        }
        self.running = Some(running);
    }

    fn spawned(&self) -> Child {
        let setting = |name: &str, value: String| format!("-c{name}={value}");
        let folder = self.folder.display().to_string();
        let started = self
            .program("postgres")
            .arg("-D")
            .arg(self.folder.join("data"))
            .arg(setting("listen_addresses", "127.0.0.1".to_owned()))
            .arg(setting("port", self.port.to_string()))
            .arg(setting("unix_socket_directories", folder))
            .spawn();
        started.expect("it can be started")
    }

    fn stop(&mut self, how: &str) {
        let Some(mut running) = self.running.take() else {
            return;
        };
        if how == "kill" {
            // Its children notice and end by themselves.
            running.kill().expect("it is ours");
        } else {
            let data = self.folder.join("data");
            let stopped = self
                .program("pg_ctl")
                .args(["stop", "-m", how, "-D"])
                .arg(data)
                .status();
            assert!(stopped.expect("it can be started").success());
        }
        running.wait().expect("it is ours");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop("immediate");
    }
}

/// What a writer was told is kept: the payload of every event, in order.
struct Kept {
    run: String,
    payloads: Vec<Option<u64>>,
    n_errors: usize,
}

fn note(number: u64) -> Vec<Change> {
    vec![Change::Noted {
        kind: "note".to_owned(),
        payload: Json::parse(number.to_string()).expect("a number"),
    }]
}

/// Appends until enough was kept by all writers together.
async fn write(store: Arc<Postgres>, run: String, n_kept: Arc<AtomicUsize>) -> Kept {
    let mut kept = Kept {
        run,
        payloads: Vec::new(),
        n_errors: 0,
    };
    let mut number = 0;
    while n_kept.load(Ordering::Relaxed) < BETWEEN * (STOPS.len() + 1) {
        number += 1;
        let based_on = kept.payloads.len() as Seq;
        let appended = store.append(&kept.run, based_on, UnixMillis(2), note(number));
        match appended.await {
            Ok(version) => {
                assert_eq!(version, based_on + 1);
                kept.payloads.push(Some(number));
                n_kept.fetch_add(1, Ordering::Relaxed);
            }
            // A write whose answer was lost: it may have happened.
            Err(StoreError::Unavailable { .. } | StoreError::Conflict { .. }) => {
                kept.n_errors += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
                if let Ok(state) = store.load(&kept.run).await {
                    assert!(state.version >= based_on, "{} lost events", kept.run);
                    kept.payloads.resize(state.version as usize, None);
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
    kept
}

async fn check(store: &Postgres, kept: &Kept) {
    let delta = store
        .since(&kept.run, 0, usize::MAX)
        .await
        .expect("it is there");
    assert!(delta.events.len() >= kept.payloads.len(), "{}", kept.run);
    for (event, kept) in delta.events.iter().zip(&kept.payloads) {
        if let Some(number) = kept {
            assert_eq!(event.change, note(*number).remove(0));
        }
    }
    assert_eq!(store.check(&kept.run).await, Ok(Vec::new()));
}

fn connect(port: u16) -> Postgres {
    let config = Config {
        n_connections: N_WRITERS,
        timeout: Duration::from_secs(5),
        ..Config::new(format!("postgres://plimsoll@127.0.0.1:{port}/postgres"))
    };
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match block_on(Postgres::connect(config.clone())) {
            // It listens before it answers.
            Err(StoreError::Unavailable { .. }) if Instant::now() < until => {}
            connected => return connected.expect("the server answers"),
        }
    }
}

#[test]
fn a_server_that_is_restarted_under_load_loses_nothing_that_was_acknowledged() {
    // Whoever has the other services wants this test, too.
    if url("PLIMSOLL_POSTGRES").is_none() {
        return;
    }
    let places = Places::new();
    let server = Server::new(Path::new(&places.next()).to_owned());
    let mut server = server.expect("where a server runs there are its programs");
    server.start();
    let store = Arc::new(connect(server.port));
    let n_kept = Arc::new(AtomicUsize::new(0));
    let kept = block_on(async {
        let writers: Vec<_> = (0..N_WRITERS)
            .map(|writer| {
                (
                    Arc::clone(&store),
                    format!("run-{writer}"),
                    Arc::clone(&n_kept),
                )
            })
            .collect();
        for (store, run, _) in &writers {
            store
                .create(run, &Origin::default(), UnixMillis(1))
                .await
                .expect("it is new");
        }
        let writers = writers
            .into_iter()
            .map(|(store, run, n_kept)| tokio::spawn(write(store, run, n_kept)));
        let writers: Vec<_> = writers.collect();
        for (position, how) in STOPS.into_iter().enumerate() {
            let due = BETWEEN * (position + 1);
            let until = Instant::now() + Duration::from_secs(60);
            while n_kept.load(Ordering::Relaxed) < due {
                assert!(
                    Instant::now() < until,
                    "no writer came through after {position} restarts"
                );
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            server.stop(how);
            server.start();
        }
        futures::future::join_all(writers).await
    });
    let kept: Vec<Kept> = kept
        .into_iter()
        .map(|kept| kept.expect("no panic"))
        .collect();
    let n_errors: usize = kept.iter().map(|kept| kept.n_errors).sum();
    assert!(n_errors > 0, "no writer noticed the restarts");
    block_on(async {
        for kept in &kept {
            check(&store, kept).await;
        }
    });
}

//! The Redis server that tests use: one that runs already, or a private one. Without one a test is skipped, aloud, and
//! fails where `CI=true`.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use quota::Limits;
use quota::redis::{Config, RedisQuotas};

/// Names the server; `scripts/services` prints it.
const URL: &str = "PLIMSOLL_REDIS";

/// Address of the server that runs already; `None` if the test is to be skipped.
pub(crate) fn url() -> Option<String> {
    let url = std::env::var(URL).ok().filter(|url| !url.is_empty());
    if url.is_none() {
        skip(&format!(
            "{URL} is not set; `scripts/services` starts a server"
        ));
    }
    url
}

/// A client's configuration in a namespace that no other test has, whose keys end by themselves.
pub(crate) fn config() -> Config {
    static N_NAMESPACES: AtomicU32 = AtomicU32::new(0);
    let n = N_NAMESPACES.fetch_add(1, Ordering::Relaxed);
    Config {
        namespace: format!("test:{}:{n}", std::process::id()),
        // Far longer than any answer takes, also on a busy machine.
        wait: std::time::Duration::from_secs(3),
        ..Config::default()
    }
}

pub(crate) fn open(url: &str, config: &Config) -> RedisQuotas {
    RedisQuotas::open(url, &Limits::default(), config.clone()).expect("a valid address")
}

/// A server of one test, with nothing on disk, that ends with it.
pub(crate) struct Server {
    program: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Server {
    /// `None` if there is no program to start and the test is to be skipped.
    pub(crate) fn start() -> Option<Self> {
        let program = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
            .map(|folder| Path::new(folder).join("redis-server"))
            .into_iter()
            .find(|program| program.is_file());
        let Some(program) = program else {
            skip("redis-server is not installed");
            return None;
        };
        let free = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let mut server = Self {
            program,
            port,
            child: None,
        };
        server.start_again();
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// On the same port, with no data.
    pub(crate) fn start_again(&mut self) {
        let port = self.port.to_string();
        let child = Command::new(&self.program)
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &port,
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        self.child = Some(child);
    }

    /// At once, without farewell.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it runs");
            child.wait().expect("it was killed");
        }
    }

    /// Answers nothing any more and keeps its connections.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        let status = Command::new("kill").args([signal, &pid]).status();
        assert!(status.expect("kill can be called").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[expect(clippy::print_stderr, reason = "a test that skips says so")]
fn skip(why: &str) {
    assert_ne!(
        std::env::var("CI").as_deref(),
        Ok("true"),
        "skipped in CI: {why}"
    );
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("skipped {test}: {why}");
}

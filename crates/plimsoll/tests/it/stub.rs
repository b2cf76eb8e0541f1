//! `plimsoll stub`: its address first, its answers, its end, and mistakes in its file named with code 2.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::sandbox::Sandbox;

/// A running stub, killed when dropped.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .arg("stub")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut url = String::new();
        stdout.read_line(&mut url).expect("a line");
        let address = url.trim().strip_prefix("http://");
        let address = address.and_then(|rest| rest.strip_suffix("/v1"));
        Self {
            address: address.expect("a base URL").to_owned(),
            child,
        }
    }

    /// The memory that it holds, in bytes.
    fn rss(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        1_024
            * kib
                .and_then(|kib| kib.parse::<usize>().ok())
                .expect("a number")
    }

    /// Ctrl-C; what it said, and its code.
    fn interrupt(mut self) -> (Option<i32>, String) {
        let pid = libc::pid_t::try_from(self.child.id()).expect("a process id");
        // SAFETY: the process is our child, which nobody has waited for, so the id is its own.
        assert_eq!(unsafe { libc::kill(pid, libc::SIGINT) }, 0);
        let code = self.child.wait().expect("it ends").code();
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().expect("piped");
        pipe.read_to_string(&mut stderr).expect("text");
        (code, stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Requests of different Queries on one kept-alive connection.
struct Caller {
    stream: TcpStream,
    n_asked: usize,
}

impl Caller {
    fn ask(&mut self, n_requests: usize) {
        let mut buffer = vec![0; 16 * 1024];
        for _ in 0..n_requests {
            self.n_asked += 1;
            let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
            let request = format!(
                "POST /v1/chat/completions HTTP/1.1\r\nhost: stub\r\nx-ark-query: a/q-{}\r\n\
                 content-length: {}\r\n\r\n{body}",
                self.n_asked,
                body.len()
            );
            self.stream.write_all(request.as_bytes()).expect("it reads");
            let mut n_read = 0;
            while !buffer[..n_read].ends_with(b"}}") {
                let read = self.stream.read(&mut buffer[n_read..]).expect("it answers");
                assert_ne!(read, 0, "it hung up");
                n_read += read;
            }
            assert!(buffer.starts_with(b"HTTP/1.1 200"));
        }
    }
}

/// What keeps a kilobyte of every request would grow by three times the bound.
///
/// `PLIMSOLL_STUB_REQUESTS=1000000` prints the memory after 10 thousand, 100 thousand and a million requests.
#[test]
#[expect(clippy::print_stdout, reason = "the long run says what it measured")]
fn memory_stays_flat_however_many_requests_come() {
    let n_requests = std::env::var("PLIMSOLL_STUB_REQUESTS").ok();
    let n_requests: Option<usize> = n_requests.map(|text| text.parse().expect("a number"));
    let sandbox = Sandbox::new();
    let path = sandbox.path("stub.toml");
    // In the short run the window must be full before the first look.
    let text = if n_requests.is_none() {
        "window = 1000"
    } else {
        ""
    };
    fs::write(&path, text).expect("written");
    let stub = Running::start(&[&path.display().to_string()]);
    let stream = TcpStream::connect(&stub.address).expect("it listens");
    stream.set_nodelay(true).expect("a TCP socket");
    let mut caller = Caller { stream, n_asked: 0 };
    let Some(n_requests) = n_requests else {
        caller.ask(2_000);
        let before = stub.rss();
        caller.ask(3_000);
        let grown = stub.rss().saturating_sub(before);
        assert!(grown < 1024 * 1024, "{grown} bytes for 3000 requests");
        return;
    };
    println!("at the start: {} KiB", stub.rss() / 1_024);
    let mut look_at = 1_000;
    while caller.n_asked < n_requests {
        caller.ask(look_at.min(n_requests) - caller.n_asked);
        println!(
            "after {} requests: {} KiB",
            caller.n_asked,
            stub.rss() / 1_024
        );
        look_at *= 10;
    }
}

#[test]
fn a_stub_says_where_it_is_answers_and_ends_well_when_it_is_told_to() {
    let stub = Running::start(&["--threads", "1"]);
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi [query a/q]"}]}"#;
    let mut stream = TcpStream::connect(&stub.address).expect("it listens");
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: stub\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("it answers");
    assert!(reply.contains("answer to a/q turn 0"), "{reply}");

    let (code, stderr) = stub.interrupt();
    assert_eq!(code, Some(0));
    assert!(stderr.contains("1 calls: 1 answered"), "{stderr}");
}

#[test]
fn mistakes_in_a_file_end_with_2_and_name_file_place_and_mend() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("times.txt"), "10ms\nsoon\n").expect("written");
    fs::write(sandbox.path("none.txt"), "# nothing yet\n").expect("written");
    for (text, parts) in [
        ("seed = 1\nslot = 5\n", &["line 2", "`slot`", "`slots`"][..]),
        ("slots = 0", &["slots: must be at least 1"]),
        ("full_status = 200", &["full_status: must be 429 or 503"]),
        (
            "[[fault]]\nfault = \"cut\"\nwhen = { share = 5.0 }",
            &["fault 1: when: a share is between 0 and 1, not 5"],
        ),
        (
            "[[fault]]\nfault = { status = 200 }\nwhen = \"always\"",
            &["fault 1: fault", "between 400 and 599"],
        ),
        (
            "[[fault]]\nfault = \"cutt\"\nwhen = \"always\"",
            &["line 2", "`cutt`", "`cut`"],
        ),
        (
            "[[fault]]\nfault = \"cut\"\nwhen = \"always\"\ncalls = { modell = \"m\" }",
            &["line 4", "`modell`", "`model`"],
        ),
        (
            "first_token = { log_normal = { median = \"2s\", p99 = \"1s\", max = \"3s\" } }",
            &["first_token: 0 < median ≤ p99 ≤ max"],
        ),
        (
            "first_token = { uniform = { shortest = \"2s\", longest = \"1s\" } }",
            &["first_token: shortest ≤ longest"],
        ),
        (
            "first_token = { file = \"times.txt\" }",
            &["times.txt: line 2", "12.5ms"],
        ),
        (
            "inter_token = { file = \"none.txt\" }",
            &["none.txt", "write one a line"],
        ),
        (
            "first_token = { file = \"gone.txt\" }",
            &["cannot read", "gone.txt"],
        ),
        ("[[stall]]\nat = \"2s\"", &["line 1", "lasts"]),
    ] {
        let path = sandbox.path("stub.toml");
        fs::write(&path, text).expect("written");
        let path = path.display().to_string();
        let outcome = sandbox.run(&["stub", &path], &[]);
        assert_eq!(outcome.code, Some(2), "{text}: {}", outcome.stderr);
        assert_eq!(outcome.stdout, "", "{text}");
        let said = outcome.stderr.lines().filter(|line| !line.is_empty());
        let once: BTreeSet<&str> = said.clone().collect();
        assert_eq!(said.count(), once.len(), "said twice: {}", outcome.stderr);
        for part in parts {
            assert!(
                outcome.stderr.contains(part),
                "{part:?}: {}",
                outcome.stderr
            );
        }
    }
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let outcome = Sandbox::new().run(&["stub", "--listen", &address], &[]);
    assert_eq!(outcome.code, Some(2));
    for part in [&*address, "port 0"] {
        assert!(outcome.stderr.contains(part), "{}", outcome.stderr);
    }
}

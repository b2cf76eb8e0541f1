//! HTTP by hand, so that no client mends what the stub breaks.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, ToSocketAddrs},
};

/// How a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// With all that was announced.
    Whole,
    /// The connection was closed before.
    Closed,
    /// It was reset.
    Reset,
}

#[derive(Debug)]
pub(super) struct Reply {
    /// In lower case.
    pub(super) head: String,
    /// As far as it came, without the framing of chunks.
    pub(super) body: String,
    pub(super) ended: Ended,
}

impl Reply {
    pub(super) fn status(&self) -> u16 {
        let status = self.head.split(' ').nth(1);
        status.and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

/// One connection.
pub(super) struct Caller {
    stream: TcpStream,
}

impl Caller {
    pub(super) async fn open(address: impl ToSocketAddrs) -> Self {
        let stream = TcpStream::connect(address).await.expect("it listens");
        Self { stream }
    }

    pub(super) async fn post(&mut self, headers: &[(&str, &str)], body: &str) -> Reply {
        self.send(headers, body).await;
        self.receive().await
    }

    pub(super) async fn send(&mut self, headers: &[(&str, &str)], body: &str) {
        let headers = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: stub\r\n{}content-length: {}\r\n\r\n{body}",
            headers.collect::<String>(),
            body.len()
        );
        self.stream
            .write_all(request.as_bytes())
            .await
            .expect("it reads");
    }

    pub(super) async fn receive(&mut self) -> Reply {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4_096];
        let mut ended = Ended::Whole;
        while !is_whole(&bytes) {
            match self.stream.read(&mut buffer).await {
                Ok(0) => ended = Ended::Closed,
                Err(_) => ended = Ended::Reset,
                Ok(n_read) => {
                    bytes.extend_from_slice(&buffer[..n_read]);
                    continue;
                }
            }
            break;
        }
        let text = String::from_utf8(bytes).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let head = head.to_lowercase();
        let body = match head.contains("transfer-encoding: chunked") {
            true => unchunked(body).0,
            false => body.to_owned(),
        };
        Reply { head, body, ended }
    }
}

/// A request without a body, such as `GET /health`.
pub(super) async fn get(address: impl ToSocketAddrs, line: &str) -> Reply {
    let mut caller = Caller::open(address).await;
    let request = format!("{line} HTTP/1.1\r\nhost: stub\r\n\r\n");
    caller
        .stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    caller.receive().await
}

/// A request with so many messages of the assistant before the user's last one.
pub(super) fn chat(turn: usize, input: &str) -> String {
    let mut messages = vec![json!({"role": "assistant", "content": null}); turn];
    messages.push(json!({"role": "user", "content": input}));
    json!({"model": "m", "messages": messages}).to_string()
}

/// The same, in events.
pub(super) fn streamed(chat: &str, wants_usage: bool) -> String {
    let mut body: Value = serde_json::from_str(chat).expect("JSON");
    body["stream"] = true.into();
    if wants_usage {
        body["stream_options"] = json!({"include_usage": true});
    }
    body.to_string()
}

fn is_whole(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    match length {
        Some(length) => length.parse() == Ok(body.len()),
        None => unchunked(body).1,
    }
}

/// The content of chunks, and whether the last one has come.
fn unchunked(mut body: &str) -> (String, bool) {
    let mut content = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            return (content, rest == "\r\n");
        }
        content.push_str(&rest[..size.min(rest.len())]);
        body = rest.get(size + 2..).unwrap_or_default();
    }
    (content, false)
}

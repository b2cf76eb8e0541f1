//! The tables of a server's file as they are written, and what they come to where nothing can be wrong.

use std::path::PathBuf;

use query_api::go_duration::GoDuration;
use serde::Deserialize;

use crate::llm::{
    script::{Calls, Fault, Reply, RetryAfter, ToolCall, Turn, Usage},
    server::windows::Window,
};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FileUsage {
    Estimated,
    Absent,
    #[serde(untagged)]
    Fixed(FileTokens),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileTokens {
    pub(super) prompt: u32,
    pub(super) completion: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum FileLatency {
    Zero,
    Fixed(GoDuration),
    Uniform {
        shortest: GoDuration,
        longest: GoDuration,
    },
    LogNormal {
        median: GoDuration,
        p99: GoDuration,
        max: GoDuration,
    },
    /// A file of times, one a line.
    File(PathBuf),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum FileReply {
    Trace,
    Echo,
    Text(String),
    Tokens(usize),
    ToolCalls(Vec<FileToolCall>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileToolCall {
    pub(super) name: String,
    #[serde(default)]
    pub(super) arguments: toml::Table,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileCalls {
    pub(super) model: Option<String>,
    pub(super) query: Option<String>,
    pub(super) target: Option<usize>,
    pub(super) wish: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileTurn {
    pub(super) turn: usize,
    #[serde(default)]
    pub(super) calls: FileCalls,
    pub(super) reply: FileReply,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileFault {
    pub(super) fault: FileFaultKind,
    pub(super) when: FileTrigger,
    #[serde(default)]
    pub(super) calls: FileCalls,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum FileFaultKind {
    RateLimited,
    RateLimitedFor(GoDuration),
    QuotaExhausted,
    Status(u16),
    Overloaded,
    ContextLength,
    WrongKey,
    ModelNotFound,
    Timeout,
    Stall(GoDuration),
    MalformedJson,
    NotJson,
    WrongContentType,
    EmptyChoices,
    StallMidway(GoDuration),
    Cut,
    Reset,
    ResetMidway,
    SlowHead(GoDuration),
    Drip(GoDuration),
    MalformedEvent,
    NoDone,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum FileTrigger {
    Always,
    Share(f64),
    Next(usize),
    Window(FileWindow),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileWindow {
    pub(super) at: GoDuration,
    pub(super) lasts: GoDuration,
}

impl From<FileUsage> for Usage {
    fn from(usage: FileUsage) -> Self {
        match usage {
            FileUsage::Estimated => Self::Estimated,
            FileUsage::Absent => Self::Absent,
            FileUsage::Fixed(FileTokens { prompt, completion }) => Self::Fixed {
                prompt: prompt.into(),
                completion: completion.into(),
            },
        }
    }
}

impl From<FileReply> for Reply {
    fn from(reply: FileReply) -> Self {
        match reply {
            FileReply::Trace => Self::Trace,
            FileReply::Echo => Self::Echo,
            FileReply::Text(text) => Self::Text(text),
            FileReply::Tokens(n_tokens) => Self::Tokens(n_tokens),
            FileReply::ToolCalls(calls) => {
                Self::ToolCalls(calls.into_iter().map(ToolCall::from).collect())
            }
        }
    }
}

impl From<FileToolCall> for ToolCall {
    fn from(call: FileToolCall) -> Self {
        let arguments = serde_json::to_string(&call.arguments);
        Self {
            name: call.name,
            arguments: arguments.expect("a table of TOML has text for keys, as JSON wants"),
        }
    }
}

impl From<FileCalls> for Calls {
    fn from(calls: FileCalls) -> Self {
        Self {
            model: calls.model,
            query: calls.query,
            target: calls.target,
            wish: calls.wish,
        }
    }
}

impl From<FileTurn> for Turn {
    fn from(turn: FileTurn) -> Self {
        Self {
            turn: turn.turn,
            calls: turn.calls.into(),
            reply: turn.reply.into(),
        }
    }
}

impl From<FileWindow> for Window {
    fn from(window: FileWindow) -> Self {
        Self {
            at: window.at.0,
            lasts: window.lasts.0,
        }
    }
}

impl From<FileFaultKind> for Fault {
    fn from(fault: FileFaultKind) -> Self {
        match fault {
            FileFaultKind::RateLimited => Self::RateLimited(RetryAfter::Absent),
            FileFaultKind::RateLimitedFor(GoDuration(wait)) => {
                let seconds = wait.as_millis().div_ceil(1_000);
                Self::RateLimited(RetryAfter::Seconds(
                    u64::try_from(seconds).unwrap_or(u64::MAX),
                ))
            }
            FileFaultKind::QuotaExhausted => Self::QuotaExhausted,
            FileFaultKind::Status(status) => Self::Status(status),
            FileFaultKind::Overloaded => Self::Overloaded,
            FileFaultKind::ContextLength => Self::ContextLength,
            FileFaultKind::WrongKey => Self::WrongKey,
            FileFaultKind::ModelNotFound => Self::ModelNotFound,
            FileFaultKind::Timeout => Self::Timeout,
            FileFaultKind::Stall(GoDuration(stall)) => Self::Stall(stall),
            FileFaultKind::MalformedJson => Self::MalformedJson,
            FileFaultKind::NotJson => Self::NotJson,
            FileFaultKind::WrongContentType => Self::WrongContentType,
            FileFaultKind::EmptyChoices => Self::EmptyChoices,
            FileFaultKind::StallMidway(GoDuration(stall)) => Self::StallMidway(stall),
            FileFaultKind::Cut => Self::Cut,
            FileFaultKind::Reset => Self::Reset,
            FileFaultKind::ResetMidway => Self::ResetMidway,
            FileFaultKind::SlowHead(GoDuration(pause)) => Self::SlowHead(pause),
            FileFaultKind::Drip(GoDuration(pause)) => Self::Drip(pause),
            FileFaultKind::MalformedEvent => Self::MalformedEvent,
            FileFaultKind::NoDone => Self::NoDone,
        }
    }
}

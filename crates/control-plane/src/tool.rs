//! The client of HTTP tools.
//!
//! It fills in one request, sends it once and reads the answer as text. Nothing is retried: a tool may have done its
//! work before the connection broke. Which tool is meant, and with which values, is found by the caller.

pub mod error;

mod output;
mod request;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use query_api::{go_duration::GoDuration, tool::HttpTool};
use serde_json::{Map, Value};

use crate::{
    llm::Trace,
    tool::error::ToolError,
    transport::{Reply, Transport},
};

/// Characters of a refusal's body that an error shows.
const EXCERPT: usize = 200;

/// The bounds of tool calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolConfig {
    /// The time of a call where the tool names none.
    pub timeout: Duration,
    /// Bytes of output that go on; the rest is replaced by a marker.
    pub output_limit: usize,
    /// Bytes of output that are read at all.
    pub read_limit: usize,
}

impl Default for ToolConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            output_limit: 10 * 1024,
            read_limit: 1024 * 1024,
        }
    }
}

/// Calls tools.
#[derive(Debug, Clone)]
pub struct ToolClient {
    transport: Arc<dyn Transport>,
    config: ToolConfig,
}

/// One call of an HTTP tool.
#[derive(Debug)]
pub struct ToolRequest<'a> {
    /// The tool.
    pub tool: &'a HttpTool,
    /// What it is called with.
    pub arguments: &'a Map<String, Value>,
    /// The values of its headers.
    pub headers: &'a [(String, String)],
    /// The values of its body parameters.
    pub body_values: &'a BTreeMap<String, Arc<str>>,
    /// On whose behalf.
    pub trace: &'a Trace,
}

impl ToolClient {
    /// A client over given connections.
    pub fn new(transport: Arc<dyn Transport>, config: ToolConfig) -> Self {
        Self { transport, config }
    }

    /// Calls a tool and returns its output, cut to the limit.
    pub async fn call(&self, call: &ToolRequest<'_>) -> Result<String, ToolError> {
        let timeout = self.timeout(call.tool)?;
        let mut request =
            request::request(call.tool, call.arguments, call.headers, call.body_values)?;
        call.trace.write(request.headers_mut());
        let send = self.transport.send(request, self.config.read_limit);
        let reply = tokio::time::timeout(timeout, send).await;
        let reply = reply.map_err(|_| ToolError::TimedOut { after: timeout })??;
        if reply.status.is_success() {
            let limit = self.config.output_limit;
            return Ok(output::text(&reply.body, reply.is_cut, limit));
        }
        Err(ToolError::Refused {
            status: reply.status,
            excerpt: excerpt(&reply),
        })
    }

    fn timeout(&self, tool: &HttpTool) -> Result<Duration, ToolError> {
        let Some(text) = tool.timeout.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(self.config.timeout);
        };
        let timeout: Result<GoDuration, _> = text.parse();
        timeout
            .map(|timeout| timeout.0)
            .map_err(|_| ToolError::Timeout(text.to_owned()))
    }
}

fn excerpt(reply: &Reply) -> String {
    let text = String::from_utf8_lossy(&reply.body);
    text.chars().take(EXCERPT).collect()
}

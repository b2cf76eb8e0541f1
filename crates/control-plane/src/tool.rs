//! The client of HTTP tools.
//!
//! It fills in one request, sends it once and reads the answer as text. Nothing is retried: a tool may have done its
//! work before the connection broke. Which tool is meant, and with which values, is found by the caller.

pub mod error;

mod request;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use query_api::{go_duration::GoDuration, tool::HttpTool};
use run_state::bounds::{TOOL_OUTPUT_BYTES, truncate_tool_output};
use serde_json::{Map, Value};

use crate::{llm::Trace, tool::error::ToolError, transport::Transport};

/// The bounds of tool calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolConfig {
    /// The time of a call where the tool names none.
    pub timeout: Duration,
    /// Bytes of output that go on; a marker stands for the rest.
    pub output_limit: usize,
    /// Bytes of output that are read at all, at the price of the connection where there are more. One byte beyond
    /// `output_limit` is always read, which tells that there is a rest.
    pub read_limit: usize,
}

impl Default for ToolConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            output_limit: TOOL_OUTPUT_BYTES,
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
        let limit = self.config.output_limit;
        let read_limit = self.config.read_limit.max(limit.saturating_add(1));
        let send = self.transport.send(request, read_limit);
        let reply = tokio::time::timeout(timeout, send).await;
        let reply = reply.map_err(|_| ToolError::TimedOut { after: timeout })??;
        if reply.status.is_success() {
            // Bytes that are not UTF-8 become replacement characters, which are no shorter.
            let output = String::from_utf8_lossy(&reply.body);
            return Ok(truncate_tool_output(&output, limit).into_owned());
        }
        Err(ToolError::Refused {
            status: reply.status,
            excerpt: reply.excerpt(),
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

#[cfg(test)]
mod tests {
    use run_state::bounds::TRUNCATION_MARKER;
    use testbed::tool::{Endpoint, ToolStub};

    use super::*;
    use crate::transport::Pool;

    /// What becomes of an output under these limits.
    async fn check(output: &str, output_limit: usize, read_limit: usize, wanted: &str) {
        let stub = ToolStub::start([Endpoint::new("/t", output)]).await;
        let config = ToolConfig {
            output_limit,
            read_limit,
            ..ToolConfig::default()
        };
        let tool = HttpTool {
            url: stub.url("/t"),
            ..HttpTool::default()
        };
        let request = ToolRequest {
            tool: &tool,
            arguments: &Map::new(),
            headers: &[],
            body_values: &BTreeMap::new(),
            trace: &Trace::new("a", "q", 0),
        };
        let client = ToolClient::new(Arc::new(Pool::new()), config);
        assert_eq!(client.call(&request).await.unwrap(), wanted, "{output}");
    }

    #[tokio::test]
    async fn output_beyond_the_limit_is_cut_and_marked_however_much_was_read() {
        let marked = |kept: &str| format!("{kept}{TRUNCATION_MARKER}");
        check("abcdef", 6, 100, "abcdef").await;
        check("abcdef", 4, 100, &marked("abcd")).await;
        check("abcdef", 4, 5, &marked("abcd")).await;
        check("abcdef", 4, 0, &marked("abcd")).await;
        check("abcdef", 6, 0, "abcdef").await;
        check("aäöü", 4, 100, &marked("aä")).await;
        check("aäöü", 4, 0, &marked("aä")).await;
    }
}

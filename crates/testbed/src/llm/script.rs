//! What a stub is told to answer: plain data, no behaviour.

use std::time::Duration;

use crate::llm::latency::Latency;

/// The whole behaviour of one LLM stub.
///
/// ```text
/// Script::new()
///     .with_latency(Latency::Fixed(Duration::from_millis(100)))
///     .on_turn(0, Reply::tool_call("get_weather", json!({"city": "Hull"})))
///     .with_fault(Fault::Status(500), Calls::any(), Trigger::Next(1))
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Replies for given turns; a later entry for the same call wins over an earlier one.
    pub turns: Vec<Turn>,
    /// The reply where no turn is scripted.
    pub otherwise: Reply,
    /// Tried in order; the first that strikes decides.
    pub faults: Vec<FaultRule>,
    /// Time to the first token of an answer; faults wait as long as answers do.
    pub latency: Latency,
    /// Time from each token of an answer to its next.
    pub inter_token: Latency,
    /// Token figures of each reply.
    pub usage: Usage,
    /// With another key in `authorization: Bearer` or `api-key`, a call is refused with 401. `None` takes any.
    pub api_key: Option<String>,
    /// Seed of every random choice.
    pub seed: u64,
}

/// A reply for one turn of the calls that it applies to.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The number of assistant messages in the request: 0 in the first call of an agent without history.
    pub turn: usize,
    /// Which calls.
    pub calls: Calls,
    /// What is answered.
    pub reply: Reply,
}

/// An answer of the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// This text.
    Text(String),
    /// The text of the last user message.
    Echo,
    /// `answer to <namespace>/<name>#<target> turn <k>`: an oracle can tell whose answer it is.
    Trace,
    /// A text of so many tokens, as [`Usage::Estimated`] counts them.
    Tokens(usize),
    /// Calls of tools, all in one message.
    ToolCalls(Vec<ToolCall>),
}

/// One tool call in a reply.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// Name of the function.
    pub name: String,
    /// Its arguments as the model would write them: JSON text, but nobody promises that.
    pub arguments: String,
}

/// A selection of calls; unset fields take any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// `model` of the body, or the Azure deployment of the path.
    pub model: Option<String>,
    /// `<namespace>/<name>` of the Query.
    pub query: Option<String>,
    /// Index of the target in the spec.
    pub target: Option<usize>,
    /// What the caller wrote into the header `x-stub-fault`.
    pub wish: Option<String>,
}

/// A fault, the calls it may strike, and when it does.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// What goes wrong.
    pub fault: Fault,
    /// For which calls.
    pub calls: Calls,
    /// When.
    pub trigger: Trigger,
}

/// What goes wrong.
///
/// Those from [`Fault::StallMidway`] on need a connection of one's own, and are for [`LlmServer`] alone.
///
/// [`LlmServer`]: crate::llm::server::LlmServer
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 429 `rate_limit_exceeded`.
    RateLimited(RetryAfter),
    /// 429 `insufficient_quota`, which no waiting mends.
    QuotaExhausted,
    /// This status with an error body; meant for 4xx and 5xx.
    Status(u16),
    /// 503 `server_is_overloaded`.
    Overloaded,
    /// 400 `context_length_exceeded`.
    ContextLength,
    /// 401 `invalid_api_key`.
    WrongKey,
    /// 404 `model_not_found`.
    ModelNotFound,
    /// No reply before any client gives up.
    Timeout,
    /// The answer, so much later than it would have come.
    Stall(Duration),
    /// Status 200 and JSON that breaks off in the middle; in a stream, of one event.
    MalformedJson,
    /// Status 200 and a page of HTML.
    NotJson,
    /// The answer as `text/plain`.
    WrongContentType,
    /// Status 200, well formed, and no choice in it.
    EmptyChoices,
    /// The answer, with a pause in its middle.
    StallMidway(Duration),
    /// The connection is closed in the middle of the answer.
    Cut,
    /// The connection is reset instead of an answer.
    Reset,
    /// The connection is reset in the middle of the answer.
    ResetMidway,
    /// The answer, with this pause after every byte of its head; timers round it up to whole milliseconds.
    SlowHead(Duration),
    /// The answer, with this pause after every byte; timers round it up to whole milliseconds.
    Drip(Duration),
    /// One event of a stream lacks its field name and its end; in an answer that is none, as [`Fault::MalformedJson`].
    MalformedEvent,
    /// A stream ends without `[DONE]`; nothing is wrong with other answers.
    NoDone,
}

/// The `retry-after` header of a 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// No such header.
    Absent,
    /// Seconds from now.
    Seconds(u64),
    /// A date this long from now, cut to whole seconds.
    DateIn(Duration),
}

/// When a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trigger {
    /// Every time.
    Always,
    /// This share of calls (0 to 1), chosen by the key of the request, so retries are drawn anew.
    Share(f64),
    /// The next so many calls that it applies to, then never again.
    Next(usize),
    /// All calls between these two times since the script began.
    Window(Duration, Duration),
}

/// Token figures of replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// A quarter of the bytes of the request and of the answer, at least one each: the same text, the same figures.
    Estimated,
    /// Always these.
    Fixed {
        /// Tokens of the request.
        prompt: i64,
        /// Tokens of the answer.
        completion: i64,
    },
    /// No `usage` at all.
    Absent,
}

impl Script {
    /// Answers every call at once with [`Reply::Trace`].
    pub fn new() -> Self {
        Self {
            turns: Vec::new(),
            otherwise: Reply::Trace,
            faults: Vec::new(),
            latency: Latency::Zero,
            inter_token: Latency::Zero,
            usage: Usage::Estimated,
            api_key: None,
            seed: 1,
        }
    }

    /// Sets the time to the first token.
    #[must_use]
    pub fn with_latency(mut self, latency: Latency) -> Self {
        self.latency = latency;
        self
    }

    /// Sets the time from each token to its next.
    #[must_use]
    pub fn with_inter_token(mut self, latency: Latency) -> Self {
        self.inter_token = latency;
        self
    }

    /// Sets the reply to turn `turn` of every call.
    #[must_use]
    pub fn on_turn(self, turn: usize, reply: Reply) -> Self {
        self.on_turn_of(Calls::any(), turn, reply)
    }

    /// Sets the reply to turn `turn` of some calls.
    #[must_use]
    pub fn on_turn_of(mut self, calls: Calls, turn: usize, reply: Reply) -> Self {
        self.turns.push(Turn { turn, calls, reply });
        self
    }

    /// Sets the reply for all turns that are not scripted.
    #[must_use]
    pub fn otherwise(mut self, reply: Reply) -> Self {
        self.otherwise = reply;
        self
    }

    /// Adds a fault.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault, calls: Calls, trigger: Trigger) -> Self {
        self.faults.push(FaultRule {
            fault,
            calls,
            trigger,
        });
        self
    }

    /// Sets the token figures.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// Refuses other keys with 401.
    #[must_use]
    pub fn with_api_key(mut self, api_key: impl Into<String>) -> Self {
        self.api_key = Some(api_key.into());
        self
    }

    /// Sets the seed of every random choice.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Fault {
    /// What it is called in files, ledgers and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::RateLimited(_) => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Status(_) => "status",
            Self::Overloaded => "overloaded",
            Self::ContextLength => "context_length",
            Self::WrongKey => "wrong_key",
            Self::ModelNotFound => "model_not_found",
            Self::Timeout => "timeout",
            Self::Stall(_) => "stall",
            Self::MalformedJson => "malformed_json",
            Self::NotJson => "not_json",
            Self::WrongContentType => "wrong_content_type",
            Self::EmptyChoices => "empty_choices",
            Self::StallMidway(_) => "stall_midway",
            Self::Cut => "cut",
            Self::Reset => "reset",
            Self::ResetMidway => "reset_midway",
            Self::SlowHead(_) => "slow_head",
            Self::Drip(_) => "drip",
            Self::MalformedEvent => "malformed_event",
            Self::NoDone => "no_done",
        }
    }

    /// Whether it needs a connection of one's own.
    pub fn is_of_connection(self) -> bool {
        matches!(
            self,
            Self::StallMidway(_)
                | Self::Cut
                | Self::Reset
                | Self::ResetMidway
                | Self::SlowHead(_)
                | Self::Drip(_)
                | Self::MalformedEvent
                | Self::NoDone
        )
    }
}

impl Reply {
    /// A reply of this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A reply that calls one tool.
    pub fn tool_call(name: impl Into<String>, arguments: &serde_json::Value) -> Self {
        Self::ToolCalls(vec![ToolCall::new(name, arguments)])
    }
}

impl ToolCall {
    /// A call with well-formed arguments.
    pub fn new(name: impl Into<String>, arguments: &serde_json::Value) -> Self {
        Self {
            name: name.into(),
            arguments: arguments.to_string(),
        }
    }
}

impl Calls {
    /// Every call.
    pub fn any() -> Self {
        Self::default()
    }

    /// Calls of one model.
    pub fn of_model(model: impl Into<String>) -> Self {
        Self {
            model: Some(model.into()),
            ..Self::default()
        }
    }

    /// Calls of one Query, `<namespace>/<name>`.
    pub fn of_query(query: impl Into<String>) -> Self {
        Self {
            query: Some(query.into()),
            ..Self::default()
        }
    }

    /// Narrows to one target, by its index in the spec.
    #[must_use]
    pub fn and_target(mut self, target: usize) -> Self {
        self.target = Some(target);
        self
    }
}

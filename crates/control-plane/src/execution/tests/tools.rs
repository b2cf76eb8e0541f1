//! Tools as targets, and that every call of a tool is counted however it is made and however it ends.

use query_api::tool::{Tool, ToolType};
use testbed::population::ToolBuilder;

use super::*;

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(600);

const NAMED_T: &str = r#"{tool_name="t",tool_type="http"} 1"#;

#[tokio::test]
async fn a_tool_target_gets_the_input_as_its_arguments() {
    let world = World::new(Script::new()).await;
    let tools = ToolStub::start([Endpoint::echo("/t")]).await;
    let object = tool("t").at(&tools.url("/t")).posting("{{.input}}");
    world.add(object.build()).await;
    let mut asking = query("q").with_tool_target("t").build();
    asking.spec.input = r#"{"a":1}"#.into();
    assert_eq!(world.answer(&asking).await, Ok(r#"{"a":1}"#.into()));
    asking.spec.input = "plain".into();
    assert_eq!(
        world.answer(&asking).await,
        Ok(r#"{"input":"plain"}"#.into())
    );
    assert_eq!(world.llm.calls(), 0);
}

/// A tool whose calls end in one way.
struct Ending {
    tool: fn(&str) -> Tool,
    /// What the stub does with a call that gets so far.
    endpoint: Endpoint,
    /// The arguments of the call.
    arguments: &'static str,
    /// The beginning of what the target ends with.
    wanted: Result<&'static str, &'static str>,
}

impl Ending {
    fn of(tool: fn(&str) -> Tool, wanted: Result<&'static str, &'static str>) -> Self {
        Self {
            tool,
            endpoint: Endpoint::new("/t", "fine"),
            arguments: "{}",
            wanted,
        }
    }

    /// Calls the tool once, as the target itself or through an agent that fails with it.
    async fn check(&self, kind: TargetKind) {
        let call = ToolCall {
            name: "t".into(),
            arguments: self.arguments.into(),
        };
        let script = Script::new()
            .on_turn(0, Reply::ToolCalls(vec![call]))
            .otherwise(Reply::text("fine"));
        let config = ExecutionConfig {
            agent: AgentConfig {
                on_tool_error: OnToolError::FailTarget,
                ..AgentConfig::default()
            },
            ..ExecutionConfig::default()
        };
        let world = World::with_config(script, config).await;
        let tools = ToolStub::start([self.endpoint.clone()]).await;
        world.add((self.tool)(&tools.url("/t"))).await;
        let calling = agent("a").with_model("m").with_tool("t");
        world.add(calling.build()).await;
        let name = if kind == TargetKind::Tool { "t" } else { "a" };
        let mut asking = query("q").with_target(kind, name).build();
        asking.spec.input = self.arguments.into();
        let answer = world.answer(&asking).await;
        let begins_well = match (&answer, self.wanted) {
            (Ok(text), Ok(wanted)) | (Err(text), Err(wanted)) => text.starts_with(wanted),
            _ => false,
        };
        assert!(begins_well, "{kind}: {answer:?} and not {:?}", self.wanted);
        let counts = world.counts("ark_tool_call_duration_seconds");
        assert_eq!(counts, [NAMED_T], "{kind}: {answer:?}");
    }
}

fn at(url: &str) -> ToolBuilder {
    tool("t").at(url)
}

fn with_header(url: &str, value: &Value) -> Tool {
    let mut tool = at(url).build();
    let http = tool.spec.http.as_mut().unwrap();
    let header = json!({"name": "x-key", "value": value});
    http.headers.push(serde_json::from_value(header).unwrap());
    tool
}

#[tokio::test]
async fn a_tool_call_is_counted_however_it_is_made_and_however_it_ends() {
    let endings = [
        Ending::of(|url| at(url).build(), Ok("fine")),
        Ending {
            endpoint: Endpoint::new("/t", "broken").with_status(503),
            ..Ending::of(|url| at(url).build(), Err("tool `t` failed: status 503"))
        },
        Ending {
            endpoint: Endpoint::new("/t", "late").with_latency(NEVER),
            ..Ending::of(
                |url| at(url).with_timeout("0s").build(),
                Err("tool `t` failed: no answer within 0ns"),
            )
        },
        Ending::of(
            |_| at("http://127.0.0.1:1/").build(),
            Err("tool `t` failed: failed to connect"),
        ),
        Ending::of(
            |url| at(url).posting("{{.nobody}}").build(),
            Err("tool `t` failed: its template refers to `nobody`, which has no value"),
        ),
        Ending::of(
            |url| at(&format!("{url}?q={{city}}")).build(),
            Err("tool `t` failed: its argument `city` is missing"),
        ),
        Ending::of(
            |url| {
                let gone = json!({"secretKeyRef": {"name": "gone", "key": "k"}});
                with_header(url, &json!({"valueFrom": gone}))
            },
            Err("tool `t` failed: secret `default/gone` (wanted for its key `k`) does not exist"),
        ),
        Ending::of(
            |url| with_header(url, &json!({"value": "\u{1}"})),
            Err("tool `t` failed: its header `x-key` cannot be sent"),
        ),
    ];
    for ending in &endings {
        ending.check(TargetKind::Tool).await;
        ending.check(TargetKind::Agent).await;
    }
    // Of a tool target any input makes arguments, so that only a model can give bad ones.
    let broken = Ending {
        arguments: "[1",
        ..Ending::of(
            |url| at(url).build(),
            Err("tool `t` failed: its arguments are not a JSON object"),
        )
    };
    broken.check(TargetKind::Agent).await;
}

#[tokio::test]
async fn a_tool_call_that_is_cut_off_with_its_target_is_counted() {
    for (kind, name) in [(TargetKind::Tool, "t"), (TargetKind::Agent, "a")] {
        let call = Reply::tool_call("t", &json!({}));
        let world = World::new(Script::new().otherwise(call)).await;
        let tools = ToolStub::start([Endpoint::new("/t", "late").with_latency(NEVER)]).await;
        world.add(at(&tools.url("/t")).build()).await;
        let calling = agent("a").with_model("m").with_tool("t");
        world.add(calling.build()).await;
        let cancel = CancellationToken::new();
        let asking = query("q").with_target(kind, name).build();
        let run = world.executor.execute(&asking, &[], &cancel, &|_, _| {});
        let canceller = async {
            while tools.calls() == 0 {
                tokio::task::yield_now().await;
            }
            cancel.cancel();
        };
        let (outcomes, ()) = tokio::join!(run, canceller);
        assert_eq!(outcomes[0].status_label(), "canceled");
        assert_eq!(world.counts("ark_tool_call_duration_seconds"), [NAMED_T]);
    }
}

#[tokio::test]
async fn a_tool_that_the_model_made_up_is_not_counted() {
    let script = Script::new()
        .on_turn(0, Reply::tool_call("made-up", &json!({})))
        .otherwise(Reply::text("went without"));
    let world = World::new(script).await;
    world.add(agent("a").with_model("m").build()).await;
    let asking = query("q").with_agent_target("a").build();
    assert_eq!(world.answer(&asking).await, Ok("went without".into()));
    assert!(world.counts("ark_tool_call_duration_seconds").is_empty());
}

#[tokio::test]
async fn a_tool_target_that_is_no_http_tool_is_refused_by_name() {
    let world = World::new(Script::new()).await;
    let check = async |name: &str, change: &dyn Fn(&mut Tool), wanted: &str| {
        let mut object = tool(name).at("http://t").build();
        change(&mut object);
        world.add(object).await;
        let asking = query("q").with_tool_target(name).build();
        assert_eq!(world.answer(&asking).await, Err(wanted.into()));
    };
    check(
        "mcp",
        &|tool| tool.spec.r#type = Some(ToolType::Mcp),
        "mcp tool `mcp` is not supported by this controller",
    )
    .await;
    check(
        "bare",
        &|tool| tool.spec.http = None,
        "tool `default/bare` cannot be used: it has no `http`",
    )
    .await;
    assert!(world.counts("ark_tool_call_duration_seconds").is_empty());
}

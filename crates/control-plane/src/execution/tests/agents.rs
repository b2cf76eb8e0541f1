//! Agents: their tools in a loop, what ends it, and what a failing tool means.

use super::*;

#[tokio::test]
async fn an_agent_calls_tools_over_two_turns_and_then_answers() {
    let script = Script::new()
        .on_turn(
            0,
            Reply::ToolCalls(vec![
                ToolCall::new("weather", &json!({"city": "Kingston upon Hull"})),
                ToolCall::new("noop", &json!({"message": "hm"})),
            ]),
        )
        .on_turn(
            1,
            Reply::tool_call("note", &json!({"text": "it \"rains\""})),
        )
        .otherwise(Reply::text("take a coat"));
    let world = World::new(script).await;
    let tools = ToolStub::start([Endpoint::new("/weather", "rain"), Endpoint::echo("/note")]).await;
    let weather = format!("{}?q={{city}}", tools.url("/weather"));
    world.add(tool("weather").at(&weather).build()).await;
    let note = tool("note")
        .at(&tools.url("/note"))
        .posting("noted: {{.input.text}}");
    world.add(note.build()).await;
    let asked = agent("a").with_model("m").with_prompt("be brief");
    let asked = asked.with_tool("weather").with_tool("note");
    world.add(asked.with_built_in("noop").build()).await;

    let outcomes = world.run(&query("q").with_agent_target("a").build()).await;
    assert_eq!(contents(&outcomes), [Ok("take a coat")]);
    assert_eq!(world.llm.calls(), 3);
    let received = tools.recent();
    assert_eq!(received[0].target, "/weather?q=Kingston+upon+Hull");
    assert_eq!(received[0].headers["x-ark-query"], "default/q");
    assert_eq!(received[1].body, "noted: it \"rains\"");
    assert_eq!(tools.calls(), 2);
    let usage = outcomes[0].result.as_ref().unwrap().usage;
    assert_eq!(
        usage.total_tokens,
        usage.prompt_tokens + usage.completion_tokens
    );
    let llm_calls = [r#"{model="stub-model",provider="openai"} 3"#];
    assert_eq!(world.counts("ark_llm_call_duration_seconds"), llm_calls);
    let tool_calls = [
        r#"{tool_name="noop",tool_type="builtin"} 1"#,
        r#"{tool_name="note",tool_type="http"} 1"#,
        r#"{tool_name="weather",tool_type="http"} 1"#,
    ];
    assert_eq!(world.counts("ark_tool_call_duration_seconds"), tool_calls);
}

#[tokio::test]
async fn a_failing_tool_is_told_to_the_model_or_fails_the_target() {
    let check = async |on_tool_error, call: ToolCall, wanted: Result<&str, &str>| {
        let script = Script::new()
            .on_turn(0, Reply::ToolCalls(vec![call]))
            .otherwise(Reply::text("went without"));
        let config = ExecutionConfig {
            agent: AgentConfig {
                on_tool_error,
                ..AgentConfig::default()
            },
            ..ExecutionConfig::default()
        };
        let world = World::with_config(script, config).await;
        let tools = ToolStub::start([Endpoint::new("/t", "broken").with_status(503)]).await;
        world.add(tool("t").at(&tools.url("/t")).build()).await;
        world
            .add(agent("a").with_model("m").with_tool("t").build())
            .await;
        let answer = world
            .answer(&query("q").with_agent_target("a").build())
            .await;
        assert_eq!(answer.as_deref().map_err(String::as_str), wanted);
    };
    let fine = || ToolCall::new("t", &json!({}));
    let broken = || ToolCall {
        name: "t".into(),
        arguments: "[1".into(),
    };
    let unknown = || ToolCall::new("u", &json!({}));
    let went_without = Ok("went without");
    check(OnToolError::TellModel, fine(), went_without).await;
    check(OnToolError::TellModel, broken(), went_without).await;
    check(OnToolError::TellModel, unknown(), went_without).await;
    let fail = OnToolError::FailTarget;
    check(fail, fine(), Err("tool `t` failed: status 503: broken")).await;
    check(
        fail,
        unknown(),
        Err("tool `u` failed: there is no tool of this name"),
    )
    .await;
}

#[tokio::test]
async fn an_agent_that_never_stops_calling_tools_is_stopped() {
    let script = Script::new().otherwise(Reply::tool_call("noop", &json!({})));
    let config = ExecutionConfig {
        agent: AgentConfig {
            max_turns: 5,
            ..AgentConfig::default()
        },
        ..ExecutionConfig::default()
    };
    let world = World::with_config(script, config).await;
    let busy = agent("a").with_model("m").with_built_in("noop");
    world.add(busy.build()).await;
    let answer = world
        .answer(&query("q").with_agent_target("a").build())
        .await;
    let wanted = "agent `a` was stopped after 5 turns, because its model still called tools";
    assert_eq!(answer, Err(wanted.into()));
    assert_eq!(world.llm.calls(), 5);
}

#[tokio::test]
async fn terminate_ends_an_agent_with_its_response() {
    let call = Reply::tool_call("terminate", &json!({"response": "enough"}));
    let world = World::new(Script::new().otherwise(call)).await;
    let ending = agent("a").with_model("m").with_built_in("terminate");
    world.add(ending.build()).await;
    let answer = world
        .answer(&query("q").with_agent_target("a").build())
        .await;
    assert_eq!(answer, Ok("enough".into()));
    let tool_calls = [r#"{tool_name="terminate",tool_type="builtin"} 1"#];
    assert_eq!(world.counts("ark_tool_call_duration_seconds"), tool_calls);
}

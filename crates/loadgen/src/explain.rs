//! A scenario in words, before anything runs: the load, the promises, and those that no such run can decide.

use std::fmt::Write as _;
use std::time::Duration;

use query_api::go_duration::GoDuration;

use crate::arrival::Spacing;
use crate::mix::Mix;
use crate::scenario::{Closed, Open, Plan, Scenario};
use crate::slo::Slo;

/// The plan of the scenario `name` as text for people.
pub fn explain(name: &str, scenario: &Scenario) -> String {
    let plan = scenario.plan();
    let mut text = format!("{name}: {}\n\n", scenario.text.trim().replace('\n', "\n  "));
    let mut line = |what: &str, how: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {what:<12}{how}");
    };

    line("load", load(scenario));
    line("starts", starts(&plan));
    line("pace", pace(scenario, &plan));
    line(
        "tenants",
        format!("{} with {} each", scenario.tenants, agents(scenario.agents)),
    );
    for (index, operation) in operations(scenario).into_iter().enumerate() {
        line(if index == 0 { "operations" } else { "" }, operation);
    }
    line("llm", llm(scenario));
    line("seed", scenario.seed.to_string());
    for (index, slo) in scenario.slos.iter().enumerate() {
        let heading = if index == 0 { "promises" } else { "" };
        line(heading, format!("{slo}{}", doubt(scenario, &plan, slo)));
    }
    text
}

fn load(scenario: &Scenario) -> String {
    match (&scenario.open, &scenario.burst, &scenario.closed) {
        (Some(open), _, _) => stages(open),
        (_, Some(burst), _) => format!("a burst of {} at once", burst.count),
        (_, _, Some(closed)) => users(closed),
        _ => "none".to_owned(),
    }
}

fn stages(open: &Open) -> String {
    let spacing = match open.spacing {
        Spacing::Even => "even",
        Spacing::Poisson => "Poisson",
        Spacing::Gamma => "clumped",
    };
    let mut text = format!("open, {spacing} arrivals: {}/s", open.start);
    for stage in &open.stages {
        let _ = write!(text, " → {}/s in {}", stage.rate, stage.duration);
    }
    text
}

fn users(closed: &Closed) -> String {
    let who = if closed.users == 1 { "user" } else { "users" };
    let pause = closed
        .think_time
        .map_or(String::new(), |[shortest, longest]| {
            format!(", each pausing {shortest} to {longest}")
        });
    format!("closed, {} {who} at a time{pause}", closed.users)
}

fn starts(plan: &Plan) -> String {
    if plan.duration.is_zero() {
        return plan.starts.to_string();
    }
    let tenth = Duration::from_millis(100 * (plan.duration.as_millis() as u64 / 100));
    format!("{} within {}", plan.starts, GoDuration(tenth))
}

fn pace(scenario: &Scenario, plan: &Plan) -> String {
    let pace = plan.expected_throughput;
    if scenario.open.is_some() {
        format!("{pace:.2} queries per second arrive on average")
    } else {
        format!("{pace:.2} queries per second if the control plane added nothing")
    }
}

fn agents(n_agents: usize) -> String {
    match n_agents {
        1 => "1 agent".to_owned(),
        n_agents => format!("{n_agents} agents"),
    }
}

fn operations(scenario: &Scenario) -> Vec<String> {
    let weights = scenario.operations.iter().map(|operation| operation.weight);
    let shares = Mix::new(weights).shares();
    let named = scenario.operations.iter().zip(shares);
    named
        .map(|(operation, share)| format!("{} {:.1} %", operation.name, share * 100.0))
        .collect()
}

fn llm(scenario: &Scenario) -> String {
    let [shortest, longest] = scenario.llm.latency;
    let latency = if shortest == longest {
        format!("answers in {shortest}")
    } else {
        format!("answers in {shortest} to {longest}")
    };
    match scenario.llm.tool_calls {
        0 => latency,
        1 => format!("{latency}, after 1 tool call"),
        n_calls => format!("{latency}, after {n_calls} tool calls"),
    }
}

/// What keeps the promise from being decided; empty if nothing does.
fn doubt(scenario: &Scenario, plan: &Plan, slo: &Slo) -> String {
    let decidable = scenario.decidable(plan, slo);
    if decidable.holds() {
        return String::new();
    }
    format!(
        " (cannot be decided: {} samples expected, {} needed)",
        decidable.expected, decidable.needed
    )
}

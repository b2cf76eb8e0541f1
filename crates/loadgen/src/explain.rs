//! A scenario in words, before anything runs: the load, the promises, and those that no such run can decide.

use std::fmt::Write as _;
use std::time::Duration;

use query_api::go_duration::GoDuration;

use crate::arrival::Spacing;
use crate::mix::Mix;
use crate::scenario::platform::{Ladder, Platform, Runs};
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
    if scenario.platform != Platform::Ark {
        line("platform", scenario.platform.name().to_owned());
    }
    if let Some(run) = &scenario.runs {
        line("runs", runs(run));
    }
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
    if let Some(trace) = &scenario.trace {
        return format!("open, arrivals as recorded in {}", trace.file.display());
    }
    match (&scenario.open, &scenario.burst, &scenario.closed) {
        (Some(open), _, _) => stages(open),
        (_, Some(burst), _) => format!("a burst of {} at once", burst.count),
        (_, _, Some(closed)) => users(closed),
        _ => ladders(&scenario.ladders),
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
    let joining = closed
        .spawn_rate
        .map_or(String::new(), |rate| format!(", {rate} more per second"));
    format!("closed, {} {who} at a time{joining}{pause}", closed.users)
}

fn ladders(ladders: &[Ladder]) -> String {
    let ladder = |ladder: &Ladder| {
        let sizes: Vec<String> = ladder.sizes.iter().map(usize::to_string).collect();
        format!("{} {} at once", ladder.operation, sizes.join(", "))
    };
    let ladders: Vec<String> = ladders.iter().map(ladder).collect();
    format!("bursts: {}", ladders.join("; "))
}

/// What a start is, where it is more than one operation.
fn runs(runs: &Runs) -> String {
    let children = match runs.children {
        1 => "1 child run".to_owned(),
        children => format!("{children} child runs"),
    };
    format!(
        "each start is a run with {children}, polled every {} for at most {}",
        runs.poll_interval, runs.poll_timeout
    )
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
    if scenario.open.is_some() || scenario.trace.is_some() {
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
    if scenario.runs.is_some() {
        return vec![scenario.operation_names().join(", ")];
    }
    let weights = scenario.operations.iter().map(|operation| operation.weight);
    let shares = Mix::new(weights).shares();
    let named = scenario.operations.iter().zip(shares);
    named
        .map(|(operation, share)| {
            let expected = operation
                .latency
                .map_or(String::new(), |[shortest, longest]| {
                    format!(", expected to take {shortest} to {longest}")
                });
            format!("{} {:.1} %{expected}", operation.name, share * 100.0)
        })
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

//! What makes a plan impossible, with the place and the mend.

use query_api::go_duration::GoDuration;

use crate::scenario::Scenario;
use crate::slo::{Bound, Slo};

/// The first thing that is wrong: its place in the file, and why it is wrong.
pub(super) fn fault(scenario: &Scenario) -> Option<(String, String)> {
    load(scenario)
        .or_else(|| mix(scenario))
        .or_else(|| llm(scenario))
        .or_else(|| {
            let mut slos = scenario.slos.iter().enumerate();
            slos.find_map(|(index, slo)| promise(scenario, index, slo))
        })
}

fn load(scenario: &Scenario) -> Option<(String, String)> {
    let given = [
        scenario.open.is_some(),
        scenario.trace.is_some(),
        scenario.burst.is_some(),
        scenario.closed.is_some(),
        !scenario.ladders.is_empty(),
    ];
    if given.iter().filter(|given| **given).count() != 1 {
        return at(
            "scenario",
            "give exactly one of [open], [trace], [burst], [closed], [[ladder]]",
        );
    }
    if scenario.tenants == 0 || scenario.agents == 0 {
        return at("tenants, agents", "each must be at least 1");
    }
    if let Some(open) = &scenario.open {
        let rates = std::iter::once(open.start).chain(open.stages.iter().map(|stage| stage.rate));
        if rates
            .into_iter()
            .any(|rate| !(rate >= 0.0 && rate.is_finite()))
        {
            return at("open", "a rate must be a number of at least 0 per second");
        }
        if open.stages.iter().any(|stage| stage.duration.0.is_zero()) {
            return at("open.stages", "a stage must last longer than 0s");
        }
        if open.start == 0.0 && open.stages.iter().all(|stage| stage.rate == 0.0) {
            return at("open", "some rate must be above 0, or nothing ever arrives");
        }
    }
    if scenario
        .burst
        .as_ref()
        .is_some_and(|burst| burst.count == 0)
    {
        return at("burst.count", "must be at least 1");
    }
    if let Some(closed) = &scenario.closed {
        if closed.users == 0 {
            return at("closed.users", "must be at least 1");
        }
        match closed.duration {
            None if closed.queries == 0 => {
                return at(
                    "closed.queries",
                    "must be at least 1, or `duration` given instead",
                );
            }
            Some(_) if closed.queries > 0 => {
                return at("closed", "give `queries` or `duration`, not both");
            }
            Some(duration) if duration.0.is_zero() => {
                return at("closed.duration", "must be longer than 0s");
            }
            _ => {}
        }
        if closed
            .spawn_rate
            .is_some_and(|rate| !(rate > 0.0 && rate.is_finite()))
        {
            return at("closed.spawn_rate", "must be above 0 users per second");
        }
        if let Some(think_time) = closed.think_time {
            return reversed("closed.think_time", think_time);
        }
    }
    ladders(scenario).or_else(|| runs(scenario))
}

fn ladders(scenario: &Scenario) -> Option<(String, String)> {
    for ladder in &scenario.ladders {
        let place = format!("ladder {}", ladder.operation);
        let is_ascending = ladder.sizes.windows(2).all(|pair| pair[0] < pair[1]);
        if ladder.sizes.first().is_none_or(|size| *size == 0) || !is_ascending {
            return at(
                &place,
                "give sizes of at least 1, each larger than the one before",
            );
        }
        if !scenario
            .operations
            .iter()
            .any(|known| known.name == ladder.operation)
        {
            return at(&place, "no operation of that name in this scenario");
        }
    }
    None
}

fn runs(scenario: &Scenario) -> Option<(String, String)> {
    let runs = scenario.runs.as_ref()?;
    if runs.poll_interval.0.is_zero() {
        return at("runs.poll_interval", "must be longer than 0s");
    }
    if runs.poll_timeout < runs.poll_interval {
        return at("runs.poll_timeout", "must be at least one poll interval");
    }
    None
}

fn mix(scenario: &Scenario) -> Option<(String, String)> {
    if scenario.operations.is_empty() {
        return at("operation", "leave it out for the single operation `query`");
    }
    for (index, operation) in scenario.operations.iter().enumerate() {
        if !(operation.weight > 0.0 && operation.weight.is_finite()) {
            return at(
                &format!("operation {}", operation.name),
                "weight must be above 0",
            );
        }
        if let Some(latency) = operation.latency
            && let Some(fault) = reversed(&format!("operation {}", operation.name), latency)
        {
            return Some(fault);
        }
        let mut before = scenario.operations[..index].iter();
        if before.any(|earlier| earlier.name == operation.name) {
            return at(
                &format!("operation {}", operation.name),
                "stands twice; remove one",
            );
        }
    }
    None
}

fn llm(scenario: &Scenario) -> Option<(String, String)> {
    if scenario.llm.latency[1].0.is_zero() {
        return at("llm.latency", "the longest reply time must be above 0s");
    }
    reversed("llm.latency", scenario.llm.latency)
}

fn promise(scenario: &Scenario, index: usize, slo: &Slo) -> Option<(String, String)> {
    let place = format!("slo {}", index + 1);
    let known = scenario.operation_names();
    if let Some(name) = &slo.operation
        && !known.contains(&name.as_str())
    {
        let reason = format!(
            "no operation {name:?} in this scenario; it has {}",
            known.join(", ")
        );
        return at(&place, &reason);
    }
    wrong_bound(slo).and_then(|reason| at(&place, reason))
}

/// What is wrong with the bound of an SLO: each metric takes the fields of its kind and no others.
fn wrong_bound(slo: &Slo) -> Option<&'static str> {
    let share = |share: f64| share > 0.0 && share <= 1.0;
    let given = [
        slo.quantile.is_some() || slo.at_most.is_some(),
        slo.at_least.is_some(),
        slo.at_most_bytes.is_some(),
        slo.at_most_share.is_some(),
        slo.at_most_count.is_some(),
    ];
    let alone = given.iter().filter(|given| **given).count() == 1;
    let (right, reason) = match slo.metric.bound() {
        Bound::Latency => (
            slo.at_most.is_some()
                && slo
                    .quantile
                    .is_some_and(|quantile| quantile > 0.0 && quantile < 1.0),
            "a latency takes `quantile` in (0, 1) and `at_most`",
        ),
        Bound::Ratio => (
            slo.at_least.is_some_and(share),
            "a ratio takes `at_least` in (0, 1] and nothing else",
        ),
        Bound::Rate => (
            slo.at_least
                .is_some_and(|rate| rate > 0.0 && rate.is_finite()),
            "a rate takes `at_least` above 0 per second and nothing else",
        ),
        Bound::Bytes => (
            slo.at_most_bytes.is_some_and(|bytes| bytes > 0),
            "memory takes `at_most_bytes` above 0 and nothing else",
        ),
        Bound::Share => (
            slo.at_most_share.is_some_and(share),
            "a share takes `at_most_share` in (0, 1] and nothing else",
        ),
        Bound::Count => (
            slo.at_most_count.is_some(),
            "a count takes `at_most_count` and nothing else",
        ),
    };
    (!(right && alone)).then_some(reason)
}

fn reversed(place: &str, [shortest, longest]: [GoDuration; 2]) -> Option<(String, String)> {
    (shortest > longest)
        .then(|| at(place, "the shortest time comes first"))
        .flatten()
}

fn at(place: &str, reason: &str) -> Option<(String, String)> {
    Some((place.to_owned(), reason.to_owned()))
}

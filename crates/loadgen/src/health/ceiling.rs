//! The generator's ceiling: how much it makes when whatever answers costs nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Health, Reason, Verdict};
use crate::driver::null::Null;
use crate::error::DriverError;
use crate::judging::completions_per_second;
use crate::run::{Ran, RunSettings, run};
use crate::scenario::Scenario;

/// A run that makes more than this part of what the generator can may have measured the generator.
const MOST_OF_CEILING: f64 = 0.5;

/// Users who ask again at once, for so short a time that nobody waits for it.
const USERS: &str = "[closed]\nusers = 16\nduration = \"300ms\"";

/// Starts that are all due, which their thread hands over one by one as it does those of a schedule.
const STARTS: &str = "[burst]\ncount = 20000";

/// Operations per second that the generator makes against [`Null`] under the same kind of load, closed or not, on the
/// runtime of the caller; takes about 0.3 s.
///
/// # Errors
/// If the system has no threads to give.
pub async fn measured(scenario: &Scenario) -> Result<f64, DriverError> {
    let load = if scenario.closed.is_some() {
        USERS
    } else {
        STARTS
    };
    let text = format!(
        "text = \"What the generator can; says nothing of any system.\"\n{load}\n[llm]\nlatency = [\"1ms\", \"1ms\"]\n"
    );
    let scenario =
        Scenario::parse(Path::new("calibration.toml"), &text).expect("a constant that parses");
    let settings = RunSettings::alone("calibration", Duration::from_secs(10));
    let driver = Arc::new(Null::default());
    let ran = run(
        &scenario,
        driver,
        &settings,
        CancellationToken::new(),
        |_| {},
    )
    .await?;
    Ok(completions_per_second(&ran))
}

/// Holds a run against the ceiling that was measured before it, which its health then says.
pub fn hold_against(ran: &mut Ran, ceiling: f64) {
    let seconds = ran.duration.as_secs_f64().max(f64::MIN_POSITIVE);
    hold(&mut ran.health, ran.started as f64 / seconds, ceiling);
}

fn hold(health: &mut Health, starts_per_second: f64, ceiling: f64) {
    health.ceiling = Some(ceiling);
    if starts_per_second > ceiling * MOST_OF_CEILING {
        health.verdict = Verdict::Invalid;
        health.reasons.push(Reason::Ceiling);
        health.reasons.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_half_of_the_ceiling_spoils_a_run() {
        let held = |rate| {
            let mut health = Health::default();
            hold(&mut health, rate, 1000.0);
            assert_eq!(health.ceiling, Some(1000.0));
            (health.verdict, health.reasons)
        };
        assert_eq!(held(500.0), (Verdict::Valid, vec![]));
        assert_eq!(held(501.0), (Verdict::Invalid, vec![Reason::Ceiling]));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_ceiling_is_measured_under_either_kind_of_load() {
        for load in [USERS, STARTS] {
            let text = format!(
                "text = \"A test; does not show anything.\"\n{load}\n[llm]\nlatency = [\"1ms\", \"1ms\"]\n"
            );
            let scenario = Scenario::parse(Path::new("test.toml"), &text).expect("a scenario");
            let ceiling = measured(&scenario).await.expect("it runs");
            assert!(ceiling > 100.0 && ceiling.is_finite(), "{load}: {ceiling}");
        }
    }
}

//! The generator's ceiling: how much it makes when whatever answers costs nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::driver::null::Null;
use crate::error::DriverError;
use crate::health::{Reason, Verdict};
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
    ran.health.ceiling = Some(ceiling);
    if is_too_near(ran.started, ran.duration, ceiling) {
        ran.health.verdict = Verdict::Invalid;
        ran.health.reasons.push(Reason::Ceiling);
        ran.health.reasons.sort_unstable();
    }
}

/// Whether so many starts in this time may have measured the generator that made them.
pub(crate) fn is_too_near(started: u64, duration: Duration, ceiling: f64) -> bool {
    let seconds = duration.as_secs_f64().max(f64::MIN_POSITIVE);
    started as f64 / seconds > ceiling * MOST_OF_CEILING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_half_of_the_ceiling_is_too_near() {
        let held = |started| is_too_near(started, Duration::from_secs(2), 1000.0);
        assert_eq!([1000, 1001].map(held), [false, true]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_run_near_its_ceiling_is_spoiled_and_says_what_that_is() {
        let text = format!(
            "text = \"A test; does not show anything.\"\n{STARTS}\n[llm]\nlatency = [\"1ms\", \"1ms\"]\n"
        );
        let scenario = Scenario::parse(Path::new("test.toml"), &text).expect("a scenario");
        let settings = RunSettings::alone("test", Duration::from_secs(10));
        let (driver, interrupt) = (Arc::new(Null::default()), CancellationToken::new());
        let ran = run(&scenario, driver, &settings, interrupt, |_| {}).await;
        let mut ran = ran.expect("it runs");
        hold_against(&mut ran, 1.0);
        assert_eq!(ran.health.ceiling, Some(1.0));
        assert_eq!(ran.health.verdict, Verdict::Invalid);
        assert!(ran.health.reasons.contains(&Reason::Ceiling));
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

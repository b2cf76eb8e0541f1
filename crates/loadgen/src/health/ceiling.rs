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
const CALIBRATION: &str = r#"
text = "What the generator can; says nothing of any system."
[closed]
users = 16
duration = "300ms"
[llm]
latency = ["1ms", "1ms"]
"#;

/// Operations per second that the generator makes against [`Null`], on the runtime of the caller; takes 0.3 s.
///
/// # Errors
/// If the system has no threads to give.
pub async fn measured() -> Result<f64, DriverError> {
    let scenario = Scenario::parse(Path::new("calibration.toml"), CALIBRATION)
        .expect("a constant that parses");
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
    use super::{Health, Reason, Verdict, hold, measured};

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

    #[tokio::test]
    async fn the_ceiling_is_what_users_ask_of_nobody() {
        let ceiling = measured().await.expect("it runs");
        // Users who met a timer of a millisecond each time would make 16,000 at most, and one who stopped none.
        assert!(ceiling > 100.0 && ceiling.is_finite(), "{ceiling}");
    }
}

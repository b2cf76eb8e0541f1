//! `plimsoll load`: a scenario is run, its promises are judged.

pub(crate) mod driving;
pub(crate) mod progress;
pub(crate) mod sweep;
pub(crate) mod telling;
mod tracing;
pub(crate) mod workers;

use std::env;
use std::time::Duration;

use anyhow::{Context as _, bail};
use loadgen::scenario::Scenario;

use self::driving::{Driving, System};
use self::progress::Progress;
use self::sweep::Sweep;
use self::telling::Format;
use self::workers::Sharing;
use crate::exit::Exit;
use crate::forms::Forms;
use crate::scenario::ScaledSource;

/// What to run, and how.
#[derive(Debug)]
pub(crate) struct LoadSettings {
    /// Which scenario.
    pub(crate) scenario: ScaledSource,
    /// Arrivals per second instead of the scenario's.
    pub(crate) rate: Option<f64>,
    /// How long to go on, instead of the scenario's time.
    pub(crate) duration: Option<Duration>,
    /// What is driven.
    pub(crate) driving: Driving,
    /// One run for each value of a setting; unset makes a single run.
    pub(crate) sweep: Option<Sweep>,
    /// What is done for a run of several workers; unset makes a whole run.
    pub(crate) sharing: Option<Sharing>,
    /// How to say it.
    pub(crate) forms: Forms<Format>,
}

pub(crate) fn run(settings: &LoadSettings) -> anyhow::Result<Exit> {
    let mut driving = settings.driving.clone();
    let scenario = scenario(settings, &mut driving)?;
    if let Some(sweep) = &settings.sweep {
        return sweep.run(&driving, &scenario);
    }
    if let Some(sharing) = &settings.sharing {
        return sharing.run(settings, &driving, &scenario);
    }
    let progress = Progress::new();
    let shown = progress.clone();
    let ran = driving.run(&scenario, move |now| shown.show(now));
    progress.end();
    let circumstances = driving.circumstances(&settings.scenario);
    settings.forms.tell_run(&scenario, &ran?, circumstances)
}

/// The scenario as it was asked for.
fn scenario(settings: &LoadSettings, driving: &mut Driving) -> anyhow::Result<Scenario> {
    let source = &settings.scenario.source;
    let scenario = source.read()?;
    if scenario.environment {
        driving.agent = driving.agent.take().or(env::var("TARGET_AGENT").ok());
    }
    let (rate, duration) = rate_and_duration(settings, &scenario)?;
    let scenario = match (rate, duration) {
        (None, None) => scenario,
        (Some(rate), Some(duration)) if driving.system == System::Null => {
            scenario.constant(rate, duration)
        }
        _ => match scenario.at_rate(rate, duration) {
            Some(scenario) => scenario,
            None => bail!(
                "{} has no [open] load; leave out --rate and --duration",
                source.name
            ),
        },
    };
    Ok(scenario.scaled(settings.scenario.time_scale))
}

/// What is typed in place of the scenario's own numbers, or stands in the environment if the scenario looks there.
fn rate_and_duration(
    settings: &LoadSettings,
    scenario: &Scenario,
) -> anyhow::Result<(Option<f64>, Option<Duration>)> {
    let (rate, duration) = (settings.rate, settings.duration);
    if !scenario.environment {
        return Ok((rate, duration));
    }
    let seconds = number("DURATION_SECONDS")?;
    Ok((
        rate.or(number("QUERIES_PER_SECOND")?),
        duration.or(seconds.map(Duration::from_secs_f64)),
    ))
}

/// A number above zero from the environment; unset if the variable is.
fn number(variable: &str) -> anyhow::Result<Option<f64>> {
    let Ok(text) = env::var(variable) else {
        return Ok(None);
    };
    let number: f64 = text
        .parse()
        .with_context(|| format!("{variable} is {text:?}; write a number such as 5"))?;
    if !(number > 0.0 && number.is_finite()) {
        bail!("{variable} is {text}; write a number above 0");
    }
    Ok(Some(number))
}

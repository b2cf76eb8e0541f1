//! `plimsoll load --sweep`: the same scenario under one setting after the other, and the advice that follows.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::bail;
use loadgen::advice::Measurements;
use loadgen::advice::scaling::decisions;
use loadgen::judging::{completions_per_second, judgements};
use loadgen::scenario::Scenario;
use loadgen::schedule::random_order;
use loadgen::slo::judge::{self, overall};
use loadgen::usage::Subject;
use loadgen::usage::allowance::{Allowance, Standing};
use query_api::go_duration::GoDuration;

use super::driving::Driving;
use crate::exit::Exit;
use crate::say::say;

/// What is set to one value after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sweep {
    /// Reconciles at once.
    Reconciles(Vec<usize>),
    /// Executions at once.
    InFlight(Vec<usize>),
    /// The time of the model to reply, in milliseconds.
    LlmLatency(Vec<u64>),
    /// What the cgroup of the system under test may use.
    Allowance(Vec<Allowance>),
}

/// One row of the table.
struct Row {
    setting: String,
    throughput: f64,
    p95: Option<Duration>,
    standing: judge::Standing,
    advice: Vec<String>,
}

impl Sweep {
    /// Runs the scenario under every value, in random order: what drifts meanwhile must not look like an effect.
    pub(super) fn run(&self, driving: &Driving, scenario: &Scenario) -> anyhow::Result<Exit> {
        let order = random_order(self.len(), scenario.seed);
        let mut rows: Vec<Option<Row>> = order.iter().map(|_| None).collect();
        for index in order {
            let (driving, scenario, setting) = self.set(index, driving, scenario);
            eprintln!("{setting} …");
            let _standing = self.stand(index, &driving)?;
            let ran = driving.run(&scenario, |_| {})?;
            let all = ran.recorder.all();
            let decisions = decisions(&Measurements::of(&scenario, &ran)).into_iter();
            rows[index] = Some(Row {
                setting,
                throughput: completions_per_second(&ran),
                p95: all.response.quantile(0.95),
                standing: overall(&judgements(&scenario, &ran)),
                advice: decisions
                    .map(|decision| format!("{} ({})", decision.solution, decision.evidence))
                    .collect(),
            });
        }
        let rows: Vec<Row> = rows.into_iter().flatten().collect();
        say(&table(&rows))?;
        let worst = rows.iter().map(|row| row.standing).max();
        Ok(match worst.unwrap_or(judge::Standing::Met) {
            judge::Standing::Invalid => Exit::GeneratorSpoiled,
            // A sweep looks for settings that miss: that some do is its answer, not its failure.
            _ => Exit::Fine,
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Reconciles(values) | Self::InFlight(values) => values.len(),
            Self::LlmLatency(values) => values.len(),
            Self::Allowance(values) => values.len(),
        }
    }

    /// Bounds the cgroup for one run, if it is that what is swept.
    fn stand(&self, index: usize, driving: &Driving) -> anyhow::Result<Option<Standing>> {
        let Self::Allowance(values) = self else {
            return Ok(None);
        };
        let Subject::Cgroup(folder) = &driving.subject else {
            bail!("no cgroup to bound; name that of the system under test with --watch-cgroup");
        };
        Ok(Some(values[index].stand(folder)?))
    }

    /// What is driven, the scenario, and the setting in words.
    fn set(
        &self,
        index: usize,
        driving: &Driving,
        scenario: &Scenario,
    ) -> (Driving, Scenario, String) {
        let (mut driving, mut scenario) = (driving.clone(), scenario.clone());
        let setting = match self {
            Self::Reconciles(values) => {
                driving.reconciles = values[index];
                format!("reconciles={}", values[index])
            }
            Self::InFlight(values) => {
                driving.in_flight = values[index];
                format!("in-flight={}", values[index])
            }
            Self::LlmLatency(values) => {
                scenario.llm.latency = [GoDuration::from_millis(values[index]); 2];
                format!("llm-latency-ms={}", values[index])
            }
            Self::Allowance(values) => match values[index] {
                Allowance::MilliCpus(millis) => format!("cpus={}", f64::from(millis) / 1e3),
                Allowance::MemoryMib(mib) => format!("memory-mib={mib}"),
            },
        };
        (driving, scenario, setting)
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "  {:<22} {:>13} {:>11}  {:<13} advice\n",
        "setting", "throughput", "p95", "promises"
    );
    for row in rows {
        let p95 = row.p95.map_or("-".to_owned(), |p95| {
            format!("{:.1} ms", 1e3 * p95.as_secs_f64())
        });
        let advice = match row.advice.is_empty() {
            true => "none".to_owned(),
            false => row.advice.join("; "),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "  {:<22} {:>11.2}/s {p95:>11}  {:<13} {advice}",
            row.setting,
            row.throughput,
            row.standing.words()
        );
    }
    text
}

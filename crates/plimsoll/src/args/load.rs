//! `plimsoll load`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use loadgen::usage::Subject;
use loadgen::usage::allowance::Allowance;
use query_api::dialect::Dialect;

use super::TypedDialect;
use super::duration::duration;
use super::format::TypedForms;
use super::scenario::TypedScaledScenario;
use super::workers::TypedWorkers;
use crate::cmd::load::LoadSettings;
use crate::cmd::load::driving::{Driving, System};
use crate::cmd::load::sweep::Sweep;
use crate::cmd::load::telling::Format;

/// A Query that a crashed run left behind is removed by the server after this time.
const TTL: Duration = Duration::from_secs(6 * 3600);

#[derive(Args)]
pub(super) struct TypedLoad {
    #[command(flatten)]
    scenario: TypedScaledScenario,
    /// Arrivals per second of an open scenario, instead of its own.
    #[arg(long, value_name = "PER-SECOND", value_parser = rate)]
    rate: Option<f64>,
    /// How long an open scenario goes on, instead of its own time; such as 30s.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,
    #[command(flatten)]
    driving: TypedDriving,
    /// Run once for each value and print one table: `reconciles`, `in-flight` or `llm-latency-ms`, such as
    /// `reconciles=1,5,10,20,50`; or what the cgroup of --watch-cgroup may use: `cpus=0.5,1,2`, `memory-mib=64,128`.
    #[arg(long, value_name = "SETTING=VALUES", value_parser = sweep)]
    sweep: Option<Sweep>,
    #[command(flatten)]
    workers: TypedWorkers,
    #[command(flatten)]
    forms: TypedForms<TypedFormat>,
}

/// What is driven, and how; the same for every command that makes load.
#[derive(Args)]
pub(super) struct TypedDriving {
    /// What is put under load.
    #[arg(long, value_enum, default_value = "in-process")]
    driver: TypedSystem,
    /// How long a query may take before it is given up; such as 90s.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    timeout: Duration,
    /// In process: reconciles at once.
    #[arg(long, value_name = "N", default_value_t = 10)]
    reconciles: usize,
    /// In process: executions at once.
    #[arg(long, value_name = "N", default_value_t = 128)]
    in_flight: usize,
    /// Quotas that the operations of AgentMaestro meet in process, as `plimsoll quota` prints them; none unless given.
    #[arg(long, value_name = "FILE")]
    quotas: Option<PathBuf>,
    /// In process: the form of the Query.
    #[arg(long, value_enum, default_value = "targets")]
    dialect: TypedDialect,
    /// The name of the agent to ask, instead of those of the set-up.
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Kubernetes: the kubeconfig, instead of the usual one.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Kubernetes: the context, instead of the current one.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Kubernetes: what namespaces are called, before the number of the tenant.
    #[arg(long, value_name = "NAME", default_value = "plimsoll-load")]
    namespace: String,
    /// Kubernetes: the base URL of the model, as pods reach it. Completions: that of the endpoint to ask.
    #[arg(long, value_name = "URL")]
    model_url: Option<String>,
    /// Completions: the name of the model.
    #[arg(long, value_name = "NAME", default_value = "stub")]
    model: String,
    /// Completions: ask for events, so that the first token is seen.
    #[arg(long)]
    stream: bool,
    /// Kubernetes: objects to create in each namespace, instead of `fixtures/setup/ark.yaml`.
    #[arg(long, value_name = "FILE")]
    setup: Option<PathBuf>,
    /// Kubernetes, completions: how long to wait for a first reply, and for clean-up.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    patience: Duration,
    /// Look at the memory and CPU time of this process, instead of our own.
    #[arg(long, value_name = "PID", conflicts_with = "watch_cgroup")]
    watch_pid: Option<u32>,
    /// Look at the memory and CPU time of this cgroup (version 2), instead of our own process.
    #[arg(long, value_name = "FOLDER")]
    watch_cgroup: Option<PathBuf>,
    /// Show Prometheus how far the run is, at `/metrics` of this address, such as 127.0.0.1:9464.
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// Send every operation as a span to the OpenTelemetry collector at this base URL, such as http://127.0.0.1:4318;
    /// needs a build with the feature `otlp`.
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum TypedSystem {
    /// Our own control plane, with an API stand-in and an LLM stub; needs no service.
    InProcess,
    /// A cluster with Ark, through a kubeconfig.
    Kubernetes,
    /// A model's own endpoint, without a control plane; its key is read from `OPENAI_API_KEY`.
    Completions,
    /// Nothing: measures the generator.
    Null,
}

#[derive(Clone, Copy, ValueEnum)]
enum TypedFormat {
    /// A table for a terminal.
    Text,
    /// The whole record; `fixtures/schemas/load.json` is its schema.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// One page with pictures that needs nothing beside it.
    Html,
    /// A test per promise.
    Junit,
    /// Locust's columns.
    Csv,
}

impl TypedLoad {
    pub(super) fn into_settings(self) -> LoadSettings {
        LoadSettings {
            scenario: self.scenario.into_source(),
            rate: self.rate,
            duration: self.duration,
            driving: self.driving.into_driving(),
            sweep: self.sweep,
            sharing: self.workers.into_sharing(),
            forms: self.forms.into_forms(),
        }
    }
}

impl TypedDriving {
    pub(super) fn into_driving(self) -> Driving {
        Driving {
            system: match self.driver {
                TypedSystem::InProcess => System::InProcess,
                TypedSystem::Kubernetes => System::Kubernetes,
                TypedSystem::Completions => System::Completions,
                TypedSystem::Null => System::Null,
            },
            timeout: self.timeout,
            ttl: TTL,
            drain: Duration::ZERO,
            subject: match (self.watch_pid, self.watch_cgroup) {
                (Some(pid), _) => Subject::Process(pid),
                (None, Some(folder)) => Subject::Cgroup(folder),
                (None, None) => Subject::Own,
            },
            reconciles: self.reconciles,
            in_flight: self.in_flight,
            quotas: self.quotas,
            dialect: match self.dialect {
                TypedDialect::Targets => Dialect::Targets,
                TypedDialect::Target => Dialect::Target,
            },
            agent: self.agent,
            kubeconfig: self.kubeconfig,
            context: self.context,
            namespace: self.namespace,
            model_url: self.model_url,
            model: self.model,
            stream: self.stream,
            setup: self.setup,
            patience: self.patience,
            metrics: self.metrics,
            otlp: self.otlp,
        }
    }
}

impl From<TypedFormat> for Format {
    fn from(typed: TypedFormat) -> Self {
        match typed {
            TypedFormat::Text => Self::Text,
            TypedFormat::Json => Self::Json,
            TypedFormat::Markdown => Self::Markdown,
            TypedFormat::Html => Self::Html,
            TypedFormat::Junit => Self::Junit,
            TypedFormat::Csv => Self::Csv,
        }
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("write a number per second above 0, such as 25".to_owned()),
    }
}

fn sweep(text: &str) -> Result<Sweep, String> {
    let wrong = || {
        "write it as reconciles=1,5,10, in-flight=8,32, llm-latency-ms=100,1000, cpus=0.5,1 or memory-mib=64,128"
            .to_owned()
    };
    let (setting, values) = text.split_once('=').ok_or_else(wrong)?;
    if setting == "cpus" {
        let values = values.split(',').map(milli_cpus);
        let values: Option<Vec<_>> = values.collect();
        return values.map(Sweep::Allowance).ok_or_else(wrong);
    }
    let values: Result<Vec<u32>, _> = values.split(',').map(str::parse).collect();
    let values = values.map_err(|_| wrong())?;
    if values.contains(&0) {
        return Err("each value must be at least 1".to_owned());
    }
    let sizes = || values.iter().map(|value| *value as usize).collect();
    match setting {
        "reconciles" => Ok(Sweep::Reconciles(sizes())),
        "in-flight" => Ok(Sweep::InFlight(sizes())),
        "llm-latency-ms" => {
            let values = values.iter().map(|value| u64::from(*value));
            Ok(Sweep::LlmLatency(values.collect()))
        }
        "memory-mib" => {
            let values = values.iter().map(|value| Allowance::MemoryMib(*value));
            Ok(Sweep::Allowance(values.collect()))
        }
        _ => Err(wrong()),
    }
}

/// Processors, in thousandths: the kernel takes no less than a hundredth.
fn milli_cpus(text: &str) -> Option<Allowance> {
    let cpus: f64 = text.parse().ok()?;
    let is_possible = (0.01..=1_024.0).contains(&cpus);
    is_possible.then(|| Allowance::MilliCpus((cpus * 1e3).round() as u32))
}

//! What is put under load, and how.

use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use loadgen::ceiling;
use loadgen::driver::Driver;
use loadgen::driver::completions::{Completions, CompletionsConfig};
use loadgen::driver::engine::{Engine, EngineConfig};
use loadgen::driver::in_process::{InProcess, InProcessConfig};
use loadgen::driver::kubernetes::{Kubernetes, KubernetesConfig, connect};
use loadgen::driver::null::Null;
use loadgen::report::model::Circumstances;
use loadgen::run::{Progress, Ran, RunSettings, Witness, run};
use loadgen::runtime::of_generator;
use loadgen::scenario::Scenario;
use loadgen::scenario::platform::Platform;
use loadgen::scrape::{Scrape, Server};
use loadgen::share::{AtOnce, Barrier, Worker};
use loadgen::usage::Subject;
use query_api::dialect::Dialect;
use quota::Limits;
use results::machine::Machine;
use tokio_util::sync::CancellationToken;

use super::tracing::Tracing;
use crate::scenario::ScaledSource;

/// The environment variable with the key of a model that is asked without a control plane.
const API_KEY: &str = "OPENAI_API_KEY";

/// What is put under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    InProcess,
    Kubernetes,
    Completions,
    Null,
}

/// What is driven, and how.
#[derive(Debug, Clone)]
pub(crate) struct Driving {
    /// What is put under load.
    pub(crate) system: System,
    /// How long a query may take.
    pub(crate) timeout: Duration,
    /// How long the system keeps a query that has ended.
    pub(crate) ttl: Duration,
    /// How long to wait after the last end for what then returns.
    pub(crate) drain: Duration,
    /// Whose memory and CPU time is looked at.
    pub(crate) subject: Subject,
    /// Reconciles at once, in process.
    pub(crate) reconciles: usize,
    /// Executions at once, in process.
    pub(crate) in_flight: usize,
    /// The form of the Query, in process.
    pub(crate) dialect: Dialect,
    /// The agent to ask; unset means those of the set-up.
    pub(crate) agent: Option<String>,
    /// The kubeconfig; unset means the usual one.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context; unset means the current one.
    pub(crate) context: Option<String>,
    /// What namespaces are called.
    pub(crate) namespace: String,
    /// The base URL of the model; unset leaves that of the set-up.
    pub(crate) model_url: Option<String>,
    /// The name of the model, asked without a control plane.
    pub(crate) model: String,
    /// The model is asked for events.
    pub(crate) stream: bool,
    /// The objects of a namespace; unset means the shipped ones.
    pub(crate) setup: Option<PathBuf>,
    /// How long to wait for a first reply.
    pub(crate) patience: Duration,
    /// The file with the quotas that an HTTP platform's operations meet in process; none if unset.
    pub(crate) quotas: Option<PathBuf>,
    /// Where Prometheus may ask how far the run is; nowhere if unset.
    pub(crate) metrics: Option<SocketAddr>,
    /// The base URL of a collector that is sent every operation as a span; nobody if unset.
    pub(crate) otlp: Option<String>,
}

impl Driving {
    /// Runs a scenario once. Ctrl-C breaks it off in good order.
    pub(crate) fn run(
        &self,
        scenario: &Scenario,
        report: impl FnMut(&Progress) + Send + 'static,
    ) -> anyhow::Result<Ran> {
        let run = run_name();
        let (report, _server) = self.scraped(report)?;
        self.traced(&run, scenario, |witness| {
            let settings = RunSettings {
                witness,
                ..self.settings(run.clone(), Worker::ALONE, Arc::new(AtOnce))
            };
            let (driving, scenario) = (self.clone(), scenario.clone());
            on_generator(async move {
                let ceiling = driving.ceiling(&scenario).await?;
                let mut ran = driving.follow(&scenario, settings, report).await?;
                if let Some(ceiling) = ceiling {
                    ceiling::hold_against(&mut ran, ceiling);
                }
                Ok(ran)
            })
        })
    }

    /// What the generator can under this kind of load; unset with the null driver, whose own run is that.
    pub(crate) async fn ceiling(&self, scenario: &Scenario) -> anyhow::Result<Option<f64>> {
        Ok(match self.system {
            System::Null => None,
            _ => Some(ceiling::measured(scenario).await?),
        })
    }

    /// Does it with a witness who sends spans, if a collector was named. Not to be called on a runtime.
    pub(crate) fn traced<T>(
        &self,
        run: &str,
        scenario: &Scenario,
        work: impl FnOnce(Option<Arc<dyn Witness>>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let Some(endpoint) = &self.otlp else {
            return work(None);
        };
        let tracing = Tracing::begin(endpoint, run, scenario)?;
        let done = work(Some(tracing.witness()));
        tracing.finish();
        done
    }

    /// Runs a scenario, or a share of it, on the generator's threads.
    pub(crate) async fn follow(
        &self,
        scenario: &Scenario,
        settings: RunSettings,
        report: impl FnMut(&Progress) + Send + 'static,
    ) -> anyhow::Result<Ran> {
        let driver = self.driver(scenario).await?;
        let interrupt = CancellationToken::new();
        let asked = interrupt.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                asked.cancel();
            }
        });
        Ok(run(scenario, driver, &settings, interrupt, report).await?)
    }

    /// A report that Prometheus is shown, too, as long as the server is kept. Not to be called on a runtime.
    pub(crate) fn scraped(
        &self,
        mut report: impl FnMut(&Progress) + Send + 'static,
    ) -> anyhow::Result<(impl FnMut(&Progress) + Send + 'static, Option<Server>)> {
        let scrape = Scrape::default();
        let server = self.serve_metrics(&scrape)?;
        let scraped = move |now: &Progress| {
            scrape.show(now);
            report(now);
        };
        Ok((scraped, server))
    }

    /// How a run of this name is made.
    pub(crate) fn settings(
        &self,
        run: String,
        worker: Worker,
        barrier: Arc<dyn Barrier>,
    ) -> RunSettings {
        RunSettings {
            run,
            timeout: self.timeout,
            ttl: self.ttl,
            drain: self.drain,
            subject: self.subject.clone(),
            worker,
            barrier,
            witness: None,
        }
    }

    /// What a record of this scenario says beside what was found.
    pub(crate) fn circumstances(&self, scenario: &ScaledSource) -> Circumstances {
        Circumstances {
            name: scenario.source.name.clone(),
            time_scale: scenario.time_scale,
            settings: self.named(),
            machine: Machine::here(),
        }
    }

    /// The settings of the system under test, for the record.
    pub(crate) fn named(&self) -> Vec<(String, String)> {
        let mut named = vec![("timeout_s", self.timeout.as_secs().to_string())];
        match self.system {
            System::InProcess => named.extend([
                ("reconciles", self.reconciles.to_string()),
                ("in_flight", self.in_flight.to_string()),
                ("dialect", self.dialect.to_string()),
            ]),
            System::Kubernetes => named.push(("namespace", self.namespace.clone())),
            System::Completions => named.extend([
                ("model", self.model.clone()),
                ("stream", self.stream.to_string()),
            ]),
            System::Null => {}
        }
        named.extend(self.agent.clone().map(|agent| ("agent", agent)));
        let named = named.into_iter();
        named
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn serve_metrics(&self, scrape: &Scrape) -> anyhow::Result<Option<Server>> {
        let Some(address) = self.metrics else {
            return Ok(None);
        };
        let server = Server::listen(address, scrape.clone());
        let server = server.with_context(|| format!("cannot listen on {address} for metrics"))?;
        eprintln!("metrics at http://{}/metrics", server.address());
        Ok(Some(server))
    }

    async fn driver(&self, scenario: &Scenario) -> anyhow::Result<Arc<dyn Driver>> {
        let is_of_platform = scenario.platform != Platform::Ark;
        Ok(match self.system {
            System::Null => Arc::new(Null::default()),
            System::InProcess if is_of_platform => {
                let config = EngineConfig::of(scenario, self.in_flight, self.limits()?);
                Arc::new(Engine::new(config)?)
            }
            System::Kubernetes | System::Completions if is_of_platform => bail!(
                "no driver speaks to a real {} yet; leave out --driver to run its operations in process",
                scenario.platform.name()
            ),
            System::InProcess => Arc::new(InProcess::new(InProcessConfig {
                dialect: self.dialect,
                reconciles: self.reconciles,
                in_flight: self.in_flight,
                agent: self.agent.clone(),
            })),
            System::Completions => Arc::new(Completions::new(self.completions()?)?),
            System::Kubernetes => {
                let client = connect(self.kubeconfig.as_deref(), self.context.clone()).await?;
                Arc::new(Kubernetes::new(client, self.kubernetes()?))
            }
        })
    }

    /// The quotas of the engine, if a file with them was given.
    fn limits(&self) -> anyhow::Result<Option<Limits>> {
        let limits = self.quotas.as_deref().map(Limits::load);
        Ok(limits.transpose()?)
    }

    fn completions(&self) -> anyhow::Result<CompletionsConfig> {
        let base_url = self.model_url.clone().context(
            "no model to ask; give its base URL, such as --model-url http://127.0.0.1:8080/v1",
        )?;
        Ok(CompletionsConfig {
            base_url,
            model: self.model.clone(),
            api_key: std::env::var(API_KEY).ok(),
            stream: self.stream,
            patience: self.patience,
        })
    }

    /// How a cluster is used.
    pub(crate) fn kubernetes(&self) -> anyhow::Result<KubernetesConfig> {
        Ok(KubernetesConfig {
            namespace: self.namespace.clone(),
            base_url: self.model_url.clone(),
            agent: self.agent.clone(),
            setup: self.setup_text()?,
            answer: None,
            patience: self.patience,
        })
    }

    /// The objects of a namespace as YAML, if others than the shipped ones were given.
    pub(crate) fn setup_text(&self) -> anyhow::Result<Option<String>> {
        let setup = self.setup.as_ref().map(|path| {
            let text = std::fs::read_to_string(path);
            text.with_context(|| format!("failed to read the set-up {}", path.display()))
        });
        setup.transpose()
    }
}

/// Does it on threads of the generator's own.
pub(crate) fn on_generator<T: Send + 'static>(
    work: impl Future<Output = anyhow::Result<T>> + Send + 'static,
) -> anyhow::Result<T> {
    let runtime = of_generator().context("failed to start the generator's threads")?;
    // On a worker, whose name begins as those of all generator threads do.
    let running = runtime.spawn(work);
    runtime.block_on(running).context("the run panicked")?
}

/// A name that no other run has: hash keys are seeded by the operating system.
fn run_name() -> String {
    format!("load-{:08x}", RandomState::new().hash_one(0) >> 32)
}

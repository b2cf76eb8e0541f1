//! The real execution: targets side by side, against models and tools over HTTP.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use query_api::query::{Query, Response, Target};
use tokio_util::sync::CancellationToken;

use crate::{
    agent::AgentConfig,
    execution::{Answer, Execute, TargetOutcome, error::TargetError, run::TargetRun},
    fan_out::{Ended, FanOut, FanOutConfig, Job, Stopped},
    llm::LlmClient,
    metrics::Metrics,
    resources::Resources,
    tool::{ToolClient, ToolConfig},
    transition::DEFAULT_TIMEOUT,
};

/// How Queries are executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionConfig {
    /// How many targets run at once.
    pub fan_out: FanOutConfig,
    /// The time of a target whose Query names none.
    pub timeout: Duration,
    /// How agents are run.
    pub agent: AgentConfig,
    /// How tools are called.
    pub tool: ToolConfig,
}

impl Default for ExecutionConfig {
    fn default() -> Self {
        Self {
            fan_out: FanOutConfig::default(),
            timeout: DEFAULT_TIMEOUT,
            agent: AgentConfig::default(),
            tool: ToolConfig::default(),
        }
    }
}

/// Executes Queries. It belongs to one runtime, as its connections do.
///
/// It records calls of models and tools and the loading of objects in the metrics. The execution as a whole is for
/// the caller to record, who alone knows when its terminal status is written.
#[derive(Debug)]
pub struct Executor {
    resources: Resources,
    llm: LlmClient,
    tools: ToolClient,
    config: ExecutionConfig,
    metrics: Metrics,
    fan_out: FanOut,
}

impl Executor {
    /// An executor; tools are called over the connections of `llm`.
    pub fn new(
        resources: Resources,
        llm: LlmClient,
        config: ExecutionConfig,
        metrics: Metrics,
    ) -> Self {
        Self {
            tools: ToolClient::new(llm.transport().clone(), config.tool.clone()),
            fan_out: FanOut::new(&config.fan_out),
            resources,
            llm,
            config,
            metrics,
        }
    }

    /// The caches it reads from.
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    pub(crate) fn llm(&self) -> &LlmClient {
        &self.llm
    }

    pub(crate) fn tools(&self) -> &ToolClient {
        &self.tools
    }

    pub(crate) fn config(&self) -> &ExecutionConfig {
        &self.config
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The time of each target of a Query.
    pub(crate) fn timeout(&self, query: &Query) -> Duration {
        let timeout = query.spec.timeout.as_ref();
        timeout.map_or(self.config.timeout, |timeout| timeout.0)
    }

    async fn run(
        &self,
        query: &Query,
        recorded: &[Option<Response>],
        cancel: &CancellationToken,
        finished: &(dyn Fn(usize, &TargetOutcome) + Send + Sync),
    ) -> Vec<TargetOutcome> {
        let namespace = query.metadata.namespace.as_deref().unwrap_or_default();
        let namespace: Arc<str> = Arc::from(namespace);
        let targets: Vec<Target> = query.spec.all_targets().cloned().collect();
        let recorded = |index: usize| recorded.get(index).and_then(Option::as_ref);
        let open: Vec<usize> = (0..targets.len())
            .filter(|index| recorded(*index).is_none())
            .collect();
        let job = Job {
            namespace: &namespace,
            n_targets: open.len(),
            deadline: Some(self.timeout(query)),
            cancel,
        };
        let start = |number: usize| {
            let index = open[number];
            let (namespace, target) = (&namespace, &targets[index]);
            async move {
                let run = TargetRun::new(self, namespace, query, index);
                run.answer(target).await
            }
        };
        let settle = |number: usize, ended: Ended<Result<Answer, TargetError>>| {
            let index = open[number];
            let outcome = outcome(targets[index].clone(), ended);
            if !matches!(outcome.result, Err(TargetError::Canceled)) {
                finished(index, &outcome);
            }
            outcome
        };
        let ran = self.fan_out.run(job, start, settle).await;
        if open.len() == targets.len() {
            return ran;
        }
        let mut ran = ran.into_iter();
        let targets = targets.into_iter().enumerate();
        targets
            .filter_map(|(index, target)| match recorded(index) {
                Some(response) => Some(TargetOutcome::from_recorded(target, response)),
                None => ran.next(),
            })
            .collect()
    }
}

impl Execute for Executor {
    fn execute<'a>(
        &'a self,
        query: &'a Query,
        recorded: &'a [Option<Response>],
        cancel: &'a CancellationToken,
        finished: &'a (dyn Fn(usize, &TargetOutcome) + Send + Sync),
    ) -> BoxFuture<'a, Vec<TargetOutcome>> {
        Box::pin(self.run(query, recorded, cancel, finished))
    }
}

fn outcome(target: Target, ended: Ended<Result<Answer, TargetError>>) -> TargetOutcome {
    let result = match ended.result {
        Ok(result) => result,
        Err(Stopped::TimedOut(after)) => Err(TargetError::Timeout { after }),
        Err(Stopped::Canceled) => Err(TargetError::Canceled),
        Err(Stopped::Panicked(message)) => Err(TargetError::Panicked { message }),
    };
    TargetOutcome {
        target,
        result,
        took: ended.took,
        recorded: false,
    }
}

//! Our own control plane on a thread of its own, so that the generator's delays are not its own.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use control_plane::controller::{Controller, ControllerConfig};
use control_plane::execution::{ExecutionConfig, Executor};
use control_plane::llm::{LlmClient, LlmConfig};
use control_plane::metrics::Metrics;
use control_plane::queue::QueueConfig;
use control_plane::resources::{Resources, ResourcesConfig};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::InProcessConfig;
use super::counted::{AtWork, Counted};
use crate::error::DriverError;

/// The thread, as the system shows it.
const THREAD: &str = "control-plane";

/// What only the inside knows; clones share it.
#[derive(Clone, Default)]
pub struct Gauges {
    pub(super) at_work: Arc<AtWork>,
    pub(super) metrics: Metrics,
}

/// A control plane that runs until it is dropped.
pub struct ControlPlane {
    shutdown: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl ControlPlane {
    /// Starts it with a client that is made on its thread: a client belongs to the runtime that made it.
    ///
    /// # Errors
    /// If there is no thread for it, or no client.
    pub async fn start<C>(
        config: InProcessConfig,
        gauges: Gauges,
        connect: C,
    ) -> Result<Self, DriverError>
    where
        C: AsyncFnOnce() -> Result<kube::Client, DriverError> + Send + 'static,
    {
        let shutdown = CancellationToken::new();
        let (ready_tx, ready_rx) = oneshot::channel();
        let stop = shutdown.clone();
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let Ok(runtime) = runtime else {
                return;
            };
            runtime.block_on(async {
                match connect().await {
                    Ok(client) => control(client, config, gauges, stop, ready_tx).await,
                    // Nobody waits for it any more if the caller is gone.
                    Err(error) => drop(ready_tx.send(Err(error))),
                }
            });
        };
        let failed = |reason: String| DriverError::Unreachable {
            system: "our own control plane".to_owned(),
            reason,
        };
        let thread = std::thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(work)
            .map_err(|error| failed(error.to_string()))?;
        let running = Self {
            shutdown,
            thread: Some(thread),
        };
        let ready = ready_rx.await;
        ready.map_err(|_| failed("it ended at its start".to_owned()))??;
        Ok(running)
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic in it was reported where it happened.
            let _ = thread.join();
        }
    }
}

/// The life of the thread.
async fn control(
    client: kube::Client,
    config: InProcessConfig,
    Gauges { at_work, metrics }: Gauges,
    shutdown: CancellationToken,
    ready_tx: oneshot::Sender<Result<(), DriverError>>,
) {
    let resources = Resources::new(client.clone(), ResourcesConfig::default(), metrics.clone());
    resources.ready().await;
    let llm = LlmClient::new(LlmConfig {
        max_in_flight: config.in_flight.max(LlmConfig::default().max_in_flight),
        ..LlmConfig::default()
    });
    let mut execution = ExecutionConfig::default();
    execution.fan_out.per_namespace = execution.fan_out.per_namespace.max(config.in_flight);
    execution.fan_out.total = execution.fan_out.total.max(config.in_flight);
    let executor = Executor::new(resources, llm, execution, metrics.clone());
    let controller_config = ControllerConfig {
        dialect: Some(config.dialect),
        queue: QueueConfig {
            max_concurrent_reconciles: config.reconciles,
            max_in_flight: config.in_flight,
            ..QueueConfig::default()
        },
        grace: Duration::ZERO,
        ..ControllerConfig::default()
    };
    let executor = Arc::new(Counted::new(executor, at_work));
    let controller = Controller::new(client, executor, controller_config, metrics);
    // Nobody waits for it any more if the driver is gone.
    let _ = ready_tx.send(Ok(()));
    if let Err(error) = controller.run(shutdown).await {
        tracing::error!(%error, "the control plane ended");
    }
}

//! The path of the suite `fan_out`: the bare fan-out on a current-thread runtime, ten times each.

use std::sync::Arc;
use std::time::Duration;

use control_plane::fan_out::{FanOut, FanOutConfig, Job};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::runtime;

const N_RUNS: usize = 10;

/// A fan-out with what it needs.
pub struct Bare {
    runtime: Runtime,
    fan_out: FanOut,
    namespace: Arc<str>,
    cancel: CancellationToken,
    n_targets: usize,
}

impl Bare {
    /// Ready to run so many targets; has run once.
    pub fn of(n_targets: usize) -> Self {
        let bare = Self {
            runtime: runtime::current_thread(),
            fan_out: FanOut::new(&FanOutConfig::default()),
            namespace: Arc::from("default"),
            cancel: CancellationToken::new(),
            n_targets,
        };
        assert_eq!(bare.runtime.block_on(bare.run()), n_targets);
        bare
    }

    /// How many targets succeeded.
    async fn run(&self) -> usize {
        let job = Job {
            namespace: &self.namespace,
            n_targets: self.n_targets,
            deadline: Some(Duration::from_secs(300)),
            cancel: &self.cancel,
        };
        let target = async |index: usize| {
            tokio::task::yield_now().await;
            index
        };
        let ended = self.fan_out.run(job, target, |_, ended| ended).await;
        ended.iter().filter(|ended| ended.result.is_ok()).count()
    }
}

/// Runs every target, each of which yields once; counts those that succeeded.
pub fn all_succeed(bare: Bare) -> (Bare, usize) {
    let n_succeeded = bare.runtime.block_on(async {
        let mut n_succeeded = 0;
        for _ in 0..N_RUNS {
            n_succeeded += bare.run().await;
        }
        n_succeeded
    });
    (bare, n_succeeded)
}

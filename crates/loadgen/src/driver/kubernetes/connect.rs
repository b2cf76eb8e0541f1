//! The way to a cluster.

use std::path::Path;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::error::DriverError;

/// A client of the cluster that a kubeconfig names: the given file, or the usual one; the given context, or the current.
///
/// Without any, the cluster in whose pod this process runs. Nothing is sent yet.
///
/// # Errors
/// If there is no kubeconfig, or none that can be used.
pub async fn connect(
    kubeconfig: Option<&Path>,
    context: Option<String>,
) -> Result<kube::Client, DriverError> {
    let unusable = |reason: String| DriverError::Unreachable {
        system: "a cluster".to_owned(),
        reason,
    };
    let options = KubeConfigOptions {
        context,
        ..KubeConfigOptions::default()
    };
    let is_chosen = options.context.is_some();
    let config = match kubeconfig {
        Some(path) => {
            let read = Kubeconfig::read_from(path).map_err(|error| unusable(error.to_string()))?;
            Config::from_custom_kubeconfig(read, &options).await
        }
        None => match Config::from_kubeconfig(&options).await {
            Err(error) if !is_chosen => Config::incluster().or(Err(error)),
            usual => usual,
        },
    };
    let config = config.map_err(|error| unusable(error.to_string()))?;
    kube::Client::try_from(config).map_err(|error| unusable(error.to_string()))
}

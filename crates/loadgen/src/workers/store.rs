//! Where workers in a cluster leave their parts, and the gatherer finds them: a ConfigMap each.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use k8s_openapi::ByteString;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams};
use kube::{Api, Client};

use crate::driver::kubernetes::failure::{no_reply, refused};
use crate::driver::kubernetes::{RUN_LABEL, WORKER_LABEL};
use crate::error::{DriverError, WorkersError};
use crate::workers::merge::Found;
use crate::workers::part::Part;

/// The label that says how many workers the run has.
const WORKERS_LABEL: &str = "plimsoll/workers";

/// The key of a part in its ConfigMap: JSON, deflated.
const KEY: &str = "part.json.zlib";

/// What a server lets a ConfigMap have.
const MOST_BYTES: usize = 1 << 20;

/// How long a failed request, or a part that is not there yet, is left alone.
const PAUSE: Duration = Duration::from_millis(200);

/// The parts of one run in a cluster.
#[derive(Clone)]
pub struct Store {
    client: Client,
    namespace: String,
    run: String,
    patience: Duration,
}

impl Store {
    /// The parts of this run. `patience` is how long to try, and to wait for parts that are not there.
    pub fn new(client: Client, namespace: String, run: String, patience: Duration) -> Self {
        Self {
            client,
            namespace,
            run,
            patience,
        }
    }

    /// Leaves a [packed] part, and tries again while we are patient: without it the whole run is invalid.
    ///
    /// # Errors
    /// If another part of the same worker is there, or the cluster takes none.
    pub async fn put(&self, part: &Part, packed: Vec<u8>) -> Result<(), DriverError> {
        let config_map = self.config_map(part, packed);
        let deadline = tokio::time::Instant::now() + self.patience;
        loop {
            let error = match tokio::time::timeout_at(deadline, self.try_put(&config_map)).await {
                Ok(Ok(Taken::No)) => return Ok(()),
                Ok(Ok(Taken::ByAnother)) => {
                    return Err(DriverError::Taken {
                        worker: part.of.worker.to_string(),
                        run: self.run.clone(),
                        object: format!("ConfigMap {}", self.name(part)),
                    });
                }
                Ok(Err(error @ DriverError::Forbidden { .. })) => return Err(error),
                Ok(Err(error)) => error,
                Err(_) => no_reply("create a ConfigMap", self.patience),
            };
            if tokio::time::Instant::now() + PAUSE >= deadline {
                return Err(error);
            }
            tracing::warn!(%error, "cannot hand the part over, and tries again");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The parts that there are, once all are there or patience ends.
    ///
    /// # Errors
    /// If the cluster cannot be asked.
    pub async fn find(&self) -> Result<Vec<Kept>, DriverError> {
        let deadline = tokio::time::Instant::now() + self.patience;
        loop {
            let listed = tokio::time::timeout_at(deadline, self.list()).await;
            let config_maps = listed.map_err(|_| no_reply("list ConfigMaps", self.patience))??;
            let is_late = tokio::time::Instant::now() + PAUSE >= deadline;
            if is_late || is_complete(&config_maps) {
                return Ok(config_maps.into_iter().map(Kept::new).collect());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Removes the parts and the Leases of the run, once they are merged.
    ///
    /// # Errors
    /// If the cluster cannot be asked.
    pub async fn clear(&self) -> Result<(), DriverError> {
        let delete = DeleteParams::default();
        let config_maps = self.config_maps();
        let parts = config_maps.delete_collection(&delete, &self.parts()).await;
        parts.map_err(|error| refused("delete ConfigMaps", &error))?;
        let of_run = ListParams::default().labels(&format!("{RUN_LABEL}={}", self.run));
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), &self.namespace);
        let leases = leases.delete_collection(&delete, &of_run).await;
        leases.map_err(|error| refused("delete Leases", &error))?;
        Ok(())
    }

    async fn try_put(&self, config_map: &ConfigMap) -> Result<Taken, DriverError> {
        let config_maps = self.config_maps();
        match config_maps.create(&PostParams::default(), config_map).await {
            Ok(_) => Ok(Taken::No),
            Err(kube::Error::Api(status)) if status.code == 409 => {
                let name = config_map.metadata.name.as_deref().unwrap_or_default();
                let there = config_maps.get(name).await;
                let there = there.map_err(|error| refused("read a ConfigMap", &error))?;
                // The reply to an earlier try may have been lost.
                Ok(if there.binary_data == config_map.binary_data {
                    Taken::No
                } else {
                    Taken::ByAnother
                })
            }
            Err(error) => Err(refused("create a ConfigMap", &error)),
        }
    }

    async fn list(&self) -> Result<Vec<ConfigMap>, DriverError> {
        let listed = self.config_maps().list(&self.parts()).await;
        let listed = listed.map_err(|error| refused("list ConfigMaps", &error))?;
        Ok(listed.items)
    }

    /// What selects parts: the scenario of a Job is a ConfigMap of the run, too.
    fn parts(&self) -> ListParams {
        ListParams::default().labels(&format!("{RUN_LABEL}={},{WORKERS_LABEL}", self.run))
    }

    fn config_maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn name(&self, part: &Part) -> String {
        format!("{}-part-{}", self.run, part.of.worker.number())
    }

    fn config_map(&self, part: &Part, packed: Vec<u8>) -> ConfigMap {
        let labels = [
            (RUN_LABEL, self.run.clone()),
            (WORKER_LABEL, part.of.worker.number().to_string()),
            (WORKERS_LABEL, part.of.worker.of().to_string()),
        ];
        let labels = labels.map(|(label, value)| (label.to_owned(), value));
        ConfigMap {
            metadata: ObjectMeta {
                name: Some(self.name(part)),
                labels: Some(labels.into()),
                ..ObjectMeta::default()
            },
            binary_data: Some(BTreeMap::from([(KEY.to_owned(), ByteString(packed))])),
            ..ConfigMap::default()
        }
    }
}

/// A part as the cluster keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    place: String,
    /// Unset if the ConfigMap has another key.
    packed: Option<Vec<u8>>,
}

/// Whether the place of a part is taken.
enum Taken {
    No,
    ByAnother,
}

/// A part as a ConfigMap keeps it.
///
/// # Errors
/// If it is too large for one.
pub fn packed(part: &Part) -> Result<Vec<u8>, WorkersError> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(part.json().as_bytes());
    let packed = written.and_then(|()| encoder.finish());
    let packed = packed.expect("memory takes all that is written to it");
    let bytes = packed.len() + KEY.len();
    if bytes > MOST_BYTES {
        return Err(WorkersError::TooLarge {
            worker: part.of.worker.to_string(),
            bytes,
            most: MOST_BYTES,
        });
    }
    Ok(packed)
}

/// As many parts are there as the run has workers.
fn is_complete(config_maps: &[ConfigMap]) -> bool {
    let n_workers = config_maps.first().and_then(|config_map| {
        let labels = config_map.metadata.labels.as_ref()?;
        labels.get(WORKERS_LABEL)?.parse().ok()
    });
    n_workers.is_some_and(|n_workers: usize| config_maps.len() >= n_workers)
}

impl Kept {
    fn new(config_map: ConfigMap) -> Self {
        let name = config_map.metadata.name.unwrap_or_default();
        let packed = config_map.binary_data.and_then(|mut keys| keys.remove(KEY));
        Self {
            place: format!("ConfigMap {name}"),
            packed: packed.map(|ByteString(packed)| packed),
        }
    }

    /// The part.
    ///
    /// # Errors
    /// If it is not whole, or not of this version.
    pub fn unpacked(&self) -> Result<Found, WorkersError> {
        let malformed = |reason: String| WorkersError::Malformed {
            place: self.place.clone(),
            reason,
        };
        let packed = self.packed.as_deref();
        let packed = packed.ok_or_else(|| malformed(format!("it has no key {KEY}")))?;
        let mut text = String::new();
        let read = ZlibDecoder::new(packed).read_to_string(&mut text);
        read.map_err(|error| malformed(error.to_string()))?;
        Ok(Found {
            part: Part::parse(&self.place, &text)?,
            place: self.place.clone(),
        })
    }
}

#[cfg(test)]
mod tests;

//! `plimsoll load` for several workers: one that makes its share, the one who gathers, and the manifests of a Job.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use loadgen::driver::kubernetes::{Kubernetes, connect};
use loadgen::report::model::Circumstances;
use loadgen::run::{RunSettings, Witness};
use loadgen::scenario::Scenario;
use loadgen::share::{AtOnce, Barrier, Worker};
use loadgen::usage::Subject;
use loadgen::workers::job::{JobConfig, workers_namespace};
use loadgen::workers::lease::{LeaseBarrier, LeaseConfig};
use loadgen::workers::merge::{Found, merged};
use loadgen::workers::part::{Belonging, Part, fingerprint};
use loadgen::workers::run_name;
use loadgen::workers::store::{Store, packed};

use super::driving::{Driving, System, on_generator};
use super::progress::Progress;
use super::{LoadSettings, rate_and_duration};
use crate::exit::Exit;
use crate::say::say;

/// The variable in which an Indexed Job names a pod's number.
const INDEX: &str = "JOB_COMPLETION_INDEX";

/// What is done for a run of several workers.
#[derive(Debug, Clone)]
pub(crate) struct Sharing {
    /// The part in it.
    pub(crate) role: Role,
    /// The name of the run; unset takes the one that follows from the scenario.
    pub(crate) run: Option<String>,
    /// How long a worker waits for the others.
    pub(crate) patience: Duration,
}

/// Who this process is.
#[derive(Debug, Clone)]
pub(crate) enum Role {
    /// A worker.
    Work {
        /// Its share.
        share: Share,
        /// Where it leaves its part; unset means a ConfigMap.
        part: Option<PathBuf>,
    },
    /// Who merges the parts, from these files or from ConfigMaps.
    Gather(Vec<PathBuf>),
    /// Who prints the manifests of a Job.
    Emit {
        /// How many workers it has.
        workers: usize,
        /// What its pods run.
        image: String,
    },
}

/// Whose share a worker makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// This worker's.
    Of(Worker),
    /// That of the pod of a Job of so many.
    OfJob(usize),
}

impl Sharing {
    pub(super) fn run(
        &self,
        settings: &LoadSettings,
        driving: &Driving,
        scenario: &Scenario,
    ) -> anyhow::Result<Exit> {
        match &self.role {
            Role::Work { share, part } => {
                let worker = share.worker()?;
                self.work(worker, part.as_deref(), settings, driving, scenario)
            }
            Role::Gather(files) => self.gather(files, settings, driving, scenario),
            Role::Emit { workers, image } => {
                let last = Share::at(workers - 1, *workers)?;
                last.check(scenario)?;
                let job = self.job(*workers, image, settings, driving, scenario)?;
                say(&job.yaml())?;
                Ok(Exit::Fine)
            }
        }
    }

    fn run_name(&self, scenario: &Scenario) -> String {
        self.run.clone().unwrap_or_else(|| run_name(scenario))
    }

    /// Makes a share and hands the part over. Whatever came of it is judged by the one who gathers: a worker of a Job
    /// that ends with another code takes the others with it.
    fn work(
        &self,
        worker: Worker,
        file: Option<&Path>,
        settings: &LoadSettings,
        driving: &Driving,
        scenario: &Scenario,
    ) -> anyhow::Result<Exit> {
        worker.check(scenario)?;
        match (driving.system, file) {
            (System::InProcess, _) => bail!(
                "each worker would have a control plane of its own; give a driver of a system that all share, such as \
                 --driver kubernetes"
            ),
            (System::Kubernetes, _) | (_, Some(_)) => {}
            (_, None) => bail!("there is no cluster to hand the part over to; give --part FILE"),
        }
        if driving.subject != Subject::Own {
            bail!("parts carry no memory and CPU time; leave out --watch-pid and --watch-cgroup");
        }
        if let Some(file) = file {
            remove_stale(file)?;
        }
        let of = Belonging {
            run: self.run_name(scenario),
            fingerprint: fingerprint(scenario),
            seed: scenario.seed,
            begin: None,
            worker,
        };
        let progress = Progress::new();
        let working = Working {
            driving: driving.clone(),
            scenario: scenario.clone(),
            of,
            circumstances: driving.circumstances(&settings.scenario),
            patience: self.patience,
            file: file.map(Path::to_owned),
        };
        let shown = progress.clone();
        let (report, _server) = driving.scraped(move |now| shown.show(now))?;
        let run = working.of.run.clone();
        let handed_over = driving.traced(&run, scenario, |witness| {
            on_generator(working.run(witness, report))
        });
        progress.end();
        eprintln!("{}", handed_over?);
        Ok(Exit::Fine)
    }

    /// Merges, judges and reports; what a whole run has left in a cluster is removed after that.
    fn gather(
        &self,
        files: &[PathBuf],
        settings: &LoadSettings,
        driving: &Driving,
        scenario: &Scenario,
    ) -> anyhow::Result<Exit> {
        let run = self.run_name(scenario);
        let found = match (files, driving.system) {
            ([], System::Kubernetes) => kept(driving, &run)?,
            ([], _) => bail!(
                "name the files of all workers; or give --driver kubernetes for the ConfigMaps of run {run}"
            ),
            (files, _) => read(files)?,
        };
        let gathered = merged(scenario, &run, found)?;
        let circumstances = Circumstances {
            name: settings.scenario.source.name.clone(),
            ..gathered.circumstances
        };
        let ran = gathered.ran;
        let exit = settings.forms.tell_run(scenario, &ran, circumstances)?;
        if driving.system == System::Kubernetes {
            if ran.health.lost_workers.is_empty() {
                clear(driving, run, scenario.tenants)?;
            } else {
                eprintln!(
                    "nothing of run {run} was removed, since a worker may still be at work; gather again"
                );
            }
        }
        Ok(exit)
    }

    fn job(
        &self,
        workers: usize,
        image: &str,
        settings: &LoadSettings,
        driving: &Driving,
        scenario: &Scenario,
    ) -> anyhow::Result<JobConfig> {
        let source = &settings.scenario.source;
        // All that a worker may wait for, one after the other.
        let waits = [
            scenario.plan().duration,
            driving.timeout,
            self.patience,
            driving.patience * 4,
        ];
        Ok(JobConfig {
            run: self.run_name(scenario),
            workers,
            image: image.to_owned(),
            namespace: driving.namespace.clone(),
            tenants: scenario.tenants,
            scenario: source.text()?,
            trace: source.trace_text(scenario)?,
            setup: driving.setup_text()?,
            arguments: self.arguments(settings, driving)?,
            deadline: Duration::from_secs(1 + waits.iter().sum::<Duration>().as_secs()),
        })
    }

    /// What was typed here, for the workers.
    fn arguments(&self, settings: &LoadSettings, driving: &Driving) -> anyhow::Result<Vec<String>> {
        let plain = settings.scenario.source.read()?;
        let (rate, duration) = rate_and_duration(settings, &plain)?;
        let scale = settings.scenario.time_scale;
        let scale = (scale != 1.0).then(|| scale.to_string());
        let arguments = [
            ("--timeout", Some(seconds(driving.timeout)?)),
            ("--patience", Some(seconds(driving.patience)?)),
            ("--wait-for-workers", Some(seconds(self.patience)?)),
            ("--time-scale", scale),
            ("--rate", rate.map(|rate| rate.to_string())),
            ("--duration", duration.map(seconds).transpose()?),
            ("--agent", driving.agent.clone()),
            ("--model-url", driving.model_url.clone()),
        ];
        let given = arguments
            .into_iter()
            .filter_map(|(name, value)| Some([name.to_owned(), value?]));
        Ok(given.flatten().collect())
    }
}

impl Share {
    fn worker(self) -> anyhow::Result<Worker> {
        let of = match self {
            Self::Of(worker) => return Ok(worker),
            Self::OfJob(of) => of,
        };
        let index = env::var(INDEX).with_context(|| {
            format!("{INDEX} is not set; write the worker's number, such as 0/{of}")
        })?;
        let number = index
            .parse()
            .with_context(|| format!("{INDEX} is {index:?}, which is no number"))?;
        Self::at(number, of)
    }

    fn at(number: usize, of: usize) -> anyhow::Result<Worker> {
        Worker::new(number, of)
            .with_context(|| format!("there is no worker {number} of {of}; the first one is 0"))
    }
}

/// A worker on the generator's threads.
struct Working {
    driving: Driving,
    scenario: Scenario,
    of: Belonging,
    circumstances: Circumstances,
    /// How long the other workers are waited for.
    patience: Duration,
    file: Option<PathBuf>,
}

impl Working {
    /// Makes the share and hands the part over; returns what to say of it.
    async fn run(
        self,
        witness: Option<Arc<dyn Witness>>,
        report: impl FnMut(&loadgen::run::Progress) + Send + 'static,
    ) -> anyhow::Result<String> {
        let Self { driving, of, .. } = &self;
        let lease = match driving.system {
            System::Kubernetes => Some(Arc::new(LeaseBarrier::new(LeaseConfig {
                client: connect(driving.kubeconfig.as_deref(), driving.context.clone()).await?,
                namespace: workers_namespace(&driving.namespace),
                run: of.run.clone(),
                worker: of.worker,
                patience: self.patience,
            }))),
            _ => None,
        };
        let barrier: Arc<dyn Barrier> = match &lease {
            Some(lease) => lease.clone(),
            None => Arc::new(AtOnce),
        };
        let settings = RunSettings {
            witness,
            ..driving.settings(of.run.clone(), of.worker, barrier)
        };
        // Before the others are waited for: afterwards each moment counts.
        let ceiling = driving.ceiling(&self.scenario).await?;
        let mut ran = driving.follow(&self.scenario, settings, report).await?;
        ran.health.ceiling = ceiling;
        let of = Belonging {
            begin: lease.and_then(|lease| lease.agreed()),
            ..self.of
        };
        let part = Part::new(of, self.circumstances, ran);
        let place = match &self.file {
            Some(file) => {
                results::report::write(file, &part.json())?;
                file.display().to_string()
            }
            None => {
                store(&self.driving, &part.of.run)
                    .await?
                    .put(&part, packed(&part)?)
                    .await?;
                "the cluster".to_owned()
            }
        };
        Ok(format!(
            "{} of run {} has started {} operations; its part is in {place}",
            part.of.worker, part.of.run, part.started
        ))
    }
}

/// What an earlier run left must not pass for the part of a worker that is lost.
fn remove_stale(file: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove the old part {}", file.display()))
        }
        _ => Ok(()),
    }
}

fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Found>> {
    let parts = files.iter().map(|file| {
        Ok(Found {
            place: file.display().to_string(),
            part: Part::read(file)?,
        })
    });
    parts.collect()
}

/// The parts in the cluster, once all are there or patience ends.
fn kept(driving: &Driving, run: &str) -> anyhow::Result<Vec<Found>> {
    let (driving, run) = (driving.clone(), run.to_owned());
    let kept = on_generator(async move { Ok(store(&driving, &run).await?.find().await?) })?;
    kept.iter().map(|kept| Ok(kept.unpacked()?)).collect()
}

/// Removes what the workers of a run share: nobody needs it any more.
fn clear(driving: &Driving, run: String, tenants: usize) -> anyhow::Result<()> {
    let driving = driving.clone();
    let left = on_generator(async move {
        let client = connect(driving.kubeconfig.as_deref(), driving.context.clone()).await?;
        let cluster = Kubernetes::new(client, driving.kubernetes()?);
        let left = cluster.remove_run(&run, tenants).await?;
        store(&driving, &run).await?.clear().await?;
        Ok(left)
    })?;
    if left > 0 {
        eprintln!("{left} objects of the set-up could not be removed");
    }
    Ok(())
}

async fn store(driving: &Driving, run: &str) -> anyhow::Result<Store> {
    let client = connect(driving.kubeconfig.as_deref(), driving.context.clone()).await?;
    let namespace = workers_namespace(&driving.namespace);
    Ok(Store::new(
        client,
        namespace,
        run.to_owned(),
        driving.patience,
    ))
}

/// As the command line takes it.
fn seconds(duration: Duration) -> anyhow::Result<String> {
    if duration.subsec_nanos() != 0 {
        bail!("{duration:?} is no whole number of seconds, which the workers of a Job need");
    }
    Ok(format!("{}s", duration.as_secs()))
}

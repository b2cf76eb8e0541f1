//! `plimsoll load` for several workers: `--worker`, `--gather` and `--emit-job`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use loadgen::share::Worker;
use loadgen::workers::is_run_name;

use super::duration::duration;
use crate::cmd::load::workers::{Role, Share, Sharing};

#[derive(Args)]
pub(super) struct TypedWorkers {
    /// Make the share of one of several workers: `2/4` is the third of four, `/4` the one that the variable
    /// `JOB_COMPLETION_INDEX` names.
    #[arg(long, value_name = "K/N", value_parser = share, conflicts_with_all = ["sweep", "gather", "emit_job"])]
    worker: Option<Share>,
    /// Write what a worker hands over to a file, instead of a ConfigMap of the run.
    #[arg(long, value_name = "FILE", requires = "worker")]
    part: Option<PathBuf>,
    /// Merge what all workers handed over and judge it as one run: from these files, or without any from the
    /// ConfigMaps of the run.
    #[arg(long, value_name = "FILE", num_args = 0.., conflicts_with_all = ["sweep", "emit_job"])]
    gather: Option<Vec<PathBuf>>,
    /// Print the manifests of an Indexed Job with so many workers against a cluster, and run nothing.
    #[arg(long, value_name = "N", value_parser = n_workers, conflicts_with = "sweep")]
    emit_job: Option<usize>,
    /// The image of the Job, with `plimsoll` in its path.
    #[arg(long, value_name = "IMAGE", default_value = concat!("plimsoll:", env!("CARGO_PKG_VERSION")))]
    image: String,
    /// The name of the run that workers share; unless given, one that follows from the scenario.
    #[arg(long, value_name = "NAME", value_parser = run_name)]
    run: Option<String>,
    /// How long a worker waits for the others before it begins.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    wait_for_workers: Duration,
}

impl TypedWorkers {
    /// Unset if there is a single worker, as usual.
    pub(super) fn into_sharing(self) -> Option<Sharing> {
        let role = match (self.worker, self.gather, self.emit_job) {
            (Some(share), ..) => Role::Work {
                share,
                part: self.part,
            },
            (_, Some(files), _) => Role::Gather(files),
            (.., Some(workers)) => Role::Emit {
                workers,
                image: self.image,
            },
            (None, None, None) => return None,
        };
        Some(Sharing {
            role,
            run: self.run,
            patience: self.wait_for_workers,
        })
    }
}

fn share(text: &str) -> Result<Share, String> {
    let wrong = || "write K/N with K from 0 and below N, such as 0/4; or /4 in a Job".to_owned();
    let (number, of) = text.split_once('/').ok_or_else(wrong)?;
    let of: usize = of.parse().map_err(|_| wrong())?;
    if number.is_empty() && of > 0 {
        return Ok(Share::OfJob(of));
    }
    let number = number.parse().map_err(|_| wrong())?;
    Worker::new(number, of).map(Share::Of).ok_or_else(wrong)
}

fn n_workers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(workers) if workers >= 2 => Ok(workers),
        _ => Err("write a number of at least 2; a single worker needs no Job".to_owned()),
    }
}

fn run_name(text: &str) -> Result<String, String> {
    if is_run_name(text) {
        return Ok(text.to_owned());
    }
    Err("write at most 40 lower-case letters, digits and dashes, a letter first".to_owned())
}

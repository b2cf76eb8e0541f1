//! `plimsoll ab`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::duration::duration;
use super::format::TypedFormat;
use crate::cmd::ab::AbSettings;

#[derive(Args)]
pub(super) struct TypedAb {
    /// The base: a branch, a tag or a commit.
    #[arg(value_name = "GIT-REF")]
    base: String,
    /// The candidate; the files as they are now, committed or not, unless given.
    #[arg(long, value_name = "GIT-REF")]
    candidate: Option<String>,
    /// Only these suites, with commas between them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    suites: Vec<String>,
    /// How long measuring may take, such as 90s, 5m or 1h; builds do not count.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    budget: Duration,
    /// Fresh process pairs of a case that a first look at eight does not settle; more if so many could not fail anything.
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=200))]
    rounds: u16,
    /// Measure suites that are the same program on both sides, too, to see what equal programs give here.
    #[arg(long)]
    measure_equal: bool,
    /// Draws the order of cases and sides; random unless given.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Any Cargo workspace whose suites carry the measurement; the current folder's unless given.
    #[arg(long, value_name = "FOLDER")]
    workspace: Option<PathBuf>,
    /// Cargo features for both sides, with commas between them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    features: Vec<String>,
    /// Where to store all samples; in the target directory unless given.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    format: TypedFormat,
}

impl TypedAb {
    pub(super) fn into_settings(self) -> AbSettings {
        AbSettings {
            base: self.base,
            candidate: self.candidate,
            suites: (!self.suites.is_empty()).then_some(self.suites),
            budget: self.budget,
            n_rounds: usize::from(self.rounds),
            measures_equal_programs: self.measure_equal,
            seed: self.seed,
            workspace: self.workspace,
            features: self.features,
            output: self.output,
            format: self.format.format(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::args::{Command, tests::command};

    #[test]
    fn pair_mode_measures_the_working_tree_for_five_minutes_unless_told() {
        let Command::Ab(settings) = command("ab main --suites codec,quota") else {
            panic!("another command");
        };
        assert_eq!((&*settings.base, settings.candidate), ("main", None));
        assert_eq!(settings.suites.expect("given"), ["codec", "quota"]);
        assert_eq!(settings.budget, Duration::from_secs(300));
        assert_eq!(settings.n_rounds, 15);
        assert!(!settings.measures_equal_programs);

        let Command::Ab(settings) =
            command("ab v1 --candidate v2 --budget 90s --seed 7 --measure-equal")
        else {
            panic!("another command");
        };
        assert_eq!(settings.candidate.expect("given"), "v2");
        assert!(settings.measures_equal_programs);
        assert_eq!(
            (settings.budget, settings.seed),
            (Duration::from_secs(90), Some(7))
        );
    }
}

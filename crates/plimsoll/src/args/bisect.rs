//! `plimsoll bisect`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::duration::duration;
use crate::cmd::bisect::BisectSettings;

#[derive(Args)]
pub(super) struct TypedBisect {
    /// The whole id of the case that became slower.
    case: String,
    /// A commit in which it was not: a branch, a tag or a commit.
    #[arg(value_name = "GOOD")]
    good: String,
    /// A later commit in which it is.
    #[arg(value_name = "BAD")]
    bad: String,
    /// How long measuring one commit may take, such as 90s, 5m or 1h; builds do not count.
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    budget: Duration,
    /// Fresh process pairs per commit at first; more where they do not decide.
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=200))]
    rounds: u16,
    /// Forget what an interrupted search has learnt.
    #[arg(long)]
    fresh: bool,
    /// Any Cargo workspace whose suites carry the measurement; the current folder's unless given.
    #[arg(long, value_name = "FOLDER")]
    workspace: Option<PathBuf>,
    /// Cargo features for all commits, with commas between them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    features: Vec<String>,
}

impl TypedBisect {
    pub(super) fn into_settings(self) -> BisectSettings {
        BisectSettings {
            case: self.case,
            good: self.good,
            bad: self.bad,
            budget: self.budget,
            n_rounds: usize::from(self.rounds),
            is_fresh: self.fresh,
            workspace: self.workspace,
            features: self.features,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::args::{Command, tests::command};

    #[test]
    fn a_search_takes_two_minutes_per_commit_and_goes_on_unless_told() {
        let Command::Bisect(settings) = command("bisect codec/encode/10kb v1 main") else {
            panic!("another command");
        };
        assert_eq!((&*settings.good, &*settings.bad), ("v1", "main"));
        assert_eq!(settings.budget, Duration::from_secs(120));
        assert!(!settings.is_fresh);
    }
}

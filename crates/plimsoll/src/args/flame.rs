//! `plimsoll flame`.

use std::path::PathBuf;

use clap::Args;

use crate::cmd::flame::FlameSettings;
use crate::cmd::flame::difference::DifferenceSettings;

#[derive(Args)]
pub(super) struct TypedFlame {
    /// The whole id, such as `lifecycle/create_to_done/10_at_once`.
    case: String,
    /// How long to run it under the profiler; with `--diff`, on each side.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Profile this commit, too, in turns, and say what changed between the two.
    #[arg(long, value_name = "GIT-REF")]
    diff: Option<String>,
    /// With `--diff`: the other commit; the files as they are now, committed or not, unless given.
    #[arg(long, value_name = "GIT-REF", requires = "diff")]
    candidate: Option<String>,
    /// With `--diff`: any Cargo workspace whose suites have a profiler; the current folder's unless given.
    #[arg(long, value_name = "FOLDER", requires = "diff")]
    workspace: Option<PathBuf>,
    /// With `--diff`: Cargo features for both sides, with commas between them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "diff")]
    features: Vec<String>,
}

impl TypedFlame {
    pub(super) fn into_settings(self) -> FlameSettings {
        let Self {
            candidate,
            workspace,
            features,
            ..
        } = self;
        FlameSettings {
            case: self.case,
            seconds: self.seconds,
            difference: self.diff.map(|base| DifferenceSettings {
                base,
                candidate,
                workspace,
                features,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::args::{Command, tests::command};

    #[test]
    fn a_difference_is_to_the_working_tree_unless_told() {
        let Command::Flame(settings) = command("flame codec/encode --diff main") else {
            panic!("another command");
        };
        let difference = settings.difference.expect("asked for");
        assert_eq!((&*difference.base, difference.candidate), ("main", None));
        let Command::Flame(settings) = command("flame codec/encode") else {
            panic!("another command");
        };
        assert!(settings.difference.is_none());
    }
}

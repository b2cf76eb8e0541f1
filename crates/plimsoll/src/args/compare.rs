//! `plimsoll compare`.

use std::path::PathBuf;

use clap::Args;

use super::format::TypedTelling;
use crate::cmd::compare::CompareSettings;

#[derive(Args)]
pub(super) struct TypedCompare {
    #[command(flatten)]
    telling: TypedTelling,
    /// Any Cargo workspace whose suites use Criterion 0.8; the current folder's unless given.
    #[arg(long, value_name = "FOLDER")]
    workspace: Option<PathBuf>,
    /// The folder of all baselines; `benches/` with its tables is looked for beside it.
    #[arg(long, value_name = "FOLDER")]
    baseline: Option<PathBuf>,
    /// Criterion's results. Given several times: the same suites from several fresh processes.
    #[arg(long, value_name = "FOLDER")]
    criterion: Vec<PathBuf>,
    /// The results of the instruction counts.
    #[arg(long, value_name = "FOLDER")]
    iai: Option<PathBuf>,
    /// Compare instruction counts instead of wall times.
    #[arg(long)]
    instructions: bool,
    /// Only this suite; may be given several times or with commas.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    suite: Vec<String>,
}

impl TypedCompare {
    pub(super) fn into_settings(self) -> CompareSettings {
        CompareSettings {
            telling: self.telling.into_telling(),
            workspace: self.workspace,
            baselines: self.baseline,
            criterion: self.criterion,
            iai: self.iai,
            instructions: self.instructions,
            suites: (!self.suite.is_empty()).then_some(self.suite),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::args::{Command, tests::command};

    #[test]
    fn suites_may_be_given_with_commas_or_one_by_one() {
        for line in [
            "compare --suite codec,quota",
            "compare --suite codec --suite quota",
        ] {
            let Command::Compare(settings) = command(line) else {
                panic!("another command");
            };
            assert_eq!(settings.suites.expect("given"), ["codec", "quota"]);
        }
    }
}

//! `plimsoll selfcheck`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::duration::duration;
use super::format::TypedTableFormat;
use crate::cmd::selfcheck::SelfcheckSettings;

/// Micro cases of the paths that can be made slower, and one that never is.
const CASES: [&str; 6] = [
    "codec/decode/10kb",
    "codec/encode/10kb",
    "queue/hand_out/1k_waiting",
    "quota/caps_acquire_release/1_workspace",
    "quota/name_allow/1k_workspaces",
    "transition/executed/1_target",
];

#[derive(Args)]
pub(super) struct TypedSelfcheck {
    /// The commit to check the tool with.
    #[arg(value_name = "GIT-REF", default_value = "HEAD")]
    commit: String,
    /// Runs of the program against a copy of itself; what was measured before counts.
    #[arg(long, value_name = "N", default_value_t = 20)]
    runs: usize,
    /// Slowdowns to look for in percent, with commas between them; 0.5 is as small as they come, and none is "".
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', default_value = "1,2,5,10", value_parser = per_mille)]
    sizes: Vec<Option<u32>>,
    /// Runs for each size, one path after the other.
    #[arg(long, value_name = "N", default_value_t = 20)]
    slower_runs: usize,
    /// Runs of the program against the same code linked in another order.
    #[arg(long, value_name = "N", default_value_t = 0)]
    layouts: usize,
    /// Runs of the instruction counts, alike and with each size; needs what scripts/setup-instructions installs.
    #[arg(long, value_name = "N", default_value_t = 0)]
    counts: usize,
    /// Only these suites, with commas between them; those of the cases unless given.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    suites: Vec<String>,
    /// Patterns of cases, with commas between them and a star for anything; a few micro cases unless given.
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    cases: Vec<String>,
    /// How long the rounds of one run may take, such as 60s or 5m. What is too short for the noise of a machine leaves
    /// its cases open, and then nothing is accused because nothing can be.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    budget: Duration,
    /// Fresh process pairs per case at first.
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=200))]
    rounds: u16,
    /// Keep the other core busy meanwhile.
    #[arg(long)]
    busy_neighbour: bool,
    /// Any Cargo workspace whose suites carry the measurement; the current folder's unless given.
    #[arg(long, value_name = "FOLDER")]
    workspace: Option<PathBuf>,
    /// Measure nothing, and show what was measured before.
    #[arg(long)]
    show: bool,
    /// Keep the table in `baselines/selfcheck`.
    #[arg(long)]
    store: bool,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    format: TypedTableFormat,
}

impl TypedSelfcheck {
    pub(super) fn into_settings(self) -> SelfcheckSettings {
        let usual = || CASES.map(str::to_owned).to_vec();
        SelfcheckSettings {
            commit: self.commit,
            n_same: self.runs,
            per_mille: self.sizes.into_iter().flatten().collect(),
            n_slower: self.slower_runs,
            n_layouts: self.layouts,
            n_counts: self.counts,
            suites: self.suites,
            cases: if self.cases.is_empty() {
                usual()
            } else {
                self.cases
            },
            budget: self.budget,
            n_rounds: usize::from(self.rounds),
            is_beside_busy: self.busy_neighbour,
            workspace: self.workspace,
            is_shown_only: self.show,
            is_stored: self.store,
            format: self.format.format(),
        }
    }
}

/// Percent as thousandths; nothing is no size.
fn per_mille(text: &str) -> Result<Option<u32>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let percent: f64 = text
        .parse()
        .map_err(|_| "write a percentage, such as 2 or 0.5".to_owned())?;
    let per_mille = percent * 10.0;
    if !(1.0..=500.0).contains(&per_mille) || (per_mille - per_mille.round()).abs() > 1e-9 {
        return Err("a slowdown is a multiple of 0.1 %, up to 50 %".to_owned());
    }
    Ok(Some(per_mille.round() as u32))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::args::{Command, tests::command};

    #[test]
    fn a_check_takes_a_few_cases_and_all_promised_sizes_unless_told() {
        let Command::Selfcheck(settings) = command("selfcheck") else {
            panic!("another command");
        };
        assert_eq!((&*settings.commit, settings.cases.len()), ("HEAD", 6));
        assert_eq!(settings.per_mille, [10, 20, 50, 100]);
        assert_eq!(settings.budget, Duration::from_secs(60));

        let Command::Selfcheck(settings) =
            command("selfcheck v1 --sizes 0.5 --cases codec/* --show")
        else {
            panic!("another command");
        };
        assert_eq!((&*settings.commit, settings.per_mille), ("v1", vec![5]));
        assert_eq!(
            (settings.cases, settings.is_shown_only),
            (vec!["codec/*".to_owned()], true)
        );
    }

    #[test]
    fn no_size_is_a_size() {
        let Command::Selfcheck(settings) = command("selfcheck --sizes=") else {
            panic!("another command");
        };
        assert_eq!(settings.per_mille, [0_u32; 0]);
    }
}

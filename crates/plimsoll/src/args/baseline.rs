//! `plimsoll baseline`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use results::accept::Metric;

use super::Command;
use crate::cmd::baseline::accept::AcceptSettings;
use crate::cmd::baseline::{RecordSettings, What};

#[derive(Subcommand)]
pub(super) enum TypedBaseline {
    /// Run suites in several fresh processes and store what they cost.
    Record(TypedRecord),
    /// Accept that a case is slower, up to an effect and until a day.
    Accept(TypedAccept),
    /// List the stored baselines.
    List {
        /// The folder of all baselines.
        #[arg(long, value_name = "FOLDER")]
        baseline: Option<PathBuf>,
    },
}

#[derive(Args)]
pub(super) struct TypedRecord {
    /// Only these suites, with commas between them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    suites: Vec<String>,
    /// Fresh processes per suite: 5 for wall times, 2 for counts unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    processes: Option<u16>,
    /// Record instruction counts instead of wall times.
    #[arg(long)]
    instructions: bool,
    /// Record what paths allocate instead of wall times.
    #[arg(long, conflicts_with = "instructions")]
    allocations: bool,
    /// Links of the same code in another order, from which the band of the instruction counts is learned.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "instructions",
          value_parser = clap::value_parser!(u8).range(1..=20))]
    relinks: u8,
    /// Any Cargo workspace whose suites use Criterion 0.8; the current folder's unless given.
    #[arg(long, value_name = "FOLDER")]
    workspace: Option<PathBuf>,
    /// The folder of all baselines.
    #[arg(long, value_name = "FOLDER")]
    baseline: Option<PathBuf>,
    /// Why, for the line in CHANGES.md; without it the line is yours to write.
    #[arg(long, value_name = "WORDS")]
    because: Option<String>,
}

#[derive(Args)]
pub(super) struct TypedAccept {
    /// The whole id, such as `quota/allow/1k_workspaces`.
    case: String,
    /// How much slower it may be, such as 4%.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    allow: f64,
    /// Why, in words that the next reader understands.
    #[arg(long, value_name = "WORDS")]
    because: String,
    /// The last day on which it counts.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    until: Date,
    /// By which metric.
    #[arg(long, value_enum, default_value = "time")]
    metric: TypedMetric,
    /// The folder of all baselines.
    #[arg(long, value_name = "FOLDER")]
    baseline: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum TypedMetric {
    /// Wall time, by whichever way it was measured.
    Time,
    /// Instruction counts.
    Instructions,
    /// What a path allocates.
    Allocations,
}

/// A share, from a percentage with its sign: a bare number might be meant as a share.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').map(str::trim_end);
    let number = number.ok_or("write a percentage with its sign, such as 4%")?;
    let percent: f64 = number
        .parse()
        .map_err(|_| format!("{number:?} is no number"))?;
    if percent > 0.0 && percent <= 100.0 {
        Ok(percent / 100.0)
    } else {
        Err("allow more than 0 % and at most 100 %".to_owned())
    }
}

fn day(text: &str) -> Result<Date, String> {
    let day = text.parse();
    day.map_err(|_| "write a day of the calendar, such as 2027-01-31".to_owned())
}

impl TypedBaseline {
    pub(super) fn into_command(self) -> Command {
        match self {
            Self::Record(typed) => Command::BaselineRecord(typed.into_settings()),
            Self::Accept(typed) => Command::BaselineAccept(typed.into_settings()),
            Self::List { baseline } => Command::BaselineList {
                baselines: baseline,
            },
        }
    }
}

impl TypedRecord {
    fn into_settings(self) -> RecordSettings {
        let (what, usual) = match (self.instructions, self.allocations) {
            (true, _) => (What::Instructions, 2),
            (_, true) => (What::Allocations, 2),
            _ => (What::Times, 5),
        };
        RecordSettings {
            suites: (!self.suites.is_empty()).then_some(self.suites),
            n_processes: usize::from(self.processes.unwrap_or(usual)),
            what,
            n_relinks: usize::from(self.relinks),
            workspace: self.workspace,
            baselines: self.baseline,
            because: self.because,
        }
    }
}

impl TypedAccept {
    fn into_settings(self) -> AcceptSettings {
        AcceptSettings {
            case: self.case,
            metric: match self.metric {
                TypedMetric::Time => Metric::Time,
                TypedMetric::Instructions => Metric::Instructions,
                TypedMetric::Allocations => Metric::Allocations,
            },
            share: self.allow,
            because: self.because,
            until: self.until,
            baselines: self.baseline,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{day, percent};
    use crate::args::{Command, tests::command};
    use crate::cmd::baseline::What;

    #[test]
    fn a_percentage_has_its_sign_and_is_no_more_than_double() {
        for (text, share) in [("4%", 0.04), ("0.5 %", 0.005), ("100%", 1.0)] {
            assert_eq!(percent(text), Ok(share));
        }
        for text in [
            "4", "0.04", "%", "four%", "0%", "-4%", "101%", "nan%", "inf%",
        ] {
            assert!(percent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_is_one_of_the_calendar() {
        assert!(day("2027-01-31").is_ok());
        for text in ["2027-02-31", "31.01.2027", "soon", ""] {
            assert!(day(text).is_err(), "{text}");
        }
    }

    #[test]
    fn counts_take_fewer_processes_than_times_unless_told() {
        for (line, what, expected) in [
            ("baseline record", What::Times, 5),
            ("baseline record --instructions", What::Instructions, 2),
            (
                "baseline record --instructions --processes 3",
                What::Instructions,
                3,
            ),
            ("baseline record --allocations", What::Allocations, 2),
        ] {
            let Command::BaselineRecord(settings) = command(line) else {
                panic!("another command");
            };
            assert_eq!(
                (settings.what, settings.n_processes),
                (what, expected),
                "{line}"
            );
        }
    }
}

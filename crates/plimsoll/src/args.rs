//! What was typed, and what the code uses; the rest never sees the parser.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use query_api::dialect::Dialect;

use crate::cmd::ab::AbSettings;
use crate::cmd::baseline::RecordSettings;
use crate::cmd::compare::{CompareSettings, Format};
use crate::cmd::explain::ExplainSettings;
use crate::cmd::flame::FlameSettings;

/// A command with all its settings.
#[derive(Debug)]
pub(crate) enum Command {
    Ab(AbSettings),
    Crd(Dialect),
    Compare(CompareSettings),
    BaselineRecord(RecordSettings),
    BaselineList { baselines: Option<PathBuf> },
    Flame(FlameSettings),
    Explain(ExplainSettings),
}

/// Parses the command line; usage errors end the process with code 2, as bad input does.
pub(crate) fn parse() -> Command {
    Typed::parse().into_command()
}

/// Says whether the last change made an agent control plane slower.
#[derive(Parser)]
#[command(
    name = "plimsoll",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(
    after_help = "Exit codes: 0 fine; 1 regressed or promise missed; 2 wrong usage or input; 3 could not tell;\n\
    4 the generator spoiled the run; 5 the system under test was out of reach."
)]
struct Typed {
    #[command(subcommand)]
    command: TypedCommand,
}

#[derive(Subcommand)]
enum TypedCommand {
    /// Measure a commit against another, in turns on one core: a verdict without a baseline, on any machine.
    Ab(TypedAb),
    /// Print the resource definitions as YAML.
    Crd {
        /// The form of the Query.
        #[arg(long, value_enum, default_value = "targets")]
        dialect: TypedDialect,
    },
    /// Hold the last `cargo bench` against the stored baselines.
    Compare(TypedCompare),
    /// Record and list baselines.
    #[command(subcommand)]
    Baseline(TypedBaseline),
    /// Profile one case and print the path of its flamegraph.
    Flame(TypedFlame),
    /// Print what a load scenario comes down to, before anything runs.
    Explain(TypedExplain),
}

#[derive(Clone, Copy, ValueEnum)]
enum TypedDialect {
    /// `spec.targets`: many targets (2025).
    Targets,
    /// `spec.target`: one target (2026).
    Target,
}

#[derive(Args)]
struct TypedAb {
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
    /// Fresh process pairs per case at first; more if so many could not fail anything.
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=200))]
    rounds: u16,
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

#[derive(Args)]
struct TypedCompare {
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    format: TypedFormat,
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

#[derive(Clone, Copy, ValueEnum)]
enum TypedFormat {
    Text,
    Json,
    Markdown,
}

#[derive(Subcommand)]
enum TypedBaseline {
    /// Run suites in several fresh processes and store what they cost.
    Record(TypedRecord),
    /// List the stored baselines.
    List {
        /// The folder of all baselines.
        #[arg(long, value_name = "FOLDER")]
        baseline: Option<PathBuf>,
    },
}

#[derive(Args)]
struct TypedRecord {
    /// Only these suites, with commas between them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    suites: Vec<String>,
    /// Fresh processes per suite: 5 for wall times, 2 for counts unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    processes: Option<u16>,
    /// Record instruction counts instead of wall times.
    #[arg(long)]
    instructions: bool,
    /// The folder of all baselines.
    #[arg(long, value_name = "FOLDER")]
    baseline: Option<PathBuf>,
}

#[derive(Args)]
struct TypedFlame {
    /// The whole id, such as `lifecycle/create_to_done/10_at_once`.
    case: String,
    /// How long to run it under the profiler.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
}

#[derive(Args)]
struct TypedExplain {
    /// The name of a shipped scenario, such as `ark-concurrent`, or the path of a .toml file.
    scenario: String,
    /// The folder of the shipped scenarios.
    #[arg(long, value_name = "FOLDER")]
    scenarios: Option<PathBuf>,
}

impl Typed {
    fn into_command(self) -> Command {
        match self.command {
            TypedCommand::Ab(typed) => Command::Ab(typed.into_settings()),
            TypedCommand::Crd { dialect } => Command::Crd(match dialect {
                TypedDialect::Targets => Dialect::Targets,
                TypedDialect::Target => Dialect::Target,
            }),
            TypedCommand::Compare(typed) => Command::Compare(typed.into_settings()),
            TypedCommand::Baseline(TypedBaseline::Record(typed)) => {
                Command::BaselineRecord(typed.into_settings())
            }
            TypedCommand::Baseline(TypedBaseline::List { baseline }) => Command::BaselineList {
                baselines: baseline,
            },
            TypedCommand::Flame(typed) => Command::Flame(FlameSettings {
                case: typed.case,
                seconds: typed.seconds,
            }),
            TypedCommand::Explain(typed) => Command::Explain(ExplainSettings {
                scenario: typed.scenario,
                folder: typed.scenarios,
            }),
        }
    }
}

impl TypedFormat {
    fn format(self) -> Format {
        match self {
            Self::Text => Format::Text,
            Self::Json => Format::Json,
            Self::Markdown => Format::Markdown,
        }
    }
}

impl TypedAb {
    fn into_settings(self) -> AbSettings {
        AbSettings {
            base: self.base,
            candidate: self.candidate,
            suites: (!self.suites.is_empty()).then_some(self.suites),
            budget: self.budget,
            n_rounds: usize::from(self.rounds),
            seed: self.seed,
            workspace: self.workspace,
            features: self.features,
            output: self.output,
            format: self.format.format(),
        }
    }
}

impl TypedCompare {
    fn into_settings(self) -> CompareSettings {
        CompareSettings {
            format: self.format.format(),
            baselines: self.baseline,
            criterion: self.criterion,
            iai: self.iai,
            instructions: self.instructions,
            suites: (!self.suite.is_empty()).then_some(self.suite),
        }
    }
}

impl TypedRecord {
    fn into_settings(self) -> RecordSettings {
        let usual = if self.instructions { 2 } else { 5 };
        RecordSettings {
            suites: (!self.suites.is_empty()).then_some(self.suites),
            n_processes: usize::from(self.processes.unwrap_or(usual)),
            instructions: self.instructions,
            baselines: self.baseline,
        }
    }
}

/// A whole number with its unit: `90s`, `5m`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(n_digits);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err("write a whole number and s, m or h, such as 5m".to_owned()),
    };
    let number: u32 = number
        .parse()
        .map_err(|_| "the number is missing or too large".to_owned())?;
    if number == 0 {
        return Err("no time is no measurement".to_owned());
    }
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Command, Typed, duration};
    use clap::{CommandFactory as _, Parser as _};

    fn command(line: &str) -> Command {
        let words = std::iter::once("plimsoll").chain(line.split_whitespace());
        Typed::try_parse_from(words)
            .expect("right usage")
            .into_command()
    }

    #[test]
    fn the_definition_has_no_contradictions() {
        Typed::command().debug_assert();
    }

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

    #[test]
    fn pair_mode_measures_the_working_tree_for_five_minutes_unless_told() {
        let Command::Ab(settings) = command("ab main --suites codec,quota") else {
            panic!("another command");
        };
        assert_eq!((&*settings.base, settings.candidate), ("main", None));
        assert_eq!(settings.suites.expect("given"), ["codec", "quota"]);
        assert_eq!(settings.budget, Duration::from_secs(300));
        assert_eq!(settings.n_rounds, 15);

        let Command::Ab(settings) = command("ab v1 --candidate v2 --budget 90s --seed 7") else {
            panic!("another command");
        };
        assert_eq!(settings.candidate.expect("given"), "v2");
        assert_eq!(
            (settings.budget, settings.seed),
            (Duration::from_secs(90), Some(7))
        );
    }

    #[test]
    fn a_time_is_a_whole_number_with_a_unit() {
        for (text, expected) in [
            ("90s", Some(90)),
            ("5m", Some(300)),
            ("2h", Some(7_200)),
            ("5", None),
            ("m", None),
            ("0m", None),
            ("1.5m", None),
            ("99999999999s", None),
        ] {
            assert_eq!(
                duration(text).ok(),
                expected.map(Duration::from_secs),
                "{text}"
            );
        }
    }

    #[test]
    fn counts_take_fewer_processes_than_times_unless_told() {
        for (line, expected) in [
            ("baseline record", 5),
            ("baseline record --instructions", 2),
            ("baseline record --instructions --processes 3", 3),
        ] {
            let Command::BaselineRecord(settings) = command(line) else {
                panic!("another command");
            };
            assert_eq!(settings.n_processes, expected, "{line}");
        }
    }

    #[test]
    fn wrong_usage_is_refused() {
        for line in [
            "",
            "compare --format xml",
            "flame",
            "ab",
            "ab main --budget soon",
            "ab main --rounds 0",
            "baseline record --processes 0",
            "drift",
        ] {
            let words = std::iter::once("plimsoll").chain(line.split_whitespace());
            assert!(Typed::try_parse_from(words).is_err(), "{line:?}");
        }
    }
}

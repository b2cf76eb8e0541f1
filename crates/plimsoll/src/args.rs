//! What was typed, and what the code uses; the rest never sees the parser.

mod ab;
mod archive;
mod baseline;
mod bisect;
mod capacity;
mod compare;
mod duration;
mod flame;
mod format;
mod history;
mod load;
mod power;
mod report;
mod scenario;
mod selfcheck;
mod soak;
mod stub;
mod workers;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use query_api::dialect::Dialect;

use self::ab::TypedAb;
use self::archive::TypedArchive;
use self::baseline::TypedBaseline;
use self::bisect::TypedBisect;
use self::capacity::{TypedCapacity, TypedQuota};
use self::compare::TypedCompare;
use self::flame::TypedFlame;
use self::history::TypedHistory;
use self::load::TypedLoad;
use self::power::TypedPower;
use self::report::TypedReport;
use self::scenario::TypedScenario;
use self::selfcheck::TypedSelfcheck;
use self::soak::TypedSoak;
use self::stub::TypedStub;
use crate::cmd::ab::AbSettings;
use crate::cmd::archive::{ArchiveSettings, RestoreSettings, RowsSettings};
use crate::cmd::baseline::RecordSettings;
use crate::cmd::baseline::accept::AcceptSettings;
use crate::cmd::bisect::BisectSettings;
use crate::cmd::capacity::CapacitySettings;
use crate::cmd::compare::CompareSettings;
use crate::cmd::explain::ExplainSettings;
use crate::cmd::flame::FlameSettings;
use crate::cmd::history::{RecordNightSettings, ShowSettings};
use crate::cmd::load::LoadSettings;
use crate::cmd::power::PowerSettings;
use crate::cmd::quota::QuotaSettings;
use crate::cmd::report::ReportSettings;
use crate::cmd::selfcheck::SelfcheckSettings;
use crate::cmd::soak::SoakSettings;
use crate::cmd::stub::StubSettings;

/// A command with all its settings.
#[derive(Debug)]
pub(crate) enum Command {
    Ab(AbSettings),
    Archive(ArchiveSettings),
    ArchiveList(RowsSettings),
    ArchiveRestore(RestoreSettings),
    Bisect(BisectSettings),
    BaselineAccept(AcceptSettings),
    Crd(Dialect),
    Compare(CompareSettings),
    BaselineRecord(RecordSettings),
    BaselineList { baselines: Option<PathBuf> },
    Flame(FlameSettings),
    Report(ReportSettings),
    History(ShowSettings),
    HistoryRecord(RecordNightSettings),
    Capacity(CapacitySettings),
    Quota(QuotaSettings),
    Soak(SoakSettings),
    Explain(ExplainSettings),
    Load(Box<LoadSettings>),
    Selfcheck(SelfcheckSettings),
    Power(PowerSettings),
    Stub(StubSettings),
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
    /// Put runs that ended long ago into archives, list these, and restore from them.
    Archive(TypedArchive),
    /// Find the commit that made a case slower, with pair mode at every step.
    Bisect(TypedBisect),
    /// Print the resource definitions as YAML.
    Crd {
        /// The form of the Query.
        #[arg(long, value_enum, default_value = "targets")]
        dialect: TypedDialect,
    },
    /// Hold the last `cargo bench` against the stored baselines.
    Compare(TypedCompare),
    /// Record and list baselines, and accept slowdowns.
    #[command(subcommand)]
    Baseline(TypedBaseline),
    /// Profile one case and print the path of its flamegraph; with `--diff`, what changed since a commit.
    Flame(TypedFlame),
    /// Say again what `ab`, `compare`, `load`, `capacity` or `soak` found, in any of its forms, without measuring.
    Report(TypedReport),
    /// Say what many nights show that no single one does: steps and drifts, or the plot of one case.
    History(TypedHistory),
    /// Find the highest load that keeps a scenario's promises, as a bracket.
    Capacity(TypedCapacity),
    /// Print the quotas that follow from a capacity, as TOML.
    Quota(TypedQuota),
    /// Run a scenario for long and say whether anything grows.
    Soak(TypedSoak),
    /// Print what a load scenario comes down to, before anything runs.
    Explain(TypedScenario),
    /// Run a load scenario and judge its promises.
    Load(Box<TypedLoad>),
    /// Check the tool itself: how often it is wrong about equal programs, and which slowdowns it finds.
    Selfcheck(TypedSelfcheck),
    /// Print the smallest slowdown that pair mode finds here, case by case.
    Power(TypedPower),
    /// Serve a language model for load tests: its address on stdout, until Ctrl-C.
    Stub(TypedStub),
}

#[derive(Clone, Copy, ValueEnum)]
enum TypedDialect {
    /// `spec.targets`: many targets (2025).
    Targets,
    /// `spec.target`: one target (2026).
    Target,
}

impl Typed {
    fn into_command(self) -> Command {
        match self.command {
            TypedCommand::Ab(typed) => Command::Ab(typed.into_settings()),
            TypedCommand::Archive(typed) => typed.into_command(),
            TypedCommand::Bisect(typed) => Command::Bisect(typed.into_settings()),
            TypedCommand::Crd { dialect } => Command::Crd(match dialect {
                TypedDialect::Targets => Dialect::Targets,
                TypedDialect::Target => Dialect::Target,
            }),
            TypedCommand::Compare(typed) => Command::Compare(typed.into_settings()),
            TypedCommand::Baseline(typed) => typed.into_command(),
            TypedCommand::Flame(typed) => Command::Flame(typed.into_settings()),
            TypedCommand::Report(typed) => Command::Report(typed.into_settings()),
            TypedCommand::History(typed) => typed.into_command(),
            TypedCommand::Capacity(typed) => Command::Capacity(typed.into_settings()),
            TypedCommand::Quota(typed) => Command::Quota(typed.into_settings()),
            TypedCommand::Soak(typed) => Command::Soak(typed.into_settings()),
            TypedCommand::Explain(typed) => Command::Explain(ExplainSettings {
                scenario: typed.into_source(),
            }),
            TypedCommand::Load(typed) => Command::Load(Box::new(typed.into_settings())),
            TypedCommand::Selfcheck(typed) => Command::Selfcheck(typed.into_settings()),
            TypedCommand::Power(typed) => Command::Power(typed.into_settings()),
            TypedCommand::Stub(typed) => Command::Stub(typed.into_settings()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Typed};
    use clap::{CommandFactory as _, Parser as _};

    pub(super) fn command(line: &str) -> Command {
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
    fn wrong_usage_is_refused() {
        for line in [
            "",
            "compare --format xml",
            "compare --report html",
            "report --flamegraph a.svg",
            "flame",
            "flame codec/encode --candidate main",
            "ab",
            "ab main --budget soon",
            "ab main --rounds 0",
            "archive --older-than 30",
            "archive --batch 0",
            "archive restore",
            "baseline record --processes 0",
            "drift",
            "selfcheck --sizes 0.05",
            "selfcheck --sizes many",
            "power --rounds 0",
            "stub --threads 0",
            "stub --listen here",
            "capacity",
            "capacity ark-high-load --axis depth",
            "capacity ark-high-load --resolution 0",
            "quota record.json --share 2",
            "soak",
            "load ark-concurrent --sweep reconciles=0",
            "load ark-concurrent --sweep depth=1",
            "load ark-concurrent --worker 4/4",
            "load ark-concurrent --worker 1",
            "load ark-concurrent --worker 0/2 --gather part.json",
            "load ark-concurrent --part part.json",
            "load ark-concurrent --emit-job 1",
            "load ark-concurrent --emit-job 2 --run Mine",
        ] {
            let words = std::iter::once("plimsoll").chain(line.split_whitespace());
            assert!(Typed::try_parse_from(words).is_err(), "{line:?}");
        }
    }
}

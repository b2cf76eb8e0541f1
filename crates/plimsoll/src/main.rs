//! The command line: parse, one call, print, exit code. All logic is in the libraries.
#![expect(
    clippy::print_stderr,
    reason = "this crate is the one that prints; data go to stdout through `say`"
)]

mod args;
mod bench;
mod cmd;
mod exit;
mod forms;
mod say;
mod scenario;
mod tell;
mod workspace;

use std::process::ExitCode;

use crate::args::Command;
use crate::exit::Exit;

fn main() -> ExitCode {
    let exit = match run(args::parse()) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("error: {error:#}");
            Exit::of_error(&error)
        }
    };
    exit.into()
}

fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Ab(settings) => cmd::ab::run(&settings),
        Command::Archive(settings) => cmd::archive::run(&settings),
        Command::ArchiveList(settings) => cmd::archive::list(&settings),
        Command::ArchiveRestore(settings) => cmd::archive::restore(&settings),
        Command::Bisect(settings) => cmd::bisect::run(&settings),
        Command::BaselineAccept(settings) => cmd::baseline::accept::run(&settings),
        Command::Crd(dialect) => cmd::crd::run(dialect),
        Command::Compare(settings) => cmd::compare::run(&settings),
        Command::BaselineRecord(settings) => cmd::baseline::record(&settings),
        Command::BaselineList { baselines } => cmd::baseline::list(baselines),
        Command::Flame(settings) => cmd::flame::run(&settings),
        Command::Report(settings) => cmd::report::run(&settings),
        Command::History(settings) => cmd::history::show(&settings),
        Command::HistoryRecord(settings) => cmd::history::record(&settings),
        Command::Capacity(settings) => cmd::capacity::run(&settings),
        Command::Quota(settings) => cmd::quota::run(&settings),
        Command::Soak(settings) => cmd::soak::run(&settings),
        Command::Explain(settings) => cmd::explain::run(&settings),
        Command::Load(settings) => cmd::load::run(&settings),
        Command::Selfcheck(settings) => cmd::selfcheck::run(&settings),
        Command::Power(settings) => cmd::power::run(&settings),
        Command::Stub(settings) => cmd::stub::run(&settings),
    }
}

//! `plimsoll stub`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::cmd::stub::StubSettings;

#[derive(Args)]
pub(super) struct TypedStub {
    /// What it answers, how fast, within which slots and rates, and with which faults; at once and without end unless
    /// given.
    #[arg(value_name = "FILE.toml")]
    file: Option<PathBuf>,
    /// Where to listen; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Threads that answer; as the file says, or one a core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// The seed of every time and fault, instead of the file's.
    #[arg(long)]
    seed: Option<u64>,
}

impl TypedStub {
    pub(super) fn into_settings(self) -> StubSettings {
        StubSettings {
            file: self.file,
            listen: self.listen,
            threads: self.threads.map(usize::from),
            seed: self.seed,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::args::{Command, tests::command};

    #[test]
    fn a_stub_listens_on_any_free_loopback_port_unless_told_otherwise() {
        let Command::Stub(settings) = command("stub slow.toml --threads 2") else {
            panic!("another command");
        };
        assert_eq!(settings.listen.to_string(), "127.0.0.1:0");
        assert_eq!((settings.threads, settings.seed), (Some(2), None));
        assert_eq!(settings.file, Some("slow.toml".into()));
    }
}

//! The scripts by name, and the commands that call them: the operations of this backend, each atomic on the server.

use ::redis::{Cmd, Script};

/// All scripts of this backend; `link` loads them when the server does not know them.
pub(super) struct Scripts {
    /// One request per key, each allowed or not.
    pub(super) decide: Script,
    /// All claimed places or none.
    pub(super) acquire: Script,
    /// Longer leases, and which permits are lost.
    pub(super) renew: Script,
    /// Places given back.
    pub(super) release: Script,
    /// Places that are taken.
    pub(super) live: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let clock = include_str!("clock.lua");
        let prune = include_str!("prune.lua");
        let script = |parts: &[&str]| Script::new(&parts.concat());
        Self {
            decide: script(&[clock, include_str!("decide.lua")]),
            acquire: script(&[clock, prune, include_str!("acquire.lua")]),
            renew: script(&[clock, prune, include_str!("renew.lua")]),
            release: script(&[include_str!("release.lua")]),
            live: script(&[clock, include_str!("live.lua")]),
        }
    }
}

/// The call of a script by its hash; keys and arguments follow, in this order.
pub(super) fn call(script: &Script, n_keys: usize) -> Cmd {
    let mut command = ::redis::cmd("EVALSHA");
    command.arg(script.get_hash()).arg(n_keys);
    command
}

//! Which machine measured: its fingerprint, and the name of its class.
//!
//! Two fingerprints, because two kinds of number hold on different sets of machines: wall times on one class of
//! machines, instruction counts wherever processor features, glibc, valgrind and toolchain agree.
//! Nothing here depends on host names, on bogomips or on the exact number of bytes: they differ between equal machines.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::files;

mod probe;

/// The version of `machine.json` that this code writes, and the only one that it reads.
const SCHEMA: u32 = 1;

/// The file beside the baselines of one machine class.
pub const FILE: &str = "machine.json";

const MEND: &str = "restore it from version control, or record the baselines again";

/// What wall times depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Processor model with its family and model numbers: cloud providers give many processors one name.
    pub processor: String,
    /// Logical processors that the kernel shows.
    pub cores: usize,
    /// Memory in GiB, rounded to a usual size, so that what the kernel reserves does not matter.
    pub memory_gib: u64,
    /// Whether a hypervisor is underneath, so that neighbours can take time without being seen.
    pub virtualised: bool,
    /// The target's architecture.
    pub architecture: String,
    /// Kernel release.
    pub kernel: String,
    /// Version of the compiler with its commit.
    pub rustc: String,
    /// Flags and profile settings from the environment that change code generation; empty for the workspace's own.
    pub flags: String,
    /// Frequency governor of the first processor; unset where the kernel does not show it, as on most guests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governor: Option<String>,
    /// Whether the processor may clock above its base; unset where the kernel does not show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turbo: Option<bool>,
}

/// What instruction counts depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountMachine {
    /// SHA-256 over the sorted processor feature flags, cut: glibc chooses its memcpy by them.
    pub processor_features: String,
    /// The target's architecture.
    pub architecture: String,
    /// Version of glibc.
    pub glibc: String,
    /// Version of valgrind.
    pub valgrind: String,
    /// Version of the compiler with its commit.
    pub rustc: String,
}

/// What allocation counts depend on, beside the code: the standard library and the size of its types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllocationMachine {
    /// The target's architecture.
    pub architecture: String,
    /// Version of the compiler with its commit.
    pub rustc: String,
}

/// One field in which two machines differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The field's name as in `machine.json`.
    pub field: &'static str,
    /// Its value on the machine of the baseline.
    pub baseline: String,
    /// Its value here.
    pub here: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}: {} there, {} here",
            self.field, self.baseline, self.here
        )
    }
}

impl Machine {
    /// The machine that runs this process.
    pub fn here() -> Self {
        probe::machine()
    }

    /// The folder name of this machine's class in `baselines/`.
    ///
    /// Kernel, compiler, governor and turbo are not in it: they change on one machine, and are noted instead.
    pub fn class(&self) -> String {
        let kind = if self.virtualised { "vm" } else { "metal" };
        format!(
            "{}-{}c-{}g-{kind}",
            slug(&self.processor),
            self.cores,
            self.memory_gib
        )
    }

    /// The fields that forbid a judgement of `self` against a baseline recorded on `baseline`.
    pub fn foreign_to(&self, baseline: &Self) -> Vec<Difference> {
        let field = |field, baseline: &dyn ToString, here: &dyn ToString| Difference {
            field,
            baseline: baseline.to_string(),
            here: here.to_string(),
        };
        let fields = vec![
            field("processor", &baseline.processor, &self.processor),
            field("cores", &baseline.cores, &self.cores),
            field("memory_gib", &baseline.memory_gib, &self.memory_gib),
            field("virtualised", &baseline.virtualised, &self.virtualised),
            field("architecture", &baseline.architecture, &self.architecture),
            field("flags", &quoted(&baseline.flags), &quoted(&self.flags)),
        ];
        only_different(fields)
    }

    /// The fields that allow a judgement but may explain it.
    pub fn drifted_from(&self, baseline: &Self) -> Vec<Difference> {
        let shown =
            |value: &Option<String>| value.clone().unwrap_or_else(|| "not shown".to_owned());
        let turbo = |value: Option<bool>| shown(&value.map(|on| on.to_string()));
        let field = |field, baseline: &str, here: &str| Difference {
            field,
            baseline: baseline.to_owned(),
            here: here.to_owned(),
        };
        let fields = vec![
            field("kernel", &baseline.kernel, &self.kernel),
            field("rustc", &baseline.rustc, &self.rustc),
            field(
                "governor",
                &shown(&baseline.governor),
                &shown(&self.governor),
            ),
            field("turbo", &turbo(baseline.turbo), &turbo(self.turbo)),
        ];
        only_different(fields)
    }
}

impl CountMachine {
    /// The machine that runs this process.
    pub fn here() -> Self {
        probe::count_machine()
    }

    /// The fields that forbid a judgement of `self` against counts recorded on `baseline`.
    pub fn foreign_to(&self, baseline: &Self) -> Vec<Difference> {
        let field = |field, baseline: &str, here: &str| Difference {
            field,
            baseline: baseline.to_owned(),
            here: here.to_owned(),
        };
        let fields = vec![
            field(
                "processor_features",
                &baseline.processor_features,
                &self.processor_features,
            ),
            field("architecture", &baseline.architecture, &self.architecture),
            field("glibc", &baseline.glibc, &self.glibc),
            field("valgrind", &baseline.valgrind, &self.valgrind),
            field("rustc", &baseline.rustc, &self.rustc),
        ];
        only_different(fields)
    }
}

impl AllocationMachine {
    /// The machine that runs this process.
    pub fn here() -> Self {
        probe::allocation_machine()
    }

    /// The fields that forbid a judgement of `self` against allocations recorded on `baseline`.
    pub fn foreign_to(&self, baseline: &Self) -> Vec<Difference> {
        let field = |field, baseline: &str, here: &str| Difference {
            field,
            baseline: baseline.to_owned(),
            here: here.to_owned(),
        };
        only_different(vec![
            field("architecture", &baseline.architecture, &self.architecture),
            field("rustc", &baseline.rustc, &self.rustc),
        ])
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireMachine<M> {
    generated_by: String,
    schema: u32,
    machine: M,
}

/// Reads the machine beside a folder's baselines; `None` if the folder has none.
pub fn read<M: serde::de::DeserializeOwned>(folder: &Path) -> Result<Option<M>, Error> {
    let path = folder.join(FILE);
    let Some(text) = files::read_if_there(&path)? else {
        return Ok(None);
    };
    let wire: WireMachine<M> = files::parse_json(&path, &text, MEND)?;
    if wire.schema != SCHEMA {
        let reason = format!("schema is {}, this build reads {SCHEMA}", wire.schema);
        return Err(Error::malformed(&path, reason, MEND));
    }
    Ok(Some(wire.machine))
}

/// Stores the machine beside a folder's baselines.
pub fn write<M: Serialize>(folder: &Path, machine: M) -> Result<(), Error> {
    let path = folder.join(FILE);
    let wire = WireMachine {
        generated_by: "cargo plimsoll baseline record".to_owned(),
        schema: SCHEMA,
        machine,
    };
    let mut text = serde_json::to_string_pretty(&wire)
        .map_err(|error| Error::malformed(&path, error.to_string(), MEND))?;
    text.push('\n');
    files::write_at_once(&path, &text)
}

/// Lower case letters and digits, everything else one dash; trade marks and frequencies left out.
fn slug(text: &str) -> String {
    let without_marks = text.replace("(R)", " ").replace("(TM)", " ");
    let words = without_marks
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty() && !["CPU", "processor", "Processor"].contains(word));
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

fn quoted(flags: &str) -> String {
    format!("{flags:?}")
}

fn only_different(fields: Vec<Difference>) -> Vec<Difference> {
    fields
        .into_iter()
        .filter(|field| field.baseline != field.here)
        .collect()
}

#[cfg(test)]
mod tests;

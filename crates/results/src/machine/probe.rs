//! Reads the fingerprint from the process file system and from the tools themselves.
//!
//! By hand: three small files and two version calls, less code than a crate's set-up and no crate to build.

use std::ffi::CStr;
use std::fs;
use std::process::Command;

use sha2::{Digest as _, Sha256};

use super::{AllocationMachine, CountMachine, Machine};

/// Memory sizes machines are sold with, in GiB; a class is the nearest of them.
const MEMORY_SIZES: [u64; 18] = [
    1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024,
];

/// Environment variables that change what the compiler makes of the same source.
const FLAG_VARIABLES: [&str; 4] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
];

pub(super) fn machine() -> Machine {
    let cpuinfo = read("/proc/cpuinfo");
    Machine {
        processor: processor(&cpuinfo),
        cores: cores(&cpuinfo),
        memory_gib: memory_gib(&read("/proc/meminfo")),
        virtualised: flags(&cpuinfo).contains(&"hypervisor")
            || fs::exists("/sys/hypervisor/type").unwrap_or(false),
        architecture: std::env::consts::ARCH.to_owned(),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        rustc: rustc(),
        flags: build_flags(),
        governor: governor(),
        turbo: turbo(),
    }
}

pub(super) fn count_machine() -> CountMachine {
    CountMachine {
        processor_features: feature_hash(&flags(&read("/proc/cpuinfo"))),
        architecture: std::env::consts::ARCH.to_owned(),
        glibc: glibc(),
        valgrind: version_of("valgrind", &["--version"]),
        rustc: rustc(),
    }
}

pub(super) fn allocation_machine() -> AllocationMachine {
    AllocationMachine {
        architecture: std::env::consts::ARCH.to_owned(),
        rustc: rustc(),
    }
}

/// Name with family and model number; on Arm, implementer and part.
pub(super) fn processor(cpuinfo: &str) -> String {
    let field = |name| field(cpuinfo, name);
    match (field("model name"), field("CPU implementer")) {
        (Some(name), _) => {
            let family = field("cpu family").unwrap_or("?");
            let model = field("model").unwrap_or("?");
            format!("{name} {family}/{model}")
        }
        (None, Some(implementer)) => {
            let part = field("CPU part").unwrap_or("?");
            format!("Arm {implementer}/{part}")
        }
        (None, None) => "unknown".to_owned(),
    }
}

fn cores(cpuinfo: &str) -> usize {
    let listed = cpuinfo
        .lines()
        .filter(|line| {
            line.split(':')
                .next()
                .is_some_and(|name| name.trim() == "processor")
        })
        .count();
    if listed > 0 {
        return listed;
    }
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The usual size nearest on the log scale.
pub(super) fn memory_gib(meminfo: &str) -> u64 {
    let kib: f64 = field(meminfo, "MemTotal")
        .and_then(|value| value.trim_end_matches("kB").trim().parse().ok())
        .unwrap_or(0.0);
    let gib = kib / f64::from(1 << 20);
    let distance = |size: &u64| (*size as f64 / gib.max(0.5)).ln().abs();
    MEMORY_SIZES
        .into_iter()
        .min_by(|left, right| distance(left).total_cmp(&distance(right)))
        .unwrap_or(0)
}

fn flags(cpuinfo: &str) -> Vec<&str> {
    field(cpuinfo, "flags")
        .or_else(|| field(cpuinfo, "Features"))
        .map(|flags| flags.split_whitespace().collect())
        .unwrap_or_default()
}

/// Independent of the order in which the kernel lists the flags.
pub(super) fn feature_hash(flags: &[&str]) -> String {
    let mut sorted = flags.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let digest = Sha256::digest(sorted.join(" ").as_bytes());
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn build_flags() -> String {
    let set = FLAG_VARIABLES.iter().map(|name| (*name).to_owned());
    let mut set: Vec<String> = set.filter_map(|name| assignment(&name)).collect();
    let mut profile: Vec<String> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| {
            name.starts_with("CARGO_PROFILE_RELEASE_") || name.starts_with("CARGO_PROFILE_BENCH_")
        })
        .filter_map(|name| assignment(&name))
        .collect();
    profile.sort_unstable();
    set.append(&mut profile);
    set.join(" ")
}

fn assignment(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?;
    // Cargo separates encoded flags by an unprintable character.
    let value = value.replace('\u{1f}', " ");
    let value = value.trim();
    (!value.is_empty()).then(|| format!("{name}={value}"))
}

fn governor() -> Option<String> {
    let text = fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").ok()?;
    Some(text.trim().to_owned())
}

fn turbo() -> Option<bool> {
    if let Ok(text) = fs::read_to_string("/sys/devices/system/cpu/intel_pstate/no_turbo") {
        return Some(text.trim() == "0");
    }
    let text = fs::read_to_string("/sys/devices/system/cpu/cpufreq/boost").ok()?;
    Some(text.trim() == "1")
}

#[cfg(target_env = "gnu")]
fn glibc() -> String {
    // SAFETY: the call has no preconditions and returns a static string that ends in NUL.
    let version = unsafe { CStr::from_ptr(libc::gnu_get_libc_version()) };
    version.to_string_lossy().into_owned()
}

#[cfg(not(target_env = "gnu"))]
fn glibc() -> String {
    "none".to_owned()
}

/// The compiler that Cargo would use here: its variable, else the one on the path.
fn rustc() -> String {
    let program = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    version_of(&program, &["--version"])
}

/// First line of what a program says about its version, without its own name.
fn version_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            let line = text.lines().next().unwrap_or_default().trim();
            let line = line.strip_prefix("rustc ").unwrap_or(line);
            line.strip_prefix("valgrind-").unwrap_or(line).to_owned()
        }
        _ => "not found".to_owned(),
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim())
    })
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

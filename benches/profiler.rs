//! Flamegraphs of single cases: `cargo bench --bench lifecycle -- --profile-time 5`.
//!
//! Beside the case's results, in its folder `profile`, lie `flamegraph.svg` to look at and `folded.txt`
//! to compare with another commit's. Stacks are walked by unwind tables, so no compiler flag is needed.
//! Time inside the C library is not seen: samples taken there cannot be unwound safely.
//!
//! An async stack is nine tenths plumbing: a future that polls a boxed future that polls a closure. Such frames are left
//! out between named functions, and kept where a sample was taken, so that no time is lost and what is left fits a screen.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;

use anyhow::Context as _;
use criterion::profiler::Profiler;
use pprof::flamegraph::{Direction, Options};
use pprof::{Frames, ProfilerGuard, ProfilerGuardBuilder, Report, Symbol};

/// Samples per second of CPU time: the kernel's usual tick, beyond which no more samples arrive.
const FREQUENCY_HZ: i32 = 250;

/// Part of the name of every frame of the harness; it and what lies outside of it are the same in every stack.
const HARNESS: &str = "benches::suite::";

/// Libraries in which the unwinder may deadlock or crash when interrupted.
const BLOCKLIST: [&str; 4] = ["libc", "libgcc", "pthread", "vdso"];

/// Crates whose functions only hand the work on.
const PLUMBING: [&str; 15] = [
    "alloc",
    "core",
    "criterion",
    "futures",
    "futures_core",
    "futures_util",
    "serde",
    "serde_core",
    "std",
    "tokio",
    "tokio_util",
    "tower",
    "tower_http",
    "tower_service",
    "tracing",
];

thread_local! {
    /// The profile of the case that runs on this thread.
    static PROFILE: RefCell<Profile> = const { RefCell::new(Profile::Off) };
}

enum Profile {
    Off,
    /// Asked for, not begun: the case is being set up.
    Due,
    Running(ProfilerGuard<'static>),
}

/// Begins the profile that Criterion has asked for, if it did: called when a case is set up.
pub(crate) fn begin_if_due() {
    PROFILE.with_borrow_mut(|profile| {
        if !matches!(profile, Profile::Due) {
            return;
        }
        let guard = ProfilerGuardBuilder::default()
            .frequency(FREQUENCY_HZ)
            .blocklist(&BLOCKLIST)
            .build();
        match guard {
            Ok(guard) => *profile = Profile::Running(guard),
            Err(error) => panic!("cannot start the profiler: {error}"),
        }
    });
}

/// Samples the stacks of one case after the other.
pub struct Flamegraphs;

impl Profiler for Flamegraphs {
    fn start_profiling(&mut self, _benchmark_id: &str, _benchmark_dir: &Path) {
        PROFILE.set(Profile::Due);
    }

    fn stop_profiling(&mut self, benchmark_id: &str, benchmark_dir: &Path) {
        let Profile::Running(guard) = PROFILE.replace(Profile::Off) else {
            return;
        };
        if let Err(error) = write_profile(&guard, benchmark_id, benchmark_dir) {
            panic!("cannot write the profile of {benchmark_id}: {error:#}");
        }
    }
}

fn write_profile(guard: &ProfilerGuard<'_>, id: &str, folder: &Path) -> anyhow::Result<()> {
    let suite = id.split('/').next().unwrap_or_default().to_owned();
    let report = guard
        .report()
        .frames_post_processor(move |frames| trim(frames, &suite))
        .build()
        .context("cannot resolve the stacks")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;

    let svg_path = folder.join("flamegraph.svg");
    let svg =
        File::create(&svg_path).with_context(|| format!("cannot make {}", svg_path.display()))?;
    report
        .flamegraph_with_options(svg, &mut drawing(id))
        .with_context(|| format!("cannot write {}", svg_path.display()))?;

    let folded_path = folder.join("folded.txt");
    fs::write(&folded_path, folded(&report))
        .with_context(|| format!("cannot write {}", folded_path.display()))
}

/// The outermost function on top, where a browser begins to show.
fn drawing(id: &str) -> Options<'static> {
    let mut options = Options::default();
    options.title = id.to_owned();
    options.direction = Direction::Inverted;
    options.count_name = "samples".to_owned();
    options
}

/// Leaves of a stack what is inside the harness, under the suite's name, without the plumbing.
fn trim(frames: &mut Frames, suite: &str) {
    // Frames, and the symbols inlined into one, are innermost first.
    let is_harness = |symbol: &Symbol| symbol.name().contains(HARNESS);
    let harness = frames
        .frames
        .iter()
        .enumerate()
        .find_map(|(index, symbols)| {
            let outer = symbols.iter().position(is_harness)?;
            Some((index, outer))
        });
    // Threads without a name have the program's, which ends in a hash.
    frames.thread_name = match harness {
        Some((index, outer)) => {
            frames.frames[index].truncate(outer);
            frames.frames.truncate(index + 1);
            suite.to_owned()
        }
        None => "other threads".to_owned(),
    };
    let mut is_innermost = true;
    let mut inner = String::new();
    for symbols in &mut frames.frames {
        symbols.retain_mut(|symbol| {
            let name = symbol.name();
            let stays = is_innermost || !is_plumbing(&name);
            is_innermost = false;
            let named = without_closures(&name);
            let is_repeated = stays && named == inner;
            if stays {
                named.clone_into(&mut inner);
                symbol.name = Some(named.as_bytes().to_vec());
            }
            stays && !is_repeated
        });
    }
    frames.frames.retain(|symbols| !symbols.is_empty());
}

/// The function that closures are in: what an `async fn` does is in a closure of its own.
fn without_closures(function: &str) -> &str {
    let mut name = function;
    while let Some(outer) = name.strip_suffix("::{{closure}}") {
        name = outer;
    }
    name
}

/// Whether a function only hands the work on: one of those crates', or one that the compiler gives no path to.
fn is_plumbing(function: &str) -> bool {
    let path = function.trim_start_matches(['<', '&', '*']);
    let path = path.trim_start_matches("mut ").trim_start_matches("dyn ");
    let Some((root, _)) = path.split_once("::") else {
        return true;
    };
    let is_name = |text: &str| {
        text.chars()
            .all(|char| char.is_alphanumeric() || char == '_')
    };
    !is_name(root) || PLUMBING.contains(&root)
}

/// One line per stack, outermost frame first, with its number of samples; sorted, so that two files can be compared.
fn folded(report: &Report) -> String {
    let mut samples_by_stack: BTreeMap<String, isize> = BTreeMap::new();
    for (frames, samples) in &report.data {
        let mut stack = frames.thread_name_or_id();
        for symbol in frames
            .frames
            .iter()
            .rev()
            .flat_map(|frame| frame.iter().rev())
        {
            stack.push(';');
            stack.push_str(&symbol.name());
        }
        *samples_by_stack.entry(stack).or_default() += samples;
    }
    let mut text = String::new();
    for (stack, samples) in samples_by_stack {
        writeln!(text, "{stack} {samples}").expect("writing to a string does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{is_plumbing, without_closures};

    #[test]
    fn functions_that_only_hand_on_are_plumbing() {
        for function in [
            "core::ops::function::FnOnce::call_once",
            "<core::pin::Pin<P> as core::future::future::Future>::poll",
            "<F as futures_core::future::TryFuture>::try_poll",
            "<&mut T as core::future::future::Future>::poll",
            "enter<(), tokio::runtime::Handle>",
            "poll",
            "start_thread",
        ] {
            assert!(is_plumbing(function), "{function}");
        }
    }

    #[test]
    fn functions_that_do_something_are_not() {
        for function in [
            "control_plane::controller::pass::run::{{closure}}",
            "<control_plane::queue::Lease as core::ops::drop::Drop>::drop",
            "serde_json::de::from_slice",
            "<&testbed::kube_api::KubeApi as tower_service::Service<R>>::call",
            "hyper::proto::h1::io::Buffered<T,B>::parse",
        ] {
            assert!(!is_plumbing(function), "{function}");
        }
    }

    #[test]
    fn a_closure_is_named_after_its_function() {
        let closure = "control_plane::controller::pass::run::{{closure}}::{{closure}}";
        assert_eq!(
            without_closures(closure),
            "control_plane::controller::pass::run"
        );
    }
}

//! Flamegraphs of single cases: `cargo bench --bench lifecycle -- --profile-time 5`.
//!
//! Beside the case's results, in its folder `profile`, lie `flamegraph.svg` to look at and `folded.txt`
//! to compare with another commit's. Stacks are walked by unwind tables, so no compiler flag is needed.
//! Time inside the C library is not seen: samples taken there cannot be unwound safely.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;

use anyhow::Context as _;
use criterion::profiler::Profiler;
use pprof::{Frames, ProfilerGuard, ProfilerGuardBuilder, Report};

/// Samples per second of CPU time: the kernel's usual tick, beyond which no more samples arrive.
const FREQUENCY_HZ: i32 = 250;

/// Part of the name of every frame of the harness; it and what lies outside of it are the same in every stack.
const HARNESS: &str = "benches::suite::";

/// Libraries in which the unwinder may deadlock or crash when interrupted.
const BLOCKLIST: [&str; 4] = ["libc", "libgcc", "pthread", "vdso"];

/// Samples the stacks of one case after the other.
#[derive(Default)]
pub struct Flamegraphs {
    running: Option<ProfilerGuard<'static>>,
}

impl Profiler for Flamegraphs {
    fn start_profiling(&mut self, benchmark_id: &str, _benchmark_dir: &Path) {
        let guard = ProfilerGuardBuilder::default()
            .frequency(FREQUENCY_HZ)
            .blocklist(&BLOCKLIST)
            .build();
        match guard {
            Ok(guard) => self.running = Some(guard),
            Err(error) => panic!("cannot start the profiler for {benchmark_id}: {error}"),
        }
    }

    fn stop_profiling(&mut self, benchmark_id: &str, benchmark_dir: &Path) {
        let Some(guard) = self.running.take() else {
            return;
        };
        let suite = benchmark_id.split('/').next().unwrap_or_default();
        if let Err(error) = write_profile(&guard, suite.to_owned(), benchmark_dir) {
            panic!("cannot write the profile of {benchmark_id}: {error:#}");
        }
    }
}

fn write_profile(guard: &ProfilerGuard<'_>, suite: String, folder: &Path) -> anyhow::Result<()> {
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
        .flamegraph(svg)
        .with_context(|| format!("cannot write {}", svg_path.display()))?;

    let folded_path = folder.join("folded.txt");
    fs::write(&folded_path, folded(&report))
        .with_context(|| format!("cannot write {}", folded_path.display()))
}

/// Leaves of a stack what is inside the harness, under the suite's name.
fn trim(frames: &mut Frames, suite: &str) {
    // The main thread is named after the file of the program, which ends in a hash.
    if frames.thread_name.starts_with(suite) {
        suite.clone_into(&mut frames.thread_name);
    }
    // Frames, and the symbols inlined into one, are innermost first.
    for (index, symbols) in frames.frames.iter_mut().enumerate() {
        let outer = symbols
            .iter()
            .position(|symbol| symbol.name().contains(HARNESS));
        if let Some(outer) = outer {
            symbols.truncate(outer);
            let n_frames = index + usize::from(outer > 0);
            frames.frames.truncate(n_frames);
            return;
        }
    }
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

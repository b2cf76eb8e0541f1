//! A suite: its cases, how long each is measured, and what follows the last one.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use criterion::{BenchmarkId, SamplingMode, Throughput};
use pairs::turns::{self, Bencher, BenchmarkGroup, Criterion, Turns};

use results::figures::{self, Figure};

use crate::closing;
use crate::invocation::{Invocation, Running};
use crate::mode::{Arguments, Mode};
use crate::places::Places;
use crate::profiler::{self, Flamegraphs};

/// Resamples for Criterion's intervals. They are shown, not judged, so a fiftieth of the default will do.
const N_RESAMPLES: usize = 2_000;

/// How long one case is measured.
///
/// The whole run has five minutes for about ninety cases; these lengths spend about two of them.
#[derive(Debug, Clone, Copy)]
struct Length {
    warm_up: Duration,
    measurement: Duration,
    n_samples: usize,
    sampling: SamplingMode,
}

/// Microseconds and less per iteration.
const MICRO: Length = Length {
    warm_up: Duration::from_millis(300),
    measurement: Duration::from_millis(700),
    n_samples: 30,
    sampling: SamplingMode::Auto,
};

/// Milliseconds and more per iteration: every sample is as long as the next, so that ten fit.
const MACRO: Length = Length {
    warm_up: Duration::from_millis(100),
    measurement: Duration::from_millis(1_500),
    n_samples: 10,
    sampling: SamplingMode::Flat,
};

/// Criterion's quick mode doubles the iterations until two measurements agree or this time is over.
/// The last doubling may begin just before, so that a case takes up to three times as long.
const QUICK_MEASUREMENT: Duration = Duration::from_millis(120);

/// The same where a filter chose the cases: they are few, and their set-up counts, because Criterion alone knows
/// which ones it will call. With less, a case whose set-up is longer would be measured by a single, cold iteration.
const QUICK_MEASUREMENT_OF_CHOSEN: Duration = Duration::from_secs(3);

/// A name for results that no run ever stores, so that Criterion finds nothing to compare with.
///
/// Its own "regressed" and "improved" compare with whatever ran last, and on a shared machine most of them
/// are wrong. Judging is left to the table. Asked for by `--baseline`, Criterion compares as usual.
const NOTHING_TO_COMPARE: &str = "-";

/// The cases of one suite, handed to each of its functions.
///
/// Lengths and throughput hold from where they are set to the end of the function.
pub struct Suite<'c> {
    group: BenchmarkGroup<'c>,
    common: &'c mut Common,
}

/// What all functions of a suite share.
struct Common {
    name: &'static str,
    arguments: Arguments,
    ids: BTreeSet<String>,
    figures: Vec<Figure>,
    running: Option<Running>,
    /// Names the service that is not there; its cases are listed and not run.
    without: Option<&'static str>,
}

/// Runs a suite; the body of the `main` that [`crate::suite_main!`] writes.
pub fn run(name: &'static str, target_tmpdir: &Path, cases: &[fn(&mut Suite<'_>)]) -> ExitCode {
    let arguments = Arguments::of_this_process();
    let places = Places::of_target(target_tmpdir);
    // Reads the arguments first: help and wrong usage end the process here, before any mark is left.
    let mut criterion = configured(arguments, &places);
    let invocation = Invocation::of_this_process(&places.invocations);
    // In pair mode a referee reads the samples, and no run of Cargo's is there to leave marks for.
    let have_referee = Turns::of_this_process().have_referee();
    let running = (arguments.mode == Mode::Measure && !have_referee).then(|| {
        invocation
            .begin(name)
            .expect("the target directory, just written by Cargo, takes a mark")
    });

    let mut common = Common {
        name,
        arguments,
        ids: BTreeSet::new(),
        figures: Vec::new(),
        running,
        without: None,
    };
    for case in cases {
        let mut suite = Suite {
            group: criterion.benchmark_group(name),
            common: &mut common,
        };
        suite.micro();
        suite.common.without = None;
        case(&mut suite);
    }

    let Common {
        figures, running, ..
    } = common;
    let Some(running) = running else {
        return ExitCode::SUCCESS;
    };
    if running.has_measured() {
        store(&places, name, &figures);
    }
    running
        .finish()
        .expect("a mark that was begun can be ended");
    if invocation.closing_target_follows() {
        ExitCode::SUCCESS
    } else {
        closing::show(&places, &invocation, &arguments, Some(name))
    }
}

/// Replaces the figures of an earlier run.
fn store(places: &Places, name: &str, figures: &[Figure]) {
    let stored = if figures.is_empty() {
        figures::clear(&places.criterion, name)
    } else {
        figures::write(&places.criterion, name, figures)
    };
    if let Err(error) = stored {
        panic!("cannot store the figures of {name}: {error}");
    }
}

impl Suite<'_> {
    /// Whether each case runs just once to see that it works: populations should be small then.
    pub fn is_smoke(&self) -> bool {
        matches!(self.common.arguments.mode, Mode::Smoke | Mode::Talk)
    }

    /// How many runs of a whole population make up a sample of so many iterations: one, because a single run tells the
    /// time per iteration well enough. Under the profiler each iteration is a run, so that it lasts as long as asked.
    pub fn n_runs(&self) -> impl Fn(u64) -> u64 + use<> {
        let is_profiled = self.common.arguments.mode == Mode::Profile;
        move |n_iterations| if is_profiled { n_iterations } else { 1 }
    }

    /// Whether figures of this run are kept: a suite may leave out the work that only they need.
    pub fn keeps_figures(&self) -> bool {
        self.common.running.is_some()
    }

    /// The given size of a population, or at most `smoke` of it where each case runs just once.
    pub fn population(&self, usual: usize, smoke: usize) -> usize {
        if self.is_smoke() {
            usual.min(smoke)
        } else {
            usual
        }
    }

    /// Keeps a figure: a product of the suite that is no time of a case, such as executions per Query.
    ///
    /// Find it inside a case, so that a filter which skips the case skips the figure, and hand it over afterwards.
    /// It is dropped unless this run measures and stores.
    pub fn figure(&mut self, figure: Figure) {
        if self.keeps_figures() {
            self.common.figures.push(figure);
        }
    }

    /// The address of a service that all cases of a function need, as the environment variable says.
    ///
    /// Where it is unset, the function's cases are listed like all others, but none is run: the run says so, and the
    /// table names them as not run. They are no more missing than cases that a filter leaves out.
    pub fn service(&mut self, variable: &'static str) -> Option<String> {
        let address = std::env::var(variable)
            .ok()
            .filter(|address| !address.is_empty());
        if address.is_none() {
            self.common.without = Some(variable);
        }
        address
    }

    /// The following cases take microseconds and less per iteration. Every function of a suite begins so.
    pub fn micro(&mut self) {
        self.set_length(MICRO);
    }

    /// The following cases take milliseconds and more per iteration.
    pub fn macro_cases(&mut self) {
        self.set_length(MACRO);
    }

    /// The following cases handle this much per iteration; stands beside the loop that it counts.
    pub fn throughput(&mut self, throughput: Throughput) {
        self.group.throughput(throughput);
    }

    /// One case; the routine is called once per sample and must call one of the bencher's `iter` functions.
    ///
    /// Set-up that is costly or that only this case needs goes into [`Suite::prepared`], which a filter skips.
    pub fn case(
        &mut self,
        case: &'static str,
        parameter: &'static str,
        mut routine: impl FnMut(&mut Bencher<'_>),
    ) {
        self.prepared(case, parameter, || (), |bencher, ()| routine(bencher));
    }

    /// One case with its set-up, which runs once and only if the case does.
    pub fn prepared<State>(
        &mut self,
        case: &'static str,
        parameter: &'static str,
        set_up: impl FnOnce() -> State,
        mut routine: impl FnMut(&mut Bencher<'_>, &mut State),
    ) {
        let id = format!("{}/{case}/{parameter}", self.common.name);
        assert!(
            [self.common.name, case, parameter]
                .into_iter()
                .all(is_segment),
            "{id}: each segment of an id is [a-z0-9_]+"
        );
        assert!(
            self.common.ids.insert(id.clone()),
            "{id}: two cases have this id"
        );
        if let Some(variable) = self.common.without {
            if self.common.arguments.mode != Mode::Talk {
                self.common.skip(&id, variable);
                return;
            }
            // A referee would wait for the turns of whatever is listed.
            if Turns::of_this_process().have_referee() {
                return;
            }
        }

        let runs_for_sure = self.common.arguments.runs_every_case();
        let running = &mut self.common.running;
        let mut set_up = Some(set_up);
        let mut prepare = || {
            let set_up = set_up.take()?;
            if let Some(running) = running.as_mut() {
                running
                    .measuring(&id)
                    .expect("a mark that was begun takes a line");
            }
            Some(set_up())
        };
        let mut state = if runs_for_sure { prepare() } else { None };
        self.group
            .bench_function(BenchmarkId::new(case, parameter), |bencher| {
                if state.is_none() {
                    state = prepare();
                    profiler::begin_if_due();
                }
                let state = state.as_mut().expect("prepared on the first call");
                routine(bencher, state);
            });
    }

    fn set_length(&mut self, length: Length) {
        if self.common.arguments.sets_length {
            if Turns::of_this_process().have_referee() {
                // Turns of equal length, so that both sides wait for each other equally long.
                self.group.sampling_mode(SamplingMode::Flat);
            }
            return;
        }
        let measurement = match (self.common.arguments.quick, self.common.arguments.filtered) {
            (true, false) => QUICK_MEASUREMENT,
            (true, true) => QUICK_MEASUREMENT_OF_CHOSEN,
            (false, _) => length.measurement,
        };
        self.group
            .warm_up_time(length.warm_up)
            .measurement_time(measurement)
            .sample_size(length.n_samples)
            .sampling_mode(length.sampling);
    }
}

impl Common {
    fn skip(&mut self, id: &str, variable: &'static str) {
        match &mut self.running {
            Some(running) => running
                .skipping(id, variable)
                .expect("a mark that was begun takes a line"),
            // Whoever closed the output does not want to know.
            None => drop(writeln!(
                io::stderr(),
                "{id}: not run, {variable} is not set"
            )),
        }
    }
}

/// Whether a text may be a segment of an id.
pub fn is_segment(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

fn configured(arguments: Arguments, places: &Places) -> Criterion {
    let criterion = turns::criterion()
        .without_plots()
        .nresamples(N_RESAMPLES)
        // Criterion finds a relative target directory from the wrong folder; ours is exact.
        .output_directory(&places.criterion)
        .with_profiler(Flamegraphs)
        .configure_from_args();
    if arguments.names_baseline {
        criterion
    } else {
        // Lenient: a missing baseline is no error. The result is stored as `new`, and nothing else happens.
        criterion.retain_baseline(NOTHING_TO_COMPARE.to_owned(), false)
    }
}

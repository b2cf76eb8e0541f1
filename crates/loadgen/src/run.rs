//! One loop that follows a plan: starts what is due, takes up what was seen, and ends when nothing is open any more.
//!
//! ```text
//!   pacer thread ─┐ launch                sightings, on the thread that saw them
//!   closed users ─┴───────► driver.start ─────────────────► collector ──► recorder
//!                                                          │  ▲           health
//!                                    next turn of a user ◄─┘  └── watch, settling
//! ```

mod collector;
mod feed;
mod flights;
mod gathering;
mod ladders;
mod look;
mod pacer;
mod settling;
mod users;

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use self::collector::Collector;
use self::feed::Feed;
use self::flights::{Course, Flight, Launcher};
use self::gathering::Gathering;
use self::look::{Look, used};
use crate::driver::{Capabilities, Driver, Findings, Setting, Sightings, Start};
use crate::error::DriverError;
use crate::health::Health;
use crate::outcome::{Outcome, Outcomes};
use crate::recorder::Recorder;
use crate::sample::Times;
use crate::scenario::{Plan, Scenario};
use crate::share::{AtOnce, Barrier, Worker};
use crate::usage::{Subject, Usage};

/// How often open operations, health and progress are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How long the system has to be told of all that is given up.
const GIVING_UP: Duration = Duration::from_secs(2);

/// One operation that has ended, or was given up.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// What was started.
    pub start: &'a Start,
    /// When what happened, from the begin.
    pub times: &'a Times,
    /// What became of it, before anything that came to light after the run.
    pub outcome: Outcome,
    /// The begin of the run.
    pub begin: Instant,
}

/// Somebody who is told of every operation that has ended.
pub trait Witness: fmt::Debug + Send + Sync {
    /// Called on the generator's event loop, which it must not hold up.
    fn ended(&self, ended: &Ended<'_>);
}

/// How a scenario is run.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// Names the run, as a label and in names: lower-case letters, digits and dashes.
    pub run: String,
    /// How long an operation may take from its intended start; then it is given up as timed out or stuck.
    pub timeout: Duration,
    /// How long the system keeps what has ended; long enough that what a crashed run left behind goes by itself.
    pub ttl: Duration,
    /// How long to wait after the last end for what then returns; zero asks nothing after it.
    pub drain: Duration,
    /// Whose memory and CPU time is looked at.
    pub subject: Subject,
    /// Whose share of the load is made.
    pub worker: Worker,
    /// Where is waited for the begin.
    pub barrier: Arc<dyn Barrier>,
    /// Who is told of every end; nobody if unset.
    pub witness: Option<Arc<dyn Witness>>,
}

impl RunSettings {
    /// A whole run of this name that begins at once; it watches its own process, and waits for nothing after its end.
    pub fn alone(run: &str, timeout: Duration) -> Self {
        /// Long after any run is over.
        const TTL: Duration = Duration::from_secs(3_600);
        Self {
            run: run.to_owned(),
            timeout,
            ttl: TTL,
            drain: Duration::ZERO,
            subject: Subject::Own,
            worker: Worker::ALONE,
            barrier: Arc::new(AtOnce),
            witness: None,
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone)]
pub struct Progress {
    /// Since the begin.
    pub elapsed: Duration,
    /// Operations that the plan has in all.
    pub planned: u64,
    /// Operations that were started.
    pub started: u64,
    /// Operations that have not ended.
    pub in_flight: u64,
    /// Ends per second since the last report.
    pub rate: f64,
    /// How operations ended so far.
    pub outcomes: Outcomes,
    /// The response time that half of all stayed within so far; unset before the first.
    pub p50: Option<Duration>,
    /// That 95 of 100 stayed within.
    pub p95: Option<Duration>,
    /// That 99 of 100 stayed within.
    pub p99: Option<Duration>,
    /// How long it may still take; unset if nothing can be said yet.
    pub left: Option<Duration>,
}

/// What a run found, before anything is judged but the generator.
#[derive(Debug)]
pub struct Ran {
    /// What was planned.
    pub plan: Plan,
    /// What the driver could see.
    pub capabilities: Capabilities,
    /// All samples.
    pub recorder: Recorder,
    /// Whether the generator may be believed.
    pub health: Health,
    /// What came to light afterwards.
    pub findings: Findings,
    /// Operations that were started.
    pub started: u64,
    /// How many were open at once, at the most; unset for a run of several workers, none of which knows of the others.
    pub most_open: Option<u64>,
    /// From the first intended start to the last end.
    pub duration: Duration,
    /// It was broken off.
    pub interrupted: bool,
    /// Objects that could not be removed.
    pub left_over: usize,
    /// Whose memory and CPU time was looked at.
    pub subject: Subject,
    /// What it used, second by second.
    pub usage: Vec<Usage>,
    /// What it used once the load had drained; unset if that was not waited for.
    pub drained: Option<Usage>,
}

/// Runs a scenario, or a worker's share of it. `interrupt` breaks it off in good order; `report` is called several times
/// a second.
///
/// Whatever was made is removed again, also if preparing or running failed.
///
/// # Errors
/// If the system cannot be prepared, watched or asked at the end.
pub async fn run(
    scenario: &Scenario,
    driver: Arc<dyn Driver>,
    settings: &RunSettings,
    interrupt: CancellationToken,
    report: impl FnMut(&Progress) + Send,
) -> Result<Ran, DriverError> {
    settings.subject.check()?;
    let setting = setting(scenario, settings);
    let ran = follow(scenario, &driver, (settings, &setting), interrupt, report).await;
    let removed = driver.clean_up().await;
    let mut ran = ran?;
    ran.left_over = removed?;
    Ok(ran)
}

fn setting(scenario: &Scenario, settings: &RunSettings) -> Setting {
    Setting {
        run: settings.run.clone(),
        tenants: scenario.tenants,
        agents: scenario.agents,
        latency: scenario.llm.latency.map(|latency| latency.0),
        tool_calls: scenario.llm.tool_calls,
        tools: scenario.llm.tools,
        timeout: settings.timeout,
        ttl: settings.ttl,
        seed: scenario.seed,
        worker: settings.worker,
    }
}

async fn follow(
    scenario: &Scenario,
    driver: &Arc<dyn Driver>,
    (settings, setting): (&RunSettings, &Setting),
    interrupt: CancellationToken,
    mut report: impl FnMut(&Progress) + Send,
) -> Result<Ran, DriverError> {
    driver.prepare(setting).await?;
    let gathering = Gathering::new();
    let sightings = Sightings::to(gathering.clone());
    driver.observe(sightings.clone()).await?;

    let worker = setting.worker;
    let plan = worker.plan(scenario.plan());
    let begin = tokio::select! {
        begin = settings.barrier.ready() => begin?,
        () = interrupt.cancelled() => Instant::now(),
    };
    let course = Course::new(driver.clone(), begin, setting.timeout);
    let launcher = Launcher::new(course.clone(), sightings);
    let mut collector = Collector::new(scenario, course.clone(), settings, plan.starts);
    collector.take_usage(used(&course, &settings.subject));
    gathering.begin(collector);
    let stop = interrupt.child_token();
    let stops = stop.clone().drop_guard();
    let feed = Feed {
        launcher,
        worker,
        stop,
        _over: gathering.feeds(),
    };
    feed.begin(scenario, &plan)?;
    let interrupted = gather(
        &gathering,
        (&course, &settings.subject),
        &interrupt,
        &mut report,
    )
    .await;
    let mut collector = gathering.end().expect("nobody else takes it away");
    collector.end();
    // Not before the last look at the generator's threads.
    drop(stops);
    let findings = driver.verify().await?;
    collector.correct(&findings);
    if !settings.drain.is_zero() && !interrupted {
        drain(&**driver, settings.drain, &interrupt).await;
        collector.take_drained(used(&course, &settings.subject));
    }
    Ok(collector.into_ran(plan, driver.capabilities(), findings, interrupted))
}

/// Waits until the system holds nothing of the run any more, as long as it may take.
async fn drain(driver: &dyn Driver, most: Duration, interrupt: &CancellationToken) {
    let mut looks = tokio::time::interval(LOOK);
    let empty = async {
        while driver.inside().objects != Some(0) {
            looks.tick().await;
        }
    };
    tokio::select! {
        () = empty => {}
        () = tokio::time::sleep(most) => {}
        () = interrupt.cancelled() => {}
    }
}

/// Looks after a run until nothing is open; returns whether it was broken off.
async fn gather(
    gathering: &Gathering,
    (course, subject): (&Course, &Subject),
    interrupt: &CancellationToken,
    report: &mut (impl FnMut(&Progress) + Send),
) -> bool {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut interrupted = pin!(interrupt.cancelled());
    let mut settled = pin!(gathering.settled());
    loop {
        tokio::select! {
            biased;
            () = &mut interrupted => {
                let open = course.flights().take_all();
                tell_all_cancelled(course, &open).await;
                gathering.collector().take_cancelled(open);
                return true;
            }
            () = &mut settled => return false,
            _ = looks.tick() => {
                if gathering.collector().wants_a_look() {
                    let look = Look::now(course, subject);
                    gathering.collector().take_look(&look);
                }
                gathering.give_up_overdue();
                let progress = gathering.collector().progress();
                report(&progress);
            }
        }
    }
}

/// Asks the system to give up all that is open.
async fn tell_all_cancelled(course: &Course, open: &[Flight]) {
    let cancelling = open
        .iter()
        .map(|flight| course.driver.cancel(&flight.start));
    let told = futures::future::join_all(cancelling);
    // What cannot be told in time is removed with the rest of the run.
    let _ = tokio::time::timeout(GIVING_UP, told).await;
}

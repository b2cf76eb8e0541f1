//! AgentMaestro: runs that are created, spawn child runs, and are polled by snapshots until they have ended.
//!
//! A start of a scenario with `[runs]` is what a worker of its load test does: one run from its creation to the snapshot
//! that shows its end. Each call on the way is a sample of its own, and so is each tick, a step that a snapshot shows.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use quota::Permit;
use quota::caps::Claim;
use run_state::child::Spawn;
use run_state::delta::Delta;
use run_state::event::Change;
use run_state::json::Json;
use run_state::run::{Origin, RunStatus, Seq};
use run_state::step::StepKind;

use super::changes::{status, step};
use super::world::{RIGHT, World, allowed, workspace};
use super::{Stopped, Told};
use crate::driver::{Start, What};
use crate::outcome::Outcome;
use crate::scenario::platform::Runs;

/// Events of one snapshot.
const PAGE: usize = 500;

/// One call of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// A run, which then goes on by itself.
    Create,
    /// A child of the one parent of all such calls.
    Spawn,
    /// All events of that parent.
    Snapshot,
}

impl Action {
    const ALL: [(&'static str, Self); 3] = [
        ("create", Self::Create),
        ("spawn", Self::Spawn),
        ("snapshot", Self::Snapshot),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        super::named(&Self::ALL, name)
    }

    pub(super) fn names() -> Vec<&'static str> {
        Self::ALL.map(|(name, _)| name).to_vec()
    }
}

/// The parent of calls that are no part of a run.
const PARENT: &str = "parent";

/// Makes the parent of calls that are no part of a run, before any load.
pub(super) async fn make_parent(world: &World) -> Result<(), run_state::StoreError> {
    world.create(PARENT, &Origin::default()).await?;
    world
        .append(PARENT, |_| vec![status(RunStatus::Running)])
        .await?;
    Ok(())
}

/// Makes one call.
pub(super) async fn act(
    world: &Arc<World>,
    action: Action,
    start: &Start,
    told: &Told,
) -> Result<String, Stopped> {
    let workspace = workspace(start.tenant);
    let name = world.name_of(start);
    match action {
        Action::Create => create(world, &workspace, &name, 0).await?,
        Action::Spawn => spawn(world, &workspace, PARENT, &name).await?,
        Action::Snapshot => {
            let known = world.version(PARENT);
            let delta = snapshot(world, &workspace, PARENT, 0).await?;
            if delta.newest_seq < known {
                return Ok("stale".to_owned());
            }
        }
    }
    told.tell(What::Acknowledged);
    Ok(RIGHT.to_owned())
}

/// A run as its user sees it.
pub(super) async fn run(world: &Arc<World>, start: &Start, told: &Told) -> Result<String, Stopped> {
    let Some(runs) = world.runs.clone() else {
        return Err(Stopped::Failed("the scenario has no runs".to_owned()));
    };
    let workspace = workspace(start.tenant);
    let name = world.name_of(start);
    let creating = create(world, &workspace, &name, runs.children);
    told.called(Runs::CREATE, creating).await?;
    told.tell(What::Acknowledged);
    for child in 0..runs.children {
        let child = format!("{name}-{child}");
        let spawning = spawn(world, &workspace, &name, &child);
        if let Err(stopped) = told.called(Runs::SPAWN, spawning).await {
            // Nobody waits for a run that lacks a child.
            world
                .append(&name, |_| vec![status(RunStatus::Canceled)])
                .await?;
            world.is_ended.notify_waiters();
            return Err(stopped);
        }
    }
    let begin = Instant::now();
    let mut seen = Seen::default();
    loop {
        let polling = snapshot(world, &workspace, &name, seen.version);
        let delta = told.called(Runs::SNAPSHOT, polling).await?;
        let ticks = seen.take(&delta);
        (0..ticks).for_each(|_| told.ticked());
        if ticks > 0 {
            told.tell(What::Running);
        }
        match seen.status {
            Some(RunStatus::Completed) if seen.n_done == runs.children => {
                return Ok(RIGHT.to_owned());
            }
            Some(RunStatus::Completed) => return Ok("without all of its children".to_owned()),
            Some(RunStatus::Failed) => return Err(Stopped::Failed("the run failed".to_owned())),
            Some(RunStatus::Canceled) => {
                return Err(Stopped::Failed("the run was canceled".to_owned()));
            }
            _ => {}
        }
        if begin.elapsed() >= runs.poll_timeout.0 {
            return Err(Stopped::Failed(
                "not ended within the poll timeout".to_owned(),
            ));
        }
        tokio::time::sleep(runs.poll_interval.0).await;
    }
}

/// What all snapshots of a run showed so far.
#[derive(Default)]
struct Seen {
    version: Seq,
    status: Option<RunStatus>,
    n_done: usize,
}

impl Seen {
    /// Returns how many steps are new.
    fn take(&mut self, delta: &Delta) -> usize {
        let mut n_steps = 0;
        for event in &delta.events {
            match &event.change {
                Change::StatusChanged { status } => self.status = Some(*status),
                Change::StepAdded { .. } => n_steps += 1,
                Change::ChildChanged { status, .. } => {
                    self.n_done += usize::from(*status == RunStatus::Completed);
                }
                _ => {}
            }
            self.version = event.seq;
        }
        n_steps
    }
}

/// `POST /api/runs/`: the run goes on by itself, and ends after its own step and that of so many children.
async fn create(
    world: &Arc<World>,
    workspace: &str,
    run: &str,
    children: usize,
) -> Result<(), Stopped> {
    let permit = admitted(
        world,
        workspace,
        "create_run",
        &[("parent_runs", workspace), ("total_runs", workspace)],
    )?;
    let origin = Origin {
        workspace: Some(workspace.to_owned()),
        ..Origin::default()
    };
    world.create(run, &origin).await?;
    go_on(world, workspace, run, children, None, permit);
    Ok(())
}

/// `POST /api/runs/<id>/spawn_subrun/`.
async fn spawn(
    world: &Arc<World>,
    workspace: &str,
    parent: &str,
    child: &str,
) -> Result<(), Stopped> {
    let permit = admitted(
        world,
        workspace,
        "spawn_subrun",
        &[("pending_children", parent), ("total_runs", workspace)],
    )?;
    let origin = Origin {
        workspace: Some(workspace.to_owned()),
        parent: Some(parent.to_owned()),
        ..Origin::default()
    };
    world.create(child, &origin).await?;
    let spawned = |index| {
        let spawned = Change::ChildSpawned {
            child: child.to_owned(),
            spawn: Spawn::default(),
        };
        let step = Change::StepAdded {
            index,
            kind: StepKind::Spawn,
            payload: Json::null(),
        };
        vec![spawned, step]
    };
    world.append(parent, spawned).await?;
    go_on(world, workspace, child, 0, Some(parent.to_owned()), permit);
    Ok(())
}

/// `GET /api/runs/<id>/snapshot/?since_seq=`.
async fn snapshot(world: &World, workspace: &str, run: &str, since: Seq) -> Result<Delta, Stopped> {
    if let Some(quotas) = &world.quotas
        && let Some(rate) = quotas.limit("snapshot")
    {
        allowed(quotas.decide(workspace, rate))?;
    }
    Ok(world.store.since(run, since, PAGE).await?)
}

/// A rate and the caps beside it; no permit where nothing is enforced.
fn admitted(
    world: &World,
    workspace: &str,
    rate: &str,
    caps: &[(&str, &str)],
) -> Result<Option<Permit>, Stopped> {
    let Some(quotas) = &world.quotas else {
        return Ok(None);
    };
    let claims: Vec<Claim<'_>> = caps
        .iter()
        .filter_map(|(cap, key)| {
            Some(Claim {
                cap: quotas.cap(cap)?,
                key,
            })
        })
        .collect();
    let Some(rate) = quotas.limit(rate) else {
        return Ok(None);
    };
    let admitted = quotas.admit(workspace, rate, &claims);
    admitted.map(Some).map_err(Stopped::Denied)
}

/// Lets a run do its work on a task of its own.
fn go_on(
    world: &Arc<World>,
    workspace: &str,
    run: &str,
    children: usize,
    parent: Option<String>,
    permit: Option<Permit>,
) {
    let (world, workspace, run) = (world.clone(), workspace.to_owned(), run.to_owned());
    tokio::spawn(async move {
        let worked = work(&world, &workspace, &run, children).await;
        let ended = match worked {
            Ok(()) => RunStatus::Completed,
            Err(_) => RunStatus::Failed,
        };
        // A run that somebody else has ended stays as it is.
        let _ = world.append(&run, |_| vec![status(ended)]).await;
        if let Some(parent) = parent {
            let changed = |_| {
                vec![Change::ChildChanged {
                    child: run.clone(),
                    status: ended,
                }]
            };
            let _ = world.append(&parent, changed).await;
        }
        world.forget(&run);
        drop(permit);
        world.is_ended.notify_waiters();
    });
}

/// One step of the model, and the wait for all children.
async fn work(world: &World, workspace: &str, run: &str, children: usize) -> Result<(), Stopped> {
    let mut talk = world.talk(workspace, run).await?;
    world
        .append(run, |_| vec![status(RunStatus::Running)])
        .await?;
    let said = talk.step().await?;
    drop(talk);
    world.append(run, |index| step(index, &said)).await?;
    if children > 0 {
        all_children_ended(world, run, children).await?;
    }
    Ok(())
}

/// Returns when so many children of a run have ended; fails if the run itself was ended meanwhile.
async fn all_children_ended(world: &World, run: &str, children: usize) -> Result<(), Stopped> {
    loop {
        // Registered before looking, so that no end in between is missed.
        let mut ended = pin!(world.is_ended.notified());
        ended.as_mut().enable();
        let state = world.store.load(run).await?;
        if state.status.is_terminal() {
            return Err(Stopped::Failed("ended by somebody else".to_owned()));
        }
        let all = state.children.iter();
        if all.filter(|child| child.status.is_terminal()).count() >= children {
            return Ok(());
        }
        ended.await;
    }
}

impl Told {
    /// Makes a call, and tells how it went.
    async fn called<T>(
        &self,
        operation: usize,
        call: impl Future<Output = Result<T, Stopped>>,
    ) -> Result<T, Stopped> {
        let began = Instant::now();
        let result = call.await;
        let outcome = match &result {
            Ok(_) => Outcome::Done,
            Err(stopped) => stopped.outcome(),
        };
        self.tell(What::Called {
            operation,
            began,
            outcome,
        });
        result
    }

    /// Tells of a step that a snapshot showed.
    fn ticked(&self) {
        self.tell(What::Called {
            operation: Runs::TICK,
            began: Instant::now(),
            outcome: Outcome::Done,
        });
    }
}

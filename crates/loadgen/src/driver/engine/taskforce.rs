//! Taskforce: sessions that are listed, read, saved and told events, and missions that run in them.

use run_state::StoreError;
use run_state::event::Change;
use run_state::json::Json;
use run_state::message::{Message, Role};
use run_state::run::{Origin, RunStatus};
use run_state::store::Filter;

use super::changes::{status, step};
use super::world::{RIGHT, World, workspace};
use super::{Stopped, Told};
use crate::driver::{Start, What};

/// The operation that asks the model.
pub(super) const MISSION: &str = "mission";

/// Sessions on a page of a list.
const PAGE: usize = 50;

/// Messages of a session when it is made, of [`MESSAGE_BYTES`] each: some 10 KB of history.
const MESSAGES: usize = 25;

/// The length of a message.
const MESSAGE_BYTES: usize = 400;

/// What is done to a session without the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Whether the store answers.
    Health,
    /// The first page.
    List,
    /// One, whole.
    Get,
    /// Something that is worth keeping and changes nothing.
    Event,
    /// One more message.
    Save,
    /// The state that a next iteration begins with.
    Load,
}

impl Action {
    const ALL: [(&'static str, Self); 6] = [
        ("health", Self::Health),
        ("session-list", Self::List),
        ("session-get", Self::Get),
        ("event", Self::Event),
        ("state-save", Self::Save),
        ("state-load", Self::Load),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        super::named(&Self::ALL, name)
    }

    pub(super) fn names() -> Vec<&'static str> {
        let names = Self::ALL.map(|(name, _)| name);
        names.into_iter().chain([MISSION]).collect()
    }
}

/// Makes all sessions with a history, before any load.
pub(super) async fn make_sessions(world: &World) -> Result<(), StoreError> {
    for number in 0..world.sessions {
        let session = session(number);
        let origin = Origin {
            workspace: Some(workspace(0)),
            session: Some(session.clone()),
            ..Origin::default()
        };
        world.create(&session, &origin).await?;
        world
            .append(&session, |_| vec![message(); MESSAGES])
            .await?;
    }
    Ok(())
}

/// Does it to the session of this start.
pub(super) async fn act(
    world: &World,
    action: Action,
    start: &Start,
    told: &Told,
) -> Result<String, Stopped> {
    let session = session(start.id as usize % world.sessions);
    let known = world.version(&session);
    let is_right = match action {
        Action::Health => {
            world.store.list(&Filter::default(), None, 1).await?;
            true
        }
        Action::List => {
            let filter = Filter {
                workspace: Some(workspace(0)),
                ..Filter::default()
            };
            let page = world.store.list(&filter, None, PAGE).await?;
            page.len() >= world.sessions.min(PAGE)
        }
        Action::Get | Action::Load => {
            let state = world.store.load(&session).await?;
            state.id == session && state.version >= known && state.messages.len() >= MESSAGES
        }
        Action::Event => {
            let noted = || Change::Noted {
                kind: "stream".to_owned(),
                payload: Json::null(),
            };
            world.append(&session, |_| vec![noted()]).await? > known
        }
        Action::Save => world.append(&session, |_| vec![message()]).await? > known,
    };
    told.tell(What::Acknowledged);
    Ok(if is_right { RIGHT } else { "wrong" }.to_owned())
}

/// A mission: a run of its own in its session, whose steps are kept as they are done.
pub(super) async fn mission(
    world: &World,
    start: &Start,
    calls: usize,
    told: &Told,
) -> Result<String, Stopped> {
    let run = world.name_of(start);
    let origin = Origin {
        workspace: Some(workspace(start.tenant)),
        session: Some(session(start.id as usize % world.sessions)),
        ..Origin::default()
    };
    world.create(&run, &origin).await?;
    told.tell(What::Acknowledged);
    let mut talk = world.talk(&workspace(start.tenant), &run).await?;
    world
        .append(&run, |_| vec![status(RunStatus::Running)])
        .await?;
    told.tell(What::Running);
    let mut last = String::new();
    for _ in 0..calls {
        last = talk.step().await?;
        world.append(&run, |index| step(index, &last)).await?;
    }
    world
        .append(&run, |_| vec![status(RunStatus::Completed)])
        .await?;
    world.forget(&run);
    Ok(last)
}

fn session(number: usize) -> String {
    format!("session-{number:06}")
}

fn message() -> Change {
    Change::MessageAdded {
        message: Message {
            role: Role::User,
            content: "ahoy ".repeat(MESSAGE_BYTES / 5),
            tool_calls: Vec::new(),
        },
    }
}

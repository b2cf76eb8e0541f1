//! AgentCore's `modular.solve`: plan, execute, verify, each a call of the model. It keeps no state.

use super::world::{World, workspace};
use super::{Stopped, Told};
use crate::driver::{Start, What};

/// Solves one problem; its class says how many calls that takes.
///
/// A success is a valid reply whose answer passed verification: that of the last call, to this very start.
pub(super) async fn solve(
    world: &World,
    start: &Start,
    calls: usize,
    told: &Told,
) -> Result<String, Stopped> {
    told.tell(What::Acknowledged);
    let name = world.name_of(start);
    let mut talk = world.talk(&workspace(start.tenant), &name).await?;
    told.tell(What::Running);
    let mut last = String::new();
    for _ in 0..calls {
        last = talk.step().await?;
    }
    Ok(last)
}

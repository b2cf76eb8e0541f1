//! What operations write into runs, whichever platform they are of.

use run_state::event::Change;
use run_state::json::Json;
use run_state::message::{Message, Role};
use run_state::run::RunStatus;
use run_state::step::StepKind;

/// What one call of the model leaves in a run.
pub(super) fn step(index: u64, said: &str) -> Vec<Change> {
    let message = Message {
        role: Role::Assistant,
        content: said.to_owned(),
        tool_calls: Vec::new(),
    };
    let step = Change::StepAdded {
        index,
        kind: StepKind::ModelCall,
        payload: Json::null(),
    };
    vec![Change::MessageAdded { message }, step]
}

/// A run moves on.
pub(super) fn status(status: RunStatus) -> Change {
    Change::StatusChanged { status }
}

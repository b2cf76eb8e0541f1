//! Ladders of a calibration: bursts of one operation, each larger than the one before and after its last answer.

use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use super::flights::Launcher;
use super::gathering::Over;
use crate::scenario::Scenario;
use crate::schedule::Entry;
use crate::workers::Worker;

/// Climbs all ladders of a scenario, one after the other; a worker makes its share of each burst. `over` is dropped after
/// the last.
pub(super) fn begin(
    scenario: &Scenario,
    worker: Worker,
    launcher: Launcher,
    stop: CancellationToken,
    over: Over,
) {
    let names = scenario.operation_names();
    let mut bursts: Vec<(usize, usize)> = Vec::new();
    for ladder in &scenario.ladders {
        // Checked when the scenario was read.
        let Some(operation) = names.iter().position(|name| *name == ladder.operation) else {
            continue;
        };
        bursts.extend(ladder.sizes.iter().map(|size| (operation, *size)));
    }
    tokio::spawn(async move {
        let _over = over;
        let mut number = 0;
        for (operation, size) in bursts {
            let entry = Entry {
                intended: launcher.begin().elapsed(),
                operation,
                tenant: 0,
                agent: 0,
            };
            let starts = worker.share(0..size).map(|_| {
                number += 1;
                launcher.launch_and_wait(worker.id(number - 1), &entry, entry.intended)
            });
            let ended = join_all(starts).await;
            if stop.is_cancelled() || ended.iter().any(|ended| ended.is_break()) {
                return;
            }
        }
    });
}

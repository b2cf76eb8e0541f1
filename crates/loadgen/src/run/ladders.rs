//! Ladders of a calibration: bursts of one operation, each larger than the one before and after its last answer.

use futures::future::join_all;

use super::feed::Feed;
use crate::scenario::Scenario;
use crate::schedule::Entry;

/// Climbs all ladders of a scenario, one after the other; a worker makes its share of each burst.
pub(super) fn begin(scenario: &Scenario, feed: Feed) {
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
        // The whole, for it holds that starts are still made.
        let feed = feed;
        let mut number = 0;
        for (operation, size) in bursts {
            let entry = Entry {
                intended: feed.launcher.begin().elapsed(),
                operation,
                tenant: 0,
                agent: 0,
            };
            let starts = feed.worker.share(0..size).map(|_| {
                number += 1;
                let id = feed.worker.id(number - 1);
                feed.launcher.launch_and_wait(id, &entry, entry.intended)
            });
            let ended = join_all(starts).await;
            if feed.stop.is_cancelled() || ended.iter().any(|ended| ended.is_break()) {
                return;
            }
        }
    });
}

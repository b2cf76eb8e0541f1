//! Rules about baselines.

use results::accept::Acceptances;
use results::changes;

use crate::{none, root};

#[test]
fn no_baseline_changes_without_a_line_that_says_why() {
    let baselines = root().join("baselines");
    let unvouched = changes::unvouched(&baselines).expect("baselines can be read");
    let breaches: Vec<String> = unvouched
        .into_iter()
        .map(|entry| format!("- <date>, `{}` `{}`: <why>", entry.name, entry.mark))
        .collect();
    none(
        "add above the other lines of baselines/CHANGES.md (`baseline record --because` does):",
        &breaches,
    );
}

#[test]
fn every_accepted_slowdown_can_be_understood() {
    Acceptances::read(&root().join("baselines")).expect("the table parses");
}

//! The union of all shares is the whole.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::schedule::Entry;

fn scenario(load: &str, seed: u64) -> Scenario {
    let text = format!(
        "text = \"A test; does not show anything.\"\nseed = {seed}\ntenants = 5\nagents = 3\n\
        [[operation]]\nname = \"big\"\nweight = 1.0\n[[operation]]\nname = \"small\"\nweight = 3.0\n\
        {load}\n[llm]\nlatency = [\"1s\", \"1s\"]\n"
    );
    Scenario::parse(Path::new("test.toml"), &text).unwrap_or_else(|error| panic!("{error}"))
}

/// What every worker starts, with the numbers of the whole run.
fn union(scenario: &Scenario, workers: usize) -> Vec<(u64, Entry)> {
    let all = (0..workers).map(|number| Worker::new(number, workers).expect("below"));
    let mut union: Vec<(u64, Entry)> = all
        .flat_map(|worker| {
            let plan = worker.plan(scenario.plan());
            let entries = plan.schedule.expect("the load is open").entries;
            assert_eq!(plan.starts, entries.len());
            let numbered = entries.into_iter().enumerate();
            numbered.map(move |(place, entry)| (worker.id(place), entry))
        })
        .collect();
    union.sort_by_key(|(id, _)| *id);
    union
}

#[test]
fn there_is_no_worker_beyond_the_last() {
    assert_eq!(Worker::new(0, 1), Some(Worker::ALONE));
    assert_eq!(Worker::new(4, 4), None);
    assert_eq!(Worker::new(0, 0), None);
}

#[test]
fn the_shares_of_users_and_questions_cover_them_all() {
    let scenario = scenario("[closed]\nusers = 7\nqueries = 100", 1);
    let workers = [0, 1, 2].map(|number| Worker::new(number, 3).expect("below"));
    let starts = workers.map(|worker| worker.plan(scenario.plan()).starts);
    assert_eq!(starts, [34, 33, 33]);
    let users = workers.map(|worker| worker.share(0..7).count());
    assert_eq!(users, [3, 2, 2]);
}

#[test]
fn a_worker_without_a_user_is_refused() {
    let scenario = scenario("[closed]\nusers = 3\nqueries = 100", 1);
    let last = |of: usize| Worker::new(of - 1, of).expect("below");
    assert!(last(3).check(&scenario).is_ok());
    let error = last(4).check(&scenario).expect_err("there are three users");
    assert!(error.to_string().contains("at most 3"), "{error}");
}

proptest! {
    #[test]
    fn the_union_of_all_workers_is_the_single_run(workers in 1_usize..12, seed in 0_u64..1 << 40) {
        let open = "[open]\nstart = 20.0\nstages = [{ duration = \"4s\", rate = 60.0 }]";
        let scenario = scenario(open, seed);
        let single = scenario.plan().schedule.expect("the load is open");
        let single: Vec<(u64, Entry)> = (0..).zip(single.entries).collect();
        prop_assert_eq!(union(&scenario, workers), single);
    }
}

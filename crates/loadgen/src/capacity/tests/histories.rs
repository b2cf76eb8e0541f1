//! Histories that are hard to judge: spoiled trials, contradictions, quotas, systems that come back.

use proptest::prelude::*;

use crate::capacity::search::Search;
use crate::capacity::{Axis, Capacity, Ceiling, Load, Observation, Probe, Purpose, Settings};
use crate::slo::judge::{Judgement, Standing};

fn settings(axis: Axis) -> Settings {
    Settings {
        axis,
        start: 1.0,
        growth: 2.0,
        most: 1024.0,
        resolution: 0.05,
        trial: 100,
        longest_trial: 800,
        hold: 800,
        most_probes: 60,
    }
}

fn seen(standing: Standing, throughput: f64) -> Observation {
    let judgement = Judgement {
        slo: "p95".to_owned(),
        standing,
        estimate: 1.0,
        low: 1.0,
        high: 1.0,
        bound: 1.0,
        samples: 1,
        needed: 1,
    };
    Observation {
        judgements: vec![judgement],
        throughput,
        throughput_error: 0.0,
        in_system: throughput,
        residence: 1.0,
        service_p95: None,
        refusals: 0,
        spoiled: None,
    }
}

fn spoiled() -> Observation {
    Observation {
        spoiled: Some("schedule lag".to_owned()),
        ..seen(Standing::Met, 1e9)
    }
}

/// A system that carries exactly `truth`: closed loops level off there.
fn step(truth: f64) -> impl FnMut(Probe) -> Observation {
    move |probe| match probe.load {
        Load::Closed { users } if probe.purpose == Purpose::Ladder => {
            seen(Standing::Inconclusive, (users as f64).min(truth))
        }
        load if load.value() <= truth => seen(Standing::Met, load.value()),
        _ => seen(Standing::Missed, truth),
    }
}

fn run(axis: Axis, mut system: impl FnMut(Probe) -> Observation) -> Capacity {
    let mut search = Search::new(settings(axis));
    while let Some(probe) = search.next_probe() {
        search.report(probe, system(probe));
    }
    search.finish()
}

proptest! {
    // Each case is three whole searches.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_system_without_chance_is_bracketed_as_narrowly_as_asked(truth in 1.0..900.0_f64) {
        for axis in [Axis::Rate, Axis::Burst, Axis::Concurrency] {
            let capacity = run(axis, step(truth));
            let (pass, fail) = (capacity.highest_pass.expect("a pass"), capacity.first_fail.expect("a fail"));
            prop_assert!(capacity.holds(truth), "{axis:?} {pass} {fail}");
            prop_assert!(fail / pass <= 1.05 + 1e-9 || fail - pass <= 1.0, "{axis:?} {pass} {fail}");
            prop_assert_eq!(capacity.ceiling, Ceiling::Slo);
            prop_assert!(!capacity.non_monotonic);
        }
    }

    #[test]
    fn whatever_comes_back_the_search_ends_and_no_end_stands_on_a_spoiled_trial(
        answers in prop::collection::vec((0..4_u8, 0.1..100.0_f64), 61),
        axis in prop_oneof![Just(Axis::Rate), Just(Axis::Burst), Just(Axis::Concurrency)],
    ) {
        let mut answers = answers.into_iter();
        let capacity = run(axis, |_| {
            let (kind, throughput) = answers.next().expect("no more probes than the settings allow");
            match kind {
                0 => seen(Standing::Met, throughput),
                1 => seen(Standing::Missed, throughput),
                2 => seen(Standing::Inconclusive, throughput),
                _ => spoiled(),
            }
        });
        for (end, standing) in [(capacity.highest_pass, Standing::Met), (capacity.first_fail, Standing::Missed)] {
            if let Some(end) = end {
                let mut here = capacity.trials.iter().filter(|trial| trial.probe.load.value() == end);
                prop_assert!(here.any(|trial| trial.observation.standing() == standing));
            }
        }
        if let (Some(pass), Some(fail)) = (capacity.highest_pass, capacity.first_fail) {
            prop_assert!(pass < fail);
        }
    }
}

#[test]
fn no_capacity_is_stated_from_a_generator_that_spoils_all() {
    for axis in [Axis::Rate, Axis::Burst, Axis::Concurrency] {
        let capacity = run(axis, |_| spoiled());
        assert_eq!((capacity.highest_pass, capacity.first_fail), (None, None));
        assert_eq!(capacity.ceiling, Ceiling::Generator);
        assert!(capacity.trials.len() <= 4, "{axis:?} goes on in vain");
        assert_eq!(capacity.headroom(1.0), None);
    }
}

#[test]
fn a_neighbour_that_spoils_every_third_trial_costs_trials_and_no_answer() {
    for axis in [Axis::Rate, Axis::Burst, Axis::Concurrency] {
        let mut system = step(100.0);
        let quiet = run(axis, &mut system);
        let mut n_trials = 0;
        let noisy = run(axis, |probe| {
            n_trials += 1;
            if n_trials % 3 == 1 {
                return spoiled();
            }
            system(probe)
        });
        assert!(quiet.highest_pass.is_some() && quiet.first_fail.is_some());
        assert_eq!(noisy.highest_pass, quiet.highest_pass, "{axis:?}");
        assert_eq!(noisy.first_fail, quiet.first_fail, "{axis:?}");
    }
}

#[test]
fn a_rung_that_is_spoiled_again_and_again_is_left_out_and_the_ladder_climbs_on() {
    let mut system = step(100.0);
    let quiet = run(Axis::Rate, &mut system);
    let capacity = run(Axis::Rate, |probe| match probe.load {
        Load::Closed { users: 1 | 8 } => spoiled(),
        _ => system(probe),
    });
    let tries = |users| {
        let trials = capacity.trials.iter();
        trials
            .filter(|trial| trial.probe.load == Load::Closed { users })
            .count()
    };
    assert_eq!([1, 2, 4, 8, 16].map(tries), [2, 1, 1, 2, 1]);
    assert_eq!(capacity.highest_pass, quiet.highest_pass);
    assert_eq!(capacity.first_fail, quiet.first_fail);
}

#[test]
fn a_generator_that_cannot_go_on_ends_the_search_below_its_own_ceiling() {
    let mut system = step(1000.0);
    let capacity = run(Axis::Burst, |probe| match probe.load.value() {
        size if size > 40.0 => spoiled(),
        _ => system(probe),
    });
    assert_eq!(capacity.ceiling, Ceiling::Generator);
    assert_eq!(capacity.highest_pass, Some(32.0));
    assert_eq!(capacity.first_fail, None);
}

#[test]
fn refusals_are_a_quota_and_no_capacity() {
    let mut system = step(10.0);
    let capacity = run(Axis::Rate, |probe| Observation {
        refusals: u64::from(probe.load.value() > 10.0),
        ..system(probe)
    });
    assert_eq!(capacity.ceiling, Ceiling::Quota);
}

#[test]
fn a_system_that_comes_back_is_reported_and_bracketed_below_its_first_fail() {
    let capacity = run(Axis::Burst, |probe| match probe.load.value() {
        size if size > 20.0 && size < 26.0 => seen(Standing::Missed, 1.0),
        _ => seen(Standing::Met, 1.0),
    });
    // Rungs 1, 2, 4 … jump over the gap, up to what the settings allow.
    assert_eq!(capacity.ceiling, Ceiling::Settings);
    let capacity = run(Axis::Burst, |probe| match probe.load.value() {
        size if size > 20.0 && size < 40.0 => seen(Standing::Missed, 1.0),
        _ => seen(Standing::Met, 1.0),
    });
    assert!(capacity.non_monotonic);
    assert_eq!(capacity.highest_pass, Some(20.0));
}

#[test]
fn a_pass_that_does_not_hold_is_not_stated() {
    let mut system = step(100.0);
    let capacity = run(Axis::Burst, |probe| {
        if probe.purpose == Purpose::Hold && probe.load.value() > 50.0 {
            return seen(Standing::Missed, 1.0);
        }
        system(probe)
    });
    assert!(
        capacity.highest_pass.is_some_and(|pass| pass <= 50.0),
        "{capacity:?}"
    );
    assert!(!capacity.undecided.is_empty());
}

#[test]
fn a_rung_that_breaks_littles_law_is_no_rung_of_the_fit() {
    let mut system = step(50.0);
    let capacity = run(Axis::Rate, |probe| Observation {
        residence: if probe.purpose == Purpose::Ladder {
            1.1
        } else {
            1.0
        },
        ..system(probe)
    });
    assert!(capacity.trials[0].observation.little_gap() > 0.05);
    assert_eq!(capacity.usl, None);
}

#[test]
fn a_trial_that_cannot_tell_grows() {
    let mut system = step(10.0);
    let capacity = run(Axis::Burst, |probe| {
        if probe.starts < 400 {
            return seen(Standing::Inconclusive, 1.0);
        }
        system(probe)
    });
    let starts: Vec<u64> = capacity
        .trials
        .iter()
        .map(|trial| trial.probe.starts)
        .take(3)
        .collect();
    assert_eq!(starts, [100, 200, 400]);
    assert_eq!(capacity.highest_pass, Some(10.0));
}

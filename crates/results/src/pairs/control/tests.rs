//! When a control fires, when a run is contaminated, and what a case's floor is.

use super::{CONTAMINATION_LEVEL, NullControl, NullEstimates, chance_of};
use crate::pairs::sample::PairCase;
use crate::pairs::synthetic::{around, case, run};
use crate::pairs::test::Clock;
use crate::relevance::PairRelevance;

/// A control of cases that moved by these percentages, and one that was not drawn.
fn control(percents: &[f64]) -> NullControl {
    let drawn = percents.iter().enumerate().map(|(index, percent)| {
        case(&format!("suite/case_{index}")).with_null(&around(*percent, 0.3, 15))
    });
    let mut cases: Vec<PairCase> = drawn.collect();
    cases.push(case("suite/not_drawn").with_rounds(&around(9.0, 0.1, 15)));
    NullControl::of(&run(cases), &PairRelevance::default())
}

#[test]
fn a_run_is_contaminated_where_chance_alone_would_hardly_do_it() {
    for (percents, n_fired, is_contaminated) in [
        (&[][..], 0, false),
        (&[0.0], 0, false),
        (&[1.5], 1, true),
        (&[0.0, 1.5, 0.0, 0.0, 0.0], 1, false),
        (&[0.0, 1.5, 0.0, -1.5, 0.0], 2, true),
        // For good, but by less than a quarter of what matters.
        (&[0.2, 0.2, 0.2, 0.2, 0.2], 0, false),
    ] {
        let control = control(percents);
        assert_eq!(control.n_cases, percents.len());
        assert_eq!(control.fired.len(), n_fired, "{percents:?}");
        assert_eq!(control.is_contaminated(), is_contaminated, "{percents:?}");
    }
}

#[test]
fn the_chance_is_the_binomial_one() {
    for (n_fired, n_cases, expected) in [
        (0, 0, 1.0),
        (0, 5, 1.0),
        (1, 1, 0.005),
        (1, 5, 1.0 - 0.995_f64.powi(5)),
        (2, 2, 0.000_025),
    ] {
        let chance = chance_of(n_fired, n_cases);
        assert!((chance - expected).abs() < 1e-9, "{n_fired} of {n_cases}");
    }
    assert!(chance_of(1, 3) > CONTAMINATION_LEVEL && chance_of(2, 20) < CONTAMINATION_LEVEL);
}

#[test]
fn a_control_with_too_few_rounds_to_fire_does_not_count_as_silent() {
    // Nine rounds reach 0.004, which is enough for one clock and not for two that share a level.
    let few = || case("suite/few").with_null(&around(5.0, 0.1, 9));
    for (case, n_cases, n_fired) in [(few(), 0, 0), (few().in_blocks(), 1, 1)] {
        let control = NullControl::of(&run(vec![case]), &PairRelevance::default());
        assert_eq!((control.n_cases, control.fired.len()), (n_cases, n_fired));
    }
}

#[test]
fn a_floor_is_nearly_the_largest_of_few_estimates_either_way() {
    let mut estimates = NullEstimates::default();
    for percent in [0.1, -1.2, 0.3] {
        estimates.add_run(&run(vec![
            case("suite/drawn").with_null(&around(percent, 0.1, 15)),
            case("suite/blocks").in_blocks().with_null(&[0.1; 15]),
            case("suite/quiet").with_null(&around(0.0, 0.1, 15)),
            case("suite/other"),
        ]));
    }
    let floor = |id: &str, clock| estimates.floor(&case(id).id, clock);
    let drawn = floor("suite/drawn", Clock::Wall).expect("drawn thrice");
    // What the interval of 1.2 % leaves.
    assert!((0.0105..0.012).contains(&drawn), "{drawn}");
    assert!(floor("suite/drawn", Clock::Cpu).is_some());
    assert!(floor("suite/blocks", Clock::Wall).is_some());
    assert_eq!(floor("suite/blocks", Clock::Cpu), None);
    assert_eq!(floor("suite/other", Clock::Wall), None);
}

#[test]
fn scatter_alone_makes_no_floor_however_often_it_is_drawn() {
    let mut estimates = NullEstimates::default();
    for percent in [0.4, -0.5, 0.3, -0.2, 0.5] {
        estimates.add_run(&run(vec![
            case("suite/drawn").with_null(&around(percent, 2.0, 15)),
        ]));
    }
    let floor = estimates.floor(&case("suite/drawn").id, Clock::Wall);
    assert_eq!(floor, Some(0.0));
}

#[test]
fn a_contaminated_run_leaves_the_floors_as_they_are() {
    let mut estimates = NullEstimates::default();
    estimates.add_run(&run(vec![
        case("suite/drawn").with_null(&around(16.0, 0.1, 15)),
    ]));
    assert_eq!(estimates, NullEstimates::default());
}

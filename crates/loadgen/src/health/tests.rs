//! Every signal by itself, and what windows make of a run.

use super::*;

const TIGHTEST: Option<Duration> = Some(Duration::from_secs(1));

fn healthy() -> Reading {
    Reading {
        offered: 1000,
        achieved: 1000,
        lag_p99: Duration::from_micros(200),
        cpu: 0.1,
        waiting: 0.01,
        throttled: Duration::ZERO,
        steal: 0.0,
        loop_lag_p99: Duration::from_millis(1),
        watch_lag_p99: Some(Duration::from_millis(1)),
        socket_errors: 0,
    }
}

fn check(reading: &Reading, verdict: Verdict, reasons: &[Reason]) {
    assert_eq!(
        judge(reading, TIGHTEST),
        (verdict, reasons.to_vec()),
        "{reading:?}"
    );
}

#[test]
fn a_generator_with_time_to_spare_is_valid() {
    check(&healthy(), Verdict::Valid, &[]);
}

#[test]
fn every_signal_can_spoil_a_window_by_itself() {
    let late = Duration::from_millis(11);
    let cases = [
        (
            Reading {
                lag_p99: late,
                ..healthy()
            },
            Reason::ScheduleLag,
        ),
        (
            Reading {
                achieved: 980,
                ..healthy()
            },
            Reason::Achieved,
        ),
        (
            Reading {
                cpu: 0.9,
                ..healthy()
            },
            Reason::Cpu,
        ),
        (
            Reading {
                waiting: 0.3,
                ..healthy()
            },
            Reason::Waiting,
        ),
        (
            Reading {
                throttled: late,
                ..healthy()
            },
            Reason::Throttled,
        ),
        (
            Reading {
                loop_lag_p99: late,
                ..healthy()
            },
            Reason::LoopLag,
        ),
        (
            Reading {
                watch_lag_p99: Some(Duration::from_millis(200)),
                ..healthy()
            },
            Reason::WatchLag,
        ),
        (
            Reading {
                socket_errors: 1,
                ..healthy()
            },
            Reason::Sockets,
        ),
    ];
    for (reading, reason) in cases {
        check(&reading, Verdict::Invalid, &[reason]);
    }
}

#[test]
fn what_the_hypervisor_explains_is_stolen_and_no_fault_of_the_generator() {
    let stolen = Reading {
        steal: 0.06,
        ..healthy()
    };
    check(&stolen, Verdict::Stolen, &[Reason::Steal]);
    let late = Reading {
        loop_lag_p99: Duration::from_millis(18),
        ..stolen
    };
    check(&late, Verdict::Stolen, &[Reason::Steal, Reason::LoopLag]);
    let late_by_itself = Reading {
        steal: 0.02,
        ..late
    };
    check(&late_by_itself, Verdict::Invalid, &[Reason::LoopLag]);
    let busy_too = Reading { cpu: 0.9, ..stolen };
    check(&busy_too, Verdict::Invalid, &[Reason::Cpu, Reason::Steal]);
    let beside_others = Reading {
        waiting: 0.2,
        ..stolen
    };
    check(
        &beside_others,
        Verdict::Invalid,
        &[Reason::Waiting, Reason::Steal],
    );
}

#[test]
fn a_generator_near_its_bounds_is_suspect() {
    check(
        &Reading {
            cpu: 0.6,
            ..healthy()
        },
        Verdict::Suspect,
        &[Reason::Cpu],
    );
}

#[test]
fn a_promise_of_long_latencies_bears_more_lag() {
    let late = Duration::from_millis(20);
    let of_starts = Reading {
        lag_p99: late,
        ..healthy()
    };
    let of_loop = Reading {
        loop_lag_p99: late,
        ..healthy()
    };
    let of_waiting = Reading {
        waiting: 0.3,
        ..healthy()
    };
    for reading in [of_starts, of_loop, of_waiting] {
        let verdict = |tightest| judge(&reading, tightest).0;
        assert_eq!(verdict(None), Verdict::Invalid);
        assert_eq!(verdict(TIGHTEST), Verdict::Invalid);
        assert_eq!(verdict(Some(Duration::from_secs(60))), Verdict::Valid);
    }
}

#[test]
fn one_late_start_among_few_spoils_nothing_and_two_do() {
    let of = |achieved| Reading {
        offered: 83,
        achieved,
        ..healthy()
    };
    check(&of(82), Verdict::Suspect, &[Reason::Achieved]);
    check(&of(81), Verdict::Invalid, &[Reason::Achieved]);
}

fn windows(n_valid: usize, n_invalid: usize) -> Vec<Window> {
    let window = |verdict, reasons: &[Reason]| Window {
        begin: Duration::ZERO,
        reading: healthy(),
        verdict,
        reasons: reasons.to_vec(),
    };
    let valid = std::iter::repeat_n(window(Verdict::Valid, &[]), n_valid);
    let invalid = std::iter::repeat_n(window(Verdict::Invalid, &[Reason::Cpu]), n_invalid);
    valid.chain(invalid).collect()
}

#[test]
fn one_spoiled_window_of_many_makes_a_run_suspect_and_many_spoil_it() {
    let lag = Some(Duration::from_millis(1));
    let verdict = |windows| judge_run(windows, lag, None).verdict;
    assert_eq!(verdict(windows(20, 0)), Verdict::Valid);
    assert_eq!(verdict(windows(20, 1)), Verdict::Suspect);
    assert_eq!(verdict(windows(20, 5)), Verdict::Invalid);
}

#[test]
fn a_run_bears_stolen_windows_as_long_as_most_are_left() {
    let with_stolen = |n_valid, n_invalid, n_stolen| {
        let stolen = Window {
            verdict: Verdict::Stolen,
            reasons: vec![Reason::Steal],
            ..windows(1, 0).remove(0)
        };
        let mut windows = windows(n_valid, n_invalid);
        windows.extend(std::iter::repeat_n(stolen, n_stolen));
        judge_run(windows, Some(Duration::from_millis(1)), None)
    };
    let health = with_stolen(10, 0, 10);
    assert_eq!(health.verdict, Verdict::Suspect);
    assert_eq!(
        (health.reasons.as_slice(), health.n_stolen()),
        (&[Reason::Steal][..], 10)
    );
    assert_eq!(health.stolen_share(), 0.5);
    let health = with_stolen(9, 0, 10);
    assert_eq!(health.verdict, Verdict::Invalid);
    assert_eq!(health.reasons, [Reason::Steal]);
    // What is left is judged by itself.
    assert_eq!(with_stolen(9, 1, 10).verdict, Verdict::Suspect);
    assert_eq!(with_stolen(8, 2, 10).verdict, Verdict::Invalid);
}

#[test]
fn a_late_run_is_spoiled_whatever_its_windows_say() {
    let health = judge_run(windows(20, 0), Some(Duration::from_millis(6)), None);
    assert_eq!(health.verdict, Verdict::Invalid);
    assert_eq!(health.reasons, [Reason::ScheduleLag]);
}

//! Populations are what they were when results were recorded, and as large as they say.

use run_state::codec;
use run_state::population::{self, Size};
use run_state::run::RunState;

/// FNV-1a: enough to notice a change, and no dependency.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Change these only on purpose: recorded results of the codec suites are void with them.
#[test]
fn populations_have_not_changed() {
    let fingerprints =
        Size::ALL.map(|size| fingerprint(&codec::encode(&population::state(1, size))));
    assert_eq!(
        fingerprints,
        [
            0x7e9b_98ec_be61_8d3b,
            0xf855_0499_ab29_5618,
            0xeca2_b02c_61a0_d6d7
        ],
        "{fingerprints:#x?}"
    );
}

#[test]
fn populations_are_as_large_as_they_say() {
    for size in Size::ALL {
        for seed in 0..20 {
            let n_bytes = codec::encode(&population::state(seed, size)).len();
            let off_by = n_bytes.abs_diff(size.bytes()) as f64 / size.bytes() as f64;
            assert!(off_by < 0.05, "seed {seed}: {n_bytes} for {size:?}");
        }
    }
}

#[test]
fn seeds_make_different_runs_of_the_same_make() {
    let states: Vec<RunState> = (0..5)
        .map(|seed| population::state(seed, Size::Usual))
        .collect();
    for state in &states {
        let n_calls: usize = state
            .messages
            .iter()
            .map(|message| message.tool_calls.len())
            .sum();
        assert!(n_calls > 10, "{n_calls} tool calls");
        assert_eq!(state.plan.len(), 5);
        assert!(
            state
                .messages
                .iter()
                .any(|message| !message.content.is_ascii())
        );
    }
    assert_ne!(states[0].messages, states[1].messages);
}

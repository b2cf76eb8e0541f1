//! How much does each hot path allocate? How often, how many bytes, and how many of them at once.
//!
//! Exact, and the same on every machine with this toolchain, so it needs neither valgrind nor quiet: it runs with
//! every `cargo bench` and takes a second. The paths are the twins whose instructions are counted elsewhere; a case has
//! the id of its case in the suite.
//!
//! Counted: what the current thread asks of the allocator inside the path, for all repetitions that are in it, and of a
//! buffer that grows only what it grows by. Not counted: the set-up, giving back what the path returns, other threads,
//! and what the C library allocates for itself.
//! Do not conclude that fewer allocations are faster, nor that the peak is the memory of a process: allocators round
//! up and keep.

use std::path::Path;
use std::process::ExitCode;

use benches::counting::Counting;
use benches::ledger::{self, Ledger};
use benches::twins::{codec, fan_out, queue, quota, transition};
use run_state::population::Size;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    ledger::run(Path::new(env!("CARGO_TARGET_TMPDIR")), |ledger| {
        codec_cases(ledger);
        fan_out_cases(ledger);
        queue_cases(ledger);
        quota_cases(ledger);
        transition_cases(ledger);
    })
}

fn codec_cases(ledger: &mut Ledger) {
    for (encode, decode, size) in [
        ("codec/encode/10kb", "codec/decode/10kb", Size::Small),
        ("codec/encode/100kb", "codec/decode/100kb", Size::Usual),
        ("codec/encode/1mb", "codec/decode/1mb", Size::Large),
    ] {
        ledger.case(encode, || codec::state(size), codec::encode);
        ledger.case(decode, || codec::bytes(size), codec::decode);
    }
}

fn fan_out_cases(ledger: &mut Ledger) {
    for (id, n_targets) in [
        ("fan_out/all_succeed/1_target", 1),
        ("fan_out/all_succeed/16_targets", 16),
        ("fan_out/all_succeed/256_targets", 256),
    ] {
        ledger.case(id, || fan_out::Bare::of(n_targets), fan_out::all_succeed);
    }
}

fn queue_cases(ledger: &mut Ledger) {
    let small = || queue::backlog(1_000);
    let large = || queue::backlog(30_000);
    ledger.case("queue/hand_out/1k_waiting", small, queue::hand_out);
    ledger.case("queue/hand_out/30k_waiting", large, queue::hand_out);
    let ordered = || queue::ordered(30_000);
    ledger.case("queue/order/30k_waiting", ordered, queue::order);
}

fn quota_cases(ledger: &mut Ledger) {
    ledger.case(
        "quota/handle_allow/1_workspace",
        quota::fresh,
        quota::handle_allow,
    );
    ledger.case(
        "quota/handle_deny/1_workspace",
        quota::spent,
        quota::handle_deny,
    );
    let named = || quota::named(1_000);
    ledger.case("quota/name_allow/1k_workspaces", named, quota::name_allow);
    ledger.case(
        "quota/caps_acquire_release/1_workspace",
        quota::capped,
        quota::caps_acquire_release,
    );
}

fn transition_cases(ledger: &mut Ledger) {
    ledger.case(
        "transition/seen/new",
        transition::unclaimed,
        transition::seen,
    );
    for (id, n_targets) in [
        ("transition/executed/1_target", 1),
        ("transition/executed/16_targets", 16),
        ("transition/executed/256_targets", 256),
    ] {
        let running = || transition::running(n_targets);
        ledger.case(id, running, transition::executed);
    }
}

//! Durations by value: Go's syntax in, Go's canonical text out.

use proptest::prelude::*;
use query_api::go_duration::{GoDuration, GoDurationError, parse_nanos};
use std::time::Duration;

fn check(text: &str, nanos: i64) {
    assert_eq!(parse_nanos(text), Ok(nanos), "{text:?}");
}

fn check_canonical(text: &str, canonical: &str) {
    let duration: GoDuration = text.parse().expect(text);
    assert_eq!(duration.to_string(), canonical, "{text:?}");
}

#[test]
fn texts_are_read_by_value() {
    check("0", 0);
    check("+0", 0);
    check("-0", 0);
    check("0s", 0);
    check("5ns", 5);
    check("7us", 7_000);
    check("7\u{b5}s", 7_000);
    check("7\u{3bc}s", 7_000);
    check("100ms", 100_000_000);
    check("1.5h", 5_400_000_000_000);
    check("2m30s", 150_000_000_000);
    check("1h0m0.5s", 3_600_500_000_000);
    check(".5s", 500_000_000);
    check("5.s", 5_000_000_000);
    check("+3s", 3_000_000_000);
    check("30s2m", 150_000_000_000);
    check("1.0000000000000000000000000000001s", 1_000_000_000);
    check("0.9999999999ns", 0);
}

#[test]
fn negative_texts_keep_their_sign_and_count_as_zero_for_a_deadline() {
    check("-1.5h", -5_400_000_000_000);
    check("-1ns", -1);
    assert_eq!("-1.5h".parse(), Ok(GoDuration::default()));
}

#[test]
fn the_whole_range_of_63_bits_is_read_and_no_more() {
    check("9223372036854775807ns", i64::MAX);
    check("2540400h10m10s", 9_145_440_610_000_000_000);
    check("-9223372036854775808ns", i64::MIN);
    for text in [
        "9223372036854775808ns",
        "-9223372036854775809ns",
        "99999999999999999999999h",
        "2562048h",
        "9223372036.854775808s",
        "9000000000s9000000000s",
    ] {
        assert!(
            matches!(parse_nanos(text), Err(GoDurationError::Overflow { .. })),
            "{text:?} gave {:?}",
            parse_nanos(text)
        );
    }
}

#[test]
fn what_go_refuses_is_refused_with_the_reason() {
    let shown = |text: &str| parse_nanos(text).expect_err(text).to_string();
    for text in ["", "-", "+", ".s", "s", "five", "-.h", " 5s", "--5s"] {
        assert!(
            matches!(parse_nanos(text), Err(GoDurationError::Malformed { .. })),
            "{text:?} gave {:?}",
            parse_nanos(text)
        );
    }
    assert_eq!(
        shown("30"),
        "duration \"30\" lacks a unit (ns, us, ms, s, m or h)"
    );
    assert_eq!(
        shown("7d"),
        "duration \"7d\" has the unknown unit \"d\" (known are ns, us, ms, s, m and h)"
    );
    assert_eq!(
        shown("5s "),
        "duration \"5s \" has the unknown unit \"s \" (known are ns, us, ms, s, m and h)"
    );
    assert!(shown(&"x".repeat(100_000)).len() < 200);
}

#[test]
fn the_canonical_text_is_that_of_go() {
    check_canonical("720h", "720h0m0s");
    check_canonical("5m", "5m0s");
    check_canonical("90s", "1m30s");
    check_canonical("1500ms", "1.5s");
    check_canonical("100ms", "100ms");
    check_canonical("0", "0s");
    check_canonical("1ns", "1ns");
    check_canonical("1100ns", "1.1\u{b5}s");
    check_canonical("2.2ms", "2.2ms");
    check_canonical("3.3s", "3.3s");
    check_canonical("1h0m0.5s", "1h0m0.5s");
    check_canonical("4m5.001s", "4m5.001s");
    check_canonical("9223372036854775807ns", "2562047h47m16.854775807s");
    assert_eq!(
        GoDuration(Duration::MAX).to_string(),
        "2562047h47m16.854775807s"
    );
}

proptest! {
    #[test]
    fn canonical_text_reads_back_as_the_same_value(nanos in 0_i64..) {
        let duration = GoDuration(Duration::from_nanos(nanos.unsigned_abs()));
        let text = duration.to_string();
        prop_assert_eq!(parse_nanos(&text), Ok(nanos));
        prop_assert_eq!(text.parse(), Ok(duration));
        prop_assert_eq!(parse_nanos(&format!("-{text}")), Ok(-nanos));
        let json = serde_json::to_string(&duration).expect("a string");
        prop_assert_eq!(serde_json::from_str::<GoDuration>(&json).expect("canonical"), duration);
    }

    #[test]
    fn parts_add_up_in_any_order(hours in 0_i64..1000, minutes in 0_i64..1000, millis in 0_i64..1_000_000) {
        let nanos = ((hours * 60 + minutes) * 60_000 + millis) * 1_000_000;
        prop_assert_eq!(parse_nanos(&format!("{hours}h{minutes}m{millis}ms")), Ok(nanos));
        prop_assert_eq!(parse_nanos(&format!("{millis}ms{hours}h{minutes}m")), Ok(nanos));
    }

    #[test]
    fn short_texts_of_the_right_letters_never_panic(text in "[-+.0-9hmsnuµ]{0,24}") {
        if let Ok(nanos) = parse_nanos(&text) {
            let canonical = text.parse::<GoDuration>().expect("the same text").to_string();
            prop_assert_eq!(parse_nanos(&canonical), Ok(nanos.max(0)));
        }
    }

    #[test]
    fn any_text_at_all_never_panics(text in ".*") {
        let _ = parse_nanos(&text);
    }
}

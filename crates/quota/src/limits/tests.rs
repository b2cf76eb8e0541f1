//! The default set, its text, and what is said about texts that are wrong.

use super::*;

#[test]
fn the_default_set_is_the_calibrated_one() {
    let limits = Limits::default();
    let rates = limits
        .rates()
        .map(|(name, limit)| (name, limit.per_second.as_per_second(), limit.burst.get()));
    assert_eq!(
        rates,
        [
            ("create_run", 10.29, 10),
            ("spawn_subrun", 2.14, 2),
            ("snapshot", 18.49, 18),
            ("run_tick", 41.0, 41),
        ]
    );
    let caps = limits.caps().map(|(_, at_most)| at_most);
    assert_eq!(caps, [5, 12, 4, 6, 1, 20, 5]);
}

#[test]
fn what_is_printed_is_read_back() {
    let mut limits = Limits::default();
    limits.rates.snapshot = RateLimit::new(Rate::per_second(0.1).expect("in range"));
    limits.caps.total_runs = 120;
    let text = limits.to_string();
    assert_eq!(
        Limits::from_toml(&text, "printed").expect("own text"),
        limits
    );
    assert_eq!(
        toml::from_str::<Limits>(&toml::to_string(&limits).expect("plain values"))
            .expect("serde's text"),
        limits
    );
}

#[test]
fn what_a_text_leaves_out_has_its_default() {
    let text = "[rates.create_run]\nper_second = 20.5\n[caps]\nparent_runs = 7\n";
    let limits = Limits::from_toml(text, "partial").expect("valid");
    let mut expected = Limits::default();
    expected.rates.create_run = RateLimit::new(Rate::per_second(20.5).expect("in range"));
    expected.caps.parent_runs = 7;
    assert_eq!(limits, expected);
    assert_eq!(limits.rates.create_run.burst.get(), 20);
    assert_eq!(
        Limits::from_toml("", "empty").expect("valid"),
        Limits::default()
    );
}

fn check_refused(text: &str, line: usize, expected: &str) {
    let error = Limits::from_toml(text, "limits.toml").expect_err(text);
    let message = error.to_string();
    assert!(
        message.starts_with(&format!("limits.toml, line {line}: ")),
        "{message}"
    );
    assert!(message.contains(expected), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn a_wrong_text_is_refused_with_place_and_mend() {
    check_refused(
        "[caps]\n\nparents = 5\n",
        3,
        "unknown field `parents`, expected one of `parent_runs`",
    );
    check_refused(
        "[rate.create_run]\n",
        1,
        "unknown field `rate`, expected `rates` or `caps`",
    );
    check_refused(
        "[caps]\nparents = 5\n",
        2,
        "remove the field or correct its name",
    );
    check_refused(
        "[rates.create_run]\nper_second = 1.0\nper_minute = 2\n",
        3,
        "unknown field `per_minute`",
    );
    check_refused(
        "[rates.create_run]\nper_second = 0.0\n",
        2,
        "give permits per second between",
    );
    check_refused(
        "[rates.create_run]\nper_second = -1.5\n",
        2,
        "invalid rate -1.5",
    );
    check_refused(
        "[rates.create_run]\nper_second = nan\n",
        2,
        "invalid rate NaN",
    );
    check_refused(
        "[rates.create_run]\nper_second = 3.0\nburst = 0\n",
        3,
        "give at least 1",
    );
    check_refused(
        "[rates.create_run]\nburst = 3\n",
        1,
        "missing field `per_second`",
    );
    check_refused("[caps]\nparent_runs = -1\n", 2, "expected u32");
    check_refused("[caps]\nparent_runs = \"many\"\n", 2, "expected u32");
    check_refused(
        "[caps]\nparent_runs = 5\nparent_runs = 6\n",
        3,
        "duplicate key",
    );
    check_refused(
        "[caps\n",
        1,
        "the default set, as printed, is a correct example",
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Limits::load(Path::new("no/such/limits.toml")).expect_err("there is none");
    assert_eq!(error.to_string(), "read limits from no/such/limits.toml");
}

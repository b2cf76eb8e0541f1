//! The tree against `serde_json`, which is right.

use proptest::prelude::*;
use serde_json::Value;

use super::Json;

/// Values of every shape, with keys few enough to meet, and texts that need escapes.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // Quarters, because serde_json reads longer fractions only nearly right by default.
        (-1_000_000..1_000_000).prop_map(|quarters| Value::from(f64::from(quarters) / 4.0 + 0.125)),
        "[a-c\"\\\\\\n\u{e9}\u{1f6a2}]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d\"]{1,2}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn parse(text: &str) -> Json<'_> {
    Json::parse(text.as_bytes()).unwrap()
}

fn reread(json: &Json<'_>) -> Value {
    serde_json::from_slice(&json.to_vec()).unwrap()
}

proptest! {
    #[test]
    fn what_is_parsed_is_written_again(value in any_value()) {
        let text = value.to_string();
        prop_assert_eq!(reread(&parse(&text)), value);
    }

    #[test]
    fn merging_is_that_of_the_merge_patch_library(value in any_value(), patch in any_value()) {
        let (text, patch_text) = (value.to_string(), patch.to_string());
        let mut merged = parse(&text);
        merged.merge(parse(&patch_text));
        let mut expected = value.clone();
        json_patch::merge(&mut expected, &patch);
        prop_assert_eq!(reread(&merged), expected);
    }

    #[test]
    fn sameness_is_that_of_serde_json(a in any_value(), b in any_value()) {
        let (a_text, b_text) = (a.to_string(), b.to_string());
        prop_assert_eq!(parse(&a_text).same(&parse(&b_text)), a == b);
        prop_assert!(parse(&a_text).same(&parse(&a_text)));
    }
}

#[test]
fn sameness_ignores_the_order_of_members() {
    assert!(parse(r#"{"a":1,"b":[{"c":2,"d":3}]}"#).same(&parse(r#"{"b":[{"d":3,"c":2}],"a":1}"#)));
    assert!(!parse(r#"{"a":[1,2]}"#).same(&parse(r#"{"a":[2,1]}"#)));
}

#[test]
fn a_float_without_a_fraction_is_the_integer() {
    assert_eq!(parse("5.0").text(), "5");
    assert_eq!(parse("-0.0").text(), "0");
    assert_eq!(parse("5.25").text(), "5.25");
    assert_eq!(parse("18446744073709551615").text(), "18446744073709551615");
}

#[test]
fn of_repeated_members_the_last_counts() {
    assert_eq!(parse(r#"{"a":1,"b":2,"a":3}"#).text(), r#"{"a":3,"b":2}"#);
}

//! Equal functions of two builds have one name, and the largest change comes first.

use super::{FunctionTable, TABLE_LENGTH, changes, normalised};
use crate::callgrind::{Cost, Costs};

fn costs(own: &[(&str, u64)]) -> Costs {
    let functions = own.iter().map(|(name, own)| {
        let cost = Cost {
            own: *own,
            inclusive: *own,
        };
        ((*name).to_owned(), cost)
    });
    Costs {
        functions: functions.collect(),
        total: own.iter().map(|(_, own)| own).sum(),
    }
}

#[test]
fn two_builds_agree_on_a_name() {
    for (one, other) in [
        (
            "quota::caps::acquire::h0123456789abcdef",
            "quota::caps::acquire::hfedcba9876543210",
        ),
        (
            "quota[0a1b2c3d4e5f6071]::acquire",
            "quota[ffffffffffffffff]::acquire",
        ),
        ("a::b::{closure#0}", "a::b::{closure#12}"),
        ("a::b::{{closure}}", "a::b::{closure#1}"),
        ("core::fmt::write'2", "core::fmt::write"),
        ("a::b.llvm.1234", "a::b"),
        ("unlink_chunk.constprop.0", "unlink_chunk"),
        (
            "<alloc::vec::Vec<u8>>::push",
            "<alloc::vec::Vec<(u64, &str)>>::push",
        ),
        (
            "alloc::raw_vec::RawVec<T,A>::grow_one",
            "alloc::raw_vec::RawVec<U>::grow_one",
        ),
        (
            "a::map::<u8, fn(u8) -> u8>",
            "a::map::<u16, fn(u16) -> u16>",
        ),
        ("0x000000000001ab70", "0x000000000002cd80"),
    ] {
        assert_eq!(normalised(one), normalised(other));
    }
}

#[test]
fn different_functions_keep_different_names() {
    for (one, other) in [
        (
            "<a::T as core::fmt::Display>::fmt",
            "<a::T as core::fmt::Debug>::fmt",
        ),
        ("<a::T<u8> as a::X>::f", "<a::S<u8> as a::X>::f"),
        ("m::<impl a::X for b::S>::f", "m::<impl a::X for b::T>::f"),
        (
            "core::ptr::drop_in_place<a::T>",
            "core::ptr::drop_in_place<a::S>",
        ),
        (
            "core::ptr::drop_in_place::<a::T>",
            "core::ptr::drop_in_place::<a::S>",
        ),
        (
            "core::ptr::drop_in_place<[a::T]>",
            "core::ptr::drop_in_place<a::T>",
        ),
        ("a::b", "a::b::{closure#0}"),
    ] {
        assert_ne!(normalised(one), normalised(other));
    }
}

#[test]
fn plain_names_and_odd_ones_come_through() {
    for name in [
        "malloc",
        "(below main)",
        "__memcpy_avx_unaligned_erms",
        "<a::T as core::ops::Fn<_>>::call",
        "operator<",
        "a::b<unclosed",
        "größe::<_>",
    ] {
        assert_eq!(normalised(name), name);
    }
    assert_eq!(
        normalised(&normalised("<Vec<u8> as T<u8>>::f")),
        "<Vec<_> as T<_>>::f"
    );
}

#[test]
fn the_largest_change_comes_first_in_either_direction() {
    let before = FunctionTable::whole(&costs(&[("a", 100), ("b", 50), ("c", 7), ("gone", 30)]));
    let after = costs(&[("a", 90), ("b", 250), ("c", 7), ("added", 10)]);
    let found: Vec<(String, i64)> = changes(&before, &after)
        .into_iter()
        .map(|change| (change.function, change.change))
        .collect();
    let expected = [("b", 200), ("gone", -30), ("a", -10), ("added", 10)];
    assert_eq!(
        found,
        expected.map(|(name, change)| (name.to_owned(), change))
    );
}

#[test]
fn a_function_that_was_left_out_changed_by_no_less_than_what_is_known() {
    let before = FunctionTable {
        own: [("a".to_owned(), 1_000)].into(),
        left_out: 40,
    };
    let changes = changes(
        &before,
        &costs(&[("a", 1_000), ("small", 30), ("grown", 100)]),
    );
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!((&*changes[0].function, changes[0].before), ("grown", None));
    assert_eq!(changes[0].change, 60);
}

#[test]
fn a_table_holds_the_most_costly_functions_and_the_bound_of_the_rest() {
    let names: Vec<String> = (0..100).map(|n| format!("f{n:03}")).collect();
    let own: Vec<(&str, u64)> = names
        .iter()
        .zip(1..)
        .map(|(name, n)| (&**name, n * 100))
        .collect();
    let table = FunctionTable::most_costly(&costs(&own));
    assert_eq!(table.own.len(), TABLE_LENGTH);
    assert!(table.own.contains_key("f099") && table.own.contains_key("f076"));
    assert_eq!(table.left_out, 7_600);

    let small = FunctionTable::most_costly(&costs(&[("large", 100_000), ("tiny", 1)]));
    assert_eq!((small.own.len(), small.left_out), (1, 1));
}

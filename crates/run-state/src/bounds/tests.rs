//! Windows that never tear a pair, and cuts that never tear a character.

use proptest::prelude::*;

use super::*;
use crate::population::{self, Size};

/// Roles by their first letters.
fn roles(letters: &str) -> Vec<Role> {
    let role = |letter| match letter {
        's' => Role::System,
        'u' => Role::User,
        'a' => Role::Assistant,
        _ => Role::Tool,
    };
    letters.chars().map(role).collect()
}

fn check_window(letters: &str, n_pairs: usize, expected: &str) {
    let window = HistoryWindow::of(&roles(letters), n_pairs);
    let all: Vec<char> = letters.chars().collect();
    let shown: String = window.messages(&all).collect();
    assert_eq!(shown, expected, "{letters} {n_pairs}");
}

#[test]
fn the_prompt_and_the_last_pairs_are_shown() {
    check_window("suauaua", 2, "suaua");
    check_window("suauauau", 2, "suauau");
    check_window("suaua", 50, "suaua");
    check_window("ssuaua", 1, "ssua");
    check_window("uaua", 1, "ua");
    check_window("", 3, "");
    check_window("s", 3, "s");
    check_window("suau", 0, "su");
}

#[test]
fn a_tool_result_stays_with_its_call() {
    check_window("suattatta", 1, "sa");
    check_window("suattatta", 2, "satta");
    check_window("suattatta", 3, "suattatta");
    check_window("suatt", 1, "suatt");
    check_window("suatuat", 1, "suat");
    check_window("suat", 0, "s");
}

#[test]
fn a_system_message_in_the_middle_goes_with_the_pair_after_it() {
    check_window("suasuaua", 1, "sua");
    check_window("suasuaua", 2, "ssuaua".get(..).expect("ascii"));
}

#[test]
fn short_output_is_kept_without_a_copy() {
    let output = "é".repeat(TOOL_OUTPUT_BYTES / 2);
    let kept = truncate_tool_output(&output, TOOL_OUTPUT_BYTES);
    assert!(matches!(kept, Cow::Borrowed(_)));
    assert_eq!(kept, output);
}

#[test]
fn long_output_is_cut_between_characters_and_marked() {
    assert_eq!(truncate_tool_output("abcdef", 3), "abc\n... (truncated)");
    assert_eq!(truncate_tool_output("aéé", 4), "aé\n... (truncated)");
    assert_eq!(truncate_tool_output("🚢🚢", 3), "\n... (truncated)");
    let output = "x".repeat(TOOL_OUTPUT_BYTES + 1);
    let kept = truncate_tool_output(&output, TOOL_OUTPUT_BYTES);
    assert_eq!(kept.len(), TOOL_OUTPUT_BYTES + TRUNCATION_MARKER.len());
}

fn any_roles() -> impl Strategy<Value = Vec<Role>> {
    let role = prop_oneof![
        1 => Just(Role::System),
        3 => Just(Role::User),
        4 => Just(Role::Assistant),
        4 => Just(Role::Tool),
    ];
    prop::collection::vec(role, 0..60)
}

proptest! {
    #[test]
    fn a_window_is_a_prompt_and_a_tail_of_so_many_pairs(roles in any_roles(), n_pairs in 0..10usize) {
        let window = HistoryWindow::of(&roles, n_pairs);
        prop_assert!(window.prompt.end <= window.recent.start);
        prop_assert_eq!(window.recent.end, roles.len());
        let shown = &roles[window.recent.clone()];
        let n_shown = shown.iter().filter(|role| **role == Role::Assistant).count();
        let n_all = roles.iter().filter(|role| **role == Role::Assistant).count();
        prop_assert!(n_shown <= n_pairs);
        if n_all >= n_pairs {
            prop_assert_eq!(n_shown, n_pairs);
        }
        if n_shown < n_all {
            prop_assert!(shown.first() != Some(&Role::Tool), "a result without its call");
        }
    }

    #[test]
    fn a_cut_keeps_a_prefix_of_about_the_length(output in ".{0,60}", at_most in 0..80usize) {
        let kept = truncate_tool_output(&output, at_most);
        match kept.strip_suffix(TRUNCATION_MARKER) {
            Some(prefix) if output.len() > at_most => {
                prop_assert!(output.starts_with(prefix));
                prop_assert!(prefix.len() <= at_most && prefix.len() + 4 > at_most);
            }
            _ => prop_assert_eq!(kept.as_ref(), output.as_str()),
        }
    }
}

#[test]
fn long_fields_are_packed_and_come_back() {
    for (seed, above) in [(1, 0), (2, 64), (3, 1_024), (4, usize::MAX)] {
        let state = population::state(seed, Size::Usual);
        let mut packed = state.clone();
        let fields = pack_fields(&mut packed, above);
        assert_eq!(fields.is_empty(), above == usize::MAX);
        assert_eq!(packed == state, fields.is_empty());
        unpack_fields(&mut packed, &fields);
        assert_eq!(packed, state);
    }
}

#[test]
fn a_field_is_packed_only_if_it_becomes_shorter() {
    assert_eq!(Field::compressed("short", 5), None);
    assert_eq!(Field::compressed("q8Zx0", 4), None, "nothing to be gained");
    let long = "again and ".repeat(100);
    let field = Field::compressed(&long, 64).expect("it is long");
    assert!(field.n_bytes() < long.len() / 5);
    assert_eq!(field.text(), long);
}

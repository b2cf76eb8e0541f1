//! What a caught panic said.

use std::any::Any;

/// The message of a panic, if it was text.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::panic::{catch_unwind, panic_any};

    use super::*;

    #[test]
    fn a_message_is_found_however_it_was_made() {
        let check = |panics: fn(), wanted: &str| {
            let panic = catch_unwind(panics).unwrap_err();
            assert_eq!(message(&*panic), wanted);
        };
        check(|| panic!("literal"), "literal");
        check(|| panic!("number {}", std::hint::black_box(7)), "number 7");
        check(|| panic_any(7), "no message");
    }
}

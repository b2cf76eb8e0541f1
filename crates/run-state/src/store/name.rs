//! Names of runs as names of files: everything but letters, digits, `-` and `_` by number.

/// The name of a file, without its extension.
pub(crate) fn encode(run: &str) -> String {
    let mut name = String::with_capacity(run.len());
    for byte in run.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02x}"));
        }
    }
    name
}

/// The run of a file; `None` if no run has this file.
pub(crate) fn decode(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    let run = String::from_utf8(bytes).ok()?;
    (encode(&run) == name).then_some(run)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_name_is_found_again_and_stays_in_the_folder(run: String) {
            let name = encode(&run);
            prop_assert!(!name.contains(['/', '.', '\0']));
            prop_assert_eq!(decode(&name), Some(run));
        }

        #[test]
        fn no_two_files_are_one_run(name in "[a%0-9A-F.]{0,8}") {
            if let Some(run) = decode(&name) {
                prop_assert_eq!(encode(&run), name);
            }
        }
    }
}

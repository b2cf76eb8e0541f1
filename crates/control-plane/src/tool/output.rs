//! What of a tool's output goes on.

use bytes::Bytes;

/// The output as text of at most `limit` bytes, cut between characters, and a marker where something is missing.
///
/// `is_cut` says that more was sent than was read. Bytes that are not UTF-8 become replacement characters.
pub(crate) fn text(body: &Bytes, is_cut: bool, limit: usize) -> String {
    let text = String::from_utf8_lossy(body);
    if text.len() <= limit && !is_cut {
        return text.into_owned();
    }
    let mut ends = (0..=limit.min(text.len())).rev();
    let end = ends.find(|end| text.is_char_boundary(*end));
    let end = end.unwrap_or_default();
    let missing = text.len() - end;
    let at_least = if is_cut { "at least " } else { "" };
    format!(
        "{}\n[truncated: {at_least}{missing} more bytes]",
        &text[..end]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, limit: usize, wanted: &str) {
        let body = Bytes::copy_from_slice(body.as_bytes());
        assert_eq!(text(&body, false, limit), wanted);
    }

    #[test]
    fn output_is_cut_between_characters() {
        check("abcdef", 6, "abcdef");
        check("abcdef", 4, "abcd\n[truncated: 2 more bytes]");
        check("aäöü", 4, "aä\n[truncated: 4 more bytes]");
        check("🦀🦀", 7, "🦀\n[truncated: 4 more bytes]");
        check("🦀", 3, "\n[truncated: 4 more bytes]");
        check("", 0, "");
    }

    #[test]
    fn output_that_was_not_read_to_its_end_says_so() {
        let body = Bytes::from_static(b"abc");
        let wanted = "ab\n[truncated: at least 1 more bytes]";
        assert_eq!(text(&body, true, 2), wanted);
    }
}

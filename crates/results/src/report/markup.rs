//! Text inside XML and HTML.

/// Text that no element and no attribute ends early.
///
/// Characters that XML 1.0 does not know, such as the escape of a coloured panic message, are replaced; line ends
/// become references, because an attribute would turn them into spaces.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\r' => escaped.push_str("&#13;"),
            '\u{0}'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// A name, escaped, that may break behind the marks between its words.
pub(super) fn breakable(name: &str) -> String {
    // No reference that stands for a letter holds one of these marks.
    let escaped = escaped(name);
    escaped.replace('/', "/<wbr/>").replace('_', "_<wbr/>")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn no_text_ends_its_element_or_attribute() {
        for (text, expected) in [
            ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
            ("\"it's\"", "&quot;it&#39;s&quot;"),
            ("one\ntwo", "one&#10;two"),
            ("\u{1b}[31mred\u{0}", "\u{fffd}[31mred\u{fffd}"),
            ("Größe ÷ 2", "Größe ÷ 2"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }
}

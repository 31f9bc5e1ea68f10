//! Texts within bounds.

/// At most `limit` characters, the last an ellipsis where some were cut.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// One line without control characters: what may stand in a header, a subject or a headline.
pub(crate) fn line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() || is_format(c) { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Characters that turn the direction of text or hide: a name of a resource must not reorder what stands beside it
/// (Unicode Standard Annex #9, explicit directional formatting characters; U+200B–U+200F, U+2028–U+202E, U+2066–U+2069).
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Several lines, without other control characters.
pub(crate) fn lines(text: &str) -> String {
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hold_no_breaks_and_nothing_hidden() {
        assert_eq!(line("a\r\nBcc: x@y\u{202e}\u{7}b"), "a Bcc: x@y b");
        assert_eq!(lines("a\u{0}\n b\u{200b}"), "a\nb");
        assert_eq!(cut("日本語です", 4), "日本語…");
        assert_eq!(cut("abcd", 4), "abcd");
    }
}

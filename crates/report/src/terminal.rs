//! Text on a terminal: colours where they are wanted, columns by display width, nothing that an AWS tag could smuggle in.

use crate::Style;
use std::borrow::Cow;
use textwrap::{Options, WordSplitter};
use unicode_width::UnicodeWidthStr;
use yagura_model::{Severity, Status};

/// An ANSI colour or weight, by its SGR parameters, none for the terminal's own. All are of the 16 that every theme redefines legibly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ink(&'static str);

impl Ink {
    pub const PLAIN: Self = Self("");
    pub const BOLD: Self = Self("1");
    pub const DIM: Self = Self("2");
    pub const GREEN: Self = Self("32");
    const MAGENTA: Self = Self("1;35");
    const RED: Self = Self("1;31");
    const YELLOW: Self = Self("33");
    const BLUE: Self = Self("34");

    pub const fn of_severity(severity: Severity) -> Self {
        match severity {
            Severity::Critical => Self::MAGENTA,
            Severity::High => Self::RED,
            Severity::Medium => Self::YELLOW,
            Severity::Low => Self::BLUE,
            Severity::Info => Self::DIM,
        }
    }

    pub const fn of_status(status: Status) -> Self {
        match status {
            Status::Fail => Self::RED,
            Status::Unknown => Self::YELLOW,
            Status::Pass => Self::GREEN,
            Status::NotApplicable => Self::DIM,
        }
    }
}

/// A terminal of a width, with or without colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    colour: bool,
    /// The columns that text may fill.
    pub width: usize,
}

impl Terminal {
    pub fn new(style: &Style) -> Self {
        Self { colour: style.colour, width: style.width.clamp(40, 110) }
    }

    /// `text` in `ink`; as it is where colours are off.
    pub fn paint(self, ink: Ink, text: &str) -> String {
        if self.colour && !text.is_empty() && ink != Ink::PLAIN {
            format!("\x1b[{}m{text}\x1b[0m", ink.0)
        } else {
            text.to_owned()
        }
    }

    /// Lines of `text` that fit, each after `indent`; Japanese breaks by the Unicode line breaking rules.
    pub fn wrap(self, text: &str, indent: &str) -> Vec<String> {
        self.wrap_hanging(text, indent, indent)
    }

    /// As [`Self::wrap`], the first line after `first` and the others after `rest`.
    pub fn wrap_hanging(self, text: &str, first: &str, rest: &str) -> Vec<String> {
        wrap(text, self.width, first, rest)
    }
}

/// How many columns `text` fills on a terminal: two for a wide letter (Unicode TR 11), none for a mark that joins the
/// letter before it.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Lines of `text` of at most `columns`, the first after `first` and the others after `rest`; at least one. Japanese
/// breaks by the Unicode line breaking rules (TR 14), and a word that no line can hold is broken anywhere.
pub fn wrap(text: &str, columns: usize, first: &str, rest: &str) -> Vec<String> {
    wrapped(text, options(columns, first, rest))
}

/// As [`wrap`], but a word that no line can hold stays whole: an ARN is to be copied.
pub fn wrap_whole(text: &str, columns: usize, first: &str, rest: &str) -> Vec<String> {
    wrapped(text, options(columns, first, rest).break_words(false))
}

fn options<'a>(columns: usize, first: &'a str, rest: &'a str) -> Options<'a> {
    Options::new(columns).initial_indent(first).subsequent_indent(rest).word_splitter(WordSplitter::NoHyphenation)
}

fn wrapped(text: &str, options: Options<'_>) -> Vec<String> {
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}

/// `text`, then spaces up to `columns`.
pub(crate) fn left(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Spaces up to `columns`, then `text`.
pub(crate) fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

/// `text` cut to at most `columns`, ending in an ellipsis where some was cut.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        let mut longer = out.clone();
        longer.push(c);
        if width(&longer) + 1 > columns {
            break;
        }
        out = longer;
    }
    out.push('…');
    out
}

/// `text` on one line without control characters (a terminal would obey them) and without marks that reorder what
/// is read (Unicode TR 9); each becomes a visible replacement character, line breaks and tabs a space.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return text.into();
    }
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if is_unsafe(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Whether `c` is a control character or one that reorders the text around it.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn japanese_fills_two_columns_a_letter() {
        assert_eq!(left("重大", 6), "重大  ");
        assert_eq!(right("高", 4), "  高");
        assert_eq!(cut("バケットの暗号化", 9), "バケット…");
        assert_eq!(cut("バケット", 8), "バケット");
    }

    proptest! {
        #[test]
        fn clean_text_cannot_steer_a_terminal(text in any::<String>()) {
            prop_assert!(!clean(&text).contains(is_unsafe));
        }

        #[test]
        fn cut_text_fits(text in "\\PC{0,40}", columns in 1usize..30) {
            prop_assert!(width(&cut(&text, columns)) <= columns);
        }
    }
}

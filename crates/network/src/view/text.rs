//! Texts in columns: a Latin letter takes one, a Japanese one two.

/// The columns of a text.
pub fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// Blocks of East Asian wide and fullwidth characters (Unicode Standard Annex #11), and emoji.
fn columns(c: char) -> usize {
    let wide = [
        (0x1100, 0x115f),
        (0x2e80, 0x303e),
        (0x3041, 0xa4cf),
        (0xac00, 0xd7a3),
        (0xf900, 0xfaff),
        (0xfe30, 0xfe6f),
        (0xff00, 0xff60),
        (0xffe0, 0xffe6),
        (0x1f300, 0x1faff),
        (0x20000, 0x3fffd),
    ];
    let at = u32::from(c);
    if wide.iter().any(|(first, last)| (*first..=*last).contains(&at)) { 2 } else { 1 }
}

/// Breaks a text into lines of at most `most` columns: at blanks and after `-`, `/`, `:`, `,` where there is one in
/// the second half of the line, else anywhere. Control characters are left out.
pub fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for c in text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !c.is_control()) {
        if width(&line) + columns(c) > most.max(2) {
            let cut = line.rfind([' ', '-', '/', ':', ',']).map(|at| at + 1).filter(|at| *at * 4 > line.len());
            let rest = cut.map(|at| line.split_off(at)).unwrap_or_default();
            lines.push(std::mem::replace(&mut line, rest));
        }
        line.push(c);
    }
    lines.push(line);
    lines.iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// The same in `most_lines` lines: of a longer text the beginning, with `…`.
pub fn fitted(text: &str, most: usize, most_lines: usize) -> Vec<String> {
    let mut lines = wrapped(text, most);
    if lines.len() > most_lines {
        lines.truncate(most_lines);
        if let Some(last) = lines.last_mut() {
            while width(last) + 1 > most {
                last.pop();
            }
            last.push('…');
        }
    }
    lines
}

/// A text within XML. Characters that XML does not allow are left out.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

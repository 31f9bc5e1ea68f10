//! Texts in columns: a Latin letter takes one, a Japanese one two.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Breaks a text into lines of at most `most` columns: at blanks and after `-`, `/`, `:`, `,` where there is one in
/// the second half of the line, else anywhere. Control characters are left out.
pub fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for c in text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !c.is_control()) {
        if line.width() + c.width().unwrap_or(0) > most.max(2) {
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
            while last.width() + 1 > most {
                last.pop();
            }
            last.push('…');
        }
    }
    lines
}

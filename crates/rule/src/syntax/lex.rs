//! The text of an expression → its words.

use super::{Span, SyntaxError};
use yagura_model::Value;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    Literal(Value),
    Name(String),
    Symbol(&'static str),
}

impl TokenKind {
    /// As it stands in messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Literal(v) => format!("`{v}`"),
            Self::Name(n) => format!("`{n}`"),
            Self::Symbol(s) => format!("`{s}`"),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

const SYMBOLS: [&str; 25] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ".", ",", "(", ")", "[", "]",
    "{", "}", "=",
];

/// The words of an expression; white space and `//` comments are left out.
pub(super) fn lex(text: &str) -> Result<Vec<Token>, SyntaxError> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..)
        && let Some(c) = rest.chars().next()
    {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (kind, len) = if c.is_ascii_digit() {
            lex_number(rest, at)?
        } else if c == '"' || c == '\'' {
            lex_text(rest, at)?
        } else if c.is_ascii_alphabetic() || c == '_' {
            let len = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let word = rest.get(..len).unwrap_or_default();
            let kind = match word {
                "true" => TokenKind::Literal(Value::Bool(true)),
                "false" => TokenKind::Literal(Value::Bool(false)),
                "in" => TokenKind::Symbol("in"),
                _ => TokenKind::Name(word.to_owned()),
            };
            (kind, len)
        } else if let Some(s) = SYMBOLS.iter().find(|s| rest.starts_with(**s)) {
            (TokenKind::Symbol(s), s.len())
        } else {
            return Err(SyntaxError {
                message: format!("`{c}` has no meaning here"),
                span: Span { start: at, end: at + c.len_utf8() },
            });
        };
        out.push(Token { kind, span: Span { start: at, end: at + len } });
        at += len;
    }
    Ok(out)
}

fn lex_number(rest: &str, at: usize) -> Result<(TokenKind, usize), SyntaxError> {
    let digits = |from: usize| {
        let tail = rest.get(from..).unwrap_or_default();
        from + tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len())
    };
    let mut len = digits(0);
    let mut float = false;
    let tail = rest.get(len..).unwrap_or_default();
    if tail.starts_with('.') && tail.chars().nth(1).is_some_and(|c| c.is_ascii_digit()) {
        float = true;
        len = digits(len + 1);
    }
    let tail = rest.get(len..).unwrap_or_default();
    if tail.starts_with(['e', 'E']) {
        let sign = usize::from(tail.get(1..2).is_some_and(|s| s == "+" || s == "-"));
        let end = digits(len + 1 + sign);
        if end > len + 1 + sign {
            float = true;
            len = end;
        }
    }
    let word = rest.get(..len).unwrap_or_default();
    let value = if float { word.parse().ok().map(Value::Float) } else { word.parse().ok().map(Value::Int) };
    let span = Span { start: at, end: at + len };
    value
        .map(|v| (TokenKind::Literal(v), len))
        .ok_or_else(|| SyntaxError { message: format!("`{word}` does not fit a 64-bit number"), span })
}

fn lex_text(rest: &str, at: usize) -> Result<(TokenKind, usize), SyntaxError> {
    let mut chars = rest.char_indices();
    let quote = chars.next().map_or('"', |(_, c)| c);
    let mut out = String::new();
    while let Some((i, c)) = chars.next() {
        // As in CEL, a text ends on its line.
        if c == '\n' || c == '\r' {
            return Err(SyntaxError {
                message: format!("text that begins with `{quote}` never ends"),
                span: Span { start: at, end: at + i },
            });
        }
        if c == quote {
            return Ok((TokenKind::Literal(Value::text(out)), i + c.len_utf8()));
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some((_, 'n')) => out.push('\n'),
            Some((_, 't')) => out.push('\t'),
            Some((_, 'r')) => out.push('\r'),
            Some((_, c @ ('\\' | '"' | '\'' | '`' | '?'))) => out.push(c),
            Some((j, c)) => {
                let span = Span { start: at + i, end: at + j + c.len_utf8() };
                return Err(SyntaxError {
                    message: format!("`\\{c}` is not an escape; use `\\n`, `\\t`, `\\r`, `\\\\`, `\\\"` or `\\'`"),
                    span,
                });
            }
            None => break,
        }
    }
    Err(SyntaxError {
        message: format!("text that begins with `{quote}` never ends"),
        span: Span { start: at, end: at + rest.len() },
    })
}

//! Text with wildcards and policy variables (IAM User Guide, `reference_policies_variables`).

use crate::document::Version;
use crate::pattern::{Glob, Token};
use smol_str::SmolStr;

/// A text read once: a pattern, or pieces that need the request context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// No variable in it.
    Fixed(Glob),
    /// With variables.
    Pieces {
        /// In their order.
        pieces: Box<[Piece]>,
        /// Whether the case of ASCII letters counts.
        ignore_case: bool,
    },
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A wildcard or character.
    Token(Token),
    /// `${key}` or `${key, 'default'}`; the key in lower case.
    Variable {
        /// The condition key.
        key: SmolStr,
        /// What stands in where the key is absent.
        default: Option<SmolStr>,
    },
}

/// What a variable stands for in one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// The text to match.
    Pattern(Glob),
    /// A key without value or default, or with several values: nothing matches.
    Nothing,
    /// A key that is not known.
    Open,
}

/// How to read a text.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Decides whether `${…}` is a variable.
    pub version: Version,
    /// Whether `*` and `?` are wildcards.
    pub wildcards: bool,
    /// Whether the case of ASCII letters does not count.
    pub ignore_case: bool,
}

/// Reads the pieces of a text. `${*}`, `${?}` and `${$}` are those characters; an unclosed `${` is text.
pub fn pieces(text: &str, version: Version, wildcards: bool) -> Vec<Piece> {
    let mut found = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut may_close = version == Version::V2012;
    while let Some(c) = rest.chars().next() {
        if let Some(opened) = rest.strip_prefix("${").filter(|_| may_close) {
            if let Some((inner, tail)) = opened.split_once('}') {
                found.push(variable(inner));
                rest = tail;
                continue;
            }
            may_close = false;
        }
        found.push(Piece::Token(match c {
            '*' if wildcards => Token::Many,
            '?' if wildcards => Token::One,
            c => Token::Char(c),
        }));
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    found
}

fn variable(inner: &str) -> Piece {
    match inner {
        "*" => Piece::Token(Token::Char('*')),
        "?" => Piece::Token(Token::Char('?')),
        "$" => Piece::Token(Token::Char('$')),
        _ => {
            let (key, default) = match inner.split_once(',') {
                Some((key, default)) => (key, Some(default.trim())),
                None => (inner, None),
            };
            let default = default.and_then(|d| d.strip_prefix('\'')?.strip_suffix('\'')).map(SmolStr::new);
            Piece::Variable { key: SmolStr::new(key.trim().to_ascii_lowercase()), default }
        }
    }
}

impl Template {
    /// Reads a text.
    pub fn new(text: &str, reading: Reading) -> Self {
        if reading.version == Version::V2008 || !text.contains("${") {
            return Self::Fixed(match (reading.wildcards, reading.ignore_case) {
                (true, true) => Glob::ignoring_case(text),
                (true, false) => Glob::new(text),
                (false, ignore_case) => Glob::literally(text, ignore_case),
            });
        }
        Self::from_pieces(pieces(text, reading.version, reading.wildcards), reading.ignore_case)
    }

    /// A template of these pieces.
    pub fn from_pieces(pieces: Vec<Piece>, ignore_case: bool) -> Self {
        if pieces.iter().all(|p| matches!(p, Piece::Token(_))) {
            return Self::Fixed(glob(&pieces, ignore_case, |_| None));
        }
        Self::Pieces { pieces: pieces.into(), ignore_case }
    }

    /// The keys that its variables name, in lower case.
    pub fn variables(&self) -> impl Iterator<Item = &SmolStr> {
        let pieces: &[Piece] = match self {
            Self::Fixed(_) => &[],
            Self::Pieces { pieces, .. } => pieces,
        };
        pieces.iter().filter_map(|p| match p {
            Piece::Variable { key, .. } => Some(key),
            Piece::Token(_) => None,
        })
    }

    /// The pattern in a request whose keys have these values.
    pub fn resolve<'v>(&self, lookup: &dyn Fn(&str) -> Lookup<'v>) -> Resolved {
        let (pieces, ignore_case) = match self {
            Self::Fixed(glob) => return Resolved::Pattern(glob.clone()),
            Self::Pieces { pieces, ignore_case } => (pieces, *ignore_case),
        };
        let mut open = false;
        for piece in pieces {
            let Piece::Variable { key, default } = piece else { continue };
            match lookup(key) {
                Lookup::Open => open = true,
                Lookup::Values([one]) if !one.is_empty() => {}
                _ if default.is_none() => return Resolved::Nothing,
                _ => {}
            }
        }
        if open {
            return Resolved::Open;
        }
        Resolved::Pattern(glob(pieces, ignore_case, |key| match lookup(key) {
            Lookup::Values([one]) if !one.is_empty() => Some(one.clone()),
            _ => None,
        }))
    }
}

/// The pattern of these pieces; the values of variables are plain characters in it.
fn glob(pieces: &[Piece], ignore_case: bool, value: impl Fn(&str) -> Option<SmolStr>) -> Glob {
    let mut tokens = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Token(token) => tokens.push(*token),
            Piece::Variable { key, default } => {
                let text = value(key).or_else(|| default.clone()).unwrap_or_default();
                tokens.extend(text.chars().map(Token::Char));
            }
        }
    }
    let fold = |t| match t {
        Token::Char(c) if ignore_case => Token::Char(c.to_ascii_lowercase()),
        t => t,
    };
    Glob::from_tokens(tokens.into_iter().map(fold), ignore_case)
}

/// What a request says of a condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// The key is not in the request.
    Absent,
    /// It has these values, at least one.
    Values(&'a [SmolStr]),
    /// Nothing is known of it.
    Open,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(text: &str, version: Version, values: &[(&str, &[&str])], against: &str) -> Option<bool> {
        let template = Template::new(text, Reading { version, wildcards: true, ignore_case: false });
        let owned: Vec<(&str, Vec<SmolStr>)> =
            values.iter().map(|(k, v)| (*k, v.iter().map(SmolStr::new).collect())).collect();
        let lookup = |key: &str| match owned.iter().find(|(k, _)| *k == key) {
            Some((_, v)) if v.is_empty() => Lookup::Open,
            Some((_, v)) => Lookup::Values(v),
            None => Lookup::Absent,
        };
        match template.resolve(&lookup) {
            Resolved::Pattern(glob) => Some(glob.matches(against)),
            Resolved::Nothing => Some(false),
            Resolved::Open => None,
        }
    }

    #[test]
    fn variables() {
        let user: &[(&str, &[&str])] = &[("aws:username", &["a*b"])];
        for (name, text, version, values, against, want) in [
            ("plain", "home/${aws:username}/*", Version::V2012, user, "home/a*b/x", Some(true)),
            ("no wildcard in a value", "${aws:username}", Version::V2012, user, "axb", Some(false)),
            ("case of the key", "${AWS:UserName}", Version::V2012, user, "a*b", Some(true)),
            ("2008 has none", "${aws:username}", Version::V2008, user, "${aws:username}", Some(true)),
            ("absent", "${aws:username}", Version::V2012, &[], "", Some(false)),
            ("default", "${aws:username, 'anyone'}", Version::V2012, &[], "anyone", Some(true)),
            ("default not needed", "${aws:username, 'anyone'}", Version::V2012, user, "a*b", Some(true)),
            ("escapes", "${*}${?}${$}", Version::V2012, &[], "*?$", Some(true)),
            ("escaped is no wildcard", "${*}", Version::V2012, &[], "x", Some(false)),
            ("unclosed", "${aws", Version::V2012, &[], "${aws", Some(true)),
            ("several values", "${k}", Version::V2012, &[("k", &["a", "b"])], "a", Some(false)),
            ("open", "${k}", Version::V2012, &[("k", &[])], "a", None),
        ] {
            assert_eq!(matches(text, version, values, against), want, "{name}");
        }
    }
}

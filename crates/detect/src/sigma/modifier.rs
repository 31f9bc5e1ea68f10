//! From a line's key and values to an [`Item`]: the modifiers, in their order.

use super::item::{Comparison, Item, Place, Test};
use super::part::Part;
use super::text::{Pattern, Token, plain, tokens};
use crate::pattern::Block;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::RegexBuilder;
use smol_str::SmolStr;
use std::collections::HashMap;
use std::net::IpAddr;
use yagura_rule::nearest_hint;
use yagura_rule::yaml::YamlKind;

/// What placeholders (`%name%` under `expand`) stand for.
pub type Placeholders = HashMap<SmolStr, Vec<SmolStr>>;

/// How many values one line may grow to by `expand`, `windash` and their like.
const MAX_VALUES: usize = 10_000;

const KNOWN: [&str; 31] = [
    "all",
    "base64",
    "base64offset",
    "cased",
    "cidr",
    "contains",
    "day",
    "endswith",
    "exists",
    "expand",
    "fieldref",
    "gt",
    "gte",
    "hour",
    "i",
    "lt",
    "lte",
    "m",
    "minute",
    "month",
    "neq",
    "re",
    "s",
    "startswith",
    "utf16",
    "utf16be",
    "utf16le",
    "week",
    "wide",
    "windash",
    "year",
];

/// A value on its way.
#[derive(Debug, Clone)]
enum Worth {
    Text(Vec<Token>),
    Bytes(Vec<u8>),
    Number(f64, String),
    Bool(bool),
    Null,
}

/// Reads `field|modifier|…` with its values. The message says what cannot be honoured. Placeholders for which nothing is given are added
/// to `unfilled`; a value with one stands for nothing.
pub(super) fn item(
    key: &str,
    values: &[&YamlKind],
    placeholders: &Placeholders,
    unfilled: &mut Vec<SmolStr>,
) -> Result<Item, String> {
    let mut parts = key.split('|');
    let field = parts.next().filter(|f| !f.is_empty());
    let modifiers: Vec<&str> = parts.collect();
    for (place, name) in modifiers.iter().enumerate() {
        if !KNOWN.contains(name) {
            return Err(format!("unknown modifier `{name}`{}", nearest_hint(name, KNOWN)));
        }
        if modifiers.iter().take(place).any(|m| m == name) {
            return Err(format!("modifier `{name}` stands here twice"));
        }
    }
    if values.is_empty() {
        return Err("the list of values is empty".to_owned());
    }
    let has = |name: &str| modifiers.contains(&name);
    check(&modifiers, field.is_some())?;
    let item = |tests| Item {
        field: field.map(Into::into),
        tests,
        all: has("all"),
        negated: has("neq"),
        part: modifiers.iter().find_map(|m| Part::named(m)),
    };
    if has("exists") {
        return match values {
            [YamlKind::Bool(b)] => Ok(item(vec![Test::Exists(*b)])),
            _ => Err("`exists` wants `true` or `false`".to_owned()),
        };
    }
    if has("re") {
        let regex = |v: &&YamlKind| match v {
            YamlKind::Text(t) => regex(t, &modifiers),
            YamlKind::Int(n) => regex(&n.to_string(), &modifiers),
            _ => Err("`re` wants texts".to_owned()),
        };
        return Ok(item(values.iter().map(regex).collect::<Result<_, _>>()?));
    }
    let mut worths = Vec::with_capacity(values.len());
    for value in values {
        worths.extend(worth(value, has("expand"), placeholders, unfilled)?);
    }
    for modifier in &modifiers {
        worths = transform(modifier, worths)?;
        if worths.len() > MAX_VALUES {
            return Err(format!("`{modifier}` makes more than {MAX_VALUES} values"));
        }
    }
    let test = |w: Worth| test(w, &modifiers, field.is_some());
    Ok(item(worths.into_iter().map(test).collect::<Result<_, _>>()?))
}

/// Modifiers that do not go together.
fn check(modifiers: &[&str], field: bool) -> Result<(), String> {
    let has = |name: &str| modifiers.contains(&name);
    let kinds = ["exists", "re", "cidr", "lt", "lte", "gt", "gte", "fieldref", "contains", "startswith", "endswith"];
    let chosen: Vec<&str> = kinds.into_iter().filter(|k| has(k)).collect();
    let place = |k: &&str| matches!(*k, "contains" | "startswith" | "endswith");
    let harmless = match chosen.as_slice() {
        [] | [_] => true,
        [a, b] => *a == "fieldref" && place(b) || *a == "re" && *b == "contains",
        _ => false,
    };
    if !harmless {
        return Err(format!(
            "modifiers {} do not go together",
            chosen.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ")
        ));
    }
    if !has("re")
        && let Some(flag) = ["i", "m", "s"].into_iter().find(|f| has(f))
    {
        return Err(format!("modifier `{flag}` wants `re` before it"));
    }
    if has("exists") && modifiers.len() > 1 {
        return Err("`exists` goes with no other modifier".to_owned());
    }
    if !field && ["exists", "fieldref", "neq"].into_iter().any(has) {
        return Err("this modifier wants a field".to_owned());
    }
    Ok(())
}

fn worth(
    value: &YamlKind,
    expand: bool,
    placeholders: &Placeholders,
    unfilled: &mut Vec<SmolStr>,
) -> Result<Vec<Worth>, String> {
    Ok(match value {
        YamlKind::Text(t) if expand => expanded(t, placeholders, unfilled)?,
        YamlKind::Text(t) => vec![Worth::Text(tokens(t))],
        YamlKind::Int(n) => vec![Worth::Number(*n as f64, n.to_string())],
        YamlKind::Float(n) => vec![Worth::Number(*n, n.to_string())],
        YamlKind::Bool(b) => vec![Worth::Bool(*b)],
        YamlKind::Null => vec![Worth::Null],
        YamlKind::List(_) | YamlKind::Map(_) => {
            return Err("a value is a text, a number, a truth value or null".to_owned());
        }
    })
}

/// Puts in what `%name%` stands for, each of its values once; `\%` is a plain percent sign.
fn expanded(text: &str, placeholders: &Placeholders, unfilled: &mut Vec<SmolStr>) -> Result<Vec<Worth>, String> {
    let mut done = vec![Vec::new()];
    let mut add = |piece: &[Vec<Token>]| {
        let all = done.iter().flat_map(|d: &Vec<Token>| piece.iter().map(move |p| [d.as_slice(), p].concat()));
        done = all.collect();
        match done.len() > MAX_VALUES {
            true => Err(format!("placeholders make more than {MAX_VALUES} values")),
            false => Ok(()),
        }
    };
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, after) = (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default());
        if let Some(before) = before.strip_suffix('\\') {
            add(&[tokens(before)])?;
            add(&[vec![Token::Char('%')]])?;
            rest = after;
            continue;
        }
        let Some((name, behind)) = after.split_once('%') else { break };
        let Some(values) = placeholders.get(name) else {
            if !unfilled.iter().any(|u| u == name) {
                unfilled.push(name.into());
            }
            return Ok(Vec::new());
        };
        add(&[tokens(before)])?;
        add(&values.iter().map(|v| tokens(v)).collect::<Vec<_>>())?;
        rest = behind;
    }
    add(&[tokens(rest)])?;
    Ok(done.into_iter().map(Worth::Text).collect())
}

fn transform(modifier: &str, worths: Vec<Worth>) -> Result<Vec<Worth>, String> {
    let utf16 = |w: Worth, bytes: fn(u16) -> [u8; 2], mark: &[u8]| {
        let text = literal(&w, modifier)?;
        Ok(Worth::Bytes(mark.iter().copied().chain(text.encode_utf16().flat_map(bytes)).collect()))
    };
    let around = |w: Worth, start: bool, end: bool| match w {
        Worth::Text(mut t) => {
            if start {
                t.insert(0, Token::Many);
            }
            if end {
                t.push(Token::Many);
            }
            Ok(Worth::Text(t))
        }
        Worth::Bytes(b) => {
            let mut t = tokens_of(b)?;
            if start {
                t.insert(0, Token::Many);
            }
            if end {
                t.push(Token::Many);
            }
            Ok(Worth::Text(t))
        }
        Worth::Number(_, spelling) => {
            let chars = spelling.chars().map(Token::Char);
            let many = |there: bool| there.then_some(Token::Many);
            Ok(Worth::Text(many(start).into_iter().chain(chars).chain(many(end)).collect()))
        }
        Worth::Bool(_) | Worth::Null => Err(format!("`{modifier}` wants texts")),
    };
    match modifier {
        "wide" | "utf16le" => worths.into_iter().map(|w| utf16(w, u16::to_le_bytes, &[])).collect(),
        "utf16be" => worths.into_iter().map(|w| utf16(w, u16::to_be_bytes, &[])).collect(),
        "utf16" => worths.into_iter().map(|w| utf16(w, u16::to_le_bytes, &[0xFF, 0xFE])).collect(),
        "base64" => worths.into_iter().map(|w| Ok(text(&STANDARD.encode(bytes(w, modifier)?)))).collect(),
        "base64offset" => {
            let mut out = Vec::new();
            for w in worths {
                let bytes = bytes(w, modifier)?;
                out.extend((0..3).map(|offset| text(&shifted(&bytes, offset))));
            }
            Ok(out)
        }
        "windash" => {
            let mut out = Vec::new();
            for w in worths {
                match w {
                    Worth::Text(t) => out.extend(dashes(&t)?.into_iter().map(Worth::Text)),
                    _ => return Err("`windash` wants texts".to_owned()),
                }
            }
            Ok(out)
        }
        "contains" => worths.into_iter().map(|w| around(w, true, true)).collect(),
        "startswith" => worths.into_iter().map(|w| around(w, false, true)).collect(),
        "endswith" => worths.into_iter().map(|w| around(w, true, false)).collect(),
        _ => Ok(worths),
    }
}

fn text(of: &str) -> Worth {
    Worth::Text(of.chars().map(Token::Char).collect())
}

fn literal(w: &Worth, modifier: &str) -> Result<String, String> {
    match w {
        Worth::Text(t) => plain(t).ok_or_else(|| format!("`{modifier}` cannot encode wildcards")),
        Worth::Number(_, spelling) => Ok(spelling.clone()),
        _ => Err(format!("`{modifier}` wants texts")),
    }
}

fn bytes(w: Worth, modifier: &str) -> Result<Vec<u8>, String> {
    match w {
        Worth::Bytes(b) => Ok(b),
        other => literal(&other, modifier).map(String::into_bytes),
    }
}

fn tokens_of(bytes: Vec<u8>) -> Result<Vec<Token>, String> {
    let text = String::from_utf8(bytes)
        .map_err(|_| "UTF-16 of this text wants `base64` or `base64offset` behind it".to_owned())?;
    Ok(text.chars().map(Token::Char).collect())
}

/// The part of Base64 that stands fast where the bytes begin `offset` bytes behind a multiple of three.
fn shifted(bytes: &[u8], offset: usize) -> String {
    let padded: Vec<u8> = std::iter::repeat_n(0, offset).chain(bytes.iter().copied()).collect();
    let encoded = STANDARD.encode(&padded);
    let from = [0, 2, 3].get(offset).copied().unwrap_or_default();
    let to = encoded.trim_end_matches('=').len() - usize::from(!padded.len().is_multiple_of(3));
    encoded.get(from..to).unwrap_or_default().to_owned()
}

/// The text with each dash that starts a flag written in all ways: a `-` or `/` before a letter or digit and behind none.
fn dashes(text: &[Token]) -> Result<Vec<Vec<Token>>, String> {
    const WAYS: [char; 5] = ['-', '/', '–', '—', '―'];
    let word = |t: Option<&Token>| matches!(t, Some(Token::Char(c)) if c.is_alphanumeric() || *c == '_');
    let mut out = vec![Vec::new()];
    for (at, token) in text.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|b| text.get(b));
        let flag = matches!(token, Token::Char(c) if WAYS.contains(c)) && !word(before) && word(text.get(at + 1));
        if !flag {
            out.iter_mut().for_each(|o: &mut Vec<Token>| o.push(*token));
            continue;
        }
        out = out.iter().flat_map(|o| WAYS.iter().map(|w| [o.as_slice(), &[Token::Char(*w)]].concat())).collect();
        if out.len() > MAX_VALUES {
            return Err(format!("`windash` makes more than {MAX_VALUES} values"));
        }
    }
    Ok(out)
}

fn regex(text: &str, modifiers: &[&str]) -> Result<Test, String> {
    let has = |name: &str| modifiers.contains(&name);
    let built = RegexBuilder::new(text)
        .case_insensitive(has("i"))
        .multi_line(has("m"))
        .dot_matches_new_line(has("s"))
        .size_limit(1 << 20)
        .build();
    match built {
        Ok(regex) => Ok(Test::Regex(regex)),
        Err(regex::Error::CompiledTooBig(_)) => Err("the regular expression is too large".to_owned()),
        Err(e) => {
            let why = e.to_string();
            Err(format!(
                "the regular expression cannot be read: {}",
                why.lines().last().unwrap_or_default().trim_start_matches("error: ")
            ))
        }
    }
}

fn test(w: Worth, modifiers: &[&str], field: bool) -> Result<Test, String> {
    let has = |name: &str| modifiers.contains(&name);
    let comparison = [
        ("lt", Comparison::Less),
        ("lte", Comparison::LessOrEqual),
        ("gt", Comparison::Greater),
        ("gte", Comparison::GreaterOrEqual),
    ];
    if let Some((name, comparison)) = comparison.into_iter().find(|(name, _)| has(name)) {
        let n = match &w {
            Worth::Number(n, _) => Some(*n),
            Worth::Text(t) => plain(t).and_then(|t| t.trim().parse().ok()).filter(|n: &f64| n.is_finite()),
            _ => None,
        };
        return n.map(|n| Test::Compare(comparison, n)).ok_or_else(|| format!("`{name}` wants a number"));
    }
    if has("cidr") {
        let text = if let Worth::Text(t) = &w { plain(t) } else { None };
        let block = text.as_deref().and_then(cidr);
        return block.map(Test::Cidr).ok_or_else(|| "`cidr` wants an address and a prefix length".to_owned());
    }
    if has("fieldref") {
        let place = match () {
            () if has("startswith") => Place::Start,
            () if has("endswith") => Place::End,
            () if has("contains") => Place::Anywhere,
            () => Place::Whole,
        };
        // The wildcards that a place modifier put around are not part of the name.
        let name = match &w {
            Worth::Text(t) => plain(t.iter().copied().filter(|t| *t != Token::Many).collect::<Vec<_>>().as_slice()),
            _ => None,
        };
        let other = name.filter(|n| !n.is_empty()).ok_or_else(|| "`fieldref` wants a field's name".to_owned())?;
        return Ok(Test::Field { other: other.into(), place, cased: has("cased") });
    }
    if modifiers.iter().any(|m| Part::named(m).is_some()) {
        return match w {
            Worth::Number(n, _) => Ok(Test::Number(n)),
            _ => Err("parts of a time are numbers".to_owned()),
        };
    }
    let pattern = |mut t: Vec<Token>| {
        if !field {
            // Keywords stand anywhere in a text.
            t.insert(0, Token::Many);
            t.push(Token::Many);
        }
        Test::Text(Pattern::new(t, has("cased")))
    };
    Ok(match w {
        Worth::Text(t) => pattern(t),
        Worth::Bytes(b) => pattern(tokens_of(b)?),
        Worth::Number(_, spelling) if !field => pattern(spelling.chars().map(Token::Char).collect()),
        Worth::Number(n, _) => Test::Number(n),
        Worth::Bool(b) => Test::Bool(b),
        Worth::Null if field => Test::Null,
        Worth::Null => return Err("a keyword is a text".to_owned()),
    })
}

fn cidr(text: &str) -> Option<Block> {
    let (address, fixed) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let fixed: u32 = fixed.parse().ok()?;
    (fixed <= if address.is_ipv4() { 32 } else { 128 }).then(|| Block::new(address, fixed))
}

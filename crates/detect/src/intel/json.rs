//! STIX 2.1 bundles and MISP's events and feeds.

use super::plain::parsed;
use super::{Entry, Into};
use serde_json::Value;
use std::net::IpAddr;

/// Reads a list in JSON; the error says why it is none.
pub(super) fn read(text: &str, into: &mut Into<'_>) -> Result<(), String> {
    let value: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let bundle = value.get("type").and_then(Value::as_str) == Some("bundle");
    if bundle || (value.get("objects").is_some_and(Value::is_array) && value.get("Event").is_none()) {
        into.report.format = "stix";
        let objects = value.get("objects").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (at, object) in objects.iter().enumerate() {
            indicator(object, at + 1, into);
        }
        return Ok(());
    }
    into.report.format = "misp";
    let mut found = 0;
    attributes(&value, &mut found, into);
    if found == 0 && into.report.passed_over == 0 {
        return Err("neither a STIX bundle nor MISP attributes".to_owned());
    }
    Ok(())
}

/// An indicator of a bundle (STIX 2.1, section 4.7), not revoked, in force at `spec.now`.
fn indicator(object: &Value, place: usize, into: &mut Into<'_>) {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    if text("type") != Some("indicator") {
        return;
    }
    let over = text("valid_until").and_then(|t| t.parse::<jiff::Timestamp>().ok()).map(|t| t.as_millisecond());
    let past = over.zip(into.spec.now).is_some_and(|(until, now)| until <= now);
    let revoked = object.get("revoked").and_then(Value::as_bool) == Some(true);
    // The pattern's language is STIX where none is named, as in STIX 2.0.
    if past || revoked || !matches!(text("pattern_type"), None | Some("stix")) {
        into.report.passed_over += 1;
        return;
    }
    let pattern = text("pattern").unwrap_or_default();
    match comparisons(pattern) {
        Ok(all) => all.iter().for_each(|(path, value)| observed(path, value, pattern, place, into)),
        Err(why) => into.bad(place, pattern, why),
    }
}

fn observed(path: &str, value: &str, pattern: &str, place: usize, into: &mut Into<'_>) {
    let entry = match path {
        "ipv4-addr:value" | "ipv6-addr:value" => parsed(value).ok().filter(|e| matches!(e, Entry::Range(..))),
        "domain-name:value" => parsed(value).ok().filter(|e| matches!(e, Entry::Domain(..))),
        _ => {
            into.report.passed_over += 1;
            return;
        }
    };
    match entry {
        Some(entry) => into.take(entry),
        None => into.bad(place, pattern, "a value that its path cannot have"),
    }
}

/// The comparisons of a pattern (STIX 2.1, section 9), of which any one makes it true. Patterns that want several
/// things at once, or in an order, or not, say nothing about a single address.
fn comparisons(pattern: &str) -> Result<Vec<(String, String)>, &'static str> {
    let tokens = tokens(pattern)?;
    let mut tokens = tokens.iter().filter(|t| !matches!(t, Token::Open | Token::Close)).peekable();
    let mut all = Vec::new();
    loop {
        let Some(Token::Word(path)) = tokens.next() else { return Err("no comparison where one should be") };
        match tokens.next() {
            Some(Token::Word(op)) if op == "=" || op.eq_ignore_ascii_case("ISSUBSET") => match tokens.next() {
                Some(Token::Text(value)) => all.push((path.clone(), value.clone())),
                _ => return Err("a comparison without a text"),
            },
            Some(Token::Word(op)) if op.eq_ignore_ascii_case("IN") => {
                while let Some(Token::Text(value)) = tokens.next_if(|t| matches!(t, Token::Text(_))) {
                    all.push((path.clone(), value.clone()));
                }
            }
            _ => return Err("a comparison that does not say one value: only =, IN and ISSUBSET do"),
        }
        match tokens.next() {
            None => return Ok(all),
            Some(Token::Word(op)) if op.eq_ignore_ascii_case("OR") => {}
            Some(_) => return Err("a pattern of more than alternatives"),
        }
    }
}

enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
}

fn tokens(pattern: &str) -> Result<Vec<Token>, &'static str> {
    let mut out = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '[' | '(' => out.push(Token::Open),
            ']' | ')' => out.push(Token::Close),
            ',' => {}
            c if c.is_whitespace() => {}
            '\'' => {
                let mut text = String::new();
                loop {
                    match chars.next() {
                        Some('\\') => text.extend(chars.next()),
                        Some('\'') => break,
                        Some(c) => text.push(c),
                        None => return Err("a text that does not end"),
                    }
                }
                out.push(Token::Text(text));
            }
            '=' => out.push(Token::Word("=".to_owned())),
            c => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !"[]()=',".contains(*c)) {
                    word.push(c);
                    // A key of a path that is not a plain word is quoted: `file:hashes.'SHA-256'`.
                    if c == '.' && chars.next_if_eq(&'\'').is_some() {
                        word.extend(chars.by_ref().take_while(|c| *c != '\''));
                    }
                }
                out.push(Token::Word(word));
            }
        }
    }
    Ok(out)
}

/// MISP's attributes, wherever an event, a feed, a search's response or an object holds them (MISP core format,
/// draft-dulaunoy-misp-core-format, section 2.4).
fn attributes(value: &Value, found: &mut usize, into: &mut Into<'_>) {
    match value {
        Value::Array(all) => all.iter().for_each(|v| attributes(v, found, into)),
        Value::Object(members) => {
            let text = |key: &str| members.get(key).and_then(Value::as_str);
            if let (Some(kind), Some(value), true) = (text("type"), text("value"), members.contains_key("to_ids")) {
                *found += 1;
                let flag =
                    |key: &str| members.get(key).is_some_and(|v| *v == Value::Bool(true) || v.as_str() == Some("1"));
                if flag("to_ids") && !flag("deleted") {
                    attribute(kind, value, *found, into);
                } else {
                    into.report.passed_over += 1;
                }
                return;
            }
            members.values().for_each(|v| attributes(v, found, into));
        }
        _ => {}
    }
}

fn attribute(kind: &str, value: &str, place: usize, into: &mut Into<'_>) {
    let parts: &[&str] = match kind {
        "ip-src" | "ip-dst" | "domain" | "hostname" => &[value],
        // "192.0.2.1|443"; exports of old write a colon.
        "ip-src|port" | "ip-dst|port" | "hostname|port" => {
            let bar = value.split_once('|').map(|p| p.0);
            let colon =
                value.rsplit_once(':').map(|p| p.0).filter(|a| value.parse::<IpAddr>().is_err() && !a.is_empty());
            &[bar.or(colon).unwrap_or(value)]
        }
        "domain|ip" => match value.split_once('|') {
            Some((domain, address)) => &[domain, address],
            None => &[value],
        },
        _ => {
            into.report.passed_over += 1;
            return;
        }
    };
    for part in parts {
        match parsed(part.trim()) {
            Ok(entry) => into.take(entry),
            Err(why) => into.bad(place, part, why),
        }
    }
}

//! "Regular expression functions" of the Trino documentation: a pattern may match anywhere; replacements are Java's.

use super::args::{Args, Kind, Last};
use super::{Def, Given, def, text};
use datafusion::arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, exec_err};
use regex::{Captures, Regex, RegexBuilder};
use std::sync::Arc;

const TEXT2: &[Kind] = &[Kind::Text, Kind::Text];

/// A list of text.
pub(super) fn texts(_: &Given<'_>) -> Result<DataType> {
    Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))))
}

pub(super) const DEFS: &[Def] = &[
    def("regexp_like", TEXT2, 2, |_| Ok(DataType::Boolean), like),
    def("regexp_extract", &[Kind::Text, Kind::Text, Kind::Int], 2, text, extract),
    def("regexp_extract_all", &[Kind::Text, Kind::Text, Kind::Int], 2, texts, extract_all),
    def("regexp_replace", &[Kind::Text, Kind::Text, Kind::Text], 2, text, replace),
    def("regexp_split", TEXT2, 2, texts, split),
    def("regexp_count", TEXT2, 2, |_| Ok(DataType::Int64), count),
];

/// Patterns compile to at most this many bytes: a hostile one cannot take the memory.
const LARGEST: usize = 8 << 20;

fn compile(pattern: &str) -> Result<Regex> {
    match RegexBuilder::new(pattern).size_limit(LARGEST).dfa_size_limit(LARGEST).build() {
        Ok(regex) => Ok(regex),
        Err(error) => exec_err!(
            "`{pattern}` is no pattern that can be searched for (look-around and back-references are not supported): {error}"
        ),
    }
}

fn like(args: &Args) -> Result<ArrayRef> {
    let (from, patterns, mut last) = (args.text(0)?, args.text(1)?, Last::new());
    args.bools(|i| {
        let (Some(from), Some(pattern)) = (from.get(i), patterns.get(i)) else { return Ok(None) };
        Ok(Some(last.get(pattern, compile)?.is_match(from)))
    })
}

/// The group that was asked for, with whether the pattern has it.
fn group(args: &Args, row: usize, regex: &Regex) -> Result<Option<usize>> {
    if args.len() < 3 {
        return Ok(Some(0));
    }
    let Some(wanted) = args.int(2)?.get(row) else { return Ok(None) };
    match usize::try_from(wanted) {
        Ok(group) if group < regex.captures_len() => Ok(Some(group)),
        _ => exec_err!("the pattern has {} groups; group {wanted} was asked for", regex.captures_len() - 1),
    }
}

fn extract(args: &Args) -> Result<ArrayRef> {
    let (from, patterns, mut last) = (args.text(0)?, args.text(1)?, Last::new());
    args.texts(|i| {
        let (Some(from), Some(pattern)) = (from.get(i), patterns.get(i)) else { return Ok(None) };
        let regex = last.get(pattern, compile)?;
        let Some(group) = group(args, i, regex)? else { return Ok(None) };
        let found = regex.captures(from).and_then(|c| c.get(group).map(|m| m.as_str().to_owned()));
        Ok(found)
    })
}

/// A column of lists of text.
pub(super) fn lists(
    args: &Args,
    mut row: impl FnMut(usize) -> Result<Option<Vec<Option<String>>>>,
) -> Result<ArrayRef> {
    let mut out = ListBuilder::new(StringBuilder::new());
    for i in 0..args.rows {
        match row(i) {
            Ok(Some(items)) => {
                items.into_iter().for_each(|item| out.values().append_option(item));
                out.append(true);
            }
            Ok(None) => out.append(false),
            Err(_) if args.lenient => out.append(false),
            Err(error) => return Err(error),
        }
    }
    Ok(Arc::new(out.finish()))
}

fn extract_all(args: &Args) -> Result<ArrayRef> {
    let (from, patterns, mut last) = (args.text(0)?, args.text(1)?, Last::new());
    lists(args, |i| {
        let (Some(from), Some(pattern)) = (from.get(i), patterns.get(i)) else { return Ok(None) };
        let regex = last.get(pattern, compile)?;
        let Some(group) = group(args, i, regex)? else { return Ok(None) };
        Ok(Some(regex.captures_iter(from).map(|c| c.get(group).map(|m| m.as_str().to_owned())).collect()))
    })
}

fn replace(args: &Args) -> Result<ArrayRef> {
    let (from, patterns, mut last) = (args.text(0)?, args.text(1)?, Last::new());
    let with = if args.len() > 2 { Some(args.text(2)?) } else { None };
    args.texts(|i| {
        let (Some(from), Some(pattern)) = (from.get(i), patterns.get(i)) else { return Ok(None) };
        let with = match &with {
            Some(with) => match with.get(i) {
                Some(with) => with,
                None => return Ok(None),
            },
            None => "",
        };
        let regex = last.get(pattern, compile)?;
        let pieces = pieces(with, regex)?;
        Ok(Some(regex.replace_all(from, |found: &Captures<'_>| expand(&pieces, found)).into_owned()))
    })
}

enum Piece {
    Text(String),
    Group(usize),
}

/// Reads a replacement: `$1`, `${name}`, `\$`.
fn pieces(with: &str, regex: &Regex) -> Result<Vec<Piece>> {
    let mut out = Vec::new();
    let mut text = String::new();
    let mut chars = with.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            '$' => {
                out.push(Piece::Text(std::mem::take(&mut text)));
                if chars.next_if_eq(&'{').is_some() {
                    let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
                    match regex.capture_names().position(|n| n == Some(name.as_str())) {
                        Some(group) => out.push(Piece::Group(group)),
                        None => return exec_err!("the pattern has no group `{name}`"),
                    }
                    continue;
                }
                let Some(mut group) = chars.next().and_then(|c| c.to_digit(10)).map(|d| d as usize) else {
                    return exec_err!("a $ in a replacement is followed by a group's number, or written \\$");
                };
                if group >= regex.captures_len() {
                    return exec_err!("the pattern has no group {group}");
                }
                // As many digits as still name a group, as Java has it.
                while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                    let longer = group * 10 + digit as usize;
                    if longer >= regex.captures_len() {
                        break;
                    }
                    group = longer;
                    chars.next();
                }
                out.push(Piece::Group(group));
            }
            c => text.push(c),
        }
    }
    out.push(Piece::Text(text));
    Ok(out)
}

fn expand(pieces: &[Piece], found: &Captures<'_>) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Group(group) => found.get(*group).map_or("", |m| m.as_str()),
        })
        .collect()
}

fn split(args: &Args) -> Result<ArrayRef> {
    let (from, patterns, mut last) = (args.text(0)?, args.text(1)?, Last::new());
    lists(args, |i| {
        let (Some(from), Some(pattern)) = (from.get(i), patterns.get(i)) else { return Ok(None) };
        Ok(Some(last.get(pattern, compile)?.split(from).map(|p| Some(p.to_owned())).collect()))
    })
}

fn count(args: &Args) -> Result<ArrayRef> {
    let (from, patterns, mut last) = (args.text(0)?, args.text(1)?, Last::new());
    args.ints(|i| {
        let (Some(from), Some(pattern)) = (from.get(i), patterns.get(i)) else { return Ok(None) };
        Ok(i64::try_from(last.get(pattern, compile)?.find_iter(from).count()).ok())
    })
}

//! "String functions" and "Binary functions" of the Trino documentation, where the engine's differ or are missing.

use super::args::{Args, Kind};
use super::pattern::{lists, texts};
use super::{Def, Given, cast, def, int, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datafusion::arrow::array::{ArrayRef, BinaryBuilder, StringArray};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use sha2::{Digest, Sha256};
use std::sync::Arc;

const TEXT2: &[Kind] = &[Kind::Text, Kind::Text];
const TEXT3: &[Kind] = &[Kind::Text, Kind::Text, Kind::Text];

fn bytes(_: &Given<'_>) -> Result<DataType> {
    Ok(DataType::Binary)
}

fn map(_: &Given<'_>) -> Result<DataType> {
    Ok(crate::sql::types::map_of(DataType::Utf8, DataType::Utf8))
}

pub(super) const DEFS: &[Def] = &[
    def("split", &[Kind::Text, Kind::Text, Kind::Int], 2, texts, split),
    def("split_part", &[Kind::Text, Kind::Text, Kind::Int], 3, text, split_part),
    def("split_to_map", TEXT3, 3, map, split_to_map),
    def("substr", &[Kind::Text, Kind::Int, Kind::Int], 2, text, substr),
    def("substring", &[Kind::Text, Kind::Int, Kind::Int], 2, text, substr),
    def("replace", TEXT3, 2, text, replace),
    def("strpos", &[Kind::Text, Kind::Text, Kind::Int], 2, int, strpos),
    def("levenshtein_distance", TEXT2, 2, int, levenshtein),
    def("codepoint", &[Kind::Text], 1, int, codepoint),
    def("to_utf8", &[Kind::Text], 1, bytes, to_utf8),
    def("from_utf8", &[Kind::Bytes], 1, text, from_utf8),
    def("to_hex", &[Kind::Bytes], 1, text, to_hex),
    def("from_hex", &[Kind::Text], 1, bytes, from_hex),
    def("to_base64", &[Kind::Bytes], 1, text, to_base64),
    def("from_base64", &[Kind::Text], 1, bytes, from_base64),
    def("sha256", &[Kind::Bytes], 1, bytes, sha256),
];

fn split(args: &Args) -> Result<ArrayRef> {
    let (from, by) = (args.text(0)?, args.text(1)?);
    let limit = if args.len() > 2 { Some(args.int(2)?) } else { None };
    lists(args, |i| {
        let (Some(from), Some(by)) = (from.get(i), by.get(i)) else { return Ok(None) };
        if by.is_empty() {
            return exec_err!("split: the delimiter is empty");
        }
        let own = |p: &str| Some(p.to_owned());
        match &limit {
            None => Ok(Some(from.split(by).map(own).collect())),
            Some(limit) => match limit.get(i).map(usize::try_from) {
                Some(Ok(limit)) if limit > 0 => Ok(Some(from.splitn(limit, by).map(own).collect())),
                Some(_) => exec_err!("split: the limit must be positive"),
                None => Ok(None),
            },
        }
    })
}

/// The first field is number 1; null where there are fewer.
fn split_part(args: &Args) -> Result<ArrayRef> {
    let (from, by, place) = (args.text(0)?, args.text(1)?, args.int(2)?);
    args.texts(|i| {
        let (Some(from), Some(by), Some(place)) = (from.get(i), by.get(i), place.get(i)) else { return Ok(None) };
        match usize::try_from(place) {
            Ok(place) if place > 0 && by.is_empty() => Ok((place == 1).then_some(from)),
            Ok(place) if place > 0 => Ok(from.split(by).nth(place - 1)),
            _ => exec_err!("split_part: the index must be greater than zero"),
        }
    })
}

fn split_to_map(args: &Args) -> Result<ArrayRef> {
    let (from, entry, pair) = (args.text(0)?, args.text(1)?, args.text(2)?);
    let (mut keys, mut values, mut lengths, mut present): (Vec<String>, Vec<String>, Vec<usize>, Vec<bool>) =
        Default::default();
    for i in 0..args.rows {
        let before = keys.len();
        let whole = match (from.get(i), entry.get(i), pair.get(i)) {
            (Some(from), Some(entry), Some(pair)) if !entry.is_empty() && !pair.is_empty() => {
                let mut good = true;
                for part in from.split(entry).filter(|p| !p.is_empty()) {
                    match part.split_once(pair) {
                        Some((k, v)) if !keys.get(before..).unwrap_or_default().iter().any(|known| known == k) => {
                            keys.push(k.to_owned());
                            values.push(v.to_owned());
                        }
                        _ if args.lenient => good = false,
                        Some((k, _)) => return exec_err!("split_to_map: the key `{k}` comes twice"),
                        None => return exec_err!("split_to_map: `{part}` is no key and value"),
                    }
                }
                good
            }
            _ => false,
        };
        if !whole {
            keys.truncate(before);
            values.truncate(before);
        }
        lengths.push(keys.len() - before);
        present.push(whole);
    }
    cast::map(
        Arc::new(StringArray::from(keys)),
        Arc::new(StringArray::from(values)),
        lengths,
        NullBuffer::from(present),
    )
}

/// Characters from a place on; a negative place counts from the end; nothing where it lies outside.
fn substr(args: &Args) -> Result<ArrayRef> {
    let (from, start) = (args.text(0)?, args.int(1)?);
    let length = if args.len() > 2 { Some(args.int(2)?) } else { None };
    args.texts(|i| {
        let (Some(from), Some(start)) = (from.get(i), start.get(i)) else { return Ok(None) };
        let take = match &length {
            Some(length) => match length.get(i) {
                Some(n) => usize::try_from(n).unwrap_or(0),
                None => return Ok(None),
            },
            None => usize::MAX,
        };
        let size = if start < 0 { i64::try_from(from.chars().count()).unwrap_or(i64::MAX) } else { 0 };
        let skip = match start {
            0 => return Ok(Some(String::new())),
            s if s > 0 => usize::try_from(s - 1).unwrap_or(usize::MAX),
            s if -s <= size => usize::try_from(size + s).unwrap_or(usize::MAX),
            _ => return Ok(Some(String::new())),
        };
        Ok(Some(from.chars().skip(skip).take(take).collect()))
    })
}

fn replace(args: &Args) -> Result<ArrayRef> {
    let (from, what) = (args.text(0)?, args.text(1)?);
    let with = if args.len() > 2 { Some(args.text(2)?) } else { None };
    args.texts(|i| {
        let with = with.as_ref().map_or(Some(""), |w| w.get(i));
        let (Some(from), Some(what), Some(with)) = (from.get(i), what.get(i), with) else { return Ok(None) };
        Ok(Some(from.replace(what, with)))
    })
}

/// The place of a text in another, from 1; 0 where it is not. A third argument asks for the n-th, from the end if negative.
fn strpos(args: &Args) -> Result<ArrayRef> {
    let (from, what) = (args.text(0)?, args.text(1)?);
    let nth = if args.len() > 2 { Some(args.int(2)?) } else { None };
    args.ints(|i| {
        let nth = nth.as_ref().map_or(Some(1), |n| n.get(i));
        let (Some(from), Some(what), Some(nth)) = (from.get(i), what.get(i), nth) else { return Ok(None) };
        let skip = usize::try_from(nth.unsigned_abs()).unwrap_or(usize::MAX);
        let at = match nth {
            0 => return exec_err!("strpos: the instance must not be zero"),
            n if n > 0 => from.match_indices(what).nth(skip - 1),
            _ => from.rmatch_indices(what).nth(skip - 1),
        };
        let place = at.map_or(0, |(at, _)| from.get(..at).map_or(0, |head| head.chars().count()) + 1);
        Ok(i64::try_from(place).ok())
    })
}

fn levenshtein(args: &Args) -> Result<ArrayRef> {
    let (left, right) = (args.text(0)?, args.text(1)?);
    args.ints(|i| {
        let (Some(left), Some(right)) = (left.get(i), right.get(i)) else { return Ok(None) };
        if left.len().saturating_mul(right.len()) > 16_000_000 {
            return exec_err!("levenshtein_distance: the texts are too long");
        }
        Ok(i64::try_from(datafusion::common::utils::datafusion_strsim::levenshtein(left, right)).ok())
    })
}

fn codepoint(args: &Args) -> Result<ArrayRef> {
    let from = args.text(0)?;
    args.ints(|i| {
        let Some(from) = from.get(i) else { return Ok(None) };
        let mut chars = from.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => Ok(Some(i64::from(u32::from(c)))),
            _ => exec_err!("codepoint takes one character"),
        }
    })
}

fn binaries(args: &Args, mut row: impl FnMut(usize) -> Result<Option<Vec<u8>>>) -> Result<ArrayRef> {
    let mut out = BinaryBuilder::new();
    for i in 0..args.rows {
        match row(i) {
            Ok(made) => out.append_option(made),
            Err(_) if args.lenient => out.append_null(),
            Err(error) => return Err(error),
        }
    }
    Ok(Arc::new(out.finish()))
}

fn to_utf8(args: &Args) -> Result<ArrayRef> {
    let from = args.text(0)?;
    binaries(args, |i| Ok(from.get(i).map(|t| t.as_bytes().to_vec())))
}

fn from_utf8(args: &Args) -> Result<ArrayRef> {
    let from = args.bytes(0)?;
    args.texts(|i| Ok(from.get(i).map(String::from_utf8_lossy)))
}

fn to_hex(args: &Args) -> Result<ArrayRef> {
    let from = args.bytes(0)?;
    args.texts(|i| Ok(from.get(i).map(|b| b.iter().map(|b| format!("{b:02X}")).collect::<String>())))
}

fn from_hex(args: &Args) -> Result<ArrayRef> {
    let from = args.text(0)?;
    binaries(args, |i| {
        let Some(text) = from.get(i) else { return Ok(None) };
        let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let made = text.as_bytes().chunks(2).map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        });
        match made.collect::<Option<Vec<u8>>>() {
            Some(bytes) => Ok(Some(bytes)),
            None => exec_err!("`{text}` is not hexadecimal"),
        }
    })
}

fn to_base64(args: &Args) -> Result<ArrayRef> {
    let from = args.bytes(0)?;
    args.texts(|i| Ok(from.get(i).map(|b| STANDARD.encode(b))))
}

fn from_base64(args: &Args) -> Result<ArrayRef> {
    let from = args.text(0)?;
    binaries(args, |i| match from.get(i).map(|t| STANDARD.decode(t)) {
        Some(Ok(bytes)) => Ok(Some(bytes)),
        Some(Err(error)) => exec_err!("from_base64: {error}"),
        None => Ok(None),
    })
}

fn sha256(args: &Args) -> Result<ArrayRef> {
    let from = args.bytes(0)?;
    binaries(args, |i| Ok(from.get(i).map(|b| Sha256::digest(b).to_vec())))
}

//! JSON Lines in, JSON Lines out: one answer a line, in order, whatever the line holds.

use crate::failure::{Failure, exit};
use serde_json::{Map, Value};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;
use yagura_policy::json::{Json, Node};

/// The longest line that is read; a longer one is answered with an error.
const MAX_LINE: usize = 16 << 20;

/// Answers every line of a file, or of standard input for `-` or none. `answer` gets the line as JSON and gives the
/// members of its answer; the `id` of the line is put before them. A line that cannot be answered gives
/// `{"id", "error"}`.
///
/// # Errors
/// Where the input cannot be read or the output not be written.
pub fn run(
    input: Option<&Path>,
    answer: impl Fn(&Node<'_>) -> Result<Map<String, Value>, String>,
) -> Result<u8, Failure> {
    let mut reader = open(input)?;
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line);
        let read = read.map_err(|e| unreadable(input, &e))?;
        if read == 0 {
            break;
        }
        let whole = line.len() <= MAX_LINE;
        if !whole && line.last() != Some(&b'\n') {
            skip_line(&mut reader).map_err(|e| unreadable(input, &e))?;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let answered = if whole { reply(&line, &answer) } else { too_long() };
        serde_json::to_writer(&mut out, &answered).map_err(std::io::Error::from)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(exit::DONE)
}

fn reply(line: &[u8], answer: &impl Fn(&Node<'_>) -> Result<Map<String, Value>, String>) -> Map<String, Value> {
    let mut out = Map::new();
    let parsed = std::str::from_utf8(line)
        .map_err(|_| "the line is not UTF-8".to_owned())
        .and_then(|text| yagura_policy::case::parse_line(text.trim_start_matches('\u{feff}').trim()));
    let answered = parsed.and_then(|node| {
        let id = node.members().and_then(|m| m.iter().find(|m| m.key == "id"));
        out.insert("id".into(), id.map_or(Value::Null, |m| plain(&m.value)));
        answer(&node)
    });
    match answered {
        Ok(members) => out.extend(members),
        Err(error) => {
            out.entry("id").or_insert(Value::Null);
            out.insert("error".into(), error.into());
        }
    }
    out
}

/// An id as `serde_json` holds it.
fn plain(node: &Node<'_>) -> Value {
    match &node.value {
        Json::String(s) => Value::from(&**s),
        Json::Number(n) => serde_json::from_str(n).unwrap_or(Value::Null),
        Json::Bool(b) => Value::Bool(*b),
        Json::Array(items) => items.iter().map(plain).collect(),
        Json::Object(members) => members.iter().map(|m| (m.key.to_string(), plain(&m.value))).collect(),
        Json::Null => Value::Null,
    }
}

fn too_long() -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("id".into(), Value::Null);
    out.insert("error".into(), format!("the line is longer than {MAX_LINE} bytes").into());
    out
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|b| *b == b'\n');
        let used = end.map_or(buffer.len(), |i| i + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

fn open(input: Option<&Path>) -> Result<Box<dyn BufRead>, Failure> {
    match input {
        Some(path) if path.as_os_str() != "-" => {
            let file = std::fs::File::open(path).map_err(|e| unreadable(input, &e))?;
            Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
        }
        _ => Ok(Box::new(BufReader::with_capacity(1 << 16, std::io::stdin().lock()))),
    }
}

fn unreadable(input: Option<&Path>, e: &std::io::Error) -> Failure {
    let name = input.map_or_else(|| "-".to_owned(), |p| p.display().to_string());
    Failure::blind(format!("cannot read `{name}`: {e}"), format!("`{name}` を読み込めない: {e}"))
}

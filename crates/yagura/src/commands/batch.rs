//! JSON Lines in, JSON Lines out: one answer a line, in order, whatever the line holds.

use crate::failure::{Failure, exit};
use serde::Serialize;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

/// The longest line that is read; a longer one is answered with an error.
const MAX_LINE: usize = 16 << 20;

/// Answers every line of a file, or of standard input for `-` or none: `answer` gets the text of the line without a
/// byte order mark, or why there is none.
///
/// # Errors
/// Where the input cannot be read or the output not be written.
pub fn run<A: Serialize>(input: Option<&Path>, answer: impl Fn(Result<&str, String>) -> A) -> Result<u8, Failure> {
    texts(input, |line| serde_json::to_string(&answer(line)).map_err(std::io::Error::from))
}

/// As [`run`], where the answer is JSON already.
///
/// # Errors
/// As [`run`].
pub fn texts(
    input: Option<&Path>,
    answer: impl Fn(Result<&str, String>) -> std::io::Result<String>,
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
        let text = match std::str::from_utf8(&line) {
            _ if !whole => Err(format!("the line is longer than {MAX_LINE} bytes")),
            Ok(text) => Ok(text.trim_start_matches('\u{feff}').trim()),
            Err(_) => Err("the line is not UTF-8".to_owned()),
        };
        out.write_all(answer(text)?.as_bytes())?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(exit::DONE)
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

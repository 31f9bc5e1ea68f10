//! CloudTrail records out of files and folders: what trails write (`{"Records": […]}`, gzip or not), JSON Lines, lists,
//! and the answer of `lookup-events`.

use crate::failure::Failure;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// The most that is unpacked of one file, in bytes: a trail's file is far below.
const MAX_FILE: u64 = 512 << 20;

/// What could not be read: the file (and line), and why.
pub type Unread = (String, String);

/// Gives every record of the files and of all files below the folders to `take`.
///
/// # Errors
/// Where a path does not exist. What cannot be read of a file is collected in the answer and stops nothing else.
pub fn read(paths: &[PathBuf], take: &mut dyn FnMut(&Value)) -> Result<Vec<Unread>, Failure> {
    let mut unread = Vec::new();
    for path in paths {
        if !path.exists() {
            let name = path.display();
            return Err(Failure::blind(format!("there is no `{name}`"), format!("`{name}` は存在しない")));
        }
        walk(path, 0, take, &mut unread);
    }
    Ok(unread)
}

fn walk(path: &Path, depth: usize, take: &mut dyn FnMut(&Value), unread: &mut Vec<Unread>) {
    let name = path.display().to_string();
    if path.is_dir() {
        if depth > 32 {
            unread.push((name, "folders nest too deep".to_owned()));
            return;
        }
        match std::fs::read_dir(path) {
            Ok(entries) => {
                let mut below: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
                below.sort();
                below.iter().for_each(|p| walk(p, depth + 1, take, unread));
            }
            Err(e) => unread.push((name, e.to_string())),
        }
        return;
    }
    if let Err(why) = file(path, take, unread) {
        unread.push((name, why));
    }
}

fn file(path: &Path, take: &mut dyn FnMut(&Value), unread: &mut Vec<Unread>) -> Result<(), String> {
    let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let gzip = reader.fill_buf().map_err(|e| e.to_string())?.starts_with(&[0x1f, 0x8b]);
    let plain: Box<dyn Read> =
        if gzip { Box::new(flate2::bufread::MultiGzDecoder::new(reader)) } else { Box::new(reader) };
    let mut bytes = Vec::new();
    plain.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("it holds more than {MAX_FILE} bytes"));
    }
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(whole) => each(&whole, take),
        Err(first) => lines(path, &bytes, &first, take, unread)?,
    }
    Ok(())
}

/// JSON Lines; a line that cannot be read is told and passed over. A file without any readable line is not JSON at all.
fn lines(
    path: &Path,
    bytes: &[u8],
    whole: &serde_json::Error,
    take: &mut dyn FnMut(&Value),
    unread: &mut Vec<Unread>,
) -> Result<(), String> {
    let mut good = 0;
    let mut bad = Vec::new();
    for (n, line) in bytes.split(|b| *b == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Value>(line) {
            Ok(value) => {
                good += 1;
                each(&value, take);
            }
            Err(e) => bad.push((format!("{}:{}", path.display(), n + 1), e.to_string())),
        }
    }
    if good == 0 {
        return Err(format!("not JSON: {whole}"));
    }
    unread.extend(bad);
    Ok(())
}

fn each(value: &Value, take: &mut dyn FnMut(&Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| each(item, take)),
        Value::Object(members) => {
            let lists = ["Records", "Events"].iter().filter_map(|k| members.get(*k)?.as_array());
            let mut held = false;
            for item in lists.flatten() {
                held = true;
                each(item, take);
            }
            // lookup-events gives each record as text.
            let text = members.get("CloudTrailEvent").and_then(Value::as_str);
            match text.map(serde_json::from_str::<Value>) {
                Some(Ok(record)) => take(&record),
                Some(Err(_)) => {}
                None if held => {}
                None => take(value),
            }
        }
        _ => {}
    }
}

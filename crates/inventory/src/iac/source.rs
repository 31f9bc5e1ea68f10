//! The files that templates are read from: bounded, UTF-8, in a reproducible order.

use super::document::{Broken, MAX_LENGTH};
use std::io::Read;
use std::path::{Path, PathBuf};

/// How many files a folder may hold before reading stops with a word about it.
const MAX_FILES: usize = 20_000;
/// How deep folders are walked.
const MAX_DEPTH: usize = 32;
/// Folders that hold copies and tools, no templates of one's own.
const SKIPPED: [&str; 5] = [".git", ".terraform", "node_modules", ".aws-sam", "cdk.out.assets"];

/// The text of a file.
///
/// # Errors
/// It cannot be read, is too long, or is not UTF-8 (with the line).
pub(crate) fn text(path: &Path) -> Result<String, Broken> {
    let file = std::fs::File::open(path).map_err(|e| (1, format!("cannot be read: {e}")))?;
    if !file.metadata().is_ok_and(|m| m.is_file()) {
        return Err((1, "is no regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_LENGTH as u64 + 1).read_to_end(&mut bytes).map_err(|e| (1, format!("cannot be read: {e}")))?;
    if bytes.len() > MAX_LENGTH {
        return Err((1, format!("is longer than {MAX_LENGTH} bytes")));
    }
    String::from_utf8(bytes).map_err(|e| {
        let sound = e.as_bytes().get(..e.utf8_error().valid_up_to()).unwrap_or_default();
        let line = sound.iter().filter(|b| **b == b'\n').count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), "is not UTF-8 text from here on".to_owned())
    })
}

/// The files below a path, sorted; a file is itself. Links to folders are not followed: they may lead around in circles.
///
/// # Errors
/// The path cannot be read, or holds too many files.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut out = Vec::new();
    walk(path, 0, &mut out)?;
    out.sort();
    Ok(out)
}

fn walk(folder: &Path, depth: usize, out: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in entries {
        let entry = entry.map_err(|e| format!("{}: {e}", folder.display()))?;
        let kind = entry.file_type().map_err(|e| format!("{}: {e}", entry.path().display()))?;
        if kind.is_dir() {
            let skipped = SKIPPED.iter().any(|s| entry.file_name() == *s);
            if !skipped && depth < MAX_DEPTH {
                walk(&entry.path(), depth + 1, out)?;
            }
        } else if kind.is_file() || entry.path().is_file() {
            out.push(entry.path());
        }
        if out.len() > MAX_FILES {
            return Err(format!("{}: more than {MAX_FILES} files", folder.display()));
        }
    }
    Ok(())
}

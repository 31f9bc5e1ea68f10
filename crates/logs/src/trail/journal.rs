//! What was hashed already, so that a run that was stopped goes on where it was.

use super::digest::{Hash, hash_from_hex, to_hex};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The first line: what the file is.
const HEAD: &str = "{\"yagura\":\"trail-journal\",\"version\":1}";
/// A journal larger than this is none of ours: ten million files take less.
const LARGEST: u64 = 4 << 30;

/// The hashes of log files by where they lay and what their listing said of their content. It proves nothing by itself: whoever
/// can write it can make a changed file seem unchanged, so it is to be kept like the report.
#[derive(Debug)]
pub struct Journal {
    known: HashMap<(String, String), (String, Hash)>,
    file: Mutex<File>,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is a file of another kind.
    #[error("the file is no journal of `trail verify`")]
    Foreign,
}

#[derive(Serialize, Deserialize)]
struct Line<'l> {
    #[serde(borrow)]
    bucket: Cow<'l, str>,
    #[serde(borrow)]
    key: Cow<'l, str>,
    #[serde(borrow)]
    stamp: Cow<'l, str>,
    #[serde(borrow)]
    sha256: Cow<'l, str>,
}

impl Journal {
    /// Opens a journal, or begins one. A last line that was cut off when a run was killed is dropped.
    ///
    /// # Errors
    /// The file cannot be read or written, or is of another kind.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut text = Vec::new();
        (&mut file).take(LARGEST).read_to_end(&mut text)?;
        let mut known = HashMap::new();
        let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let mut lines = text.get(..whole).unwrap_or_default().split(|b| *b == b'\n');
        match lines.next().unwrap_or_default() {
            b"" if HEAD.as_bytes().starts_with(&text) => {
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0))?;
                file.write_all(format!("{HEAD}\n").as_bytes())?;
            }
            first if first == HEAD.as_bytes() => {
                for line in lines.filter(|l| !l.is_empty()) {
                    let line: Line<'_> = serde_json::from_slice(line).map_err(|_| JournalError::Foreign)?;
                    let hash = hash_from_hex(&line.sha256).ok_or(JournalError::Foreign)?;
                    known.insert((line.bucket.into_owned(), line.key.into_owned()), (line.stamp.into_owned(), hash));
                }
                let whole = u64::try_from(whole).unwrap_or(u64::MAX);
                file.set_len(whole)?;
                file.seek(SeekFrom::Start(whole))?;
            }
            _ => return Err(JournalError::Foreign),
        }
        Ok(Self { known, file: Mutex::new(file) })
    }

    /// The hash of a file that an earlier run read, if nothing says that it changed since.
    pub(super) fn hash(&self, bucket: &str, key: &str, stamp: &str) -> Option<Hash> {
        let (was, hash) = self.known.get(&(bucket.to_owned(), key.to_owned()))?;
        (was == stamp && !stamp.is_empty()).then_some(*hash)
    }

    /// Takes note of a hash. It is with the system at once, so that it outlives this process; a journal that cannot be written
    /// costs the next run time and no more.
    pub(super) fn note(&self, bucket: &str, key: &str, stamp: &str, hash: &Hash) {
        let line = Line { bucket: bucket.into(), key: key.into(), stamp: stamp.into(), sha256: to_hex(hash).into() };
        let Ok(mut line) = serde_json::to_vec(&line) else { return };
        line.push(b'\n');
        let _ = self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

    use super::*;

    #[test]
    fn hashes_are_kept_and_a_cut_line_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::open(&path).unwrap();
        journal.note("b", "k\"é", "s1", &[1; 32]);
        journal.note("b", "second", "s2", &[2; 32]);
        let text = std::fs::read(&path).unwrap();
        for cut in [text.len(), text.len() - 1, text.len() - 70] {
            std::fs::write(&path, &text[..cut]).unwrap();
            let journal = Journal::open(&path).unwrap();
            assert_eq!(journal.hash("b", "k\"é", "s1"), Some([1; 32]), "{cut}");
            assert_eq!(journal.hash("b", "k\"é", "s3"), None);
            assert_eq!(journal.hash("b", "second", "s2").is_some(), cut == text.len());
            journal.note("b", "third", "s", &[3; 32]);
            assert_eq!(Journal::open(&path).unwrap().hash("b", "third", "s"), Some([3; 32]), "{cut}");
        }
        for cut in 0..HEAD.len() {
            std::fs::write(&path, &text[..cut]).unwrap();
            assert!(Journal::open(&path).is_ok(), "{cut}");
        }
    }

    #[test]
    fn other_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        for other in ["my notes\nare here\n", "my notes", "{}\n", &format!("{HEAD}\nnotes\n")] {
            std::fs::write(&path, other).unwrap();
            assert!(matches!(Journal::open(&path), Err(JournalError::Foreign)), "{other}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
        }
    }
}

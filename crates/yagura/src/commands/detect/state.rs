//! What a run remembers for the next: habits (`--baseline`), or everything (`--state`).

use crate::failure::Failure;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use yagura_detect::engine::State;
use yagura_detect::habits::Habits;
use yagura_detect::run::Waiting;
use yagura_logs::input::Input;
use yagura_logs::unpack::Packing;

/// What `--baseline` keeps.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Baseline {
    /// What identities usually do.
    pub habits: Habits,
    /// Up to when that was learned, ms.
    pub until: Option<i64>,
}

/// Everything that `--state` keeps.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Saved {
    /// The engine's memory.
    pub state: State,
    /// Records whose time has not come.
    pub waiting: Waiting,
    /// What was read: names, with what tells a changed one from the same.
    pub read: BTreeMap<String, Mark>,
    /// What could not be read to its end, as it was then. It is tried again by every run.
    #[serde(default)]
    pub broken: BTreeMap<String, Mark>,
    /// Accounts that are the user's.
    #[serde(default)]
    pub accounts: BTreeSet<SmolStr>,
    /// How many findings were said, and of each incident how many steps.
    pub said: (usize, Vec<usize>),
}

/// What tells a changed input from the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    size: u64,
    stamp: String,
    /// Of a plain file: what its first bytes were, [`HEAD`] at most, as a number.
    #[serde(default)]
    head: Option<u64>,
}

/// How many of a file's first bytes tell it from another one under the same name.
const HEAD: u64 = 4096;

impl Saved {
    /// What of an input is to be read: nothing where it was read as it is now; what came since where it is a plain file of lines that
    /// grew; else all of it.
    pub fn fresh(&self, input: Input) -> Option<Input> {
        let source = input.source();
        let Some(mark) = self.read.get(&source.path) else { return Some(input) };
        if (mark.size, &mark.stamp) == (source.size, &source.stamp) {
            return None;
        }
        let head = if source.size > mark.size { grown(&input, mark) } else { None };
        Some(match head {
            Some(head) => input.resumed(head, mark.size),
            None => input,
        })
    }

    /// Notes that an input was read, to its end or not.
    pub fn note(&mut self, input: &Input, whole: bool) {
        let source = input.source();
        let mut mark = Mark { size: source.size, stamp: source.stamp, head: None };
        if whole {
            mark.head = input.path().and_then(|p| first(p, mark.size.min(HEAD)).ok()).map(|head| number(&head));
            self.broken.remove(&source.path);
            self.read.insert(source.path, mark);
        } else {
            self.broken.insert(source.path, mark);
        }
    }

    /// Whether an input could not be read before, and is still as it was.
    pub fn failed(&self, input: &Input) -> bool {
        let source = input.source();
        self.broken.get(&source.path).is_some_and(|m| (m.size, &m.stamp) == (source.size, &source.stamp))
    }
}

/// The first lines of a plain file of lines that begins as it did and was read up to the end of a line.
fn grown(input: &Input, mark: &Mark) -> Option<Vec<u8>> {
    let path = input.path()?;
    let mut head = first(path, mark.size.min(HEAD)).ok()?;
    if Some(number(&head)) != mark.head || Packing::of(&head) != Packing::Plain {
        return None;
    }
    let mut file = std::fs::File::open(path).ok()?;
    file.seek(SeekFrom::Start(mark.size.checked_sub(1)?)).ok()?;
    let mut last = [0];
    file.read_exact(&mut last).ok()?;
    head.truncate(head.iter().rposition(|b| *b == b'\n')? + 1);
    // One JSON document over many lines is written anew when it grows; lines of JSON are each whole.
    let line = head.split(|b| *b == b'\n').next().unwrap_or_default();
    let of_lines = !line.trim_ascii_start().starts_with(b"[")
        && (!line.trim_ascii_start().starts_with(b"{")
            || serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok());
    (last == *b"\n" && of_lines).then_some(head)
}

fn first(path: &Path, bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    std::fs::File::open(path)?.take(bytes).read_to_end(&mut head)?;
    Ok(head)
}

/// FNV-1a: <https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3))
}

/// Keeps other runs from a file of this module for as long as what is answered lives.
///
/// # Errors
/// Another run has it, or its folder cannot be written.
pub fn lock(path: &Path) -> Result<File, Failure> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let file = File::options().create(true).truncate(false).write(true).open(&beside)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let path = path.display();
            Err(Failure::usage(
                format!("another run of yagura is working with `{path}`"),
                format!("別の yagura が `{path}` を使用中である"),
            )
            .hint("wait until it ends, or name another file", "終了を待つか、別のファイルを指定する"))
        }
        Err(TryLockError::Error(e)) => Err(e.into()),
    }
}

/// Reads a file of this module; none where it does not exist yet.
///
/// # Errors
/// It exists and cannot be understood: starting afresh in silence would forget what is usual.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(broken(path, &e)),
    };
    let read =
        zstd::Decoder::new(file).and_then(|d| serde_json::from_reader(std::io::BufReader::new(d)).map_err(Into::into));
    read.map(Some).map_err(|e| broken(path, &e))
}

fn broken(path: &Path, e: &dyn std::fmt::Display) -> Failure {
    let path = path.display();
    Failure::usage(
        format!("cannot read what was learned from `{path}`: {e}"),
        format!("学習結果 `{path}` を読めない: {e}"),
    )
    .hint("move the file away to start afresh", "最初から始めるには、ファイルを移動する")
}

/// Writes a file whole or not at all.
///
/// # Errors
/// Where the folder cannot be written.
pub fn save<T: Serialize>(path: &Path, value: &T) -> Result<(), Failure> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let mut packed = zstd::Encoder::new(std::io::BufWriter::new(&mut file), 3)?;
    serde_json::to_writer(&mut packed, value).map_err(std::io::Error::from)?;
    packed.finish()?.flush()?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

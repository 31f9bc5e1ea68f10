//! What a run remembers for the next: habits (`--baseline`), or everything (`--state`).

use crate::failure::Failure;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use yagura_detect::engine::State;
use yagura_detect::habits::Habits;
use yagura_detect::run::Waiting;
use yagura_logs::input::Input;

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
    pub read: BTreeMap<String, String>,
    /// How many findings were said, and of each incident how many steps.
    pub said: (usize, Vec<usize>),
}

impl Saved {
    /// Whether an input was read before, as it is now.
    pub fn knows(&self, input: &Input) -> bool {
        let source = input.source();
        self.read.get(&source.path).is_some_and(|mark| *mark == mark_of(input))
    }

    /// Notes that an input was read.
    pub fn note(&mut self, input: &Input) {
        self.read.insert(input.source().path, mark_of(input));
    }
}

fn mark_of(input: &Input) -> String {
    let source = input.source();
    format!("{} {}", source.size, source.stamp)
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

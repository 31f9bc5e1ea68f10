//! The store in one sealed file: SQLite in memory, written whole and sealed at every commit.
//!
//! A store of findings is some tens of megabytes: writing it whole takes less than the disk takes to flush it. Writers take turns by a lock file
//! beside it, and everybody looks whether it was replaced before reading.

use super::cell::{Cell, Db, Done, Row};
use super::sqlite::{Sqlite, new_file};
use crate::error::StoreError;
use std::fs::{File, Metadata, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use yagura_seal::{DataKey, SealError, sealed};

/// How long a writer waits for another.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Sealed {
    inner: Sqlite,
    path: PathBuf,
    key: DataKey,
    /// The file that was read.
    stamp: Stamp,
    /// Held while writing.
    turn: Option<File>,
}

/// What tells a file from the one that replaces it. `None` where there is none yet.
type Stamp = Option<(SystemTime, u64, u64)>;

impl Sealed {
    /// Opens the file with its key; where it is not there and `make` says so, begins an empty one, which its first commit writes.
    pub(crate) fn open(path: &Path, key: &DataKey, make: bool) -> Done<Self> {
        if !make && !path.exists() {
            return Err(StoreError::NotAStore(format!("{} is not there", path.display())));
        }
        let mut store =
            Self { inner: Sqlite::in_memory()?, path: path.to_owned(), key: key.clone(), stamp: None, turn: None };
        store.refresh()?;
        Ok(store)
    }

    fn now(&self) -> Done<Stamp> {
        match std::fs::metadata(&self.path) {
            Ok(m) => Ok(Some((m.modified().unwrap_or(SystemTime::UNIX_EPOCH), m.len(), inode(&m)))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.unwritable(&e)),
        }
    }

    /// Reads the file where it is not the one that was read.
    fn refresh(&mut self) -> Done<()> {
        let stamp = self.now()?;
        if stamp != self.stamp {
            self.load()?;
        }
        Ok(())
    }

    fn load(&mut self) -> Done<()> {
        let stamp = self.now()?;
        self.inner = Sqlite::in_memory()?;
        // An empty file is one that is about to be made.
        if stamp.is_some_and(|(_, length, _)| length > 0) {
            let bytes = std::fs::read(&self.path).map_err(|e| self.unwritable(&e))?;
            let plain = sealed::open(&self.key, &bytes).map_err(|e| match e {
                SealError::OtherKey { .. } => StoreError::Key(format!("the store {e}")),
                _ if !sealed::is_sealed(&bytes) => StoreError::Key(
                    "the store is not encrypted, and YAGURA_KEY names a key; `yagura seal store` encrypts it"
                        .to_owned(),
                ),
                _ => StoreError::NotAStore(e.to_string()),
            })?;
            self.inner.restore(&plain)?;
        }
        self.stamp = stamp;
        Ok(())
    }

    /// Writes the file beside its place and puts it there in one step.
    fn save(&mut self) -> Done<()> {
        let bytes = self.inner.image()?;
        let sealed = sealed::seal(&self.key, &bytes).map_err(|e| StoreError::NotWritable(e.to_string()))?;
        drop(bytes);
        let written = write(&self.path, &sealed);
        written.map_err(|e| self.unwritable(&e))?;
        self.stamp = self.now()?;
        Ok(())
    }

    fn unwritable(&self, e: &std::io::Error) -> StoreError {
        StoreError::NotWritable(format!("{}: {e}", self.path.display()))
    }
}

/// Waits for one's turn to write, which lasts as long as the file is held.
pub(crate) fn take_turn(path: &Path) -> Done<File> {
    let beside = with_ending(path, "lock");
    let failed = |e: &std::io::Error| StoreError::NotWritable(format!("{}: {e}", beside.display()));
    let file = new_file(&beside, false).map_err(|e| failed(&e))?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy { seconds: PATIENCE.as_secs() }),
            Err(TryLockError::Error(e)) => return Err(failed(&e)),
        }
    }
}

impl Db for Sealed {
    fn begin(&mut self) -> Done<()> {
        self.turn = Some(take_turn(&self.path)?);
        self.refresh().and_then(|()| self.inner.begin()).inspect_err(|_| self.turn = None)
    }

    fn commit(&mut self) -> Done<()> {
        self.inner.commit()?;
        let saved = self.save();
        if saved.is_err() {
            // What is in memory was not written: forget it.
            self.stamp = None;
            if self.load().is_err() {
                self.inner = Sqlite::in_memory()?;
            }
        }
        self.turn = None;
        saved
    }

    fn rollback(&mut self) {
        self.inner.rollback();
        self.turn = None;
    }

    fn batch(&mut self, sql: &str) -> Done<()> {
        self.inner.batch(sql)
    }

    fn execute_each(&mut self, sql: &str, rows: &[Row]) -> Done<()> {
        self.inner.execute_each(sql, rows)
    }

    fn query(&mut self, sql: &str, parameters: &[Cell]) -> Done<Vec<Row>> {
        if self.turn.is_none() {
            self.refresh()?;
        }
        self.inner.query(sql, parameters)
    }

    fn has_table(&mut self, name: &str) -> Done<bool> {
        if self.turn.is_none() {
            self.refresh()?;
        }
        self.inner.has_table(name)
    }
}

/// Writes a file beside its place, flushes it, and renames it there: whoever dies at any moment leaves the old one or the new one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let beside = with_ending(path, "new");
    let mut file = new_file(&beside, true)?;
    let done = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| std::fs::rename(&beside, path));
    if done.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    done?;
    // It stands in its place now: where the folder cannot be flushed too, it was written all the same.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let _ = File::open(folder).and_then(|f| f.sync_all());
    }
    Ok(())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(unix)]
fn inode(m: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(m)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

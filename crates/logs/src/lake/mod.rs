//! The lake: Parquet files that any engine reads, in Hive folders, and a manifest that says which of them count.
//!
//! ```text
//! <root>/cloudtrail_logs/account=111122223333/region=us-east-1/day=2024-01-02/part-….parquet
//! <root>/_yagura/log/00000000000000000007.json     one commit: files that came and went, sources that were read
//! <root>/_yagura/ids/<part>.ids                    the identities of a file's rows, sorted
//! <root>/_yagura/staging/part-….parquet            written, not committed
//! <root>/_yagura/aside/….jsonl                     what could not be read, with the reason
//! ```
//! Engines pass over folders whose names begin with `_`. A file is written to `staging`, committed, and moved to its place. A process
//! that dies in between leaves either nothing that counts, or a commit whose moves the next one finishes.

mod compact;
mod expire;
mod ids;
mod manifest;
mod parquet;
mod stats;

pub use compact::{Compacted, LARGE};
pub use expire::Expired;
pub use ids::{Known, Run};
pub use manifest::{Commit, DataFile, Filter, SourceFile, Taken};
pub use parquet::{Part, ROW_GROUP, describe, write_part};
pub use stats::{Stats, TableStats};

use futures_util::TryStreamExt;
use manifest::State;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Why the lake cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The store refused or failed.
    #[error("the lake's store failed: {0}")]
    Store(#[from] object_store::Error),
    /// Another process is writing.
    #[error("another process writes to this lake")]
    Busy,
    /// A commit is not what this program writes.
    #[error("the lake's commit {0} cannot be read: {1}")]
    Commit(u64, String),
    /// A newer program wrote the lake.
    #[error("the lake was written by a newer version of yagura (format {0})")]
    Newer(u32),
    /// A Parquet file is broken, or could not be written.
    #[error("the file `{0}` of the lake: {1}")]
    Parquet(String, ::parquet::errors::ParquetError),
    /// A local file or lock.
    #[error("the lake's folder: {0}")]
    Io(#[from] std::io::Error),
}

const META: &str = "_yagura";

/// A name that no other part has: time, process, chance.
pub(crate) fn new_name() -> String {
    let now = jiff::Timestamp::now().as_microsecond();
    format!("part-{now:x}-{:x}-{:016x}.parquet", std::process::id(), fastrand::u64(..))
}

/// Takes the turn to write to a lake in a folder of this machine, for as long as the file is held.
///
/// # Errors
/// [`LakeError::Busy`] where another process has it; the folder cannot be written.
pub fn lock(folder: &std::path::Path) -> Result<std::fs::File, LakeError> {
    std::fs::create_dir_all(folder.join(META))?;
    let file = std::fs::File::create(folder.join(META).join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(LakeError::Busy),
        Err(std::fs::TryLockError::Error(e)) => Err(e.into()),
    }
}

/// A lake, as its manifest says it is.
#[derive(Debug)]
pub struct Lake {
    store: Arc<dyn ObjectStore>,
    root: Path,
    state: State,
    /// Held while this process may write to a local lake; the system lets go of it when the process ends, however it ends.
    lock: Option<std::fs::File>,
}

impl Lake {
    /// Opens a lake to read it; a place where none is yet is an empty one.
    ///
    /// # Errors
    /// Where the store fails or the manifest cannot be read.
    pub async fn open(store: Arc<dyn ObjectStore>, root: Path) -> Result<Self, LakeError> {
        let state = State::load(&store, &root).await?;
        let lake = Self { store, root, state, lock: None };
        // A commit whose files were not moved yet. Who may only read leaves that to others.
        let _ = lake.settle(false).await;
        Ok(lake)
    }

    /// Opens a lake to write to it. For a folder of this machine, `folder` is locked until the lake is dropped.
    ///
    /// # Errors
    /// [`LakeError::Busy`] where another process writes; otherwise as [`Lake::open`].
    pub async fn open_to_write(
        store: Arc<dyn ObjectStore>,
        root: Path,
        folder: Option<&std::path::Path>,
    ) -> Result<Self, LakeError> {
        let lock = folder.map(lock).transpose()?;
        let state = State::load(&store, &root).await?;
        let lake = Self { store, root, state, lock };
        lake.settle(true).await?;
        Ok(lake)
    }

    /// The files of a table, in no order.
    pub fn files<'l>(&'l self, table: &'l str) -> impl Iterator<Item = &'l DataFile> {
        self.state.files.values().filter(move |f| f.table == table)
    }

    /// The files of all tables.
    pub fn all_files(&self) -> impl Iterator<Item = &DataFile> {
        self.state.files.values()
    }

    /// What is known of a source that was read before, where it is still the same.
    pub fn taken(&self, source: &SourceFile) -> Option<Taken> {
        self.state.sources.get(&source.key()).copied()
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The lake's place in the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The number of the last commit.
    pub fn version(&self) -> u64 {
        self.state.version
    }

    /// A place below the root.
    pub fn at(&self, relative: &str) -> Path {
        relative.split('/').filter(|p| !p.is_empty()).fold(self.root.clone(), |path, part| path.join(part))
    }

    /// Where a part waits to be committed.
    pub(crate) fn staged(&self, name: &str) -> Path {
        self.at(&format!("{META}/staging/{name}"))
    }

    /// Where a part's identities are.
    pub(crate) fn ids_of(&self, name: &str) -> Path {
        self.at(&format!("{META}/ids/{name}.ids"))
    }

    /// Where things put aside of a source are kept.
    pub(crate) fn aside_of(&self, source: u128) -> Path {
        self.at(&format!("{META}/aside/{source:032x}.jsonl"))
    }

    /// Makes a commit count, then moves its files to their places. After an error nothing of it counts, or all of it does.
    ///
    /// # Errors
    /// [`LakeError::Busy`] where another process committed rows to the same partitions meanwhile.
    pub async fn commit(&mut self, commit: Commit) -> Result<(), LakeError> {
        loop {
            let number = self.state.version + 1;
            let body = serde_json::to_vec(&commit).map_err(|e| LakeError::Commit(number, e.to_string()))?;
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            let path = self.at(&manifest::name_of(number));
            match self.store.put_opts(&path, PutPayload::from(body), options).await {
                Ok(_) => break,
                Err(object_store::Error::AlreadyExists { .. }) => {
                    let before = self.state.partitions_of(&commit);
                    let version = self.state.version;
                    self.state = State::load(&self.store, &self.root).await?;
                    let touched = self.state.touched_since(version, &before);
                    let gone = commit.remove.iter().any(|p| !self.state.files.contains_key(p));
                    if touched || gone {
                        return Err(LakeError::Busy);
                    }
                }
                Err(e) => return Err(e.into()),
            }
        }
        self.state.version += 1;
        self.state.apply(&commit, self.state.version);
        for file in &commit.add {
            self.place(file).await?;
        }
        for path in &commit.remove {
            self.discard(path).await?;
        }
        if self.state.version.is_multiple_of(manifest::CHECKPOINT_EVERY) {
            self.state.checkpoint(&self.store, &self.root).await?;
        }
        Ok(())
    }

    /// Moves a committed file from staging to its place. Done already is done.
    async fn place(&self, file: &DataFile) -> Result<(), LakeError> {
        match self.store.rename(&self.staged(file.name()), &self.at(&file.path)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            other => Ok(other?),
        }
    }

    async fn discard(&self, path: &str) -> Result<(), LakeError> {
        let name = path.rsplit('/').next().unwrap_or(path);
        for place in [self.at(path), self.ids_of(name)] {
            match self.store.delete(&place).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    /// Finishes what a process left that died: moves committed files to their places, and, for a writer, takes away what no commit
    /// names.
    async fn settle(&self, writer: bool) -> Result<(), LakeError> {
        let staging = self.at(&format!("{META}/staging"));
        let waiting: Vec<ObjectMeta> = self.store.list(Some(&staging)).try_collect().await?;
        for meta in waiting {
            let committed = |name: &str| self.state.files.values().find(|f| f.name() == name);
            match meta.location.filename().and_then(committed) {
                Some(file) => self.place(file).await?,
                None if writer && self.is_left(&meta) => self.store.delete(&meta.location).await?,
                None => {}
            }
        }
        if writer { self.sweep().await } else { Ok(()) }
    }

    /// Takes away files of no commit. In a bucket the manifest is read again after they were listed, so that what another
    /// writer placed meanwhile is in it; a local lake's only writer is this one.
    async fn sweep(&self) -> Result<(), LakeError> {
        let mut data: Vec<ObjectMeta> = Vec::new();
        for table in crate::table::tables() {
            data.extend(self.store.list(Some(&self.at(table.name()))).try_collect::<Vec<_>>().await?);
        }
        let ids = self.at(&format!("{META}/ids"));
        let ids: Vec<ObjectMeta> = self.store.list(Some(&ids)).try_collect().await?;
        let fresh = match self.lock {
            Some(_) => None,
            None => Some(State::load(&self.store, &self.root).await?),
        };
        let now = fresh.as_ref().unwrap_or(&self.state);
        let counted: BTreeSet<Path> = now.files.values().map(|f| self.at(&f.path)).collect();
        let names: BTreeSet<&str> = now.files.values().map(DataFile::name).collect();
        let ours = |meta: &ObjectMeta| meta.location.filename().is_some_and(|n| n.starts_with("part-"));
        let of_file = |meta: &ObjectMeta| {
            meta.location.filename().and_then(|n| n.strip_suffix(".ids")).is_some_and(|n| names.contains(n))
        };
        let stray = data.iter().filter(|m| ours(m) && !counted.contains(&m.location));
        for meta in stray.chain(ids.iter().filter(|m| ours(m) && !of_file(m) && self.is_left(m))) {
            self.store.delete(&meta.location).await?;
        }
        Ok(())
    }

    /// Whether something that no commit names was left by a dead process. With the lock nobody else is writing; without one (a
    /// bucket has none) a day must have passed.
    fn is_left(&self, meta: &ObjectMeta) -> bool {
        const A_DAY: i64 = 24 * 60 * 60;
        let age = jiff::Timestamp::now().as_second() - meta.last_modified.timestamp();
        self.lock.is_some() || age > A_DAY
    }
}

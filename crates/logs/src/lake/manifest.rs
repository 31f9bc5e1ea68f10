//! The manifest: a numbered file for each commit, and now and then one that sums up those before it.

use super::{LakeError, META};
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The form of commits that this program writes.
pub const FORMAT: u32 = 1;
/// A sum of all commits is written after every so many.
pub const CHECKPOINT_EVERY: u64 = 64;

/// A Parquet file that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Its place below the lake's root: `<table>/account=…/region=…/day=…/part-….parquet`.
    pub path: String,
    /// Its table.
    pub table: String,
    /// Its folder's account, `unknown` where records tell none.
    pub account: String,
    /// Its folder's Region, `unknown` where records tell none.
    pub region: String,
    /// Its folder's day, `2024-01-02`, `unknown` for records without a time.
    pub day: String,
    /// How many rows it holds.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// The size of the records that it was made from, in bytes.
    pub raw: u64,
    /// The earliest `event_time`, in milliseconds since 1970-01-01 UTC.
    pub min_time: i64,
    /// The latest `event_time`.
    pub max_time: i64,
    /// Where in the file its Bloom filters lie, so that a search need not open it to ask them. Empty in files of older versions
    /// and in small ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
}

/// The Bloom filters of a column of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The column.
    pub column: String,
    /// Offset and length in bytes of each row group's filter: header and bitset, as Parquet writes them
    /// (<https://parquet.apache.org/docs/file-format/bloomfilter/>).
    pub at: Vec<(u64, u32)>,
}

impl DataFile {
    /// The file's own name.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// What its partition's files share: the folder.
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// A source, so far as a changed one is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path or URL.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Whatever changes when it is written again: time of modification, ETag.
    pub stamp: String,
}

impl SourceFile {
    /// What the manifest remembers it by.
    pub fn key(&self) -> u128 {
        let digest = Sha256::digest(format!("{}\0{}\0{}", self.path, self.size, self.stamp).as_bytes());
        digest.iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte))
    }
}

/// What reading a source came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// [`SourceFile::key`].
    #[serde(with = "hex")]
    pub key: u128,
    /// Records that the lake holds, from this or from another source.
    pub records: u64,
    /// The format's place in the list of sources; none where it held no record.
    pub format: Option<u16>,
}

mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(key: &u128, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&format!("{key:032x}"))
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(d: D) -> Result<u128, D::Error> {
        let text = String::deserialize(d)?;
        u128::from_str_radix(&text, 16).map_err(serde::de::Error::custom)
    }
}

/// What becomes true at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The form: 1.
    pub format: u32,
    /// What made it: `ingest`, `compact`, `expire`.
    pub by: String,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at: i64,
    /// Files that count from now on.
    #[serde(default)]
    pub add: Vec<DataFile>,
    /// Paths of files that no longer count.
    #[serde(default)]
    pub remove: Vec<String>,
    /// Sources that were read to their ends.
    #[serde(default)]
    pub sources: Vec<Taken>,
}

impl Commit {
    /// An empty one.
    pub fn new(by: &str) -> Self {
        let at = jiff::Timestamp::now().as_millisecond();
        Self { format: FORMAT, by: by.to_owned(), at, add: Vec::new(), remove: Vec::new(), sources: Vec::new() }
    }

    /// Whether it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty() && self.sources.is_empty()
    }
}

/// A commit's file, below the root.
pub fn name_of(number: u64) -> String {
    format!("{META}/log/{number:020}.json")
}

fn checkpoint_of(number: u64) -> String {
    format!("{META}/log/{number:020}.all.json")
}

/// All commits together.
#[derive(Debug, Default)]
pub struct State {
    /// The last commit's number; 0 before the first.
    pub version: u64,
    /// Files that count, by path.
    pub files: HashMap<String, DataFile>,
    /// Sources that were read, by key.
    pub sources: HashMap<u128, Taken>,
    /// In which commit rows came into a folder last.
    touched: HashMap<String, u64>,
}

impl State {
    /// Reads the manifest.
    pub async fn load(store: &Arc<dyn ObjectStore>, root: &Path) -> Result<Self, LakeError> {
        let folder = root.clone().join(META).join("log");
        let listed: Vec<_> = store.list(Some(&folder)).try_collect().await?;
        let mut sums = BTreeSet::new();
        let mut commits = BTreeSet::new();
        for meta in &listed {
            let name = meta.location.filename().unwrap_or_default();
            if let Some(n) = name.strip_suffix(".all.json").and_then(|n| n.parse::<u64>().ok()) {
                sums.insert(n);
            } else if let Some(n) = name.strip_suffix(".json").and_then(|n| n.parse::<u64>().ok()) {
                commits.insert(n);
            }
        }
        let mut state = Self::default();
        if let Some(sum) = sums.last() {
            state.add(store, root, *sum, &checkpoint_of(*sum)).await?;
        }
        let from = state.version;
        for number in commits.into_iter().filter(|n| *n > from) {
            if number != state.version + 1 {
                return Err(LakeError::Commit(state.version + 1, "it is missing".to_owned()));
            }
            state.add(store, root, number, &name_of(number)).await?;
        }
        Ok(state)
    }

    async fn add(
        &mut self,
        store: &Arc<dyn ObjectStore>,
        root: &Path,
        number: u64,
        name: &str,
    ) -> Result<(), LakeError> {
        let path = name.split('/').fold(root.clone(), |path, part| path.join(part));
        let body = store.get(&path).await?.bytes().await?;
        let commit: Commit = serde_json::from_slice(&body).map_err(|e| LakeError::Commit(number, e.to_string()))?;
        if commit.format > FORMAT {
            return Err(LakeError::Newer(commit.format));
        }
        self.version = number;
        self.apply(&commit, number);
        Ok(())
    }

    /// Makes a commit's changes.
    pub fn apply(&mut self, commit: &Commit, number: u64) {
        for path in &commit.remove {
            self.files.remove(path);
        }
        for file in &commit.add {
            if commit.by == "ingest" {
                self.touched.insert(file.folder().to_owned(), number);
            }
            self.files.insert(file.path.clone(), file.clone());
        }
        self.sources.extend(commit.sources.iter().map(|t| (t.key, *t)));
    }

    /// The folders that a commit brings rows to.
    pub fn partitions_of(&self, commit: &Commit) -> BTreeSet<String> {
        commit.add.iter().filter(|_| commit.by == "ingest").map(|f| f.folder().to_owned()).collect()
    }

    /// Whether a commit after this one brought rows to any of these folders.
    pub fn touched_since(&self, version: u64, folders: &BTreeSet<String>) -> bool {
        folders.iter().any(|f| self.touched.get(f).is_some_and(|n| *n > version))
    }

    /// Writes the sum of all commits.
    pub async fn checkpoint(&self, store: &Arc<dyn ObjectStore>, root: &Path) -> Result<(), LakeError> {
        let mut sum = Commit::new("checkpoint");
        sum.add = self.files.values().cloned().collect();
        sum.sources = self.sources.values().copied().collect();
        let body = serde_json::to_vec(&sum).map_err(|e| LakeError::Commit(self.version, e.to_string()))?;
        let path = checkpoint_of(self.version).split('/').fold(root.clone(), |path, part| path.join(part));
        store.put(&path, PutPayload::from(body)).await?;
        Ok(())
    }
}

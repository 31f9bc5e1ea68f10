//! Where the files lie, what was listed there, and reading them.

use super::why::Why;
use crate::{Trouble, TroubleKind};
use object_store::path::Path;
use object_store::{GetResult, ObjectStore, ObjectStoreExt};
use smol_str::SmolStr;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// The IAM action that reading takes.
const READ: &str = "s3:GetObject";

/// An object that a listing told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its bytes.
    pub size: u64,
    /// What changes when its content does: an entity tag, or the time of its last change.
    pub stamp: String,
    /// Why it cannot be read, where the listing told already.
    pub trouble: Option<Why>,
}

/// What was listed in whole: a key that begins with `prefix`, comes after `after` in the order of bytes, and was not listed, is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whole {
    /// The keys that were listed begin with this; empty is all.
    pub prefix: String,
    /// The listing began after this key; empty is from the first.
    pub after: String,
}

/// A bucket, or a copy of one, with what was listed there.
#[derive(Debug)]
pub struct Holding {
    bucket: Option<SmolStr>,
    store: Arc<dyn ObjectStore>,
    listed: HashMap<String, Listed>,
    /// What was listed and cannot be read, by key.
    troubled: Vec<(String, Why)>,
    whole: Vec<Whole>,
}

impl Holding {
    /// A bucket of a name, or a copy of one whose name is not known.
    pub fn new(
        bucket: Option<SmolStr>,
        store: Arc<dyn ObjectStore>,
        listed: impl IntoIterator<Item = Listed>,
        whole: Vec<Whole>,
    ) -> Self {
        let listed: HashMap<_, _> = listed.into_iter().map(|l| (l.key.clone(), l)).collect();
        let troubled = listed.values().filter_map(|l| Some((l.key.clone(), l.trouble.clone()?))).collect();
        Self { bucket, store, listed, troubled, whole }
    }
}

/// All that may be read.
#[derive(Debug, Default)]
pub struct Vault {
    holdings: Vec<Holding>,
}

/// What became of reading a file.
pub(super) enum Fetch {
    Got(Box<GetResult>),
    NotFound,
    Failed(Why),
}

impl Vault {
    /// Adds a bucket.
    pub fn add(&mut self, holding: Holding) {
        self.holdings.push(holding);
    }

    /// Whether a bucket is there.
    pub fn knows(&self, bucket: &str) -> bool {
        self.holding(Some(bucket)).is_some()
    }

    /// Every object that was listed, with its bucket.
    pub(super) fn listed(&self) -> impl Iterator<Item = (Option<&SmolStr>, &Listed)> {
        self.holdings.iter().flat_map(|h| h.listed.values().map(|l| (h.bucket.as_ref(), l)))
    }

    /// An object, where it was listed.
    pub(super) fn find(&self, bucket: Option<&str>, key: &str) -> Option<&Listed> {
        self.holding(bucket)?.listed.get(key)
    }

    /// The bucket of this name; a copy of a bucket stands for any.
    fn holding(&self, bucket: Option<&str>) -> Option<&Holding> {
        self.holdings.iter().find(|h| h.bucket.is_none() || bucket.is_none() || h.bucket.as_deref() == bucket)
    }

    /// Asks for a file. What a whole listing does not have is not asked for.
    pub(super) async fn fetch(&self, bucket: Option<&str>, key: &str) -> Fetch {
        let Some(holding) = self.holding(bucket) else {
            return Fetch::Failed(Why::OtherBucket(bucket.unwrap_or_default().to_owned()));
        };
        if let Some(why) = holding.listed.get(key).and_then(|l| l.trouble.clone()) {
            return Fetch::Failed(why);
        }
        if !holding.listed.contains_key(key) {
            let below = |over: &str| key.strip_prefix(over).is_some_and(|rest| rest.starts_with('/'));
            if let Some((_, why)) = holding.troubled.iter().find(|(over, _)| below(over)) {
                return Fetch::Failed(why.clone());
            }
            if holding.whole.iter().any(|w| key.starts_with(&w.prefix) && (w.after.is_empty() || *key > *w.after)) {
                return Fetch::NotFound;
            }
        }
        let path = match Path::parse(key) {
            Ok(path) if path.as_ref() == key => path,
            _ => {
                let what = "the key has an empty part, `.`, `..` or a control character";
                return Fetch::Failed(Why::Unread(what.to_owned()));
            }
        };
        match holding.store.get(&path).await {
            Ok(got) => Fetch::Got(Box::new(got)),
            Err(error) => {
                let trouble = Trouble::of(&error);
                match trouble.kind {
                    TroubleKind::NotFound => Fetch::NotFound,
                    _ => Fetch::Failed(Why::of_trouble(&trouble, READ)),
                }
            }
        }
    }
}

/// Lists the files below a folder by their path from there, with `/` between the parts, sorted. Links are followed as long as they stay
/// within the folder.
///
/// # Errors
/// A folder in it cannot be read: then nothing is known of what it holds.
pub fn list_folder(root: &FilePath) -> io::Result<Vec<Listed>> {
    let root = root.canonicalize()?;
    let mut found = Vec::new();
    let mut seen = BTreeSet::from([root.clone()]);
    let mut folders: Vec<(PathBuf, String)> = vec![(root.clone(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let key = format!("{prefix}{}", name.to_string_lossy());
            let path = entry.path();
            let trouble = |what: &str| Listed {
                key: key.clone(),
                size: 0,
                stamp: String::new(),
                trouble: Some(Why::Unread(what.to_owned())),
            };
            let Ok(real) = path.canonicalize() else {
                found.push(trouble("it is a link that leads nowhere"));
                continue;
            };
            if !real.starts_with(&root) {
                found.push(trouble("it is a link that leads out of the folder"));
                continue;
            }
            if name.to_str().is_none() {
                found.push(trouble("its name is not UTF-8"));
                continue;
            }
            let metadata = fs::metadata(&path)?;
            if metadata.is_dir() {
                if seen.insert(real) {
                    folders.push((path, format!("{key}/")));
                }
            } else if metadata.is_file() {
                let changed = metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
                let stamp = format!("{}-{}", metadata.len(), changed.unwrap_or_default().as_nanos());
                found.push(Listed { key, size: metadata.len(), stamp, trouble: None });
            } else {
                found.push(trouble("it is no regular file"));
            }
        }
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(found)
}

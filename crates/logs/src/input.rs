//! What is to be read: files, folders, patterns, standard input, objects in a store. Each with what tells a changed one from the same,
//! and with what its name says of account, Region and day, so that nothing is read that was not asked for.

use crate::lake::SourceFile;
use crate::place::Place;
use futures_util::StreamExt;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};
use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Handle;

/// One thing to read.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its name in reports: a path, `s3://bucket/key`, `-`.
    pub name: String,
    /// What its name tells.
    pub place: Place,
    size: u64,
    stamp: String,
    from: From,
    resumed: Option<Resumed>,
}

/// A file that was read up to somewhere before.
#[derive(Debug, Clone)]
struct Resumed {
    /// Its first lines: what they say of the others (a header) is needed again, and their records are not.
    head: Arc<[u8]>,
    offset: u64,
}

#[derive(Debug, Clone)]
enum From {
    File(PathBuf),
    Stdin,
    Memory(Arc<[u8]>),
    Object(Arc<dyn ObjectStore>, Key),
    Unreachable(String),
}

/// Which inputs, by what their names tell. A name that tells nothing is read: its records may be the wanted ones.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only these accounts.
    pub accounts: Vec<String>,
    /// Only these Regions.
    pub regions: Vec<String>,
    /// From this day on, `2024-01-02`.
    pub since: Option<String>,
    /// Up to this day.
    pub until: Option<String>,
}

impl Wanted {
    /// Whether something at this place may be wanted.
    pub fn takes(&self, place: &Place) -> bool {
        let among =
            |list: &[String], it: &Option<String>| list.is_empty() || it.as_ref().is_none_or(|v| list.contains(v));
        let day = place.day.as_deref();
        // A file is named by the day of its delivery, which may be the day after that of its records.
        let since = self.since.as_deref().is_none_or(|s| day.is_none_or(|d| d >= s));
        let until = self.until.as_deref().is_none_or(|u| day.is_none_or(|d| d <= next_day(u).as_str()));
        among(&self.accounts, &place.account) && among(&self.regions, &place.region) && since && until
    }
}

fn next_day(day: &str) -> String {
    day.parse::<jiff::civil::Date>().and_then(|d| d.tomorrow()).map_or_else(|_| day.to_owned(), |d| d.to_string())
}

/// Why inputs cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// There is no such file or folder, and the pattern matches none.
    #[error("there is no `{0}`")]
    Missing(String),
    /// A pattern is malformed.
    #[error("`{0}` is not a pattern: {1}")]
    Pattern(String, String),
    /// A folder or file cannot be looked at.
    #[error("`{0}`: {1}")]
    Io(String, std::io::Error),
}

/// Files, all files below folders, what patterns match, and `-` for standard input, in the order of their names.
///
/// # Errors
/// Where one does not exist or cannot be listed.
pub fn local(names: &[String], wanted: &Wanted) -> Result<Vec<Input>, InputError> {
    let mut found = Vec::new();
    for name in names {
        if name == "-" {
            let (size, stamp) = (0, format!("{}-{:x}", std::process::id(), fastrand::u64(..)));
            found.push(Input {
                name: name.clone(),
                place: Place::default(),
                size,
                stamp,
                from: From::Stdin,
                resumed: None,
            });
            continue;
        }
        let path = Path::new(name);
        if path.exists() {
            walk(path, &mut BTreeSet::new(), wanted, &mut found)?;
            continue;
        }
        if !name.contains(['*', '?', '[']) {
            return Err(InputError::Missing(name.clone()));
        }
        let before = found.len();
        let paths = glob::glob(name).map_err(|e| InputError::Pattern(name.clone(), e.to_string()))?;
        for path in paths.flatten() {
            walk(&path, &mut BTreeSet::new(), wanted, &mut found)?;
        }
        if found.len() == before {
            return Err(InputError::Missing(name.clone()));
        }
    }
    Ok(found)
}

fn walk(path: &Path, seen: &mut BTreeSet<PathBuf>, wanted: &Wanted, found: &mut Vec<Input>) -> Result<(), InputError> {
    let failed = |e| InputError::Io(path.display().to_string(), e);
    let meta = path.metadata().map_err(failed)?;
    if meta.is_dir() {
        // A link that leads back up would go on for ever.
        if !seen.insert(path.canonicalize().map_err(failed)?) {
            return Ok(());
        }
        let mut below: Vec<PathBuf> = std::fs::read_dir(path)
            .map_err(failed)?
            .map(|e| e.map(|e| e.path()))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        below.sort();
        for path in below {
            match walk(&path, seen, wanted, found) {
                // A link to nowhere, or a file that went away meanwhile, is an input that cannot be read: reading it says so.
                Err(InputError::Io(name, _)) if !path.is_dir() => found.push(Input {
                    place: Place::of(&name),
                    name,
                    size: 0,
                    stamp: String::new(),
                    from: From::File(path),
                    resumed: None,
                }),
                other => other?,
            }
        }
        return Ok(());
    }
    let name = path.display().to_string();
    let place = Place::of(&name);
    if wanted.takes(&place) {
        let stamp = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        let stamp = stamp.map_or_else(String::new, |d| d.as_nanos().to_string());
        found.push(Input { name, place, size: meta.len(), stamp, from: From::File(path.to_owned()), resumed: None });
    }
    Ok(())
}

/// An object of a store, and what tells a changed one from the same. A key that no store can be asked for (`a/../b`) is an input
/// that cannot be opened, which reading it says.
pub fn object(store: &Arc<dyn ObjectStore>, name: String, key: &str, size: u64, stamp: String) -> Input {
    let place = Place::of(key);
    let from = match Key::parse(key) {
        Ok(path) => From::Object(store.clone(), path),
        Err(e) => From::Unreachable(e.to_string()),
    };
    Input { name, place, size, stamp, from, resumed: None }
}

impl Input {
    /// What a program carries in itself.
    pub fn memory(name: &str, bytes: &[u8]) -> Self {
        let (size, place) = (bytes.len() as u64, Place::of(name));
        Self {
            name: name.to_owned(),
            place,
            size,
            stamp: String::new(),
            from: From::Memory(bytes.into()),
            resumed: None,
        }
    }

    /// Its size in bytes, 0 where nobody knows it beforehand.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What the lake's manifest remembers it by.
    pub fn source(&self) -> SourceFile {
        SourceFile { path: self.name.clone(), size: self.size, stamp: self.stamp.clone() }
    }

    /// Where it lies, if it is a file of this machine.
    pub fn path(&self) -> Option<&Path> {
        match &self.from {
            From::File(path) => Some(path),
            _ => None,
        }
    }

    /// A file of lines, read up to `offset` before, so that only what came since is read. `head` is its first lines.
    pub fn resumed(mut self, head: Vec<u8>, offset: u64) -> Self {
        self.resumed = Some(Resumed { head: head.into(), offset });
        self
    }

    /// The first lines of a file that is read on: their records were read before, and come again.
    pub fn head(&self) -> Option<&[u8]> {
        self.resumed.as_ref().map(|r| r.head.as_ref())
    }

    /// The bytes, one after the other. `handle` carries the work of stores.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn open(&self, handle: &Handle) -> std::io::Result<Box<dyn Read + Send>> {
        match &self.from {
            From::File(path) => {
                let mut file = std::fs::File::open(path)?;
                let Some(resumed) = &self.resumed else { return Ok(Box::new(file)) };
                file.seek(SeekFrom::Start(resumed.offset))?;
                Ok(Box::new(std::io::Cursor::new(resumed.head.clone()).chain(file)))
            }
            From::Stdin => Ok(Box::new(std::io::stdin())),
            From::Memory(bytes) => Ok(Box::new(std::io::Cursor::new(bytes.clone()))),
            From::Unreachable(why) => Err(std::io::Error::other(why.clone())),
            From::Object(store, key) => {
                let got = handle.block_on(store.get(key)).map_err(std::io::Error::other)?;
                let stream = got.into_stream();
                Ok(Box::new(Blocking { handle: handle.clone(), stream, chunk: bytes::Bytes::new() }))
            }
        }
    }
}

/// An object's stream, read by a thread that may wait.
struct Blocking {
    handle: Handle,
    stream: futures_util::stream::BoxStream<'static, object_store::Result<bytes::Bytes>>,
    chunk: bytes::Bytes,
}

impl Read for Blocking {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.chunk.is_empty() {
            match self.handle.block_on(self.stream.next()) {
                None => return Ok(0),
                Some(chunk) => self.chunk = chunk.map_err(std::io::Error::other)?,
            }
        }
        let n = into.len().min(self.chunk.len());
        let taken = self.chunk.split_to(n);
        if let Some(into) = into.get_mut(..n) {
            into.copy_from_slice(&taken);
        }
        Ok(n)
    }
}

//! What outlives the process: how far each source is, what was last seen of every resource, what waits to be read again.

use crate::commands::detect::{Saved, load, save};
use crate::failure::Failure;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use yagura_model::{Asset, ResourceRef};
use yagura_rule::Estate;

/// How far a watch is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Position {
    /// By source, what was read of it.
    pub sources: BTreeMap<String, Saved>,
    /// Resources whose reading failed for a reason that passes.
    pub waiting: Vec<Waits>,
}

/// A resource that waits to be read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// Its kind.
    pub kind: SmolStr,
    /// Its account.
    pub account: SmolStr,
    /// Its Region; of one that is new, the event's.
    pub region: SmolStr,
    /// Its id; none where it is new.
    pub id: Option<SmolStr>,
    /// What the event calls it, where it is new.
    pub names: BTreeSet<(String, SmolStr)>,
    /// The fields that the events speak of.
    pub fields: Vec<SmolStr>,
    /// Whether it may be gone or new.
    pub whole: bool,
}

/// What became of a resource, and when that was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Since {
    /// When reading began.
    pub at: Timestamp,
    /// What became of it.
    pub what: What,
}

/// What became of a resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It was read.
    Asset(Box<Asset>),
    /// It is gone.
    Gone(ResourceRef),
}

/// The folder of a watch.
pub struct Folder {
    path: PathBuf,
    journal: File,
}

impl Folder {
    /// Opens it, and makes it where it is not there.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn open(path: PathBuf) -> Result<Self, Failure> {
        std::fs::create_dir_all(&path)?;
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let journal = options.open(path.join(JOURNAL))?;
        Ok(Self { path, journal })
    }

    /// Where detections remember.
    pub fn detect(&self) -> PathBuf {
        self.path.join("detect.state")
    }

    /// Where the last full scan lies.
    pub fn estate(&self) -> PathBuf {
        self.path.join("estate.ysnap")
    }

    /// Where one that is being made goes.
    pub fn next(&self) -> PathBuf {
        self.path.join("next.ysnap")
    }

    /// How far it was.
    ///
    /// # Errors
    /// It is there and cannot be understood.
    pub fn position(&self) -> Result<Option<Position>, Failure> {
        load(&self.path.join(POSITION))
    }

    /// Remembers how far it is; what was noted of resources before is on the disk then.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn keep(&self, position: &Position) -> Result<(), Failure> {
        self.journal.sync_data()?;
        save(&self.path.join(POSITION), position)
    }

    /// Notes what became of resources.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn note(&mut self, since: &[Since]) -> Result<(), Failure> {
        // A line that was cut before is ended first: it must not take this one with it.
        let mut text = if since.is_empty() { Vec::new() } else { vec![b'\n'] };
        for one in since {
            serde_json::to_writer(&mut text, one).map_err(std::io::Error::from)?;
            text.push(b'\n');
        }
        Ok(self.journal.write_all(&text)?)
    }

    /// What became of resources. A last line that was cut when the process died is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn since(&self) -> Result<Vec<Since>, Failure> {
        let lines = BufReader::new(File::open(self.path.join(JOURNAL))?).split(b'\n');
        let mut out = Vec::new();
        for line in lines {
            out.extend(serde_json::from_slice(&line?).ok());
        }
        Ok(out)
    }

    /// Puts a full scan in the place of the one before, and what became of resources since it began.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn turn(&mut self, since: &[Since]) -> Result<(), Failure> {
        // Between these two steps the journal speaks of the time before the scan too; its times tell.
        std::fs::rename(self.next(), self.estate())?;
        self.journal.set_len(0)?;
        self.note(since)
    }
}

const JOURNAL: &str = "since.jsonl";
const POSITION: &str = "position.state";

/// Puts what became of resources into an estate.
pub fn apply(estate: &mut Estate, since: &[Since]) {
    if since.is_empty() {
        return;
    }
    type Key = (SmolStr, SmolStr, SmolStr, SmolStr);
    let key = |kind: &SmolStr, account: &SmolStr, region: &SmolStr, id: &SmolStr| -> Key {
        (kind.clone(), account.clone(), region.clone(), id.clone())
    };
    let of = |a: &Asset| key(&a.kind, &a.account, &a.region, &a.id);
    let mut places: HashMap<Key, u32> = estate.assets().iter().map(of).zip(0..).collect();
    // What was read before the scan began is in it, or was overtaken.
    let taken_at = estate.taken_at();
    for one in since.iter().filter(|s| s.at >= taken_at) {
        match &one.what {
            What::Asset(asset) => match places.get(&of(asset)) {
                Some(at) => estate.replace(*at, (**asset).clone()),
                None => {
                    let at = estate.push((**asset).clone());
                    places.insert(of(asset), at);
                }
            },
            What::Gone(r) => {
                if let Some(at) = places.remove(&key(&r.kind, &r.account, &r.region, &r.id)) {
                    estate.remove(at);
                }
            }
        }
    }
}

/// The folder where none is named: by the store's name, so that two stores have two.
///
/// # Errors
/// Nobody says where.
pub fn usual(place: &yagura_findings::Place) -> Result<PathBuf, Failure> {
    let name = match place {
        yagura_findings::Place::File(path) | yagura_findings::Place::Sealed(path, _) => {
            let whole = std::path::absolute(path)?;
            let folder = whole.parent().and_then(|p| p.canonicalize().ok()).unwrap_or_default();
            folder.join(whole.file_name().unwrap_or_default()).display().to_string()
        }
        yagura_findings::Place::Postgres(_) => place.to_string(),
    };
    // FNV-1a, as 16 hexadecimal digits: the folder's name tells the store, and nothing else hangs on it.
    let number = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    Ok(crate::commands::state::folder(None)?.join(Path::new(&format!("watch-{number:016x}"))))
}

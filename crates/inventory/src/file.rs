//! Snapshot files: Zstandard over JSON Lines, written whole or not at all.
//!
//! The first line says what it is and who read it when, then one line per listing and asset; the last line counts them,
//! so a file that lost its end is told from a whole one. Later versions may add members; readers skip what they do not know.

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;
use yagura_model::{Asset, Caller, Listing, SNAPSHOT_FORMAT, Scope, Snapshot};

/// How large one line may be: more is not a snapshot but an attack.
const MAX_LINE: u64 = 64 << 20;

/// Why a snapshot cannot be saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file cannot be read or written.
    #[error("cannot use the snapshot `{path}`: {source}")]
    Io {
        /// The file.
        path: String,
        /// The system's word.
        source: io::Error,
    },
    /// The file is no snapshot, or is damaged.
    #[error("`{path}` is not a whole snapshot: {message}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong, and where.
        message: String,
    },
    /// The file was written by a newer version.
    #[error("`{path}` has snapshot format {found}, this version reads up to {SNAPSHOT_FORMAT}: update Yagura")]
    Newer {
        /// The file.
        path: String,
        /// The file's format.
        found: u32,
    },
}

#[derive(Serialize, Deserialize)]
struct Header {
    yagura_snapshot: u32,
    taken_at: jiff::Timestamp,
    tool: String,
    callers: Vec<Caller>,
    scope: Scope,
    requests: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Listing(Listing),
    Asset(Asset),
    End { listings: usize, assets: usize },
}

/// Writes a snapshot. A reader, or a process that is killed at any moment, sees the old file or the new one, never a torn
/// one: it is written beside its place, flushed to disk, and renamed.
///
/// # Errors
/// [`SnapshotError::Io`] where the folder cannot be written.
pub fn save(snapshot: &Snapshot, path: &Path) -> Result<(), SnapshotError> {
    let io_error = |source| SnapshotError::Io { path: path.display().to_string(), source };
    // A link stands for what it points to: a file there is replaced, a device (`/dev/stdout`) is refused.
    let target = path.canonicalize();
    let path = target.as_deref().unwrap_or(path);
    if path.symlink_metadata().is_ok_and(|m| !m.is_file()) {
        return Err(io_error(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".yagura-").suffix(".tmp").tempfile_in(folder).map_err(io_error)?;
    write(snapshot, file.as_file_mut()).map_err(io_error)?;
    file.as_file().sync_all().map_err(io_error)?;
    file.persist(path).map_err(|e| io_error(e.error))?;
    // The rename itself reaches the disk with its folder; not every system lets a folder be opened.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn write(snapshot: &Snapshot, file: &mut File) -> io::Result<()> {
    let mut out = zstd::Encoder::new(BufWriter::new(file), 3)?;
    out.include_checksum(true)?;
    let header = Header {
        yagura_snapshot: SNAPSHOT_FORMAT,
        taken_at: snapshot.taken_at,
        tool: snapshot.tool.clone(),
        callers: snapshot.callers.clone(),
        scope: snapshot.scope.clone(),
        requests: snapshot.requests,
    };
    line(&mut out, &header)?;
    for l in &snapshot.listings {
        line(&mut out, &BorrowedLine::Listing(l))?;
    }
    for a in &snapshot.assets {
        line(&mut out, &BorrowedLine::Asset(a))?;
    }
    line(&mut out, &Line::End { listings: snapshot.listings.len(), assets: snapshot.assets.len() })?;
    out.finish()?.flush()
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum BorrowedLine<'s> {
    Listing(&'s Listing),
    Asset(&'s Asset),
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Reads a snapshot that [`save`] wrote.
///
/// # Errors
/// Says whether the file is missing, damaged (and where), or newer than this version.
pub fn load(path: &Path) -> Result<Snapshot, SnapshotError> {
    let name = || path.display().to_string();
    let file = File::open(path).map_err(|source| SnapshotError::Io { path: name(), source })?;
    read(file).map_err(|e| match e {
        ReadError::Damaged(message) => SnapshotError::Damaged { path: name(), message },
        ReadError::Newer(found) => SnapshotError::Newer { path: name(), found },
    })
}

enum ReadError {
    Damaged(String),
    Newer(u32),
}

/// Reads a snapshot from its bytes, such as one embedded in the program.
///
/// # Errors
/// Says what is wrong, and on which line.
pub fn load_bytes(bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
    let path = "embedded".to_owned();
    read(bytes).map_err(|e| match e {
        ReadError::Damaged(message) => SnapshotError::Damaged { path, message },
        ReadError::Newer(found) => SnapshotError::Newer { path, found },
    })
}

fn read(source: impl Read) -> Result<Snapshot, ReadError> {
    let damaged = |n: usize, e: &dyn std::fmt::Display| ReadError::Damaged(format!("line {n}: {e}"));
    let mut text = BufReader::new(zstd::Decoder::new(source).map_err(|e| damaged(0, &e))?);
    let mut buffer = Vec::new();
    let mut next = |n: usize| -> Result<Option<Vec<u8>>, ReadError> {
        buffer.clear();
        let got = (&mut text).take(MAX_LINE).read_until(b'\n', &mut buffer).map_err(|e| damaged(n, &e))?;
        if got > 0 && buffer.last() != Some(&b'\n') {
            return Err(damaged(n, &"the line does not end"));
        }
        Ok((got > 0).then(|| std::mem::take(&mut buffer)))
    };
    let first = next(1)?.ok_or_else(|| damaged(1, &"the file is empty"))?;
    #[derive(Deserialize)]
    struct Version {
        yagura_snapshot: u32,
    }
    let version: Version = serde_json::from_slice(&first).map_err(|e| damaged(1, &e))?;
    if version.yagura_snapshot > SNAPSHOT_FORMAT {
        return Err(ReadError::Newer(version.yagura_snapshot));
    }
    let h: Header = serde_json::from_slice(&first).map_err(|e| damaged(1, &e))?;
    let (mut listings, mut assets) = (Vec::new(), Vec::new());
    for n in 2.. {
        let Some(bytes) = next(n)? else { return Err(damaged(n, &"the end is missing")) };
        match serde_json::from_slice(&bytes).map_err(|e| damaged(n, &e))? {
            Line::Listing(l) => listings.push(l),
            Line::Asset(a) => assets.push(a),
            Line::End { listings: l, assets: a } if l == listings.len() && a == assets.len() => break,
            Line::End { .. } => return Err(damaged(n, &"lines are missing")),
        }
    }
    // Reading on to the very end has the checksum compared.
    let n = listings.len() + assets.len() + 3;
    if next(n)?.is_some() {
        return Err(damaged(n, &"there is more after the end"));
    }
    Ok(Snapshot {
        taken_at: h.taken_at,
        tool: h.tool,
        callers: h.callers,
        scope: h.scope,
        listings,
        assets,
        requests: h.requests,
    })
}

//! The right to watch over a store: one process at a time has it.

use super::cell::{Cell, Db, at as cell_at};
use super::place::Place;
use super::postgres::Postgres;
use crate::error::StoreError;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::PathBuf;

/// The key of PostgreSQL's lock: one more than the writers'.
const KEY: i64 = 133_519_110_337_122;

/// Why the right cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another process has it.
    #[error("{by} is watching over it already")]
    Held {
        /// Which one.
        by: String,
    },
    /// The store cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The right to watch over a store, for as long as this lives. The system takes it back when the process ends, however it ends:
/// it is a lock on a file beside SQLite's, and an advisory lock of PostgreSQL.
pub struct Claim {
    place: Place,
    held: Held,
}

enum Held {
    /// Open for as long as the lock is to hold.
    File {
        _open: File,
    },
    Server(Box<Postgres>),
}

impl Claim {
    /// Takes the right; `who` is told to whoever comes next.
    ///
    /// # Errors
    /// Another process has it, or the store cannot be reached.
    pub fn take(place: &Place, who: &str) -> Result<Self, ClaimError> {
        let held = match place {
            Place::File(path) | Place::Sealed(path, _) => Held::File { _open: file(path, who)? },
            Place::Postgres(url) => Held::Server(Box::new(server(url, who)?)),
        };
        Ok(Self { place: place.clone(), held })
    }

    /// Sees to it that the right is still there: a server that was restarted has forgotten it.
    ///
    /// # Errors
    /// Another process has it now, or the server cannot be reached.
    pub fn keep(&mut self, who: &str) -> Result<(), ClaimError> {
        if let (Held::Server(db), Place::Postgres(url)) = (&mut self.held, &self.place)
            && db.query("SELECT 1::int8", &[]).is_err()
        {
            **db = server(url, who)?;
        }
        Ok(())
    }
}

fn file(path: &std::path::Path, who: &str) -> Result<File, ClaimError> {
    // By whatever name it is called.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut beside = path.as_os_str().to_owned();
    beside.push(".watch.lock");
    let beside = PathBuf::from(beside);
    let failed = |e: std::io::Error| StoreError::NotWritable(format!("{}: {e}", beside.display()));
    if let Some(folder) = beside.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = File::options().create(true).truncate(false).read(true).write(true).open(&beside).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut by = String::new();
            let _ = (&mut file).take(500).read_to_string(&mut by);
            let by = by.trim();
            return Err(ClaimError::Held { by: if by.is_empty() { "another process" } else { by }.to_owned() });
        }
        Err(TryLockError::Error(e)) => return Err(failed(e).into()),
    }
    let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{who}"));
    written.and_then(|()| file.flush()).map_err(failed)?;
    Ok(file)
}

fn server(url: &str, who: &str) -> Result<Postgres, ClaimError> {
    let mut db = Postgres::open(url)?;
    // PostgreSQL cuts the name at 63 bytes.
    db.query("SELECT set_config('application_name', $1, false)", &[who.into()])?;
    let got = db.query("SELECT CASE WHEN pg_try_advisory_lock($1) THEN 1::int8 ELSE 0::int8 END", &[Cell::Int(KEY)])?;
    if got.first().is_some_and(|row| cell_at(row, 0).int() == 1) {
        return Ok(db);
    }
    // "pg_locks": of a lock with one key, classid holds its upper half and objid its lower.
    let holder = "SELECT a.application_name || coalesce(' from ' || host(a.client_addr), '') FROM pg_locks l \
                  JOIN pg_stat_activity a ON a.pid = l.pid \
                  WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
                  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                  AND (l.classid::int8 << 32 | l.objid::int8) = $1";
    let rows = db.query(holder, &[Cell::Int(KEY)])?;
    let by = rows.first().map(|row| cell_at(row, 0).text().to_owned()).filter(|by| !by.is_empty());
    Err(ClaimError::Held { by: by.unwrap_or_else(|| "another process".to_owned()) })
}

//! The store in one file.

use super::cell::{Cell, Db, Done, Row};
use crate::error::StoreError;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, ToSql, params_from_iter};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// How long a writer waits for another.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Sqlite {
    connection: Connection,
}

impl Sqlite {
    /// Opens the file, and makes it (readable by its owner alone) where it is not there and `make` says so.
    pub(crate) fn open(path: &Path, make: bool) -> Done<Self> {
        if make {
            prepare(path).map_err(|e| StoreError::NotWritable(format!("{}: {e}", path.display())))?;
        }
        if is_sealed(path) {
            return Err(StoreError::Key("the store is encrypted; name its key file in YAGURA_KEY".to_owned()));
        }
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        flags.set(OpenFlags::SQLITE_OPEN_CREATE, make);
        let connection = Connection::open_with_flags(path, flags).map_err(failure)?;
        connection.busy_timeout(PATIENCE).map_err(failure)?;
        // A rollback journal, flushed at every commit ("Atomic Commit In SQLite"): what was reported as recorded is on the
        // disk, and a process that dies at any moment leaves the state before it.
        connection
            .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
            .map_err(failure)?;
        Ok(Self { connection })
    }

    /// An empty one that no file holds.
    pub(crate) fn in_memory() -> Done<Self> {
        let connection = Connection::open_in_memory().map_err(failure)?;
        connection.execute_batch("PRAGMA foreign_keys = ON;").map_err(failure)?;
        Ok(Self { connection })
    }

    /// The bytes of the database's file.
    pub(crate) fn image(&mut self) -> Done<Vec<u8>> {
        Ok(self.connection.serialize(MAIN_DB).map_err(failure)?.to_vec())
    }

    /// Takes the bytes of a database's file in the place of what is there.
    pub(crate) fn restore(&mut self, image: &[u8]) -> Done<()> {
        self.connection.deserialize_read_exact(MAIN_DB, image, image.len(), false).map_err(failure)?;
        self.connection.execute_batch("PRAGMA foreign_keys = ON;").map_err(failure)
    }
}

/// Whether a file is a sealed one. One that cannot be read is told of when it is opened.
fn is_sealed(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|f| f.take(8).read_to_end(&mut head));
    read.is_ok() && yagura_seal::sealed::is_sealed(&head)
}

/// A file that its owner alone can read; emptied, if `empty` says so.
pub(crate) fn new_file(path: &Path, empty: bool) -> std::io::Result<std::fs::File> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(empty);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn prepare(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

impl Db for Sqlite {
    fn begin(&mut self) -> Done<()> {
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(failure)
    }

    fn commit(&mut self) -> Done<()> {
        self.connection.execute_batch("COMMIT").map_err(failure)
    }

    fn rollback(&mut self) {
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    fn batch(&mut self, sql: &str) -> Done<()> {
        self.connection.execute_batch(sql).map_err(failure)
    }

    fn execute_each(&mut self, sql: &str, rows: &[Row]) -> Done<()> {
        let mut statement = self.connection.prepare(sql).map_err(failure)?;
        for row in rows {
            bind(&mut statement, row)?;
            statement.raw_execute().map_err(failure)?;
        }
        Ok(())
    }

    fn query(&mut self, sql: &str, parameters: &[Cell]) -> Done<Vec<Row>> {
        let mut statement = self.connection.prepare(sql).map_err(failure)?;
        bind(&mut statement, parameters)?;
        let columns = statement.column_count();
        let mut found = statement.raw_query();
        let mut out = Vec::new();
        while let Some(row) = found.next().map_err(failure)? {
            let cells = (0..columns).map(|i| row.get_ref(i).map(cell)).collect::<Result<Row, _>>();
            out.push(cells.map_err(failure)?);
        }
        Ok(out)
    }

    fn has_table(&mut self, name: &str) -> Done<bool> {
        let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1";
        let mut statement = self.connection.prepare(sql).map_err(failure)?;
        statement.exists(params_from_iter([name])).map_err(failure)
    }
}

/// SQLite numbers `$1`, `$2` by where they first stand; they are bound by name.
fn bind(statement: &mut rusqlite::Statement<'_>, cells: &[Cell]) -> Done<()> {
    for (nth, cell) in cells.iter().enumerate() {
        let name = format!("${}", nth + 1);
        if let Some(place) = statement.parameter_index(&name).map_err(failure)? {
            statement.raw_bind_parameter(place, cell).map_err(failure)?;
        }
    }
    Ok(())
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Int(i) => ToSqlOutput::Owned(Value::Integer(*i)),
            Self::Text(t) => ToSqlOutput::Borrowed(ValueRef::Text(t.as_bytes())),
            Self::Bytes(b) => ToSqlOutput::Borrowed(ValueRef::Blob(b)),
        })
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(i) => Cell::Int(i),
        ValueRef::Real(_) => Cell::Null, // no column holds one
        ValueRef::Text(t) => Cell::Text(String::from_utf8_lossy(t).into_owned()),
        ValueRef::Blob(b) => Cell::Bytes(b.to_vec()),
    }
}

/// SQLite's result codes ("Result and Error Codes") as what a caller can act on.
fn failure(e: rusqlite::Error) -> StoreError {
    let Some(code) = e.sqlite_error_code() else { return StoreError::Database(e.to_string()) };
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy { seconds: PATIENCE.as_secs() },
        ErrorCode::DiskFull
        | ErrorCode::ReadOnly
        | ErrorCode::CannotOpen
        | ErrorCode::PermissionDenied
        | ErrorCode::SystemIoFailure => StoreError::NotWritable(e.to_string()),
        ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => StoreError::NotAStore(e.to_string()),
        _ => StoreError::Database(e.to_string()),
    }
}

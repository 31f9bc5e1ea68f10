//! The values and the few operations that both databases share.

use crate::error::StoreError;

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Cell {
    pub(crate) fn int(&self) -> i64 {
        match self {
            Self::Int(i) => *i,
            _ => 0,
        }
    }

    pub(crate) fn maybe_int(&self) -> Option<i64> {
        match self {
            Self::Int(i) => Some(*i),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(t) => t,
            _ => "",
        }
    }

    pub(crate) fn maybe_text(&self) -> Option<&str> {
        match self {
            Self::Text(t) => Some(t),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(b) => b,
            _ => &[],
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        *self == Self::Null
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<i64> for Cell {
    fn from(i: i64) -> Self {
        Self::Int(i)
    }
}
impl From<Vec<u8>> for Cell {
    fn from(b: Vec<u8>) -> Self {
        Self::Bytes(b)
    }
}
impl From<jiff::Timestamp> for Cell {
    fn from(t: jiff::Timestamp) -> Self {
        Self::Int(t.as_microsecond())
    }
}
impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(t: Option<T>) -> Self {
        t.map_or(Self::Null, Into::into)
    }
}

pub(crate) type Row = Vec<Cell>;
pub(crate) type Done<T> = Result<T, StoreError>;

/// A value of a row by its place; a row that is too short has nulls there.
pub(crate) fn at(row: &Row, place: usize) -> &Cell {
    const NULL: &Cell = &Cell::Null;
    row.get(place).unwrap_or(NULL)
}

/// A database. Statements are the same text for all: `$1` stands for the first parameter, TEXT, BIGINT and BYTEA are the
/// types. SQLite takes them as they are ("Datatypes In SQLite": a BYTEA column keeps blobs unchanged).
pub(crate) trait Db: Send {
    /// Begins a transaction that writes, alone among the store's writers; waits for others.
    fn begin(&mut self) -> Done<()>;
    /// Makes it last.
    fn commit(&mut self) -> Done<()>;
    /// Forgets it. What cannot be forgotten was not made.
    fn rollback(&mut self);
    /// Several statements without parameters.
    fn batch(&mut self, sql: &str) -> Done<()>;
    /// One statement for every row of parameters.
    fn execute_each(&mut self, sql: &str, rows: &[Row]) -> Done<()>;
    /// All rows.
    fn query(&mut self, sql: &str, parameters: &[Cell]) -> Done<Vec<Row>>;
    /// The names of the store's tables that are there.
    fn has_table(&mut self, name: &str) -> Done<bool>;

    /// One statement.
    fn execute(&mut self, sql: &str, parameters: &[Cell]) -> Done<()> {
        self.execute_each(sql, &[parameters.to_vec()])
    }
}

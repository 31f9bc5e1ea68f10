//! What a session is given: tables, their files, and what is known of both without opening them.

use datafusion::arrow::datatypes::SchemaRef;
use object_store::path::Path;
use std::ops::Range;

/// A log's table.
#[derive(Debug, Clone)]
pub struct LogTable {
    /// Its name in queries.
    pub name: String,
    /// Other names that AWS's pages give it.
    pub aliases: Vec<String>,
    /// The columns of its files, without the partition columns.
    pub schema: SchemaRef,
    /// Its files: these are read and no others.
    pub files: Vec<LogFile>,
    /// There are no logs at hand at all: to ask the table is an error then, and no empty answer.
    pub absent: bool,
    /// The columns that tell an event's time.
    pub times: Vec<TimeColumn>,
    /// Columns that repeat a field of a nested column.
    pub mirrors: Vec<Mirror>,
    /// Which column plays which part in the view `events`.
    pub roles: Vec<(Role, String)>,
}

/// A file of a table.
#[derive(Debug, Clone)]
pub struct LogFile {
    /// Where it lies in the store.
    pub path: Path,
    /// The account of every row.
    pub account: String,
    /// The Region of every row.
    pub region: String,
    /// The day of every row, `YYYY-MM-DD`.
    pub day: String,
    /// How many rows there are.
    pub rows: u64,
    /// The file's length.
    pub bytes: u64,
    /// The earliest event, in milliseconds since the epoch.
    pub min_time: i64,
    /// The latest event, in milliseconds since the epoch.
    pub max_time: i64,
    /// Bloom filters that can be asked without opening the file; may be empty.
    pub filters: Vec<LogFilter>,
}

/// Where a column's Bloom filters lie in a file: one of each row group, none left out.
#[derive(Debug, Clone)]
pub struct LogFilter {
    /// The column.
    pub column: String,
    /// The bytes of each, header and bitset.
    pub at: Vec<Range<u64>>,
}

/// A column that tells an event's time: the time that [`LogFile::min_time`] and `max_time` bound.
#[derive(Debug, Clone)]
pub struct TimeColumn {
    /// The column.
    pub column: String,
    /// How it tells it.
    pub form: TimeForm,
}

/// How a column tells a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeForm {
    /// A timestamp.
    Timestamp,
    /// Text that begins with `YYYY-MM-DDThh:mm:ss` in UTC.
    Iso8601,
    /// A whole number of seconds since the epoch.
    Seconds,
    /// A whole number of milliseconds since the epoch.
    Millis,
}

/// A column whose value is that of a nested field in every row, null where the field is null or absent and nowhere else.
/// A query that asks for the field is answered from the column, which has statistics and a bloom filter of its own.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// The field, such as `useridentity.accesskeyid`.
    pub field: String,
    /// The column.
    pub column: String,
}

/// A part in the view `events`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are the view's columns")]
pub enum Role {
    Time,
    Actor,
    Session,
    Issuer,
    AccessKey,
    SourceIp,
    UserAgent,
    Event,
    Target,
    Outcome,
    Error,
}

impl Role {
    /// All parts, in the view's order.
    pub const ALL: [Self; 11] = [
        Self::Time,
        Self::Actor,
        Self::Session,
        Self::Issuer,
        Self::AccessKey,
        Self::SourceIp,
        Self::UserAgent,
        Self::Event,
        Self::Target,
        Self::Outcome,
        Self::Error,
    ];

    /// The view's column.
    pub fn column(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Actor => "actor",
            Self::Session => "session",
            Self::Issuer => "issuer",
            Self::AccessKey => "access_key",
            Self::SourceIp => "source_ip",
            Self::UserAgent => "user_agent",
            Self::Event => "event",
            Self::Target => "target",
            Self::Outcome => "outcome",
            Self::Error => "error",
        }
    }
}

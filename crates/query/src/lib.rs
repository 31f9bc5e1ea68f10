//! SQL over security logs: the lake's Parquet files by DataFusion, asked in the words of Amazon Athena.
//!
//! A [`Session`] is given its tables and files as plain values: it lists no folder, reads no file that it was not given,
//! and takes reading statements only.

mod bloom;
pub mod cluster;
mod error;
mod functions;
mod mirror;
mod names;
mod provider;
mod prune;
mod reader;
mod session;
mod sql;
mod table;
mod value;

pub use error::Error;
pub use session::{Answer, Options, Session};
pub use table::{LogFile, LogFilter, LogTable, Mirror, Role, TimeColumn, TimeForm};
pub use value::at as value_at;

pub use datafusion::{arrow, parquet};

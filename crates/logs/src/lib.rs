//! AWS security logs: decoded once, kept in an open lake, and proven untampered.

pub mod columns;
pub mod csv_rows;
pub mod decode;
pub mod envelope;
pub mod flow;
pub mod frame;
pub mod ingest;
pub mod input;
pub mod json;
pub mod kept;
pub mod lake;
pub mod lines;
pub mod parquet;
pub mod pipes;
pub mod place;
pub mod record;
pub mod rows;
pub mod search;
pub mod source;
pub mod table;
pub mod time;
pub mod trail;
mod trouble;
pub mod unpack;
mod wrap;

pub use trouble::{Trouble, TroubleKind};

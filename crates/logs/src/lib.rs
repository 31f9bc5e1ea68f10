//! AWS security logs: decoded once, kept in an open lake, and proven untampered.

pub mod columns;
pub mod decode;
pub mod envelope;
pub mod frame;
pub mod json;
pub mod place;
pub mod record;
pub mod source;
pub mod table;
pub mod time;
pub mod unpack;

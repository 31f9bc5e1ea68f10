//! Athena's SQL, read and put into the words of the engine.

pub(crate) mod dialect;
pub(crate) mod rewrite;
pub(crate) mod statement;
pub(crate) mod types;
pub(crate) mod unnest;

//! One file per command.

pub mod checks;
pub mod content;
pub mod help_ja;
pub mod iam;
pub mod live;
pub mod permissions;
pub mod prepare;
pub mod readers;
pub mod scan;
pub mod tags;

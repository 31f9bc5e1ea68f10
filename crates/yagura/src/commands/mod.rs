//! One file per command.

pub mod batch;
pub mod checks;
pub mod content;
pub mod custodian;
pub mod detect;
pub mod events;
pub mod findings;
pub mod fix;
pub mod frameworks;
pub mod help_ja;
pub mod history;
pub mod iac;
pub mod iam;
pub mod investigate;
pub mod live;
pub mod logs;
pub mod net;
pub mod notify;
pub mod organization;
pub mod permissions;
pub mod prepare;
pub mod query;
pub mod readers;
pub mod rehearse;
pub mod rows;
pub mod scan;
mod schema;
pub mod seal;
pub mod setup;
mod site;
pub mod state;
pub mod store;
pub mod tags;
pub mod trail;
pub mod watch;

use clap::ValueEnum;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "a text per value would make every help page long")]
pub enum Form {
    Text,
    Json,
}

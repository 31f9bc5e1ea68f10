//! `yagura logs`: bringing logs into the lake, and looking after it.

mod ingest;
mod keep;
pub mod lake;
pub mod reasons;
mod search;
pub mod sources;

use super::help_ja::HelpJa;
use crate::failure::Failure;
use clap::Subcommand;
use yagura_model::Lang;

/// `logs …`
#[derive(Debug, Subcommand)]
pub enum LogsCommand {
    /// Decode logs and keep them in a lake of Parquet files, each record once
    Ingest(ingest::IngestArgs),
    /// Look for a text in every record of a lake
    Search(search::SearchArgs),
    /// Say what a lake holds
    Stats(keep::StatsArgs),
    /// Merge a lake's small files
    Compact(keep::CompactArgs),
    /// Take records older than the wanted retention out of a lake
    Expire(keep::ExpireArgs),
}

/// Runs a subcommand.
pub fn run(command: &LogsCommand, lang: Lang) -> Result<u8, Failure> {
    match command {
        LogsCommand::Ingest(args) => ingest::run(args, lang),
        LogsCommand::Search(args) => search::run(args, lang),
        LogsCommand::Stats(args) => keep::stats(args, lang),
        LogsCommand::Compact(args) => keep::compact(args, lang),
        LogsCommand::Expire(args) => keep::expire(args, lang),
    }
}

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    match name {
        "ingest" => Some(&ingest::HELP_JA),
        "search" => Some(&search::HELP_JA),
        "stats" => Some(&keep::STATS_JA),
        "compact" => Some(&keep::COMPACT_JA),
        "expire" => Some(&keep::EXPIRE_JA),
        _ => None,
    }
}

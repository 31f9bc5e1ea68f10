//! `yagura trail`: what can be proven of CloudTrail's log files.

mod aws;
mod machine;
mod verify;
mod words;

use super::help_ja::HelpJa;
use crate::failure::Failure;
use clap::Subcommand;
use yagura_model::Lang;

/// What `trail verify` asks AWS for: a call that is not allowed is an unknown of its answer (CloudTrail and Amazon S3 in the Service
/// Authorization Reference).
pub const ACTIONS: [&str; 5] =
    ["cloudtrail:GetTrail", "cloudtrail:GetTrailStatus", "cloudtrail:ListPublicKeys", "s3:GetObject", "s3:ListBucket"];

/// `trail …`
#[derive(Debug, Subcommand)]
pub enum TrailCommand {
    /// Verify digests and log files: changed, missing, moved and unexpected ones, and when logging began and stopped
    Verify(verify::VerifyArgs),
}

/// Runs a subcommand.
pub fn run(command: &TrailCommand, lang: Lang) -> Result<u8, Failure> {
    match command {
        TrailCommand::Verify(args) => verify::run(args, lang),
    }
}

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    match name {
        "verify" => Some(&verify::HELP_JA),
        _ => None,
    }
}

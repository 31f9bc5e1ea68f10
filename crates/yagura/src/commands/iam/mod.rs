//! `yagura iam`: who can do what, why, and what would change. One file per question; each holds its Japanese help too.

pub mod batch;
pub mod can;
pub mod credential_report;
pub mod diff;
pub mod escalations;
pub mod eval;
pub mod expand;
pub mod least_privilege;
pub mod lint;
pub mod public;
pub mod shrink;
pub mod source;
pub mod test;
pub mod trail;
pub mod what_can;
pub mod who_can;
pub mod words;

pub use super::Form;
pub use super::help_ja::HelpJa;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::terminal;
use clap::Subcommand;
use std::io::Write;
use yagura_model::Lang;
use yagura_policy::catalogue::Catalogue;

/// `iam …`
#[derive(Debug, Subcommand)]
pub enum IamCommand {
    /// Tell whether a principal may do something, and why
    Can(can::CanArgs),
    /// List every principal that may do something to a resource
    WhoCan(who_can::WhoCanArgs),
    /// List everything that a principal may do
    WhatCan(what_can::WhatCanArgs),
    /// Find principals that can gain an administrator's permissions, and the steps to them
    Escalations(escalations::EscalationsArgs),
    /// Say whether a policy grants what an older one does not
    Diff(diff::DiffArgs),
    /// Tell whom outside the zone of trust a resource's policy lets in
    Public(public::PublicArgs),
    /// Tell every user's password, MFA and access keys, and what to mend
    CredentialReport(credential_report::CredentialReportArgs),
    /// Write the least policy that covers what CloudTrail saw a principal do
    LeastPrivilege(least_privilege::LeastPrivilegeArgs),
    /// Run unit tests for policies
    Test(test::TestArgs),
    /// Evaluate requests given with all their policies
    Eval(eval::EvalArgs),
    /// List the actions that patterns and policies name
    Expand(expand::ExpandArgs),
    /// Check policies as IAM Access Analyzer does
    Lint(lint::LintArgs),
    /// Find the fewest patterns that name a set of actions
    Shrink(shrink::ShrinkArgs),
}

/// Runs a subcommand.
pub fn run(cli: &Cli, command: &IamCommand, lang: Lang) -> Result<u8, Failure> {
    match command {
        IamCommand::Can(args) => can::run(cli, args, lang),
        IamCommand::WhoCan(args) => who_can::run(cli, args, lang),
        IamCommand::WhatCan(args) => what_can::run(cli, args, lang),
        IamCommand::Escalations(args) => escalations::run(cli, args, lang),
        IamCommand::Diff(args) => diff::run(args, lang),
        IamCommand::Public(args) => public::run(cli, args, lang),
        IamCommand::CredentialReport(args) => credential_report::run(cli, args, lang),
        IamCommand::LeastPrivilege(args) => least_privilege::run(cli, args, lang),
        IamCommand::Test(args) => test::run(args, lang),
        IamCommand::Eval(args) => eval::run(args, lang),
        IamCommand::Expand(args) => expand::run(args, lang),
        IamCommand::Lint(args) => lint::run(args, lang),
        IamCommand::Shrink(args) => shrink::run(args),
    }
}

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    Some(match name {
        "can" => &can::HELP_JA,
        "who-can" => &who_can::HELP_JA,
        "what-can" => &what_can::HELP_JA,
        "escalations" => &escalations::HELP_JA,
        "diff" => &diff::HELP_JA,
        "public" => &public::HELP_JA,
        "credential-report" => &credential_report::HELP_JA,
        "least-privilege" => &least_privilege::HELP_JA,
        "test" => &test::HELP_JA,
        "eval" => &eval::HELP_JA,
        "expand" => &expand::HELP_JA,
        "lint" => &lint::HELP_JA,
        "shrink" => &shrink::HELP_JA,
        _ => return None,
    })
}

/// Prints a text for a person: folded where a terminal is narrower, else one line for each thing said.
pub fn say(text: &str) -> std::io::Result<()> {
    let columns = terminal::columns().filter(|_| terminal::is_terminal());
    let text = columns.map_or_else(|| text.to_owned(), |columns| words::fold(text, columns));
    std::io::stdout().lock().write_all(text.as_bytes())
}

/// What AWS has: actions, resource types, condition keys.
pub fn catalogue() -> Result<Catalogue, Failure> {
    let text = crate::content::embedded_text("aws/iam-actions.txt").unwrap_or_default();
    Catalogue::read(&text).map_err(|e| Failure::usage(e.to_string(), format!("アクションの一覧を読み込めない: {e}")))
}

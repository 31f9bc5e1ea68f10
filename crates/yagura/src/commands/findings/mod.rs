//! `yagura findings`: what the store knows of findings, and what people do with them.

mod args;
mod change;
pub mod list;
pub mod open;
pub mod recording;
mod show;
pub mod told;
pub mod words;

pub use args::{FindingsCommand, help_ja};
pub use list::{columns, machine};

use crate::cli::Cli;
use crate::failure::Failure;
use yagura_findings::{Finding, Place, Store, StoreError};
use yagura_model::Lang;

/// Runs a `findings` command.
pub fn run(cli: &Cli, command: &FindingsCommand, lang: Lang) -> Result<u8, Failure> {
    match command {
        FindingsCommand::List(args) => list::run(cli, args, lang),
        FindingsCommand::Show(args) => show::show(cli, args, lang),
        FindingsCommand::History(args) => show::history(cli, args, lang),
        FindingsCommand::Diff(args) => show::diff(cli, args, lang),
        FindingsCommand::Suppress(args) => change::suppress(cli, args, lang),
        FindingsCommand::Unsuppress(args) => change::unsuppress(args, lang),
        FindingsCommand::Suppressions(args) => list::suppressions(cli, args, lang),
        FindingsCommand::Assign(args) => change::assign(args, lang),
        FindingsCommand::Runs(args) => list::runs(args, lang),
        FindingsCommand::Migrate(args) => change::migrate(args, lang),
    }
}

/// The one finding whose id begins so.
///
/// # Errors
/// There is none, or there are several: a sentence.
fn one(store: &mut Store, place: &Place, begin: &str) -> Result<Finding, Failure> {
    let lower = begin.to_ascii_lowercase();
    let mut found = store.by_id(&lower).map_err(|e| open::failure(&e, place))?;
    match (found.pop(), found.len()) {
        (Some(finding), 0) if !begin.is_empty() => Ok(finding),
        (Some(_), more) => Err(Failure::usage(
            format!("`{begin}` is the beginning of {} findings: give more of the id", more + 1),
            format!("`{begin}` で始まる検出結果は {} 件ある。ID をもっと長く指定すること", more + 1),
        )),
        (None, _) => Err(Failure::usage(format!("no finding `{begin}`"), format!("検出結果 `{begin}` は存在しない"))
            .hint("see `yagura findings list`", "`yagura findings list` で一覧を確認すること")),
    }
}

/// For `map_err`.
fn failed(place: &Place) -> impl Fn(StoreError) -> Failure + '_ {
    |e| open::failure(&e, place)
}

//! The command line of Yagura. Computes no verdict of its own: it picks checks, has them judged, and hands the result to
//! an output format.

mod cli;
mod commands;
mod content;
mod escalations;
mod failure;
mod progress;
mod select;
mod settings;
mod terminal;
mod usage_ja;

use clap::{CommandFactory, FromArgMatches};
use cli::{Cli, Command};
use failure::Failure;
use std::io::Write;
use std::process::ExitCode;
use yagura_model::Lang;

fn main() -> ExitCode {
    let mut command = Cli::command();
    let asked = cli::lang_of_help();
    if asked == Lang::Ja {
        command = commands::help_ja::translate(command);
    }
    let cli = match command.try_get_matches().and_then(|m| Cli::from_arg_matches(&m)) {
        Ok(cli) => cli,
        Err(e) => match usage_ja::message(&e).filter(|_| asked == Lang::Ja) {
            Some(text) => {
                let _ = std::io::stderr().write_all(text.as_bytes());
                return ExitCode::from(failure::exit::USAGE);
            }
            None => e.exit(),
        },
    };
    let lang = cli.lang.map_or_else(cli::lang_of_environment, Into::into);
    match run(&cli, lang) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if !failure.is_quiet() {
                let _ = writeln!(std::io::stderr(), "{}", failure.render(lang));
            }
            ExitCode::from(failure.code)
        }
    }
}

fn run(cli: &Cli, lang: Lang) -> Result<u8, Failure> {
    match &cli.command {
        Command::Scan(args) => commands::scan::run(cli, args, lang),
        Command::Checks(command) => commands::checks::run(cli, command, lang),
        Command::Frameworks(command) => commands::frameworks::run(cli, command, lang),
        Command::Permissions(args) => commands::permissions::run(cli, args, lang),
        Command::Iam(command) => commands::iam::run(cli, command, lang),
        Command::Net(command) => commands::net::run(cli, command, lang),
        Command::Logs(command) => commands::logs::run(command, lang),
        Command::Trail(command) => commands::trail::run(command, lang),
        Command::Detect(args) => commands::detect::run(cli, args, lang),
        Command::Investigate(args) => commands::investigate::run(cli, args, lang),
        Command::Events(command) => commands::events::run(command),
        Command::Query(args) => commands::query::run(cli, args, lang),
        Command::Custodian(command) => commands::custodian::run(cli, command, lang),
        Command::Findings(command) => commands::findings::run(cli, command, lang),
        Command::Notify(command) => commands::notify::run(cli, command, lang),
        Command::History(args) => commands::history::run(cli, args, lang),
        Command::Fix(args) => commands::fix::run(cli, args, lang),
        Command::Contain(args) => commands::fix::contain(cli, args, lang),
        Command::Undo(args) => commands::fix::undo(cli, args, lang),
        Command::Setup(command) => commands::setup::run(cli, command, lang),
        Command::Rehearse(args) => commands::rehearse::run(cli, args, lang),
        Command::Watch(args) => commands::watch::run(cli, args, lang),
        Command::Seal(command) => commands::seal::run(command, lang),
        Command::Content(command) => commands::content::run(cli, command, lang),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "yagura", &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(failure::exit::DONE)
        }
        Command::Man { dir: None } => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            std::io::stdout().write_all(&page)?;
            Ok(failure::exit::DONE)
        }
        Command::Man { dir: Some(dir) } => {
            std::fs::create_dir_all(dir)?;
            clap_mangen::generate_to(Cli::command(), dir)?;
            Ok(failure::exit::DONE)
        }
    }
}

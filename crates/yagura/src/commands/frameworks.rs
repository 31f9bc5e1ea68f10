//! `yagura frameworks`: the standards, their requirements and which checks answer them.

use super::help_ja::HelpJa;
use crate::cli::Cli;
use crate::content::{Content, Requirements};
use crate::failure::{Failure, exit};
use clap::{Args, Subcommand, ValueEnum};
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::io::Write;
use yagura_model::{ComplianceRequirement, Coverage, Lang};
use yagura_report::{coverage_word, width};
use yagura_rule::framework::{Answers, Framework};

/// `frameworks …`
#[derive(Debug, Subcommand)]
pub enum FrameworksCommand {
    /// One line per framework: how many requirements checks answer
    List(ListArgs),
    /// A framework's requirements, how far checks answer each, and by which checks
    Show(ShowArgs),
}

/// `frameworks list`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura frameworks list
  yagura frameworks list --format json")]
pub struct ListArgs {
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: TextOrJson,
}

/// `frameworks show`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura frameworks show cis-5.0
  yagura frameworks show fisc-11 --gaps               only what checks do not answer, or answer in part
  yagura frameworks show pci-4.0.1 --format json")]
pub struct ShowArgs {
    /// The framework's id
    id: SmolStr,
    /// Only requirements that checks do not answer, or answer in part
    #[arg(long)]
    gaps: bool,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: TextOrJson,
}

/// For people or for machines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum TextOrJson {
    /// For a person
    #[default]
    Table,
    /// One JSON document
    Json,
}

const LIST_JA: HelpJa = HelpJa {
    about: "フレームワークの一覧と、チェックで確認できる要件の数",
    arguments: &[("format", "出力形式")],
    examples: "例:
  yagura frameworks list
  yagura frameworks list --format json",
};

const SHOW_JA: HelpJa = HelpJa {
    about: "フレームワークの要件と、各要件をどこまでどのチェックで確認できるか",
    arguments: &[
        ("id", "フレームワークの ID"),
        ("gaps", "チェックで確認できない要件と、一部しか確認できない要件だけ"),
        ("format", "出力形式"),
    ],
    examples: "例:
  yagura frameworks show cis-5.0
  yagura frameworks show fisc-11 --gaps               チェックで確認できない（または一部だけの）要件
  yagura frameworks show pci-4.0.1 --format json",
};

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    match name {
        "list" => Some(&LIST_JA),
        "show" => Some(&SHOW_JA),
        _ => None,
    }
}

/// Runs a `frameworks` command.
pub fn run(cli: &Cli, command: &FrameworksCommand, lang: Lang) -> Result<u8, Failure> {
    let content = Content::load(cli.content.as_deref())?;
    match command {
        FrameworksCommand::List(args) => list(&content, args, lang),
        FrameworksCommand::Show(args) => show(&content, args, lang),
    }
}

fn rows(framework: &Framework, answers: &Answers, lang: Lang) -> Vec<(SmolStr, Vec<ComplianceRequirement>)> {
    let compliance = answers.compliance(framework, &[], &BTreeSet::new(), lang);
    compliance
        .sections
        .into_iter()
        .map(|s| (format!("{} {}", s.number, s.title).trim().into(), s.requirements))
        .collect()
}

fn count(rows: &[(SmolStr, Vec<ComplianceRequirement>)], coverage: Coverage) -> usize {
    rows.iter().flat_map(|(_, r)| r).filter(|r| r.coverage == coverage).count()
}

const COVERAGES: [Coverage; 3] = [Coverage::Automated, Coverage::Partial, Coverage::Manual];

fn list(content: &Content, args: &ListArgs, lang: Lang) -> Result<u8, Failure> {
    let Requirements { frameworks, answers, .. } = content.requirements();
    let mut out = std::io::stdout().lock();
    let all: Vec<_> = frameworks.iter().map(|f| (f, rows(f, answers, lang))).collect();
    if args.format == TextOrJson::Json {
        let rows: Vec<_> = all
            .iter()
            .map(|(f, rows)| {
                let [automated, partial, manual] = COVERAGES.map(|c| count(rows, c));
                serde_json::json!({"id": f.id, "title": f.title(lang), "automated": automated, "partial": partial, "manual": manual})
            })
            .collect();
        serde_json::to_writer_pretty(&mut out, &rows).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(exit::DONE);
    }
    let widest = all.iter().map(|(f, _)| f.id.len()).max().unwrap_or(0);
    for (f, rows) in &all {
        let counts = COVERAGES.map(|c| (count(rows, c), c));
        let counts: Vec<String> =
            counts.iter().filter(|(n, _)| *n > 0).map(|(n, c)| format!("{n} {}", coverage_word(*c, lang))).collect();
        writeln!(out, "{:widest$}  {}  ({})", f.id, f.title(lang), counts.join(", "))?;
    }
    Ok(exit::DONE)
}

fn show(content: &Content, args: &ShowArgs, lang: Lang) -> Result<u8, Failure> {
    let Requirements { frameworks, answers, .. } = content.requirements();
    let Some(framework) = frameworks.iter().find(|f| f.id == args.id) else {
        let there = content.frameworks.iter().map(|f| f.id.as_str());
        return Err(Failure::unknown(("framework", "フレームワーク"), &args.id, there).or_list());
    };
    let mut rows = rows(framework, answers, lang);
    let counts = COVERAGES.map(|c| (count(&rows, c), c));
    if args.gaps {
        rows.iter_mut().for_each(|(_, r)| r.retain(|r| r.coverage != Coverage::Automated));
        rows.retain(|(_, r)| !r.is_empty());
    }
    let mut out = std::io::stdout().lock();
    if args.format == TextOrJson::Json {
        let sections: Vec<_> = rows
            .iter()
            .map(|(title, requirements)| {
                let requirements: Vec<_> = requirements
                    .iter()
                    .map(|r| serde_json::json!({"number": r.number, "title": r.title, "coverage": r.coverage, "checks": r.checks}))
                    .collect();
                serde_json::json!({"title": title, "requirements": requirements})
            })
            .collect();
        let document = serde_json::json!({"id": framework.id, "title": framework.title(lang), "sections": sections});
        serde_json::to_writer_pretty(&mut out, &document).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(exit::DONE);
    }
    let summary: Vec<String> = counts.iter().map(|(n, c)| format!("{n} {}", coverage_word(*c, lang))).collect();
    writeln!(out, "{}\n{}\n", framework.title(lang), summary.join(" · "))?;
    let numbers = rows.iter().flat_map(|(_, r)| r).map(|r| r.number.len()).max().unwrap_or(0);
    for (title, requirements) in &rows {
        if !title.is_empty() {
            writeln!(out, "{title}")?;
        }
        for r in requirements {
            let word = coverage_word(r.coverage, lang);
            let pad = " ".repeat(10usize.saturating_sub(width(word)));
            writeln!(out, "  {:numbers$}  {word}{pad}{}", r.number, r.title)?;
            if !r.checks.is_empty() {
                writeln!(out, "  {:numbers$}  {:10}  {}", "", "", r.checks.join(", "))?;
            }
        }
        writeln!(out)?;
    }
    Ok(exit::DONE)
}

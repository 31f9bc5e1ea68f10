//! `yagura detect list`: which detections and sequences there are.

use super::pack;
use crate::cli::{Cli, SeverityArg};
use crate::commands::checks::severity_word;
use crate::commands::help_ja::HelpJa;
use crate::failure::{Failure, exit};
use clap::Args;
use smol_str::SmolStr;
use std::io::Write;
use std::path::PathBuf;
use yagura_detect::detection::{Detection, LOGS};
use yagura_detect::pack::Pack;
use yagura_detect::sequence::Sequence;
use yagura_model::{Lang, Severity, glob};
use yagura_report::width;

/// `detect list`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura detect list --log dns
  yagura detect list --maps T1562 --severity high      what finds this technique of MITRE ATT&CK
  yagura detect list --maps guardduty/Stealth          what finds these types of GuardDuty's
  yagura detect list --rule 'cloudtrail.*_shared' --json
  yagura detect list --rule 'sigma.*' --rules sigma/   which rules of yours were understood")]
pub struct ListArgs {
    /// Only those that look at this log: cloudtrail, dns, vpc, s3, eks, rds, …; or sequence
    #[arg(long, value_name = "LOG")]
    pub log: Vec<SmolStr>,
    /// Only those that answer this technique of MITRE ATT&CK or type of GuardDuty's, or a part of its name; * stands for anything
    #[arg(long, value_name = "TEXT")]
    pub maps: Vec<SmolStr>,
    /// Only those of at least this severity
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub severity: Option<SeverityArg>,
    /// Only those whose id fits; * stands for anything
    #[arg(long, value_name = "GLOB")]
    pub rule: Vec<SmolStr>,
    /// Sigma rules and EventBridge patterns of yours, too
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// The Japanese help.
pub const LIST_JA: HelpJa = HelpJa {
    about: "検出ルールとシーケンスの一覧を表示する",
    arguments: &[
        ("log", "このログを見るものだけ: cloudtrail、dns、vpc、s3、eks、rds など。または sequence"),
        (
            "maps",
            "この MITRE ATT&CK の技術または GuardDuty の検出タイプ（名前の一部でもよい）に対応するものだけ。* は任意の文字列",
        ),
        ("severity", "この重要度以上のものだけ"),
        ("rule", "ID が合うものだけ。* は任意の文字列"),
        ("rules", "自分の Sigma ルールと EventBridge パターンも含める"),
        ("json", "JSON で出力する"),
    ],
    examples: "例:
  yagura detect list --log dns
  yagura detect list --maps T1562 --severity high      MITRE ATT&CK のこの技術を検出するもの
  yagura detect list --maps guardduty/Stealth          GuardDuty のこれらの検出タイプに対応するもの
  yagura detect list --rule 'cloudtrail.*_shared' --json
  yagura detect list --rule 'sigma.*' --rules sigma/   自分のルールのうち読み込めたもの",
};

/// The word for sequences where a log is asked for: they look at all of them.
const SEQUENCE: &str = "sequence";

/// A detection or a sequence.
#[derive(Clone, Copy)]
enum Either<'p> {
    Detection(&'p Detection),
    Sequence(&'p Sequence),
}

impl<'p> Either<'p> {
    fn parts(self, lang: Lang) -> (&'p SmolStr, &'p str, Severity, &'p [SmolStr], &'p SmolStr) {
        match self {
            Self::Detection(d) => (&d.id, log(d), d.severity, &d.maps, &d.words(lang).title),
            Self::Sequence(s) => (&s.id, SEQUENCE, s.severity, &s.maps, &s.words(lang).title),
        }
    }

    fn json(self, lang: Lang) -> serde_json::Value {
        match self {
            Self::Detection(d) => {
                let words = d.words(lang);
                serde_json::json!({"id": d.id, "log": d.table.name(), "severity": d.severity, "confidence": d.confidence, "maps": d.maps,
                    "silent": d.silent, "title": words.title, "why": words.why, "look": words.look, "innocent": words.innocent})
            }
            Self::Sequence(s) => {
                let words = s.words(lang);
                let stage = |p: &yagura_detect::sequence::Stage| serde_json::json!({"name": p.name, "any": p.any, "optional": p.optional, "distinct": p.distinct});
                serde_json::json!({"id": s.id, "severity": s.severity, "maps": s.maps, "title": words.title, "why": words.why,
                    "look": words.look, "stages": s.stages.iter().map(stage).collect::<Vec<_>>()})
            }
        }
    }
}

/// A log's short name.
pub fn log(d: &Detection) -> &'static str {
    LOGS.iter().find(|(_, table)| *table == d.table.name()).map_or(d.table.name(), |(short, _)| short)
}

/// Runs it.
pub fn run(cli: &Cli, args: &ListArgs, lang: Lang) -> Result<u8, Failure> {
    let logs = || LOGS.iter().map(|(short, _)| *short).chain([SEQUENCE]);
    if let Some(strange) = args.log.iter().find(|l| !logs().any(|known| known == l.as_str())) {
        let all: Vec<&str> = logs().collect();
        return Err(Failure::unknown(("log", "ログ"), strange, logs())
            .hint_if_none(format!("one of {}", all.join(", ")), format!("{} のいずれか", all.join("、"))));
    }
    let pack = pack::load(cli, &args.rules, lang)?;
    let chosen = chosen(&pack, args, lang);
    if chosen.is_empty() {
        return Err(Failure::usage(
            "no detection or sequence fits this selection",
            "条件に合う検出ルールやシーケンスがない",
        )
        .hint("see `yagura detect list`", "`yagura detect list` で一覧を確認すること"));
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if args.json {
        let all: Vec<serde_json::Value> = chosen.iter().map(|c| c.json(lang)).collect();
        serde_json::to_writer_pretty(&mut out, &all).map_err(std::io::Error::from)?;
        writeln!(out)?;
        out.flush()?;
        return Ok(exit::DONE);
    }
    let widest = chosen.iter().map(|c| c.parts(lang).0.len()).max().unwrap_or(0);
    for c in &chosen {
        let (id, _, severity, maps, title) = c.parts(lang);
        let word = severity_word(severity, lang);
        let pad = " ".repeat(9usize.saturating_sub(width(word)));
        let maps = if maps.is_empty() { String::new() } else { format!("  [{}]", maps.join(", ")) };
        writeln!(out, "{id:widest$}  {word}{pad}{title}{maps}")?;
    }
    let sequences = chosen.iter().filter(|c| matches!(c, Either::Sequence(_))).count();
    let rules = chosen.len() - sequences;
    let text = match lang {
        Lang::En => format!("{rules} detections, {sequences} sequences; `yagura detect show ID` tells all of one"),
        Lang::Ja => format!("検出ルール {rules} 件、シーケンス {sequences} 件（詳細は `yagura detect show ID`）"),
    };
    out.flush()?;
    writeln!(std::io::stderr(), "{text}")?;
    Ok(exit::DONE)
}

/// What a selection names, in the order of the pack: detections, then sequences.
fn chosen<'p>(pack: &'p Pack, args: &ListArgs, lang: Lang) -> Vec<Either<'p>> {
    let all = pack.rules.detections.iter().map(Either::Detection);
    let all = all.chain(pack.sequences.all.iter().map(Either::Sequence));
    let least = args.severity.map(Severity::from);
    let mapped = |maps: &[SmolStr]| {
        args.maps.iter().any(|asked| {
            let asked = format!("*{}*", asked.to_ascii_lowercase());
            maps.iter().any(|m| glob(&asked, &m.to_ascii_lowercase()))
        })
    };
    let wanted = |c: &Either<'p>| {
        let (id, log, severity, maps, _) = c.parts(lang);
        (args.log.is_empty() || args.log.iter().any(|l| l == log))
            && (args.rule.is_empty() || args.rule.iter().any(|g| glob(g, id)))
            && (args.maps.is_empty() || mapped(maps))
            && least.is_none_or(|l| severity >= l)
    };
    all.filter(wanted).collect()
}

//! `yagura detect show ID`: all of one detection or sequence.

use super::list::log;
use super::pack;
use crate::cli::Cli;
use crate::commands::checks::severity_word;
use crate::commands::help_ja::HelpJa;
use crate::commands::rows::Rows;
use crate::content;
use crate::failure::{Failure, exit};
use clap::Args;
use smol_str::SmolStr;
use std::io::{self, Write};
use std::path::PathBuf;
use yagura_detect::detection::{Detection, Words};
use yagura_detect::fixture::{Expect, Fixture};
use yagura_detect::pack::Pack;
use yagura_detect::sequence::Sequence;
use yagura_model::{ContentFile, Lang};
use yagura_rule::yaml::{Yaml, YamlKind, read};

/// `detect show`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura detect show cloudtrail.logging_stopped
  yagura detect show sequence.blind_then_take --lang ja")]
pub struct ShowArgs {
    /// The detection's or sequence's id
    pub id: SmolStr,
    /// Sigma rules and EventBridge patterns of yours, too
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
}

/// The Japanese help.
pub const SHOW_JA: HelpJa = HelpJa {
    about: "検出ルールまたはシーケンスの内容、理由、確認事項、条件を表示する",
    arguments: &[
        ("id", "検出ルールまたはシーケンスの ID"),
        ("rules", "自分の Sigma ルールと EventBridge パターンも含める"),
    ],
    examples: "例:
  yagura detect show cloudtrail.logging_stopped
  yagura detect show sequence.blind_then_take --lang ja",
};

/// Runs it.
pub fn run(cli: &Cli, args: &ShowArgs, lang: Lang) -> Result<u8, Failure> {
    let pack = pack::load(cli, &args.rules, lang)?;
    let (files, _) = content::detections(cli.content.as_deref())?;
    let mut page = Page { rows: Rows::new(io::stdout().lock()), lang };
    let id = &args.id;
    if let Some(d) = pack.rules.named(id) {
        page.detection(d, &pack, file_of(&files, "detections/", id))?;
    } else if let Some(s) = pack.sequences.all.iter().find(|s| s.id == *id) {
        let name = id.strip_prefix("sequence.").unwrap_or(id);
        page.sequence(s, file_of(&files, "sequences/", name))?;
    } else {
        let all = pack.rules.detections.iter().map(|d| &d.id).chain(pack.sequences.all.iter().map(|s| &s.id));
        let unknown =
            Failure::unknown(("detection or sequence", "検出ルールまたはシーケンス"), id, all.map(SmolStr::as_str));
        return Err(unknown.hint_if_none("see `yagura detect list`", "`yagura detect list` で一覧を確認すること"));
    }
    Ok(exit::DONE)
}

/// The file that an id's path names.
fn file_of<'f>(files: &'f [ContentFile], folder: &str, id: &str) -> Option<&'f ContentFile> {
    files.iter().find(|f| {
        let path = f.path.strip_prefix(folder).and_then(|p| p.strip_suffix(".yaml"));
        path.is_some_and(|p| p.replace('/', ".") == id)
    })
}

struct Page<W> {
    rows: Rows<W>,
    lang: Lang,
}

impl<W: Write> Page<W> {
    fn row(&mut self, en: &str, ja: &str, value: &str) -> io::Result<()> {
        if value.is_empty() { Ok(()) } else { self.rows.row(self.lang.pick(en, ja), value) }
    }

    fn detection(&mut self, d: &Detection, pack: &Pack, file: Option<&ContentFile>) -> io::Result<()> {
        let lang = self.lang;
        self.row("detection", "検出ルール", &d.id)?;
        self.words(d.words(lang))?;
        let (severity, confidence) = (severity_word(d.severity, lang), confidence(d.confidence.name(), lang));
        self.row("severity", "重要度", &format!("{severity} ({} {confidence})", lang.pick("confidence", "確度")))?;
        self.row("log", "ログ", log(d))?;
        let yaml = file.and_then(|f| read(f).ok());
        let part = |key: &str| yaml.as_ref().and_then(|y| y.get(key)).map(flow).unwrap_or_default();
        if yaml.is_some() {
            self.row("event", "イベント", &part("event"))?;
            self.row("matches", "条件", &part("match"))?;
        } else {
            let names: Vec<&str> = d.index.sources.iter().chain(&d.index.names).map(SmolStr::as_str).collect();
            self.row("event", "イベント", &names.join(", "))?;
            self.row("matches", "条件", lang.pick("as its own file says", "元のファイルのとおり"))?;
        }
        self.row("settings", "設定", &part("settings"))?;
        self.row("statistic", "統計手法", &part("method"))?;
        self.row("repeated", "繰り返し", &part("count"))?;
        self.row("unusual", "習慣", &part("habit"))?;
        self.row("said once", "再通知の抑制", &part("dedup"))?;
        if d.silent {
            let (en, ja) = (
                "no finding of its own: only a stage of sequences",
                "単独では通知せず、シーケンスの段階としてのみ使う",
            );
            self.row("silent", "通知", lang.pick(en, ja))?;
        }
        let stages: Vec<String> = pack
            .sequences
            .all
            .iter()
            .flat_map(|s| {
                s.stages.iter().filter(|p| p.any.contains(&d.id)).map(move |p| format!("{} ({})", s.id, p.name))
            })
            .collect();
        self.row("stage of", "シーケンス", &stages.join("\n"))?;
        self.maps(&d.maps)?;
        self.end(&d.fixtures, file)
    }

    fn sequence(&mut self, s: &Sequence, file: Option<&ContentFile>) -> io::Result<()> {
        let lang = self.lang;
        self.row("sequence", "シーケンス", &s.id)?;
        self.words(s.words(lang))?;
        self.row("severity", "重要度", severity_word(s.severity, lang))?;
        let yaml = file.and_then(|f| read(f).ok());
        let part = |key: &str| yaml.as_ref().and_then(|y| y.get(key)).map(flow).unwrap_or_default();
        self.row("joined on", "結合キー", part("join").trim_matches(['[', ']']))?;
        self.row("within", "期間", &part("within"))?;
        for stage in &s.stages {
            let mut how = Vec::new();
            if stage.optional {
                how.push(lang.pick("optional", "任意").to_owned());
            }
            if stage.distinct > 1 {
                let (en, ja) = (format!("{} different ones", stage.distinct), format!("異なる {} 種", stage.distinct));
                how.push(lang.pick(&en, &ja).to_owned());
            }
            let how = if how.is_empty() { String::new() } else { format!(" ({})", how.join(", ")) };
            let name = yagura_detect::tell::stage_word(&stage.name, lang);
            self.row("stage", "段階", &format!("{name}{how}: {}", stage.any.join(", ")))?;
        }
        self.maps(&s.maps)?;
        self.end(&s.fixtures, file)
    }

    fn words(&mut self, words: &Words) -> io::Result<()> {
        self.row("title", "内容", &words.title)?;
        self.row("why", "理由", &words.why)?;
        self.row("innocent", "問題のない原因", &words.innocent.join("\n"))?;
        self.row("look", "確認事項", &words.look.join("\n"))
    }

    fn maps(&mut self, maps: &[SmolStr]) -> io::Result<()> {
        self.row("maps to", "対応", &maps.join("\n"))
    }

    fn end(&mut self, fixtures: &[Fixture], file: Option<&ContentFile>) -> io::Result<()> {
        let lang = self.lang;
        let said = |f: &Fixture| {
            let expect = match f.expect {
                Expect::Fire => lang.pick("fires", "検出する").to_owned(),
                Expect::Quiet => lang.pick("stays quiet", "検出しない").to_owned(),
                Expect::Times(1) => lang.pick("fires once", "1 回検出する").to_owned(),
                Expect::Times(n) => lang.pick(&format!("fires {n} times"), &format!("{n} 回検出する")).to_owned(),
            };
            format!("{}: {expect}", f.name)
        };
        let all: Vec<String> = fixtures.iter().map(said).collect();
        self.row("fixtures", "テスト", &all.join("\n"))?;
        let built_in = |f: &ContentFile| if f.shipped { lang.pick(" (built in)", "（組み込み）") } else { "" };
        let path = file.map(|f| format!("{}{}", f.path, built_in(f))).unwrap_or_default();
        self.row("file", "ファイル", &path)
    }
}

/// A confidence in words.
fn confidence(name: &str, lang: Lang) -> &str {
    match (lang, name) {
        (Lang::En, name) => name,
        (Lang::Ja, "low") => "低",
        (Lang::Ja, "medium") => "中",
        (Lang::Ja, "high") => "高",
        (Lang::Ja, other) => other,
    }
}

/// A part of a file on one line, as YAML's flow style has it; a text as it is.
fn flow(yaml: &Yaml) -> String {
    match &yaml.kind {
        YamlKind::Null => "null".to_owned(),
        YamlKind::Bool(b) => b.to_string(),
        YamlKind::Int(n) => n.to_string(),
        YamlKind::Float(n) => n.to_string(),
        YamlKind::Text(t) => t.trim().to_owned(),
        YamlKind::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        YamlKind::Map(members) => {
            let each = members.iter().map(|(key, value)| format!("{}: {}", key.name, flow(value)));
            format!("{{{}}}", each.collect::<Vec<_>>().join(", "))
        }
    }
}

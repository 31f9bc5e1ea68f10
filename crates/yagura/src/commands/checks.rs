//! `yagura checks`: list, show, test, new.

use super::rows::Rows;
use crate::cli::{ChecksCommand, Cli, ListFormat};
use crate::content::{Compiled, Content};
use crate::failure::{Failure, exit};
use crate::select::select;
use crate::settings;
use smol_str::SmolStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use yagura_inventory::Plan;
use yagura_model::{ContentFile, Lang, Severity};
use yagura_report::width;
use yagura_rule::{Broken, CheckFile, ContentError, run_fixtures, status_word};

/// Runs a `checks` command.
pub fn run(cli: &Cli, command: &ChecksCommand, lang: Lang) -> Result<u8, Failure> {
    // `new` makes the folder: the first check of one's own needs no other step.
    let begins = matches!(command, ChecksCommand::New { .. });
    let content = Content::load(cli.content.as_deref().filter(|folder| !begins || folder.exists()))?;
    match command {
        ChecksCommand::List { selection, format, json } => {
            let chosen = select(&content, selection)?;
            list(&chosen, if *json { ListFormat::Json } else { *format }, lang)
        }
        ChecksCommand::Show { id } => show(cli, &content, id, lang),
        ChecksCommand::Test { ids, watch: false } => test(&content, ids, lang),
        ChecksCommand::Test { ids, watch: true } => watch(cli, ids, lang),
        ChecksCommand::New { id, each } => new(cli, &content, id, each, lang),
    }
}

fn list(chosen: &[&CheckFile], format: ListFormat, lang: Lang) -> Result<u8, Failure> {
    let mut out = std::io::stdout().lock();
    if format == ListFormat::Jsonl {
        for c in chosen {
            let (en, ja) = (c.title(Lang::En), c.title(Lang::Ja));
            let row = serde_json::json!({"id": c.id, "each": c.each, "severity": c.severity, "maps": c.maps,
                "en": {"title": en}, "ja": {"title": ja}});
            writeln!(out, "{row}")?;
        }
        return Ok(exit::DONE);
    }
    if format == ListFormat::Json {
        let rows: Vec<_> = chosen
            .iter()
            .map(|c| serde_json::json!({"id": c.id, "each": c.each, "severity": c.severity, "title": c.title(lang), "maps": c.maps}))
            .collect();
        serde_json::to_writer_pretty(&mut out, &rows).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(exit::DONE);
    }
    let widest = chosen.iter().map(|c| c.id.len()).max().unwrap_or(0);
    for c in chosen {
        let word = severity_word(c.severity, lang);
        let pad = " ".repeat(9usize.saturating_sub(width(word)));
        writeln!(out, "{:widest$}  {word}{pad}{}", c.id, c.title(lang))?;
    }
    Ok(exit::DONE)
}

/// A severity in words.
pub fn severity_word(s: Severity, lang: Lang) -> &'static str {
    match s {
        Severity::Info => lang.pick("info", "情報"),
        Severity::Low => lang.pick("low", "低"),
        Severity::Medium => lang.pick("medium", "中"),
        Severity::High => lang.pick("high", "高"),
        Severity::Critical => lang.pick("critical", "重大"),
    }
}

fn find<'c>(content: &'c Content, id: &str) -> Result<&'c CheckFile, Failure> {
    let there = || content.checks.keys().map(SmolStr::as_str);
    content.checks.get(id).ok_or_else(|| Failure::unknown(("check", "チェック"), id, there()).or_list())
}

fn show(cli: &Cli, content: &Content, id: &str, lang: Lang) -> Result<u8, Failure> {
    let file = find(content, id)?;
    let compiled = content.compile()?;
    let settings = settings::load(cli.config.as_deref(), &content.checks)?;
    let (checks, errors) = content.compile_checks([file], &compiled, &settings);
    let Some(check) = checks.first() else { return Err(Failure::content(&errors)) };
    let plan = Plan::of(&checks, &compiled.kinds);
    let mut rows = Rows::new(std::io::stdout().lock());
    let mut row = |name: &str, value: &str| rows.row(name, value);
    let join = |items: Vec<String>| items.join(", ");
    row(lang.pick("check", "チェック"), id)?;
    row(lang.pick("title", "内容"), file.title(lang))?;
    row(lang.pick("severity", "重要度"), severity_word(file.severity, lang))?;
    row(lang.pick("judges", "対象"), &format!("{} {}", lang.pick("each", "各"), file.each))?;
    let (why, fix) = check.why_and_fix(lang);
    row(lang.pick("why", "理由"), &why)?;
    row(lang.pick("fix", "対処"), &fix)?;
    if let Some(when) = &check.when {
        row(lang.pick("applies when", "適用条件"), &when.text)?;
    }
    row(lang.pick("passes when", "合格条件"), &check.pass.text)?;
    for j in &check.joins {
        row(lang.pick("joins", "結合"), &format!("{} = {}", j.name, j.kind))?;
    }
    row(lang.pick("reads", "読み取り"), &join(check.reads.iter().map(|(k, f)| format!("{k}.{f}")).collect()))?;
    row(lang.pick("calls", "API"), &join(plan.calls().map(|(c, _)| c.to_string()).collect()))?;
    row(lang.pick("permissions", "権限"), &join(plan.permissions().map(|(p, _)| p.to_string()).collect()))?;
    if !check.settings.is_empty() {
        row(lang.pick("settings", "設定"), &join(check.settings.iter().map(|(k, v)| format!("{k} = {v}")).collect()))?;
    }
    row(lang.pick("answers", "対応する要件"), &join(file.maps.iter().map(ToString::to_string).collect()))?;
    row(lang.pick("file", "ファイル"), &file.file.path)?;
    Ok(exit::DONE)
}

/// Runs the fixtures whenever a file changes, until it is stopped.
fn watch(cli: &Cli, ids: &[String], lang: Lang) -> Result<u8, Failure> {
    let files: Vec<&Path> = ids.iter().map(Path::new).filter(|p| p.exists()).collect();
    if cli.content.is_none() && files.is_empty() {
        return Err(Failure::usage("there is nothing to watch", "監視するファイルがない")
            .hint("--content DIR, or name a file", "--content DIR を指定するか、ファイルを指定すること"));
    }
    let mut seen = None;
    loop {
        let now = stamps(cli.content.as_deref().into_iter().chain(files.iter().copied()));
        if seen.as_ref() != Some(&now) {
            let ran = Content::load(cli.content.as_deref()).and_then(|content| {
                // What is the folder's own, where nothing is named.
                let own = content.checks.values().filter(|c| !c.file.shipped).map(|c| c.id.to_string());
                let ids: Vec<String> = if ids.is_empty() { own.collect() } else { ids.to_vec() };
                if ids.is_empty() && content.errors.is_empty() { Ok(exit::DONE) } else { test(&content, &ids, lang) }
            });
            if let Err(failure) = ran {
                writeln!(std::io::stdout(), "{}", failure.render(lang))?;
            }
            writeln!(
                std::io::stdout(),
                "{}",
                lang.pick("waiting for changes (Ctrl-C ends)", "変更を待機中（Ctrl-C で終了）")
            )?;
            seen = Some(now);
        }
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
}

/// When the files below these paths were changed.
fn stamps<'p>(paths: impl Iterator<Item = &'p Path>) -> Vec<(PathBuf, Option<std::time::SystemTime>)> {
    let (mut open, mut out): (Vec<PathBuf>, Vec<_>) = (paths.map(Path::to_path_buf).collect(), Vec::new());
    while let Some(path) = open.pop() {
        match std::fs::read_dir(&path) {
            // A link may lead round in a circle: only real folders are entered.
            Ok(entries) if !path.is_symlink() => open.extend(entries.flatten().map(|e| e.path())),
            _ => {
                let changed = path.metadata().and_then(|m| m.modified()).ok();
                out.push((path, changed));
            }
        }
    }
    out.sort();
    out
}

fn test(content: &Content, ids: &[String], lang: Lang) -> Result<u8, Failure> {
    let compiled = content.compile()?;
    let mut files: Vec<CheckFile> = Vec::new();
    for id in ids {
        if content.checks.contains_key(id.as_str()) || !Path::new(id).exists() {
            files.push(find(content, id)?.clone());
        } else {
            let text = std::fs::read_to_string(id)
                .map_err(|e| Failure::usage(format!("cannot read `{id}`: {e}"), format!("`{id}` を読めない: {e}")))?;
            // A file anywhere: its id follows the path below `checks/`, where there is such a folder.
            let path = id.rsplit_once("checks/").map_or(id.clone(), |(_, p)| format!("checks/{p}"));
            files
                .push(CheckFile::parse(&ContentFile { path, text, shipped: false }).map_err(|e| Failure::content(&e))?);
        }
    }
    if ids.is_empty() {
        files = content.checks.values().cloned().collect();
    }
    let errors: &[ContentError] = if ids.is_empty() { &compiled.errors } else { &[] };
    let sound = run_all(content, files.iter(), errors, &compiled, lang)?;
    Ok(if sound { exit::DONE } else { exit::FINDINGS })
}

/// Runs the fixtures of checks and says how each went, and which files are broken; whether all is well.
pub fn run_all<'c>(
    content: &Content,
    files: impl Iterator<Item = &'c CheckFile>,
    broken: &[ContentError],
    compiled: &Compiled,
    lang: Lang,
) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    let (mut total, mut failed) = (0, 0);
    for file in files {
        total += 1;
        let ran = content
            .with_fixtures(file)
            .and_then(|whole| run_fixtures(&whole, &compiled.schema, &content.requirements().known, &compiled.tables));
        match ran {
            Ok(broken) if broken.is_empty() => writeln!(out, "✓ {}", file.id)?,
            Ok(broken) => {
                failed += 1;
                writeln!(out, "✗ {}", file.id)?;
                for Broken { name, expected, found } in broken {
                    let (e, f) = (status_word(expected), status_word(found));
                    let (en, ja) = (format!("expected {e}, found {f}"), format!("期待 {e}、結果 {f}"));
                    writeln!(out, "    {name}: {}", lang.pick(&en, &ja))?;
                }
            }
            Err(errors) => {
                failed += 1;
                errors.iter().try_for_each(|e| writeln!(out, "✗ {e}"))?;
            }
        }
    }
    broken.iter().try_for_each(|e| writeln!(out, "✗ {e}"))?;
    let kept = total - failed;
    let (en, ja) = (
        format!("{kept} of {total} checks keep their fixtures"),
        format!("{total} 件中 {kept} 件のチェックがテストに合格"),
    );
    write!(out, "{}", lang.pick(&en, &ja))?;
    let mut files: Vec<&str> = broken.iter().map(|e| e.file.as_str()).collect();
    files.dedup();
    if !files.is_empty() {
        let are = if files.len() == 1 { "file is" } else { "files are" };
        let (en, ja) = (format!("; {} {are} broken", files.len()), format!("。壊れたファイル {} 件", files.len()));
        write!(out, "{}", lang.pick(&en, &ja))?;
    }
    writeln!(out)?;
    Ok(failed == 0 && files.is_empty())
}

fn new(cli: &Cli, content: &Content, id: &str, each: &str, lang: Lang) -> Result<u8, Failure> {
    let Some(folder) = &cli.content else {
        return Err(Failure::usage("say where your own checks live", "自作チェックの置き場所が指定されていない")
            .hint("--content DIR", "--content DIR で指定すること"));
    };
    let Some((service, name)) = id.split_once('.').filter(|(s, n)| !s.is_empty() && !n.is_empty()) else {
        return Err(Failure::usage(
            format!("`{id}` is not of the form service.wanted_truth"),
            format!("`{id}` は「サービス.あるべき状態」の形になっていない"),
        ));
    };
    let compiled = content.compile()?;
    let Some(kind) = compiled.schema.kind(each) else {
        return Err(Failure::unknown(("kind", "リソースタイプ"), each, compiled.schema.ids()));
    };
    let path = folder.join("checks").join(service).join(format!("{name}.yaml"));
    if path.exists() {
        return Err(Failure::usage(
            format!("`{}` is there already", path.display()),
            format!("`{}` はすでに存在する", path.display()),
        ));
    }
    let fields = kind.fields.keys().map(SmolStr::as_str).collect::<Vec<_>>().join(", ");
    let field = kind.fields.keys().next().map_or("Name", SmolStr::as_str);
    let text = format!(
        "kind: check
id: {id}
each: {each}
# Fields: {fields}
pass: has(this.{field})
severity: medium
maps: []
en:
  title: What should be true, in one line
  why: What happens where it is not.
  fix: What to do about it, step by step.
ja:
  title: あるべき状態を一行で
  why: そうでない場合に何が起きるか。
  fix: 対処の手順。
tests:
  set: {{this: {{{field}: …}}, expect: pass}}
  not set: {{this: {{{field}: absent}}, expect: fail}}
  not permitted: {{this: {{{field}: unknown}}, expect: unknown}}
"
    );
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(&path, text)?;
    let next = lang.pick(
        "wrote {}; edit it, then: yagura --content {DIR} checks test {ID}",
        "{} を作成した。編集後にテスト: yagura --content {DIR} checks test {ID}",
    );
    let next = next.replace("{}", &path.display().to_string());
    let next = next.replace("{DIR}", &folder.display().to_string()).replace("{ID}", id);
    writeln!(std::io::stdout(), "{next}")?;
    Ok(exit::DONE)
}

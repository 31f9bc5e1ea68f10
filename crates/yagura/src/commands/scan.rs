//! `yagura scan`: data → verdicts → output.

use super::findings::recording::{Memory, Scan, write_baseline};
use super::prepare::{Prepared, prepare};
use super::{iac, live, notify, tags};
use crate::cli::{Cli, ScanArgs};
use crate::content::{Compiled, Content, embedded_bytes};
use crate::failure::{Failure, exit};
use crate::progress::Display;
use crate::terminal;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use yagura_findings::Source;
use yagura_inventory::{load, save, sketch};
use yagura_model::{Compliance, ContentFile, Gap, Lang, Severity, Snapshot, Status, Verdict};
use yagura_report::{Format, Framework, Meta, Report, Style};
use yagura_rule::{Check, Estate, Judgement, judge, verdict};

/// The sample estate, below the content folder.
const DEMO: &str = "demo/estate.yaml";

/// Runs a scan.
pub fn run(cli: &Cli, args: &ScanArgs, lang: Lang) -> Result<u8, Failure> {
    let started = Instant::now();
    let Prepared { content, compiled, mut checks } = prepare(cli, &args.selection, lang)?;
    if let Some(live) = &args.iac.diff {
        let json = matches!(args.format, Some(Format::Json | Format::Jsonl));
        return iac::diff(&args.iac, live, json, args.fail_on.is_some(), &compiled, lang);
    }
    let mut memory = Memory::open(cli, &args.life, !args.iac.iac.is_empty())?;
    let mut notifier = args.life.notify.as_ref().map(|file| notify::of_scan(cli, file, &args.aws, lang)).transpose()?;
    if let (Some(notifier), Some((store, place))) = (&mut notifier, memory.store()) {
        notifier.begin(store, place)?;
    }
    let (mut places, mut notes) = (Vec::new(), Vec::new());
    let snapshot = if args.iac.iac.is_empty() {
        read(args, &compiled, &checks, memory.readers(&compiled, &checks), lang)?
    } else {
        writable([&args.estate.save, &args.output, &args.life.write_baseline])?;
        let templates = iac::read(&args.iac, &compiled, &mut checks, lang)?;
        (places, notes) = (templates.places, templates.notes);
        templates.snapshot
    };
    if let Some(path) = &args.estate.save {
        save(&snapshot, path)
            .map_err(|e| Failure::usage(e.to_string(), format!("スナップショットを保存できない: {e}")))?;
    }
    let requests = snapshot.requests;
    let mut estate = Estate::from_snapshot(snapshot, compiled.tables.clone());

    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut judgements = judge(&mut estate, &checks, threads);
    if !args.iac.iac.is_empty() {
        iac::retain(&mut judgements);
    }
    tags::retain(&mut judgements, &estate, &compiled, &args.resource_tag);
    if judgements.is_empty() && !args.resource_tag.is_empty() {
        let wanted = args.resource_tag.join(", ");
        return Err(Failure::usage(
            format!("no resource carries the tag {wanted}"),
            format!("タグ {wanted} を持つリソースがない"),
        ));
    }
    let told = |j| verdict(&estate, &checks, j, lang).map(|v| iac::placed(v, j, &places));
    let verdicts: Vec<Verdict> = judgements.iter().filter_map(told).collect();
    let gaps = gaps(&judgements);
    let denied = gaps.iter().any(|g| g.is_denied());
    let compliance = compliance(&content, args, &checks, &verdicts, lang);
    let blind = !verdicts.is_empty() && verdicts.iter().all(|v| v.status == Status::Unknown);
    if let Some(path) = &args.life.write_baseline {
        write_baseline(path, &verdicts, estate.taken_at(), lang)?;
    }
    let source = match &args.estate.snapshot {
        Some(_) => Source::Snapshot,
        None if args.estate.demo => Source::Demo,
        None => Source::Live,
    };
    let partial = !args.resource_tag.is_empty();
    let (judged, part) = (&judgements, None);
    let scan =
        Scan { estate: &estate, checks: &checks, judgements: judged, compiled: &compiled, partial, source, lang, part };
    let recorded = memory.record(&scan, args.life.keep_days)?;
    let reached = verdicts.len();
    let (verdicts, left_out) = memory.told(&scan, verdicts, recorded.as_ref(), args.life.only_new);
    let code = if blind { exit::BLIND } else { exit_code(&verdicts, args.fail_on.map(Into::into)) };
    if format(args) != Format::Table {
        left_out.iter().try_for_each(|n| writeln!(std::io::stderr(), "{n}"))?;
    }
    notes.extend(left_out);
    let meta = Meta {
        notes,
        left_out: reached - verdicts.len(),
        ..meta(&content, &compiled, &estate, args.estate.demo, requests, started, lang)
    };
    output(&Report { meta, verdicts, gaps, compliance }, args, lang)?;
    if let Some(notifier) = &mut notifier {
        notify::say(&notifier.deliver(memory.store(), None, notify::PATIENCE)?, lang)?;
    }
    if code == exit::BLIND {
        let _ = writeln!(std::io::stderr(), "{}", unseen(denied).render(lang));
    }
    Ok(code)
}

fn unseen(denied: bool) -> Failure {
    let failure = Failure::blind(
        "nothing could be read, so nothing could be judged",
        "何も読み取れなかったため、何も判定できない",
    );
    if denied {
        return failure.hint(
            "`yagura permissions --verify` tells which permissions are missing",
            "不足している権限は `yagura permissions --verify` で確認できる",
        );
    }
    failure.hint(
        "the reasons stand in the output, under what could not be seen",
        "理由は出力の「確認できなかった範囲」にある",
    )
}

/// What is judged: a live account is read into a snapshot too, so that a replay of it gives the same output.
/// `readers` judge nothing and only have tags read that suppressions ask for.
fn read(
    args: &ScanArgs,
    compiled: &Compiled,
    checks: &[Check],
    mut readers: Vec<Check>,
    lang: Lang,
) -> Result<Snapshot, Failure> {
    writable([&args.estate.save, &args.output, &args.life.write_baseline])?;
    if args.estate.demo {
        return demo(compiled);
    }
    if let Some(path) = &args.estate.snapshot {
        return load(path).map_err(|e| Failure::usage(e.to_string(), format!("スナップショットを読み込めない: {e}")));
    }
    let display = Display::new(args.quiet, lang);
    if readers.is_empty() && !args.resource_tag.is_empty() {
        readers = tags::readers(compiled, checks);
    }
    if readers.is_empty() {
        return live::read(&args.aws, compiled, checks, &display, lang);
    }
    let with_tags: Vec<Check> = checks.iter().cloned().chain(readers).collect();
    let mut snapshot = live::read(&args.aws, compiled, &with_tags, &display, lang)?;
    snapshot.scope.checks.truncate(checks.len()); // the readers of tags are no checks that anybody chose
    Ok(snapshot)
}

/// Finds out before the reading, and not after it, that its result could not be kept.
///
/// # Errors
/// A file could not be written: a sentence.
pub fn writable<'p>(paths: impl IntoIterator<Item = &'p Option<PathBuf>>) -> Result<(), Failure> {
    for path in paths.into_iter().flatten() {
        if path.is_dir() {
            return Err(Failure::usage(
                format!("`{}` is a folder: name a file", path.display()),
                format!("`{}` はフォルダー。ファイル名を指定すること", path.display()),
            ));
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(Failure::usage(
                format!("there is no folder `{}`", folder.display()),
                format!("フォルダー `{}` は存在しない", folder.display()),
            ));
        }
        // Pipes and devices are written to as they are; files are written beside their place and moved there.
        let special = path.symlink_metadata().is_ok_and(|m| !m.is_file());
        if !special && let Err(e) = tempfile::tempfile_in(folder) {
            return Err(Failure::usage(
                format!("cannot write to the folder `{}`: {e}", folder.display()),
                format!("フォルダー `{}` に書き込めない: {e}", folder.display()),
            ));
        }
    }
    Ok(())
}

/// The sample account.
pub fn demo(compiled: &Compiled) -> Result<Snapshot, Failure> {
    let text = embedded_bytes(DEMO).and_then(|b| String::from_utf8(b).ok()).unwrap_or_default();
    let file = ContentFile { path: DEMO.to_owned(), text, shipped: true };
    sketch(&file, &compiled.kinds).map_err(|e| Failure::content(&e))
}

fn exit_code(verdicts: &[Verdict], fail_on: Option<Severity>) -> u8 {
    let hit = |v: &Verdict| v.status == Status::Fail && fail_on.is_some_and(|least| v.severity >= least);
    if verdicts.iter().any(hit) { exit::FINDINGS } else { exit::DONE }
}

fn meta(
    content: &Content,
    compiled: &Compiled,
    estate: &Estate,
    demo: bool,
    requests: u64,
    started: Instant,
    lang: Lang,
) -> Meta {
    let scope = estate.scope();
    Meta {
        tool: env!("CARGO_PKG_VERSION").into(),
        taken_at: estate.taken_at(),
        accounts: estate.callers().iter().map(|c| c.account.clone()).collect(),
        regions: scope.regions.clone(),
        all_regions: scope.all_regions,
        caller: estate.callers().first().map(|c| c.arn.clone()).filter(|a| !a.is_empty()),
        lang,
        demo,
        requests,
        duration: started.elapsed(),
        frameworks: content
            .frameworks
            .iter()
            .map(|f| Framework { id: f.id.clone(), title: f.title(lang).to_string() })
            .collect(),
        left_out: 0,
        notes: Vec::new(),
        types: compiled
            .kinds
            .iter()
            .filter_map(|k| Some((k.resource.id.clone(), k.resource.cloudformation.clone()?)))
            .collect(),
    }
}

/// How far the frameworks are met that were asked for.
fn compliance(
    content: &Content,
    args: &ScanArgs,
    checks: &[Check],
    verdicts: &[Verdict],
    lang: Lang,
) -> Vec<Compliance> {
    if args.selection.framework.is_empty() {
        return Vec::new();
    }
    let (wanted, ran) = (content.requirements(), checks.iter().map(|c| c.id.clone()).collect());
    let asked = wanted.frameworks.iter().filter(|f| args.selection.framework.contains(&f.id));
    asked.map(|f| wanted.answers.compliance(f, verdicts, &ran, lang)).collect()
}

/// What could not be read, each once.
fn gaps(judgements: &[Judgement]) -> Vec<Arc<Gap>> {
    let mut out: Vec<Arc<Gap>> = judgements.iter().flat_map(|j| j.holes.iter().map(|h| h.gap().clone())).collect();
    out.sort();
    out.dedup();
    out
}

fn format(args: &ScanArgs) -> Format {
    let by_name = args.output.as_ref().and_then(|p| Format::of_file(&p.to_string_lossy()));
    args.format.or(by_name).unwrap_or(Format::Table)
}

fn output(report: &Report, args: &ScanArgs, lang: Lang) -> Result<(), Failure> {
    let format = format(args);
    if let Some(path) = &args.output {
        write_file(path, |out| yagura_report::write(report, format, &Style::default(), out))?;
        let _ = writeln!(std::io::stderr(), "{} {}", lang.pick("wrote", "書き込んだ:"), path.display());
        return Ok(());
    }
    let stdout = std::io::stdout();
    let width = terminal::columns().unwrap_or(Style::default().width);
    let style = Style { colour: terminal::colour(), width };
    Ok(yagura_report::write(report, format, &style, &mut stdout.lock())?)
}

/// Writes a file whole or not at all. What is there and is no regular file (a pipe, a device) is written to as it is.
pub fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> std::io::Result<()> {
    if path.symlink_metadata().is_ok_and(|m| !m.is_file()) {
        return write(&mut std::fs::OpenOptions::new().write(true).truncate(true).open(path)?);
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".yagura-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // the umask decides, as for any new file
    let mut file = builder.tempfile_in(folder)?;
    write(file.as_file_mut())?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

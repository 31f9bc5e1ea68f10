//! `yagura investigate`: everything that logs say about one identity, key, address, instance, name, resource or record.

mod again;

use super::detect::{ReadArgs, Ready, lost, say, time};
use super::help_ja::HelpJa;
use super::scan::{writable, write_file};
use crate::cli::Cli;
use crate::failure::{Failure, exit};
use crate::terminal;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use yagura_detect::engine::{Engine, State};
use yagura_detect::intel::Lists;
use yagura_detect::investigate::{Bearers, Dossier, Finder, Kind, Located, Subject, Watch};
use yagura_detect::observe::Rules;
use yagura_detect::pack::Pack;
use yagura_detect::run::{Batch, Bystander, Counts};
use yagura_detect::sequence::Sequences;
use yagura_detect::tell::Told;
use yagura_logs::input::Input;
use yagura_model::Lang;
use yagura_report::{DossierFormat, Style, write_dossier};

/// Arguments of `investigate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura investigate arn:aws:iam::111122223333:user/alice AWSLogs/
  yagura investigate AKIAIOSFODNN7EXAMPLE --lake yagura-lake --at 2024-05-01T03:00:00Z
  yagura investigate 198.51.100.77 --demo
  yagura investigate deploy-ci --demo                                 by a name alone
  yagura investigate i-0123456789abcdef0 AWSLogs/ --output i.html
  yagura investigate 7d1b6c2a-0000-4000-8000-3f2b9a1c4d5e AWSLogs/    whose record it is, and what went on around it

It takes the ARN of a user, role, session or resource; an access key; an IP address; an instance; a host name, with the names below it;
an event id; or the name of a user, role, session or bucket, which the logs are searched for. The detections are tried in the same reading. What is new is told for the half hour before and after --at.
Exit codes: 0 done, 2 bad usage, 3 nothing could be read, or the logs hold no such record.")]
pub struct InvestigateArgs {
    /// An ARN, access key id, IP address, instance id, host name or event id, or the name of a user, role, session or bucket
    #[arg(value_name = "ARN|KEY|IP|HOST|EVENT|NAME")]
    pub subject: String,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub read: ReadArgs,
    /// Compare this time with everything before: 2024-01-02T03:00:00Z, or 2h for two hours ago [default: the gravest finding, else the last record]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// The form of the output [default: as the ending of --output says, else text]
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    pub format: Option<DossierFormat>,
    /// Write to this file
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

fn formats() -> impl TypedValueParser<Value = DossierFormat> {
    let unknown = |name: String| DossierFormat::named(&name).ok_or_else(|| format!("no format is called `{name}`"));
    PossibleValuesParser::new(DossierFormat::ALL.map(DossierFormat::name)).try_map(unknown)
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "アイデンティティ、キー、アドレス、ホスト、レコードの一つについて、ログが語ることをすべて示す",
    arguments: &[
        (
            "subject",
            "ARN、アクセスキー ID、IP アドレス、インスタンス ID、ホスト名、イベント ID、またはユーザー、ロール、セッション、バケットの名前",
        ),
        (
            "at",
            "この時刻をそれ以前と比べる: 2024-01-02T03:00:00Z、または 2 時間前なら 2h [デフォルト: 最も重大な検出結果、なければ最後のレコード]",
        ),
        ("format", "出力形式 [デフォルト: --output の拡張子による。なければ text]"),
        ("output", "このファイルに書き込む"),
    ],
    examples: "例:
  yagura investigate arn:aws:iam::111122223333:user/alice AWSLogs/
  yagura investigate AKIAIOSFODNN7EXAMPLE --lake yagura-lake --at 2024-05-01T03:00:00Z
  yagura investigate 198.51.100.77 --demo
  yagura investigate deploy-ci --demo                                 名前だけで
  yagura investigate i-0123456789abcdef0 AWSLogs/ --output i.html
  yagura investigate 7d1b6c2a-0000-4000-8000-3f2b9a1c4d5e AWSLogs/    誰のレコードか、前後に何があったか

ユーザー、ロール、セッション、リソースの ARN、アクセスキー、IP アドレス、インスタンス、ホスト名（その下位の名前を含む）、イベント ID を
指定できる。ユーザー、ロール、セッション、バケットの名前だけでもよく、ログから探す。検出ルールも同じ読み取りの中で評価する。新規かどうかは --at の前後 30 分について示す。
終了コード: 0 完了、2 引数の誤り、3 何も読み取れない、または該当するレコードがない",
};

/// Runs it.
pub fn run(cli: &Cli, args: &InvestigateArgs, lang: Lang) -> Result<u8, Failure> {
    let format = format(args);
    writable([&args.output])?;
    let at = args.at.as_deref().map(|t| time(Some(t), 0)).transpose()?;
    let mut ready = args.read.ready(cli, lang)?;
    let inputs = args.read.inputs(&mut ready, lang)?;
    let (subject, located) = match Subject::read(&args.subject) {
        Ok(subject) if subject.kind == Kind::Event => {
            let located = find(&ready, &inputs, &subject, lang)?;
            (whose(&located)?, Some(located))
        }
        Ok(subject) => (subject, None),
        Err(_) => match bearer(&ready, &inputs, &args.subject, lang)? {
            Some(subject) => (subject, None),
            None => return Err(nobody(&args.subject)),
        },
    };
    let host = subject.kind == Kind::Name;
    let mut dossier = tell(&ready, &inputs, subject, located.as_ref(), at, lang)?;
    // Users and buckets may have points in their names, too.
    if host
        && empty(&dossier)
        && let Some(subject) = bearer(&ready, &inputs, &args.subject, lang)?
    {
        dossier = tell(&ready, &inputs, subject, None, at, lang)?;
    }
    if empty(&dossier) {
        let text = &dossier.subject.text;
        return Err(Failure::blind(format!("no record names {text}"), format!("{text} に関するレコードがない")));
    }
    dossier.next.iter_mut().for_each(|(_, command)| again::with_sources(command, cli, &args.read));
    match &args.output {
        Some(path) => {
            write_file(path, |mut out| write_dossier(&dossier, format, &Style::default(), lang, &mut out))?;
            writeln!(std::io::stderr(), "{} {}", lang.pick("wrote", "書き込んだ:"), path.display())?;
        }
        None => {
            let width = terminal::columns().unwrap_or(Style::default().width);
            let style = Style { colour: terminal::colour(), width };
            write_dossier(&dossier, format, &style, lang, &mut std::io::stdout().lock())?;
        }
    }
    Ok(exit::DONE)
}

fn format(args: &InvestigateArgs) -> DossierFormat {
    let ending = args.output.as_deref().and_then(Path::extension).map(|e| e.to_string_lossy().to_ascii_lowercase());
    let by_name = ending.and_then(|e| DossierFormat::named(if e == "htm" { "html" } else { &e }));
    args.format.or(by_name).unwrap_or(DossierFormat::Text)
}

fn empty(d: &Dossier) -> bool {
    d.records == 0 && d.named == 0 && d.findings.is_empty()
}

/// Reads everything, and tells what it says of a subject.
fn tell(
    ready: &Ready,
    inputs: &[Input],
    subject: Subject,
    located: Option<&Located>,
    at: Option<i64>,
    lang: Lang,
) -> Result<Dossier, Failure> {
    let watch = Watch::new(subject, at.or(located.map(|l| l.time)));
    let (state, counts) = pass(ready, &ready.pack, ready.lists.clone(), inputs, &watch, lang)?;
    let keep = |told: &Told| !ready.exceptions.iter().any(|e| e.covers(told));
    let dossier = watch.dossier(&state, &ready.pack.rules, &ready.pack.sequences, located, &keep, lang);
    say(&counts, inputs.len(), 0, lang)?;
    if counts.records == 0 {
        return Err(Failure::blind("no record could be read", "読み取れたレコードがない"));
    }
    Ok(dossier)
}

/// Who goes by a plain name, in a reading of its own and without rules.
fn bearer(ready: &Ready, inputs: &[Input], name: &str, lang: Lang) -> Result<Option<Subject>, Failure> {
    twice(inputs)?;
    let bearers = Bearers::new(name);
    pass(ready, &nothing(), Arc::default(), inputs, &bearers, lang)?;
    let mut found = bearers.found();
    if found.len() == 1
        && let Some((subject, _)) = found.pop()
    {
        writeln!(std::io::stderr(), "{name}: {}", subject.text)?;
        return Ok(Some(subject));
    }
    if found.is_empty() {
        return Ok(None);
    }
    let all: Vec<String> = found.iter().take(NAMED).map(|(s, n)| format!("  {}  ({n})", s.text)).collect();
    let rest = found.len().saturating_sub(NAMED);
    let more =
        |text: &str| if rest == 0 { String::new() } else { format!("\n  {}", text.replace("{}", &rest.to_string())) };
    let all = all.join("\n");
    Err(Failure::usage(
        format!("`{name}` is the name of several (and of so many records):\n{all}{}", more("… and {} more")),
        format!("`{name}` という名前のものは複数ある（括弧内はレコード数）:\n{all}{}", more("…ほか {} 件")),
    )
    .hint("name one by its ARN", "いずれかを ARN で指定する"))
}

/// A name that nothing in the logs goes by.
fn nobody(name: &str) -> Failure {
    Failure::usage(
        format!(
            "`{name}` is no ARN, access key id, IP address, instance id, host name or event id, and the logs name no user, role, session or bucket of this name"
        ),
        format!(
            "`{name}` は ARN、アクセスキー ID、IP アドレス、インスタンス ID、ホスト名、イベント ID のいずれでもなく、この名前のユーザー、ロール、セッション、バケットもログにない"
        ),
    )
}

/// Bearers of a name that are listed.
const NAMED: usize = 20;

/// Reads everything once.
fn pass(
    ready: &Ready,
    pack: &Pack,
    lists: Arc<Lists>,
    inputs: &[Input],
    beside: &dyn Bystander,
    lang: Lang,
) -> Result<(State, Counts), Failure> {
    let done = AtomicUsize::new(0);
    let Ready { span, threads, runtime, .. } = ready;
    let batch = Batch { inputs, rules: &pack.rules, lists, span: *span, threads: *threads, done: &done };
    let mut engine = Engine::new(&pack.rules, &pack.sequences, State::default());
    let counts = batch.run_beside(&mut engine, &|input| input.open(runtime.handle()), beside);
    lost(engine.forgotten(), lang)?;
    Ok((engine.state, counts))
}

/// No rules at all.
fn nothing() -> Pack {
    Pack { rules: Rules::default(), sequences: Sequences::default(), errors: Vec::new() }
}

/// What needs another reading cannot be asked of standard input.
fn twice(inputs: &[Input]) -> Result<(), Failure> {
    if inputs.iter().any(|i| i.name == "-") {
        return Err(Failure::usage(
            "a record or a plain name is looked for in a reading of its own, and standard input can be read once only",
            "レコードや名前の調査では入力を 2 回読むため、標準入力は使えない",
        ));
    }
    Ok(())
}

/// Finds a record, in a reading of its own and without rules.
fn find(ready: &Ready, inputs: &[Input], subject: &Subject, lang: Lang) -> Result<Located, Failure> {
    twice(inputs)?;
    let finder = Finder::new(subject);
    let (_, counts) = pass(ready, &nothing(), Arc::default(), inputs, &finder, lang)?;
    match finder.located() {
        Some(located) => Ok(located),
        None => {
            say(&counts, inputs.len(), 0, lang)?;
            let id = &subject.text;
            Err(Failure::blind(format!("no record is called {id}"), format!("{id} というレコードがない")))
        }
    }
}

/// Whose a record is.
fn whose(located: &Located) -> Result<Subject, Failure> {
    Subject::of_record(&located.seen).ok_or_else(|| {
        Failure::blind(
            "the record names no identity, key, instance or address",
            "このレコードにはアイデンティティ、キー、インスタンス、アドレスのいずれも含まれない",
        )
    })
}

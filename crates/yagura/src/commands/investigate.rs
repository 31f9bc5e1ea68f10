//! `yagura investigate`: everything that logs say about one identity, key, address, instance, name, resource or record.

use super::detect::{ReadArgs, Ready, say, time};
use super::help_ja::HelpJa;
use crate::cli::Cli;
use crate::failure::{Failure, exit};
use crate::terminal;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use yagura_detect::engine::{Engine, State};
use yagura_detect::intel::Lists;
use yagura_detect::investigate::{Finder, Kind, Located, Subject, Watch};
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
  yagura investigate i-0123456789abcdef0 AWSLogs/ --format html --output i.html
  yagura investigate 7d1b6c2a-0000-4000-8000-3f2b9a1c4d5e AWSLogs/    whose record it is, and what went on around it

It takes the ARN of a user, role, session or resource; an access key; an IP address; an instance; a host name, with the names below it;
an event id. The detections are tried in the same reading. What is new is told for the half hour before and after --at.
Exit codes: 0 done, 2 bad usage, 3 nothing could be read, or the logs hold no such record.")]
pub struct InvestigateArgs {
    /// An ARN, access key id, IP address, instance id, host name or event id
    #[arg(value_name = "ARN|KEY|IP|HOST|EVENT")]
    pub subject: String,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub read: ReadArgs,
    /// Compare this time with everything before: 2024-01-02T03:00:00Z, or 2h for two hours ago [default: the latest finding, else the last record]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// The form of the output
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = formats())]
    pub format: DossierFormat,
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
        ("subject", "ARN、アクセスキー ID、IP アドレス、インスタンス ID、ホスト名、イベント ID のいずれか"),
        (
            "at",
            "この時刻をそれ以前と比べる: 2024-01-02T03:00:00Z、または 2 時間前なら 2h [デフォルト: 最新の検出結果、なければ最後のレコード]",
        ),
        ("format", "出力形式"),
        ("output", "このファイルに書き込む"),
    ],
    examples: "例:
  yagura investigate arn:aws:iam::111122223333:user/alice AWSLogs/
  yagura investigate AKIAIOSFODNN7EXAMPLE --lake yagura-lake --at 2024-05-01T03:00:00Z
  yagura investigate 198.51.100.77 --demo
  yagura investigate i-0123456789abcdef0 AWSLogs/ --format html --output i.html
  yagura investigate 7d1b6c2a-0000-4000-8000-3f2b9a1c4d5e AWSLogs/    誰のレコードか、前後に何があったか

ユーザー、ロール、セッション、リソースの ARN、アクセスキー、IP アドレス、インスタンス、ホスト名（その下位の名前を含む）、イベント ID を
指定できる。検出ルールも同じ読み取りの中で評価する。新規かどうかは --at の前後 30 分について示す。
終了コード: 0 完了、2 引数の誤り、3 何も読み取れない、または該当するレコードがない",
};

/// Runs it.
pub fn run(cli: &Cli, args: &InvestigateArgs, lang: Lang) -> Result<u8, Failure> {
    let subject = Subject::read(&args.subject).map_err(|e| {
        let ja = format!(
            "`{}` は ARN、アクセスキー ID、IP アドレス、インスタンス ID、ホスト名、イベント ID のいずれでもない",
            e.0
        );
        Failure::usage(e.to_string(), ja)
    })?;
    let at = args.at.as_deref().map(|t| time(Some(t), 0)).transpose()?;
    let ready = args.read.ready(cli, lang)?;
    let inputs = args.read.inputs(&ready, lang)?;
    let (subject, located) = match subject.kind {
        Kind::Event => {
            let located = find(&ready, &inputs, &subject, lang)?;
            (whose(&located)?, Some(located))
        }
        _ => (subject, None),
    };
    let watch = Watch::new(subject, at.or(located.as_ref().map(|l| l.time)));
    let (state, counts) = pass(&ready, &ready.pack, ready.lists.clone(), &inputs, &watch);
    say(&counts, inputs.len(), 0, lang)?;
    if counts.records == 0 {
        return Err(Failure::blind("no record could be read", "読み取れたレコードがない"));
    }
    let keep = |told: &Told| !ready.exceptions.iter().any(|e| e.covers(told));
    let dossier = watch.dossier(&state, &ready.pack.rules, &ready.pack.sequences, located.as_ref(), &keep, lang);
    if dossier.records == 0 && dossier.named == 0 && dossier.findings.is_empty() {
        let text = &dossier.subject.text;
        return Err(Failure::blind(format!("no record names {text}"), format!("{text} に関するレコードがない")));
    }
    match &args.output {
        Some(path) => write_dossier(&dossier, args.format, &Style::default(), lang, &mut std::fs::File::create(path)?)?,
        None => {
            let width = terminal::columns().unwrap_or(Style::default().width);
            let style = Style { colour: terminal::colour(), width };
            write_dossier(&dossier, args.format, &style, lang, &mut std::io::stdout().lock())?;
        }
    }
    Ok(exit::DONE)
}

/// Reads everything once.
fn pass(ready: &Ready, pack: &Pack, lists: Arc<Lists>, inputs: &[Input], beside: &dyn Bystander) -> (State, Counts) {
    let done = AtomicUsize::new(0);
    let Ready { span, threads, runtime, .. } = ready;
    let batch = Batch { inputs, rules: &pack.rules, lists, span: *span, threads: *threads, done: &done };
    let mut engine = Engine::new(&pack.rules, &pack.sequences, State::default());
    let counts = batch.run_beside(&mut engine, &|input| input.open(runtime.handle()), beside);
    (engine.state, counts)
}

/// Finds a record, in a reading of its own and without rules.
fn find(ready: &Ready, inputs: &[Input], subject: &Subject, lang: Lang) -> Result<Located, Failure> {
    if inputs.iter().any(|i| i.name == "-") {
        return Err(Failure::usage(
            "a record is looked for in two readings, and standard input can be read once only",
            "レコードの調査では入力を 2 回読むため、標準入力は使えない",
        ));
    }
    let finder = Finder::new(subject);
    let none = Pack { rules: Rules::default(), sequences: Sequences::default(), errors: Vec::new() };
    let (_, counts) = pass(ready, &none, Arc::default(), inputs, &finder);
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

//! `yagura detect SRC…`: reads logs and says who attacks.

use super::{DetectCommand, pack};
use crate::cli::{Cli, SeverityArg};
use crate::commands::help_ja::HelpJa;
use crate::commands::logs::lake::runtime;
use crate::commands::logs::sources;
use crate::commands::store::StoreArgs;
use crate::failure::{Failure, exit};
use crate::terminal;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use yagura_detect::engine::{Engine, State};
use yagura_detect::intel::Lists;
use yagura_detect::run::{Batch, Counts};
use yagura_detect::tell::tell;
use yagura_logs::input::Wanted;
use yagura_model::{Lang, Severity};
use yagura_report::{DetectFormat, Style, write_findings};

/// `detect`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:
  yagura detect --demo                                   the sample estate's logs
  yagura detect AWSLogs/ --format jsonl                  every log below a folder, one finding a line
  yagura detect s3://org-trail/AWSLogs --since 7d
  yagura detect AWSLogs/ --format html --output threats.html

Exit codes: 0 done, with or without findings; 1 a finding at or above --fail-on; 2 bad usage; 3 nothing could be read.")]
pub struct DetectArgs {
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<DetectCommand>,
    /// Files, folders, patterns, s3://bucket/prefix, or - for standard input
    #[arg(required_unless_present = "demo", value_name = "SRC")]
    pub sources: Vec<String>,
    /// Take the sample estate's logs
    #[arg(long, conflicts_with = "sources")]
    pub demo: bool,
    /// Only records from this time on: 2024-01-02, 2024-01-02T03:00:00Z, or 7d for the last 7 days
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only records before this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only findings of at least this severity
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub severity: Option<SeverityArg>,
    /// Exit with 1 where there is a finding of at least this severity
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub fail_on: Option<SeverityArg>,
    /// The form of the output
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = parse_format())]
    pub format: DetectFormat,
    /// Write to this file
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Threads that decode [default: as many as the machine has cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub store: StoreArgs,
}

fn parse_format() -> impl TypedValueParser<Value = DetectFormat> {
    let unknown = |name: String| DetectFormat::named(&name).ok_or_else(|| format!("no format is called `{name}`"));
    PossibleValuesParser::new(DetectFormat::ALL.map(DetectFormat::name)).try_map(unknown)
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "ログから脅威を検出し、攻撃の流れとして示す",
    arguments: &[
        ("sources", "ファイル、フォルダー、パターン、s3://バケット/プレフィックス、または -（標準入力）"),
        ("demo", "サンプル環境のログを使う"),
        ("since", "この時刻以降のレコードだけ: 2024-01-02、2024-01-02T03:00:00Z、または直近 7 日なら 7d"),
        ("until", "この時刻より前のレコードだけ"),
        ("severity", "この重要度以上の検出結果だけ"),
        ("fail_on", "この重要度以上の検出結果があれば終了コード 1"),
        ("format", "出力形式"),
        ("output", "このファイルに書き込む"),
        ("threads", "デコードに使うスレッド数 [デフォルト: コア数]"),
    ],
    examples: "例:
  yagura detect --demo                                   サンプル環境のログ
  yagura detect AWSLogs/ --format jsonl                  フォルダー以下のすべてのログ。1 行に 1 件
  yagura detect s3://org-trail/AWSLogs --since 7d
  yagura detect AWSLogs/ --format html --output threats.html

終了コード: 0 完了（検出の有無によらない）、1 --fail-on 以上の検出結果あり、2 引数の誤り、3 何も読み取れない",
};

/// Runs it.
pub fn run(cli: &Cli, args: &DetectArgs, lang: Lang) -> Result<u8, Failure> {
    let span = (time(args.since.as_deref(), i64::MIN)?, time(args.until.as_deref(), i64::MAX)?);
    let pack = pack::load(cli)?;
    let runtime = runtime()?;
    let inputs = sources::find(&args.sources, args.demo, &wanted(span), &args.store, &runtime, lang)?;
    let threads = args.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(2);
    let done = AtomicUsize::new(0);
    let lists = Arc::new(Lists::default());
    let batch = Batch { inputs: &inputs, rules: &pack.rules, lists, span, threads, done: &done };
    let mut engine = Engine::new(&pack.rules, &pack.sequences, State::default());
    let counts = batch.run(&mut engine, &|input| input.open(runtime.handle()));
    let mut found = tell(&engine.state, &pack.rules, &pack.sequences, lang);
    if let Some(least) = args.severity.map(Severity::from) {
        found.retain(|t| t.severity >= least);
    }
    match &args.output {
        Some(path) => write_findings(&found, args.format, &Style::default(), lang, &mut std::fs::File::create(path)?)?,
        None => {
            let style =
                Style { colour: terminal::colour(), width: terminal::columns().unwrap_or(Style::default().width) };
            write_findings(&found, args.format, &style, lang, &mut std::io::stdout().lock())?;
        }
    }
    say(&counts, inputs.len(), lang)?;
    if counts.records == 0 && !inputs.is_empty() {
        return Err(Failure::blind("no record could be read", "読み取れたレコードがない"));
    }
    let worst = args.fail_on.map(Severity::from);
    let fails = worst.is_some_and(|w| found.iter().any(|t| t.severity >= w));
    Ok(if fails { exit::FINDINGS } else { exit::DONE })
}

/// What was read and what was not, on standard error.
fn say(counts: &Counts, inputs: usize, lang: Lang) -> Result<(), Failure> {
    let mut err = std::io::stderr().lock();
    for (file, why) in counts.aside.iter().take(10) {
        writeln!(err, "{} {file}: {why}", lang.pick("not read:", "読み取れない:"))?;
    }
    if counts.unread > 10 {
        let rest = counts.unread - 10;
        writeln!(err, "{}", lang.pick(&format!("… and {rest} more"), &format!("…ほか {rest} 件")))?;
    }
    let Counts { records, duplicate, late, timeless, outside, unread, .. } = counts;
    let text = match lang {
        Lang::En => format!(
            "{records} records of {inputs} inputs; {duplicate} came twice, {late} too late for counts and habits, {timeless} have no time, {outside} lie outside of the asked time, {unread} could not be read"
        ),
        Lang::Ja => format!(
            "入力 {inputs} 件、レコード {records} 件（重複 {duplicate}、集計と学習に間に合わなかったもの {late}、時刻なし {timeless}、指定期間外 {outside}、読み取れないもの {unread}）"
        ),
    };
    writeln!(err, "{text}")?;
    Ok(())
}

/// A time on the command line, ms.
fn time(text: Option<&str>, none: i64) -> Result<i64, Failure> {
    let Some(text) = text else { return Ok(none) };
    if let Some(ago) = yagura_detect::detection::millis(text) {
        return Ok(jiff::Timestamp::now().as_millisecond() - ago);
    }
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    whole.parse::<jiff::Timestamp>().map(|t| t.as_millisecond()).map_err(|_| {
        Failure::usage(
            format!("`{text}` is no time: 2024-01-02, 2024-01-02T03:00:00Z or 7d"),
            format!("`{text}` は時刻ではない: 2024-01-02、2024-01-02T03:00:00Z、7d のように書く"),
        )
    })
}

/// Which files may hold records of a span.
fn wanted((since, until): (i64, i64)) -> Wanted {
    let day = |ms: i64| jiff::Timestamp::from_millisecond(ms).ok().map(|t| t.strftime("%Y-%m-%d").to_string());
    Wanted {
        since: (since > i64::MIN).then(|| day(since)).flatten(),
        until: (until < i64::MAX).then(|| day(until)).flatten(),
        ..Wanted::default()
    }
}

//! `yagura detect SRC…`: reads logs and says who attacks.

use super::state::{Baseline, Saved, load, save};
use super::words::{lost, say};
use super::{DetectCommand, lists, pack};
use crate::cli::{Cli, SeverityArg};
use crate::commands::help_ja::HelpJa;
use crate::commands::logs::lake::{LakeArgs, runtime};
use crate::commands::logs::sources;
use crate::commands::scan::{writable, write_file};
use crate::commands::store::StoreArgs;
use crate::failure::{Failure, exit};
use crate::terminal;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;
use yagura_detect::detection::millis;
use yagura_detect::engine::Engine;
use yagura_detect::intel::Lists;
use yagura_detect::pack::Pack;
use yagura_detect::run::{Batch, Counts};
use yagura_detect::suppress::Exception;
use yagura_detect::tell::{self, Told};
use yagura_logs::input::{Input, Wanted, object};
use yagura_model::{Lang, Severity};
use yagura_report::{DetectFormat, Style, write_findings};

/// `detect`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  yagura detect --demo                                       the sample estate's logs
  yagura detect AWSLogs/ --format jsonl                      every log below a folder, one finding a line
  yagura detect --lake yagura-lake --since 7d                what a lake holds of the last week
  yagura detect s3://org-trail/AWSLogs --baseline habits     learn, and judge by what was learned before
  yagura detect s3://org-trail/AWSLogs --follow --state run  go on with what arrives
  yagura detect AWSLogs/ --intel tor.txt=tor_exit --rules sigma/
  yagura detect backtest AWSLogs/                            alerts a day and rule, and exceptions worth making

CloudTrail, VPC flow logs, Route 53 Resolver, S3, EKS, RDS and other logs are read together. What is usual is learned while reading, in
the order of time; of an identity that is known for less than a day or 30 calls nothing counts as unusual.
Exit codes: 0 done, with or without findings; 1 a finding at or above --fail-on; 2 bad usage; 3 nothing could be read.")]
pub struct DetectArgs {
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<DetectCommand>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub read: ReadArgs,
    /// Learned habits: read where the file exists, and written at the end; what was learned from is not learned from again
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Everything remembered: go on from this file, and write it at the end; inputs that were read are not read again
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    pub state: Option<PathBuf>,
    /// Look for new files again and again, until stopped
    #[arg(long)]
    pub follow: bool,
    /// Seconds between two looks of --follow
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub every: u64,
    /// With --follow or --state: how long a record may be late and still be taken in its order
    #[arg(long, value_name = "TIME", default_value = "1h")]
    pub late: String,
    /// Only findings of at least this severity
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub severity: Option<SeverityArg>,
    /// Exit with 1 where there is a finding of at least this severity
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub fail_on: Option<SeverityArg>,
    /// The format: table, jsonl, ocsf, asff, html, timeline [default: as the ending of --output says, else table]
    #[arg(long, value_name = "FORMAT", value_parser = parse_format(), hide_possible_values = true)]
    pub format: Option<DetectFormat>,
    /// Write to this file
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What to read, and with which rules.
#[derive(Debug, Args)]
pub struct ReadArgs {
    /// Files, folders, patterns, s3://bucket/prefix, or - for standard input [default: the lake, where there is one]
    #[arg(value_name = "SRC")]
    pub sources: Vec<String>,
    /// Take the sample estate's logs
    #[arg(long, conflicts_with_all = ["sources", "lake"])]
    pub demo: bool,
    /// Read this lake: a folder, or s3://bucket/prefix [default: YAGURA_LAKE, else yagura-lake here]
    #[arg(long, value_name = "DIR|s3://…", conflicts_with = "sources")]
    pub lake: Option<String>,
    /// Only findings from this time on: 2024-01-02, 2024-01-02T03:00:00Z, or 7d for the last 7 days; two weeks before it are read to learn
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only records before this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Sigma rules and EventBridge patterns of yours: a file, or a folder of .yml and .json files
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// A threat list, and what it is of: allow, c2, phishing, drive_by, drop_point, mining, sinkhole, malicious, abused, tor_exit, tor_relay, custom [default: malicious]
    #[arg(long, value_name = "FILE[=CATEGORY]")]
    pub intel: Vec<String>,
    /// Addresses and domains that no threat list is believed about
    #[arg(long, value_name = "FILE")]
    pub allow: Vec<PathBuf>,
    /// Exceptions: a TOML file of "suppress" tables with rule, until, reason, and any of actor, source_ip, target, account
    #[arg(long, value_name = "FILE")]
    pub suppress: Option<PathBuf>,
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
        ("sources", "ファイル、フォルダー、パターン、s3://バケット/プレフィックス、または -（標準入力） [デフォルト: レイクがあればそれ]"),
        ("demo", "サンプル環境のログを使う"),
        ("lake", "このレイクを読む（フォルダーまたは s3://バケット/プレフィックス） [デフォルト: YAGURA_LAKE、なければここの yagura-lake]"),
        ("since", "この時刻以降の検出結果だけ: 2024-01-02、2024-01-02T03:00:00Z、または直近 7 日なら 7d。その前の 2 週間も学習のために読む"),
        ("until", "この時刻より前のレコードだけ"),
        ("rules", "自分の Sigma ルールと EventBridge パターン（ファイル、または .yml と .json のフォルダー）"),
        ("intel", "脅威リストとその分類: allow、c2、phishing、drive_by、drop_point、mining、sinkhole、malicious、abused、tor_exit、tor_relay、custom [デフォルト: malicious]"),
        ("allow", "脅威リストに載っていても問題にしないアドレスとドメイン"),
        ("suppress", "例外: [[suppress]] を並べた TOML ファイル（rule、until、reason は必須、actor、source_ip、target、account は任意）"),
        ("baseline", "学習した習慣。ファイルがあれば読み、終了時に書き込む。学習済みの期間は学習し直さない"),
        ("state", "記憶のすべて。このファイルから続け、終了時に書き込む。読み終えた入力は読み直さない"),
        ("follow", "停止するまで、新しいファイルを繰り返し探す"),
        ("every", "--follow で次に探すまでの秒数"),
        ("late", "--follow または --state で、遅れて届いたレコードを本来の順序で扱う時間"),
        ("severity", "この重要度以上の検出結果だけ"),
        ("fail_on", "この重要度以上の検出結果があれば終了コード 1"),
        ("format", "形式: table、jsonl、ocsf、asff、html、timeline [デフォルト: --output の拡張子による。なければ table]"),
        ("output", "このファイルに書き込む"),
        ("threads", "デコードに使うスレッド数 [デフォルト: コア数]"),
    ],
    examples: "例:
  yagura detect --demo                                       サンプル環境のログ
  yagura detect AWSLogs/ --format jsonl                      フォルダー以下のすべてのログ。1 行に 1 件
  yagura detect --lake yagura-lake --since 7d                レイクの直近 1 週間
  yagura detect s3://org-trail/AWSLogs --baseline habits     学習し、以前の学習結果をもとに判断する
  yagura detect s3://org-trail/AWSLogs --follow --state run  届いたものを検出し続ける
  yagura detect AWSLogs/ --intel tor.txt=tor_exit --rules sigma/
  yagura detect backtest AWSLogs/                            ルールごとの 1 日あたりの件数と、設けるとよい例外

CloudTrail、VPC フローログ、Route 53 Resolver、S3、EKS、RDS などのログをまとめて読む。通常の振る舞いは、時刻順に読みながら学習する。
知られてから 1 日または 30 回の呼び出しに満たない ID については、何も「通常と違う」とはみなさない。
終了コード: 0 完了（検出の有無によらない）、1 --fail-on 以上の検出結果あり、2 引数の誤り、3 何も読み取れない",
};

/// With `--since`, so much before it is read to learn what is usual: two weeks.
const LEARNED: i64 = 14 * 86_400_000;

/// What a run works with.
pub struct Ready {
    /// The rules.
    pub pack: Pack,
    /// The threat lists.
    pub lists: Arc<Lists>,
    /// The exceptions.
    pub exceptions: Vec<Exception>,
    /// Records from and before these times are read, ms.
    pub span: (i64, i64),
    /// Findings from this time on are told, ms: what lies before is only learned from.
    pub since: i64,
    /// Threads that decode.
    pub threads: usize,
    /// What carries the work of stores.
    pub runtime: Runtime,
    /// Whether records of the asked time may still come: then it is no mistake that there are none yet.
    pub patient: bool,
}

impl Ready {
    /// Whether a finding lies in the asked time.
    pub fn tells(&self, told: &Told) -> bool {
        self.since == i64::MIN || told.last.parse::<jiff::Timestamp>().is_ok_and(|t| t.as_millisecond() >= self.since)
    }
}

impl ReadArgs {
    /// Reads rules, lists and exceptions.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn ready(&self, cli: &Cli, lang: Lang) -> Result<Ready, Failure> {
        let since = time(self.since.as_deref(), i64::MIN)?;
        let pack = pack::load(cli, &self.rules, lang)?;
        Ok(Ready {
            span: (since.saturating_sub(LEARNED), time(self.until.as_deref(), i64::MAX)?),
            since,
            exceptions: lists::exceptions(self.suppress.as_deref(), &pack, lang)?,
            pack,
            lists: Arc::new(lists::read(&self.intel, &self.allow, lang)?),
            patient: false,
            threads: self.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(2),
            runtime: runtime()?,
        })
    }

    /// Finds what is to be read.
    ///
    /// # Errors
    /// Something does not exist, the lake cannot be opened, or it has nothing of the asked time.
    pub fn inputs(&self, ready: &Ready, lang: Lang) -> Result<Vec<Input>, Failure> {
        let wanted = wanted(ready.span);
        let lake = match &self.lake {
            Some(lake) => lake.clone(),
            None if self.demo || !self.sources.is_empty() => {
                return sources::find(&self.sources, self.demo, &wanted, &self.store, &ready.runtime, lang);
            }
            None => self.usual_lake()?,
        };
        let args = LakeArgs { lake };
        let lake = ready.runtime.block_on(args.open(&self.store, lang))?;
        if !ready.patient {
            let days = lake.all_files().map(|f| (f.min_time, f.max_time));
            let days = days.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
            if let Some((first, last)) = days.filter(|(first, last)| *last < ready.since || *first >= ready.span.1) {
                return Err(nothing_then(&args.lake, first, last));
            }
        }
        let mut files: Vec<_> =
            lake.all_files().filter(|f| f.max_time >= ready.span.0 && f.min_time < ready.span.1).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let inputs = files.into_iter().map(|f| {
            let key = lake.at(&f.path);
            object(lake.store(), f.path.clone(), key.as_ref(), f.bytes, f.name().to_owned())
        });
        Ok(inputs.collect())
    }

    /// The lake that is read where nothing else is named.
    fn usual_lake(&self) -> Result<String, Failure> {
        let set = std::env::var("YAGURA_LAKE").ok().filter(|l| !l.is_empty());
        if let Some(lake) = set.or_else(|| std::path::Path::new(LAKE).is_dir().then(|| LAKE.to_owned())) {
            return Ok(lake);
        }
        Err(Failure::usage("there is nothing to read: name logs, a lake or --demo", "読み取るログの指定がない")
            .hint(NOTHING_EN, NOTHING_JA))
    }
}

/// The lake that `yagura logs ingest` makes where none is named.
const LAKE: &str = "yagura-lake";
const NOTHING_EN: &str = "--demo takes the sample estate's logs: no account needed
      AWSLogs/ or s3://bucket/AWSLogs reads logs where they are
      `yagura logs ingest AWSLogs/` makes a lake (yagura-lake), which is then read where nothing else is named";
const NOTHING_JA: &str = "--demo でサンプル環境のログを使う（アカウント不要）
      AWSLogs/ や s3://バケット/AWSLogs で、ログをその場で読む
      `yagura logs ingest AWSLogs/` でレイク（yagura-lake）を作れば、以後は指定しなくてもそれを読む";

/// A lake that ends before the asked time, or begins after it.
fn nothing_then(lake: &str, first: i64, last: i64) -> Failure {
    let (first, last) = (tell::iso(first), tell::iso(last));
    Failure::blind(
        format!("the lake `{lake}` holds records from {first} to {last}: nothing of the asked time"),
        format!("レイク `{lake}` にあるのは {first} から {last} までのレコードで、指定した期間のものはない"),
    )
    .hint("other times are asked for with --since and --until", "期間は --since と --until で指定する")
}

/// Runs it.
pub fn run(cli: &Cli, args: &DetectArgs, lang: Lang) -> Result<u8, Failure> {
    let format = format(args)?;
    writable([&args.output, &args.state, &args.baseline])?;
    let mut ready = args.read.ready(cli, lang)?;
    ready.patient = args.follow || args.state.is_some();
    let late = millis(&args.late).ok_or_else(|| {
        let late = &args.late;
        Failure::usage(
            format!("`{late}` is no length of time: 30m, 1h, 1d"),
            format!("`{late}` は時間の長さではない: 30m、1h、1d のように書く"),
        )
    })?;
    let late = (args.follow || args.state.is_some()).then_some(late);
    let mut saved: Saved = match &args.state {
        Some(path) => load(path)?.unwrap_or_default(),
        None => Saved::default(),
    };
    if let Some(path) = &args.baseline
        && let Some(Baseline { habits, until }) = load(path)?
    {
        (saved.state.habits, saved.state.learned_until) = (habits, until);
    }
    let stop = Arc::new(AtomicBool::new(false));
    if args.follow {
        let stop = stop.clone();
        ready.runtime.spawn(async move {
            // The first Ctrl-C ends after the files at hand; the second at once.
            let _ = tokio::signal::ctrl_c().await;
            stop.store(true, Ordering::Relaxed);
            let _ = tokio::signal::ctrl_c().await;
            std::process::exit(130);
        });
    }
    let mut worst = None;
    let mut read = 0;
    loop {
        let inputs = args.read.inputs(&ready, lang)?;
        let fresh: Vec<Input> = inputs.into_iter().filter(|i| late.is_none() || !saved.knows(i)).collect();
        let (mut found, counts, forgotten) = once(&ready, &fresh, &mut saved, late, lang);
        read += counts.records;
        if let Some(last) = saved.state.latest().filter(|last| !ready.patient && *last < ready.since) {
            say(&counts, fresh.len(), 0, lang)?;
            return Err(nothing_since(last));
        }
        found.retain(|t| ready.tells(t));
        let (found, suppressed) = kept(found, &ready.exceptions, args.severity.map(Severity::from));
        worst = worst.max(found.iter().map(|t| t.severity).max());
        // Nothing read is no all-clear.
        if !found.is_empty() || !args.follow && (counts.records > 0 || late.is_some()) {
            write(args, format, &found, lang)?;
        }
        if !fresh.is_empty() || !args.follow {
            say(&counts, fresh.len(), suppressed, lang)?;
            lost(forgotten, lang)?;
        }
        if let Some(path) = &args.state {
            save(path, &saved)?;
        }
        if !args.follow || stop.load(Ordering::Relaxed) {
            break;
        }
        for _ in 0..args.every.saturating_mul(5) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    if let Some(path) = &args.baseline {
        let until = saved.state.learned_until.max(saved.state.latest());
        save(path, &Baseline { habits: std::mem::take(&mut saved.state.habits), until })?;
    }
    if read == 0 && late.is_none() {
        return Err(Failure::blind("no record could be read", "読み取れたレコードがない"));
    }
    let fails = args.fail_on.map(Severity::from).is_some_and(|least| worst.is_some_and(|w| w >= least));
    Ok(if fails { exit::FINDINGS } else { exit::DONE })
}

/// The format: as asked, else by the output's ending.
fn format(args: &DetectArgs) -> Result<DetectFormat, Failure> {
    let ending = args.output.as_deref().and_then(std::path::Path::extension).map(|e| e.to_string_lossy());
    match (args.format, ending.map(|e| e.to_ascii_lowercase()).as_deref()) {
        (Some(format), _) => Ok(format),
        (None, Some("html" | "htm")) => Ok(DetectFormat::Html),
        (None, Some("jsonl" | "ndjson")) => Ok(DetectFormat::Jsonl),
        (None, Some("json")) => Err(Failure::usage(
            "`.json` may mean several formats: name one with --format",
            "`.json` に当たる形式は複数ある。--format で指定すること",
        )
        .hint("--format jsonl, ocsf or asff", "--format jsonl、ocsf、asff のいずれか")),
        (None, _) => Ok(DetectFormat::Table),
    }
}

/// Everything that was read lies before the asked time: that is no all-clear.
pub fn nothing_since(last: i64) -> Failure {
    let last = tell::iso(last);
    Failure::blind(
        format!("nothing was recorded since the asked time: the last record is of {last}"),
        format!("指定した時刻以降のレコードがない（最後のレコードは {last}）"),
    )
}

/// Reads inputs and says what is new: findings that were not said before, and incidents that grew; and how much had to be forgotten.
fn once(ready: &Ready, inputs: &[Input], saved: &mut Saved, late: Option<i64>, lang: Lang) -> (Vec<Told>, Counts, u64) {
    let Ready { pack, lists, span, threads, runtime, .. } = ready;
    let done = AtomicUsize::new(0);
    let batch = Batch { inputs, rules: &pack.rules, lists: lists.clone(), span: *span, threads: *threads, done: &done };
    let mut engine = Engine::new(&pack.rules, &pack.sequences, std::mem::take(&mut saved.state));
    let counts = batch.run(&mut engine, &mut saved.waiting, late, &|input| input.open(runtime.handle()));
    let forgotten = engine.forgotten();
    saved.state = engine.state;
    // What could not be opened is tried again by the next run.
    inputs.iter().filter(|i| !counts.unopened.contains(&i.name)).for_each(|i| saved.note(i));
    let (signals, steps) = &saved.said;
    let mut found = Vec::new();
    for (n, incident) in saved.state.incidents.iter().enumerate() {
        if steps.get(n).is_none_or(|said| *said < incident.steps.len()) {
            found.extend(tell::incident(n, &saved.state, &pack.rules, &pack.sequences, lang));
        }
    }
    found.extend(saved.state.signals.iter().skip(*signals).filter_map(|s| tell::signal(s, &pack.rules, lang)));
    saved.said = (saved.state.signals.len(), saved.state.incidents.iter().map(|i| i.steps.len()).collect());
    (found, counts, forgotten)
}

/// Without what is milder than wanted, and what exceptions cover: so many they are.
pub fn kept(mut found: Vec<Told>, exceptions: &[Exception], least: Option<Severity>) -> (Vec<Told>, usize) {
    found.retain(|t| least.is_none_or(|l| t.severity >= l));
    let all = found.len();
    found.retain(|t| !exceptions.iter().any(|e| e.covers(t)));
    let covered = all - found.len();
    (found, covered)
}

fn write(args: &DetectArgs, format: DetectFormat, found: &[Told], lang: Lang) -> Result<(), Failure> {
    match &args.output {
        Some(path) if args.follow => {
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
            write_findings(found, format, &Style::default(), lang, &mut file)?;
        }
        Some(path) => {
            write_file(path, |mut out| write_findings(found, format, &Style::default(), lang, &mut out))?;
            writeln!(std::io::stderr(), "{} {}", lang.pick("wrote", "書き込んだ:"), path.display())?;
        }
        None => {
            let style =
                Style { colour: terminal::colour(), width: terminal::columns().unwrap_or(Style::default().width) };
            write_findings(found, format, &style, lang, &mut std::io::stdout().lock())?;
        }
    }
    Ok(())
}

/// A time on the command line, ms.
///
/// # Errors
/// It is none: a sentence.
pub fn time(text: Option<&str>, none: i64) -> Result<i64, Failure> {
    let Some(text) = text else { return Ok(none) };
    if let Some(ago) = millis(text) {
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

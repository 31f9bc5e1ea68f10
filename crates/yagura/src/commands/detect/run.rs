//! `yagura detect SRC…`: reads logs and says who attacks.

use super::state::{Baseline, Saved, load, lock, save};
use super::{DetectCommand, lists, pack};
use crate::cli::{Cli, SeverityArg};
use crate::commands::help_ja::HelpJa;
use crate::commands::logs::lake::{LakeArgs, runtime};
use crate::commands::logs::sources;
use crate::commands::store::StoreArgs;
use crate::failure::{Failure, exit};
use crate::terminal;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
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
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:
  yagura detect --demo                                       the sample estate's logs
  yagura detect AWSLogs/ --format jsonl                      every log below a folder, one finding a line
  yagura detect --lake yagura-lake --since 7d                what a lake holds of the last week
  yagura detect s3://org-trail/AWSLogs --baseline habits     learn, and judge by what was learned before
  yagura detect s3://org-trail/AWSLogs --follow --state run  go on with what arrives
  yagura detect AWSLogs/ --intel tor.txt=tor_exit --rules sigma/
  yagura detect AWSLogs/ --places places.csv                 impossible travel, by a table of where networks are
  yagura detect backtest AWSLogs/                            alerts a day and rule, and exceptions worth making

CloudTrail, VPC flow logs, Route 53 Resolver, S3, EKS, RDS and other logs are read together. What is usual is learned while reading, in
the order of time; of an identity that is known for less than a day or 30 calls nothing counts as unusual.
Files are read day by day, by the days in their names. Those whose names tell no day are kept in memory until all of them are read, about
100 bytes a record: put more than fits into folders by day, as AWS does, or read it from a lake. With --state or --follow a record is known
for a day: what comes twice within it counts once, and what comes later than --late is taken out of its order, which the summary says.
Records without an id of their own (flow, DNS, S3 and other logs) are named by a hash of their text; in a lake it is another one than in the file.
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
    /// Everything remembered: go on from this file, and write it at the end; inputs that were read are not read again, of files of lines that grew only what came, and what broke is tried again
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
    /// The format: table, jsonl, ocsf, asff, html, timeline
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = parse_format())]
    pub format: DetectFormat,
    /// Write to this file
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What to read, and with which rules.
#[derive(Debug, Args)]
pub struct ReadArgs {
    /// Files, folders, patterns, s3://bucket/prefix, or - for standard input
    #[arg(required_unless_present_any = ["demo", "lake"], value_name = "SRC")]
    pub sources: Vec<String>,
    /// Take the sample estate's logs
    #[arg(long, conflicts_with_all = ["sources", "lake"])]
    pub demo: bool,
    /// Read this lake: a folder, or s3://bucket/prefix
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
    /// Addresses and domains that no threat list is believed about, and numbers of accounts that are yours, besides those in the logs' names: what is shared with them stays inside
    #[arg(long, value_name = "FILE")]
    pub allow: Vec<PathBuf>,
    /// Where networks are, a network a line: CIDR,latitude,longitude[,label], IPv4 and IPv6; or GeoLite2's City-Blocks files. Turns impossible travel on
    #[arg(long, value_name = "FILE")]
    pub places: Vec<PathBuf>,
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
        ("sources", "ファイル、フォルダー、パターン、s3://バケット/プレフィックス、または -（標準入力）"),
        ("demo", "サンプル環境のログを使う"),
        ("lake", "このレイクを読む（フォルダーまたは s3://バケット/プレフィックス）"),
        ("since", "この時刻以降の検出結果だけ: 2024-01-02、2024-01-02T03:00:00Z、または直近 7 日なら 7d。その前の 2 週間も学習のために読む"),
        ("until", "この時刻より前のレコードだけ"),
        ("rules", "自分の Sigma ルールと EventBridge パターン（ファイル、または .yml と .json のフォルダー）"),
        ("intel", "脅威リストとその分類: allow、c2、phishing、drive_by、drop_point、mining、sinkhole、malicious、abused、tor_exit、tor_relay、custom [デフォルト: malicious]"),
        ("allow", ALLOW_JA),
        ("places", PLACES_JA),
        ("suppress", "例外: [[suppress]] を並べた TOML ファイル（rule、until、reason は必須、actor、source_ip、target、account は任意）"),
        ("baseline", "学習した習慣。ファイルがあれば読み、終了時に書き込む。学習済みの期間は学習し直さない"),
        ("state", "記憶のすべて。このファイルから続け、終了時に書き込む。読み終えた入力は読み直さず、行が追記されたファイルは追記分だけを読み、途中までしか読めなかったものは再び試す"),
        ("follow", "停止するまで、新しいファイルを繰り返し探す"),
        ("every", "--follow で次に探すまでの秒数"),
        ("late", "--follow または --state で、遅れて届いたレコードを本来の順序で扱う時間"),
        ("severity", "この重要度以上の検出結果だけ"),
        ("fail_on", "この重要度以上の検出結果があれば終了コード 1"),
        ("format", "形式: table、jsonl、ocsf、asff、html、timeline"),
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
  yagura detect AWSLogs/ --places places.csv                 位置情報テーブルにより、ありえない移動も検出する
  yagura detect backtest AWSLogs/                            ルールごとの 1 日あたりの件数と、設けるとよい例外

CloudTrail、VPC フローログ、Route 53 Resolver、S3、EKS、RDS などのログをまとめて読む。通常の振る舞いは、時刻順に読みながら学習する。
知られてから 1 日または 30 回の呼び出しに満たない ID については、何も「通常と違う」とはみなさない。
ファイルは名前が示す日の順に、1 日分ずつ読む。名前から日がわからないファイルは、すべて読み終えるまで 1 レコードあたり約 100 バイトの
メモリに置く。メモリに収まらない量は、AWS のように日ごとのフォルダーに分けるか、レイクから読む。--state または --follow では、レコードを
1 日のあいだ覚える。その間に再び届いたものは 1 回だけ数え、--late より遅れたものは順序によらず扱い、その件数を最後に示す。
自身の ID を持たないレコード（フローログ、DNS、S3 など）はテキストのハッシュで示し、同じレコードでもレイクとファイルでは値が異なる。
終了コード: 0 完了（検出の有無によらない）、1 --fail-on 以上の検出結果あり、2 引数の誤り、3 何も読み取れない",
};

/// The Japanese help of `--allow`.
pub const ALLOW_JA: &str = "脅威リストに載っていても問題にしないアドレスとドメイン、および自組織のアカウント番号（ログの名前に現れるものに加えて）。自組織のアカウントとの共有は外部への共有とみなさない";

/// The Japanese help of `--places`.
pub const PLACES_JA: &str = "ネットワークの位置情報。1 行に 1 ネットワーク: CIDR,緯度,経度[,名前]。IPv4 と IPv6。GeoLite2 の City-Blocks ファイルも読める。指定すると「ありえない移動」の検出が有効になる";

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
        Ok(Ready {
            span: (since.saturating_sub(LEARNED), time(self.until.as_deref(), i64::MAX)?),
            since,
            pack: pack::load(cli, &self.rules)?,
            lists: Arc::new(lists::placed(lists::read(&self.intel, &self.allow, lang)?, &self.places, lang)?),
            exceptions: lists::exceptions(self.suppress.as_deref())?,
            threads: self.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(2),
            runtime: runtime()?,
        })
    }

    /// Finds what is to be read.
    ///
    /// # Errors
    /// Something does not exist, or the lake cannot be opened.
    pub fn inputs(&self, ready: &mut Ready, lang: Lang) -> Result<Vec<Input>, Failure> {
        let inputs = self.found(ready, lang)?;
        // Whose logs these are: accounts that files' names tell are the user's own.
        let own = inputs.iter().filter_map(|i| i.place.account.as_deref()).filter(|a| !ready.lists.owns(a));
        let own: BTreeSet<SmolStr> = own.map(SmolStr::new).collect();
        if !own.is_empty() {
            Arc::make_mut(&mut ready.lists).own(own);
        }
        Ok(inputs)
    }

    fn found(&self, ready: &Ready, lang: Lang) -> Result<Vec<Input>, Failure> {
        let wanted = wanted(ready.span);
        let Some(lake) = &self.lake else {
            return sources::find(&self.sources, self.demo, &wanted, &self.store, &ready.runtime, lang);
        };
        let args = LakeArgs { lake: lake.clone() };
        let lake = ready.runtime.block_on(args.open(&self.store, lang))?;
        let mut files: Vec<_> =
            lake.all_files().filter(|f| f.max_time >= ready.span.0 && f.min_time < ready.span.1).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let inputs = files.into_iter().map(|f| {
            let key = lake.at(&f.path);
            object(lake.store(), f.path.clone(), key.as_ref(), f.bytes, f.name().to_owned())
        });
        Ok(inputs.collect())
    }
}

/// Runs it.
pub fn run(cli: &Cli, args: &DetectArgs, lang: Lang) -> Result<u8, Failure> {
    let mut ready = args.read.ready(cli, lang)?;
    let late = millis(&args.late).ok_or_else(|| {
        let late = &args.late;
        Failure::usage(
            format!("`{late}` is no length of time: 30m, 1h, 1d"),
            format!("`{late}` は時間の長さではない: 30m、1h、1d のように書く"),
        )
    })?;
    let late = (args.follow || args.state.is_some()).then_some(late);
    let _mine = args.state.as_deref().or(args.baseline.as_deref()).map(lock).transpose()?;
    let mut saved: Saved = match &args.state {
        Some(path) => load(path)?.unwrap_or_default(),
        None => Saved::default(),
    };
    if let Some(path) = &args.baseline
        && let Some(Baseline { habits, until }) = load(path)?
    {
        (saved.state.habits, saved.state.learned_until) = (habits, until);
    }
    if !saved.accounts.is_empty() {
        Arc::make_mut(&mut ready.lists).own(saved.accounts.iter().cloned());
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
    let (mut read, mut unread, mut tried) = (0, 0, false);
    if args.follow {
        say_off(&ready, lang)?;
    }
    loop {
        let inputs = args.read.inputs(&mut ready, lang)?;
        saved.accounts.extend(ready.lists.accounts().cloned());
        let whole = |i: Input| if late.is_none() { Some(i) } else { saved.fresh(i) };
        let fresh: Vec<Input> = inputs.into_iter().filter_map(whole).collect();
        let failed: BTreeSet<String> =
            fresh.iter().filter(|i| tried && saved.failed(i)).map(|i| i.name.clone()).collect();
        let (found, mut counts, gone) = once(&ready, &fresh, &mut saved, late, lang);
        say_gone(&gone, lang)?;
        read += counts.records;
        unread += counts.unread;
        // What was said of a file and is still so is not said again at every look.
        if tried {
            let said = counts.aside.iter().filter(|(file, _)| failed.contains(file)).count() as u64;
            counts.aside.retain(|(file, _)| !failed.contains(file));
            counts.unread = counts.unread.saturating_sub(said);
        }
        let news = fresh.iter().any(|i| !failed.contains(&i.name));
        tried = true;
        let mut found = kept(found, &ready.exceptions, args.severity.map(Severity::from));
        found.retain(|t| ready.tells(t));
        worst = worst.max(found.iter().map(|t| t.severity).max());
        // Nothing read is no all-clear.
        if !found.is_empty() || !args.follow && (counts.records > 0 || late.is_some()) {
            write(args, &found, lang)?;
        }
        if news || !args.follow {
            say(&counts, fresh.len(), lang)?;
        }
        if !args.follow {
            say_off(&ready, lang)?;
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
    // A run that goes on from another may have nothing to do; one that could not read what it had to do is no all-clear.
    if read == 0 && (late.is_none() || unread > 0) {
        return Err(Failure::blind("no record could be read", "読み取れたレコードがない"));
    }
    let fails = args.fail_on.map(Severity::from).is_some_and(|least| worst.is_some_and(|w| w >= least));
    Ok(if fails { exit::FINDINGS } else { exit::DONE })
}

/// Reads inputs and says what is new: findings that were not said before, and incidents that grew.
fn once(
    ready: &Ready,
    inputs: &[Input],
    saved: &mut Saved,
    late: Option<i64>,
    lang: Lang,
) -> (Vec<Told>, Counts, BTreeMap<SmolStr, usize>) {
    let Ready { pack, lists, span, threads, runtime, .. } = ready;
    let done = AtomicUsize::new(0);
    let batch = Batch { inputs, rules: &pack.rules, lists: lists.clone(), span: *span, threads: *threads, done: &done };
    let mut engine = Engine::new(&pack.rules, &pack.sequences, std::mem::take(&mut saved.state));
    let counts = batch.run(&mut engine, &mut saved.waiting, late, &|input| input.open(runtime.handle()));
    saved.state = engine.state;
    // What could not be read to its end is tried again by the next run.
    inputs.iter().for_each(|i| saved.note(i, !counts.unfinished.contains(&i.name)));
    let (signals, steps) = &saved.said;
    let mut found = Vec::new();
    let mut gone: BTreeMap<SmolStr, usize> = BTreeMap::new();
    for (n, incident) in saved.state.incidents.iter().enumerate() {
        if steps.get(n).is_none_or(|said| *said < incident.steps.len()) {
            match tell::incident(n, &saved.state, &pack.rules, &pack.sequences, lang) {
                Some(told) => found.push(told),
                None => *gone.entry(incident.sequences.first().cloned().unwrap_or_default()).or_default() += 1,
            }
        }
    }
    for signal in saved.state.signals.iter().skip(*signals) {
        match tell::signal(signal, &pack.rules, lang) {
            Some(told) => found.push(told),
            None => *gone.entry(signal.rule.clone()).or_default() += 1,
        }
    }
    saved.said = (saved.state.signals.len(), saved.state.incidents.iter().map(|i| i.steps.len()).collect());
    (found, counts, gone)
}

/// What was found by rules that the run before had and this one has not, and so cannot be told.
fn say_gone(gone: &BTreeMap<SmolStr, usize>, lang: Lang) -> Result<(), Failure> {
    if !gone.is_empty() {
        let total: usize = gone.values().sum();
        let names = gone.keys().map(SmolStr::as_str).collect::<Vec<_>>().join(", ");
        let (en, ja) = (
            format!("{total} findings are of rules that are no more, and cannot be told: {names}"),
            format!("もう存在しないルールによる検出 {total} 件は表示できない: {names}"),
        );
        writeln!(std::io::stderr(), "{}", lang.pick(&en, &ja))?;
    }
    Ok(())
}

/// Without what exceptions cover, and what is milder than wanted.
pub fn kept(mut found: Vec<Told>, exceptions: &[Exception], least: Option<Severity>) -> Vec<Told> {
    found.retain(|t| least.is_none_or(|l| t.severity >= l) && !exceptions.iter().any(|e| e.covers(t)));
    found
}

fn write(args: &DetectArgs, found: &[Told], lang: Lang) -> Result<(), Failure> {
    match &args.output {
        Some(path) => {
            let mut file = std::fs::OpenOptions::new()
                .create(true)
                .write(true)
                .append(args.follow)
                .truncate(!args.follow)
                .open(path)?;
            write_findings(found, args.format, &Style::default(), lang, &mut file)?;
        }
        None => {
            let style =
                Style { colour: terminal::colour(), width: terminal::columns().unwrap_or(Style::default().width) };
            write_findings(found, args.format, &style, lang, &mut std::io::stdout().lock())?;
        }
    }
    Ok(())
}

/// What was read and what was not, on standard error.
pub fn say(counts: &Counts, inputs: usize, lang: Lang) -> Result<(), Failure> {
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

/// Which detections are off for want of something that the user did not give: one line, on standard error.
///
/// # Errors
/// Standard error cannot be written.
pub fn say_off(ready: &Ready, lang: Lang) -> Result<(), Failure> {
    let off: Vec<&str> = ready.pack.off(&ready.lists).map(|id| id.as_str()).collect();
    if !off.is_empty() {
        let off = off.join(", ");
        let (en, ja) = (
            format!("off: {off} (impossible travel needs --places FILE)"),
            format!("無効: {off}（ありえない移動の検出には --places FILE が必要）"),
        );
        writeln!(std::io::stderr(), "{}", lang.pick(&en, &ja))?;
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

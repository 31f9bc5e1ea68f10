//! `yagura logs ingest`.

use super::lake::{LAKE_JA, LakeArgs, runtime};
use super::sources;
use crate::commands::Form;
use crate::commands::help_ja::HelpJa;
use crate::commands::store::{Access, StoreArgs};
use crate::failure::{Failure, exit};
use crate::progress::Display;
use clap::Args;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;
use yagura_logs::ingest::{Counts, Options, Progress, Report, ingest};
use yagura_logs::input::{Input, Wanted};
use yagura_logs::lake::Lake;
use yagura_model::Lang;

/// `logs ingest`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura logs ingest AWSLogs/                                        every log below a folder, whatever its format
  yagura logs ingest s3://org-trail/AWSLogs --since 30d --lake /data/lake
  yagura logs ingest s3://org-trail/AWSLogs --accounts 111122223333 --regions ap-northeast-1
  yagura logs ingest 'flows/*.gz' --format json                      counts for a machine
  aws logs filter-log-events --log-group-name trail | yagura logs ingest -
  yagura logs ingest s3://org-trail/AWSLogs --follow                 go on with what arrives

CloudTrail, VPC flow logs, Route 53 Resolver, S3, load balancers, CloudFront, WAF, Network Firewall, EKS, RDS, Redshift, AWS Config,
GuardDuty, Security Hub and OCSF are known by their content; gzip and Zstandard are opened. What cannot be read is counted, named and
kept aside. What the lake has already is not read again.")]
pub struct IngestArgs {
    /// Files, folders, patterns, s3://bucket/prefix, or - for standard input
    #[arg(required_unless_present = "demo", value_name = "SRC")]
    pub sources: Vec<String>,
    /// Take the sample estate's logs
    #[arg(long, conflicts_with = "sources")]
    pub demo: bool,
    #[command(flatten)]
    pub lake: LakeArgs,
    /// Only these accounts, as far as names tell
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub accounts: Vec<String>,
    /// Only these Regions, as far as names tell
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    pub regions: Vec<String>,
    /// Only files from this day on, as far as names tell: 2024-01-02, or 30d for the last 30 days
    #[arg(long, value_name = "DAY")]
    pub since: Option<String>,
    /// Only files up to this day, as far as names tell
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
    /// Look for new files again and again, until stopped
    #[arg(long)]
    pub follow: bool,
    /// Seconds between two looks of --follow
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub every: u64,
    /// Threads that decode [default: as many as the machine has cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Seconds after which what was read counts, come what may
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub commit_every: u64,
    /// The form of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
    /// No progress
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub store: StoreArgs,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "ログをデコードし、各レコードを 1 回だけ Parquet のレイクに保存する",
    arguments: &[
        ("sources", "ファイル、フォルダー、パターン、s3://バケット/プレフィックス、または -（標準入力）"),
        ("demo", "サンプル環境のログを取り込む"),
        LAKE_JA,
        ("accounts", "このアカウントだけ（名前からわかる範囲で）"),
        ("regions", "このリージョンだけ（名前からわかる範囲で）"),
        ("since", "この日以降のファイルだけ（名前からわかる範囲で）: 2024-01-02、または直近 30 日なら 30d"),
        ("until", "この日までのファイルだけ（名前からわかる範囲で）"),
        ("follow", "停止するまで、新しいファイルを繰り返し探す"),
        ("every", "--follow で次に探すまでの秒数"),
        ("commit_every", "読み取った分を確定するまでの秒数（その後に異常終了しても失われない）"),
        ("threads", "デコードに使うスレッド数 [デフォルト: コア数]"),
        ("format", "結果の形式"),
    ],
    examples: "例:
  yagura logs ingest AWSLogs/                                        フォルダー以下のすべてのログ（形式は問わない）
  yagura logs ingest s3://org-trail/AWSLogs --since 30d --lake /data/lake
  yagura logs ingest s3://org-trail/AWSLogs --accounts 111122223333 --regions ap-northeast-1
  yagura logs ingest 'flows/*.gz' --format json                      件数を JSON で出力する
  aws logs filter-log-events --log-group-name trail | yagura logs ingest -
  yagura logs ingest s3://org-trail/AWSLogs --follow                 届いたものを取り込み続ける

CloudTrail、VPC フローログ、Route 53 Resolver、S3、ロードバランサー、CloudFront、WAF、Network Firewall、EKS、RDS、Redshift、AWS Config、
GuardDuty、Security Hub、OCSF を内容から判別し、gzip と Zstandard を展開する。読み取れないものは数え、名前を示し、別に保存する。
レイクにすでにあるものは読み直さない。",
};

/// Runs it.
pub fn run(args: &IngestArgs, lang: Lang) -> Result<u8, Failure> {
    let runtime = runtime()?;
    let wanted = wanted(args)?;
    let progress = Arc::new(Progress::default());
    let stop = progress.clone();
    runtime.spawn(async move {
        // The first Ctrl-C ends after the files at hand; the second at once, which loses nothing either.
        let _ = tokio::signal::ctrl_c().await;
        stop.stop.store(true, Ordering::Relaxed);
        let _ = tokio::signal::ctrl_c().await;
        std::process::exit(130);
    });
    let mut lake = runtime.block_on(args.lake.open_to_write(&args.store, lang))?;
    let report = loop {
        let inputs = sources::find(&args.sources, args.demo, &wanted, &args.store, &runtime, lang)?;
        let inputs: Vec<Input> = if args.follow {
            inputs.into_iter().filter(|i| lake.taken(&i.source()).is_none()).collect()
        } else {
            inputs
        };
        let (next, found) = once(args, lake, &inputs, &runtime, &progress, lang)?;
        lake = next;
        // Many threads leave many small files; merged now, they cost nobody anything later.
        const SMALL: u64 = 4 << 20;
        if !inputs.is_empty() && !progress.stop.load(Ordering::Relaxed) {
            runtime.block_on(lake.compact(SMALL, &mut |_| ())).map_err(|e| args.lake.failure(&e, Access::Put))?;
        }
        if !args.follow {
            break found;
        }
        if !inputs.is_empty() {
            print(args, &found, &lake, lang)?;
        }
        for _ in 0..args.every.max(1) * 10 {
            if progress.stop.load(Ordering::Relaxed) {
                return Ok(exit::DONE);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    print(args, &report, &lake, lang)?;
    if progress.stop.load(Ordering::Relaxed) {
        let text = lang.pick(
            "stopped; what was read so far is in the lake, run it again for the rest",
            "中断した。読み取った分はレイクにある。残りはもう一度実行すれば取り込まれる",
        );
        writeln!(std::io::stderr(), "{text}")?;
    }
    let Counts { found, aside, .. } = report.records;
    Ok(if found > 0 && found == aside { exit::BLIND } else { exit::DONE })
}

fn once(
    args: &IngestArgs,
    lake: Lake,
    inputs: &[Input],
    runtime: &Runtime,
    progress: &Arc<Progress>,
    lang: Lang,
) -> Result<(Lake, Report), Failure> {
    let commit_every = Duration::from_secs(args.commit_every);
    let threads = args.threads.unwrap_or(Options::default().threads);
    let options = Options { threads, commit_every };
    let display = Display::new(args.quiet, lang);
    let done = Arc::new(Mutex::new(false));
    std::thread::scope(|scope| {
        if display.is_shown() {
            scope.spawn(|| {
                while !*done.lock().unwrap_or_else(PoisonError::into_inner) {
                    let records = progress.records.load(Ordering::Relaxed);
                    let text = format!("{records} {}", lang.pick("records", "レコード"));
                    display.at(progress.inputs.load(Ordering::Relaxed), inputs.len(), &text);
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
        }
        let result = ingest(lake, inputs, options, runtime.handle(), progress);
        *done.lock().unwrap_or_else(PoisonError::into_inner) = true;
        display.finish();
        result.map_err(|e| args.lake.failure(&e, Access::Put))
    })
}

fn wanted(args: &IngestArgs) -> Result<Wanted, Failure> {
    let day = |text: &Option<String>| text.as_deref().map(super::keep::day).transpose();
    Ok(Wanted {
        accounts: args.accounts.clone(),
        regions: args.regions.clone(),
        since: day(&args.since)?,
        until: day(&args.until)?,
    })
}

fn print(args: &IngestArgs, report: &Report, lake: &Lake, lang: Lang) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if args.format == Form::Json {
        let json = serde_json::to_string(report).map_err(std::io::Error::other)?;
        writeln!(out, "{json}")?;
        return Ok(());
    }
    let Counts { found, stored, duplicate, aside } = report.records;
    match lang {
        Lang::En => writeln!(
            out,
            "{found} records in {} files: {stored} stored, {duplicate} in the lake already, {aside} put aside",
            report.files.len()
        )?,
        Lang::Ja => writeln!(
            out,
            "{} ファイルに {found} レコード: 保存 {stored}、レイクに既存 {duplicate}、読み取れず別に保存 {aside}",
            report.files.len()
        )?,
    }
    let mut formats: std::collections::BTreeMap<&str, Counts> = std::collections::BTreeMap::new();
    for file in &report.files {
        let sum = formats.entry(file.format.unwrap_or("-")).or_default();
        sum.found += file.counts.found;
        sum.stored += file.counts.stored;
    }
    for (format, counts) in formats.iter().filter(|(f, _)| **f != "-") {
        let (of, word) = (counts.found, lang.pick("stored", "保存"));
        writeln!(out, "  {format:24} {of:>12}  {word} {}", counts.stored)?;
    }
    const SHOWN: usize = 10;
    for one in report.aside.iter().take(SHOWN) {
        writeln!(
            out,
            "  {} {}: {}",
            lang.pick("aside:", "別に保存:"),
            one.path,
            super::reasons::reason(&one.reason, lang)
        )?;
    }
    if report.aside.len() > SHOWN {
        let rest = report.aside.len() - SHOWN;
        let text = match lang {
            Lang::En => format!("  … and {rest} more, in the lake's _yagura/aside and with --format json"),
            Lang::Ja => format!("  …ほか {rest} 件（レイクの _yagura/aside、または --format json で確認できる）"),
        };
        writeln!(out, "{text}")?;
    }
    // Of little, most is the files' own form.
    const TELLING: u64 = 10 << 20;
    let (bytes, raw) = lake.stats().values().fold((0, 0), |(b, r), t| (b + t.bytes, r + t.raw));
    if raw > TELLING {
        let share = bytes as f64 / raw as f64 * 100.0;
        let size = super::keep::size(bytes);
        match lang {
            Lang::En => {
                writeln!(out, "The lake `{}` holds {size}, {share:.1} % of the records' own size.", args.lake.lake)?
            }
            Lang::Ja => writeln!(out, "レイク `{}` は {size}（元のレコードの {share:.1} %）。", args.lake.lake)?,
        }
    }
    Ok(())
}

//! What `yagura detect` is told on the command line, and its help.

use super::DetectCommand;
use crate::cli::SeverityArg;
use crate::commands::help_ja::HelpJa;
use crate::commands::store::StoreArgs;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;
use yagura_report::DetectFormat;

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
    /// The format: table, jsonl, ocsf, asff, html, timeline [default: as the ending of --output says, else table]
    #[arg(long, value_name = "FORMAT", value_parser = parse_format(), hide_possible_values = true)]
    pub format: Option<DetectFormat>,
    /// Tell what is found by this routes file, whose form `yagura notify check --help` shows; nothing is told twice
    #[arg(long, value_name = "FILE")]
    pub notify: Option<PathBuf>,
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
    /// Addresses and domains that no threat list is believed about, and numbers of accounts that are yours, besides those in the logs' names: what is shared with them stays inside
    #[arg(long, value_name = "FILE")]
    pub allow: Vec<PathBuf>,
    /// Where networks are, a network a line: CIDR,latitude,longitude and, if you like, a label, IPv4 and IPv6; or GeoLite2's City-Blocks files. Turns impossible travel on
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
        ("sources", "ファイル、フォルダー、パターン、s3://バケット/プレフィックス、または -（標準入力） [デフォルト: レイクがあればそれ]"),
        ("demo", "サンプル環境のログを使う"),
        ("lake", "このレイクを読む（フォルダーまたは s3://バケット/プレフィックス） [デフォルト: YAGURA_LAKE、なければここの yagura-lake]"),
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
        ("format", "形式: table、jsonl、ocsf、asff、html、timeline [デフォルト: --output の拡張子による。なければ table]"),
        ("output", "このファイルに書き込む"),
        ("notify", "検出したものを、このルートファイルに従って通知する（`yagura notify check --help` に書き方がある）。同じものは 2 度通知しない"),
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

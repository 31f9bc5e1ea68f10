//! The arguments of `watch`, and their Japanese help.

use crate::cli::{AwsArgs, Selection, SeverityArg};
use crate::commands::help_ja::HelpJa;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Arguments of `watch`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura watch --store findings.db --all-regions                    a full scan every 6 hours
  yagura watch --store findings.db --events s3://org-trail/AWSLogs  and within seconds what CloudTrail's new files tell
  yagura watch --store postgres://yagura@db/findings --events https://sqs.eu-west-1.amazonaws.com/111122223333/yagura
  yagura watch --store findings.db --events AWSLogs/ --every 1h --listen 127.0.0.1:9464
  curl -s 127.0.0.1:9464/metrics

A queue may get Amazon S3's notifications of CloudTrail's files (directly, by Amazon SNS or by EventBridge), CloudTrail's own notifications,
and EventBridge's events `AWS API Call via CloudTrail`. A message is deleted when its verdicts are recorded; one that is not understood
stays, for the queue's dead-letter queue. It takes sqs:ReceiveMessage, sqs:DeleteMessage and s3:GetObject.
An event tells which resource changed; it is read again with at most 3 calls (a new one with what its checks need), and all checks that
judge it, or others by it, are judged again. What else they hang on is taken from the last scan. What cannot be told from an event waits
for the next full scan; the log says it once, and a metric counts it.
Findings that change, and threats, are one JSON object a line on standard output; the log is one a line on standard error where that is
no terminal. One `watch` at a time works on a store. It ends on SIGTERM or Ctrl-C with exit code 0, and goes on from its state.
Exit codes: 0 stopped, 2 bad usage or another watch has the store, 3 the account or the store cannot be reached.")]
pub struct WatchArgs {
    /// Record in this store: a file, postgres://user@host/database, or where YAGURA_STORE says [default: findings.db in ~/.local/state/yagura]
    #[arg(long, value_name = "FILE|URL")]
    pub store: Option<String>,
    /// Where changes are told: a folder or file of CloudTrail logs, s3://bucket/prefix, or a queue by its URL
    #[arg(long, value_name = "SRC", num_args = 1..)]
    pub events: Vec<String>,
    /// How often everything is scanned
    #[arg(long, value_name = "TIME", default_value = "6h")]
    pub every: String,
    /// How far a full scan may be put off or brought forward, so that many do not begin at once
    #[arg(long, value_name = "PERCENT", default_value = "10%", value_parser = percent)]
    pub jitter: u8,
    /// Where it remembers how far it is [default: watch-… in ~/.local/state/yagura, by the store's name]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Answer /healthz, /readyz and /metrics here (Prometheus' text format)
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Seconds between two looks at an S3 prefix; local files are looked at all the time
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub look: u64,
    /// How many days the history of configurations is kept in the store
    #[arg(long, value_name = "DAYS", default_value_t = 2557, value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_days: u32,
    /// Sigma rules and EventBridge patterns of yours: a file, or a folder of .yml and .json files
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// A threat list, and what it is of, as for `detect`
    #[arg(long, value_name = "FILE[=CATEGORY]")]
    pub intel: Vec<String>,
    /// Addresses, domains and accounts that no threat list is believed about, as for `detect`
    #[arg(long, value_name = "FILE")]
    pub allow: Vec<PathBuf>,
    /// Exceptions from detections, as for `detect`
    #[arg(long, value_name = "FILE")]
    pub suppress: Option<PathBuf>,
    /// How long a record may be late and still be taken in its order by detections
    #[arg(long, value_name = "TIME", default_value = "15m")]
    pub late: String,
    /// Only threats of at least this severity
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub threats: Option<SeverityArg>,
    /// Look for no threats
    #[arg(long)]
    pub no_detect: bool,
    /// Tell what is new by this routes file, whose form `yagura notify check --help` shows
    #[arg(long, value_name = "FILE")]
    pub notify: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub aws: AwsArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub selection: Selection,
}

fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse::<u8>().ok().filter(|n| *n <= 100);
    number.ok_or_else(|| "a percentage from 0% to 100%".to_owned())
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "常時監視する: 定期的な全体スキャン、変更されたリソースの即時の再判定、脅威の検出",
    arguments: &[
        (
            "store",
            "記録するストア: ファイル、postgres://ユーザー@ホスト/データベース、または YAGURA_STORE [デフォルト: ~/.local/state/yagura の findings.db]",
        ),
        (
            "events",
            "変更を知らせるもの: CloudTrail ログのフォルダーまたはファイル、s3://バケット/プレフィックス、キューの URL",
        ),
        ("every", "全体をスキャンする間隔"),
        ("jitter", "全体スキャンの開始を前後にずらす幅（同時に始まらないようにするため）"),
        (
            "state",
            "どこまで処理したかを記憶するフォルダー [デフォルト: ~/.local/state/yagura の watch-…（ストア名による）]",
        ),
        ("listen", "このアドレスで /healthz、/readyz、/metrics（Prometheus のテキスト形式）に応答する"),
        ("look", "S3 プレフィックスを確認する間隔（秒）。ローカルのファイルは常時確認する"),
        ("keep_days", "構成の変更履歴をストアに保持する日数"),
        ("rules", "自分の Sigma ルールと EventBridge パターン（ファイル、または .yml と .json のフォルダー）"),
        ("intel", "脅威リストとその分類（`detect` と同じ）"),
        ("allow", "脅威リストに載っていても問題にしないアドレス、ドメイン、アカウント（`detect` と同じ）"),
        ("suppress", "検出の例外（`detect` と同じ）"),
        ("late", "検出において、遅れて届いたレコードを本来の順序で扱う時間"),
        ("threats", "この重要度以上の脅威だけ"),
        ("no_detect", "脅威の検出をしない"),
        ("notify", crate::commands::notify::ROUTES_JA),
    ],
    examples: "例:
  yagura watch --store findings.db --all-regions                    6 時間ごとに全体をスキャンする
  yagura watch --store findings.db --events s3://org-trail/AWSLogs  さらに、CloudTrail の新しいファイルが示す変更を数秒で判定する
  yagura watch --store postgres://yagura@db/findings --events https://sqs.eu-west-1.amazonaws.com/111122223333/yagura
  yagura watch --store findings.db --events AWSLogs/ --every 1h --listen 127.0.0.1:9464
  curl -s 127.0.0.1:9464/metrics

キューには、CloudTrail ファイルの Amazon S3 イベント通知（直接、Amazon SNS 経由、EventBridge 経由のいずれか）、CloudTrail 自身の通知、
EventBridge のイベント「AWS API Call via CloudTrail」を送れる。メッセージは判定を記録した後に削除する。解釈できないメッセージは、キューの
デッドレターキューのために残す。必要な権限は sqs:ReceiveMessage、sqs:DeleteMessage、s3:GetObject。
イベントから変更されたリソースがわかると、最大 3 回の呼び出しで（新しいリソースはチェックに必要なだけ）読み直し、そのリソースのチェックと、
それをもとに他を判定するチェックを判定し直す。それ以外に必要なものは前回のスキャンの内容を使う。イベントからわからない変更は次の全体
スキャンに委ね、ログに 1 度だけ示し、メトリクスで数える。
変化した検出結果と脅威は、標準出力に 1 行 1 件の JSON で書く。標準エラー出力が端末でない場合、ログも 1 行 1 件の JSON になる。1 つのストアで
動作する `watch` は 1 つだけ。SIGTERM または Ctrl-C により終了コード 0 で停止し、次回は続きから始める。
終了コード: 0 停止した、2 引数の誤り、または別の watch がストアを使用中、3 アカウントまたはストアに接続できない",
};

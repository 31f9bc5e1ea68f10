//! The arguments of `rehearse`, and their Japanese help.

use crate::commands::help_ja::HelpJa;
use crate::commands::store::StoreArgs;
use clap::{ArgGroup, Args, ValueEnum};
use std::path::PathBuf;

/// Arguments of `rehearse`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("guardrail").required(true).multiple(false).args(["scp", "rcp", "policy", "declarative"]))]
#[command(after_help = "Examples:
  yagura rehearse --demo --scp deny-regions.json                what the sample estate's calls would meet
  yagura rehearse --scp deny-regions.json --since 90d           the lake's last 90 days
  yagura rehearse --rcp perimeter.json --org o-a1b2c3d4e5 AWSLogs/
  yagura rehearse --scp new.json --against old.json AWSLogs/    denied by one and not by the other
  yagura rehearse --policy app.json --principal app AWSLogs/    in place of the role's identity policies
  yagura rehearse --policy b.json --boundary --principal app AWSLogs/
  yagura rehearse --declarative ec2.json --snapshot today.ysnap AWSLogs/

SCPs are held beside FullAWSAccess, as AWS attaches it; with --alone in its place. They touch neither the management account (name it
with --management) nor service-linked roles nor AWS services; RCPs touch only services that support them. A policy is judged by itself:
what other policies deny or allow is not asked. What a record does not tell makes the answer unknown, with the reason; calls that the
trail does not record are not there. Calls that AWS refused already are counted apart.
Exit codes: 0 done, 1 with --fail: a call would be denied, 2 bad usage or a policy that AWS would not take, 3 nothing could be read.")]
pub struct RehearseArgs {
    /// Files, folders, patterns, s3://bucket/prefix, or - for standard input [default: the lake, where there is one]
    #[arg(value_name = "SRC")]
    pub sources: Vec<String>,
    /// A service control policy; several are attached together
    #[arg(long, value_name = "FILE")]
    pub scp: Vec<PathBuf>,
    /// A resource control policy; several are attached together
    #[arg(long, value_name = "FILE")]
    pub rcp: Vec<PathBuf>,
    /// An identity policy in place of those that --principal has; several together
    #[arg(long, value_name = "FILE", requires = "principal")]
    pub policy: Vec<PathBuf>,
    /// A declarative policy for Amazon EC2
    #[arg(long, value_name = "FILE")]
    pub declarative: Option<PathBuf>,
    /// Compare with these: calls denied by one guardrail and not by the other
    #[arg(long, value_name = "FILE")]
    pub against: Vec<PathBuf>,
    /// Only calls of this user or role: its ARN or name
    #[arg(long, value_name = "ARN|NAME")]
    pub principal: Option<String>,
    /// The policy is a permissions boundary
    #[arg(long, requires = "policy")]
    pub boundary: bool,
    /// The SCPs stand in place of FullAWSAccess: what they do not allow is denied
    #[arg(long, requires = "scp")]
    pub alone: bool,
    /// Only these accounts will have the guardrail [default: every account whose log is read]
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub account: Vec<String>,
    /// The organization's management account, which SCPs and RCPs do not touch
    #[arg(long, value_name = "ID")]
    pub management: Option<String>,
    /// The organization of the accounts whose logs are read, for aws:PrincipalOrgID and aws:ResourceOrgID
    #[arg(long, value_name = "o-ID")]
    pub org: Option<String>,
    /// How many policies of the type the target has already [default: the one of AWS that allows everything]
    #[arg(long, value_name = "N")]
    pub attached: Option<usize>,
    /// With --declarative: a snapshot that `scan --save` wrote, for the resources that it touches
    #[arg(long, value_name = "FILE", requires = "declarative")]
    pub snapshot: Option<PathBuf>,
    /// Take the sample estate's logs
    #[arg(long, conflicts_with_all = ["sources", "lake"])]
    pub demo: bool,
    /// Read this lake: a folder, or s3://bucket/prefix [default: YAGURA_LAKE, else yagura-lake here]
    #[arg(long, value_name = "DIR|s3://…", conflicts_with = "sources")]
    pub lake: Option<String>,
    /// Only records from this time on: 2024-01-02, 2024-01-02T03:00:00Z, or 90d for the last 90 days
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only records before this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// End with exit code 1 when a call would be denied
    #[arg(long)]
    pub fail: bool,
    /// The most lines of the table; json and jsonl have all
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub top: usize,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: Form,
    /// Threads that decode [default: as many as the machine has cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub store: StoreArgs,
}

/// `--format`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For a person
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One JSON object a line: who, what, how often
    Jsonl,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "ガードレールをアタッチする前に、記録済みの呼び出しのうちどれが拒否されるかを示す",
    arguments: &[
        (
            "sources",
            "ファイル、フォルダー、パターン、s3://バケット/プレフィックス、または -（標準入力） [デフォルト: レイクがあればそれ]",
        ),
        ("scp", "サービスコントロールポリシー (SCP)。複数指定すると、まとめてアタッチしたものとして扱う"),
        ("rcp", "リソースコントロールポリシー (RCP)。複数指定すると、まとめてアタッチしたものとして扱う"),
        ("policy", "--principal の現在のポリシーに代わるアイデンティティベースのポリシー（複数可）"),
        ("declarative", "Amazon EC2 の宣言型ポリシー"),
        ("against", "比較対象。一方だけが拒否する呼び出しを示す"),
        ("principal", "このユーザーまたはロールの呼び出しだけ（ARN または名前）"),
        ("boundary", "ポリシーをアクセス許可の境界として扱う"),
        ("alone", "SCP を FullAWSAccess の代わりにアタッチする。許可されていないものは拒否される"),
        ("account", "ガードレールの対象となるアカウント [デフォルト: ログにあるすべてのアカウント]"),
        ("management", "組織の管理アカウント。SCP と RCP は適用されない"),
        ("org", "ログのアカウントが属する組織の ID（aws:PrincipalOrgID と aws:ResourceOrgID に使う）"),
        (
            "attached",
            "アタッチ先にすでにある同じタイプのポリシーの数 [デフォルト: すべてを許可する AWS のポリシー 1 個]",
        ),
        ("snapshot", "--declarative の影響を受けるリソースを調べるスナップショット（`scan --save` で保存したもの）"),
        ("demo", "サンプル環境のログを使う"),
        (
            "lake",
            "このレイクを読む（フォルダーまたは s3://バケット/プレフィックス） [デフォルト: YAGURA_LAKE、なければここの yagura-lake]",
        ),
        ("since", "この時刻以降のレコードだけ: 2024-01-02、2024-01-02T03:00:00Z、または直近 90 日なら 90d"),
        ("until", "この時刻より前のレコードだけ"),
        ("fail", "拒否される呼び出しがあれば終了コード 1 で終わる"),
        ("top", "表の最大行数（json と jsonl はすべて出力する）"),
        ("format", "出力形式"),
        ("threads", "デコードに使うスレッド数 [デフォルト: コア数]"),
    ],
    examples: "例:
  yagura rehearse --demo --scp deny-regions.json                サンプル環境の呼び出しへの影響
  yagura rehearse --scp deny-regions.json --since 90d           レイクの直近 90 日
  yagura rehearse --rcp perimeter.json --org o-a1b2c3d4e5 AWSLogs/
  yagura rehearse --scp new.json --against old.json AWSLogs/    一方だけが拒否する呼び出し
  yagura rehearse --policy app.json --principal app AWSLogs/    ロールのポリシーを置き換えた場合
  yagura rehearse --policy b.json --boundary --principal app AWSLogs/
  yagura rehearse --declarative ec2.json --snapshot today.ysnap AWSLogs/

SCP は FullAWSAccess と並べてアタッチするものとして評価する（--alone では FullAWSAccess の代わり）。SCP は管理アカウント
（--management で指定）、サービスにリンクされたロール、AWS のサービスには適用されない。RCP は対応するサービスだけに適用される。
ポリシーは単独で評価し、ほかのポリシーの許可や拒否は考慮しない。レコードからわからないことがあれば、理由を添えて「不明」とする。
証跡が記録していない呼び出しは対象にならない。AWS がすでに拒否した呼び出しは別に数える。
終了コード: 0 完了、1 --fail 指定時に拒否される呼び出しあり、2 引数の誤りまたは AWS が受け付けないポリシー、3 何も読み取れない",
};

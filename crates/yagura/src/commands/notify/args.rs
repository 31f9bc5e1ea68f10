//! The arguments of `notify`, and their Japanese help.

use crate::commands::findings::open::StoreAt;
use crate::commands::frameworks::TextOrJson;
use crate::commands::help_ja::HelpJa;
use clap::{Args, Subcommand};
use smol_str::SmolStr;
use std::path::PathBuf;

/// `notify …`
#[derive(Debug, Subcommand)]
pub enum NotifyCommand {
    /// Read a routes file, and tell what each of its routes would take
    Check(CheckArgs),
    /// Send a test message to channels
    Test(TestArgs),
    /// Tell what the store has recorded since the last time
    Send(SendArgs),
    /// Send again what was put aside
    Retry(RetryArgs),
    /// List what was put aside, and why
    Dead(DeadArgs),
}

/// With which credentials AWS is called.
#[derive(Debug, Args, Default)]
pub struct AccountArgs {
    /// A profile of ~/.aws/config
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The Region of channels and secrets that name none [default: the configured one]
    #[arg(long, value_name = "REGION")]
    pub region: Option<SmolStr>,
    /// One endpoint for every service
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
}

/// `notify check`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura notify check routes.yaml                     is it right, and how many open findings would each route take
  yagura notify check routes.yaml --store team.db --format json

A routes file:
  channels:
    security: {kind: slack, url: {env: SLACK_WEBHOOK}}
    on-call:  {kind: pagerduty, routing_key: {secretsmanager: yagura/pagerduty, key: routing_key}}
  routes:
    - {name: urgent, to: [on-call], severity: critical}
    - name: s3
      pattern: {detail-type: [Yagura Finding], detail: {rule: [{prefix: s3.}]}}
      to: [security]
      when: digest
      every: 1d
      group_by: [account]
      lang: ja

Kinds of channels: slack, teams, email, webhook, pagerduty, jira, sns, eventbridge, security_hub, s3. Secrets are references and never
written in the file: {env: NAME}, {secretsmanager: NAME, key: KEY}, {ssm: NAME}. docs/notify.md tells every setting.
Exit codes: 0 it is right, 2 it is not.")]
pub struct CheckArgs {
    /// The routes file
    #[arg(value_name = "FILE")]
    pub routes: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub at: StoreAt,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: TextOrJson,
}

/// `notify test`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura notify test routes.yaml
  yagura notify test routes.yaml --channel security --lang ja

Exit codes: 0 every channel took the message, 1 one did not, 2 bad usage, 3 no AWS credentials where a channel needs them.")]
pub struct TestArgs {
    /// The routes file
    #[arg(value_name = "FILE")]
    pub routes: PathBuf,
    /// Only to these channels [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub channel: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub aws: AccountArgs,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: TextOrJson,
}

/// `notify send`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura scan --store && yagura notify send --routes routes.yaml
  yagura scan --store --notify routes.yaml            the same in one
  yagura notify send --routes routes.yaml --since 7d  also what was recorded in the last week
  yagura notify send --routes routes.yaml --wait 0    try once; what fails waits for the next time
  yagura notify send --routes routes.yaml --from-now  begin without telling what is open already

What is told is known by its identity: nothing is told twice to a channel, also with --since. The first time begins with the last
recorded scan. Digests are sent when their time has come, by the next send after it.
Exit codes: 0 done, 1 a channel did not take a message (it is kept), 2 bad usage, 3 nothing was recorded so far, or no credentials.")]
pub struct SendArgs {
    /// The routes file
    #[arg(long, value_name = "FILE")]
    pub routes: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub at: StoreAt,
    /// Also what was recorded since this time: 2027-03-31, 2027-03-31T06:00:00Z, or 7d for the last 7 days
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Tell nothing of what is recorded so far, only what comes later
    #[arg(long, conflicts_with = "since")]
    pub from_now: bool,
    /// How many seconds to wait for channels that fail for the moment
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub wait: u64,
    /// Where it is kept what is still to be told [default: ~/.local/state/yagura]
    #[arg(long, value_name = "DIR", env = "YAGURA_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub aws: AccountArgs,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: TextOrJson,
}

/// `notify retry`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura notify dead
  yagura notify retry --routes routes.yaml --channel security

Exit codes: 0 done, 1 a channel did not take a message (it is kept), 2 bad usage, 3 no AWS credentials where a channel needs them.")]
pub struct RetryArgs {
    /// The routes file
    #[arg(long, value_name = "FILE")]
    pub routes: PathBuf,
    /// Only those of this channel
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// How many seconds to wait for channels that fail for the moment
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub wait: u64,
    /// Where it is kept what is still to be told [default: ~/.local/state/yagura]
    #[arg(long, value_name = "DIR", env = "YAGURA_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub aws: AccountArgs,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: TextOrJson,
}

/// `notify dead`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura notify dead
  yagura notify dead --format json                    with the changes themselves, as events

A message is put aside when its channel refused it for good, or failed as often as `attempts` in the routes file says (10). The same
stands in notify-dead.jsonl in the state folder.")]
pub struct DeadArgs {
    /// Where it is kept what is still to be told [default: ~/.local/state/yagura]
    #[arg(long, value_name = "DIR", env = "YAGURA_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: TextOrJson,
}

/// The Japanese help of `--notify` of `scan` and `detect`.
pub const ROUTES_JA: &str =
    "新しいものを、このルートファイルに従って通知する（`yagura notify check --help` に書き方がある）";

const FILE: (&str, &str) = ("routes", "ルートファイル");
const STATE: (&str, &str) = ("state", "通知待ちのものを保存する場所 [デフォルト: ~/.local/state/yagura]");
const FORMAT: (&str, &str) = ("format", "出力形式");
const STORE: (&str, &str) = crate::commands::findings::open::STORE_JA;
const PROFILE: (&str, &str) = ("profile", "~/.aws/config のプロファイル");
const REGION: (&str, &str) =
    ("region", "リージョンの指定がないチャネルとシークレットのリージョン [デフォルト: 設定されているリージョン]");
const ENDPOINT: (&str, &str) = ("endpoint_url", "全サービスで使うエンドポイント");
const WAIT: (&str, &str) = ("wait", "一時的に失敗したチャネルを待つ秒数");

const CHECK_JA: HelpJa = HelpJa {
    about: "ルートファイルを検査し、各ルートが何を受け取るかを示す",
    arguments: &[FILE, STORE, FORMAT],
    examples: "例:
  yagura notify check routes.yaml                     書き方の検査と、各ルートが受け取る未解決の検出結果の件数
  yagura notify check routes.yaml --store team.db --format json

ルートファイル:
  channels:
    security: {kind: slack, url: {env: SLACK_WEBHOOK}}
    on-call:  {kind: pagerduty, routing_key: {secretsmanager: yagura/pagerduty, key: routing_key}}
  routes:
    - {name: urgent, to: [on-call], severity: critical}
    - name: s3
      pattern: {detail-type: [Yagura Finding], detail: {rule: [{prefix: s3.}]}}
      to: [security]
      when: digest
      every: 1d
      group_by: [account]
      lang: ja

チャネルの種類: slack、teams、email、webhook、pagerduty、jira、sns、eventbridge、security_hub、s3。シークレットはファイルに書かず、
{env: 変数名}、{secretsmanager: 名前, key: キー}、{ssm: 名前} で参照する。すべての設定は docs/notify.ja.md にある。
終了コード: 0 正しい、2 誤りがある",
};

const TEST_JA: HelpJa = HelpJa {
    about: "チャネルにテストメッセージを送る",
    arguments: &[FILE, ("channel", "このチャネルだけ [デフォルト: すべて]"), PROFILE, REGION, ENDPOINT, FORMAT],
    examples: "例:
  yagura notify test routes.yaml
  yagura notify test routes.yaml --channel security --lang ja

終了コード: 0 すべてのチャネルが受け取った、1 受け取らないチャネルがある、2 引数の誤り、3 チャネルに必要な AWS の認証情報がない",
};

const SEND_JA: HelpJa = HelpJa {
    about: "前回以降にストアへ記録されたものを通知する",
    arguments: &[
        FILE,
        STORE,
        ("since", "この時刻以降に記録されたものも対象にする: 2027-03-31、2027-03-31T06:00:00Z、または直近 7 日なら 7d"),
        ("from_now", "これまでに記録されたものは通知せず、今後のものだけを通知する"),
        WAIT,
        STATE,
        PROFILE,
        REGION,
        ENDPOINT,
        FORMAT,
    ],
    examples: "例:
  yagura scan --store && yagura notify send --routes routes.yaml
  yagura scan --store --notify routes.yaml            上と同じことを 1 度に行う
  yagura notify send --routes routes.yaml --since 7d  直近 1 週間に記録されたものも対象にする
  yagura notify send --routes routes.yaml --wait 0    1 度だけ試す。失敗したものは次回に送る
  yagura notify send --routes routes.yaml --from-now  すでに未解決のものは通知せずに始める

通知は識別子で管理し、--since を指定しても、同じチャネルに同じものを 2 度通知しない。初回は最後に記録されたスキャンから始める。
ダイジェストは、予定の時刻を過ぎた後の最初の send で送る。
終了コード: 0 完了、1 受け取らないチャネルがある（メッセージは保存される）、2 引数の誤り、3 まだ何も記録されていない、または認証情報がない",
};

const RETRY_JA: HelpJa = HelpJa {
    about: "保留したものを再送する",
    arguments: &[FILE, ("channel", "このチャネルのものだけ"), WAIT, STATE, PROFILE, REGION, ENDPOINT, FORMAT],
    examples: "例:
  yagura notify dead
  yagura notify retry --routes routes.yaml --channel security

終了コード: 0 完了、1 受け取らないチャネルがある（メッセージは保存される）、2 引数の誤り、3 チャネルに必要な AWS の認証情報がない",
};

const DEAD_JA: HelpJa = HelpJa {
    about: "保留したものとその理由を一覧する",
    arguments: &[STATE, FORMAT],
    examples: "例:
  yagura notify dead
  yagura notify dead --format json                    変更の内容をイベントとして含める

チャネルが受け取りを拒否したもの、またはルートファイルの attempts（デフォルト 10）の回数だけ失敗したものを保留する。
同じ内容が状態フォルダーの notify-dead.jsonl にもある。",
};

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    Some(match name {
        "check" => &CHECK_JA,
        "test" => &TEST_JA,
        "send" => &SEND_JA,
        "retry" => &RETRY_JA,
        "dead" => &DEAD_JA,
        _ => return None,
    })
}

//! The arguments of `fix`, `undo` and `contain`, and their Japanese help.

use super::export::Form;
use crate::cli::{AwsArgs, SeverityArg};
use crate::commands::frameworks::TextOrJson;
use crate::commands::help_ja::HelpJa;
use clap::Args;
use smol_str::SmolStr;
use std::path::PathBuf;

/// Arguments of `fix`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura fix --demo                                   what the sample estate would need
  yagura fix --framework aws-26 --profile prod        preview: the calls, the state before, how each is undone
  yagura fix --rule s3.bucket_blocks_public_access    one check
  yagura fix arn:aws:s3:::my-bucket                   one resource
  yagura fix --rule s3.bucket_blocks_public_access --apply 3f7a...
                                                      carry the preview with this hash out
  yagura fix --framework aws-26 --lake yagura-lake    and who used these resources in the last 90 days
  yagura fix --framework aws-26 --export cli --output fix.sh
                                                      a shell script, and fix-undo.sh; also ssm, cloudformation, terraform
  yagura undo                                         the runs so far; yagura undo RUN takes one back

Without --apply nothing is changed. A run stops at the first surprise and never deletes data.
Exit codes: 0 done, 1 a plan failed, 2 wrong hash, more plans than --max or bad usage, 3 nothing could be read.")]
pub struct FixArgs {
    /// Only these findings: ARNs or ids of resources, or checks
    #[arg(value_name = "FINDING")]
    pub findings: Vec<String>,
    /// Only these checks
    #[arg(long, visible_alias = "check", value_name = "ID", value_delimiter = ',')]
    pub rule: Vec<SmolStr>,
    /// Only checks that answer this framework (aws-26, fsbp, ...)
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub framework: Vec<SmolStr>,
    /// Only these services (s3, ec2, ...)
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    pub service: Vec<SmolStr>,
    /// Only checks of at least this severity
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub severity: Option<SeverityArg>,
    /// Carry out the preview that printed this hash
    #[arg(long, value_name = "HASH", conflicts_with_all = ["demo", "snapshot"])]
    pub apply: Option<String>,
    /// Tell who used each resource, and what would stop, by this lake: a folder, or s3://bucket/prefix
    #[arg(long, value_name = "DIR|s3://…", env = "YAGURA_LAKE", hide_env_values = true)]
    pub lake: Option<String>,
    /// With --lake: only records from this time on: 2026-01-02, 2026-01-02T03:00:00Z, or 90d for the last 90 days
    #[arg(long, value_name = "TIME", default_value = "90d")]
    pub since: String,
    /// Write the plans as files that somebody else carries out, with their undo
    #[arg(long, value_name = "FORM", value_enum, requires = "output", conflicts_with = "apply")]
    pub export: Option<Form>,
    /// With --export: the file, which must not be there yet; others are made beside it
    #[arg(long, value_name = "FILE", requires = "export")]
    pub output: Option<PathBuf>,
    /// The most plans that may be carried out at once
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub max: usize,
    /// Preview the built-in sample estate: no account, no network
    #[arg(long, conflicts_with_all = ["snapshot", "AwsArgs"])]
    pub demo: bool,
    /// Preview a snapshot that `scan --save` wrote
    #[arg(long, value_name = "FILE", conflicts_with = "AwsArgs")]
    pub snapshot: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub aws: AwsArgs,
    /// Where the journals of runs are kept [default: ~/.local/state/yagura]
    #[arg(long, value_name = "DIR", env = "YAGURA_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: TextOrJson,
    /// No progress display
    #[arg(long, short)]
    pub quiet: bool,
}

/// Arguments of `undo`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura undo                                         the runs so far
  yagura undo 20260401T031500-3f7a21 --profile prod   take one back, last step first

Exit codes: 0 done, 1 something could not be taken back, 2 bad usage, 3 nothing could be read.")]
pub struct UndoArgs {
    /// The run to take back [default: list the runs]
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Take back also what changed since the run
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub aws: AwsArgs,
    /// Where the journals of runs are kept [default: ~/.local/state/yagura]
    #[arg(long, value_name = "DIR", env = "YAGURA_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: TextOrJson,
}

/// Arguments of `contain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura contain                                              what there is
  yagura contain ec2.quarantine_instance i-0abc12 --region ap-northeast-1
  yagura contain iam.block_user alice
  yagura contain iam.revoke_role_sessions deploy --apply 3f7a...
  yagura undo RUN                                             ends it

Exit codes: 0 done, 1 a call failed, 2 wrong hash or bad usage, 3 nothing could be read.")]
pub struct ContainArgs {
    /// What to do [default: list what there is]
    #[arg(value_name = "ACTION", requires = "resource")]
    pub action: Option<SmolStr>,
    /// The resource: its ARN, id or name
    #[arg(value_name = "RESOURCE")]
    pub resource: Option<String>,
    /// Carry out the preview that printed this hash
    #[arg(long, value_name = "HASH")]
    pub apply: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub aws: AwsArgs,
    /// Where the journals of runs are kept [default: ~/.local/state/yagura]
    #[arg(long, value_name = "DIR", env = "YAGURA_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: TextOrJson,
}

const CONTAIN_JA: HelpJa = HelpJa {
    about: "インシデントのリソースを封じ込める: インスタンスの隔離、ユーザーやロールの遮断、セッションの取り消し、バケットのロック",
    arguments: &[
        ("action", "実行する操作 [既定: 操作の一覧を表示]"),
        ("resource", "対象のリソース: ARN、ID、または名前"),
        ("apply", "このハッシュを表示したプレビューを実行する"),
        ("state", "実行記録の保存先 [既定: ~/.local/state/yagura]"),
        ("format", "出力形式"),
    ],
    examples: "例:
  yagura contain                                              操作の一覧
  yagura contain ec2.quarantine_instance i-0abc12 --region ap-northeast-1
  yagura contain iam.block_user alice
  yagura contain iam.revoke_role_sessions deploy --apply 3f7a...
  yagura undo RUN                                             解除する

終了コード: 0 完了、1 失敗した呼び出しあり、2 ハッシュ不一致または使い方の誤り、3 何も読み取れない",
};

const FIX_JA: HelpJa = HelpJa {
    about: "検出結果の修復をプレビューし、ハッシュを指定して実行する",
    arguments: &[
        ("findings", "対象の検出結果: リソースの ARN か ID、またはチェックの ID"),
        ("rule", "対象のチェック"),
        ("framework", "このフレームワークに対応するチェックだけ（aws-26、fsbp など）"),
        ("service", "このサービスだけ（s3、ec2 など）"),
        ("severity", "この重要度以上のチェックだけ"),
        ("apply", "このハッシュを表示したプレビューを実行する"),
        (
            "lake",
            "各リソースを誰が使い、何が止まるかを、このレイクから示す（フォルダーまたは s3://バケット/プレフィックス）",
        ),
        ("since", "--lake でこの時刻以降のレコードだけを見る: 2026-01-02、2026-01-02T03:00:00Z、または直近 90 日なら 90d"),
        ("export", "ほかの人が実行できるファイルとして、元に戻す手段とともに計画を書き出す"),
        ("output", "--export の出力先ファイル（既存のファイルは不可）。ほかのファイルは同じ場所に作る"),
        ("max", "一度に実行する計画の最大数"),
        ("demo", "組み込みのサンプル環境でプレビューする（アカウントもネットワークも不要）"),
        ("snapshot", "`scan --save` で保存したスナップショットでプレビューする"),
        ("state", "実行記録の保存先 [既定: ~/.local/state/yagura]"),
        ("format", "出力形式"),
        ("quiet", "進捗を表示しない"),
    ],
    examples: "例:
  yagura fix --demo                                   サンプル環境に必要な修復
  yagura fix --framework aws-26 --profile prod        プレビュー: API 呼び出し、変更前の状態、元に戻す方法
  yagura fix --rule s3.bucket_blocks_public_access    1 つのチェック
  yagura fix arn:aws:s3:::my-bucket                   1 つのリソース
  yagura fix --rule s3.bucket_blocks_public_access --apply 3f7a...
                                                      このハッシュのプレビューを実行する
  yagura fix --framework aws-26 --lake yagura-lake    直近 90 日にリソースを使った主体も示す
  yagura fix --framework aws-26 --export cli --output fix.sh
                                                      シェルスクリプトと fix-undo.sh を書き出す（ssm、cloudformation、terraform も可）
  yagura undo                                         これまでの実行。yagura undo RUN で元に戻す

--apply がなければ何も変更しない。想定外のことが起きた時点で停止し、データは決して削除しない。
終了コード: 0 完了、1 失敗した計画あり、2 ハッシュ不一致・--max 超過・使い方の誤り、3 何も読み取れない",
};

const UNDO_JA: HelpJa = HelpJa {
    about: "実行した修復を元に戻す",
    arguments: &[
        ("run", "元に戻す実行 [既定: 実行の一覧を表示]"),
        ("force", "実行後に変更されたものも元に戻す"),
        ("state", "実行記録の保存先 [既定: ~/.local/state/yagura]"),
        ("format", "出力形式"),
    ],
    examples: "例:
  yagura undo                                         これまでの実行
  yagura undo 20260401T031500-3f7a21 --profile prod   最後の手順から順に元に戻す

終了コード: 0 完了、1 元に戻せないものあり、2 使い方の誤り、3 何も読み取れない",
};

/// The Japanese help of `fix`, `undo` and `contain`.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    match name {
        "fix" => Some(&FIX_JA),
        "undo" => Some(&UNDO_JA),
        "contain" => Some(&CONTAIN_JA),
        _ => None,
    }
}

//! `yagura custodian`: Cloud Custodian policies as they are.

mod output;
mod run;
mod schema;
mod source;

use super::help_ja::HelpJa;
use crate::cli::{AwsArgs, Cli, EstateArgs};
use crate::failure::Failure;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use yagura_model::Lang;

/// `custodian …`
#[derive(Debug, Subcommand)]
pub enum CustodianCommand {
    /// Run policies: which resources they choose, and what their actions would do; --apply carries plans out
    Run(Box<RunArgs>),
    /// Say what is wrong with policies, with line and right spelling
    Validate(ValidateArgs),
    /// Print resources, their filters and actions, and the keys of each
    Schema(SchemaArgs),
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
#[allow(missing_docs, reason = "a text per value would make every help page long")]
pub enum Form {
    #[default]
    Text,
    Json,
}

/// `custodian run`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura custodian run -p policies.yml -s out
  yagura custodian run -p policies/ -s out --region us-east-1,ap-northeast-1 --format json
  yagura custodian run -p policies.yml -s out --snapshot today.ysnap
  yagura custodian run -p policies.yml -s out --demo
  yagura custodian run -p policies.yml --plan         the actions as plans; --apply HASH carries them out

Writes DIR/<policy>/resources.json, metadata.json and custodian-run.log, with several Regions DIR/<REGION>/<policy>/…, as Cloud
Custodian does, and unknown.json with the resources that a policy may choose but for data that could not be read. No action is
carried out but by --apply. `value_from` reads local files only.")]
pub struct RunArgs {
    /// Policy files, or folders of them
    #[arg(short, long = "policies", value_name = "FILE", num_args = 1.., required = true)]
    pub policies: Vec<PathBuf>,
    /// Where the results go
    #[arg(short = 's', long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
    /// Accepted as in Cloud Custodian: actions are not carried out without --apply anyway
    #[arg(short, long)]
    pub dryrun: bool,
    /// Make plans of the actions: calls with their undo, and a hash to carry them out by
    #[arg(long)]
    pub plan: bool,
    /// Carry out the plans whose preview printed this hash; `yagura undo` takes them back
    #[arg(long, value_name = "HASH", conflicts_with_all = ["demo", "snapshot", "dryrun"])]
    pub apply: Option<String>,
    /// The most plans that may be carried out at once
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub max: usize,
    /// Where the journals of runs are kept [default: ~/.local/state/yagura]
    #[arg(long, value_name = "DIR", env = "YAGURA_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,
    /// The event (JSON) that policies with an `event` filter are run for
    #[arg(long, value_name = "FILE")]
    pub event: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub estate: EstateArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub aws: AwsArgs,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: Form,
    /// No progress display
    #[arg(long, short)]
    pub quiet: bool,
}

/// `custodian validate`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura custodian validate policies.yml
  yagura custodian validate policies/ --format json

Exit codes: 0 all are valid, 2 something is wrong.")]
pub struct ValidateArgs {
    /// Policy files, or folders of them
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: Form,
}

/// `custodian schema`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura custodian schema
  yagura custodian schema s3
  yagura custodian schema aws.s3.filters.check-public-block
  yagura custodian schema --coverage
  yagura custodian schema --coverage metrics --format json")]
pub struct SchemaArgs {
    /// RESOURCE, RESOURCE.filters, RESOURCE.actions, or one of these with a name [default: all resources]
    #[arg(value_name = "WHAT")]
    pub what: Option<String>,
    /// Print which filters are evaluated here, on how many resources, and why not on others; WHAT is then a filter
    #[arg(long)]
    pub coverage: bool,
    /// How to write the coverage
    #[arg(long, value_enum, default_value_t, requires = "coverage")]
    pub format: Form,
}

const RUN_JA: HelpJa = HelpJa {
    about: "ポリシーを実行し、選ばれるリソースとアクションの計画を示す（実行は --apply だけ）",
    arguments: &[
        ("policies", "ポリシーのファイル、またはフォルダー"),
        ("output_dir", "結果の出力先"),
        ("dryrun", "Cloud Custodian と同じ指定を受け付ける。アクションは --apply なしでは実行しない"),
        ("plan", "アクションを計画にする: API 呼び出し、元に戻す方法、実行用のハッシュ"),
        ("apply", "このハッシュを表示した計画を実行する。`yagura undo` で元に戻せる"),
        ("max", "一度に実行する計画の最大数"),
        ("state", "実行記録の保存先 [既定: ~/.local/state/yagura]"),
        ("event", "`event` フィルターを持つポリシーに渡すイベント（JSON）"),
        ("demo", "組み込みのサンプル環境を使う（アカウントもネットワークも不要）"),
        ("snapshot", "--save で保存したスナップショットを使う（認証情報は不要）"),
        ("format", "出力形式"),
    ],
    examples: "例:
  yagura custodian run -p policies.yml -s out
  yagura custodian run -p policies/ -s out --region us-east-1,ap-northeast-1 --format json
  yagura custodian run -p policies.yml -s out --snapshot today.ysnap
  yagura custodian run -p policies.yml -s out --demo
  yagura custodian run -p policies.yml --plan         アクションを計画にする。--apply HASH で実行する

Cloud Custodian と同じく DIR/<ポリシー>/resources.json、metadata.json、custodian-run.log を書く。リージョンが複数なら
DIR/<リージョン>/<ポリシー>/…。データを読み取れず、選ばれるかどうか分からないリソースは unknown.json に書く。
アクションを実行するのは --apply だけ。`value_from` が読むのはローカルファイルだけ。",
};

const VALIDATE_JA: HelpJa = HelpJa {
    about: "ポリシーの誤りを、行と正しい綴りとともに示す",
    arguments: &[("files", "ポリシーのファイル、またはフォルダー"), ("format", "出力形式")],
    examples: "例:
  yagura custodian validate policies.yml
  yagura custodian validate policies/ --format json

終了コード: 0 すべて有効、2 誤りあり",
};

const SCHEMA_JA: HelpJa = HelpJa {
    about: "リソース、そのフィルターとアクション、それぞれのキーを表示する",
    arguments: &[
        ("what", "RESOURCE、RESOURCE.filters、RESOURCE.actions、またはその後に名前 [デフォルト: すべてのリソース]"),
        ("coverage", "評価するフィルター、対象リソースの数、評価しない理由を表示する。WHAT はフィルター名"),
        ("format", "--coverage の出力形式"),
    ],
    examples: "例:
  yagura custodian schema
  yagura custodian schema s3
  yagura custodian schema aws.s3.filters.check-public-block
  yagura custodian schema --coverage
  yagura custodian schema --coverage metrics --format json",
};

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    match name {
        "run" => Some(&RUN_JA),
        "validate" => Some(&VALIDATE_JA),
        "schema" => Some(&SCHEMA_JA),
        _ => None,
    }
}

/// Runs the subcommand.
pub fn run(cli: &Cli, command: &CustodianCommand, lang: Lang) -> Result<u8, Failure> {
    match command {
        CustodianCommand::Run(args) => run::run(cli, args, lang),
        CustodianCommand::Validate(args) => schema::validate(cli, args, lang),
        CustodianCommand::Schema(args) => schema::schema(cli, args, lang),
    }
}

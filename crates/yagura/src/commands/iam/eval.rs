//! `yagura iam eval`: requests with all their policies, one JSON object a line.

use super::{HelpJa, batch, catalogue};
use crate::failure::Failure;
use clap::Args;
use std::path::PathBuf;
use yagura_model::Lang;
use yagura_policy::case::Case;

/// Arguments of `iam eval`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam eval --batch cases.jsonl
  yagura iam eval --batch < cases.jsonl

A line (in a file on one line; every policy may also be a JSON text):
  {\"id\": 1, \"request\": {\"principal\": \"arn:aws:iam::111122223333:user/alice\",
   \"action\": \"s3:GetObject\", \"resource\": \"arn:aws:s3:::logs/a\",
   \"resource_account\": \"111122223333\", \"context\": {\"aws:SourceIp\": \"203.0.113.9\"}},
   \"identity_policies\": [{\"Version\": \"2012-10-17\", \"Statement\": []}]}
The principal may also be {\"anonymous\": true}, {\"service\": NAME} or {\"federated\": PROVIDER}.
Other layers: permissions_boundaries, session_policies, service_control_policies and
resource_control_policies (a list of levels, each a list of policies), resource_policy,
vpc_endpoint_policies, kms_grants, s3. \"mode\": \"possible\" takes keys that are not given as open,
but for those of \"known_context\".
The answer: {\"id\", \"decision\", \"blocked_by\", \"because\"}, or {\"id\", \"error\"} for a line that cannot be answered.
Exit codes: 0 every line has its answer or error, 2 bad usage, 3 the file could not be read.")]
pub struct EvalArgs {
    /// The file [default: standard input]
    #[arg(value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Read JSON Lines and answer each on one line
    #[arg(long, required = true)]
    pub batch: bool,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "ポリシーをすべて添えたリクエストを評価する",
    arguments: &[("batch", "JSON Lines を読み、1 行ずつ答える"), ("input", "ファイル [デフォルト: 標準入力]")],
    examples: "例:
  yagura iam eval --batch cases.jsonl
  yagura iam eval --batch < cases.jsonl

各行の形（実際には 1 行に書く。ポリシーは JSON の文字列でもよい）:
  {\"id\": 1, \"request\": {\"principal\": \"arn:aws:iam::111122223333:user/alice\",
   \"action\": \"s3:GetObject\", \"resource\": \"arn:aws:s3:::logs/a\",
   \"resource_account\": \"111122223333\", \"context\": {\"aws:SourceIp\": \"203.0.113.9\"}},
   \"identity_policies\": [{\"Version\": \"2012-10-17\", \"Statement\": []}]}
プリンシパルは {\"anonymous\": true}、{\"service\": 名前}、{\"federated\": プロバイダー} でもよい。
ほかの階層: permissions_boundaries、session_policies、service_control_policies と resource_control_policies
（階層ごとのポリシーのリスト）、resource_policy、vpc_endpoint_policies、kms_grants、s3。
\"mode\": \"possible\" は、\"known_context\" 以外の指定のない条件キーを不明として扱う。
回答: {\"id\", \"decision\", \"blocked_by\", \"because\"}。答えられない行は {\"id\", \"error\"}
終了コード: 0 全行に回答またはエラーを返した、2 引数の誤り、3 ファイルを読み込めない",
};

/// Answers every line.
pub fn run(args: &EvalArgs, _lang: Lang) -> Result<u8, Failure> {
    let catalogue = catalogue()?;
    batch::run(args.input.as_deref(), |node| Ok(Case::from_node(node)?.answer(&catalogue)?.to_json()))
}

//! `yagura net eval`: flows through a network, one JSON object a line.

use super::HelpJa;
use super::source::Source;
use crate::cli::Cli;
use crate::commands::batch;
use crate::failure::Failure;
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;
use yagura_model::Lang;
use yagura_network::Network;
use yagura_network::question::case::Case;

/// Arguments of `net eval`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura net eval --snapshot describe-outputs/ --batch flows.jsonl
  yagura net eval --snapshot today.ysnap --batch - < flows.jsonl

A line:
  {\"id\": 1, \"src\": {\"node\": \"i-0123456789abcdef0\"}, \"dst\": {\"ip\": \"10.0.2.15\"}, \"protocol\": \"tcp\", \"dst_port\": 443}
src and dst: a node (instance, network interface, subnet, VPC, gateway, load balancer, a name, or internet), an ip, or both.
No protocol, or any: some packet. No port: some port. icmp_type and icmp_code may stand for ICMP.
The answer:
  {\"id\", \"reachable\": yes|no|unknown, \"forward\" and \"return\": {\"passes\", \"hops\"}, \"blocked_by\"}
and, where there is something to say:
  \"allowed\": which of the packets arrive, with their replies; \"notes\": what was taken for granted
  \"changes\": they open the way for \"example\" if \"opens\" is true; \"missing\": calls not read
reachable is yes only where the request arrives and its answer comes back; a no lists every blocker;
an unknown names the calls that were not read. {\"id\", \"error\"} for a line that cannot be answered.
Exit codes: 0 every line has its answer or error, 2 bad usage, 3 a file could not be read.")]
pub struct EvalArgs {
    /// The file of flows; - is standard input
    #[arg(long, value_name = "FILE")]
    pub batch: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub source: Source,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "通信フローを 1 行に 1 つの JSON で受け取り、到達できるかを答える",
    arguments: &[
        ("batch", "フローのファイル。- は標準入力"),
    ],
    examples: "例:
  yagura net eval --snapshot describe-outputs/ --batch flows.jsonl
  yagura net eval --snapshot today.ysnap --batch - < flows.jsonl

各行の形:
  {\"id\": 1, \"src\": {\"node\": \"i-0123456789abcdef0\"}, \"dst\": {\"ip\": \"10.0.2.15\"}, \"protocol\": \"tcp\", \"dst_port\": 443}
src と dst には node（インスタンス、ネットワークインターフェイス、サブネット、VPC、ゲートウェイ、ロードバランサー、名前、internet）か
ip、またはその両方を書く。protocol がない、または any ならいずれかのパケット、ポートがなければいずれかのポートを調べる。
ICMP には icmp_type と icmp_code も書ける。
回答: {\"id\", \"reachable\": yes|no|unknown, \"forward\" と \"return\": {\"passes\", \"hops\"}, \"blocked_by\"}
必要に応じて \"allowed\"（届くパケットと応答の有無）、\"changes\"（\"opens\" が true なら \"example\" の通信を開通させる変更）、
\"missing\"（読み取れなかった呼び出し）、\"notes\"（前提としたこと）も返す。
reachable はリクエストが届き、応答が戻るときだけ yes。no には阻むものをすべて示す。
unknown には読み取れなかった呼び出しを示す。答えられない行は {\"id\", \"error\"}
終了コード: 0 全行に回答またはエラーを返した、2 引数の誤り、3 ファイルを読み込めない",
};

/// Answers every line.
pub fn run(cli: &Cli, args: &EvalArgs, lang: Lang) -> Result<u8, Failure> {
    let network = Network::new(args.source.estate(cli, lang)?);
    batch::run(Some(&args.batch), |line| line.map_or_else(|e| refused(&Value::Null, &e), |line| reply(&network, line)))
}

fn reply(network: &Network, line: &str) -> Value {
    let answered = Case::parse(line).and_then(|case| network.answer(&case));
    match answered {
        Ok(answer) => serde_json::to_value(answer).unwrap_or_default(),
        Err(error) => {
            let id = serde_json::from_str::<Value>(line).ok().and_then(|v| v.get("id").cloned()).unwrap_or_default();
            refused(&id, &error.to_string())
        }
    }
}

fn refused(id: &Value, error: &str) -> Value {
    json!({"id": id, "error": error})
}

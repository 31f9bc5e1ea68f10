//! `yagura net exposed`: everything that the internet can reach.

use super::source::Source;
use super::{Form, HelpJa, words};
use crate::cli::Cli;
use crate::failure::{Failure, exit};
use clap::Args;
use std::fmt::Write as _;
use std::io::Write;
use yagura_model::{IpRange, Lang};
use yagura_network::Network;
use yagura_network::question::Reachable;
use yagura_network::question::exposed::Exposure;
use yagura_network::question::place::holds_public;
use yagura_network::walk::Hop;

/// Arguments of `net exposed`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura net exposed --demo
  yagura net exposed --profile prod --all-regions --format json
  yagura net exposed --snapshot today.ysnap --from 203.0.113.0/24

What is listed answers: the request arrives and its answer comes back. A load balancer's targets stand beneath it.
Exit codes: 0 done (also where nothing is exposed), 2 bad usage, 3 something is unknown, or nothing could be read.")]
pub struct ExposedArgs {
    /// Only what these addresses can reach [default: every address of the internet]
    #[arg(long, value_name = "CIDR", value_parser = range)]
    pub from: Option<IpRange>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub source: Source,
    /// The form of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
}

fn range(text: &str) -> Result<IpRange, String> {
    let range = IpRange::parse(text).ok_or_else(|| format!("`{text}` is not an IP address or CIDR block"))?;
    match holds_public(&range) {
        true => Ok(range),
        false => Err(format!("`{text}` holds no address of the internet: `net path {text} TO` asks what it reaches")),
    }
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "インターネットから到達できるものを、ポート、経路、途中の防御とともに一覧する",
    arguments: &[("from", "この CIDR から到達できるものだけ [デフォルト: インターネット全体]"), ("format", "出力形式")],
    examples: "例:
  yagura net exposed --demo
  yagura net exposed --profile prod --all-regions --format json
  yagura net exposed --snapshot today.ysnap --from 203.0.113.0/24

リクエストが届き、応答が戻るものだけを示す。ロードバランサーの下にはそのターゲットを示す。
終了コード: 0 完了（公開されているものがない場合も）、2 引数の誤り、3 不明なものがある、または何も読み取れなかった",
};

/// Lists.
pub fn run(cli: &Cli, args: &ExposedArgs, lang: Lang) -> Result<u8, Failure> {
    let network = Network::new(args.source.estate(cli, lang)?);
    let exposed = network.exposed(args.from.as_ref());
    let wholly = words::wholly_read(&network, &["DescribeNetworkInterfaces"]);
    let mut out = std::io::stdout().lock();
    match args.format {
        Form::Json => {
            serde_json::to_writer_pretty(&mut out, &exposed).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
        }
        Form::Text => out.write_all(text(&exposed, wholly.is_ok(), lang).as_bytes())?,
    }
    out.flush()?;
    wholly?;
    let unknown = exposed.iter().any(|one| one.reachable == Reachable::Unknown);
    Ok(if unknown { exit::BLIND } else { exit::DONE })
}

fn text(exposed: &[Exposure], wholly: bool, lang: Lang) -> String {
    let mut out = String::new();
    for one in exposed {
        let _ = writeln!(out, "{}  {}", one.ip, who(one));
        if one.reachable == Reachable::Unknown {
            let _ =
                writeln!(out, "  {}: {}", lang.pick("unknown, not read", "不明（未読み取り）"), one.missing.join(", "));
        }
        for opening in &one.open {
            let what = words::allowed(&opening.grant.allowed, lang);
            let _ = match lang {
                Lang::En => writeln!(out, "  open: {what} from {}", opening.from),
                Lang::Ja => writeln!(out, "  公開: {} から {what}", opening.from),
            };
        }
        if !one.behind.is_empty() {
            let _ = writeln!(out, "  {}: {}", lang.pick("passed on to", "転送先"), one.behind.join(", "));
        }
        let ids = |hops: &[Hop]| hops.iter().map(|h| h.id.as_str()).collect::<Vec<_>>().join(", ");
        for (what, hops) in [(lang.pick("by", "経路"), &one.way), (lang.pick("guarded by", "防御"), &one.guards)] {
            if !hops.is_empty() {
                let _ = writeln!(out, "  {what}: {}", ids(hops));
            }
        }
        out.push('\n');
    }
    let unknown = exposed.iter().filter(|one| one.reachable == Reachable::Unknown).count();
    let count = exposed.len() - unknown;
    let addresses = |count| if count == 1 { "address" } else { "addresses" };
    let _ = match (lang, count) {
        (_, 0) if unknown > 0 => Ok(()),
        (Lang::En, 0) if wholly => writeln!(out, "Nothing can be reached."),
        (Lang::Ja, 0) if wholly => writeln!(out, "到達できるものはない。"),
        (Lang::En, 0) => writeln!(out, "Nothing that was read can be reached."),
        (Lang::Ja, 0) => writeln!(out, "読み取れた範囲に、到達できるものはない。"),
        (Lang::En, _) => writeln!(out, "{count} {} can be reached.", addresses(count)),
        (Lang::Ja, _) => writeln!(out, "到達できるアドレスは {count} 個ある。"),
    };
    if unknown > 0 {
        let _ = match lang {
            Lang::En => writeln!(out, "{unknown} {} may be: what decides was not read.", addresses(unknown)),
            Lang::Ja => writeln!(out, "未読み取りのため到達できるかどうか分からないアドレスは {unknown} 個ある。"),
        };
    }
    out
}

fn who(one: &Exposure) -> String {
    match &one.owner {
        Some(owner) => {
            let id = owner.id.rsplit_once(":loadbalancer/").map_or(owner.id.as_str(), |(_, id)| id);
            let name = owner.name.as_ref().map(|n| format!("{n} ")).unwrap_or_default();
            format!("{name}({}, {id}, {})", owner.kind, one.interface)
        }
        None => one.interface.to_string(),
    }
}

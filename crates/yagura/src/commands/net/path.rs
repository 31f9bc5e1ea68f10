//! `yagura net path`: whether one thing reaches another, hop by hop, and every reason why not.

use super::{HelpJa, source::Source, words};
use crate::cli::Cli;
use crate::failure::{Failure, exit};
use clap::{Args, ValueEnum};
use std::io::Write;
use yagura_model::Lang;
use yagura_network::estate::Protocol;
use yagura_network::packet::PacketSet;
use yagura_network::question::case::{CaseAnswer, asked, from_client};
use yagura_network::question::{Reachable, Trial};
use yagura_network::view::{Drawing, to_dot, to_svg};
use yagura_network::words::parse_protocol;
use yagura_network::{Network, question::place::PlaceError};

/// The two ends and the packets of a question.
#[derive(Debug, Args)]
pub struct Question {
    /// Where packets start: an instance, network interface, subnet, load balancer, gateway, function, database, name, IP address or internet
    pub from: String,
    /// Where they go: the same, or a CIDR block or service
    pub to: String,
    /// tcp, udp, icmp, a protocol number or any
    #[arg(long, default_value = "any")]
    pub protocol: String,
    /// The destination port
    #[arg(long)]
    pub port: Option<u16>,
    /// The source port [default: some port from 1024 to 65535, as clients have]
    #[arg(long)]
    pub from_port: Option<u16>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub source: Source,
}

/// The Japanese help of [`Question`].
pub const QUESTION_JA: [(&str, &str); 5] = [
    (
        "from",
        "送信元: インスタンス、ネットワークインターフェイス、サブネット、ロードバランサー、ゲートウェイ、関数、データベース、名前、IP アドレス、internet",
    ),
    ("to", "宛先: 送信元と同じもの、CIDR ブロック、サービス"),
    ("protocol", "tcp、udp、icmp、プロトコル番号、any"),
    ("port", "宛先ポート"),
    ("from_port", "送信元ポート [デフォルト: クライアントが使う 1024～65535 のいずれか]"),
];

/// Arguments of `net path`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura net path --demo internet bastion --protocol tcp --port 22
  yagura net path --demo web-a shop-db --protocol tcp --port 5432
  yagura net path i-0123456789abcdef0 internet --profile prod
  yagura net path web-a 10.1.0.15 --snapshot today.ysnap --format svg > path.svg

Exit codes: 0 reachable, 1 not reachable, 2 bad usage, 3 unknown or nothing could be read.")]
pub struct PathArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub question: Question,
    /// The form of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: PathForm,
}

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "a text per value would make every help page long")]
pub enum PathForm {
    Text,
    Json,
    Dot,
    Svg,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "2 点間の到達可能性を経路とともに示し、到達できない理由をすべて挙げる",
    arguments: &[("format", "出力形式")],
    examples: "例:
  yagura net path --demo internet bastion --protocol tcp --port 22
  yagura net path --demo web-a shop-db --protocol tcp --port 5432
  yagura net path i-0123456789abcdef0 internet --profile prod
  yagura net path web-a 10.1.0.15 --snapshot today.ysnap --format svg > path.svg

終了コード: 0 到達可能、1 到達不可能、2 引数の誤り、3 不明、または何も読み取れなかった",
};

/// Answers.
pub fn run(cli: &Cli, args: &PathArgs, lang: Lang) -> Result<u8, Failure> {
    let network = Network::new(args.question.source.estate(cli, lang)?);
    let answer = args.question.answer(&network)?;
    let title = args.question.title();
    let mut out = std::io::stdout().lock();
    match args.format {
        PathForm::Text => out.write_all(words::tell(&network, &title, &answer, lang).as_bytes())?,
        PathForm::Json => {
            serde_json::to_writer_pretty(&mut out, &answer).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
        }
        PathForm::Dot | PathForm::Svg => {
            let drawing = Drawing::of(&title, &answer, lang, &|hop| network.label(hop));
            let text = if args.format == PathForm::Dot { to_dot(&drawing, lang) } else { to_svg(&drawing, lang) };
            out.write_all(text.as_bytes())?;
        }
    }
    Ok(code(&answer))
}

/// The exit code of an answer.
pub fn code(answer: &CaseAnswer) -> u8 {
    match answer.reachable {
        Reachable::Yes => exit::DONE,
        Reachable::No => exit::FINDINGS,
        Reachable::Unknown => exit::BLIND,
    }
}

impl Question {
    /// The question in a line.
    pub fn title(&self) -> String {
        let port = self.port.map(|p| format!(" {p}")).unwrap_or_default();
        let from = self.from_port.map(|p| format!(":{p}")).unwrap_or_default();
        match (self.protocol.as_str(), port.as_str()) {
            ("any", "") => format!("{}{from} → {}", self.from, self.to),
            (protocol, port) => format!("{}{from} → {}, {protocol}{port}", self.from, self.to),
        }
    }

    /// The packets that are asked about.
    pub fn packets(&self) -> Result<PacketSet, Failure> {
        let protocol: Protocol = parse_protocol(&self.protocol).ok_or_else(|| {
            Failure::usage(
                format!("`{}` is not a protocol", self.protocol),
                format!("`{}` はプロトコルではない", self.protocol),
            )
            .hint("give tcp, udp, icmp, a number or any", "tcp、udp、icmp、番号、any のいずれかを指定すること")
        })?;
        Ok(from_client(&asked(protocol, self.from_port, self.port, None, None), self.from_port))
    }

    /// The packets to try between its ends.
    pub fn trials(&self, network: &Network) -> Result<Vec<Trial>, Failure> {
        let from = network.place(&self.from).map_err(|e| refused(network, &e))?;
        let to = network.place(&self.to).map_err(|e| refused(network, &e))?;
        network.trials(&from, None, &to, None).map_err(|e| refused(network, &e))
    }

    /// Answers it.
    pub fn answer(&self, network: &Network) -> Result<CaseAnswer, Failure> {
        Ok(network.decide(self.title().into(), &self.trials(network)?, &self.packets()?))
    }
}

/// What is wrong with an end.
pub fn refused(network: &Network, error: &PlaceError) -> Failure {
    let there: Vec<&str> = network.names().collect();
    match error {
        PlaceError::Unknown(name) => Failure::unknown(
            ("resource, address or name in the network", "ネットワーク内のリソース、アドレス、名前"),
            name,
            there,
        ),
        PlaceError::Ambiguous { name, count, ids } => Failure::usage(
            error.to_string(),
            format!("`{name}` という名前のものが {count} 個ある。{ids} のいずれかを指定すること"),
        ),
        PlaceError::NoOrigin(name) => Failure::usage(error.to_string(), format!("`{name}` は送信元にできない")),
    }
}

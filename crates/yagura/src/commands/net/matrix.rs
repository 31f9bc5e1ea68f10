//! `yagura net matrix`: what each may send to each.

use super::HelpJa;
use super::source::Source;
use super::words;
use crate::cli::Cli;
use crate::failure::{Failure, exit};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::io::{BufWriter, Write};
use yagura_model::Lang;
use yagura_network::Network;
use yagura_network::question::matrix::{Between, Grant, MatrixEnd};

/// Arguments of `net matrix`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura net matrix --snapshot today.ysnap
  yagura net matrix --snapshot describe-outputs/ --between subnets --format jsonl

A line of jsonl: {\"src\": {\"node\", \"ip\", \"subnet\"} or {\"cidr\"}, \"dst\": ..., \"allowed\": [{\"protocol\", \"src_ports\", \"dst_ports\", \"reply\"}]}
cidr is outside of every VPC. What no line allows is not allowed. reply tells whether the answer comes back.
An entry \"all\" counts for the protocols that no other entry of its line names; absent ports are all ports.
\"unread\" names calls whose usual answer the line takes for granted.
Exit codes: 0 done, 2 bad usage, 3 nothing could be read.")]
pub struct MatrixArgs {
    /// Network interfaces, or subnets by their network ACLs and routes only
    #[arg(long, value_enum, default_value = "enis")]
    pub between: BetweenArg,
    /// The form of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: MatrixForm,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub source: Source,
}

/// What the matrix is between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "a text per value would make every help page long")]
pub enum BetweenArg {
    Enis,
    Subnets,
}

impl From<BetweenArg> for Between {
    fn from(arg: BetweenArg) -> Self {
        match arg {
            BetweenArg::Enis => Self::Interfaces,
            BetweenArg::Subnets => Self::Subnets,
        }
    }
}

/// The form of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "a text per value would make every help page long")]
pub enum MatrixForm {
    Text,
    Jsonl,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "すべての組み合わせについて、許可されるプロトコルとポート、応答が戻るかを一覧する",
    arguments: &[
        ("between", "ネットワークインターフェイス間、またはサブネット間（ネットワーク ACL とルートのみ）"),
        ("format", "出力形式"),
    ],
    examples: "例:
  yagura net matrix --snapshot today.ysnap
  yagura net matrix --snapshot describe-outputs/ --between subnets --format jsonl

jsonl の 1 行: {\"src\": {\"node\", \"ip\", \"subnet\"} または {\"cidr\"}, \"dst\": ..., \"allowed\": [{\"protocol\", \"src_ports\", \"dst_ports\", \"reply\"}]}
cidr は VPC の外を指す。どの行にもないものは許可されていない。reply は応答が戻るかどうか。
\"all\" は同じ行のほかの項目にないプロトコルを指す。ポートがなければすべてのポート。
\"unread\" は読み取れず、通常の値とみなした呼び出し。
終了コード: 0 完了、2 引数の誤り、3 何も読み取れなかった",
};

#[derive(Serialize)]
struct Line<'a> {
    src: &'a MatrixEnd,
    dst: &'a MatrixEnd,
    #[serde(flatten)]
    grant: &'a Grant,
}

/// Writes every line.
pub fn run(cli: &Cli, args: &MatrixArgs, lang: Lang) -> Result<u8, Failure> {
    let network = Network::new(args.source.estate(cli, lang)?);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    network.matrix(args.between.into(), threads, |src, dst, grant| -> std::io::Result<()> {
        match args.format {
            MatrixForm::Jsonl => {
                serde_json::to_writer(&mut out, &Line { src, dst, grant })?;
                out.write_all(b"\n")
            }
            MatrixForm::Text => {
                let unread = match grant.unread.is_empty() {
                    true => String::new(),
                    false => format!(" ({}: {})", lang.pick("not read", "未読み取り"), words::list(&grant.unread)),
                };
                writeln!(out, "{} → {}: {}{unread}", name(src), name(dst), words::allowed(&grant.allowed, lang))
            }
        }
    })?;
    out.flush()?;
    // The lines stand, and name what they took for granted: only what is not there at all is to be said.
    if let Err(failure) = words::wholly_read(&network, words::OF_EVERY_PAIR) {
        eprintln!("{}", failure.render(lang));
    }
    Ok(exit::DONE)
}

/// An end in a word or two.
pub fn name(end: &MatrixEnd) -> String {
    match end {
        MatrixEnd::Inside { node, ip, .. } => format!("{node} ({ip})"),
        MatrixEnd::Outside { cidr } => cidr.clone(),
    }
}

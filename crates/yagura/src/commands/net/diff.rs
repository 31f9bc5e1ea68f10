//! `yagura net diff`: what became reachable between two snapshots.

use super::matrix::{BetweenArg, MatrixForm, name};
use super::{HelpJa, source, words};
use crate::failure::{Failure, exit};
use clap::Args;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use yagura_model::Lang;
use yagura_network::Network;

/// Arguments of `net diff`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura net diff monday.ysnap today.ysnap
  yagura net diff old/ new/ --between subnets --format jsonl

Only what is answered counts: the request arrives and its answer comes back. Pairs with the internet are in it.
Exit codes: 0 nothing became reachable, 1 something did, 2 bad usage, 3 a snapshot could not be read, or not wholly.")]
pub struct DiffArgs {
    /// The older snapshot, or folder of what `aws ec2 describe-…` printed as JSON
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The newer one
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Network interfaces, or subnets by their network ACLs and routes only
    #[arg(long, value_enum, default_value = "enis")]
    pub between: BetweenArg,
    /// The form of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: MatrixForm,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "2 つのスナップショットの間に、新たに到達できるようになったもの、できなくなったものを示す",
    arguments: &[
        ("old", "古いスナップショット、または aws ec2 describe-… の JSON 出力を置いたフォルダー"),
        ("new", "新しいスナップショットまたはフォルダー"),
        ("between", "ネットワークインターフェイス間、またはサブネット間（ネットワーク ACL とルートのみ）"),
        ("format", "出力形式"),
    ],
    examples: "例:
  yagura net diff monday.ysnap today.ysnap
  yagura net diff old/ new/ --between subnets --format jsonl

リクエストが届き、応答が戻る通信だけを比べる。インターネットとの間も含む。
終了コード: 0 新たに到達できるものはない、1 ある、2 引数の誤り、3 スナップショットの全部または一部を読み取れない",
};

/// Compares.
pub fn run(args: &DiffArgs, lang: Lang) -> Result<u8, Failure> {
    let old = Network::new(source::load_path(&args.old)?);
    let new = Network::new(source::load_path(&args.new)?);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let differences = new.differences(&old, args.between.into(), threads);
    let mut out = BufWriter::new(std::io::stdout().lock());
    for one in &differences {
        match args.format {
            MatrixForm::Jsonl => {
                serde_json::to_writer(&mut out, one).map_err(std::io::Error::from)?;
                out.write_all(b"\n")?;
            }
            MatrixForm::Text => {
                for (mark, what) in [('+', &one.opened), ('-', &one.closed)] {
                    if !what.is_empty() {
                        writeln!(
                            out,
                            "{mark} {} → {}: {}",
                            name(&one.src),
                            name(&one.dst),
                            words::allowed(what, lang)
                        )?;
                    }
                }
            }
        }
    }
    let opened = differences.iter().filter(|d| !d.opened.is_empty()).count();
    let closed = differences.iter().filter(|d| !d.closed.is_empty()).count();
    if args.format == MatrixForm::Text {
        match lang {
            Lang::En => writeln!(out, "{opened} pairs became reachable in more ways, {closed} in fewer.")?,
            Lang::Ja => writeln!(out, "到達できる範囲が広がった組は {opened}、狭まった組は {closed}。")?,
        }
    }
    out.flush()?;
    let wholly = [&old, &new].into_iter().try_for_each(|network| words::wholly_read(network, words::OF_EVERY_PAIR));
    match (opened, wholly) {
        (0, wholly) => wholly.map(|()| exit::DONE),
        (_, Err(mut failure)) => {
            failure.code = exit::FINDINGS;
            Err(failure)
        }
        (_, Ok(())) => Ok(exit::FINDINGS),
    }
}

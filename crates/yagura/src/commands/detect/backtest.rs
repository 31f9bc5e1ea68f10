//! `yagura detect backtest`: what switching on would bring.

use super::args::{ALLOW_JA, PLACES_JA, ReadArgs};
use super::run::{kept, nothing_since};
use super::words::{lost, off, say};
use crate::cli::Cli;
use crate::commands::Form;
use crate::commands::help_ja::HelpJa;
use crate::failure::{Failure, exit};
use clap::Args;
use std::io::Write;
use std::sync::atomic::AtomicUsize;
use yagura_detect::engine::{Engine, State};
use yagura_detect::run::{Batch, Waiting};
use yagura_detect::suppress::{Behaviour, behaviour};
use yagura_detect::tell::tell;
use yagura_model::Lang;

/// `detect backtest`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura detect backtest AWSLogs/ --since 30d
  yagura detect backtest --lake yagura-lake > exceptions.toml
  yagura detect AWSLogs/ --suppress exceptions.toml

The table goes to standard error, the proposed exceptions to standard output, ready for --suppress: read each before you keep it.")]
pub struct BacktestArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub read: ReadArgs,
    /// The form of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "自分の過去のログで各ルールが何回発火したかを示し、範囲を絞った例外を提案する",
    arguments: &[
        ("sources", "ファイル、フォルダー、パターン、s3://バケット/プレフィックス、または -（標準入力）"),
        ("demo", "サンプル環境のログを使う"),
        ("lake", "このレイクを読む（フォルダーまたは s3://バケット/プレフィックス）"),
        ("since", "この時刻以降の検出結果だけ（その前の 2 週間も学習のために読む）"),
        ("until", "この時刻より前のレコードだけ"),
        ("rules", "自分の Sigma ルールと EventBridge パターン"),
        ("intel", "脅威リストとその分類"),
        ("allow", ALLOW_JA),
        ("places", PLACES_JA),
        ("suppress", "すでにある例外"),
        ("threads", "デコードに使うスレッド数 [デフォルト: コア数]"),
        ("format", "結果の形式"),
    ],
    examples: "例:
  yagura detect backtest AWSLogs/ --since 30d
  yagura detect backtest --lake yagura-lake > exceptions.toml
  yagura detect AWSLogs/ --suppress exceptions.toml

表は標準エラー出力に、提案する例外は --suppress にそのまま使える形で標準出力に出る。残す前に一つずつ確認すること。",
};

/// Runs it.
pub fn run(cli: &Cli, args: &BacktestArgs, lang: Lang) -> Result<u8, Failure> {
    let mut ready = args.read.ready(cli, lang)?;
    let inputs = args.read.inputs(&mut ready, lang)?;
    let done = AtomicUsize::new(0);
    let pack = &ready.pack;
    let batch = Batch {
        inputs: &inputs,
        rules: &pack.rules,
        lists: ready.lists.clone(),
        span: ready.span,
        threads: ready.threads,
        done: &done,
    };
    let mut engine = Engine::new(&pack.rules, &pack.sequences, State::default());
    let counts = batch.run(&mut engine, &mut Waiting::default(), None, &|input| input.open(ready.runtime.handle()));
    if counts.records == 0 {
        return Err(Failure::blind("no record could be read", "読み取れたレコードがない"));
    }
    let days = engine.days();
    if let Some(last) = engine.state.latest().filter(|last| *last < ready.since) {
        return Err(nothing_since(last));
    }
    let mut found = tell(&engine.state, &pack.rules, &pack.sequences, lang);
    found.retain(|t| ready.tells(t));
    let (found, suppressed) = kept(found, &ready.exceptions, None);
    let until = jiff::Timestamp::now()
        .checked_add(jiff::SignedDuration::from_hours(24 * 90))
        .map(|t| t.strftime("%Y-%m-%d").to_string());
    let all = behaviour(&found, days, &until.unwrap_or_default(), lang);
    let mut out = std::io::stdout().lock();
    if args.format == Form::Json {
        serde_json::to_writer_pretty(&mut out, &all).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        text(&all, days, found.iter().filter(|t| !t.sequence.is_empty()).count(), lang, &mut out)?;
    }
    say(&counts, inputs.len(), suppressed, lang)?;
    lost(engine.forgotten(), lang)?;
    off(&ready, lang)?;
    Ok(exit::DONE)
}

fn text(all: &[Behaviour], days: f64, incidents: usize, lang: Lang, out: &mut impl Write) -> Result<(), Failure> {
    let mut err = std::io::stderr().lock();
    let head = match lang {
        Lang::En => format!("{:>8} {:>8} {:>8} {:>8}  rule", "a day", "at most", "in all", "actors"),
        Lang::Ja => format!("{:>6} {:>5} {:>6} {:>6}  ルール", "1 日", "最多", "合計", "主体"),
    };
    writeln!(err, "{head}")?;
    for b in all {
        writeln!(err, "{:>8.2} {:>8} {:>8} {:>8}  {}", b.per_day, b.most_on_a_day, b.findings, b.actors, b.rule)?;
    }
    let foot = match lang {
        Lang::En => format!("{days:.1} days, {incidents} incident{}", if incidents == 1 { "" } else { "s" }),
        Lang::Ja => format!("{days:.1} 日間、インシデント {incidents} 件"),
    };
    writeln!(err, "{foot}")?;
    let proposed = all.iter().map(|b| b.exceptions.len()).sum::<usize>();
    let said = match (lang, proposed) {
        (Lang::En, 0) => {
            "no exception is proposed: no one makes three findings or more that are a quarter of a rule's".to_owned()
        }
        (Lang::Ja, 0) => {
            "提案する例外はない（ルールの検出結果の 4 分の 1 以上、かつ 3 件以上を占める主体がいない）".to_owned()
        }
        (Lang::En, n) => {
            format!("{n} exception{} proposed: read each before you keep it", if n == 1 { "" } else { "s" })
        }
        (Lang::Ja, n) => format!("例外を {n} 件提案する。残す前に一つずつ確認すること"),
    };
    writeln!(err, "{said}")?;
    for e in all.iter().flat_map(|b| &b.exceptions) {
        writeln!(out, "[[suppress]]")?;
        let quoted = |t: &str| serde_json::to_string(t).unwrap_or_default();
        let rows = [
            ("rule", Some(&e.rule)),
            ("actor", e.actor.as_ref()),
            ("source_ip", e.source_ip.as_ref()),
            ("until", Some(&e.until)),
            ("reason", Some(&e.reason)),
        ];
        for (key, value) in rows {
            if let Some(value) = value {
                writeln!(out, "{key} = {}", quoted(value))?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

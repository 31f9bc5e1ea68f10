//! `yagura logs search`.

use super::lake::{LAKE_JA, LakeArgs, runtime};
use crate::commands::Form;
use crate::commands::help_ja::HelpJa;
use crate::commands::store::{Access, StoreArgs};
use crate::failure::{Failure, exit};
use clap::Args;
use std::io::Write;
use yagura_logs::search::{Hit, Search};
use yagura_logs::table::{table, tables};
use yagura_model::Lang;

/// `logs search`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura logs search AKIAIOSFODNN7EXAMPLE
  yagura logs search 198.51.100.77 --since 30d --tables vpc_flow_logs,cloudtrail_logs
  yagura logs search -i powershell --format json --limit 0")]
pub struct SearchArgs {
    /// The text; a number is found as a whole in columns of numbers
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// Take small and capital letters for the same
    #[arg(long, short)]
    pub ignore_case: bool,
    #[command(flatten)]
    pub lake: LakeArgs,
    /// Only these tables
    #[arg(long, value_name = "TABLE", value_delimiter = ',')]
    pub tables: Vec<String>,
    /// Only these accounts
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub accounts: Vec<String>,
    /// Only these Regions
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    pub regions: Vec<String>,
    /// Only records from this day on: 2024-01-02, or 30d for the last 30 days
    #[arg(long, value_name = "DAY")]
    pub since: Option<String>,
    /// Only records up to this day
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
    /// The most records shown; 0 for all
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
    /// The form of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
    #[command(flatten)]
    pub store: StoreArgs,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "レイクの全レコードから文字列を探す",
    arguments: &[
        ("text", "探す文字列。数値の列では値全体が一致するもの"),
        ("ignore_case", "大文字と小文字を区別しない"),
        LAKE_JA,
        ("tables", "このテーブルだけ"),
        ("accounts", "このアカウントだけ"),
        ("regions", "このリージョンだけ"),
        ("since", "この日以降のレコードだけ: 2024-01-02、または直近 30 日なら 30d"),
        ("until", "この日までのレコードだけ"),
        ("limit", "表示する最大レコード数。0 は全件"),
        ("format", "結果の形式"),
    ],
    examples: "例:
  yagura logs search AKIAIOSFODNN7EXAMPLE
  yagura logs search 198.51.100.77 --since 30d --tables vpc_flow_logs,cloudtrail_logs
  yagura logs search -i powershell --format json --limit 0",
};

/// Runs it.
pub fn run(args: &SearchArgs, lang: Lang) -> Result<u8, Failure> {
    let names = args.tables.iter().map(|name| match table(name) {
        Some(table) => Ok(table.name().to_owned()),
        None => Err(Failure::unknown(("table", "テーブル"), name, tables().iter().map(|t| t.name()))),
    });
    let day = |text: &Option<String>| text.as_deref().map(super::keep::day).transpose();
    let search = Search {
        text: args.text.clone(),
        ignore_case: args.ignore_case,
        tables: names.collect::<Result<_, _>>()?,
        accounts: args.accounts.clone(),
        regions: args.regions.clone(),
        since: day(&args.since)?,
        until: day(&args.until)?,
    };
    if search.text.is_empty() {
        return Err(Failure::usage("there is no text to look for", "探す文字列がない"));
    }
    let runtime = runtime()?;
    let lake = runtime.block_on(args.lake.open(&args.store, lang))?;
    let mut hits = 0usize;
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let mut written: std::io::Result<()> = Ok(());
    let found = runtime.block_on(search.run(&lake, &mut |hit| {
        hits += 1;
        if args.limit != 0 && hits > args.limit {
            return false;
        }
        written = write(&mut out, &hit, args.format);
        written.is_ok()
    }));
    written?;
    out.flush()?;
    found.map_err(|e| args.lake.failure(&e, Access::Get))?;
    if args.format == Form::Text {
        let more = args.limit != 0 && hits > args.limit;
        let text = match (hits, more, lang) {
            (0, _, _) => lang.pick("not found", "見つからなかった").to_owned(),
            (_, true, Lang::En) => format!("the first {} records; --limit 0 shows all", args.limit),
            (_, true, Lang::Ja) => format!("最初の {} 件。--limit 0 で全件を表示する", args.limit),
            (n, false, Lang::En) => format!("{n} records"),
            (n, false, Lang::Ja) => format!("{n} 件"),
        };
        writeln!(std::io::stderr(), "{text}")?;
    }
    Ok(exit::DONE)
}

fn write(out: &mut impl Write, hit: &Hit, form: Form) -> std::io::Result<()> {
    let time = hit.time.and_then(|t| jiff::Timestamp::from_millisecond(t).ok()).map(|t| t.to_string());
    if form == Form::Json {
        let json = serde_json::json!({"table": hit.table, "account": hit.account, "region": hit.region, "time": time, "columns": hit.columns});
        return writeln!(out, "{json}");
    }
    let time = time.unwrap_or_else(|| "-".to_owned());
    writeln!(out, "{time}  {}  {} {}", hit.table, hit.account, hit.region)?;
    for (column, value) in &hit.columns {
        const SHOWN: usize = 160;
        let mut value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if let Some((cut, _)) = value.char_indices().nth(SHOWN) {
            value.truncate(cut);
            value.push('…');
        }
        writeln!(out, "    {column}: {value}")?;
    }
    Ok(())
}

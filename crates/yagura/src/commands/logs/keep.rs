//! `yagura logs stats`, `compact`, `expire`.

use super::lake::{LAKE_JA, LakeArgs, runtime};
use crate::commands::Form;
use crate::commands::help_ja::HelpJa;
use crate::commands::store::{Access, StoreArgs};
use crate::failure::{Failure, exit};
use clap::Args;
use jiff::ToSpan;
use std::io::Write;
use yagura_logs::lake::LARGE;
use yagura_model::Lang;

/// `logs stats`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura logs stats
  yagura logs stats --lake s3://security-lake/yagura --format json")]
pub struct StatsArgs {
    #[command(flatten)]
    pub lake: LakeArgs,
    /// The form of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
    #[command(flatten)]
    pub store: StoreArgs,
}

/// The Japanese help.
pub const STATS_JA: HelpJa = HelpJa {
    about: "レイクの内容を示す",
    arguments: &[LAKE_JA, ("format", "結果の形式")],
    examples: "例:
  yagura logs stats
  yagura logs stats --lake s3://security-lake/yagura --format json",
};

/// `logs compact`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura logs compact
  yagura logs compact --lake s3://security-lake/yagura")]
pub struct CompactArgs {
    #[command(flatten)]
    pub lake: LakeArgs,
    /// The form of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
    #[command(flatten)]
    pub store: StoreArgs,
}

/// The Japanese help.
pub const COMPACT_JA: HelpJa = HelpJa {
    about: "レイクの小さなファイルをまとめる",
    arguments: &[LAKE_JA, ("format", "結果の形式")],
    examples: "例:
  yagura logs compact
  yagura logs compact --lake s3://security-lake/yagura",
};

/// `logs expire`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura logs expire --keep 2557d              say what would go
  yagura logs expire --keep 2557d --apply      take it away")]
pub struct ExpireArgs {
    #[command(flatten)]
    pub lake: LakeArgs,
    /// Keep the last so many days: 2557d is seven years
    #[arg(long, value_name = "DAYS", default_value = "2557d")]
    pub keep: String,
    /// Take it away; without this nothing is changed
    #[arg(long)]
    pub apply: bool,
    /// The form of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
    #[command(flatten)]
    pub store: StoreArgs,
}

/// The Japanese help.
pub const EXPIRE_JA: HelpJa = HelpJa {
    about: "保持期間を過ぎたレコードをレイクから除く",
    arguments: &[
        LAKE_JA,
        ("keep", "保持する日数（2557d は 7 年）"),
        ("apply", "実際に除く。指定しなければ何も変更しない"),
        ("format", "結果の形式"),
    ],
    examples: "例:
  yagura logs expire --keep 2557d              除かれるものを示す
  yagura logs expire --keep 2557d --apply      実際に除く",
};

/// Runs `logs stats`.
pub fn stats(args: &StatsArgs, lang: Lang) -> Result<u8, Failure> {
    let lake = runtime()?.block_on(args.lake.open(&args.store, lang))?;
    let stats = lake.stats();
    let mut out = std::io::stdout().lock();
    if args.format == Form::Json {
        let tables: Vec<_> = stats
            .iter()
            .map(|(name, t)| {
                serde_json::json!({
                    "table": name, "rows": t.rows, "files": t.files, "bytes": t.bytes, "raw_bytes": t.raw,
                    "accounts": t.accounts, "regions": t.regions,
                    "first_day": t.days.as_ref().map(|d| &d.0), "last_day": t.days.as_ref().map(|d| &d.1),
                    "first_time": t.times.and_then(|t| time(t.0)), "last_time": t.times.and_then(|t| time(t.1)),
                })
            })
            .collect();
        writeln!(out, "{}", serde_json::json!({"version": lake.version(), "tables": tables}))?;
        return Ok(exit::DONE);
    }
    if stats.is_empty() {
        writeln!(out, "{}", lang.pick("The lake is empty.", "レイクは空。"))?;
        return Ok(exit::DONE);
    }
    for (name, t) in &stats {
        let days = t.days.as_ref().map_or_else(|| "-".to_owned(), |(a, b)| format!("{a} – {b}"));
        let share = t.bytes as f64 / t.raw.max(1) as f64 * 100.0;
        let (accounts, regions) = (t.accounts.len(), t.regions.len());
        match lang {
            Lang::En => writeln!(
                out,
                "{name:28} {:>12} rows  {:>9} ({share:.1} %)  {} files  {accounts} accounts  {regions} Regions  {days}",
                t.rows,
                size(t.bytes),
                t.files
            )?,
            Lang::Ja => writeln!(
                out,
                "{name:28} {:>12} 行  {:>9}（{share:.1} %）  {} ファイル  {accounts} アカウント  {regions} リージョン  {days}",
                t.rows,
                size(t.bytes),
                t.files
            )?,
        }
    }
    Ok(exit::DONE)
}

/// Runs `logs compact`.
pub fn compact(args: &CompactArgs, lang: Lang) -> Result<u8, Failure> {
    args.lake.must_be_there()?;
    let runtime = runtime()?;
    let mut lake = runtime.block_on(args.lake.open_to_write(&args.store, lang))?;
    let done = runtime.block_on(lake.compact(LARGE, &mut |_| ())).map_err(|e| args.lake.failure(&e, Access::Put))?;
    let mut out = std::io::stdout().lock();
    match (args.format, lang) {
        (Form::Json, _) => {
            writeln!(out, "{}", serde_json::json!({"before": done.before, "after": done.after, "rows": done.rows}))?;
        }
        _ if done.before == 0 => {
            let nothing = (
                "nothing to merge: no day has two small files",
                "まとめるものはない（小さいファイルが 2 つ以上ある日がない）",
            );
            writeln!(out, "{}", lang.pick(nothing.0, nothing.1))?;
        }
        (_, Lang::En) => writeln!(out, "{} files became {}, with {} rows", done.before, done.after, done.rows)?,
        (_, Lang::Ja) => writeln!(out, "{} ファイルを {} にまとめた（{} 行）", done.before, done.after, done.rows)?,
    }
    Ok(exit::DONE)
}

/// Runs `logs expire`.
pub fn expire(args: &ExpireArgs, lang: Lang) -> Result<u8, Failure> {
    let before = day(&args.keep)?;
    args.lake.must_be_there()?;
    let runtime = runtime()?;
    let gone = runtime.block_on(async {
        let mut lake = args.lake.open_to_write(&args.store, lang).await?;
        lake.expire(&before, args.apply).await.map_err(|e| args.lake.failure(&e, Access::Delete))
    })?;
    let mut out = std::io::stdout().lock();
    let (rows, files, bytes) = (gone.rows, gone.files, size(gone.bytes));
    match (args.format, lang, args.apply) {
        (Form::Json, ..) => writeln!(
            out,
            "{}",
            serde_json::json!({"before": before, "applied": args.apply, "rows": rows, "files": files, "bytes": gone.bytes})
        )?,
        (_, Lang::En, true) => writeln!(out, "{rows} rows before {before} are gone ({files} files, {bytes})")?,
        (_, Lang::Ja, true) => writeln!(out, "{before} より前の {rows} 行を除いた（{files} ファイル、{bytes}）")?,
        (_, Lang::En, false) => {
            writeln!(out, "{rows} rows before {before} would go ({files} files, {bytes}); --apply takes them away")?;
        }
        (_, Lang::Ja, false) => {
            writeln!(out, "{before} より前の {rows} 行が対象（{files} ファイル、{bytes}）。--apply で実際に除く")?;
        }
    }
    Ok(exit::DONE)
}

/// A day: as it is written, or so many days before today (`30d`).
pub fn day(text: &str) -> Result<String, Failure> {
    let wrong = || {
        Failure::usage(format!("`{text}` is not a day"), format!("`{text}` は日付ではない"))
            .hint("write 2024-01-02, or 30d for 30 days ago", "2024-01-02、または 30 日前なら 30d と書く")
    };
    if let Some(days) = text.strip_suffix('d') {
        let days: i32 = days.parse().map_err(|_| wrong())?;
        let today = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC).date();
        return today.checked_sub(days.days()).map(|d| d.to_string()).map_err(|_| wrong());
    }
    text.parse::<jiff::civil::Date>().map(|d| d.to_string()).map_err(|_| wrong())
}

/// Bytes for a person.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 100.0);
    format!("{value:.digits$} {}", UNITS.get(unit).unwrap_or(&""))
}

fn time(ms: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(ms).ok().map(|t| t.to_string())
}

//! `yagura history`: what changed in a resource's configuration, when, and by whom.

use super::findings::open::{self, StoreAt};
use super::findings::words;
use super::help_ja::HelpJa;
use super::logs::lake::{LakeArgs, runtime};
use super::query::ask::ask;
use super::store::StoreArgs;
use crate::cli::{Cli, ListFormat};
use crate::failure::{Failure, exit};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::Write;
use std::path::Path;
use tokio::runtime::Runtime;
use yagura_findings::{AssetHistory, Change, Place, What};
use yagura_logs::lake::Lake;
use yagura_model::Lang;

/// The folder that is the lake where none is named.
const USUAL: &str = "yagura-lake";

/// Arguments of `history`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura history arn:aws:s3:::payments
  yagura history sg-0a1web --lake yagura-lake         and who called what, by CloudTrail in the lake
  yagura history i-0123456789abcdef0 --format json

Every scan that is recorded (yagura scan --store) keeps what changed since the one before. A change lies between two observations;
named are the calls of that time that name the resource and that AWS did not refuse.
Exit codes: 0 done, 2 bad usage, 3 nothing was recorded so far, or the store or the lake cannot be read.")]
pub struct HistoryArgs {
    /// The resource: its ARN, or its id
    #[arg(value_name = "ARN|ID")]
    pub resource: String,
    /// The lake with CloudTrail's records: a folder, or s3://bucket/prefix [default: yagura-lake, if there is one]
    #[arg(long, value_name = "DIR|s3://…", env = "YAGURA_LAKE", hide_env_values = true)]
    pub lake: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub at: StoreAt,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub s3: StoreArgs,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "リソースの構成について、何がいつ、誰によって変更されたかを示す",
    arguments: &[
        ("resource", "リソースの ARN または ID"),
        (
            "lake",
            "CloudTrail のレコードがあるレイク（フォルダーまたは s3://バケット/プレフィックス） [デフォルト: yagura-lake があればそれ]",
        ),
        open::STORE_JA,
        ("format", "出力形式"),
    ],
    examples: "例:
  yagura history arn:aws:s3:::payments
  yagura history sg-0a1web --lake yagura-lake         誰が何を呼び出したかも、レイクの CloudTrail から示す
  yagura history i-0123456789abcdef0 --format json

記録したスキャン（yagura scan --store）ごとに、前回からの変更を保存している。変更は 2 回の観測の間に起きたもの。
その間にリソースを名指しし、AWS に拒否されなかった呼び出しを示す。
終了コード: 0 完了、2 引数の誤り、3 まだ何も記録されていない、またはストアかレイクを読めない",
};

/// A call that may have made a change.
#[derive(Debug, Serialize)]
struct Call {
    time: String,
    call: String,
    who: Option<String>,
    source_ip: Option<String>,
    event: Option<String>,
}

/// Who made a change, as far as the lake tells.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum By {
    /// Calls of the time that name the resource.
    Calls(Vec<Call>),
    /// Why it cannot be told.
    Unknown(String),
}

#[derive(Debug, Serialize)]
struct Told<'h> {
    #[serde(flatten)]
    history: &'h AssetHistory,
    /// One for each of the changes.
    by: Vec<By>,
}

/// Runs it.
pub fn run(_: &Cli, args: &HistoryArgs, lang: Lang) -> Result<u8, Failure> {
    let (mut store, place) = args.at.kept()?;
    let found = store.history(&args.resource).map_err(|e| open::failure(&e, &place))?;
    if found.is_empty() {
        return Err(nobody(&mut store, &args.resource, &place)?);
    }
    let runtime = runtime()?;
    let lake = lake(args, &runtime, lang)?;
    let mut told = Vec::new();
    for history in &found {
        let by =
            history.changes.iter().map(|c| by(lake.as_ref(), history, c, &runtime, lang)).collect::<Result<_, _>>()?;
        told.push(Told { history, by });
    }
    match args.format {
        ListFormat::Table => told.iter().try_for_each(|t| write(t, lang))?,
        form => super::findings::machine(&told, form)?,
    }
    Ok(exit::DONE)
}

fn nobody(store: &mut yagura_findings::Store, name: &str, place: &Place) -> Result<Failure, Failure> {
    let names = store.asset_names().map_err(|e| open::failure(&e, place))?;
    let failure = Failure::unknown(("recorded resource", "記録済みのリソース"), name, names.iter().map(String::as_str));
    Ok(failure.hint_if_none(
        "give its ARN or id; resources are recorded by `yagura scan --store`",
        "ARN または ID を指定すること。リソースは `yagura scan --store` で記録される",
    ))
}

fn lake(args: &HistoryArgs, runtime: &Runtime, lang: Lang) -> Result<Option<Lake>, Failure> {
    let usual = || Path::new(USUAL).is_dir().then(|| USUAL.to_owned());
    let Some(place) = args.lake.clone().or_else(usual) else { return Ok(None) };
    runtime.block_on(LakeArgs { lake: place }.open(&args.s3, lang)).map(Some)
}

/// How long after the beginning of a scan it may still have read: calls of this time may be what it saw.
const SLACK: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);

fn by(lake: Option<&Lake>, h: &AssetHistory, change: &Change, runtime: &Runtime, lang: Lang) -> Result<By, Failure> {
    let unknown = |en: &str, ja: &str| Ok(By::Unknown(lang.pick(en, ja).to_owned()));
    let Some(lake) = lake else {
        return unknown("no lake was given (--lake)", "レイクが指定されていない (--lake)");
    };
    let end = change.at.checked_add(SLACK).unwrap_or(change.at);
    let (account, r) = (quoted(&h.resource.account), &h.resource);
    let second = |t: Timestamp| quoted(&t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let begin = change.after.map_or_else(String::new, |t| format!("AND eventtime >= {}", second(t)));
    let span = format!("eventtime <= {} {begin} AND recipientaccountid = {account}", second(end));
    let held = ask(lake, &format!("SELECT count(*) AS n FROM cloudtrail_logs WHERE {span}"), runtime)?;
    if held.first().and_then(|r| r.get("n")).and_then(Value::as_u64).unwrap_or(0) == 0 {
        return unknown(
            "the lake holds no CloudTrail record of this account and time",
            "この期間とアカウントの CloudTrail レコードがレイクにない",
        );
    }
    // Names stand in requests and answers as JSON texts of their own, and in ARNs after a slash or colon.
    let names: Vec<String> =
        [Some(&r.id), r.arn.as_ref()].into_iter().flatten().map(|n| quoted(&format!("\"{n}\""))).collect();
    let named = names.iter().flat_map(|n| {
        ["requestparameters", "responseelements"].map(|column| format!("strpos(coalesce({column}, ''), {n}) > 0"))
    });
    let named = named.collect::<Vec<_>>().join(" OR ");
    let first = if change.what == What::Created {
        "AND (eventname LIKE 'Create%' OR eventname LIKE 'Run%' OR eventname LIKE 'Allocate%' OR eventname LIKE 'Register%')"
    } else {
        ""
    };
    let sql = format!(
        "SELECT eventtime, eventsource, eventname, useridentity.arn AS arn, useridentity.invokedby AS service, \
         useridentity.type AS kind, sourceipaddress, eventid FROM cloudtrail_logs WHERE {span} \
         AND coalesce(readonly, 'false') <> 'true' AND coalesce(errorcode, '') = '' AND ({named}) {first} ORDER BY eventtime"
    );
    let calls: Vec<Call> = ask(lake, &sql, runtime)?.iter().map(call).collect();
    if calls.is_empty() {
        return unknown(
            "no record of the lake names the resource in a changing call of this time",
            "この期間にリソースを名指しする変更の呼び出しはレイクにない",
        );
    }
    Ok(By::Calls(calls))
}

fn call(row: &Map<String, Value>) -> Call {
    let text = |name: &str| row.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
    let service = text("eventsource").unwrap_or_default();
    let service = service.split('.').next().unwrap_or_default().to_owned();
    Call {
        time: text("eventtime").unwrap_or_default(),
        call: format!("{service}:{}", text("eventname").unwrap_or_default()),
        who: text("arn").or_else(|| text("service")).or_else(|| text("kind")),
        source_ip: text("sourceipaddress"),
        event: text("eventid"),
    }
}

/// A text in SQL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn write(told: &Told<'_>, lang: Lang) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let (h, r) = (told.history, &told.history.resource);
    let gone =
        h.gone.map(|t| format!(", {} {}", lang.pick("gone by", "消滅を確認:"), words::time(t))).unwrap_or_default();
    let seen = lang.pick("last seen", "最終観測");
    writeln!(out, "{}  {} {} {}  {seen} {}{gone}", r.name(), r.kind, r.account, r.region, words::time(h.last_seen))?;
    for (change, by) in h.changes.iter().zip(&told.by) {
        let when = match change.after.filter(|_| change.what != What::Created) {
            Some(after) => format!("{} – {}", words::time(after), words::time(change.at)),
            None => format!("≤ {}", words::time(change.at)),
        };
        let what = match change.what {
            What::Created => lang.pick("first observed", "初回の観測"),
            What::Changed => lang.pick("changed", "変更"),
            What::Gone => lang.pick("gone", "消滅"),
            What::Back => lang.pick("there again", "再出現"),
        };
        writeln!(out, "\n{when}  {what} ({} {})", lang.pick("run", "実行"), change.run)?;
        for d in &change.differences {
            writeln!(out, "    {}: {} → {}", d.path, d.before, d.after)?;
        }
        match by {
            By::Calls(calls) => {
                for c in calls {
                    let who = c.who.as_deref().unwrap_or("?");
                    let ip = c.source_ip.as_deref().map(|i| format!(" ({i})")).unwrap_or_default();
                    writeln!(out, "    {} {}  {who}{ip}  {}", lang.pick("by", "実行者"), c.time, c.call)?;
                }
            }
            By::Unknown(why) => writeln!(out, "    {}: {why}", lang.pick("by whom is unknown", "実行者は不明"))?,
        }
    }
    Ok(())
}

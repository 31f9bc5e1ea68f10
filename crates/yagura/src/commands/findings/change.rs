//! What people do with findings.

use super::args::{AssignArgs, MigrateArgs, SuppressArgs, UnsuppressArgs};
use super::list::{machine, today};
use super::{failed, one, open, words};
use crate::cli::{Cli, ListFormat};
use crate::content::Content;
use crate::failure::{Failure, exit};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use std::io::Write;
use yagura_findings::{Origin, Place, Store, Suppression};
use yagura_model::Lang;

/// Runs `findings suppress`.
pub fn suppress(cli: &Cli, args: &SuppressArgs, lang: Lang) -> Result<u8, Failure> {
    let until = last_day(&args.until)?;
    let place = args.at.place()?;
    let mut store = args.at.open()?;
    let (finding, rule) = what(cli, args, &mut store, &place)?;
    let wanted = Suppression {
        id: String::new(),
        finding,
        rule,
        arn: args.arn.clone(),
        tag: args.tag.clone(),
        account: args.account.clone(),
        until,
        owner: args.owner.clone(),
        reason: args.reason.clone(),
        made: None,
        origin: Origin::Store,
    };
    let wanted = wanted.checked().map_err(|e| Failure::usage(e.to_string(), words::suppression(&e)))?;
    let (kept, covered) = store.suppress(&wanted, Timestamp::now()).map_err(failed(&place))?;
    if args.format != ListFormat::Table {
        machine([serde_json::json!({"suppression": kept, "covers": covered})], ListFormat::Jsonl)?;
        return Ok(exit::DONE);
    }
    let what = words::covers(&kept);
    match lang {
        Lang::En => {
            writeln!(std::io::stdout(), "{}: {covered} findings are suppressed until {until} ({what})", kept.id)?
        }
        Lang::Ja => writeln!(std::io::stdout(), "{}: 検出結果 {covered} 件を {until} まで抑制する（{what}）", kept.id)?,
    }
    Ok(exit::DONE)
}

/// A finding's id, or a rule.
fn what(
    cli: &Cli,
    args: &SuppressArgs,
    store: &mut Store,
    place: &Place,
) -> Result<(Option<String>, Option<String>), Failure> {
    let Some(text) = args.what.as_deref() else { return Ok((None, None)) };
    let hex = text.len() >= 4 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if hex {
        return Ok((Some(one(store, place, text)?.id), None));
    }
    let content = Content::load(cli.content.as_deref())?;
    if !text.contains('*') && !content.checks.contains_key(text) {
        let names = content.checks.keys().map(smol_str::SmolStr::as_str);
        return Err(Failure::unknown(("check", "チェック"), text, names).or_list());
    }
    Ok((None, Some(text.to_owned())))
}

/// A day that is not over yet: a date, or days from today.
fn last_day(text: &str) -> Result<Date, Failure> {
    let day = match text.strip_suffix('d').and_then(|n| n.parse::<u32>().ok()) {
        Some(days) => today().checked_add(i64::from(days).days()).ok(),
        None => text.parse::<Date>().ok(),
    };
    let Some(day) = day else {
        return Err(Failure::usage(
            format!("`{text}` is not a day: 2027-03-31, or 90d"),
            format!("`{text}` は日付ではない: 2027-03-31 または 90d のように書く"),
        ));
    };
    if day < today() {
        return Err(Failure::usage(
            format!("{day} is over: a suppression ends on a day to come"),
            format!("{day} は過去の日付。抑制の期限には今日以降を指定すること"),
        ));
    }
    Ok(day)
}

/// Runs `findings unsuppress`.
pub fn unsuppress(args: &UnsuppressArgs, lang: Lang) -> Result<u8, Failure> {
    let (mut store, place) = args.at.kept()?;
    let done = store.unsuppress(&args.id, Timestamp::now()).map_err(failed(&place))?;
    let Some((gone, covered)) = done else {
        let all = store.suppressions().map_err(failed(&place))?;
        return Err(Failure::unknown(("suppression", "抑制"), &args.id, all.iter().map(|s| s.id.as_str()))
            .hint_if_none(
                "see `yagura findings suppressions`; those of yagura.toml are removed there",
                "`yagura findings suppressions` で一覧を確認すること。yagura.toml のものはファイルから削除する",
            ));
    };
    if args.format != ListFormat::Table {
        machine([serde_json::json!({"suppression": gone, "covers": covered})], ListFormat::Jsonl)?;
        return Ok(exit::DONE);
    }
    match lang {
        Lang::En => writeln!(std::io::stdout(), "{}: taken back; {covered} findings are told again", gone.id)?,
        Lang::Ja => writeln!(std::io::stdout(), "{}: 解除した。検出結果 {covered} 件が再び表示される", gone.id)?,
    }
    Ok(exit::DONE)
}

/// Runs `findings assign`.
pub fn assign(args: &AssignArgs, lang: Lang) -> Result<u8, Failure> {
    let (mut store, place) = args.at.kept()?;
    let f = one(&mut store, &place, &args.id)?;
    let who = args.who.as_deref().map(str::trim).filter(|_| !args.nobody);
    if who == Some("") {
        return Err(Failure::usage("the name is empty", "担当者の名前が空"));
    }
    store.assign(&f.id, who, Timestamp::now()).map_err(failed(&place))?;
    if args.format != ListFormat::Table {
        machine([serde_json::json!({"id": f.id, "assignee": who})], ListFormat::Jsonl)?;
        return Ok(exit::DONE);
    }
    let to = who.unwrap_or(lang.pick("nobody", "なし"));
    writeln!(std::io::stdout(), "{}  {} → {to}", words::short(&f), f.rule)?;
    Ok(exit::DONE)
}

/// Runs `findings migrate`.
pub fn migrate(args: &MigrateArgs, lang: Lang) -> Result<u8, Failure> {
    let newest = yagura_findings::SCHEMA_VERSION;
    if !(0..=newest).contains(&args.to) {
        return Err(Failure::usage(
            format!("this version of Yagura knows the schemas 0 to {newest}"),
            format!("このバージョンの Yagura が扱えるスキーマは 0 から {newest} まで"),
        ));
    }
    let place = args.at.place()?;
    let mut store = Store::connect(&place, args.to > 0).map_err(failed(&place))?;
    let from = store.version().map_err(failed(&place))?;
    store.migrate(args.to).map_err(|e| open::failure(&e, &place))?;
    let to = args.to;
    writeln!(std::io::stdout(), "{place}: {} {from} → {to}", lang.pick("schema", "スキーマ"))?;
    Ok(exit::DONE)
}

//! What a preview says of the use of resources.

use super::lake::Told;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::io::Write;
use yagura_model::Lang;
use yagura_respond::blast::{By, Use};

/// Whether a lake was asked.
pub enum Asked {
    /// The command asks none.
    NotOffered,
    /// It was not.
    Not,
    /// What it told.
    Told(Told),
}

impl Asked {
    /// What it told, where it was asked.
    pub fn told(&self) -> Option<&Told> {
        match self {
            Self::Told(told) => Some(told),
            Self::Not | Self::NotOffered => None,
        }
    }
}

/// How many actors and examples a person is shown.
const SHOWN: usize = 3;

/// A plan's use for a program.
pub fn json(found: &Use) -> Json {
    let rows = |map: &BTreeMap<String, u64>, name: &str| -> Vec<Json> {
        most(map).into_iter().map(|(what, n)| json!({name: what, "calls": n})).collect()
    };
    let stops = &found.stops;
    json!({
        "of_one": found.of_one, "calls": found.calls, "last": found.last.and_then(told_time),
        "actors": rows(&found.actors, "actor"), "operations": rows(&found.operations, "operation"),
        "stops": {
            "by": stops.by.name(), "surely": stops.surely, "perhaps": stops.perhaps,
            "examples": stops.examples.keys().take(10).collect::<Vec<_>>(),
        },
    })
}

/// What was asked, for a program.
pub fn lake_json(told: &Told) -> Json {
    json!({
        "since": told.since.map(|t| t.to_string()), "records": told.records, "flows": told.flows,
        "unread": told.lost, "unread_named": told.unread,
    })
}

/// A plan's use for a person.
///
/// # Errors
/// The output cannot be written.
pub fn write(out: &mut impl Write, found: &Use, flows: u64, lang: Lang) -> std::io::Result<()> {
    let last = found.last.and_then(told_time).unwrap_or_default();
    let (calls, actors) = (found.calls, found.actors.len());
    if !found.of_one {
        let said = lang.pick(
            "use: it is set for the whole account or Region, so no calls are its own",
            "利用状況: アカウントまたはリージョン全体の設定のため、固有の呼び出しはない",
        );
        writeln!(out, "   {said}")?;
    } else if calls == 0 {
        writeln!(out, "   {}", lang.pick("use: no call is recorded", "利用状況: 記録された呼び出しはない"))?;
    } else {
        let who = list(&found.actors);
        let which = list(&found.operations);
        match lang {
            Lang::En => writeln!(out, "   use: {calls} calls by {actors} actors, the last at {last}: {who}; {which}")?,
            Lang::Ja => writeln!(out, "   利用状況: 主体 {actors}、呼び出し {calls} 件、最終 {last}: {who}、{which}")?,
        }
    }
    let stops = &found.stops;
    let (surely, perhaps) = (stops.surely, stops.perhaps);
    let said = match (stops.by, lang) {
        (By::Nothing, _) => return Ok(()),
        (By::NotWorkedOut, Lang::En) => "would stop: not worked out for this change".to_owned(),
        (By::NotWorkedOut, Lang::Ja) => "止まるもの: この変更については判定しない".to_owned(),
        (By::NetworkUnread, Lang::En) => {
            "would stop: not known, the network interfaces behind the group were not read, or there are none".to_owned()
        }
        (By::NetworkUnread, Lang::Ja) => {
            "止まるもの: 不明（このグループのネットワークインターフェイスを読み取れないか、存在しない）".to_owned()
        }
        (By::Network, Lang::En) if flows == 0 => {
            "would stop: not known, the lake holds no accepted flow of this time".to_owned()
        }
        (By::Network, Lang::Ja) if flows == 0 => {
            "止まるもの: 不明（この期間の許可されたフローの記録がレイクにない）".to_owned()
        }
        (By::Policy, Lang::En) => {
            format!("would stop, by the policy engine: {surely} of these calls, perhaps {perhaps} more")
        }
        (By::Policy, Lang::Ja) => format!("ポリシーエンジンによると止まる呼び出し: {surely} 件、不明 {perhaps} 件"),
        (By::Outsiders, Lang::En) => {
            format!("would stop: {surely} calls without an AWS identity, perhaps {perhaps} of other accounts")
        }
        (By::Outsiders, Lang::Ja) => {
            format!(
                "止まるもの: AWS の ID を持たない呼び出し {surely} 件、不明（別アカウントからの呼び出し） {perhaps} 件"
            )
        }
        (By::Key, Lang::En) => format!("would stop: {surely} calls that were signed with the key"),
        (By::Key, Lang::Ja) => format!("止まるもの: このキーで署名された呼び出し {surely} 件"),
        (By::Network, Lang::En) => {
            format!("would stop, by the network engine: {surely} accepted flows, perhaps {perhaps} more")
        }
        (By::Network, Lang::Ja) => format!("ネットワークエンジンによると止まるフロー: {surely} 件、不明 {perhaps} 件"),
    };
    let examples = if stops.examples.is_empty() { String::new() } else { format!(": {}", list(&stops.examples)) };
    writeln!(out, "   {said}{examples}")
}

/// What was asked, for a person.
///
/// # Errors
/// The output cannot be written.
pub fn write_lake(out: &mut impl Write, asked: &Asked, lang: Lang) -> std::io::Result<()> {
    let told = match asked {
        Asked::NotOffered => return Ok(()),
        Asked::Told(told) => told,
        Asked::Not => {
            return writeln!(
                out,
                "{}",
                lang.pick(
                    "Who uses these resources was not asked: --lake DIR.",
                    "各リソースの利用状況は調べていない（--lake DIR で指定）。"
                )
            );
        }
    };
    let since = told.since.map(|t| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let (records, flows) = (told.records, told.flows);
    match lang {
        Lang::En => {
            let since = since.map_or_else(String::new, |t| format!(" since {t}"));
            writeln!(
                out,
                "Use is told by {records} CloudTrail records and {flows} accepted flows{since}. What a trail does not record, such as reads of objects without data events, is not there."
            )?;
        }
        Lang::Ja => {
            let since = since.map_or_else(String::new, |t| format!("{t} 以降の"));
            writeln!(
                out,
                "利用状況は{since} CloudTrail のレコード {records} 件と許可されたフロー {flows} 件による。証跡が記録しないもの（データイベントのないオブジェクトの読み取りなど）は含まれない。"
            )?;
        }
    }
    if told.lost > 0 {
        writeln!(out, "{}: {}", lang.pick("could not be read", "読み取れないもの"), told.lost)?;
        told.unread.iter().try_for_each(|line| writeln!(out, "   {line}"))?;
    }
    Ok(())
}

fn told_time(ms: i64) -> Option<String> {
    Timestamp::from_millisecond(ms).ok().map(|t| t.to_string())
}

/// Most calls first.
fn most(map: &BTreeMap<String, u64>) -> Vec<(&String, u64)> {
    let mut rows: Vec<(&String, u64)> = map.iter().map(|(k, n)| (k, *n)).collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    rows
}

/// The first few, and how many more there are.
fn list(map: &BTreeMap<String, u64>) -> String {
    let rows = most(map);
    let mut out: Vec<String> = rows.iter().take(SHOWN).map(|(what, n)| format!("{what} ({n})")).collect();
    if rows.len() > SHOWN {
        out.push(format!("+{}", rows.len() - SHOWN));
    }
    out.join(", ")
}

//! What to ask next: whole commands, each after a word of why.

use super::collect::Facet;
use super::dossier::Dossier;
use super::subject::Kind;
use crate::tell::iso;
use std::net::IpAddr;
use yagura_model::Lang;

/// Others that are offered for investigation.
const OTHERS: usize = 6;
/// A query looks an hour around.
const HOUR: i64 = 3_600_000;

pub(super) fn next(d: &Dossier, at: Option<i64>, lang: Lang) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut put = |en: &str, ja: &str, command: String| {
        if !all.iter().any(|(_, c)| *c == command) {
            all.push((lang.pick(en, ja).to_owned(), command));
        }
    };
    if let Some(sql) = at.and_then(|at| sql(d, at)) {
        put(
            "every record of it within the hour around",
            "前後 1 時間の全レコード",
            format!("yagura query {}", quoted(&sql)),
        );
    }
    if d.subject.kind == Kind::Key {
        let key = quoted(&format!("key={}", d.subject.text));
        put(
            "everything done with the key",
            "このキーによる全操作",
            format!("yagura query --run cloudtrail.key_activity --set {key}"),
        );
    }
    let mut ask = |en: &str, ja: &str, who: &str| {
        if who != d.subject.text && super::Subject::read(who).is_ok_and(|s| s.kind != Kind::Name) {
            put(en, ja, format!("yagura investigate {}", quoted(who)));
        }
    };
    for linked in &d.makers {
        ask("who stands behind it", "背後の主体", &linked.who);
    }
    for made in d.made.iter().rev().take(OTHERS) {
        ask("what it made", "作り出したもの", &made.what);
    }
    let values = |facet: Facet| d.facets.get(&facet).map(Vec::as_slice).unwrap_or_default();
    if d.subject.kind == Kind::Role {
        for v in values(Facet::Session).iter().take(OTHERS) {
            ask("one of its sessions", "このロールのセッション", &v.value);
        }
    }
    if d.subject.kind == Kind::Key {
        for v in values(Facet::Identity).iter().take(OTHERS) {
            ask("whose key it is", "このキーの所有者", &v.value);
        }
    }
    for n in d.neighbours.iter().take(OTHERS) {
        match d.subject.kind {
            Kind::Address => ask("who came from there", "このアドレスを使った主体", &n.identity),
            _ => ask("someone else at the same address", "同じアドレスの別の主体", &n.identity),
        }
    }
    let fresh = d.unusual.iter().flat_map(|u| &u.new).filter(|(f, _)| *f == Facet::Network).count() > 0;
    let addresses = values(Facet::Address).iter().filter(|v| v.value.parse::<IpAddr>().is_ok());
    for v in addresses.take(if fresh { OTHERS } else { 2 }) {
        ask("an address that it came from", "接続元のアドレス", &v.value);
    }
    if matches!(d.subject.kind, Kind::Name | Kind::Address) {
        for v in values(Facet::Instance).iter().take(OTHERS) {
            ask("an instance that is involved", "関係するインスタンス", &v.value);
        }
        for v in values(Facet::Address).iter().take(OTHERS) {
            ask("a host that is involved", "関係するホスト", &v.value);
        }
    }
    all
}

/// The statement that shows the records themselves.
fn sql(d: &Dossier, at: i64) -> Option<String> {
    let text = literal(d.subject.bucket().unwrap_or(&d.subject.text))?;
    let (from, to) = (at - HOUR, at + HOUR);
    let second = |ms: i64| iso(ms - ms.rem_euclid(1000));
    let trail = |condition: String| {
        format!(
            "SELECT eventtime, eventsource, eventname, awsregion, sourceipaddress, errorcode, requestparameters FROM cloudtrail_logs WHERE {condition} AND eventtime BETWEEN '{}' AND '{}' ORDER BY eventtime",
            second(from),
            second(to)
        )
    };
    let flows = |condition: String| {
        format!(
            "SELECT \"start\", srcaddr, dstaddr, srcport, dstport, protocol, bytes, action FROM vpc_flow_logs WHERE {condition} AND \"start\" BETWEEN {} AND {} ORDER BY \"start\"",
            from / 1000,
            to / 1000
        )
    };
    let names = |condition: String| {
        format!(
            "SELECT query_timestamp, srcaddr, query_name, query_type, rcode, answers FROM route53_resolver_logs WHERE {condition} AND query_timestamp BETWEEN '{}' AND '{}' ORDER BY query_timestamp",
            second(from),
            second(to)
        )
    };
    let logs = d.facets.get(&Facet::Log).map(Vec::as_slice).unwrap_or_default();
    let mostly = logs.first().map(|v| v.value.as_str()).unwrap_or("cloudtrail");
    Some(match (d.subject.kind, mostly) {
        (Kind::User | Kind::Session, _) => trail(format!("useridentity.arn = '{text}'")),
        (Kind::Role, _) => trail(format!("useridentity.sessioncontext.sessionissuer.arn = '{text}'")),
        (Kind::Key, _) => trail(format!("useridentity.accesskeyid = '{text}'")),
        (Kind::Address, "vpc_flow") => flows(format!("(srcaddr = '{text}' OR dstaddr = '{text}')")),
        (Kind::Address, "route53_resolver") => names(format!("srcaddr = '{text}'")),
        (Kind::Address, _) => trail(format!("sourceipaddress = '{text}'")),
        (Kind::Instance, "vpc_flow") => flows(format!("instance_id = '{text}'")),
        (Kind::Instance, "route53_resolver") => names(format!("srcids.instance = '{text}'")),
        (Kind::Instance, _) => trail(format!("strpos(useridentity.arn, '{text}') > 0")),
        (Kind::Name, _) => names(format!("strpos(query_name, '{text}') > 0")),
        (Kind::Resource, _) => trail(format!("strpos(requestparameters, '{text}') > 0")),
        (Kind::Event, _) => return None,
    })
}

/// A text within quotes of SQL.
fn literal(text: &str) -> Option<String> {
    (!text.contains(char::is_control)).then(|| text.replace('\'', "''"))
}

/// A text as one word of a shell's: <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02>
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@+,%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else if !text.contains(['"', '$', '`', '\\', '!']) {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_text_from_a_log_stays_one_word_of_a_shell() {
        let rows = [
            ("arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:user/alice"),
            ("a b; rm -rf /", "\"a b; rm -rf /\""),
            ("$(id)", "'$(id)'"),
            ("it's `id`", "'it'\\''s `id`'"),
            ("", "\"\""),
        ];
        for (text, want) in rows {
            assert_eq!(quoted(text), want);
        }
    }
}

//! What is read of one record: what its rule's texts and counts ask for, who and where, what its caller's habits learn from it.

use super::{Habit, Hit, Seen};
use crate::detection::{Detection, Dim};
use crate::event::{Event, Field};
use crate::hash::{Hash, common, hash, network};
use smol_str::{SmolStr, ToSmolStr};
use yagura_logs::envelope::{Outcome, Role};
use yagura_logs::record::Record;
use yagura_logs::rows::id_of;

pub(super) fn hit(rule: u32, d: &Detection, event: &Event<'_, '_>) -> Hit {
    let (group, of) = match &d.count {
        Some(c) => (keys(event, &c.by), c.of.as_ref().map_or(0, |f| keys(event, std::slice::from_ref(f)))),
        None => (0, 0),
    };
    Hit {
        rule,
        dedup: keys(event, &d.dedup.by),
        group,
        of,
        target: d.target.as_ref().and_then(|f| event.text(f)).map(SmolStr::from),
        shown: d.shown.iter().filter_map(|(n, f)| Some((n.clone(), shown(event, f)?))).collect(),
        correlated: Vec::new(),
    }
}

/// The values of a field as a text shows them: the first five.
fn shown(event: &Event<'_, '_>, field: &Field) -> Option<SmolStr> {
    let mut all: Vec<String> = Vec::new();
    event.any(field, None, &mut |raw| {
        all.extend(raw.as_text().map(|t| t.chars().take(200).collect::<String>()));
        all.len() > 5
    });
    match all.len() {
        0 => None,
        6.. => Some(format!("{}, …", all.get(..5).unwrap_or_default().join(", ")).into()),
        _ => Some(all.join(", ").into()),
    }
}

/// One number for the values of some fields.
fn keys(event: &Event<'_, '_>, fields: &[Field]) -> Hash {
    let mut all: Hash = 0;
    for field in fields {
        let mut one: Hash = 1;
        event.any(field, None, &mut |raw| {
            if let Some(t) = raw.as_text() {
                one = one.wrapping_mul(31).wrapping_add(hash(&t));
            }
            false
        });
        all = all.rotate_left(21).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ one;
    }
    all
}

pub(crate) fn source<'r>(record: &'r Record<'_>) -> &'r str {
    match record.table.source.name {
        "cloudtrail" => record.get("eventsource").map_or("", |r| r.text),
        other => other,
    }
}

/// The number in a UUID, which is what nearly every CloudTrail event has; otherwise the lake's own identity of the record.
pub(crate) fn identity_of(text: &str, record: &Record<'_>) -> u128 {
    if record.table.source.name == "cloudtrail"
        && let Some(raw) = record.get("eventid")
        && let Some(id) = uuid(raw.text)
    {
        return id;
    }
    id_of(text, record)
}

fn uuid(text: &str) -> Option<u128> {
    if text.len() != 36 {
        return None;
    }
    let mut id = 0u128;
    for (n, b) in text.bytes().enumerate() {
        match (n, b) {
            (8 | 13 | 18 | 23, b'-') => {}
            (8 | 13 | 18 | 23, _) => return None,
            _ => id = id << 4 | u128::from(char::from(b).to_digit(16)?),
        }
    }
    Some(id)
}

pub(crate) fn seen(event: &Event<'_, '_>, source: &str, id: u128) -> Seen {
    let own = |t: Option<&str>| t.map(common).unwrap_or_default();
    let role = |r: Role| own(event.role(r).as_deref());
    let event_id = match (event.record.table.source.id)(event.record) {
        Some(own) => own.to_smolstr(),
        None => SmolStr::from(format!("{id:032x}")),
    };
    Seen {
        log: SmolStr::new_static(event.record.table.source.name),
        event_id,
        actor: role(Role::Actor),
        identity: own(event.identity().as_deref()),
        session: role(Role::Session),
        access_key: role(Role::AccessKey),
        source_ip: role(Role::SourceIp),
        account: own(event.envelope.account.as_deref()),
        region: own(event.envelope.region.as_deref()),
        source: source.into(),
        event: role(Role::Event),
        target: role(Role::Target),
        user_agent: role(Role::UserAgent),
        error: role(Role::Error),
        instance: crate::links::instance(event),
        shown: Vec::new(),
    }
}

fn invoked_by_service(record: &Record<'_>) -> bool {
    let members = record.table.names.iter().position(|n| n == "useridentity").and_then(|n| record.caller(n));
    let invoked_by = members.and_then(|mut m| m.find(|(key, _)| key.text == "invokedBy"));
    invoked_by.is_some_and(|(_, raw)| raw.scalar().is_some_and(|t| !t.is_empty()))
}

/// What an API call says of its caller's habits. Calls by AWS services are no habit of anybody.
pub(super) fn habit(event: &Event<'_, '_>, source: &str) -> Option<Habit> {
    if event.record.table.source.name != "cloudtrail" {
        return None;
    }
    let e = event.envelope;
    let ip = event.role(Role::SourceIp)?;
    if ip.ends_with(".amazonaws.com") || invoked_by_service(event.record) {
        return None;
    }
    let who = hash(&event.identity()?);
    let name = event.role(Role::Event).unwrap_or_default();
    // The console's own servers, on behalf of whoever works there: that is nobody's network.
    let network = if ip == "AWS Internal" { 0 } else { network(&ip) };
    let agent = event.role(Role::UserAgent).map_or(0, |a| hash(crate::agent_of(&a)));
    let hour = e.time.map_or(0, |t| (t.div_euclid(3_600_000).rem_euclid(24) + 1).unsigned_abs());
    let region = e.region.as_deref().map_or(0, hash);
    let mut what = [0; 6];
    for (place, dim) in what.iter_mut().zip(Dim::ALL) {
        *place = match dim {
            Dim::Api => hash(source) ^ hash(&name).rotate_left(17),
            Dim::Service => hash(source),
            Dim::Region => region,
            Dim::Network => network,
            Dim::Agent => agent,
            Dim::Hour => hour,
        };
    }
    // A call that was refused for want of permission says nothing of what its caller does for a living.
    if e.outcome == Some(Outcome::Denied) {
        for (place, dim) in what.iter_mut().zip(Dim::ALL) {
            if matches!(dim, Dim::Api | Dim::Service) {
                *place = 0;
            }
        }
    }
    Some(Habit { who, what })
}

//! What is read of one record: what its rule's texts and counts ask for, who and where, what its caller's habits learn from it.

use super::{Habit, Hit, Seen};
use crate::detection::{Detection, Dim};
use crate::event::{Event, Field, TRAIL};
use crate::hash::{Hash, common as common_text, hash, network};
use smol_str::{SmolStr, ToSmolStr};
use yagura_logs::envelope::{Outcome, Role};
use yagura_logs::record::Record;
use yagura_logs::rows::id_of;

/// A rule's match, with what of it is the same for all records of a session and name where that is known.
pub(super) fn hit(rule: u32, d: &Detection, event: &Event<'_, '_>, known: [Option<Hash>; 3]) -> Hit {
    let count = d.count.as_ref();
    let of = count.and_then(|c| c.of.as_ref());
    let [dedup, group, value] = known;
    Hit {
        rule,
        dedup: dedup.unwrap_or_else(|| told_apart(d, event)),
        group: group.unwrap_or_else(|| count.map_or(0, |c| keys(event, &c.by))),
        of: value.unwrap_or_else(|| of.map_or(0, |f| keys(event, std::slice::from_ref(f)))),
        target: d.target.as_ref().and_then(|f| event.text(f)).map(SmolStr::from),
        shown: d.shown.iter().filter_map(|(n, f)| Some((n.clone(), shown(event, f)?))).collect(),
        correlated: Vec::new(),
    }
}

/// By what a finding is told apart from others of its detection. People who share a role are not one.
fn told_apart(d: &Detection, event: &Event<'_, '_>) -> Hash {
    let person = d.dedup.by.contains(&Field::Identity).then(|| crate::links::person(event)).flatten();
    keys(event, &d.dedup.by) ^ person.map_or(0, |p| hash(&p).rotate_left(33))
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
        "cloudtrail" => {
            let [source, ..] = TRAIL.name;
            record.slots().get(source).copied().flatten().map_or("", |r| r.text)
        }
        other => other,
    }
}

/// The number in a UUID, which is what nearly every CloudTrail event has; otherwise the lake's own identity of the record.
pub(crate) fn identity_of(text: &str, record: &Record<'_>) -> u128 {
    if record.table.source.name == "cloudtrail"
        && let Some(raw) = record.slots().get(TRAIL.id).copied().flatten()
        && let Some(id) = uuid(raw.text)
    {
        return id;
    }
    id_of(text, record)
}

/// The number in a CloudTrail event's UUID, where the number gives the UUID again letter for letter.
pub(super) fn plain_identity(record: &Record<'_>) -> Option<u128> {
    let trail = record.table.source.name == "cloudtrail";
    let raw = record.slots().get(TRAIL.id).copied().flatten().filter(|_| trail)?;
    if raw.text.bytes().any(|b| b.is_ascii_uppercase()) { None } else { uuid(raw.text) }
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
    let own = |t: Option<&str>| t.map(common_text).unwrap_or_default();
    let role = |r: Role| own(event.role(r).as_deref());
    let caller = crate::links::found_by_guardduty(event);
    Seen {
        log: SmolStr::new_static(event.record.table.source.name),
        event_id: event_id(event, id),
        actor: caller.clone().unwrap_or_else(|| role(Role::Actor)),
        identity: caller.unwrap_or_else(|| own(event.identity().as_deref())),
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
        happened: crate::links::happened(event),
        shown: Vec::new(),
    }
}

/// The same of another record of the same session.
pub(super) fn seen_again(common: &Seen, event: &Event<'_, '_>, source: &str, id: u128) -> Seen {
    let own = |t: Option<&str>| t.map(common_text).unwrap_or_default();
    let role = |r: Role| own(event.role(r).as_deref());
    let again = |known: &SmolStr, now: &str| if known == now { known.clone() } else { common_text(now) };
    Seen {
        event_id: event_id(event, id),
        region: event.envelope.region.as_deref().map(|r| again(&common.region, r)).unwrap_or_default(),
        source: again(&common.source, source),
        event: role(Role::Event),
        target: role(Role::Target),
        ..common.clone()
    }
}

fn event_id(event: &Event<'_, '_>, id: u128) -> SmolStr {
    match (event.record.table.source.id)(event.record) {
        Some(own) => own.to_smolstr(),
        None => SmolStr::from(format!("{id:032x}")),
    }
}

fn invoked_by_service(record: &Record<'_>) -> bool {
    let members = record.table.names.iter().position(|n| n == "useridentity").and_then(|n| record.caller(n));
    let invoked_by = members.and_then(|mut m| m.find(|(key, _)| key.text == "invokedBy"));
    invoked_by.is_some_and(|(_, raw)| raw.scalar().is_some_and(|t| !t.is_empty()))
}

/// What habits learn of every call of a session: who, the network, the client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usual {
    who: Hash,
    network: Hash,
    agent: Hash,
}

/// What habits learn of a caller. Calls by AWS services are no habit of anybody.
pub(super) fn usual(event: &Event<'_, '_>) -> Option<Usual> {
    let ip = event.role(Role::SourceIp)?;
    if ip.ends_with(".amazonaws.com") || invoked_by_service(event.record) {
        return None;
    }
    let who = hash(&event.identity()?);
    // The console's own servers, on behalf of whoever works there: that is nobody's network.
    let network = if ip == "AWS Internal" { 0 } else { network(&ip) };
    let agent = event.role(Role::UserAgent).map_or(0, |a| hash(crate::agent_of(&a)));
    Some(Usual { who, network, agent })
}

/// What an API call, by its numbers and its service's, says of its caller's habits.
pub(super) fn habit(event: &Event<'_, '_>, usual: Usual, [api, service]: [Hash; 2]) -> Habit {
    let e = event.envelope;
    let hour = e.time.map_or(0, crate::stat::habit::hour);
    let region = e.region.as_deref().map_or(0, hash);
    // A call that was refused for want of permission says nothing of what its caller does for a living.
    let refused = e.outcome == Some(Outcome::Denied);
    let what = Dim::ALL.map(|dim| match dim {
        Dim::Api | Dim::Service if refused => 0,
        Dim::Api => api,
        Dim::Service => service,
        Dim::Region => region,
        Dim::Network => usual.network,
        Dim::Agent => usual.agent,
        Dim::Hour => hour,
    });
    Habit { who: usual.who, what }
}

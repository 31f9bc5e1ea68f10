//! What is read of one record: what its rule's texts and counts ask for, who and where, what its caller's habits learn from it.

use super::{Habit, Hit, Seen};
use crate::detection::{Detection, Dim};
use crate::event::{Event, Field, TRAIL};
use crate::hash::{Hash, common as common_text, hash, network};
use smol_str::{SmolStr, ToSmolStr};
use std::cell::OnceCell;
use yagura_logs::envelope::{Envelope, Outcome, Role};
use yagura_logs::record::Record;
use yagura_logs::rows::id_of;

/// A rule's match, with what of it is the same for all records of a session and name where that is known, and with the place where
/// it is remembered who of those that share a role the session is.
pub(super) fn hit(
    rule: u32,
    d: &Detection,
    event: &Event<'_, '_>,
    known: [Option<Hash>; 3],
    person: Option<&OnceCell<Hash>>,
) -> Hit {
    let count = d.count.as_ref();
    let of = count.and_then(|c| c.of.as_ref());
    let [dedup, group, value] = known;
    Hit {
        rule,
        dedup: dedup.unwrap_or_else(|| told_apart(d, event, person)),
        group: group.unwrap_or_else(|| count.map_or(0, |c| keys(event, &c.by))),
        of: value.unwrap_or_else(|| of.map_or(0, |f| keys(event, std::slice::from_ref(f)))),
        target: d.target.as_ref().and_then(|f| event.text(f)).map(SmolStr::from),
        shown: d.shown.iter().filter_map(|(n, f)| Some((n.clone(), shown(event, f)?))).collect(),
        correlated: Vec::new(),
    }
}

/// By what a finding is told apart from others of its detection. People who share a role are not one.
fn told_apart(d: &Detection, event: &Event<'_, '_>, known: Option<&OnceCell<Hash>>) -> Hash {
    let person = || crate::links::person(event).map_or(0, |p| hash(&p).rotate_left(33));
    let person = match known {
        _ if !d.dedup.by.contains(&Field::Identity) => 0,
        Some(known) => *known.get_or_init(person),
        None => person(),
    };
    keys(event, &d.dedup.by) ^ person
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
        && let Some((id, _)) = uuid(raw.text)
    {
        return id;
    }
    id_of(text, record)
}

/// The number in a CloudTrail event's UUID, where the number gives the UUID again letter for letter.
pub(super) fn plain_identity(record: &Record<'_>) -> Option<u128> {
    let raw = record.slots().get(TRAIL.id).copied().flatten()?;
    uuid(raw.text).filter(|(_, capitals)| !capitals).map(|(id, _)| id)
}

/// The number that a UUID writes, and whether it does so with capitals.
fn uuid(text: &str) -> Option<(u128, bool)> {
    let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
    if [8, 13, 18, 23].into_iter().any(|dash| bytes.get(dash) != Some(&b'-')) {
        return None;
    }
    let four = |from: usize| Some(u64::from(u32::from_be_bytes(bytes.get(from..from + 4)?.try_into().ok()?)));
    let (mut id, mut capitals) = (0, false);
    for (first, second) in [(0, 4), (9, 14), (19, 24), (28, 32)] {
        let (number, has) = hexadecimal(four(first)? << 32 | four(second)?)?;
        id = id << 32 | u128::from(number);
        capitals |= has;
    }
    Some((id, capitals))
}

/// The number that eight hexadecimal digits write, all at once, and whether one is a capital: every record has four times eight.
/// As in "Bit Twiddling Hacks" (determine if a word has a byte between m and n).
fn hexadecimal(text: u64) -> Option<(u32, bool)> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    if text & HIGH != 0 {
        return None;
    }
    let at_least = |text: u64, byte: u64| text + (0x80 - byte) * LOW;
    let small = text | (0x20 * LOW);
    let digits = at_least(text, 0x30) & !at_least(text, 0x3a) & HIGH;
    let letters = at_least(small, 0x61) & !at_least(small, 0x67) & HIGH;
    if digits | letters != HIGH {
        return None;
    }
    let capitals = letters & !(text << 2) != 0;
    let each = (text & (0x0f * LOW)) + 9 * (letters >> 7);
    let pairs = (each | each >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some(((fours | fours >> 16) as u32, capitals))
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

/// The latest Region and its number: a delivery's records are mostly of one.
#[derive(Debug, Default)]
pub(super) struct Region(SmolStr, Hash);

impl Region {
    /// The number of a record's Region; 0 where it has none.
    pub fn of(&mut self, envelope: &Envelope<'_>) -> Hash {
        let name = envelope.region.as_deref().unwrap_or_default();
        if self.0 != name {
            *self = Self(name.into(), hash(name));
        }
        self.1
    }
}

/// What an API call, by its numbers and its service's, says of its caller's habits.
pub(super) fn habit(event: &Event<'_, '_>, usual: Usual, [api, service]: [Hash; 2], region: Hash) -> Habit {
    let e = event.envelope;
    let hour = e.time.map_or(0, crate::stat::habit::hour);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_the_number_that_a_uuid_writes() {
        let number = 0x0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978;
        assert_eq!(uuid("01234567-89ab-cdef-0f1e-2d3c4b5a6978"), Some((number, false)));
        assert_eq!(uuid("01234567-89ab-cdef-0F1e-2d3c4b5a6978"), Some((number, true)));
        for broken in [
            "",
            "01234567-89ab-cdef-0f1e-2d3c4b5a697",
            "0123456789ab-cdef-0f1e-2d3c4b5a69781",
            "01234567-89ab-cdef-0f1e-2d3c4b5aé78",
        ] {
            assert_eq!(uuid(broken), None, "{broken}");
        }
    }

    #[test]
    fn every_byte_is_a_digit_or_none() {
        for byte in 0..=u8::MAX {
            for place in 0..8u32 {
                let text = (0x3030_3030_3030_3030u64 & !(0xff << (8 * place))) | (u64::from(byte) << (8 * place));
                let digit = char::from(byte).to_digit(16).filter(|_| byte.is_ascii());
                let wanted = digit.map(|d| (d << (4 * place), byte.is_ascii_uppercase()));
                assert_eq!(hexadecimal(text), wanted, "{byte} at {place}");
            }
        }
    }
}

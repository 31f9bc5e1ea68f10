//! What is known of a record once it was looked at: values that outlive its text, wait for their time and go to files.

use crate::hash::Hash;
use crate::stat::travel::Sighting;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

/// A record as the second half sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Milliseconds since 1970-01-01 UTC.
    pub time: i64,
    /// The record's identity.
    pub id: u128,
    /// What its identity's habits learn from it.
    pub habit: Option<Habit>,
    /// What else is of interest; most records have nothing.
    pub notes: Noted,
}

/// What habits learn: who (a hash), and what, by dimension (hashes; 0 where the record does not say).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Habit {
    /// The identity.
    pub who: Hash,
    /// By dimension.
    pub what: [Hash; 6],
}

/// What is of interest about a record, in as little room as it takes: records wait by the million.
#[derive(Debug, Clone, Default)]
pub enum Noted {
    /// Nothing.
    #[default]
    Nothing,
    /// Notes of its own.
    Own(Box<Notes>),
    /// What others of its session and name have noted, too.
    Alike(Box<Alike>),
}

/// A record that nothing tells from others of its session and name but its own identity and what it happened to.
#[derive(Debug, Clone)]
pub struct Alike {
    /// What they have in common: rules that match them, and who and where; its event's name and target are empty.
    pub shared: Arc<(Vec<Hit>, Seen)>,
    /// The record's identity, which its name tells.
    pub id: u128,
    /// What it happened to.
    pub target: SmolStr,
}

impl Alike {
    /// Its rules.
    pub fn hits(&self) -> &[Hit] {
        &self.shared.0
    }

    /// Its name.
    pub fn event_id(&self) -> SmolStr {
        name_of(self.id, "cloudtrail")
    }

    /// Who, what and where.
    pub fn seen(&self) -> Seen {
        Seen { event_id: self.event_id(), target: self.target.clone(), ..self.shared.1.clone() }
    }

    fn notes(&self) -> Notes {
        Notes { seen: Some(self.seen()), hits: self.shared.0.clone(), ..Notes::default() }
    }
}

impl Noted {
    /// The notes, put together where they are shared.
    pub fn as_ref(&self) -> Option<Cow<'_, Notes>> {
        match self {
            Self::Nothing => None,
            Self::Own(notes) => Some(Cow::Borrowed(notes)),
            Self::Alike(alike) => Some(Cow::Owned(alike.notes())),
        }
    }

    /// The notes, from now on the record's own.
    pub fn as_mut(&mut self) -> Option<&mut Notes> {
        if let Self::Alike(alike) = self {
            *self = Self::Own(Box::new(alike.notes()));
        }
        match self {
            Self::Own(notes) => Some(notes),
            _ => None,
        }
    }
}

impl From<Option<Box<Notes>>> for Noted {
    fn from(notes: Option<Box<Notes>>) -> Self {
        notes.map_or(Self::Nothing, Self::Own)
    }
}

impl PartialEq for Noted {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Serialize for Noted {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(to)
    }
}

impl<'de> Deserialize<'de> for Noted {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Option::<Box<Notes>>::deserialize(from).map(Self::from)
    }
}

/// A record's name by its identity: CloudTrail's are UUIDs.
pub(crate) fn name_of(id: u128, log: &str) -> SmolStr {
    let digit = |n: u8| char::from(if n < 10 { b'0' + n } else { b'a' - 10 + n });
    let dashes: &[usize] = if log == "cloudtrail" { &[4, 6, 8, 10] } else { &[] };
    let mut name = String::with_capacity(36);
    for (place, byte) in id.to_be_bytes().into_iter().enumerate() {
        if dashes.contains(&place) {
            name.push('-');
        }
        name.push(digit(byte >> 4));
        name.push(digit(byte & 15));
    }
    name.into()
}

/// What is of interest about a record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Notes {
    /// Who, what, where: filled in where something was hit.
    pub seen: Option<Seen>,
    /// Rules that match it by themselves.
    pub hits: Vec<Hit>,
    /// Whom it made out of whom.
    pub links: Vec<Link>,
    /// What statistics read of it.
    pub measured: Option<Measured>,
    /// Where it shows its caller to have been, where a table of locations tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sighted: Option<Sighting>,
    /// Account, Region and instance, where statistics read something.
    pub place: [SmolStr; 3],
}

/// A record's envelope, owned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The log: `cloudtrail`.
    pub log: SmolStr,
    /// The record's name: its `eventID`, or its identity in hexadecimal.
    pub event_id: SmolStr,
    /// The caller as logged.
    pub actor: SmolStr,
    /// The caller as long as sessions come and go.
    pub identity: SmolStr,
    /// The session's ARN.
    pub session: SmolStr,
    /// The access key's id.
    pub access_key: SmolStr,
    /// The source address.
    pub source_ip: SmolStr,
    /// The account.
    pub account: SmolStr,
    /// The Region.
    pub region: SmolStr,
    /// The service.
    pub source: SmolStr,
    /// The event's name.
    pub event: SmolStr,
    /// What it happened to.
    pub target: SmolStr,
    /// The user agent.
    pub user_agent: SmolStr,
    /// The error.
    pub error: SmolStr,
    /// The instance that it came from, where the record tells.
    pub instance: SmolStr,
    /// When what it tells of happened, ms, where the record came later: findings of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub happened: Option<i64>,
    /// What texts show of it besides, by the rule that was hit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<(SmolStr, SmolStr)>,
}

/// A rule's match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The rule's number.
    pub rule: u32,
    /// Of the fields that its dedup names.
    pub dedup: Hash,
    /// Of the fields that its count goes by.
    pub group: Hash,
    /// Of what its count counts.
    pub of: Hash,
    /// What it happened to, where the rule says so otherwise than the envelope.
    pub target: Option<SmolStr>,
    /// What its texts show.
    pub shown: Vec<(SmolStr, SmolStr)>,
    /// Sigma's correlations that listen to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub correlated: Vec<Correlated>,
}

/// What a correlation of Sigma's gets of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correlated {
    /// Its place among the correlations.
    pub correlation: u32,
    /// The rule's place in the correlation.
    pub place: u32,
    /// What the event is about.
    pub group: SmolStr,
    /// What is counted.
    pub value: Option<SmolStr>,
}

/// One identity came out of another: a role's session out of who assumed it, a key out of who created it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Whom: an ARN or a key's id.
    pub made: SmolStr,
    /// Out of whom.
    pub maker: SmolStr,
}

/// What statistics read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measured {
    /// Of a flow record.
    Flow {
        /// Last packet, ms.
        end: i64,
        /// Sender.
        src: IpAddr,
        /// Receiver.
        dst: IpAddr,
        /// Sender's port.
        src_port: u16,
        /// Receiver's port.
        dst_port: u16,
        /// IANA number.
        protocol: u8,
        /// Packets.
        packets: u64,
        /// Bytes.
        bytes: u64,
        /// Whether it was let through.
        accepted: bool,
        /// The interface.
        interface: SmolStr,
        /// Whether it left the interface, where the record tells.
        outbound: Option<bool>,
    },
    /// Of a DNS query.
    Dns {
        /// Who asked.
        host: SmolStr,
        /// For what.
        name: SmolStr,
        /// Record type.
        kind: SmolStr,
        /// Response code.
        rcode: SmolStr,
        /// Addresses answered.
        addresses: Vec<IpAddr>,
        /// How many answers.
        answers: u32,
    },
    /// Of a login.
    Login {
        /// From where.
        source: SmolStr,
        /// As whom.
        account: SmolStr,
        /// To what.
        target: SmolStr,
        /// Whether it was let in.
        success: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn a_name_is_the_uuid_of_cloudtrail_or_a_number() {
        let id = 0x0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978;
        assert_eq!(name_of(id, "cloudtrail"), "01234567-89ab-cdef-0f1e-2d3c4b5a6978");
        assert_eq!(name_of(id, "vpc_flow"), "0123456789abcdef0f1e2d3c4b5a6978");
        assert_eq!(name_of(0, "cloudtrail"), "00000000-0000-0000-0000-000000000000");
    }
}

//! One line of a batch: a flow, and whether it gets there and back.

use super::explain::{Blocker, Explanation, Travel};
use super::matrix::{Allowed, allowed};
use super::place::{Place, PlaceError};
use super::{Outcome, Reachable, Trial};
use crate::change::Change;
use crate::code::Code;
use crate::estate::{Protocol, Service};
use crate::packet::{ANY_PORT, Family, ICMP, ICMPV6, PacketBox, PacketSet};
use crate::topology::{Missing, Network};
use crate::walk::{Hop, Kind, Leg, Note};
use crate::words::{self, parse_protocol};
use serde::{Deserialize, Serialize, Serializer};
use smol_str::SmolStr;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use yagura_model::Lang;

/// A flow to ask about. Unknown members are refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the answer is to be known by.
    #[serde(default)]
    pub id: serde_json::Value,
    /// Where it comes from.
    pub src: CaseEnd,
    /// Where it goes.
    pub dst: CaseEnd,
    /// `tcp`, `udp`, `icmp`, a number, `any`.
    #[serde(default)]
    pub protocol: Option<Text>,
    /// The destination port; for ICMP nothing.
    #[serde(default)]
    pub dst_port: Option<u16>,
    /// The source port.
    #[serde(default)]
    pub src_port: Option<u16>,
    /// ICMP's type.
    #[serde(default)]
    pub icmp_type: Option<u8>,
    /// ICMP's code.
    #[serde(default)]
    pub icmp_code: Option<u8>,
}

/// One end of a case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseEnd {
    /// An id or name, or `internet`.
    #[serde(default)]
    pub node: Option<String>,
    /// An address.
    #[serde(default)]
    pub ip: Option<String>,
}

/// A text, or a number that stands for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

/// The answer to a case.
#[derive(Debug, Clone, Serialize)]
pub struct CaseAnswer {
    /// The case's id.
    pub id: serde_json::Value,
    /// Whether it gets there and back.
    pub reachable: Reachable,
    /// The way there.
    pub forward: Way,
    /// The way back.
    #[serde(rename = "return")]
    pub back: Way,
    /// Everything that stops it; never empty where the answer is `no`.
    pub blocked_by: Vec<Blocker>,
    /// What would open it, all of it together; empty unless the answer is `no`.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "in_words")]
    pub changes: Vec<Change>,
    /// The packet that the changes open it for, where they were made for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// Whether the changes open it: some blockers are lifted by no single setting.
    #[serde(skip_serializing_if = "is_unset")]
    pub opens: Option<bool>,
    /// The calls that would tell, where the answer is `unknown`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", serialize_with = "missing_in_words")]
    pub missing: BTreeSet<Arc<Missing>>,
    /// What the answer takes for granted.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", serialize_with = "notes_in_words")]
    pub notes: BTreeSet<Note>,
    /// What of the packets that were asked about gets there, and whether the answer comes back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Allowed>,
}

fn is_unset(value: &Option<bool>) -> bool {
    value.is_none()
}

fn in_words<S: Serializer>(changes: &[Change], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(changes.iter().map(|c| c.say(Lang::En)))
}

fn missing_in_words<S: Serializer>(missing: &BTreeSet<Arc<Missing>>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(missing.iter().map(|m| m.to_string()))
}

fn notes_in_words<S: Serializer>(notes: &BTreeSet<Note>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(notes.iter().map(|n| n.say(Lang::En)))
}

/// One direction of a case.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Way {
    /// Whether some packet that was asked about passes.
    pub passes: bool,
    /// The components, as far as it comes.
    pub hops: Vec<Hop>,
}

/// What is wrong with a case.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// It is not of the form.
    #[error("not a case: {0}")]
    Form(#[from] serde_json::Error),
    /// An end has neither node nor address.
    #[error("`{0}` needs a `node` or an `ip`")]
    NoEnd(&'static str),
    /// An address is none.
    #[error("`{0}` is not an IP address")]
    Address(String),
    /// A protocol is none.
    #[error("`{0}` is not a protocol: give tcp, udp, icmp, a number or any")]
    Protocol(String),
    /// An end is not in the network.
    #[error(transparent)]
    Place(#[from] PlaceError),
}

impl Case {
    /// Reads a line.
    ///
    /// # Errors
    /// Where it is not of the form.
    pub fn parse(line: &str) -> Result<Self, CaseError> {
        Ok(serde_json::from_str(line)?)
    }

    /// The packets that it asks about.
    ///
    /// # Errors
    /// Where its protocol is none.
    pub fn packets(&self) -> Result<PacketSet, CaseError> {
        let text = match &self.protocol {
            None => "any".to_owned(),
            Some(Text::Text(text)) => text.clone(),
            Some(Text::Number(number)) => number.to_string(),
        };
        let protocol = parse_protocol(&text).ok_or(CaseError::Protocol(text))?;
        Ok(asked(protocol, self.src_port, self.dst_port, self.icmp_type, self.icmp_code))
    }
}

/// The packets of a protocol with these ports; ports alone ask about TCP and UDP.
pub fn asked(protocol: Protocol, src: Option<u16>, dst: Option<u16>, kind: Option<u8>, code: Option<u8>) -> PacketSet {
    let port = |p: Option<u16>| p.map_or(ANY_PORT, |p| (p, p));
    let icmp = matches!(protocol, Protocol::Number(ICMP | ICMPV6));
    let message = match (kind.map(u16::from), code.map(u16::from)) {
        (Some(kind), Some(code)) => (kind << 8 | code, kind << 8 | code),
        (Some(kind), None) => (kind << 8, kind << 8 | 255),
        (None, _) => ANY_PORT,
    };
    let with = |protocol| {
        let ports = if icmp { message } else { port(dst) };
        let src_port = if icmp { ANY_PORT } else { port(src) };
        PacketBox { src_port, ..PacketBox::of(Service { protocol, ports }) }
    };
    if protocol == Protocol::Any && (src.is_some() || dst.is_some()) {
        return [crate::packet::TCP, crate::packet::UDP].into_iter().map(|n| with(Protocol::Number(n))).collect();
    }
    [with(protocol)].into_iter().collect()
}

/// The packets that a client's program would send: source ports are those that systems hand out, 1024 to 65535,
/// unless one is given.
pub fn from_client(asked: &PacketSet, src: Option<u16>) -> PacketSet {
    if src.is_some() {
        return asked.clone();
    }
    let client = |n| PacketBox { protocol: (n, n), src_port: (1024, u16::MAX), ..PacketBox::ANY };
    let ports: PacketSet = [crate::packet::TCP, crate::packet::UDP].into_iter().map(client).collect();
    let all: PacketSet = [crate::packet::TCP, crate::packet::UDP]
        .into_iter()
        .map(|n| PacketBox { protocol: (n, n), ..PacketBox::ANY })
        .collect();
    asked.minus(&all).or(&asked.and(&ports))
}

/// What is asked of these ends: ICMP between IPv6 addresses is ICMPv6, as everywhere that AWS says `icmp`.
pub(super) fn of_ends<'a>(trials: &[Trial], asked: &'a PacketSet) -> Cow<'a, PacketSet> {
    let only_icmp = !asked.is_empty() && asked.boxes().iter().all(|b| b.protocol == (ICMP, ICMP));
    if !only_icmp || trials.iter().any(|t| t.family == Family::V4) {
        return Cow::Borrowed(asked);
    }
    Cow::Owned(asked.map(|b| Some(PacketBox { protocol: (ICMPV6, ICMPV6), ..*b })))
}

impl Network {
    /// Answers a case.
    ///
    /// # Errors
    /// Where an end is not in the network or an address is none.
    pub fn answer(&self, case: &Case) -> Result<CaseAnswer, CaseError> {
        let asked = case.packets()?;
        let (from, from_ip) = self.end(&case.src, "src")?;
        let (to, to_ip) = self.end(&case.dst, "dst")?;
        let trials = self.trials(&from, from_ip, &to, to_ip)?;
        Ok(self.decide(case.id.clone(), &trials, &asked))
    }

    fn end(&self, end: &CaseEnd, name: &'static str) -> Result<(Place, Option<IpAddr>), CaseError> {
        let ip = match &end.ip {
            Some(text) => Some(text.parse::<IpAddr>().map_err(|_| CaseError::Address(text.clone()))?),
            None => None,
        };
        match (&end.node, ip) {
            (Some(node), ip) => Ok((self.place(node)?, ip)),
            (None, Some(ip)) => Ok((Place::Address(ip), None)),
            (None, None) => Err(CaseError::NoEnd(name)),
        }
    }

    /// Tries each pair of addresses: the first that gets through answers yes; otherwise the one that comes furthest is explained.
    pub fn decide(&self, id: serde_json::Value, trials: &[Trial], asked: &PacketSet) -> CaseAnswer {
        let asked = &*of_ends(trials, asked);
        let mut unknown: Option<Outcome> = None;
        let mut holes: BTreeSet<Arc<Missing>> = BTreeSet::new();
        for trial in trials {
            let outcome = self.outcome(trial, asked);
            match outcome.reachable() {
                Reachable::Yes => {
                    return answer(id, &outcome, Reachable::Yes, &Explanation::default(), &BTreeSet::new());
                }
                Reachable::Unknown => {
                    holes.extend(outcome.missing());
                    unknown.get_or_insert(outcome);
                }
                Reachable::No => {}
            }
        }
        if let Some(outcome) = unknown {
            return answer(id, &outcome, Reachable::Unknown, &Explanation::default(), &holes);
        }
        let furthest = self.nearest(trials, asked).map(|(_, outcome)| outcome);
        let mut explanation = self.explain(trials, asked);
        if explanation.blockers.is_empty() {
            explanation.blockers.push(nowhere(trials));
        }
        // Where the answer alone is lost, whether the request arrives may still hang on what was not read.
        holes.extend(
            furthest.iter().filter(|o| o.there.0.is_empty() && !o.there.1.is_empty()).flat_map(Outcome::missing),
        );
        let nothing = Outcome { ways: Vec::new(), there: Default::default(), both: Default::default() };
        answer(id, furthest.as_ref().unwrap_or(&nothing), Reachable::No, &explanation, &holes)
    }
}

fn answer(
    id: serde_json::Value,
    outcome: &Outcome,
    reachable: Reachable,
    explanation: &Explanation,
    holes: &BTreeSet<Arc<Missing>>,
) -> CaseAnswer {
    // The way that carries the answer: one that passes both ways, else one that arrives, else the longest.
    let rank = |(leg, back): &&(Leg, Vec<Leg>)| {
        let there = !leg.passing().1.is_empty();
        (there, there && back.iter().any(|r| !r.passing().1.is_empty()), leg.hops.len())
    };
    let best = outcome.ways.iter().max_by_key(rank);
    // Of the ways back, that of the packet which the explanation is about.
    let about = |r: &Leg| explanation.packet.is_some_and(|p| r.far.iter().any(|far| far.contains(p.far.first)));
    let reply =
        best.and_then(|(_, back)| back.iter().max_by_key(|r| (about(r), !r.passing().1.is_empty(), r.hops.len())));
    let forward =
        Way { passes: !outcome.there.0.is_empty(), hops: best.map(|(l, _)| l.hops.clone()).unwrap_or_default() };
    let back = Way { passes: !outcome.both.0.is_empty(), hops: reply.map(|r| r.hops.clone()).unwrap_or_default() };
    CaseAnswer {
        id,
        reachable,
        forward,
        back,
        blocked_by: explanation.blockers.clone(),
        changes: explanation.changes.clone(),
        example: explanation.packet.as_ref().map(words::packet),
        opens: (reachable == Reachable::No && !explanation.complete).then_some(false),
        missing: holes.clone(),
        notes: outcome.ways.iter().flat_map(|(leg, _)| leg.notes.iter().cloned()).collect(),
        allowed: allowed(outcome),
    }
}

/// The blocker of a question that no packet can even begin.
fn nowhere(trials: &[Trial]) -> Blocker {
    let (code, rule, rule_ja) = if trials.is_empty() {
        (
            Code::Unassociated,
            "the two ends have no addresses of one family that packets could go between",
            "両端の間で通信できる同じ種類の IP アドレスがない",
        )
    } else {
        (Code::NoPath, "no way leads from one end to the other", "両端の間に経路がない")
    };
    Blocker {
        component: SmolStr::default(),
        kind: Kind::Vpc,
        rule: rule.to_owned(),
        rule_ja: rule_ja.to_owned(),
        code,
        direction: Travel::Forward,
        change: None,
    }
}

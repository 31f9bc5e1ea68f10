//! AWS Network Firewall: what its stateless and stateful (Suricata) rules let through.
//!
//! A packet meets the stateless rules first; they pass it, drop it, or forward it to the stateful rules
//! ("How AWS Network Firewall filters network traffic", developer guide). What a rule asks of a payload, or what this
//! build cannot judge, is never guessed: such packets are let through *possibly*.

mod classes;
mod group;
mod json;
mod options;
mod policy;
mod ranges;
mod stateful;
mod stateless;
mod suricata;
#[cfg(test)]
mod tests;

pub use crate::packet::End;
pub use json::RuleError;

use crate::packet::{Family, PacketBox, PacketSet};
use ranges::Addresses;
use std::net::IpAddr;
use yagura_model::{IpRange, Lang, Value};

/// The rules of a firewall policy, in the order in which they decide.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ruleset {
    stateless: stateless::Rules,
    stateful: stateful::Rules,
}

/// What a firewall lets through from one end to another, as packets of that direction.
///
/// It speaks of whole packets: Network Firewall drops fragments of anything but UDP, and
/// `StatelessFragmentDefaultActions` decides on those ("Stateless default actions in your firewall policy").
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Passage {
    /// Passes whatever it carries.
    pub must: PacketSet,
    /// Passes with some payload, or if a rule that could not be judged says so; holds `must`.
    pub may: PacketSet,
    /// The rules on which the rest of `may` hangs, each as `group sid:N option, …`; empty if there is no rest.
    pub unread: Vec<String>,
}

/// What keeps a connection from passing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The rule group's name, or its ARN where no name is told; empty: the firewall policy's default action.
    pub group: String,
    /// `sid:N` or `priority:N`; for a default action its name (`aws:drop_strict`).
    pub rule: String,
    /// The rule as it was written, or close to it, cut to one line.
    pub text: String,
    /// It drops every such connection; else only some payload, or nobody can tell.
    pub certain: bool,
    /// It is the reply that is dropped.
    pub reply: bool,
    /// The stateless rules decide; else the stateful ones.
    pub stateless: bool,
}

impl Ruleset {
    /// Reads the answer of `DescribeFirewallPolicy` with those of `DescribeRuleGroup`, in any order. `prefix` tells
    /// the entries of a prefix list by its id (`pl-…`) for IP set references.
    ///
    /// A rule group that the policy names and nobody read lets through *possibly*; so does a rule that cannot be
    /// read, since AWS accepted it. `$HOME_NET` is what the policy or the group says; use [`Ruleset::parse_in`] to tell
    /// what it is otherwise.
    ///
    /// # Errors
    /// A member that is missing or of another type than AWS's.
    pub fn parse(
        policy: &Value,
        groups: &[&Value],
        prefix: &dyn Fn(&str) -> Option<Vec<IpRange>>,
    ) -> Result<Self, RuleError> {
        Self::parse_in(policy, groups, None, prefix)
    }

    /// As [`Ruleset::parse`], for a firewall in a VPC with these CIDR blocks: `$HOME_NET` stands for them unless the
    /// policy says otherwise (`PolicyVariables` in the API reference).
    ///
    /// # Errors
    /// As [`Ruleset::parse`].
    pub fn parse_in(
        policy: &Value,
        groups: &[&Value],
        vpc: Option<&[IpRange]>,
        prefix: &dyn Fn(&str) -> Option<Vec<IpRange>>,
    ) -> Result<Self, RuleError> {
        policy::read(policy, groups, vpc, prefix)
    }

    /// Blocks that tell apart every address that some rule does: two addresses that lie in the same of them are
    /// treated alike.
    pub fn ranges(&self) -> Vec<IpRange> {
        let mut out: Vec<IpRange> = self.addresses().flat_map(Addresses::blocks).collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    fn addresses(&self) -> impl Iterator<Item = &Addresses> {
        self.stateless.addresses().chain(self.stateful.addresses())
    }

    /// The packets that open a connection from `source` to `destination` and are let through. A connection of which the
    /// stateful rules drop any packet, also an answer, is none of them. One end at most is [`End::Far`]; if both are,
    /// everything passes possibly.
    pub fn passes(&self, source: End, destination: End, family: Family) -> Passage {
        self.between(source, destination, family, |from, to| self.opens(Way { from, to, reply: false }))
    }

    fn between(
        &self,
        source: End,
        destination: End,
        family: Family,
        ask: impl Fn(IpAddr, IpAddr) -> Passage,
    ) -> Passage {
        match (source, destination) {
            (End::At(from), End::At(to)) => ask(from, to),
            (End::At(from), End::Far) => classes::by_class(self.addresses(), family, |to| ask(from, to)),
            (End::Far, End::At(to)) => classes::by_class(self.addresses(), family, |from| ask(from, to)),
            (End::Far, End::Far) => Passage::of(PacketSet::none(), PacketSet::all(), vec!["?".to_owned()]),
        }
    }

    fn opens(&self, way: Way) -> Passage {
        let there = self.stateless.sort(way, &PacketSet::all());
        let back = self.stateless.sort(way.back(), &PacketSet::all()).turned();
        let (mut unread, mut default) = (there.unread, None);
        let inspected = there.inspect.and(&back.inspect);
        let judged = self.stateful.judge(way, &inspected, &mut |seen| match seen.doubtful() {
            Some((label, true)) if !unread.contains(&label) => unread.push(label),
            Some((label, false)) => default = Some(label),
            _ => {}
        });
        let one_sided = there.inspect.minus(&inspected);
        let seen_once = self.stateful.judge(way, &one_sided, &mut |_| ()).pass;
        if !seen_once.or(&there.doubt).is_empty() && unread.is_empty() {
            unread.push(ONE_SIDED.to_owned());
        }
        if unread.is_empty() {
            unread.extend(default);
        }
        let must = there.pass.or(&judged.pass.minus(&judged.drop));
        let may = must.or(&judged.pass).or(&seen_once).or(&there.doubt);
        Passage::of(must, may, unread)
    }

    /// The packets from `source` to `destination` that answer a connection which was let through: the stateless rules
    /// are asked again, the stateful ones know the connection if they saw it.
    pub fn answers(&self, source: End, destination: End, family: Family) -> Passage {
        self.between(source, destination, family, |from, to| self.returns(Way { from, to, reply: true }))
    }

    fn returns(&self, way: Way) -> Passage {
        let there = self.stateless.sort(way.back(), &PacketSet::all()).turned();
        let back = self.stateless.sort(way, &PacketSet::all());
        let must = back.pass.or(&back.inspect.and(&there.inspect));
        let may = back.may_go();
        let unread = if back.unread.is_empty() { vec![ONE_SIDED.to_owned()] } else { back.unread };
        Passage::of(must, may, unread)
    }

    /// The first rule that drops this packet, or the reply to it; `None`: none does. A certain drop goes before a
    /// possible one.
    pub fn deciding(&self, source: IpAddr, destination: IpAddr, packet: &PacketBox) -> Option<Decided> {
        let packet: PacketSet = [packet.from(crate::packet::Span::ANY)].into_iter().collect();
        let way = Way { from: source, to: destination, reply: false };
        let mut first: Option<Decided> = None;
        let mut note = |found: Decided| match &first {
            Some(old) if old.certain || !found.certain => {}
            _ => first = Some(found),
        };
        let inspected = self.stateless.first_drop(way, &packet, &mut note);
        let turned = packet.map(|b| Some(turned(b)));
        self.stateless.first_drop(way.back(), &turned, &mut |found| note(Decided { reply: true, ..found }));
        let judged = self.stateful.judge(way, &inspected, &mut |seen| {
            if seen.drops() {
                note(seen.decided());
            }
        });
        let may_pass = inspected.is_empty() || !judged.pass.is_empty();
        let back = self.stateless.sort(way.back(), &turned).inspect;
        let found = first.map(|found| Decided { certain: found.certain && (found.stateless || !may_pass), ..found });
        found.or_else(|| (inspected.is_empty() != back.is_empty()).then(Decided::one_sided))
    }
}

impl Passage {
    fn of(must: PacketSet, may: PacketSet, mut unread: Vec<String>) -> Self {
        let (must, may) = (must.canonical(), may.canonical());
        if may == must {
            unread.clear();
        }
        Self { must, may, unread }
    }
}

impl Decided {
    /// The rule and what it does, in a clause.
    pub fn say(&self, lang: Lang) -> String {
        let Self { group, rule, text, .. } = self;
        let what = match (self.reply, lang) {
            (false, Lang::En) => "it",
            (true, Lang::En) => "its reply",
            (false, Lang::Ja) => "パケット",
            (true, Lang::Ja) => "応答",
        };
        match (group.is_empty(), lang) {
            (true, Lang::En) => format!("no rule passes it, and default action `{rule}` drops {what}"),
            (true, Lang::Ja) => {
                format!("通過させるルールがなく、デフォルトアクション `{rule}` が{what}をドロップする")
            }
            (false, Lang::En) => format!("rule `{rule}` of rule group `{group}` drops {what}: {text}"),
            (false, Lang::Ja) => {
                format!("ルールグループ `{group}` のルール `{rule}` が{what}をドロップする: {text}")
            }
        }
    }

    /// The stateful rules see the connection in one direction only.
    fn one_sided() -> Self {
        Self {
            group: String::new(),
            rule: ONE_SIDED.to_owned(),
            text: ONE_SIDED.to_owned(),
            certain: false,
            reply: false,
            stateless: true,
        }
    }
}

/// Forwarded to the stateful rules in one direction and passed in the other: "many stateful rules rely on seeing a
/// complete bidirectional traffic flow" ("Best practices for writing Suricata compatible rules").
const ONE_SIDED: &str = "aws:forward_to_sfe: one direction only";

/// From which end to which a packet goes.
#[derive(Debug, Clone, Copy)]
struct Way {
    from: IpAddr,
    to: IpAddr,
    /// They are replies.
    reply: bool,
}

impl Way {
    fn back(self) -> Self {
        Self { from: self.to, to: self.from, reply: !self.reply }
    }
}

/// The reply to a packet, or the packet of a reply: source and destination port change places, where the protocol
/// has ports.
fn turned(b: &PacketBox) -> PacketBox {
    let portless = b.protocol.0 == b.protocol.1 && !suricata::PORTED.contains(&b.protocol.0);
    if portless { *b } else { PacketBox { src_port: b.dst_port, dst_port: b.src_port, ..*b } }
}

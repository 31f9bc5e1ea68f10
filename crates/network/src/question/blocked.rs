//! What stops a packet, said in full: the component, the exact rule, and what would lift it.

use crate::change::{Change, Direction};
use crate::code::Code;
use crate::estate::{NetworkAcl, Protocol, Service};
use crate::filter::Way;
use crate::packet::{End, Family, PacketBox, TCP, UDP, number};
use crate::topology::Network;
use crate::walk::{Check, Dead, Guard, Hop, Kind, Leg};
use crate::words;
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::HashSet;
use std::net::IpAddr;
use yagura_model::{IpRange, Lang};

/// One thing that stops the packet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Blocker {
    /// The id of the component.
    pub component: SmolStr,
    /// Its kind.
    pub kind: Kind,
    /// The exact rule, or what is wrong.
    pub rule: String,
    /// The same in Japanese.
    #[serde(skip)]
    pub rule_ja: String,
    /// Reachability Analyzer's code.
    pub code: Code,
    /// Whether it stops the request or its answer.
    pub direction: Travel,
    /// What lifts it; `None`: no single setting does.
    #[serde(skip)]
    pub change: Option<Change>,
}

impl Blocker {
    /// The rule in a language.
    pub fn say(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.rule,
            Lang::Ja => &self.rule_ja,
        }
    }
}

/// There, or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Travel {
    /// The request.
    Forward,
    /// Its answer.
    Return,
}

impl Network {
    /// What a filter that stops a packet says, and the rule that would let it through.
    pub(super) fn blocked_by(&self, check: &Check, packet: &PacketBox, travel: Travel) -> Blocker {
        match &check.guard {
            Guard::Groups { interface, way, remote } => {
                self.blocked_by_groups(*interface, *way, *remote, packet, travel)
            }
            Guard::Acl { acl: Some(acl), way, remote, .. } => match self.estate.network_acls.get(*acl as usize) {
                Some(acl) => blocked_by_acl(acl, *way, *remote, packet, travel),
                None => plain(Hop::new(SmolStr::default(), Kind::NetworkAcl), Code::SubnetAcl, travel),
            },
            Guard::Acl { acl: None, subnet, .. } => {
                let id = self.estate.subnets.get(*subnet as usize).map(|s| s.id.clone()).unwrap_or_default();
                plain(Hop::new(id, Kind::Subnet), Code::SubnetAcl, travel)
            }
            Guard::Protocol { at, code } => {
                let name = words::protocol(packet.protocol.0);
                Blocker {
                    rule: format!("it does not carry {name}"),
                    rule_ja: format!("{name} は通らない"),
                    ..plain(at.clone(), *code, travel)
                }
            }
            Guard::Firewall { firewall, source, destination } => {
                let id = self.estate.firewalls.get(*firewall as usize).map(|f| f.id.clone()).unwrap_or_default();
                let (rule, rule_ja) = self.firewall_rule(*firewall, (*source, *destination), packet, travel);
                Blocker { rule, rule_ja, ..plain(Hop::new(id, Kind::NetworkFirewall), Code::FirewallRules, travel) }
            }
            Guard::Balancer(at) => self.blocked_by_balancer(*at, packet, travel),
            Guard::Unread(at) => plain(at.clone(), Code::UnknownResource, travel),
        }
    }

    pub(super) fn firewall_rule(
        &self,
        firewall: u32,
        (source, destination): (End, End),
        packet: &PacketBox,
        travel: Travel,
    ) -> (String, String) {
        // The rules know a connection by its request.
        let (client, server) = match travel {
            Travel::Forward => (source, destination),
            Travel::Return => (destination, source),
        };
        let (from, to) = (address(client, packet), address(server, packet));
        let said = words::service(words::service_of(packet));
        let rules = self.estate.firewalls.get(firewall as usize).and_then(|f| f.rules.as_deref());
        match rules.and_then(|rules| rules.deciding(from, to, packet)) {
            Some(decided) => (
                format!("{said} from {from} to {to}: {}", decided.say(Lang::En)),
                format!("{from} から {to} への {said}: {}", decided.say(Lang::Ja)),
            ),
            None => (
                format!("no rule passes {said} from {from} to {to}"),
                format!("{from} から {to} への {said} を通過させるルールがない"),
            ),
        }
    }

    pub(super) fn blocked_by_groups(
        &self,
        interface: u32,
        way: Way,
        remote: End,
        packet: &PacketBox,
        travel: Travel,
    ) -> Blocker {
        let groups =
            self.estate.interfaces.get(interface as usize).and_then(|i| i.groups.as_deref()).unwrap_or_default();
        let records: Vec<_> = groups
            .iter()
            .filter_map(|id| self.group.get(id))
            .filter_map(|at| self.estate.security_groups.get(*at as usize))
            .collect();
        let rules: usize =
            records.iter().map(|g| if way == Way::Ingress { g.ingress.len() } else { g.egress.len() }).sum();
        // An answer that its own groups do not know counts in its own ports.
        let service = match travel {
            Travel::Forward => words::service_of(packet),
            Travel::Return => words::service_of(&answer_of(packet)),
        };
        let (said, other) = (words::service(service), say_end(remote, packet));
        let (rule, rule_ja) = match way {
            Way::Ingress => (
                format!("no inbound rule allows {said} from {other}"),
                format!("{other} からの {said} を許可するインバウンドルールがない"),
            ),
            Way::Egress => (
                format!("no outbound rule allows {said} to {other}"),
                format!("{other} への {said} を許可するアウトバウンドルールがない"),
            ),
        };
        let code = if rules == 0 { Code::GroupHasNoRules } else { Code::InterfaceGroupsMismatch };
        let id = groups.first().cloned().unwrap_or_default();
        let change = (!id.is_empty()).then(|| Change::AuthorizeGroup {
            group: id.clone(),
            way: Direction::from(way),
            service,
            range: remote_range(remote, packet, self.family_of(interface)),
        });
        Blocker { rule, rule_ja, change, ..plain(Hop::new(id, Kind::SecurityGroup), code, travel) }
    }

    pub(super) fn family_of(&self, interface: u32) -> Family {
        let first = self.estate.interfaces.get(interface as usize).and_then(|i| i.addresses.first());
        first.map_or(Family::V4, |a| Family::of(a.ip))
    }

    pub(super) fn blocked_by_balancer(&self, at: u32, packet: &PacketBox, travel: Travel) -> Blocker {
        let Some(balancer) = self.estate.load_balancers.get(at as usize) else {
            return plain(Hop::new(SmolStr::default(), Kind::LoadBalancer), Code::ElbV2ListenersMismatch, travel);
        };
        let hop = Hop::new(balancer.id.clone(), Kind::LoadBalancer);
        let listeners = balancer.listeners.as_deref().unwrap_or_default();
        let listens =
            listeners.iter().find(|l| l.port == packet.dst_port.0 && l.protocols.contains(&packet.protocol.0));
        let said = words::service(words::service_of(packet));
        match listens {
            None => {
                let ports: Vec<String> = listeners.iter().map(|l| l.port.to_string()).collect();
                let ports = ports.join(", ");
                let code =
                    if balancer.kind == "classic" { Code::ElbListenersMismatch } else { Code::ElbV2ListenersMismatch };
                Blocker {
                    rule: format!("no listener takes {said} (listeners: {ports})"),
                    rule_ja: format!("{said} を受けるリスナーがない (リスナー: {ports})"),
                    ..plain(hop, code, travel)
                }
            }
            Some(listener) => {
                let none = listener.targets.iter().flatten().all(|g| g.targets.as_ref().is_none_or(Vec::is_empty));
                let code =
                    if none { Code::ElbV2ListenerHasNoTargetGroup } else { Code::ElbV2ListenerRequiresTargetGroup };
                Blocker {
                    rule: format!("no target of the listener on port {} takes what it sends", listener.port),
                    rule_ja: format!("ポート {} のリスナーの転送を受け付けるターゲットがない", listener.port),
                    ..plain(hop, code, travel)
                }
            }
        }
    }
}

/// The addresses that a rule for the remote end has to name.
pub(super) fn remote_range(remote: End, packet: &PacketBox, family: Family) -> IpRange {
    match remote {
        End::At(ip) => IpRange::from(ip),
        End::Far => IpRange::from(family.address(packet.far.first)),
    }
}

pub(super) fn say_end(end: End, packet: &PacketBox) -> String {
    address(end, packet).to_string()
}

/// The address of an end: of the far one the first that the packet has.
pub(super) fn address(end: End, packet: &PacketBox) -> IpAddr {
    match end {
        End::At(ip) => ip,
        End::Far => {
            let family = if packet.far.first > u128::from(u32::MAX) { Family::V6 } else { Family::V4 };
            family.address(packet.far.first)
        }
    }
}

/// The entry that denies a packet, and the entry that would let it through before that.
pub(super) fn blocked_by_acl(acl: &NetworkAcl, way: Way, remote: End, packet: &PacketBox, travel: Travel) -> Blocker {
    let egress = way == Way::Egress;
    // The answer's own ports: they changed sides.
    let own = match travel {
        Travel::Forward => *packet,
        Travel::Return => answer_of(packet),
    };
    let address = match remote {
        End::At(ip) => number(ip),
        End::Far => packet.far.first,
    };
    let family = match remote {
        End::At(ip) => Family::of(ip),
        End::Far if packet.far.first > u128::from(u32::MAX) => Family::V6,
        End::Far => Family::V4,
    };
    let at = own.from(crate::packet::Span { first: address, last: address });
    let mut entries: Vec<_> =
        acl.entries.iter().filter(|e| e.egress == egress && Family::of(e.range.first()) == family).collect();
    entries.sort_by_key(|e| e.number);
    let matched =
        entries.iter().find(|e| PacketBox::of(e.service).from(crate::packet::Span::of(&e.range)).and(&at).is_some());
    let service = words::service_of(&own);
    let asked = service;
    // Answers go to whatever port the client has: a rule for one of them would help one connection.
    let service = match (travel, service.protocol) {
        (Travel::Return, Protocol::Number(TCP | UDP)) if service.ports.0 >= 1024 => {
            Service { ports: (1024, u16::MAX), ..service }
        }
        _ => service,
    };
    let range = IpRange::from(family.address(address));
    let (side, side_ja) =
        if egress { ("outbound", "アウトバウンド") } else { ("inbound", "インバウンド") };
    let said = words::service(asked);
    let hop = Hop::new(acl.id.clone(), Kind::NetworkAcl);
    let before = matched.map_or(32767, |e| e.number);
    let taken: HashSet<u32> = acl.entries.iter().filter(|e| e.egress == egress).map(|e| e.number).collect();
    let free = (1..before.min(32767)).rev().find(|n| !taken.contains(n));
    let change = match (free, matched) {
        (Some(number), _) => Some(Change::CreateAclEntry { acl: acl.id.clone(), egress, number, service, range }),
        (None, Some(entry)) => Some(Change::DeleteAclEntry { acl: acl.id.clone(), egress, number: entry.number }),
        (None, None) => None,
    };
    let (rule, rule_ja) = match matched {
        Some(entry) if entry.number < 32767 => {
            let entry = format!(
                "{} {} {} {}",
                entry.number,
                if entry.allow { "allow" } else { "deny" },
                words::service(entry.service),
                entry.range
            );
            (
                format!("{side} entry {entry} matches {said} ({range})"),
                format!("{side_ja}ルール {entry} が {said} ({range}) に一致する"),
            )
        }
        _ => (
            format!("no {side} entry allows {said} ({range}): * deny"),
            format!("{said} ({range}) を許可する{side_ja}ルールがない: * deny"),
        ),
    };
    Blocker { rule, rule_ja, change, ..plain(hop, Code::SubnetAcl, travel) }
}

/// The answer to a packet, in its own ports.
pub(super) fn answer_of(packet: &PacketBox) -> PacketBox {
    let swapped = PacketBox { src_port: packet.dst_port, dst_port: packet.src_port, ..*packet };
    match (packet.protocol.0, packet.dst_port.0 >> 8) {
        (crate::packet::ICMP, kind) => {
            let answer = match kind {
                8 => 0,
                13 => 14,
                15 => 16,
                17 => 18,
                other => other,
            };
            PacketBox { src_port: crate::packet::ANY_PORT, dst_port: (answer << 8, answer << 8), ..*packet }
        }
        (crate::packet::ICMPV6, kind) => {
            let answer = if kind == 128 { 129 } else { kind };
            PacketBox { src_port: crate::packet::ANY_PORT, dst_port: (answer << 8, answer << 8), ..*packet }
        }
        _ => swapped,
    }
}

pub(super) fn blocker(dead: &Dead, direction: Travel) -> Blocker {
    Blocker {
        component: dead.at.id.clone(),
        kind: dead.at.kind,
        rule: dead.rule.clone(),
        rule_ja: dead.rule_ja.clone(),
        code: dead.code,
        direction,
        change: dead.fix.clone(),
    }
}

pub(super) fn plain(at: Hop, code: Code, direction: Travel) -> Blocker {
    Blocker {
        component: at.id,
        kind: at.kind,
        rule: code.text().to_owned(),
        rule_ja: code.text().to_owned(),
        code,
        direction,
        change: None,
    }
}

pub(super) fn elsewhere(reply: &Leg) -> Blocker {
    let at = reply.hops.last().cloned().unwrap_or(Hop::new(SmolStr::default(), Kind::Vpc));
    Blocker {
        rule: "the answer goes to another host with the same address: the address blocks overlap".to_owned(),
        rule_ja: "応答が同じアドレスを持つ別のホストに届く (CIDR の重複)".to_owned(),
        ..plain(at, Code::NoPath, Travel::Return)
    }
}

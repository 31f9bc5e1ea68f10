//! Why not, in full: every blocker of a way, and a smallest set of changes that opens it.
//!
//! The way is repaired step by step: the first thing that stops a packet is noted with the change that lifts it, the
//! change is made in a copy of the records, and the packet is sent again, until it and its answer pass. What the
//! answer does not need is taken out again, so that no part of the changes alone would do.

use super::{Outcome, Reachable, Trial};
use crate::change::{Change, Direction};
use crate::code::Code;
use crate::estate::{Estate, NetworkAcl, Protocol, Service, Target};
use crate::filter::Way;
use crate::packet::{End, Family, PacketBox, PacketSet, Span, TCP, UDP, number};
use crate::topology::{Network, target_id};
use crate::walk::{Check, Dead, Ending, Goal, Guard, Hop, Kind, Leg, Origin};
use crate::words;
use serde::Serialize;
use smol_str::SmolStr;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
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

/// Why a question has the answer "no".
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explanation {
    /// Every blocker that the records hold, in the order of the way.
    pub blockers: Vec<Blocker>,
    /// What lifts them, and what the lifting needs besides: a smallest set, where it is complete.
    pub changes: Vec<Change>,
    /// Whether the changes together open the way.
    pub complete: bool,
    /// The packet that they open it for.
    pub packet: Option<PacketBox>,
}

/// More steps than any way needs.
const MOST_STEPS: usize = 32;

impl Network {
    /// Explains why none of the trials gets a packet of `asked` there and back.
    pub fn explain(&self, trials: &[Trial], asked: &PacketSet) -> Explanation {
        let Some((trial, outcome)) = self.nearest(trials, asked) else { return Explanation::default() };
        let base = self.around(trials);
        let mut estate = base.clone();
        let (mut here, mut asked_here) = (trial.clone(), asked.clone());
        let mut out = Explanation::default();
        let mut steps: Vec<Blocker> = Vec::new();
        let mut at = Some(outcome);
        for _ in 0..MOST_STEPS {
            let network = Self::new(estate.clone());
            let Some(trial) = moved(self, &network, &here) else { break };
            let outcome = match at.take() {
                // The first look was at the whole network; ids, not places, are taken from it.
                Some(outcome) if outcome.ways.is_empty() => break,
                _ => network.outcome(&trial, &asked_here),
            };
            if outcome.reachable() == Reachable::Yes {
                out.complete = true;
                break;
            }
            let Some((blocker, packet)) = network.first_blocker(&outcome, &trial, &asked_here) else { break };
            if let Some(packet) = packet {
                asked_here = [packet].into_iter().collect();
                if here.far != [Span::ANY] {
                    here.far = vec![packet.far];
                }
                out.packet = Some(packet);
            }
            let change = blocker.change.clone();
            steps.push(blocker);
            match change {
                Some(change) if steps.iter().filter(|b| b.change.as_ref() == Some(&change)).count() == 1 => {
                    change.apply(&mut estate);
                }
                _ => break,
            }
        }
        if out.complete {
            self.shrink(&base, trials, asked, &mut steps);
        }
        self.report(steps, &mut out);
        out
    }

    /// Takes out every step whose change the others make needless.
    fn shrink(&self, base: &Estate, trials: &[Trial], asked: &PacketSet, steps: &mut Vec<Blocker>) {
        let mut at = 0;
        while at < steps.len() && steps.len() > 1 {
            let mut estate = base.clone();
            let others = steps.iter().enumerate().filter(|(i, _)| *i != at).filter_map(|(_, b)| b.change.as_ref());
            others.for_each(|change| change.apply(&mut estate));
            let network = Self::new(estate);
            let mut moved = trials.iter().filter_map(|t| moved(self, &network, t));
            if moved.any(|t| network.outcome(&t, asked).reachable() == Reachable::Yes) {
                steps.remove(at);
            } else {
                at += 1;
            }
        }
    }

    /// Blockers are facts: a step about a component that only a change would make is a change, not a blocker.
    fn report(&self, steps: Vec<Blocker>, out: &mut Explanation) {
        for blocker in steps {
            if let Some(change) = blocker.change.clone().filter(|c| !out.changes.contains(c)) {
                out.changes.push(change);
            }
            let known = blocker.component.is_empty() || !blocker.component.contains("-new-");
            // The same fact may take two changes: a connection, and a route to it.
            let same = |b: &Blocker| Blocker { change: None, ..b.clone() };
            if known && !out.blockers.iter().any(|b| same(b) == same(&blocker)) {
                out.blockers.push(blocker);
            }
        }
    }

    /// The trial that comes nearest to passing, with its outcome: what arrives before what does not, then the one that
    /// fewest filters stop, then the one that comes furthest.
    pub(super) fn nearest<'t>(&self, trials: &'t [Trial], asked: &PacketSet) -> Option<(&'t Trial, Outcome)> {
        let outcomes = trials.iter().map(|t| (t, self.outcome(t, asked)));
        let best = |o: &Outcome| o.ways.iter().map(|w| nearness(w, asked)).max();
        // Of equals the first: that of the primary addresses.
        outcomes.reduce(|best_yet, next| if best(&next.1) > best(&best_yet.1) { next } else { best_yet })
    }

    /// The first thing that stops the packet on the best of the ways, and the packet that is followed from there.
    fn first_blocker(
        &self,
        outcome: &Outcome,
        trial: &Trial,
        asked: &PacketSet,
    ) -> Option<(Blocker, Option<PacketBox>)> {
        let (leg, replies) = outcome.ways.iter().max_by_key(|w| nearness(w, asked))?;
        let reply =
            replies.iter().max_by_key(|r| usize::from(matches!(r.ending, Ending::Arrived(_))) * 1000 + r.hops.len());
        let start: PacketSet = leg.far.iter().map(|far| PacketBox::ANY.from(*far)).collect();
        let start = start.and(asked);
        let back = reply.map(|r| r.checks.as_slice()).unwrap_or_default();
        let checks: Vec<(&Check, Travel)> =
            leg.checks.iter().map(|c| (c, Travel::Forward)).chain(back.iter().map(|c| (c, Travel::Return))).collect();
        let (set, stopped) = follow(&start, &checks);
        let dead_there = match &leg.ending {
            Ending::Dead(dead) => Some(dead),
            _ => None,
        };
        let packet = choose(&set, trial.family)?;
        // What stops the request comes before what stops its answer.
        match (stopped, dead_there) {
            (Some((check, Travel::Forward)), _) => {
                let blocker = self.blocked_by(check, &packet, Travel::Forward);
                let around =
                    || self.detour(leg, trial.family).filter(|_| matches!(check.guard, Guard::Protocol { .. }));
                let change = blocker.change.clone().or_else(around);
                return Some((Blocker { change, ..blocker }, Some(packet)));
            }
            (_, Some(dead)) => return Some((self.dead_end(dead, leg, trial, Travel::Forward), Some(packet))),
            _ => {}
        }
        if let Some((check, Travel::Return)) = stopped {
            return Some((self.blocked_by(check, &packet, Travel::Return), Some(packet)));
        }
        let reply = reply?;
        match &reply.ending {
            Ending::Dead(dead) => Some((self.dead_end(dead, reply, trial, Travel::Return), Some(packet))),
            Ending::Arrived(_) if !self.returns(reply, trial.origin) => Some((elsewhere(reply), Some(packet))),
            _ => None,
        }
    }

    /// Where a way ends, with what would lift it, or lead around.
    fn dead_end(&self, dead: &Dead, leg: &Leg, trial: &Trial, travel: Travel) -> Blocker {
        let change = dead.fix.clone().or_else(|| self.detour(leg, trial.family));
        Blocker { change, ..blocker(dead, travel) }
    }

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

    fn firewall_rule(
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

    fn blocked_by_groups(&self, interface: u32, way: Way, remote: End, packet: &PacketBox, travel: Travel) -> Blocker {
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

    fn family_of(&self, interface: u32) -> Family {
        let first = self.estate.interfaces.get(interface as usize).and_then(|i| i.addresses.first());
        first.map_or(Family::V4, |a| Family::of(a.ip))
    }

    fn blocked_by_balancer(&self, at: u32, packet: &PacketBox, travel: Travel) -> Blocker {
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

    /// A copy of the records with only those interfaces that a way between the ends can involve.
    fn around(&self, trials: &[Trial]) -> Estate {
        let mut keep: BTreeSet<u32> = BTreeSet::new();
        for trial in trials {
            if let Origin::Interface(at, _) = trial.origin {
                keep.insert(at);
            }
            if let End::At(ip) = trial.destination {
                keep.extend(self.vpcs().filter_map(|v| self.owner_of(v, ip)));
                keep.extend(self.public.get(&ip).map(|(at, _)| *at));
            }
            if let Origin::Internet(End::At(ip)) | Origin::Subnet(_, ip) = trial.origin {
                keep.extend(self.public.get(&ip).map(|(at, _)| *at));
            }
        }
        keep.extend(self.interfaces.iter().zip(0..).filter(|(l, _)| l.role.is_some()).map(|(_, at)| at));
        let routes = self.estate.route_tables.iter().flat_map(|t| &t.routes);
        for route in routes.filter(|r| matches!(r.target, Target::Interface(_) | Target::Instance(_))) {
            keep.extend(self.places_of(target_id(&route.target)));
        }
        let listeners = self.estate.load_balancers.iter().flat_map(|b| b.listeners.iter().flatten());
        let groups = listeners.flat_map(|l| l.targets.iter().flatten());
        for target in groups.flat_map(|g| g.targets.iter().flatten()) {
            keep.extend(self.places_of(&target.id));
        }
        let records = keep.iter().filter_map(|at| self.estate.interfaces.get(*at as usize));
        self.estate.with_interfaces(records.cloned().collect())
    }

    /// The interfaces that an id, an instance's id or an address names.
    fn places_of(&self, name: &str) -> Vec<u32> {
        if let Ok(ip) = name.parse() {
            return self.vpcs().filter_map(|v| self.owner_of(v, ip)).collect();
        }
        let of_instance = self.instance.get(name).and_then(|at| self.instance_interfaces.get(at));
        self.interface.get(name).into_iter().chain(of_instance.into_iter().flatten()).copied().collect()
    }
}

/// How near a way comes to passing.
type Nearness = (u8, Reverse<usize>, usize, usize);

/// How near a way comes: an answer that is back counts most, then an arrival, then how few filters stop it, then hops.
pub(super) fn nearness((leg, replies): &(Leg, Vec<Leg>), asked: &PacketSet) -> Nearness {
    let arrived = |l: &Leg| u8::from(!matches!(l.ending, Ending::Dead(_)));
    let stops = |l: &Leg| l.checks.iter().filter(|c| !asked.meets(c.passage.may())).count();
    let reply = replies.iter().map(|r| (arrived(r), Reverse(stops(r)), r.hops.len())).max();
    let (back, Reverse(stopped), length) = reply.unwrap_or((u8::from(replies.is_empty()), Reverse(0), 0));
    (arrived(leg) * (1 + back), Reverse(stops(leg) + stopped), leg.hops.len(), length)
}

/// Follows as many packets as possible through the checks: the packets that reach the first check that stops them
/// all, narrowed to those that pass most of the later ones too; and that check.
fn follow<'c>(start: &PacketSet, checks: &[(&'c Check, Travel)]) -> (PacketSet, Option<(&'c Check, Travel)>) {
    let mut set = start.clone();
    let mut stopped = None;
    for (check, travel) in checks {
        let next = set.and(check.passage.may());
        if !next.is_empty() {
            set = next;
        } else if stopped.is_none() {
            stopped = Some((*check, *travel));
        }
    }
    (set, stopped)
}

/// The packet of a set that people would ask about: TCP to a well-known port from an ephemeral one, if it is in.
pub(super) fn choose(set: &PacketSet, family: Family) -> Option<PacketBox> {
    let one = |protocol: u8, dst: u16| PacketBox {
        protocol: (protocol, protocol),
        dst_port: (dst, dst),
        src_port: (49152, 49152),
        ..PacketBox::ANY
    };
    let any_dst =
        |protocol: u8| PacketBox { protocol: (protocol, protocol), src_port: (49152, 49152), ..PacketBox::ANY };
    let any = |protocol: u8| PacketBox { protocol: (protocol, protocol), ..PacketBox::ANY };
    let wishes = [one(TCP, 443), any_dst(TCP), any(TCP), any_dst(UDP), any(UDP), PacketBox::ANY];
    // An example of an address on the internet, where one is as good as another (RFC 5737, RFC 3849).
    let example = match family {
        Family::V4 => 0xCB00_710A,
        Family::V6 => 0x2001_0DB8_0000_0000_0000_0000_0000_000A,
    };
    let told = |b: &&PacketBox| b.far.contains(example) && b.far != Span::ANY;
    let at_example = |b: &PacketBox| b.from(Span { first: example, last: example });
    let find = |wish: &PacketBox| {
        let near = set.boxes().iter().filter(told).find_map(|b| at_example(b).and(wish));
        near.or_else(|| set.boxes().iter().find_map(|b| b.and(wish)))
    };
    let found = wishes.iter().find_map(find)?;
    PacketSet::from_iter([found]).sample()
}

/// The addresses that a rule for the remote end has to name.
fn remote_range(remote: End, packet: &PacketBox, family: Family) -> IpRange {
    match remote {
        End::At(ip) => IpRange::from(ip),
        End::Far => IpRange::from(family.address(packet.far.first)),
    }
}

fn say_end(end: End, packet: &PacketBox) -> String {
    address(end, packet).to_string()
}

/// The address of an end: of the far one the first that the packet has.
fn address(end: End, packet: &PacketBox) -> IpAddr {
    match end {
        End::At(ip) => ip,
        End::Far => {
            let family = if packet.far.first > u128::from(u32::MAX) { Family::V6 } else { Family::V4 };
            family.address(packet.far.first)
        }
    }
}

/// The entry that denies a packet, and the entry that would let it through before that.
fn blocked_by_acl(acl: &NetworkAcl, way: Way, remote: End, packet: &PacketBox, travel: Travel) -> Blocker {
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
fn answer_of(packet: &PacketBox) -> PacketBox {
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

fn blocker(dead: &Dead, direction: Travel) -> Blocker {
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

fn plain(at: Hop, code: Code, direction: Travel) -> Blocker {
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

fn elsewhere(reply: &Leg) -> Blocker {
    let at = reply.hops.last().cloned().unwrap_or(Hop::new(SmolStr::default(), Kind::Vpc));
    Blocker {
        rule: "the answer goes to another host with the same address: the address blocks overlap".to_owned(),
        rule_ja: "応答が同じアドレスを持つ別のホストに届く (CIDR の重複)".to_owned(),
        ..plain(at, Code::NoPath, Travel::Return)
    }
}

/// The trial in a network of the same records at other places.
fn moved(from: &Network, to: &Network, trial: &Trial) -> Option<Trial> {
    let interface = |at: u32| to.interface.get(&from.estate.interfaces.get(at as usize)?.id).copied();
    let origin = match trial.origin {
        Origin::Interface(at, ip) => Origin::Interface(interface(at)?, ip),
        // Only interfaces are left out of a copy; every other list keeps its order.
        other => other,
    };
    let wanted = match trial.goal.interface {
        Some(at) => Some(interface(at)?),
        None => None,
    };
    let goal = Goal { interface: wanted, ..trial.goal.clone() };
    // An address that the internet did not know becomes known once it has a public one.
    let destination = match (origin, trial.destination) {
        (Origin::Internet(_), End::At(ip)) if !to.public.contains_key(&ip) && !from.has_public(ip) => {
            let owner = goal.interface.or_else(|| to.vpcs().find_map(|v| to.owner_of(v, ip)));
            let owner = owner.and_then(|at| to.estate.interfaces.get(at as usize));
            let public = owner.and_then(|i| i.addresses.iter().find(|a| a.ip == ip)).and_then(|a| a.public);
            End::At(public.unwrap_or(ip))
        }
        (_, other) => other,
    };
    Some(Trial { origin, destination, goal, ..trial.clone() })
}

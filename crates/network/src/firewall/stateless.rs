//! Stateless rules: every packet alone, in the order of the priorities.
//!
//! "Working with stateless rule groups" and `MatchAttributes` of the API reference.

use super::ranges::{Addresses, Ports, Service, boxes};
use super::{Decided, Way};
use crate::packet::{ANY_PORT, ANY_PROTOCOL, PacketBox, PacketSet, TCP, UDP};

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Action {
    /// `aws:pass`.
    #[default]
    Pass,
    /// `aws:drop`.
    Drop,
    /// `aws:forward_to_sfe`: the stateful rules see it.
    Forward,
    /// The rule group was not read.
    Unread,
}

impl Action {
    /// The action of this name; `None` for a custom action's.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "aws:pass" => Self::Pass,
            "aws:drop" => Self::Drop,
            "aws:forward_to_sfe" => Self::Forward,
            _ => return None,
        })
    }
}

/// `TCPFlagField`: of the flags in `masks`, these and no others are set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flags {
    pub set: u8,
    pub masks: u8,
}

/// The bit of a TCP flag.
pub fn flag(name: &str) -> Option<u8> {
    let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
    names.iter().position(|n| *n == name).map(|at| 1 << at)
}

const SYN: u8 = 1 << 1;
const PSH: u8 = 1 << 3;
const ACK: u8 = 1 << 4;

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub group: String,
    pub priority: i64,
    pub action: Action,
    pub source: Addresses,
    pub destination: Addresses,
    pub source_ports: Ports,
    pub destination_ports: Ports,
    /// Protocol numbers; empty: any.
    pub protocols: Vec<u8>,
    /// One of them has to fit; empty: any.
    pub flags: Vec<Flags>,
    pub text: String,
}

/// The stateless half of a policy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// In the order in which they decide.
    pub rules: Vec<Rule>,
    /// `StatelessDefaultActions`.
    pub default: Action,
}

/// Packets by what becomes of them. For TCP: of every packet that a connection sends that way.
#[derive(Debug, Clone, Default)]
pub struct Sorted {
    pub pass: PacketSet,
    pub inspect: PacketSet,
    /// Passed, dropped or inspected: a rule group was not read, or one packet of a connection goes one way and
    /// another the other.
    pub doubt: PacketSet,
    pub unread: Vec<String>,
}

impl Sorted {
    /// What is not dropped for certain.
    pub fn may_go(&self) -> PacketSet {
        self.pass.or(&self.inspect).or(&self.doubt)
    }

    /// The same as packets that these answer.
    pub fn turned(self) -> Self {
        let turn = |set: PacketSet| set.map(|b| Some(super::turned(b)));
        Self { pass: turn(self.pass), inspect: turn(self.inspect), doubt: turn(self.doubt), unread: self.unread }
    }
}

impl Rules {
    /// Sorts the packets on this way.
    pub fn sort(&self, way: Way, packets: &PacketSet) -> Sorted {
        let mut unread: Vec<String> = Vec::new();
        let mut turns = self.flags(way).into_iter().map(|flags| {
            let (mut pass, mut inspect, mut doubt) = (PacketSet::none(), PacketSet::none(), PacketSet::none());
            self.walk(way, packets, flags, &mut |action, rule, hit| match action {
                Action::Pass => pass = pass.or(hit),
                Action::Forward => inspect = inspect.or(hit),
                Action::Drop => {}
                Action::Unread => {
                    doubt = doubt.or(hit);
                    unread.extend(rule.map(|r| r.group.clone()).filter(|g| !unread.contains(g)));
                }
            });
            (pass.minus(&doubt), inspect.minus(&doubt), doubt)
        });
        let Some((mut pass, mut inspect, doubt)) = turns.next() else { return Sorted::default() };
        let mut may = pass.or(&inspect).or(&doubt);
        for turn in turns {
            may = may.and(&turn.0.or(&turn.1).or(&turn.2));
            pass = pass.and(&turn.0);
            inspect = inspect.and(&turn.1);
        }
        Sorted { doubt: may.minus(&pass).minus(&inspect), pass, inspect, unread }
    }

    /// The addresses of each rule.
    pub fn addresses(&self) -> impl Iterator<Item = &Addresses> {
        self.rules.iter().flat_map(|rule| [&rule.source, &rule.destination])
    }

    /// Tells `note` of the rules that drop some of the packets; gives the packets that the stateful rules see.
    pub fn first_drop(&self, way: Way, packets: &PacketSet, note: &mut dyn FnMut(Decided)) -> PacketSet {
        for flags in self.flags(way) {
            let mut certain = true;
            self.walk(way, packets, flags, &mut |action, rule, _| {
                certain &= action != Action::Unread;
                if matches!(action, Action::Drop | Action::Unread) {
                    note(decided(rule, certain));
                }
            });
        }
        self.sort(way, packets).inspect
    }

    /// The flags of the TCP packets that a connection sends this way, as far as rules ask for flags: the handshake's
    /// and those with data.
    fn flags(&self, way: Way) -> Vec<u8> {
        match (self.rules.iter().all(|r| r.flags.is_empty()), way.reply) {
            (true, _) => vec![0],
            (false, true) => vec![SYN | ACK, ACK, ACK | PSH],
            (false, false) => vec![SYN, ACK, ACK | PSH],
        }
    }

    fn walk(&self, way: Way, packets: &PacketSet, flags: u8, visit: &mut dyn FnMut(Action, Option<&Rule>, &PacketSet)) {
        let mut left = packets.clone();
        for rule in &self.rules {
            let (action, boxes) = match rule.boxes(way, flags) {
                Ok(boxes) => (rule.action, boxes),
                Err(any) => (Action::Unread, [any].into_iter().collect()),
            };
            let hit = left.and(&boxes);
            if hit.is_empty() {
                continue;
            }
            visit(action, Some(rule), &hit);
            if action != Action::Unread {
                left = left.minus(&hit);
            }
        }
        if !left.is_empty() {
            visit(self.default, None, &left);
        }
    }
}

fn decided(rule: Option<&Rule>, certain: bool) -> Decided {
    let (group, name, text) = match rule {
        None => (String::new(), "aws:drop".to_owned(), "StatelessDefaultActions".to_owned()),
        Some(r) => (r.group.clone(), format!("priority:{}", r.priority), r.text.clone()),
    };
    Decided { group, rule: name, text, certain, reply: false, stateless: true }
}

impl Rule {
    /// The packets that it matches. Ports are asked of TCP and UDP only, flags of TCP only (`MatchAttributes`).
    /// `Err`: a box that holds them, and more.
    fn boxes(&self, way: Way, flags: u8) -> Result<PacketSet, PacketBox> {
        if !self.source.contains(way.from) || !self.destination.contains(way.to) {
            return Ok(PacketSet::none());
        }
        let protocols: Vec<(u8, u8)> = match self.protocols.as_slice() {
            [] if self.source_ports.is_all() && self.destination_ports.is_all() && self.flags.is_empty() => {
                vec![ANY_PROTOCOL]
            }
            [] => vec![(0, TCP - 1), (TCP, TCP), (TCP + 1, UDP - 1), (UDP, UDP), (UDP + 1, u8::MAX)],
            some => some.iter().map(|p| (*p, *p)).collect(),
        };
        let fits = self.flags.is_empty() || self.flags.iter().any(|f| flags & f.masks == f.set);
        let ports = |ports: &Ports, protocol: (u8, u8)| match protocol {
            (TCP, TCP) | (UDP, UDP) => ports.ranges(),
            _ => vec![ANY_PORT],
        };
        let services: Vec<Service> = protocols
            .into_iter()
            .filter(|protocol| fits || *protocol != (TCP, TCP))
            .map(|protocol| Service {
                source: ports(&self.source_ports, protocol),
                destination: ports(&self.destination_ports, protocol),
                protocol,
            })
            .collect();
        boxes(&services)
    }
}

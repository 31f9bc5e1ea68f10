//! Stateful rules: a connection packet by packet, as the Suricata engine meets it.
//!
//! A TCP connection is judged by its handshake and its data, each both ways; any other by its first packet, the answer
//! and what follows. A rule that looks into the payload matches *possibly*, and only where there is one. A rule
//! without options decides on the flow; one with `flow` and nothing of the payload on each packet ("Managing
//! evaluation order for Suricata compatible rules" and "Limitations and caveats", developer guide; signature types in
//! the Suricata user guide).

use super::options::Asks;
use super::ranges::{Addresses, Ports, Service, Set, Spans, boxes};
use super::suricata::PORTED;
use super::{Decided, Way, turned};
use crate::packet::{ANY_PORT, ICMP, ICMPV6, PacketBox, PacketSet, TCP};
use std::collections::HashSet;
use std::sync::Arc;

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// `pass`.
    Pass,
    /// `drop`, and `reject`, which also answers.
    Drop,
    /// Nobody read it: it may do either.
    Unread,
}

/// A rule, or a rule group that nobody read.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub group: Arc<str>,
    pub action: Action,
    pub protocols: Spans,
    /// `None`: a variable or list that cannot be told.
    pub source: Option<Arc<Addresses>>,
    pub source_ports: Option<Arc<Ports>>,
    pub destination: Option<Arc<Addresses>>,
    pub destination_ports: Option<Arc<Ports>>,
    pub both: bool,
    pub asks: Asks,
    pub text: String,
}

/// `StatefulDefaultActions`, as far as they drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unmatched {
    /// None drops.
    #[default]
    Pass,
    /// `aws:drop_strict`.
    Strict,
    /// `aws:drop_established`: from client to server.
    Established,
    /// `aws:drop_established_app_layer`, also what a server sends unasked, or only `…_to_server`.
    Application {
        /// Both directions.
        both: bool,
    },
}

impl Unmatched {
    fn name(self) -> &'static str {
        match self {
            Self::Pass => "",
            Self::Strict => "aws:drop_strict",
            Self::Established => "aws:drop_established",
            Self::Application { both: true } => "aws:drop_established_app_layer",
            Self::Application { both: false } => "aws:drop_established_app_layer_to_server",
        }
    }

    /// Whether it drops what no rule matched. "For connectionless protocols, such as UDP and ICMP, the drop established
    /// action drops all packets."
    fn drops(self, stage: Stage) -> bool {
        match self {
            Self::Pass => false,
            Self::Strict => true,
            _ if !stage.tcp => true,
            Self::Established | Self::Application { both: false } => stage.data && stage.to_server,
            Self::Application { both: true } => stage.data,
        }
    }
}

/// The stateful half of a policy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// In the order in which they decide; rules that only alert are left out.
    pub rules: Vec<Rule>,
    pub default: Unmatched,
}

/// A packet's place in its connection.
#[derive(Debug, Clone, Copy)]
struct Stage {
    tcp: bool,
    to_server: bool,
    established: bool,
    /// It carries a payload.
    data: bool,
}

const fn stage(tcp: bool, to_server: bool, established: bool, data: bool) -> Stage {
    Stage { tcp, to_server, established, data }
}

const TCP_STAGES: [Stage; 4] = [
    stage(true, true, false, false),
    stage(true, false, false, false),
    stage(true, true, true, true),
    stage(true, false, true, true),
];

const OTHER_STAGES: [Stage; 3] =
    [stage(false, true, false, true), stage(false, false, true, true), stage(false, true, true, true)];

/// Connections that may pass, and that may be dropped: what is in both hangs on the payload.
#[derive(Debug, Default)]
pub struct Judged {
    pub pass: PacketSet,
    pub drop: PacketSet,
}

/// A rule or default action that met some of the packets.
pub struct Seen<'a> {
    rule: Option<&'a Rule>,
    action: Action,
    default: Unmatched,
    reply: bool,
    /// It decides on all of them.
    certain: bool,
}

impl Seen<'_> {
    /// Whether it keeps them from passing.
    pub fn drops(&self) -> bool {
        self.action != Action::Pass
    }

    /// The label of what does not decide on all of them, and whether it is a rule.
    pub fn doubtful(&self) -> Option<(String, bool)> {
        (!self.certain).then(|| (self.label(), self.rule.is_some()))
    }

    /// Group, rule, and the options that cannot be judged.
    fn label(&self) -> String {
        let Some(rule) = self.rule else { return self.default.name().to_owned() };
        [&*rule.group, &rule.name(), &rule.asks.unsure.join(", ")]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The same for an explanation.
    pub fn decided(&self) -> Decided {
        let (group, rule, text) = match self.rule {
            None => (String::new(), self.default.name().to_owned(), "StatefulDefaultActions".to_owned()),
            Some(rule) => (rule.group.to_string(), rule.name(), rule.text.clone()),
        };
        Decided { group, rule, text, certain: self.certain, reply: self.reply, stateless: false }
    }
}

/// What is left of a connection's packets while the rules are asked.
struct Left {
    /// Connections on which nothing is decided.
    open: PacketSet,
    /// Connections of which a packet was let through by itself.
    spared: PacketSet,
    judged: Judged,
}

impl Rules {
    /// Each list of addresses, once where rules share it.
    pub fn addresses(&self) -> impl Iterator<Item = &Addresses> {
        let mut seen = HashSet::new();
        let lists = self.rules.iter().flat_map(|rule| [&rule.source, &rule.destination]).flatten();
        lists.filter(move |list| seen.insert(Arc::as_ptr(list))).map(AsRef::as_ref)
    }

    /// Judges the connections that these packets open. `note` hears of every rule and default action that met some.
    pub fn judge(&self, way: Way, packets: &PacketSet, note: &mut dyn FnMut(&Seen<'_>)) -> Judged {
        let tcp: PacketSet = [PacketBox { protocol: (TCP, TCP), ..PacketBox::ANY }].into_iter().collect();
        let rules: Vec<&Rule> = self.rules.iter().filter(|rule| rule.is_about(way)).collect();
        let mut judged = Judged::default();
        for (open, stages) in [(packets.and(&tcp), &TCP_STAGES[..]), (packets.minus(&tcp), &OTHER_STAGES[..])] {
            let mut left = Left { open, spared: PacketSet::none(), judged };
            for stage in stages {
                if self.default == (Unmatched::Application { both: true }) && stage.tcp && stage.data && stage.to_server
                {
                    self.banner(&rules, way, &mut left, note);
                }
                self.ask(&rules, way, *stage, &mut left, note);
            }
            judged = left.judged;
            judged.pass = judged.pass.or(&left.open);
        }
        judged
    }

    /// A server that speaks first: its packet comes before the client's data, and may be dropped for that.
    fn banner(&self, rules: &[&Rule], way: Way, left: &mut Left, note: &mut dyn FnMut(&Seen<'_>)) {
        let mut first = Left { open: left.open.clone(), spared: PacketSet::none(), judged: Judged::default() };
        self.ask(rules, way, stage(true, false, true, true), &mut first, &mut |seen| {
            note(&Seen { rule: seen.rule, certain: false, ..*seen });
        });
        left.judged.drop = left.judged.drop.or(&first.judged.drop);
    }

    fn ask(&self, rules: &[&Rule], way: Way, stage: Stage, left: &mut Left, note: &mut dyn FnMut(&Seen<'_>)) {
        let mut asked = left.open.clone();
        let mut maybe_spared = PacketSet::none();
        let seen =
            |rule, action, certain| Seen { rule, action, certain, default: self.default, reply: !stage.to_server };
        for rule in rules.iter().copied().filter(|r| r.stands_at(stage)) {
            if asked.is_empty() {
                return;
            }
            let (boxes, certain) = rule.boxes(way, stage);
            let hit = asked.and(&boxes);
            if hit.is_empty() {
                continue;
            }
            note(&seen(Some(rule), rule.action, certain));
            match (rule.action, rule.asks.packet) {
                (Action::Pass, true) if certain => {
                    asked = asked.minus(&hit);
                    if rule.asks.established != Some(false) {
                        left.spared = left.spared.or(&hit);
                    }
                    continue;
                }
                (Action::Pass, true) => maybe_spared = maybe_spared.or(&hit),
                (Action::Pass, false) => left.judged.pass = left.judged.pass.or(&hit),
                (Action::Drop, _) => left.judged.drop = left.judged.drop.or(&hit),
                (Action::Unread, _) => {
                    left.judged.pass = left.judged.pass.or(&hit);
                    left.judged.drop = left.judged.drop.or(&hit);
                }
            }
            if certain {
                left.open = left.open.minus(&hit);
                asked = asked.minus(&hit);
            }
        }
        if self.default.drops(stage) && !asked.is_empty() {
            // Whether a packet that a rule let through by itself takes its flow along, AWS's pages tell both ways.
            let spared = asked.and(&left.spared);
            note(&seen(None, Action::Drop, spared.is_empty() && maybe_spared.is_empty()));
            left.judged.pass = left.judged.pass.or(&spared);
            left.judged.drop = left.judged.drop.or(&asked);
            left.open = left.open.minus(&asked.minus(&maybe_spared));
        }
    }
}

impl Rule {
    /// `sid:N`; empty for what has none.
    fn name(&self) -> String {
        if self.asks.sid.is_empty() { String::new() } else { format!("sid:{}", self.asks.sid) }
    }

    /// Whether its addresses are those of the two ends, in either direction.
    fn is_about(&self, way: Way) -> bool {
        let holds = |list: &Option<Arc<Addresses>>, ip| list.as_ref().is_none_or(|list| list.contains(ip));
        let one = |from, to| holds(&self.source, from) && holds(&self.destination, to);
        one(way.from, way.to) || one(way.to, way.from)
    }

    /// Whether it looks at packets of this stage at all.
    fn stands_at(&self, stage: Stage) -> bool {
        let asks = &self.asks;
        let direction = if stage.to_server { asks.to_server } else { asks.to_client };
        let payload = stage.data || !asks.payload;
        let size = !asks.empty || !stage.tcp || !stage.data;
        direction && payload && size && asks.established.is_none_or(|e| e == stage.established)
    }

    /// The connections whose packet of this stage it matches, and whether it matches all of them for certain.
    fn boxes(&self, way: Way, stage: Stage) -> (PacketSet, bool) {
        let way = if stage.to_server { way } else { way.back() };
        let mut out = self.one_way(way, false);
        if self.both {
            let other = self.one_way(way, true);
            out = (out.0.or(&other.0), out.1 && other.1);
        }
        if !stage.to_server {
            out.0 = out.0.map(|b| Some(turned(b)));
        }
        out
    }

    fn one_way(&self, way: Way, against: bool) -> (PacketSet, bool) {
        let (everyone, every) = (Addresses::all(), Ports::all());
        let mut from = self.source.as_deref().unwrap_or(&everyone);
        let mut to = self.destination.as_deref().unwrap_or(&everyone);
        let mut out = self.source_ports.as_deref().unwrap_or(&every);
        let mut into = self.destination_ports.as_deref().unwrap_or(&every);
        if against {
            std::mem::swap(&mut from, &mut to);
            std::mem::swap(&mut out, &mut into);
        }
        if !from.contains(way.from) || !to.contains(way.to) {
            return (PacketSet::none(), true);
        }
        let known = self.source.is_some()
            && self.destination.is_some()
            && self.source_ports.is_some()
            && self.destination_ports.is_some();
        match boxes(&self.services(out, into, way.reply)) {
            Ok(boxes) => (boxes, known && self.asks.unsure.is_empty() && !self.asks.payload),
            Err(any) => ([any].into_iter().collect(), false),
        }
    }

    /// Its protocols with their ports; a protocol without ports counts as port 0, as it does in Suricata.
    fn services(&self, source: &Ports, destination: &Ports, reply: bool) -> Vec<Service> {
        let protocols = match &self.asks.protocols {
            None => self.protocols.clone(),
            Some(asked) => asked.and(&self.protocols),
        };
        let ranges = |spans: &Spans| -> Vec<(u8, u8)> {
            spans.spans().iter().filter_map(|s| Some((s.first.try_into().ok()?, s.last.try_into().ok()?))).collect()
        };
        if let Some(icmp) = &self.asks.icmp {
            return ranges(&protocols)
                .into_iter()
                .flat_map(|(first, last)| ECHO.into_iter().filter(move |e| first <= e.protocol && e.protocol <= last))
                .map(|echo| Service {
                    protocol: (echo.protocol, echo.protocol),
                    source: vec![ANY_PORT],
                    destination: if reply { echo.answered_by(icmp) } else { icmp.clone() },
                })
                .collect();
        }
        let any = |protocol| Service { protocol, source: vec![ANY_PORT], destination: vec![ANY_PORT] };
        if source.is_all() && destination.is_all() {
            return ranges(&protocols).into_iter().map(any).collect();
        }
        let ported =
            Spans::of(PORTED.iter().map(|p| crate::packet::Span { first: (*p).into(), last: (*p).into() }).collect());
        let mut out: Vec<Service> = ranges(&protocols.and(&ported))
            .into_iter()
            .map(|protocol| Service { protocol, source: source.ranges(), destination: destination.ranges() })
            .collect();
        if source.0.contains(0) && destination.0.contains(0) {
            out.extend(ranges(&protocols.and(&ported.not(u8::MAX.into()))).into_iter().map(any));
        }
        out
    }
}

/// The one ICMP message that has an answer: types of the request and of the reply.
struct Echo {
    protocol: u8,
    request: u16,
    reply: u16,
}

const ECHO: [Echo; 2] =
    [Echo { protocol: ICMP, request: 8, reply: 0 }, Echo { protocol: ICMPV6, request: 128, reply: 129 }];

impl Echo {
    /// The requests whose reply has one of these types and codes.
    fn answered_by(&self, replies: &[(u16, u16)]) -> Vec<(u16, u16)> {
        let answered = replies.iter().any(|(first, last)| *first <= self.reply << 8 && self.reply << 8 <= *last);
        if answered { vec![(self.request << 8, self.request << 8 | 0xff)] } else { Vec::new() }
    }
}

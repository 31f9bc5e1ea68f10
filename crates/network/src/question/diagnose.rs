//! Why can these two not talk? Walked in the order that people use: is it up, security groups, network ACLs both ways,
//! routes both ways, gateways, and what flow logs saw.

use super::case::{CaseAnswer, of_ends};
use super::explain::{Travel, choose, nearness};
use super::{Reachable, Trial};
use crate::packet::{PacketBox, PacketSet};
use crate::topology::Network;
use crate::walk::{Check, Dead, Ending, Guard, Hop, Kind, Leg};
use serde::Serialize;
use smol_str::SmolStr;
use yagura_model::Lang;

/// What a step looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each says itself")]
pub enum Topic {
    Instances,
    SecurityGroups,
    NetworkAcls,
    Routes,
    Gateways,
}

impl Topic {
    /// Every topic, in the order in which people look.
    pub const ALL: [Self; 5] = [Self::Instances, Self::SecurityGroups, Self::NetworkAcls, Self::Routes, Self::Gateways];

    /// Its name.
    pub fn say(self, lang: Lang) -> &'static str {
        let (en, ja) = match self {
            Self::Instances => ("Instances and interfaces", "インスタンスとネットワークインターフェイス"),
            Self::SecurityGroups => ("Security groups", "セキュリティグループ"),
            Self::NetworkAcls => ("Network ACLs, both ways", "ネットワーク ACL（往復）"),
            Self::Routes => ("Routes, both ways", "ルート（往復）"),
            Self::Gateways => ("Gateways and what lies between", "ゲートウェイなど経路上のもの"),
        };
        lang.pick(en, ja)
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// What it belongs to.
    pub topic: Topic,
    /// There, or back.
    pub direction: Travel,
    /// The component.
    pub component: SmolStr,
    /// Its kind.
    pub kind: Kind,
    /// Whether it lets the packet pass: `yes`, `no`, or `unknown` where it was not read.
    pub passes: Reachable,
    /// The rule or route that says so.
    pub rule: String,
    /// The same in Japanese.
    #[serde(skip)]
    pub rule_ja: String,
}

/// The answer, step by step.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnosis {
    /// The answer.
    pub answer: CaseAnswer,
    /// Every step, by topic.
    pub steps: Vec<Step>,
}

impl Network {
    /// Looks at everything on the way that comes furthest.
    pub fn diagnose(&self, question: &str, trials: &[Trial], asked: &PacketSet) -> Diagnosis {
        let asked = &*of_ends(trials, asked);
        let answer = self.decide(question.into(), trials, asked);
        let mut steps = Vec::new();
        if let Some((trial, outcome)) = self.nearest(trials, asked)
            && let Some((leg, replies)) = outcome.ways.iter().max_by_key(|w| nearness(w, asked))
        {
            let start: PacketSet = leg.far.iter().map(|far| PacketBox::ANY.from(*far)).collect();
            let packets = start.and(asked);
            self.look(leg, &packets, trial, Travel::Forward, &mut steps);
            let reply = replies.iter().max_by_key(|r| (matches!(r.ending, Ending::Arrived(_)), r.hops.len()));
            if let Some(reply) = reply {
                self.look(reply, &packets, trial, Travel::Return, &mut steps);
            }
        }
        // What the explanation found beyond the first dead end.
        for blocker in &answer.blocked_by {
            let known = |s: &Step| {
                s.component == blocker.component && s.direction == blocker.direction && s.passes == Reachable::No
            };
            if !steps.iter().any(known) {
                steps.push(Step {
                    topic: topic(blocker.kind),
                    direction: blocker.direction,
                    component: blocker.component.clone(),
                    kind: blocker.kind,
                    passes: Reachable::No,
                    rule: blocker.rule.clone(),
                    rule_ja: blocker.rule_ja.clone(),
                });
            }
        }
        steps.sort_by_key(|s| (s.topic, s.direction != Travel::Forward));
        steps.dedup();
        Diagnosis { answer, steps }
    }

    fn look(&self, leg: &Leg, asked: &PacketSet, trial: &Trial, direction: Travel, steps: &mut Vec<Step>) {
        for hop in leg.hops.iter().filter(|h| {
            !matches!(h.kind, Kind::SecurityGroup | Kind::NetworkAcl | Kind::Subnet | Kind::Vpc | Kind::Internet)
        }) {
            let stopped = matches!(&leg.ending, Ending::Dead(dead) if dead.at.id == hop.id);
            if !stopped {
                steps.push(passed(hop, direction));
            }
        }
        let mut packets = asked.clone();
        for check in &leg.checks {
            let next = packets.and(check.passage.may());
            steps.extend(self.checked(check, &packets, trial, direction));
            if !next.is_empty() {
                packets = next;
            }
        }
        if let Ending::Dead(dead) = &leg.ending {
            steps.push(stopped(dead, direction));
        }
    }

    fn checked(&self, check: &Check, packets: &PacketSet, trial: &Trial, direction: Travel) -> Option<Step> {
        let (certain, possible) = (packets.meets(&check.passage.must), packets.meets(check.passage.may()));
        let sample = choose(packets, trial.family)?;
        let blocker = self.blocked_by(check, &sample, direction);
        let topic = match &check.guard {
            Guard::Groups { .. } => Topic::SecurityGroups,
            Guard::Acl { .. } => Topic::NetworkAcls,
            Guard::Unread(hop) if hop.kind == Kind::RouteTable => Topic::Routes,
            _ => Topic::Gateways,
        };
        let (passes, rule, rule_ja) = match (certain, possible) {
            (true, _) => (Reachable::Yes, "lets it pass".to_owned(), "通す".to_owned()),
            (false, true) => {
                let missing: Vec<String> = check.passage.missing.iter().map(ToString::to_string).collect();
                let missing = missing.join(", ");
                (Reachable::Unknown, format!("not read: {missing}"), format!("未読み取り: {missing}"))
            }
            (false, false) => (Reachable::No, blocker.rule, blocker.rule_ja),
        };
        Some(Step { topic, direction, component: blocker.component, kind: blocker.kind, passes, rule, rule_ja })
    }
}

fn topic(kind: Kind) -> Topic {
    match kind {
        Kind::Instance | Kind::NetworkInterface => Topic::Instances,
        Kind::SecurityGroup => Topic::SecurityGroups,
        Kind::NetworkAcl => Topic::NetworkAcls,
        Kind::RouteTable | Kind::TransitGatewayRouteTable => Topic::Routes,
        _ => Topic::Gateways,
    }
}

fn passed(hop: &Hop, direction: Travel) -> Step {
    let (rule, rule_ja) = match (&hop.route, hop.kind) {
        (Some(route), _) => (route.to_string(), route.to_string()),
        (None, Kind::Instance) => ("running".to_owned(), "実行中".to_owned()),
        (None, Kind::NetworkInterface) => ("in use".to_owned(), "使用中".to_owned()),
        (None, _) => ("carries it".to_owned(), "通る".to_owned()),
    };
    Step {
        topic: topic(hop.kind),
        direction,
        component: hop.id.clone(),
        kind: hop.kind,
        passes: Reachable::Yes,
        rule,
        rule_ja,
    }
}

fn stopped(dead: &Dead, direction: Travel) -> Step {
    Step {
        topic: topic(dead.at.kind),
        direction,
        component: dead.at.id.clone(),
        kind: dead.at.kind,
        passes: Reachable::No,
        rule: dead.rule.clone(),
        rule_ja: dead.rule_ja.clone(),
    }
}

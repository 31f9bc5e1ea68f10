//! The questions: whether one end reaches another, and why not.

pub mod blocked;
pub mod case;
mod class;
mod detour;
pub mod diagnose;
pub mod difference;
pub mod explain;
pub mod exposed;
pub mod flow_log;
mod grant;
pub mod matrix;
pub mod place;
mod trial;

use crate::packet::{End, Family, PacketSet, Span};
use crate::topology::{Missing, Network};
use crate::walk::{Arrival, Ending, Goal, Leg, Origin};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A three-valued answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reachable {
    /// The request arrives and its answer comes back.
    Yes,
    /// It does not.
    No,
    /// What was not read decides.
    Unknown,
}

/// One pair of addresses to try: where a packet starts, and what it is sent to.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Where it starts.
    pub origin: Origin,
    /// Its destination.
    pub destination: End,
    /// The far end's addresses; the whole span where both ends are addresses.
    pub far: Vec<Span>,
    /// The family of both.
    pub family: Family,
    /// What counts as arriving.
    pub goal: Goal,
}

/// The ways of one trial, with the packets that get through.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Each way there, with the ways back from its end.
    pub ways: Vec<(Leg, Vec<Leg>)>,
    /// Packets that arrive, for certain and possibly.
    pub there: (PacketSet, PacketSet),
    /// Packets that arrive and whose answers come back, for certain and possibly.
    pub both: (PacketSet, PacketSet),
}

impl Outcome {
    /// Whether the request and its answer pass.
    pub fn reachable(&self) -> Reachable {
        verdict(&self.both)
    }

    /// The same with the usual route tables in place of those that were not read: ways that need others are left out.
    pub(crate) fn with_usual_routes(mut self, network: &Network, trial: &Trial) -> Self {
        let unusual = |leg: &Leg| matches!(&leg.ending, Ending::Unread(m) if m.call == "DescribeRouteTables");
        self.ways.retain(|(leg, _)| !unusual(leg));
        self.there = (PacketSet::none(), PacketSet::none());
        self.both = (PacketSet::none(), PacketSet::none());
        for (leg, replies) in &self.ways {
            let (_, may) = leg.passing();
            for reply in replies.iter().filter(|r| !unusual(r) && network.returns(r, trial.origin)) {
                self.both.0 = self.both.0.or(&may.and(&reply.passing().1));
            }
            self.there.0 = self.there.0.or(&may);
        }
        self.there.1 = self.there.0.clone();
        self.both.1 = self.both.0.clone();
        self
    }

    /// What was not read along the ways.
    pub fn missing(&self) -> BTreeSet<Arc<Missing>> {
        let legs = self.ways.iter().flat_map(|(there, back)| std::iter::once(there).chain(back));
        legs.flat_map(Leg::missing).cloned().collect()
    }
}

fn verdict((must, may): &(PacketSet, PacketSet)) -> Reachable {
    match (must.is_empty(), may.is_empty()) {
        (false, _) => Reachable::Yes,
        (true, true) => Reachable::No,
        (true, false) => Reachable::Unknown,
    }
}

impl Network {
    /// Tries the packets of `asked` from one end to the other and back.
    pub fn outcome(&self, trial: &Trial, asked: &PacketSet) -> Outcome {
        self.outcome_of(trial, asked, true)
    }

    /// The same for who asks what passes only: answers to requests that nothing passes are not traced.
    pub(crate) fn passing(&self, trial: &Trial, asked: &PacketSet) -> Outcome {
        self.outcome_of(trial, asked, false)
    }

    fn outcome_of(&self, trial: &Trial, asked: &PacketSet, every_answer: bool) -> Outcome {
        let legs = self.request(trial.origin, trial.destination, trial.far.clone(), trial.family, &trial.goal);
        let mut out = Outcome {
            ways: Vec::with_capacity(legs.len()),
            there: (PacketSet::none(), PacketSet::none()),
            both: (PacketSet::none(), PacketSet::none()),
        };
        for leg in legs {
            let (must, may) = leg.passing();
            let (must, may) = (must.and(asked), may.and(asked));
            let replies = match leg.ending {
                Ending::Arrived(_) if every_answer || !may.is_empty() => self.reply(&leg, trial.family),
                Ending::Arrived(_) | Ending::Dead(_) | Ending::Unread(_) => Vec::new(),
            };
            // Coming to a component, or to where nothing more is known, is all that was asked: there is no answer to trace.
            let silent = replies.is_empty();
            if silent {
                out.both = (out.both.0.or(&must), out.both.1.or(&may));
            }
            for reply in &replies {
                let (back, perhaps) =
                    if self.returns(reply, trial.origin) { reply.passing() } else { Default::default() };
                out.both = (out.both.0.or(&must.and(&back)), out.both.1.or(&may.and(&perhaps)));
            }
            out.there = (out.there.0.or(&must), out.there.1.or(&may));
            out.ways.push((leg, replies));
        }
        out
    }
}

impl Network {
    /// Whether an answer came back to where the request started, and not to another that has the same address.
    pub(crate) fn returns(&self, reply: &Leg, origin: Origin) -> bool {
        let Ending::Arrived(arrival) = &reply.ending else { return true };
        match (origin, arrival) {
            (Origin::Interface(at, _), Arrival::Interface(back, _)) => *back == at,
            (Origin::Subnet(at, _), Arrival::Subnet(back, _)) => *back == at,
            // An address of a subnet may be an interface's.
            (Origin::Subnet(at, _), Arrival::Interface(back, _)) => {
                self.interfaces.get(*back as usize).is_some_and(|l| l.subnet == Some(at))
            }
            (Origin::Internet(_), Arrival::Internet) => true,
            // So may a public address.
            (Origin::Internet(End::At(ip)), Arrival::Interface(back, _)) => {
                self.behind_public(ip).is_some_and(|(at, _)| at == *back)
            }
            (Origin::VpnGateway(..), Arrival::VpnGateway(..)) | (Origin::Transit(..), Arrival::Transit(_)) => true,
            _ => false,
        }
    }
}

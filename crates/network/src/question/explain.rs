//! Why not, in full: every blocker of a way, and a smallest set of changes that opens it.
//!
//! The way is repaired step by step: the first thing that stops a packet is noted with the change that lifts it, the
//! change is made in a copy of the records, and the packet is sent again, until it and its answer pass. What the
//! answer does not need is taken out again, so that no part of the changes alone would do.

pub use super::blocked::{Blocker, Travel};
use super::blocked::{blocker, elsewhere};
use super::{Outcome, Reachable, Trial};
use crate::change::Change;
use crate::estate::{Estate, Target};
use crate::packet::{End, Family, PacketBox, PacketSet, Span, TCP, UDP};
use crate::topology::{Network, target_id};
use crate::walk::{Check, Dead, Ending, Goal, Guard, Leg, Origin};
use std::cmp::Reverse;
use std::collections::BTreeSet;

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

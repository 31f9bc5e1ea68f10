//! Which flows a closed port would have cut: what security groups let in before, and no more after.

use super::Flow;
use crate::plan::Plan;
use crate::remedy::value_of;
use serde_json::json;
use smol_str::SmolStr;
use std::collections::HashMap;
use std::net::IpAddr;
use yagura_model::IpRange;
use yagura_network::estate::{Estate, GroupRule, Home, Peer, Protocol, Service};
use yagura_network::packet::{Family, PacketBox, PacketSet, Span};
use yagura_network::read::Reader;

/// The first port that clients are given (IANA; RFC 6335 names 49152, Linux begins at 32768, NAT gateways at 1024).
const CLIENT_PORTS: u16 = 1024;

/// What a plan takes out of security groups, at each interface behind them.
pub struct Cut {
    interfaces: HashMap<SmolStr, At>,
}

/// An interface.
struct At {
    addresses: Vec<IpAddr>,
    /// What is let in no more, by address family.
    gone: [PacketSet; 2],
    /// Whether a rule that stays lets in what was not read: a prefix list, the members of a group.
    unsure: Vec<Service>,
}

impl Cut {
    /// By the interfaces and groups that were read; `None` where no interface of the groups was.
    pub fn new(plan: &Plan, network: &Estate) -> Option<Self> {
        let mut revoked: HashMap<SmolStr, Vec<GroupRule>> = HashMap::new();
        for step in plan.steps.iter().filter(|s| s.call.call == "ec2:RevokeSecurityGroupIngress") {
            let group = step.call.with.get("GroupId")?.as_str()?;
            let home = Home { account: step.call.account.clone(), region: step.call.region.clone() };
            let permissions = step.call.with.get("IpPermissions").cloned().unwrap_or_default();
            let document = json!({"SecurityGroups": [{
                "GroupId": group, "VpcId": "-", "OwnerId": step.call.account, "IpPermissions": permissions,
            }]});
            let mut reader = Reader::new();
            reader.answer(&value_of(document), &home).ok()?;
            let rules = reader.finish().security_groups.into_iter().flat_map(|g| g.ingress);
            revoked.entry(group.into()).or_default().extend(rules);
        }
        let mut interfaces = HashMap::new();
        for interface in &network.interfaces {
            let groups = interface.groups.as_deref().unwrap_or_default();
            if !groups.iter().any(|g| revoked.contains_key(g)) {
                continue;
            }
            let (mut gone, mut unsure) = ([PacketSet::none(), PacketSet::none()], Vec::new());
            let mut stays = [PacketSet::none(), PacketSet::none()];
            for group in groups {
                let away = revoked.get(group).map(Vec::as_slice).unwrap_or_default();
                away.iter().for_each(|rule| add(rule, &mut gone));
                match network.security_groups.iter().find(|g| g.id == *group) {
                    Some(group) => {
                        let same =
                            |rule: &&GroupRule| away.iter().any(|a| a.service == rule.service && a.peer == rule.peer);
                        for rule in group.ingress.iter().filter(|r| !same(r)) {
                            match rule.peer {
                                Peer::Range(_) => add(rule, &mut stays),
                                _ => unsure.push(rule.service),
                            }
                        }
                    }
                    None => unsure.push(Service { protocol: Protocol::Any, ports: (0, u16::MAX) }),
                }
            }
            let [v4, v6] = &gone;
            let [stays4, stays6] = &stays;
            let gone = [v4.minus(stays4), v6.minus(stays6)];
            let addresses = interface.addresses.iter().map(|a| a.ip).collect();
            interfaces.insert(interface.id.clone(), At { addresses, gone, unsure });
        }
        (!interfaces.is_empty()).then_some(Self { interfaces })
    }

    /// Whether a flow would have been stopped; `None`: what was read does not tell.
    pub fn stops(&self, flow: &Flow<'_>) -> Option<bool> {
        let Some(at) = self.interfaces.get(flow.interface) else { return Some(false) };
        let (Ok(from), Ok(to)) = (flow.from.parse::<IpAddr>(), flow.to.parse::<IpAddr>()) else { return Some(false) };
        if !at.addresses.contains(&to) {
            return Some(false);
        }
        let Some(range) = IpRange::parse(flow.from) else { return Some(false) };
        let service = Service { protocol: Protocol::Number(flow.protocol), ports: (flow.port, flow.port) };
        let packet = PacketBox::of(service).from(Span::of(&range));
        let [v4, v6] = &at.gone;
        let gone = if Family::of(from) == Family::V4 { v4 } else { v6 };
        if !gone.boxes().iter().any(|b| b.and(&packet).is_some()) {
            return Some(false);
        }
        // Security groups let answers in whatever their rules say; a record does not tell an answer from a request.
        let answer = flow.from_port < CLIENT_PORTS && flow.port >= CLIENT_PORTS;
        let kept = at.unsure.iter().any(|s| PacketBox::of(*s).and(&packet).is_some());
        if answer || kept { None } else { Some(true) }
    }
}

fn add(rule: &GroupRule, sets: &mut [PacketSet; 2]) {
    let Peer::Range(range) = &rule.peer else { return };
    let [v4, v6] = sets;
    let set = if Family::of(range.first()) == Family::V4 { v4 } else { v6 };
    set.add(PacketBox::of(rule.service).from(Span::of(range)));
}

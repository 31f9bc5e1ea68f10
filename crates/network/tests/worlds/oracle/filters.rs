//! Security groups and network ACLs.

use super::{ICMP, Oracle, Packet, TCP, Through, UDP};
use smol_str::SmolStr;
use std::net::IpAddr;
use yagura_model::IpRange;
use yagura_network::estate::{GroupRule, Interface, Peer, Protocol, Service};

impl Oracle<'_> {
    /// Whether some outbound rule of the interface's groups allows the packet
    /// (`vpc/latest/userguide/vpc-security-groups`).
    pub(super) fn groups_let_out(&self, interface: &Interface, packet: Packet) -> bool {
        let remote = self.groups_of(interface, packet.destination, None);
        self.rules(interface, false).any(|r| self.rule_allows(r, packet, packet.destination, &remote))
    }

    /// Whether some inbound rule of the interface's groups allows the packet.
    pub(super) fn groups_let_in(&self, interface: &Interface, packet: Packet, through: Through) -> bool {
        let remote = self.groups_of(interface, packet.source, Some(through));
        self.rules(interface, true).any(|r| self.rule_allows(r, packet, packet.source, &remote))
    }

    fn rules(&self, interface: &Interface, inbound: bool) -> impl Iterator<Item = &GroupRule> {
        let ids = interface.groups.as_deref().unwrap_or_default();
        let own = ids.iter().filter_map(|id| self.estate.security_groups.iter().find(|g| g.id == *id));
        own.flat_map(move |g| if inbound { &g.ingress } else { &g.egress })
    }

    fn rule_allows(&self, rule: &GroupRule, packet: Packet, remote: IpAddr, groups: &[SmolStr]) -> bool {
        let peer = match &rule.peer {
            Peer::Range(range) => range.contains(remote),
            Peer::PrefixList(id) => self.prefix_list(id).iter().any(|c| c.contains(remote)),
            Peer::Group(id) => groups.contains(id),
        };
        peer && serves(rule.service, packet)
    }

    /// The groups of what has an address, as rules of an interface see them: in its own VPC, through a peering
    /// connection in the same Region (`vpc/latest/peering/vpc-peering-security-groups`), or through a transit gateway
    /// with security group referencing on it and on both attachments (`vpc/latest/tgw/tgw-vpc-attachments`).
    fn groups_of(&self, interface: &Interface, remote: IpAddr, through: Option<Through>) -> Vec<SmolStr> {
        if matches!(through, Some(Through::Appliance | Through::Internet)) {
            return Vec::new();
        }
        let groups = |i: &Interface| i.groups.clone().unwrap_or_default();
        if self.in_vpc(&interface.vpc, remote) {
            return self.owner(&interface.vpc, remote).map(groups).unwrap_or_default();
        }
        let may = |way: Through| through.is_none_or(|t| t == way);
        for vpc in self.estate.vpcs.iter().filter(|v| v.id != interface.vpc && self.in_vpc(&v.id, remote)) {
            let same_region = self.vpc(&interface.vpc).is_some_and(|own| own.home.region == vpc.home.region);
            let peered = may(Through::Peering) && self.peered(&interface.vpc, &vpc.id);
            let attached = may(Through::Transit) && self.referencing(&interface.vpc, &vpc.id);
            if same_region && (peered || attached) {
                return self.owner(&vpc.id, remote).map(groups).unwrap_or_default();
            }
        }
        Vec::new()
    }

    fn peered(&self, a: &SmolStr, b: &SmolStr) -> bool {
        self.estate.peerings.iter().any(|p| {
            let ends = [&p.requester.vpc, &p.accepter.vpc];
            p.status == "active" && ends.contains(&a) && ends.contains(&b)
        })
    }

    fn referencing(&self, a: &SmolStr, b: &SmolStr) -> bool {
        self.estate.transit_gateways.iter().filter(|t| t.group_references).any(|gateway| {
            [a, b].into_iter().all(|vpc| {
                let mut all = self.estate.transit_attachments.iter();
                all.any(|t| t.transit_gateway == gateway.id && t.resource == *vpc && t.group_references)
            })
        })
    }

    pub(super) fn prefix_list(&self, id: &SmolStr) -> &[IpRange] {
        let list = self.estate.prefix_lists.iter().find(|p| p.id == *id);
        list.and_then(|p| p.cidrs.as_deref()).unwrap_or_default()
    }

    /// Whether the network ACL of a subnet lets the packet out or in: the entry with the lowest number that matches
    /// decides, and what none matches is denied (`vpc/latest/userguide/nacl-basics`).
    pub(super) fn acl_lets(&self, subnet: &SmolStr, out: bool, packet: Packet) -> bool {
        let vpc = self.subnet(subnet).map(|s| &s.vpc);
        let named = self.estate.network_acls.iter().find(|a| a.subnets.contains(subnet));
        let acl = named.or_else(|| self.estate.network_acls.iter().find(|a| a.default && Some(&a.vpc) == vpc));
        let Some(acl) = acl else { return false };
        let remote = if out { packet.destination } else { packet.source };
        let matches =
            acl.entries.iter().filter(|e| e.egress == out && e.range.contains(remote) && serves(e.service, packet));
        matches.min_by_key(|e| e.number).is_some_and(|e| e.allow)
    }
}

/// Whether a rule's protocol and ports are the packet's.
fn serves(service: Service, packet: Packet) -> bool {
    match service.protocol {
        Protocol::Any => true,
        Protocol::Number(number) if number != packet.protocol => false,
        Protocol::Number(TCP | UDP | ICMP) => (service.ports.0..=service.ports.1).contains(&packet.port),
        Protocol::Number(_) => true,
    }
}

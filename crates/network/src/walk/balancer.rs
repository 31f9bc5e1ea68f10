//! Load balancers: their listeners, and whether a target behind one takes what it sends.

use super::{Arrival, Check, Ending, Goal, Guard, Hop, Kind, Leg, Origin, Packet, Walker, answered};
use crate::estate::{Listener, LoadBalancer, LoadBalancerTarget, TargetGroup};
use crate::filter::{Passage, Remote, Way};
use crate::packet::{ANY_PORT, End, Family, PacketBox, PacketSet, Span};
use crate::topology::{Missing, Network, Role};
use smol_str::SmolStr;
use std::net::IpAddr;
use std::sync::Arc;

impl Walker<'_> {
    /// Asks a load balancer that the packet came to: what passes is what a listener takes and some target behind it
    /// accepts (`elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works`). Unhealthy targets count: where no
    /// target is healthy, all are tried.
    pub(super) fn check_balancer(&self, at: u32, interface: u32, packet: &Packet, leg: &mut Leg) {
        let Some(balancer) = self.net.estate.load_balancers.get(at as usize) else { return };
        let passage = self.net.balanced(balancer, interface, packet.source, self.family);
        // Which far addresses pass does not hang on the port that a translator chose.
        leg.checks.push(Check { guard: Guard::Balancer(at), passage, after: leg.hops.len() });
    }

    /// Asks the Network Load Balancers behind an interface endpoint whose endpoint service was read too. They see
    /// addresses of their own, not the client's (`vpc/latest/privatelink/create-endpoint-service`).
    pub(super) fn check_service(&self, endpoint: u32, leg: &mut Leg) {
        let estate = &self.net.estate;
        let Some(endpoint) = estate.endpoints.get(endpoint as usize) else { return };
        let Some(service) = estate.endpoint_services.iter().find(|s| s.name == endpoint.service) else { return };
        let behind = |arn: &SmolStr| estate.load_balancers.iter().zip(0u32..).find(|(b, _)| b.id == *arn);
        for (balancer, at) in service.load_balancers.iter().filter_map(behind) {
            let own = balancer.interfaces.iter().filter_map(|i| self.net.interface.get(i).copied()).find_map(|i| {
                let addresses = &estate.interfaces.get(i as usize)?.addresses;
                Some((i, addresses.iter().find(|a| Family::of(a.ip) == self.family)?.ip))
            });
            let Some((interface, ip)) = own else { continue };
            leg.hops.push(Hop::new(service.id.clone(), Kind::Service));
            leg.hops.push(Hop::new(balancer.id.clone(), Kind::LoadBalancer));
            let passage = self.net.balanced(balancer, interface, End::At(ip), self.family);
            leg.checks.push(Check { guard: Guard::Balancer(at), passage, after: leg.hops.len() });
            // One balancer of a service is enough; they carry the same ports.
            break;
        }
    }
}

const RULES: &str = "elasticloadbalancing:DescribeRules";

impl Network {
    /// The packets that a load balancer takes at one of its interfaces and brings to some target.
    fn balanced(&self, balancer: &LoadBalancer, interface: u32, client: End, family: Family) -> Passage {
        let Some(listeners) = &balancer.listeners else {
            let call = if balancer.kind == "classic" {
                "elasticloadbalancing:DescribeLoadBalancers"
            } else {
                "elasticloadbalancing:DescribeListeners"
            };
            return Passage::unknown(self.hole(call, &balancer.id, &balancer.home));
        };
        let (mut must, mut may, mut holes) = (PacketSet::none(), PacketSet::none(), Vec::new());
        for listener in listeners {
            let (certain, possible) = self.behind_listener(balancer, listener, interface, client, family, &mut holes);
            for protocol in &listener.protocols {
                let port = PacketBox {
                    protocol: (*protocol, *protocol),
                    dst_port: (listener.port, listener.port),
                    ..PacketBox::ANY
                };
                certain.boxes().iter().for_each(|b| must.add(port.from(b.far)));
                possible.boxes().iter().for_each(|b| may.add(port.from(b.far)));
            }
        }
        let may = (!holes.is_empty()).then_some(may);
        Passage { must, may, missing: holes }
    }

    /// The clients that some target of a listener serves: boxes of far addresses.
    fn behind_listener(
        &self,
        balancer: &LoadBalancer,
        listener: &Listener,
        interface: u32,
        client: End,
        family: Family,
        holes: &mut Vec<Arc<Missing>>,
    ) -> (PacketSet, PacketSet) {
        if listener.answers {
            return (PacketSet::all(), PacketSet::all());
        }
        let Some(groups) = &listener.targets else {
            holes.push(self.hole("elasticloadbalancing:DescribeTargetGroups", &balancer.id, &balancer.home));
            return (PacketSet::none(), PacketSet::all());
        };
        let (mut must, mut may) = (PacketSet::none(), PacketSet::none());
        for group in groups {
            let Some(targets) = &group.targets else {
                holes.push(self.hole("elasticloadbalancing:DescribeTargetHealth", &group.id, &balancer.home));
                may.add(PacketBox::ANY);
                continue;
            };
            for target in targets {
                let (certain, possible) = self.serves(balancer, group, target, interface, client, family, holes);
                must = must.or(&certain);
                may = may.or(&possible);
                if must.is_all() {
                    return (must, may);
                }
            }
        }
        // Rules that nobody told may forward elsewhere, or answer.
        if balancer.kind == "application"
            && let Some(hole) = self.unanswered(RULES, &balancer.id, &balancer.home)
        {
            holes.push(hole);
            may = PacketSet::all();
        }
        (must, may)
    }

    /// The clients whose packets a target takes from the load balancer.
    #[allow(clippy::too_many_arguments, reason = "one target of one group of one listener, seen from one client")]
    pub(crate) fn serves(
        &self,
        balancer: &LoadBalancer,
        group: &TargetGroup,
        target: &LoadBalancerTarget,
        interface: u32,
        client: End,
        family: Family,
        holes: &mut Vec<Arc<Missing>>,
    ) -> (PacketSet, PacketSet) {
        let everyone = || (PacketSet::all(), PacketSet::all());
        if target.id.starts_with("arn:") {
            // A function or another load balancer: no packet of the VPC goes there.
            return everyone();
        }
        let own = match self
            .estate
            .interfaces
            .get(interface as usize)
            .and_then(|i| i.addresses.iter().find(|a| Family::of(a.ip) == family))
        {
            Some(own) => own.ip,
            None => return everyone(),
        };
        let Some((at, ip)) = self.target_interface(target, interface, family) else {
            let call =
                if target.id.parse::<IpAddr>().is_ok() { "DescribeNetworkInterfaces" } else { "DescribeInstances" };
            return match self.unanswered(call, &target.id, &balancer.home) {
                Some(hole) => {
                    holes.push(hole);
                    (PacketSet::none(), PacketSet::all())
                }
                // An address outside of AWS, or a target that is gone.
                None if target.id.parse::<IpAddr>().is_ok() => everyone(),
                None => (PacketSet::none(), PacketSet::none()),
            };
        };
        if self.interfaces.get(at as usize).is_some_and(|l| matches!(l.role, Some(Role::LoadBalancer(_)))) {
            // A load balancer behind a load balancer answers for itself.
            return everyone();
        }
        let wanted: PacketSet = [PacketBox {
            protocol: (group.protocol, group.protocol),
            dst_port: (target.port, target.port),
            src_port: (1024, u16::MAX),
            ..PacketBox::ANY
        }]
        .into_iter()
        .collect();
        let goal = Goal::default();
        let (mut must, mut may) = (PacketSet::none(), PacketSet::none());
        for mut leg in self.request(Origin::Interface(interface, own), End::At(ip), vec![Span::ANY], family, &goal) {
            if group.preserve_client_ip {
                self.seen_by_client(balancer, &mut leg, at, client, family);
            }
            let (there, perhaps_there) = leg.passing();
            let mut back = if matches!(leg.ending, Ending::Arrived(Arrival::Interface(..))) {
                self.reply(&leg, family)
            } else {
                Vec::new()
            };
            if group.preserve_client_ip {
                back.iter_mut().for_each(|answer| self.acl_sees_client(answer, at, Way::Egress, client, family));
            }
            for answer in back {
                let (back, perhaps_back) = answer.passing();
                must = must.or(&there.and(&back).and(&wanted));
                may = may.or(&perhaps_there.and(&perhaps_back).and(&wanted));
            }
            holes.extend(leg.missing().cloned());
        }
        let clients =
            |set: &PacketSet| set.map(|b| Some(PacketBox { src_port: ANY_PORT, ..PacketBox::ANY }.from(b.far)));
        (clients(&must), clients(&may))
    }

    /// A Network Load Balancer that keeps the client's address: the target's groups see the client, and rules that name the
    /// load balancer's groups hold all the same (`elasticloadbalancing/latest/network/load-balancer-security-groups`).
    fn seen_by_client(&self, balancer: &LoadBalancer, leg: &mut Leg, target: u32, client: End, family: Family) {
        self.acl_sees_client(leg, target, Way::Ingress, client, family);
        for check in &mut leg.checks {
            if let Guard::Groups { interface, way: Way::Ingress, remote } = &mut check.guard
                && *interface == target
            {
                *remote = client;
                check.passage = self.groups_allow(
                    target,
                    Way::Ingress,
                    &Remote { end: client, family, groups: Ok(&balancer.groups) },
                );
            }
        }
    }

    /// So does the network ACL of the target's subnet
    /// (`elasticloadbalancing/latest/network/target-group-register-targets`, "Network ACLs").
    fn acl_sees_client(&self, leg: &mut Leg, target: u32, way: Way, client: End, family: Family) {
        let own = self.interfaces.get(target as usize).and_then(|l| l.subnet);
        for check in &mut leg.checks {
            if let Guard::Acl { acl: Some(acl), subnet, way: through, remote } = &mut check.guard
                && Some(*subnet) == own
                && *through == way
                && let Some((_, filter)) = self.acl_filter(*acl)
            {
                *remote = client;
                let passing = filter.allows(way, family, client);
                check.passage = Passage::exactly(match way {
                    Way::Ingress => passing,
                    Way::Egress => answered(&passing, family),
                });
            }
        }
    }

    /// The interface and address of a target.
    fn target_interface(&self, target: &LoadBalancerTarget, from: u32, family: Family) -> Option<(u32, IpAddr)> {
        if let Ok(ip) = target.id.parse::<IpAddr>() {
            let own = self.interfaces.get(from as usize)?.vpc?;
            let owner = self.owner_of(own, ip).or_else(|| self.vpcs().find_map(|vpc| self.owner_of(vpc, ip)));
            return Some((owner?, ip));
        }
        let instance = self.instance.get(&target.id)?;
        let at = *self.instance_interfaces.get(instance)?.first()?;
        let address = self.estate.interfaces.get(at as usize)?.addresses.iter().find(|a| Family::of(a.ip) == family)?;
        Some((at, address.ip))
    }
}

//! Gateways, connections between VPCs, and the route tables that lead to them.

use super::places::public;
use super::{Build, id, range};
use smol_str::SmolStr;
use yagura_model::IpRange;
use yagura_network::estate::{
    Address, BlockMode, BlockPublicAccess, Destination, Endpoint, Exclusion, Interface, InternetGateway, NatGateway,
    Peering, PeeringSide, PrefixList, Route, RouteTable, Target, TransitAttachment, TransitGateway, TransitRoute,
    TransitRouteTable,
};

impl Build {
    pub fn ways(&mut self) {
        for vpc in 0..self.estate.vpcs.len() {
            self.gateways(vpc);
        }
        self.peerings();
        if self.estate.vpcs.len() > 1 && self.chance(60) {
            self.transit_gateway();
        }
        for vpc in 0..self.estate.vpcs.len() {
            self.tables(vpc);
        }
        if self.chance(15) {
            self.block_public_access();
        }
    }

    fn gateways(&mut self, at: usize) {
        let vpc = self.estate.vpcs[at].clone();
        let gateway = |kind, attached: bool| InternetGateway {
            id: id(kind, at),
            home: vpc.home.clone(),
            vpcs: if attached { vec![vpc.id.clone()] } else { Vec::new() },
        };
        if self.chance(80) {
            let attached = self.chance(95);
            self.estate.internet_gateways.push(gateway("igw", attached));
        }
        if self.chance(40) {
            self.estate.egress_only_internet_gateways.push(gateway("eigw", true));
        }
        if self.chance(45) {
            self.nat_gateway(at);
        }
        if self.chance(30) {
            self.gateway_endpoint(at);
        }
    }

    fn nat_gateway(&mut self, at: usize) {
        let vpc = self.estate.vpcs[at].clone();
        let subnets: Vec<_> = self.estate.subnets.iter().filter(|s| s.vpc == vpc.id).cloned().collect();
        let subnet = self.pick(&subnets);
        let number = self.estate.interfaces.len();
        let is_public = self.chance(75);
        let std::net::IpAddr::V4(first) = subnet.cidrs[0].first() else { return };
        let ip = std::net::Ipv4Addr::from(u32::from(first) + 200).into();
        let addresses = vec![Address { ip, public: is_public.then(|| public(number)) }];
        let interface = id("eni-nat", at);
        let state = if self.chance(8) { "failed" } else { "available" };
        self.estate.nat_gateways.push(NatGateway {
            id: id("nat", at),
            home: vpc.home.clone(),
            vpc: vpc.id.clone(),
            subnet: subnet.id.clone(),
            state: state.into(),
            public: is_public,
            addresses: addresses.clone(),
            interfaces: vec![interface.clone()],
        });
        self.estate.interfaces.push(Interface {
            id: interface,
            home: vpc.home,
            vpc: vpc.id,
            subnet: subnet.id,
            addresses,
            groups: Some(Vec::new()),
            source_dest_check: false,
            kind: "nat_gateway".into(),
            in_use: true,
            ..Default::default()
        });
    }

    fn gateway_endpoint(&mut self, at: usize) {
        let vpc = self.estate.vpcs[at].clone();
        let service = SmolStr::new_static("com.amazonaws.us-east-1.s3");
        if !self.estate.prefix_lists.iter().any(|p| p.name == service) {
            let cidrs = Some(vec![range("52.216.0.0/15")]);
            let home = vpc.home.clone();
            self.estate.prefix_lists.push(PrefixList { id: "pl-s3".into(), home, name: service.clone(), cidrs });
        }
        self.estate.endpoints.push(Endpoint {
            id: id("vpce", at),
            home: vpc.home,
            vpc: vpc.id,
            kind: "Gateway".into(),
            service,
            state: "available".into(),
            ..Default::default()
        });
    }

    fn peerings(&mut self) {
        let side = |build: &Self, at: usize| {
            let vpc = &build.estate.vpcs[at];
            PeeringSide { vpc: vpc.id.clone(), home: vpc.home.clone(), cidrs: vpc.cidrs.clone() }
        };
        for (a, b) in [(0, 1), (1, 2), (2, 0)] {
            if a.max(b) >= self.estate.vpcs.len() || !self.chance(50) {
                continue;
            }
            let status = if self.chance(80) { "active" } else { self.pick(&["pending-acceptance", "rejected"]) };
            let number = self.estate.peerings.len();
            let (requester, accepter) = (side(self, a), side(self, b));
            self.estate.peerings.push(Peering {
                id: id("pcx", number),
                home: requester.home.clone(),
                status: status.into(),
                requester,
                accepter,
            });
        }
    }

    fn transit_gateway(&mut self) {
        let gateway = id("tgw", 0);
        let group_references = self.chance(50);
        let home = super::home();
        let state = SmolStr::new_static("available");
        let record = TransitGateway { id: gateway.clone(), home: home.clone(), state, group_references };
        self.estate.transit_gateways.push(record);
        for at in 0..self.estate.vpcs.len() {
            if self.chance(10) {
                continue;
            }
            let vpc = self.estate.vpcs[at].id.clone();
            let mut subnets: Vec<SmolStr> = Vec::new();
            let mut zones = Vec::new();
            for subnet in self.estate.subnets.iter().filter(|s| s.vpc == vpc) {
                if !zones.contains(&subnet.zone) && self.rng.u8(0..100) < 85 {
                    zones.push(subnet.zone.clone());
                    subnets.push(subnet.id.clone());
                }
            }
            if subnets.is_empty() {
                continue;
            }
            let state = if self.chance(8) { "pendingAcceptance" } else { "available" };
            let route_table = (!self.chance(6)).then(|| id("tgw-rtb", self.rng.usize(0..2)));
            let group_references = self.chance(70);
            self.estate.transit_attachments.push(TransitAttachment {
                id: id("tgw-attach", at),
                home: home.clone(),
                transit_gateway: gateway.clone(),
                kind: "vpc".into(),
                resource: vpc,
                state: state.into(),
                subnets: Some(subnets),
                route_table,
                appliance_mode: false,
                group_references,
            });
        }
        for number in 0..2 {
            self.transit_table(&gateway, number);
        }
    }

    fn transit_table(&mut self, gateway: &SmolStr, number: usize) {
        let attachments: Vec<_> = self.estate.transit_attachments.iter().map(|a| a.id.clone()).collect();
        let propagations = attachments.iter().filter(|_| self.rng.u8(0..100) < 75).cloned().collect();
        let mut routes = Vec::new();
        for _ in 0..self.rng.usize(0..=2) {
            if attachments.is_empty() {
                break;
            }
            let blackhole = self.chance(35);
            let target = self.pick(&attachments);
            let destination = self.block(false);
            if routes.iter().any(|r: &TransitRoute| r.destination == destination) {
                continue;
            }
            let attachments = if blackhole { Vec::new() } else { vec![target] };
            routes.push(TransitRoute { destination, attachments, blackhole, propagated: false });
        }
        self.estate.transit_route_tables.push(TransitRouteTable {
            id: id("tgw-rtb", number),
            home: super::home(),
            transit_gateway: gateway.clone(),
            routes: Some(routes),
            propagations,
        });
    }

    fn tables(&mut self, at: usize) {
        let vpc = self.estate.vpcs[at].clone();
        let subnets: Vec<_> = self.estate.subnets.iter().filter(|s| s.vpc == vpc.id).map(|s| s.id.clone()).collect();
        let mut left = subnets;
        for main in [true, false, false] {
            let named = if main { Vec::new() } else { left.split_off(left.len() - self.rng.usize(0..=left.len())) };
            let routes = self.routes(at);
            self.estate.route_tables.push(RouteTable {
                id: id("rtb", self.estate.route_tables.len()),
                home: vpc.home.clone(),
                vpc: vpc.id.clone(),
                main,
                subnets: named,
                gateways: Vec::new(),
                routes,
            });
        }
        if self.chance(12) {
            self.edge_table(at);
        }
    }

    /// A table of the internet gateway: traffic to a subnet goes through an appliance first
    /// (`vpc/latest/userguide/gateway-route-tables`).
    fn edge_table(&mut self, at: usize) {
        let vpc = self.estate.vpcs[at].clone();
        let mut routes: Vec<Route> = vpc.cidrs.iter().map(|c| route(Destination::Range(*c), Target::Local)).collect();
        let subnets: Vec<_> = self.estate.subnets.iter().filter(|s| s.vpc == vpc.id).map(|s| s.cidrs[0]).collect();
        let own: Vec<_> = self.estate.interfaces.iter().filter(|i| i.vpc == vpc.id && i.kind.is_empty()).collect();
        let appliance = own.iter().find(|i| !i.source_dest_check).or(own.first()).map(|i| i.id.clone());
        let subnet = self.pick(&subnets);
        routes.extend(appliance.map(|id| route(Destination::Range(subnet), Target::Interface(id))));
        self.estate.route_tables.push(RouteTable {
            id: id("rtb-edge", at),
            home: vpc.home.clone(),
            vpc: vpc.id,
            gateways: vec![id("igw", at)],
            routes,
            ..Default::default()
        });
    }

    fn routes(&mut self, at: usize) -> Vec<Route> {
        let vpc = self.estate.vpcs[at].clone();
        let mut out: Vec<Route> = vpc.cidrs.iter().map(|c| route(Destination::Range(*c), Target::Local)).collect();
        let mut add = |route: Route| {
            if !out.iter().any(|r| r.destination == route.destination) {
                out.push(route);
            }
        };
        let (igw, eigw, nat) = (id("igw", at), id("eigw", at), id("nat", at));
        let has_nat = self.estate.nat_gateways.iter().any(|n| n.id == nat);
        let has_igw = self.estate.internet_gateways.iter().any(|g| g.id == igw);
        let mut outward: Vec<Option<Target>> = vec![None];
        outward.extend(has_igw.then(|| Some(Target::InternetGateway(igw.clone()))));
        outward.extend(has_igw.then(|| Some(Target::InternetGateway(igw.clone()))));
        outward.extend(has_nat.then(|| Some(Target::NatGateway(nat.clone()))));
        outward.extend((!self.estate.transit_gateways.is_empty()).then(|| Some(Target::TransitGateway(id("tgw", 0)))));
        let appliances: Vec<_> = self
            .estate
            .interfaces
            .iter()
            .filter(|i| i.vpc == vpc.id && !i.source_dest_check && i.kind.is_empty())
            .collect();
        outward.extend(appliances.first().map(|i| Some(Target::Interface(i.id.clone()))));
        if let Some(target) = self.pick(&outward) {
            add(route(Destination::Range(range("0.0.0.0/0")), target));
        }
        let has_eigw = self.estate.egress_only_internet_gateways.iter().any(|g| g.id == eigw);
        let mut outward: Vec<Option<Target>> = vec![None];
        outward.extend(has_igw.then_some(Some(Target::InternetGateway(igw))));
        outward.extend(has_eigw.then_some(Some(Target::EgressOnlyInternetGateway(eigw))));
        if let Some(target) = self.pick(&outward) {
            add(route(Destination::Range(range("::/0")), target));
        }
        for other in self.estate.vpcs.clone() {
            if other.id == vpc.id || self.chance(25) {
                continue;
            }
            let Some(target) = self.between(&vpc.id, &other.id, at) else { continue };
            let whole = self.chance(80);
            let destination = match self.rng.u8(0..10) {
                0 => self.list_outside(&vpc.cidrs),
                _ if whole => Destination::Range(other.cidrs[0]),
                _ => Destination::Range(self.block(false)),
            };
            if destination != Destination::Range(vpc.cidrs[0]) {
                add(route(destination, target.clone()));
            }
            if let Some(six) = other.cidrs.iter().find(|c| c.first().is_ipv6()) {
                add(route(Destination::Range(*six), target));
            }
        }
        if self.estate.endpoints.iter().any(|e| e.id == id("vpce", at)) && self.chance(70) {
            add(route(Destination::PrefixList("pl-s3".into()), Target::Endpoint(id("vpce", at))));
        }
        if self.chance(12) {
            let destination = Destination::Range(self.block(false));
            let gone = Target::Peering("pcx-gone".into());
            add(Route { blackhole: true, ..route(destination, gone) });
        }
        out
    }

    /// A prefix list of blocks that are not the VPC's own: routes within a VPC name no lists.
    fn list_outside(&mut self, own: &[IpRange]) -> Destination {
        let lists = self
            .estate
            .prefix_lists
            .iter()
            .filter(|list| list.cidrs.iter().flatten().all(|c| !own.iter().any(|own| own.covers(c))));
        match lists.map(|l| l.id.clone()).next() {
            Some(id) => Destination::PrefixList(id),
            None => Destination::Range(range("10.0.0.0/8")),
        }
    }

    /// Some way to another VPC, or to an appliance on the way.
    fn between(&mut self, own: &SmolStr, other: &SmolStr, at: usize) -> Option<Target> {
        let joins = |p: &&Peering| {
            [&p.requester.vpc, &p.accepter.vpc].contains(&own) && [&p.requester.vpc, &p.accepter.vpc].contains(&other)
        };
        let mut ways: Vec<Target> =
            self.estate.peerings.iter().filter(joins).map(|p| Target::Peering(p.id.clone())).collect();
        ways.extend(ways.clone());
        ways.extend(self.estate.transit_gateways.iter().map(|t| Target::TransitGateway(t.id.clone())));
        let nat = self.estate.nat_gateways.iter().find(|n| n.id == id("nat", at));
        ways.extend(nat.map(|n| Target::NatGateway(n.id.clone())));
        let appliance = |i: &&Interface| i.vpc == *own && i.instance.is_some();
        if self.rng.u8(0..100) < 25 {
            let own = self.estate.interfaces.iter().filter(appliance);
            ways.extend(own.map(|i| Target::Interface(i.id.clone())));
        }
        (!ways.is_empty()).then(|| self.pick(&ways))
    }

    fn block_public_access(&mut self) {
        let mode = self.pick(&[BlockMode::BlockBidirectional, BlockMode::BlockIngress]);
        let mut exclusions = Vec::new();
        if self.chance(50) {
            let subnet = self.rng.usize(0..self.estate.subnets.len());
            let resource = if self.chance(50) { id("vpc", 0) } else { id("subnet", subnet) };
            exclusions.push(Exclusion { resource, egress_only: self.chance(50) });
        }
        self.estate.block_public_access.push(BlockPublicAccess { home: super::home(), mode, exclusions });
    }
}

fn route(destination: Destination, target: Target) -> Route {
    Route { destination, target, blackhole: false, propagated: false }
}

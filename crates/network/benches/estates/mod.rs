//! Networks as companies build them: VPCs of three tiers over three zones, a transit gateway between them.

use smol_str::SmolStr;
use std::net::{IpAddr, Ipv4Addr};
use yagura_model::IpRange;
use yagura_network::estate::{
    AclEntry, Address, Destination, Estate, GroupRule, Home, Instance, Interface, InternetGateway, NatGateway,
    NetworkAcl, Peer, Protocol, Route, RouteTable, SecurityGroup, Service, Subnet, Target, TransitAttachment,
    TransitGateway, TransitRouteTable, Vpc,
};

/// Interfaces of one VPC.
const PER_VPC: usize = 1_000;
/// Security groups of one tier: ten services, each with rules of its own.
const SERVICES: usize = 10;
const ZONES: usize = 3;

/// A network with this many interfaces. `eni-0` is of the web tier, `eni-3` of the application tier behind it, `eni-7`
/// of the databases.
pub fn three_tiers(interfaces: usize) -> Estate {
    let mut estate = Estate::default();
    let vpcs = interfaces.div_ceil(PER_VPC);
    transit(&mut estate, vpcs);
    for vpc in 0..vpcs {
        place(&mut estate, vpc);
        groups(&mut estate, vpc);
        tables(&mut estate, vpc);
        (0..PER_VPC.min(interfaces - vpc * PER_VPC)).for_each(|at| interface(&mut estate, vpc, at));
    }
    estate
}

/// The same, with a copy of its group for each interface.
pub fn each_its_own_group(mut estate: Estate) -> Estate {
    for interface in &mut estate.interfaces {
        let shared = interface.groups.iter().flatten().next().expect("a group").clone();
        let record = estate.security_groups.iter().find(|g| g.id == shared).expect("a group").clone();
        let own: SmolStr = format!("sg-of-{}", interface.id).into();
        interface.groups = Some(vec![own.clone(), shared]);
        estate.security_groups.push(SecurityGroup { id: own, ..record });
    }
    estate
}

fn home() -> Home {
    Home { account: "111122223333".into(), region: "us-east-1".into() }
}

fn range(text: &str) -> IpRange {
    IpRange::parse(text).expect("a block")
}

fn id(kind: &str, vpc: usize, at: usize) -> SmolStr {
    format!("{kind}-{vpc}-{at}").into()
}

fn block(vpc: usize) -> IpRange {
    range(&format!("10.{vpc}.0.0/16"))
}

fn place(estate: &mut Estate, vpc: usize) {
    estate.vpcs.push(Vpc { id: id("vpc", vpc, 0), home: home(), cidrs: vec![block(vpc)], name: None });
    for at in 0..3 * ZONES {
        estate.subnets.push(Subnet {
            id: id("subnet", vpc, at),
            home: home(),
            vpc: id("vpc", vpc, 0),
            cidrs: vec![range(&format!("10.{vpc}.{}.0/20", 16 * at))],
            zone: format!("use1-az{}", at % ZONES).into(),
            ..Default::default()
        });
    }
    let gateway = InternetGateway { id: id("igw", vpc, 0), home: home(), vpcs: vec![id("vpc", vpc, 0)] };
    estate.internet_gateways.push(gateway);
    let every = |egress, number, allow| AclEntry {
        number,
        egress,
        allow,
        service: Service { protocol: Protocol::Any, ports: (0, 65535) },
        range: range("0.0.0.0/0"),
    };
    let entries = [(false, 100, true), (true, 100, true), (false, 32767, false), (true, 32767, false)];
    estate.network_acls.push(NetworkAcl {
        id: id("acl", vpc, 0),
        home: home(),
        vpc: id("vpc", vpc, 0),
        default: true,
        subnets: Vec::new(),
        entries: entries.map(|(egress, number, allow)| every(egress, number, allow)).to_vec(),
    });
}

fn tcp(port: u16, peer: Peer) -> GroupRule {
    GroupRule { service: Service { protocol: Protocol::Number(6), ports: (port, port) }, peer, id: None }
}

/// A group a service and tier: the web from everywhere, applications from their web, databases from their application.
fn groups(estate: &mut Estate, vpc: usize) {
    for tier in 0..3 {
        for service in 0..SERVICES {
            let at = tier * SERVICES + service;
            let before = || Peer::Group(id("sg", vpc, at - SERVICES));
            let office = range(&format!("198.51.{service}.0/24"));
            let mut ingress = match tier {
                0 => [80, 443].map(|port| tcp(port, Peer::Range(range("0.0.0.0/0")))).to_vec(),
                1 => vec![tcp(8080, before()), tcp(9000 + service as u16, before())],
                _ => vec![tcp(5432, before()), tcp(3306, before())],
            };
            ingress.push(tcp(22, Peer::Range(office)));
            let every = Service { protocol: Protocol::Any, ports: (0, 65535) };
            let open = GroupRule { service: every, peer: Peer::Range(range("0.0.0.0/0")), id: None };
            estate.security_groups.push(SecurityGroup {
                id: id("sg", vpc, at),
                home: home(),
                vpc: id("vpc", vpc, 0),
                name: SmolStr::default(),
                ingress,
                egress: vec![open],
            });
        }
    }
}

fn tables(estate: &mut Estate, vpc: usize) {
    let route = |to, target| Route { destination: Destination::Range(to), target, blackhole: false, propagated: false };
    for tier in 0..3 {
        let mut routes = vec![route(block(vpc), Target::Local)];
        routes.push(route(range("10.0.0.0/8"), Target::TransitGateway("tgw-0".into())));
        match tier {
            0 => routes.push(route(range("0.0.0.0/0"), Target::InternetGateway(id("igw", vpc, 0)))),
            1 => routes.push(route(range("0.0.0.0/0"), Target::NatGateway(id("nat", vpc, 0)))),
            _ => {}
        }
        estate.route_tables.push(RouteTable {
            id: id("rtb", vpc, tier),
            home: home(),
            vpc: id("vpc", vpc, 0),
            main: tier == 2,
            subnets: (0..ZONES).map(|zone| id("subnet", vpc, tier * ZONES + zone)).collect(),
            gateways: Vec::new(),
            routes,
        });
    }
    let ip = |last| IpAddr::from(Ipv4Addr::new(10, vpc as u8, 15, last));
    estate.nat_gateways.push(NatGateway {
        id: id("nat", vpc, 0),
        home: home(),
        vpc: id("vpc", vpc, 0),
        subnet: id("subnet", vpc, 0),
        state: "available".into(),
        public: true,
        addresses: vec![Address { ip: ip(250), public: Some(Ipv4Addr::new(3, vpc as u8, 0, 250).into()) }],
        interfaces: Vec::new(),
    });
}

/// The interfaces of a VPC go round its tiers, zones and services.
fn interface(estate: &mut Estate, vpc: usize, at: usize) {
    let number = vpc * PER_VPC + at;
    let tier = (at % 9) / 3;
    let (zone, service) = (at % ZONES, (at / 9) % SERVICES);
    let subnet = tier * ZONES + zone;
    let (third, last) = (16 * subnet + at / 250, 4 + at % 250);
    let ip = IpAddr::from(Ipv4Addr::new(10, vpc as u8, third as u8, last as u8));
    let public = (tier == 0).then(|| IpAddr::from(Ipv4Addr::new(3, vpc as u8, (at / 250) as u8, last as u8)));
    let instance: SmolStr = format!("i-{number}").into();
    estate.instances.push(Instance { id: instance.clone(), home: home(), state: "running".into(), name: None });
    estate.interfaces.push(Interface {
        id: format!("eni-{number}").into(),
        home: home(),
        vpc: id("vpc", vpc, 0),
        subnet: id("subnet", vpc, subnet),
        addresses: vec![Address { ip, public }],
        groups: Some(vec![id("sg", vpc, tier * SERVICES + service)]),
        source_dest_check: true,
        instance: Some(instance),
        in_use: true,
        ..Default::default()
    });
}

fn transit(estate: &mut Estate, vpcs: usize) {
    let state = SmolStr::new_static("available");
    let gateway = TransitGateway { id: "tgw-0".into(), home: home(), state: state.clone(), group_references: false };
    estate.transit_gateways.push(gateway);
    for vpc in 0..vpcs {
        estate.transit_attachments.push(TransitAttachment {
            id: id("tgw-attach", vpc, 0),
            home: home(),
            transit_gateway: "tgw-0".into(),
            kind: "vpc".into(),
            resource: id("vpc", vpc, 0),
            state: state.clone(),
            subnets: Some((0..ZONES).map(|zone| id("subnet", vpc, zone)).collect()),
            route_table: Some("tgw-rtb-0".into()),
            appliance_mode: false,
            group_references: false,
        });
    }
    estate.transit_route_tables.push(TransitRouteTable {
        id: "tgw-rtb-0".into(),
        home: home(),
        transit_gateway: "tgw-0".into(),
        routes: Some(Vec::new()),
        propagations: (0..vpcs).map(|vpc| id("tgw-attach", vpc, 0)).collect(),
    });
}

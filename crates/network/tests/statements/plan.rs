//! Networks in a few words.

use yagura_model::IpRange;
use yagura_network::Network;
use yagura_network::estate::{
    AclEntry, Address, Destination, Estate, GroupRule, Home, Instance, Interface, InternetGateway, NetworkAcl, Peer,
    Protocol, Route, RouteTable, SecurityGroup, Service, Subnet, Target, Vpc,
};
use yagura_network::question::Reachable;
use yagura_network::question::case::{Case, CaseAnswer};

pub use Reachable::{No, Yes};

/// An address of the internet.
pub const OUTSIDE: &str = "8.8.8.8";

pub fn home() -> Home {
    Home { account: "111122223333".into(), region: "us-east-1".into() }
}

pub fn range(text: &str) -> IpRange {
    IpRange::parse(text).unwrap()
}

pub fn every() -> Service {
    Service { protocol: Protocol::Any, ports: (0, 65535) }
}

pub fn tcp(first: u16, last: u16) -> Service {
    Service { protocol: Protocol::Number(6), ports: (first, last) }
}

pub fn to(destination: &str, target: Target) -> Route {
    Route { destination: Destination::Range(range(destination)), target, blackhole: false, propagated: false }
}

pub fn open_to(block: &str, service: Service) -> GroupRule {
    GroupRule { service, peer: Peer::Range(range(block)), id: None }
}

pub fn entry(egress: bool, number: u32, allow: bool, service: Service, block: &str) -> AclEntry {
    AclEntry { number, egress, allow, service, range: range(block) }
}

pub fn igw() -> Target {
    Target::InternetGateway("igw-1".into())
}

/// A network under construction.
#[derive(Clone, Default)]
pub struct Plan(pub Estate);

impl Plan {
    /// A VPC with an open default network ACL, the security group `sg-<id>` that lets everything in and out, and a main
    /// table that knows nothing but the VPC.
    pub fn vpc(mut self, id: &str, blocks: &[&str]) -> Self {
        let cidrs: Vec<IpRange> = blocks.iter().map(|b| range(b)).collect();
        let local = cidrs.iter().map(|c| to(&c.to_string(), Target::Local)).collect();
        self.0.vpcs.push(Vpc { id: id.into(), home: home(), cidrs, name: None });
        let name = id.trim_start_matches("vpc-");
        let all = ["0.0.0.0/0", "::/0"];
        let entries = all.iter().zip(100..).flat_map(|(b, n)| [false, true].map(|out| entry(out, n, true, every(), b)));
        self.0.network_acls.push(NetworkAcl {
            id: format!("acl-{name}").into(),
            home: home(),
            vpc: id.into(),
            default: true,
            entries: entries.collect(),
            ..Default::default()
        });
        let rules: Vec<GroupRule> = all.iter().map(|b| open_to(b, every())).collect();
        self = self.group(&format!("sg-{name}"), id, &rules, &rules);
        self.0.route_tables.push(RouteTable {
            id: format!("rtb-main-{name}").into(),
            home: home(),
            vpc: id.into(),
            main: true,
            routes: local,
            ..Default::default()
        });
        self
    }

    /// The gateway `igw-1` on a VPC.
    pub fn internet_gateway(mut self, vpc: &str) -> Self {
        self.0.internet_gateways.push(InternetGateway { id: "igw-1".into(), home: home(), vpcs: vec![vpc.into()] });
        self
    }

    pub fn group(mut self, id: &str, vpc: &str, ingress: &[GroupRule], egress: &[GroupRule]) -> Self {
        self.0.security_groups.push(SecurityGroup {
            id: id.into(),
            home: home(),
            vpc: vpc.into(),
            ingress: ingress.to_vec(),
            egress: egress.to_vec(),
            ..Default::default()
        });
        self
    }

    /// A subnet `subnet-<name>` with the routes of a table `rtb-<name>` of its own, besides the local ones.
    pub fn subnet(mut self, name: &str, vpc: &str, zone: &str, blocks: &[&str], routes: &[Route]) -> Self {
        let id = format!("subnet-{name}");
        let own = self.0.vpcs.iter().find(|v| v.id == vpc).unwrap();
        let mut all: Vec<Route> = own.cidrs.iter().map(|c| to(&c.to_string(), Target::Local)).collect();
        all.extend(routes.iter().cloned());
        self.0.subnets.push(Subnet {
            id: id.clone().into(),
            home: home(),
            vpc: vpc.into(),
            cidrs: blocks.iter().map(|b| range(b)).collect(),
            zone: zone.into(),
            ..Default::default()
        });
        self.0.route_tables.push(RouteTable {
            id: format!("rtb-{name}").into(),
            home: home(),
            vpc: vpc.into(),
            subnets: vec![id.into()],
            routes: all,
            ..Default::default()
        });
        self
    }

    /// The instance `i-<name>` with the interface `eni-<name>` in `subnet-<subnet>`; addresses as `private` or
    /// `private/public`. Its group is the open one of its VPC.
    pub fn host(mut self, name: &str, subnet: &str, addresses: &[&str]) -> Self {
        let subnet = self.0.subnets.iter().find(|s| s.id == format!("subnet-{subnet}")).unwrap();
        let address = |text: &&str| match text.split_once('/') {
            Some((ip, public)) => Address { ip: ip.parse().unwrap(), public: Some(public.parse().unwrap()) },
            None => Address { ip: text.parse().unwrap(), public: None },
        };
        self.0.interfaces.push(Interface {
            id: format!("eni-{name}").into(),
            home: subnet.home.clone(),
            vpc: subnet.vpc.clone(),
            subnet: subnet.id.clone(),
            addresses: addresses.iter().map(address).collect(),
            groups: Some(vec![format!("sg-{}", subnet.vpc.trim_start_matches("vpc-")).into()]),
            source_dest_check: true,
            instance: Some(format!("i-{name}").into()),
            in_use: true,
            ..Default::default()
        });
        let instance = Instance { id: format!("i-{name}").into(), home: home(), state: "running".into(), name: None };
        self.0.instances.push(instance);
        self
    }

    /// An interface of a service: no instance.
    pub fn interface(mut self, name: &str, subnet: &str, addresses: &[&str]) -> Self {
        self = self.host(name, subnet, addresses);
        self.0.instances.pop();
        self.0.interfaces.last_mut().unwrap().instance = None;
        self
    }

    /// The same with a change.
    pub fn with(mut self, change: impl FnOnce(&mut Estate)) -> Self {
        change(&mut self.0);
        self
    }

    pub fn in_group(self, interface: &str, group: &str) -> Self {
        self.with(|e| e.interfaces.iter_mut().find(|i| i.id == interface).unwrap().groups = Some(vec![group.into()]))
    }

    /// A network ACL of its own for a subnet.
    pub fn acl(self, id: &str, subnet: &str, entries: &[AclEntry]) -> Self {
        self.with(|e| {
            let vpc = e.subnets.iter().find(|s| s.id == subnet).unwrap().vpc.clone();
            e.network_acls.push(NetworkAcl {
                id: id.into(),
                home: home(),
                vpc,
                subnets: vec![subnet.into()],
                entries: entries.to_vec(),
                ..Default::default()
            });
        })
    }

    /// What a packet of a protocol to a port does: `tcp 443`, `udp 53`, `icmp`, `47`.
    pub fn ask(&self, from: &str, to: &str, what: &str) -> CaseAnswer {
        let end = |text: &str| match text.parse::<std::net::IpAddr>() {
            Ok(_) => serde_json::json!({"ip": text}),
            Err(_) => serde_json::json!({"node": text}),
        };
        let mut words = what.split(' ');
        let mut case = serde_json::json!({"src": end(from), "dst": end(to), "protocol": words.next()});
        if let Some(port) = words.next() {
            case["dst_port"] = port.parse::<u16>().unwrap().into();
        }
        Network::new(self.0.clone()).answer(&Case::parse(&case.to_string()).unwrap()).unwrap()
    }

    pub fn verdict(&self, from: &str, to: &str, what: &str) -> Reachable {
        self.ask(from, to, what).reachable
    }

    /// The codes of what blocks.
    pub fn codes(&self, from: &str, to: &str, what: &str) -> Vec<&'static str> {
        self.ask(from, to, what).blocked_by.iter().map(|b| b.code.text()).collect()
    }
}

//! One way of a packet: its components, the filters on it, and how it ended.

use crate::change::Change;
use crate::code::Code;
use crate::estate::{Destination, Target};
use crate::filter::{Passage, Way};
use crate::packet::{End, PacketBox, PacketSet, Span};
use crate::topology::Missing;
use smol_str::SmolStr;
use std::net::IpAddr;
use std::sync::Arc;
use yagura_model::Lang;

/// The kind of a component on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is named as AWS names it")]
pub enum Kind {
    Instance,
    NetworkInterface,
    SecurityGroup,
    Subnet,
    NetworkAcl,
    RouteTable,
    Vpc,
    VpcBlockPublicAccess,
    InternetGateway,
    EgressOnlyInternetGateway,
    NatGateway,
    VpcPeeringConnection,
    TransitGateway,
    TransitGatewayAttachment,
    TransitGatewayRouteTable,
    VpnGateway,
    VpnConnection,
    DirectConnect,
    VpcEndpoint,
    LoadBalancer,
    NetworkFirewall,
    Internet,
    OnPremises,
    Service,
}

impl Kind {
    /// Its name, as the JSON says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::NetworkInterface => "network_interface",
            Self::SecurityGroup => "security_group",
            Self::Subnet => "subnet",
            Self::NetworkAcl => "network_acl",
            Self::RouteTable => "route_table",
            Self::Vpc => "vpc",
            Self::VpcBlockPublicAccess => "vpc_block_public_access",
            Self::InternetGateway => "internet_gateway",
            Self::EgressOnlyInternetGateway => "egress_only_internet_gateway",
            Self::NatGateway => "nat_gateway",
            Self::VpcPeeringConnection => "vpc_peering_connection",
            Self::TransitGateway => "transit_gateway",
            Self::TransitGatewayAttachment => "transit_gateway_attachment",
            Self::TransitGatewayRouteTable => "transit_gateway_route_table",
            Self::VpnGateway => "vpn_gateway",
            Self::VpnConnection => "vpn_connection",
            Self::DirectConnect => "direct_connect",
            Self::VpcEndpoint => "vpc_endpoint",
            Self::LoadBalancer => "load_balancer",
            Self::NetworkFirewall => "network_firewall",
            Self::Internet => "internet",
            Self::OnPremises => "on_premises",
            Self::Service => "service",
        }
    }
}

/// One component on the way.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Hop {
    /// Its id, in AWS's form.
    pub id: SmolStr,
    /// Its kind.
    pub kind: Kind,
    /// The route that a route table sent the packet by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<TakenRoute>,
}

impl Hop {
    /// A component.
    pub fn new(id: SmolStr, kind: Kind) -> Self {
        Self { id, kind, route: None }
    }
}

/// A route as people write it: `0.0.0.0/0 → igw-…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TakenRoute {
    /// Its destination.
    pub destination: Destination,
    /// Its target.
    pub target: Target,
}

impl std::fmt::Display for TakenRoute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} → {}",
            super::subnet::say_destination(&self.destination),
            crate::topology::target_id(&self.target)
        )
    }
}

impl serde::Serialize for TakenRoute {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Which filter a check asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Guard {
    /// The security groups of an interface.
    Groups {
        /// The interface.
        interface: u32,
        /// Into it or out of it.
        way: Way,
        /// The other end, as the interface sees it.
        remote: End,
    },
    /// The network ACL of a subnet.
    Acl {
        /// The ACL; `None`: it was not read.
        acl: Option<u32>,
        /// The subnet.
        subnet: u32,
        /// Into it or out of it.
        way: Way,
        /// The other end, as the subnet sees it.
        remote: End,
    },
    /// A component that carries certain protocols only.
    Protocol {
        /// The component.
        at: Hop,
        /// What the code of Reachability Analyzer is.
        code: Code,
    },
    /// AWS Network Firewall.
    Firewall {
        /// The firewall.
        firewall: u32,
        /// The source, as the firewall sees it.
        source: End,
        /// The destination.
        destination: End,
    },
    /// The listeners and targets of a load balancer.
    Balancer(u32),
    /// Something that was not read stands in the way; the walk went on by the likeliest way.
    Unread(Hop),
}

/// One filter on the way, with the packets of the request that it lets through.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Which filter.
    pub guard: Guard,
    /// What it lets through, in the request's own ports.
    pub passage: Passage,
    /// How many hops came before it.
    pub after: usize,
}

/// Why a walk cannot go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Dead {
    /// The component that stops it.
    pub at: Hop,
    /// Reachability Analyzer's code.
    pub code: Code,
    /// What exactly is wrong, in English; ids and addresses in it stand as they are.
    pub rule: String,
    /// The same in Japanese.
    pub rule_ja: String,
    /// What would let it go on; `None`: nothing that one setting can do.
    pub fix: Option<Change>,
}

impl Dead {
    /// A stop that no single setting undoes.
    pub(crate) fn new(at: Hop, code: Code, rule: impl Into<String>, rule_ja: impl Into<String>) -> Self {
        Self { at, code, rule: rule.into(), rule_ja: rule_ja.into(), fix: None }
    }

    /// The same with what would undo it.
    pub(crate) fn fixed_by(self, fix: Change) -> Self {
        Self { fix: Some(fix), ..self }
    }
}

/// Where a walk came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrival {
    /// An address of an interface.
    Interface(u32, IpAddr),
    /// An address of a subnet where no interface has to be.
    Subnet(u32, IpAddr),
    /// The internet, or a public address that nobody in the network has.
    Internet,
    /// What is behind a virtual private gateway, seen from a VPC.
    VpnGateway(u32, u32),
    /// What is behind an attachment of a transit gateway: the attachment.
    Transit(u32),
    /// The service behind a gateway endpoint, seen from a VPC.
    Service(u32, u32),
    /// The component that was asked for, on the way.
    Component,
}

/// How a walk ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// It arrived.
    Arrived(Arrival),
    /// It cannot go on.
    Dead(Box<Dead>),
    /// Whether it goes on was not read.
    Unread(Arc<Missing>),
}

/// An address that a device put in place of another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Translation {
    /// The interface of the device.
    pub interface: u32,
    /// The source before.
    pub inside: End,
    /// The source after.
    pub outside: IpAddr,
}

/// Something that the answer took for granted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Note {
    /// An appliance forwards what reaches it: its own rules are not AWS configuration.
    Appliance(SmolStr),
    /// On-premises routes that BGP tells are not AWS configuration.
    OnPremises(SmolStr),
    /// VPC Block Public Access was not asked about and taken to be off, as it is by default.
    NoBlockPublicAccess,
    /// The addresses of an AWS service, a prefix list that was not read, take a gateway endpoint's way.
    ServiceAddresses(SmolStr),
    /// A policy of an endpoint decides on requests beyond packets.
    EndpointPolicy(SmolStr),
}

impl Note {
    /// One sentence that says it.
    pub fn say(&self, lang: Lang) -> String {
        let (en, ja) = match self {
            Self::Appliance(id) => (
                format!("{id} is taken to forward what reaches it: its own rules are not AWS configuration"),
                format!("{id} は届いたものを転送するとみなした (その内部のルールは AWS の設定ではない)"),
            ),
            Self::OnPremises(id) => (
                format!("what lies behind {id} is taken to answer: its routes and rules are not AWS configuration"),
                format!("{id} の先は応答を返すとみなした (その経路とルールは AWS の設定ではない)"),
            ),
            Self::NoBlockPublicAccess => (
                "VPC Block Public Access is taken to be off, as it is by default: nobody asked".to_owned(),
                "VPC ブロックパブリックアクセスは読み取っていないため、デフォルトどおり無効とみなした".to_owned(),
            ),
            Self::ServiceAddresses(id) => (
                format!("the addresses of {id} were not read: they take the way of a gateway endpoint"),
                format!("{id} のアドレスは読み取っていない (ゲートウェイエンドポイントを経由する)"),
            ),
            Self::EndpointPolicy(id) => (
                format!("the policy of {id} decides on requests beyond packets"),
                format!("パケットのほかに {id} のエンドポイントポリシーがリクエストを制限しうる"),
            ),
        };
        match lang {
            Lang::En => en,
            Lang::Ja => ja,
        }
    }
}

/// One way of a packet.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg {
    /// The components, in order.
    pub hops: Vec<Hop>,
    /// The filters, in order.
    pub checks: Vec<Check>,
    /// The far end's addresses that take this way.
    pub far: Vec<Span>,
    /// Source addresses that were replaced, in order.
    pub translations: Vec<Translation>,
    /// What was taken for granted.
    pub notes: Vec<Note>,
    /// See [`Goal::quiet`](super::Goal::quiet).
    pub quiet: bool,
    /// The VPC of a source that has no interface, once it left by an internet gateway or an egress-only one.
    pub lent: Option<u32>,
    /// The source that the end sees.
    pub source: End,
    /// The destination, as the end sees it.
    pub destination: End,
    /// How it ended.
    pub ending: Ending,
}

impl Leg {
    /// Notes a component, once where it is asked twice in a row.
    pub(crate) fn note(&mut self, kind: Kind, id: &SmolStr) {
        let idle = matches!(kind, Kind::Instance | Kind::SecurityGroup | Kind::Subnet | Kind::NetworkAcl | Kind::Vpc);
        if !(self.quiet && idle) && self.hops.last().is_none_or(|h| h.id != *id) {
            self.hops.push(Hop::new(id.clone(), kind));
        }
    }

    /// The packets that every check lets through: for certain, and possibly.
    pub fn passing(&self) -> (PacketSet, PacketSet) {
        let start: PacketSet = self.far.iter().map(|far| PacketBox::ANY.from(*far)).collect();
        let possible = match &self.ending {
            Ending::Dead(_) => return (PacketSet::none(), PacketSet::none()),
            Ending::Arrived(_) => start.clone(),
            Ending::Unread(_) => PacketSet::none(),
        };
        let fold = |from: PacketSet, of: fn(&Passage) -> &PacketSet| {
            self.checks.iter().fold(from, |set, c| if set.is_empty() { set } else { set.and(of(&c.passage)) })
        };
        let must = fold(possible, |p| &p.must);
        let exact = !matches!(self.ending, Ending::Unread(_)) && self.checks.iter().all(|c| c.passage.may.is_none());
        let may = if exact { must.clone() } else { fold(start, Passage::may) };
        (must, may)
    }

    /// What was not read along the way.
    pub fn missing(&self) -> impl Iterator<Item = &Arc<Missing>> {
        let end = match &self.ending {
            Ending::Unread(missing) => Some(missing),
            _ => None,
        };
        self.checks.iter().flat_map(|c| &c.passage.missing).chain(end)
    }
}

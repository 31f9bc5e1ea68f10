//! Changes that would let a packet through, as AWS's own calls make them.

use crate::estate::{
    AclEntry, Destination, Estate, Exclusion, GroupRule, InternetGateway, Peer, Peering, PeeringSide, Route, Service,
    Target, TransitAttachment, TransitRoute,
};
use crate::filter::Way;
use crate::packet::{End, Family};
use crate::topology::{Network, target_id};
use crate::walk::internet::{is_public, public_spans};
use crate::walk::subnet::{default_route, say_destination};
use smol_str::SmolStr;
use std::net::IpAddr;
use yagura_model::{IpRange, Lang};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is named as the call that makes it, with that call's parameters")]
pub enum Change {
    AuthorizeGroup { group: SmolStr, way: Direction, service: Service, range: IpRange },
    CreateAclEntry { acl: SmolStr, egress: bool, number: u32, service: Service, range: IpRange },
    DeleteAclEntry { acl: SmolStr, egress: bool, number: u32 },
    AddRoute { table: SmolStr, destination: IpRange, target: Target },
    RestoreRoute { table: SmolStr, destination: Destination, target: Target },
    AttachInternetGateway { vpc: SmolStr },
    AssociateAddress { interface: SmolStr, private: IpAddr },
    ExcludeFromBlockPublicAccess { vpc: SmolStr },
    AcceptPeering { peering: SmolStr },
    CreatePeering { requester: SmolStr, accepter: SmolStr },
    AttachTransitGateway { transit_gateway: SmolStr, vpc: SmolStr },
    AcceptTransitAttachment { attachment: SmolStr, transit_gateway: SmolStr },
    AddAttachmentSubnet { attachment: SmolStr, subnet: SmolStr },
    AssociateTransitRouteTable { attachment: SmolStr, transit_gateway: SmolStr, table: SmolStr },
    AddTransitRoute { table: SmolStr, destination: IpRange, attachment: SmolStr },
    DisableSourceDestCheck { interface: SmolStr },
    StartInstance { instance: SmolStr },
    AttachInterface { interface: SmolStr },
}

/// Into or out of a security group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "AWS's words")]
pub enum Direction {
    Ingress,
    Egress,
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::Ingress => Self::Ingress,
            Way::Egress => Self::Egress,
        }
    }
}

impl Change {
    /// The change in one sentence, with the ids that it concerns.
    pub fn say(&self, lang: Lang) -> String {
        let say_service = crate::words::service;
        let (en, ja) = match self {
            Self::AuthorizeGroup { group, way: Direction::Ingress, service, range } => {
                let s = say_service(*service);
                (
                    format!("allow inbound {s} from {range} in {group}"),
                    format!("{group} のインバウンドで {range} からの {s} を許可する"),
                )
            }
            Self::AuthorizeGroup { group, way: Direction::Egress, service, range } => {
                let s = say_service(*service);
                (
                    format!("allow outbound {s} to {range} in {group}"),
                    format!("{group} のアウトバウンドで {range} への {s} を許可する"),
                )
            }
            Self::CreateAclEntry { acl, egress, number, service, range } => {
                let s = say_service(*service);
                let (side, side_ja) =
                    if *egress { ("outbound", "アウトバウンド") } else { ("inbound", "インバウンド") };
                (
                    format!("add {side} entry {number} to {acl}: allow {s} {range}"),
                    format!("{acl} の{side_ja}にルール {number} を追加し {range} の {s} を許可する"),
                )
            }
            Self::DeleteAclEntry { acl, egress, number } => {
                let (side, side_ja) =
                    if *egress { ("outbound", "アウトバウンド") } else { ("inbound", "インバウンド") };
                (
                    format!("delete {side} entry {number} of {acl}"),
                    format!("{acl} の{side_ja}ルール {number} を削除する"),
                )
            }
            Self::AddRoute { table, destination, target } => {
                let to = named(target_id(target));
                (
                    format!("add the route {destination} → {to} to {table}"),
                    format!("{table} にルート {destination} → {to} を追加する"),
                )
            }
            Self::RestoreRoute { table, destination, target } => {
                let (d, to) = (say_destination(destination), target_id(target));
                (
                    format!("give the route {d} of {table} a target that exists (now {to})"),
                    format!("{table} のルート {d} に存在するターゲットを設定する (現在は {to})"),
                )
            }
            Self::AttachInternetGateway { vpc } => (
                format!("attach an internet gateway to {vpc}"),
                format!("{vpc} にインターネットゲートウェイをアタッチする"),
            ),
            Self::AssociateAddress { interface, private } => (
                format!("associate an Elastic IP address with {private} of {interface}"),
                format!("{interface} の {private} に Elastic IP アドレスを関連付ける"),
            ),
            Self::ExcludeFromBlockPublicAccess { vpc } => (
                format!("exclude {vpc} from VPC Block Public Access (allow-bidirectional)"),
                format!("{vpc} を VPC ブロックパブリックアクセスの除外 (allow-bidirectional) に加える"),
            ),
            Self::AcceptPeering { peering } => (format!("accept {peering}"), format!("{peering} を承認する")),
            Self::CreatePeering { requester, accepter } => {
                (format!("peer {requester} with {accepter}"), format!("{requester} と {accepter} をピアリング接続する"))
            }
            Self::AttachTransitGateway { transit_gateway, vpc } => {
                (format!("attach {vpc} to {transit_gateway}"), format!("{vpc} を {transit_gateway} にアタッチする"))
            }
            Self::AcceptTransitAttachment { attachment, .. } => {
                (format!("accept {attachment}"), format!("{attachment} を承認する"))
            }
            Self::AddAttachmentSubnet { attachment, subnet } => {
                (format!("add {subnet} to {attachment}"), format!("{attachment} に {subnet} を追加する"))
            }
            Self::AssociateTransitRouteTable { attachment, table, .. } => {
                (format!("associate {attachment} with {table}"), format!("{attachment} を {table} に関連付ける"))
            }
            Self::AddTransitRoute { table, destination, attachment } => (
                format!("add the route {destination} → {attachment} to {table}"),
                format!("{table} にルート {destination} → {attachment} を追加する"),
            ),
            Self::DisableSourceDestCheck { interface } => (
                format!("turn SourceDestCheck of {interface} off"),
                format!("{interface} の SourceDestCheck を無効にする"),
            ),
            Self::StartInstance { instance } => (format!("start {instance}"), format!("{instance} を起動する")),
            Self::AttachInterface { interface } => {
                (format!("attach {interface}"), format!("{interface} をアタッチする"))
            }
        };
        match lang {
            Lang::En => en,
            Lang::Ja => ja,
        }
    }

    /// Makes the change in the records. What a change names and the records lack stays as it is.
    pub fn apply(&self, estate: &mut Estate) {
        match self {
            Self::AuthorizeGroup { group, way, service, range } => {
                let rule = GroupRule { service: *service, peer: Peer::Range(*range), id: None };
                for found in estate.security_groups.iter_mut().filter(|g| g.id == *group) {
                    match way {
                        Direction::Ingress => found.ingress.push(rule.clone()),
                        Direction::Egress => found.egress.push(rule.clone()),
                    }
                }
            }
            Self::CreateAclEntry { acl, egress, number, service, range } => {
                let entry =
                    AclEntry { number: *number, egress: *egress, allow: true, service: *service, range: *range };
                estate.network_acls.iter_mut().filter(|a| a.id == *acl).for_each(|a| a.entries.push(entry.clone()));
            }
            Self::DeleteAclEntry { acl, egress, number } => {
                for found in estate.network_acls.iter_mut().filter(|a| a.id == *acl) {
                    found.entries.retain(|e| e.number != *number || e.egress != *egress);
                }
            }
            Self::AddRoute { table, destination, target } => {
                let destination = Destination::Range(*destination);
                for found in estate.route_tables.iter_mut().filter(|t| t.id == *table) {
                    found.routes.retain(|r| r.destination != destination || r.target == Target::Local);
                    found.routes.push(Route {
                        destination: destination.clone(),
                        target: target.clone(),
                        blackhole: false,
                        propagated: false,
                    });
                }
            }
            Self::RestoreRoute { table, destination, target } => restore(estate, table, destination, target),
            Self::AttachInternetGateway { vpc } => attach_internet_gateway(estate, vpc),
            Self::AssociateAddress { interface, private } => associate(estate, interface, *private),
            Self::ExcludeFromBlockPublicAccess { vpc } => {
                let home = estate.vpcs.iter().find(|v| v.id == *vpc).map(|v| v.home.clone());
                for setting in estate.block_public_access.iter_mut().filter(|b| Some(&b.home) == home.as_ref()) {
                    setting.exclusions.push(Exclusion { resource: vpc.clone(), egress_only: false });
                }
            }
            Self::AcceptPeering { peering } => {
                estate
                    .peerings
                    .iter_mut()
                    .filter(|p| p.id == *peering)
                    .for_each(|p| p.status = SmolStr::new_static("active"));
            }
            Self::CreatePeering { requester, accepter } => {
                let side = |id: &SmolStr| {
                    let vpc = estate.vpcs.iter().find(|v| v.id == *id);
                    PeeringSide {
                        vpc: id.clone(),
                        home: vpc.map(|v| v.home.clone()).unwrap_or_default(),
                        cidrs: vpc.map(|v| v.cidrs.clone()).unwrap_or_default(),
                    }
                };
                let (requester_side, accepter_side) = (side(requester), side(accepter));
                estate.peerings.push(Peering {
                    id: new_id("pcx", &format!("{requester}-{accepter}")),
                    home: requester_side.home.clone(),
                    status: SmolStr::new_static("active"),
                    requester: requester_side,
                    accepter: accepter_side,
                });
            }
            Self::AttachTransitGateway { transit_gateway, vpc } => {
                let subnets = estate.subnets.iter().filter(|s| s.vpc == *vpc).map(|s| s.id.clone()).collect();
                let table = estate
                    .transit_route_tables
                    .iter()
                    .find(|t| t.transit_gateway == *transit_gateway)
                    .map(|t| t.id.clone());
                estate.transit_attachments.push(TransitAttachment {
                    id: new_id("tgw-attach", vpc),
                    transit_gateway: transit_gateway.clone(),
                    kind: SmolStr::new_static("vpc"),
                    resource: vpc.clone(),
                    state: SmolStr::new_static("available"),
                    subnets: Some(subnets),
                    route_table: table,
                    ..Default::default()
                });
            }
            Self::AcceptTransitAttachment { attachment, transit_gateway } => {
                each_attachment(estate, attachment, transit_gateway, |a| a.state = SmolStr::new_static("available"));
            }
            Self::AddAttachmentSubnet { attachment, subnet } => {
                for found in estate.transit_attachments.iter_mut().filter(|a| a.id == *attachment) {
                    found.subnets.get_or_insert_default().push(subnet.clone());
                }
            }
            Self::AssociateTransitRouteTable { attachment, transit_gateway, table } => {
                each_attachment(estate, attachment, transit_gateway, |a| a.route_table = Some(table.clone()));
            }
            Self::AddTransitRoute { table, destination, attachment } => {
                for found in estate.transit_route_tables.iter_mut().filter(|t| t.id == *table) {
                    let routes = found.routes.get_or_insert_default();
                    routes.retain(|r| r.destination != *destination);
                    routes.push(TransitRoute {
                        destination: *destination,
                        attachments: vec![attachment.clone()],
                        blackhole: false,
                        propagated: false,
                    });
                }
            }
            Self::DisableSourceDestCheck { interface } => {
                estate.interfaces.iter_mut().filter(|i| i.id == *interface).for_each(|i| i.source_dest_check = false);
            }
            Self::StartInstance { instance } => {
                estate
                    .instances
                    .iter_mut()
                    .filter(|i| i.id == *instance)
                    .for_each(|i| i.state = SmolStr::new_static("running"));
            }
            Self::AttachInterface { interface } => {
                estate.interfaces.iter_mut().filter(|i| i.id == *interface).for_each(|i| i.in_use = true);
            }
        }
    }
}

/// An id for people: that of something which only another change makes says so.
fn named(id: &str) -> String {
    match id.split_once("-new-") {
        Some((kind, of)) => format!("{kind} (new, {of})"),
        None => id.to_owned(),
    }
}

fn new_id(kind: &str, of: &str) -> SmolStr {
    format!("{kind}-new-{of}").into()
}

fn each_attachment(
    estate: &mut Estate,
    id: &SmolStr,
    transit_gateway: &SmolStr,
    change: impl Fn(&mut TransitAttachment),
) {
    let found = estate.transit_attachments.iter_mut().filter(|a| a.id == *id && a.transit_gateway == *transit_gateway);
    found.for_each(change);
}

/// The gateway that the VPC's routes name already, if it hangs on nothing; else a new one.
fn attach_internet_gateway(estate: &mut Estate, vpc: &SmolStr) {
    let routes = estate.route_tables.iter().filter(|t| t.vpc == *vpc).flat_map(|t| &t.routes);
    let named = routes.filter_map(|r| match &r.target {
        Target::InternetGateway(id) => Some(id),
        _ => None,
    });
    let named: Vec<SmolStr> = named.cloned().collect();
    match estate.internet_gateways.iter_mut().find(|g| g.vpcs.is_empty() && named.contains(&g.id)) {
        Some(gateway) => gateway.vpcs.push(vpc.clone()),
        None => {
            let id = new_id("igw", vpc);
            estate.internet_gateways.push(InternetGateway { id, vpcs: vec![vpc.clone()], ..Default::default() });
        }
    }
}

/// A blackhole's target comes back: a route to what is there, else to a new one of its kind.
fn restore(estate: &mut Estate, table: &SmolStr, destination: &Destination, target: &Target) {
    let Some(at) = estate.route_tables.iter().position(|t| t.id == *table) else { return };
    let vpc = estate.route_tables.get(at).map(|t| t.vpc.clone()).unwrap_or_default();
    match target {
        Target::NatGateway(id) => estate
            .nat_gateways
            .iter_mut()
            .filter(|n| n.id == *id)
            .for_each(|n| n.state = SmolStr::new_static("available")),
        Target::InternetGateway(id) => match estate.internet_gateways.iter_mut().find(|g| g.id == *id) {
            Some(gateway) => gateway.vpcs.push(vpc),
            None => {
                estate.internet_gateways.push(InternetGateway { id: id.clone(), vpcs: vec![vpc], ..Default::default() })
            }
        },
        Target::Peering(id) => {
            estate.peerings.iter_mut().filter(|p| p.id == *id).for_each(|p| p.status = SmolStr::new_static("active"))
        }
        _ => {}
    }
    let Some(found) = estate.route_tables.get_mut(at) else { return };
    for route in found.routes.iter_mut().filter(|r| r.destination == *destination && r.target == *target) {
        route.blackhole = false;
    }
}

/// An Elastic IP address that nobody has: from the block for documentation (RFC 5737), by the interface's place.
fn associate(estate: &mut Estate, interface: &SmolStr, private: IpAddr) {
    let taken: std::collections::HashSet<IpAddr> =
        estate.interfaces.iter().flat_map(|i| &i.addresses).filter_map(|a| a.public).collect();
    let free =
        (1..=u32::from(u16::MAX)).map(|n| IpAddr::from(std::net::Ipv4Addr::from(0xCB00_7100u32.wrapping_add(n))));
    let Some(public) = free.into_iter().find(|ip| !taken.contains(ip)) else { return };
    for found in estate.interfaces.iter_mut().filter(|i| i.id == *interface) {
        found.addresses.iter_mut().filter(|a| a.ip == private).for_each(|a| a.public = Some(public));
    }
}

impl Network {
    /// What would give a table a way to a destination: a route by what the VPC already has, else what it lacks.
    pub(crate) fn way_to(&self, table: &SmolStr, vpc: u32, destination: End, family: Family) -> Option<Change> {
        let own = self.estate.vpcs.get(vpc as usize)?;
        let add = |destination, target| Some(Change::AddRoute { table: table.clone(), destination, target });
        let ip = match destination {
            End::At(ip) if is_public(ip) && !self.vpcs().any(|v| self.in_vpc(v, ip)) => None,
            End::At(ip) => Some(ip),
            End::Far => None,
        };
        let Some(ip) = ip else {
            return match self.gateway_of(&own.id) {
                Some(gateway) => add(default_route(family), Target::InternetGateway(gateway.clone())),
                None => Some(Change::AttachInternetGateway { vpc: own.id.clone() }),
            };
        };
        if self.in_vpc(vpc, ip) {
            let block = own.cidrs.iter().find(|c| c.contains(ip))?;
            return add(*block, Target::Local);
        }
        let other = self.vpcs().find(|at| self.in_vpc(*at, ip)).and_then(|at| self.estate.vpcs.get(at as usize));
        if let Some(other) = other {
            let block = *other.cidrs.iter().find(|c| c.contains(ip))?;
            let joins = |p: &&Peering| {
                let ends = [&p.requester.vpc, &p.accepter.vpc];
                ends.contains(&&own.id)
                    && ends.contains(&&other.id)
                    && !matches!(p.status.as_str(), "deleted" | "rejected" | "expired" | "failed" | "deleting")
            };
            if let Some(peering) = self.estate.peerings.iter().find(joins) {
                return add(block, Target::Peering(peering.id.clone()));
            }
            let gateways = self.estate.transit_attachments.iter().filter(|a| a.kind == "vpc" && a.resource == own.id);
            for attachment in gateways {
                if self.vpc_attachment(&attachment.transit_gateway, &other.id).is_some() {
                    return add(block, Target::TransitGateway(attachment.transit_gateway.clone()));
                }
            }
            let overlap = own.cidrs.iter().any(|a| other.cidrs.iter().any(|b| a.covers(b) || b.covers(a)));
            return (!overlap).then(|| Change::CreatePeering { requester: own.id.clone(), accepter: other.id.clone() });
        }
        let gateway = self.estate.vpn_gateways.iter().find(|g| g.vpcs.contains(&own.id))?;
        add(IpRange::from(ip), Target::VpnGateway(gateway.id.clone()))
    }

    /// A way to a destination that a peering connection does not lead to.
    pub(crate) fn way_around(&self, vpc: u32, peering: &SmolStr, destination: End, family: Family) -> Option<Change> {
        let own = self.estate.vpcs.get(vpc as usize)?;
        let of_vpc = |t: &&crate::estate::RouteTable| {
            t.vpc == own.id && t.routes.iter().any(|r| r.target == Target::Peering(peering.clone()))
        };
        let table = self.estate.route_tables.iter().find(of_vpc)?;
        match self.way_to(&table.id, vpc, destination, family)? {
            // More specific than the route that led here, so that it wins.
            Change::AddRoute { target, .. } if target != Target::Peering(peering.clone()) => {
                let End::At(ip) = destination else { return None };
                Some(Change::AddRoute { table: table.id.clone(), destination: IpRange::from(ip), target })
            }
            Change::AddRoute { .. } => None,
            other => Some(other),
        }
    }

    /// Some address of the internet.
    pub fn somewhere(family: Family) -> IpAddr {
        let first = public_spans(family).first().map_or(0, |s| s.first);
        family.address(first)
    }
}

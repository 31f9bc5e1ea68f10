//! Internet gateways, egress-only internet gateways and VPC Block Public Access.

use super::route::{and_spans, minus_spans};
use super::{Arrival, Check, Dead, Guard, Hop, Kind, Leg, Note, Packet, Walker};
use crate::change::Change;
use crate::code::Code;
use crate::estate::{BlockMode, BlockPublicAccess, Home};
use crate::filter::Passage;
use crate::packet::{End, Family, Span, number};
use crate::topology::{Network, Role};
use smol_str::{SmolStr, format_smolstr};
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use yagura_model::{GapReason, INTERNAL, IpRange};

/// The id of the internet as a component.
pub const INTERNET: &str = "internet";

/// Public addresses of a family: what is left without private, shared, loopback, link-local, multicast and reserved
/// space (IANA special-purpose address registries).
pub fn public_spans(family: Family) -> &'static [Span] {
    static V4: LazyLock<Vec<Span>> = LazyLock::new(|| outside(Family::V4, &["0.0.0.0/8", "224.0.0.0/3"]));
    static V6: LazyLock<Vec<Span>> = LazyLock::new(|| {
        let global: Vec<Span> = IpRange::parse("2000::/3").iter().map(Span::of).collect();
        and_spans(&outside(Family::V6, &[]), &global)
    });
    match family {
        Family::V4 => &V4,
        Family::V6 => &V6,
    }
}

fn outside(family: Family, more: &[&str]) -> Vec<Span> {
    let inner = INTERNAL.iter().chain(more).filter_map(|r| IpRange::parse(r));
    let inner: Vec<Span> = inner.filter(|r| Family::of(r.first()) == family).map(|r| Span::of(&r)).collect();
    minus_spans(&[family.span()], &inner)
}

/// Whether an address is one of the public internet.
pub fn is_public(ip: IpAddr) -> bool {
    public_spans(Family::of(ip)).iter().any(|s| s.contains(number(ip)))
}

/// A direction through an internet gateway, as Block Public Access counts it: that of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crossing {
    Ingress,
    Egress,
}

impl Walker<'_> {
    /// A route sends the packet to an internet gateway.
    pub(crate) fn enter_internet_gateway(
        &mut self,
        id: &SmolStr,
        from: Option<u32>,
        vpc: u32,
        packet: Packet,
        leg: Leg,
    ) {
        let Some(leg) = self.pass(leg, Kind::InternetGateway, id, &packet) else { return };
        let Some(leg) = self.attached(id, vpc, leg) else { return };
        let crossing = if packet.reply { Crossing::Ingress } else { Crossing::Egress };
        let by_nat = packet.sender.is_some_and(|at| self.net.is_nat_gateway(at));
        let Some(mut leg) = self.public_access(vpc, from, crossing, by_nat, leg) else { return };
        let at = Hop::new(id.clone(), Kind::InternetGateway);
        let source = match packet.source {
            End::Far => End::Far,
            source if self.without_interface(vpc, source, &packet) => {
                leg.lent = Some(vpc);
                source
            }
            End::At(ip) => match self.public_source(ip, vpc) {
                Some(ip) => End::At(ip),
                None => {
                    let rule = format!("{ip} has no public address: an internet gateway carries only what has one");
                    let rule_ja = format!(
                        "{ip} にパブリック IP アドレスがない。インターネットゲートウェイを通れるのはパブリックアドレスを持つものに限られる"
                    );
                    let dead = Dead::new(at, Code::IgwNoPublicAddressEgress, rule, rule_ja);
                    let dead = match self.net.owner_of(vpc, ip).and_then(|o| self.net.estate.interfaces.get(o as usize))
                    {
                        Some(interface) => {
                            dead.fixed_by(Change::AssociateAddress { interface: interface.id.clone(), private: ip })
                        }
                        None => dead,
                    };
                    return self.dead(dead, leg);
                }
            },
        };
        let packet = Packet { source, sender: None, ..packet };
        match packet.destination {
            End::At(ip) if !is_public(ip) => {
                let shared = IpRange::parse("100.64.0.0/10").is_some_and(|r| r.contains(ip));
                let code = if shared { Code::IgwSharedDestination } else { Code::IgwPrivateDestination };
                let rule = format!("{ip} is not an address of the internet");
                let rule_ja = format!("{ip} はインターネットのアドレスではない");
                self.dead(Dead::new(at, code, rule, rule_ja), leg);
            }
            End::At(_) => self.enter_internet(packet, leg),
            End::Far => {
                let far = and_spans(&leg.far, public_spans(self.family));
                if !far.is_empty() {
                    return self.enter_internet(packet, Leg { far, ..leg });
                }
                let (rule, rule_ja) =
                    ("the addresses are not those of the internet", "宛先はインターネットのアドレスではない");
                self.dead(Dead::new(at, Code::IgwPrivateDestination, rule, rule_ja), leg);
            }
        }
    }

    /// The public address that stands for a source; IPv6 addresses stand for themselves.
    fn public_source(&self, ip: IpAddr, vpc: u32) -> Option<IpAddr> {
        if ip.is_ipv6() {
            // That of another VPC is dropped: what leaves centrally over IPv6 has to be translated first
            // (`building-scalable-secure-multi-vpc-network-infrastructure/centralized-egress-for-ipv6`).
            return (is_public(ip) && self.net.in_vpc(vpc, ip)).then_some(ip);
        }
        let owner = self.net.owner_of(vpc, ip)?;
        let interface = self.net.estate.interfaces.get(owner as usize)?;
        interface.addresses.iter().find(|a| a.ip == ip)?.public
    }

    /// The packet left AWS, or is on its way to another public address in it.
    fn enter_internet(&mut self, packet: Packet, leg: Leg) {
        let Some(leg) = self.pass(leg, Kind::Internet, &SmolStr::new_static(INTERNET), &packet) else { return };
        match packet.destination {
            End::At(ip) if self.net.behind_public(ip).is_some() => self.arrive_from_internet(packet, leg),
            _ => self.arrive(Arrival::Internet, packet, leg),
        }
    }

    /// A packet from the internet to a public address.
    pub(crate) fn arrive_from_internet(&mut self, packet: Packet, leg: Leg) {
        let net = self.net;
        let internet = SmolStr::new_static(INTERNET);
        let Some(leg) = self.pass(leg, Kind::Internet, &internet, &packet) else { return };
        let at = Hop::new(internet, Kind::Internet);
        let End::At(ip) = packet.destination else {
            let dead =
                Dead::new(at, Code::NoPossibleDestination, "both ends are outside of AWS", "両端とも AWS の外にある");
            return self.dead(dead, leg);
        };
        if let End::At(source) = packet.source
            && !is_public(source)
        {
            let rule = format!("{source} is not an address of the internet");
            let rule_ja = format!("{source} はインターネットのアドレスではない");
            return self.dead(Dead::new(at, Code::IgwPrivateSource, rule, rule_ja), leg);
        }
        let far = match packet.source {
            End::At(_) => leg.far.clone(),
            End::Far => and_spans(&leg.far, public_spans(self.family)),
        };
        if far.is_empty() {
            let (rule, rule_ja) =
                ("the addresses are not those of the internet", "送信元はインターネットのアドレスではない");
            return self.dead(Dead::new(at, Code::IgwPrivateSource, rule, rule_ja), leg);
        }
        let leg = Leg { far, ..leg };
        if let Some(vpc) = self.lent.filter(|vpc| packet.reply && net.in_vpc(*vpc, ip)) {
            if let Some(gateway) = self.egress_only.clone() {
                return self.answer_by_egress_only(&gateway, vpc, packet, leg);
            }
            let gateway =
                net.estate.vpcs.get(vpc as usize).and_then(|v| net.gateway_of(&v.id)).cloned().unwrap_or_default();
            let Some(leg) = self.pass(leg, Kind::InternetGateway, &gateway, &packet) else { return };
            return self.route_from_gateway(&gateway, vpc, packet, leg);
        }
        let Some((interface, private)) = net.behind_public(ip) else {
            return self.not_public(ip, at, leg);
        };
        let links = net.interfaces.get(interface as usize);
        let Some((vpc, subnet)) = links.and_then(|l| Some((l.vpc?, l.subnet))) else {
            let Some(told) = net.estate.interfaces.get(interface as usize) else { return };
            return self.unread(net.hole("DescribeVpcs", &told.vpc, &told.home), leg);
        };
        let Some(record) = net.estate.vpcs.get(vpc as usize) else { return };
        if packet.reply
            && let Some(gateway) = self.egress_only.clone()
        {
            return self.answer_by_egress_only(&gateway, vpc, packet, leg);
        }
        let Some(gateway) = net.gateway_of(&record.id).cloned() else {
            if let Some(hole) = net.unanswered("DescribeInternetGateways", &record.id, &record.home) {
                return self.unread(hole, leg);
            }
            let at = Hop::new(record.id.clone(), Kind::Vpc);
            let (rule, rule_ja) = (
                "no internet gateway is attached to the VPC",
                "VPC にインターネットゲートウェイがアタッチされていない",
            );
            let fix = Change::AttachInternetGateway { vpc: record.id.clone() };
            return self.dead(Dead::new(at, Code::BadStateAttachment, rule, rule_ja).fixed_by(fix), leg);
        };
        let Some(leg) = self.pass(leg, Kind::InternetGateway, &gateway, &packet) else { return };
        let crossing = if packet.reply { Crossing::Egress } else { Crossing::Ingress };
        let by_nat = net.is_nat_gateway(interface);
        let Some(leg) = self.public_access(vpc, subnet, crossing, by_nat, leg) else { return };
        // What came by the internet is known by its address only: no rule sees its groups.
        let packet = Packet { destination: End::At(private), sender: None, forwarded: true, ..packet };
        self.route_from_gateway(&gateway, vpc, packet, leg);
    }

    /// The answer to what went out by an egress-only internet gateway.
    fn answer_by_egress_only(&mut self, gateway: &SmolStr, vpc: u32, packet: Packet, leg: Leg) {
        let Some(leg) = self.pass(leg, Kind::EgressOnlyInternetGateway, gateway, &packet) else { return };
        self.deliver_in_vpc(vpc, None, packet, leg);
    }

    /// Nothing that was read has the public address.
    fn not_public(&mut self, ip: IpAddr, at: Hop, leg: Leg) {
        let net = self.net;
        let owner = net.vpcs().find_map(|vpc| net.owner_of(vpc, ip));
        let interface = owner.and_then(|o| net.estate.interfaces.get(o as usize));
        let known_as = interface.and_then(|i| i.addresses.iter().find(|a| a.ip == ip)?.public);
        let dead = match interface {
            Some(interface) if known_as.is_some() => {
                let public = known_as.unwrap_or(ip);
                let rule = format!("{ip} is a private address of {}: the internet knows it as {public}", interface.id);
                let rule_ja =
                    format!("{ip} は {} のプライベートアドレス (インターネットからは {public})", interface.id);
                let at = Hop::new(interface.id.clone(), Kind::NetworkInterface);
                Dead::new(at, Code::IgwNoPublicAddressIngress, rule, rule_ja)
            }
            Some(interface) => {
                let rule = format!("{ip} is a private address of {} and has no public one", interface.id);
                let rule_ja = format!("{ip} は {} のプライベートアドレスで、パブリックアドレスがない", interface.id);
                let fix = Change::AssociateAddress { interface: interface.id.clone(), private: ip };
                Dead::new(
                    Hop::new(interface.id.clone(), Kind::NetworkInterface),
                    Code::IgwNoPublicAddressIngress,
                    rule,
                    rule_ja,
                )
                .fixed_by(fix)
            }
            None => {
                if let Some(unread) = net.partly_read(&[INTERFACES]).first() {
                    let of = format_smolstr!("{ip}");
                    return self.unread(crate::topology::missing(INTERFACES, &of, Arc::clone(&unread.gap)), leg);
                }
                let (rule, rule_ja) = (
                    format!("nothing has the public address {ip}"),
                    format!("パブリックアドレス {ip} を持つものがない"),
                );
                Dead::new(at, Code::IgwNoPublicAddressIngress, rule, rule_ja)
            }
        };
        self.dead(dead, leg);
    }

    /// Whether the gateway is attached to the VPC. `None`: the walk is over.
    fn attached(&mut self, id: &SmolStr, vpc: u32, leg: Leg) -> Option<Leg> {
        let net = self.net;
        let record = net.estate.vpcs.get(vpc as usize)?;
        let gateway = net.internet_gateway.get(id).and_then(|at| net.estate.internet_gateways.get(*at as usize));
        let attached = match gateway {
            Some(gateway) => gateway.vpcs.contains(&record.id),
            // The route's own state stands for an attachment that was not read.
            None => net.unread("DescribeInternetGateways", &record.home).is_some(),
        };
        if attached {
            return Some(leg);
        }
        let at = Hop::new(id.clone(), Kind::InternetGateway);
        let (rule, rule_ja) =
            (format!("{id} is not attached to {}", record.id), format!("{id} は {} にアタッチされていない", record.id));
        let fix = Change::AttachInternetGateway { vpc: record.id.clone() };
        self.dead(Dead::new(at, Code::BadStateAttachment, rule, rule_ja).fixed_by(fix), leg);
        None
    }

    /// A route sends the packet to an egress-only internet gateway: IPv6, outwards and its answers
    /// (`vpc/latest/userguide/egress-only-internet-gateway`).
    pub(crate) fn enter_egress_only(&mut self, id: &SmolStr, from: Option<u32>, vpc: u32, packet: Packet, leg: Leg) {
        let Some(leg) = self.pass(leg, Kind::EgressOnlyInternetGateway, id, &packet) else { return };
        let at = Hop::new(id.clone(), Kind::EgressOnlyInternetGateway);
        let own = self.net.estate.vpcs.get(vpc as usize).map(|v| &v.id);
        let gateway = self.net.egress_only.get(id);
        let gateway = gateway.and_then(|at| self.net.estate.egress_only_internet_gateways.get(*at as usize));
        if gateway.is_some_and(|g| own.is_none_or(|own| !g.vpcs.contains(own))) {
            let (rule, rule_ja) = ("it is not attached to the VPC", "VPC にアタッチされていない");
            return self.dead(Dead::new(at, Code::BadStateAttachment, rule, rule_ja), leg);
        }
        if packet.reply {
            // The request came in by another way: the gateway knows no connection that this answers.
            let (rule, rule_ja) = ("it carries connections that begin inside only", "内側から始まる接続だけを通す");
            let fix = self.direct_route(vpc, &packet, &leg);
            return self.dead(Dead { fix, ..Dead::new(at, Code::NoRoute, rule, rule_ja) }, leg);
        }
        let Some(mut leg) = self.public_access(vpc, from, Crossing::Egress, true, leg) else { return };
        match packet.source {
            End::At(ip) if !is_public(ip) || !self.net.in_vpc(vpc, ip) => {
                let rule = format!("{ip} is not a global IPv6 address of the VPC");
                let rule_ja = format!("{ip} はこの VPC のグローバル IPv6 アドレスではない");
                self.dead(Dead::new(at, Code::IgwNoPublicAddressEgress, rule, rule_ja), leg);
            }
            source => {
                if self.without_interface(vpc, source, &packet) {
                    leg.lent = Some(vpc);
                }
                self.enter_internet(Packet { sender: None, ..packet }, leg);
            }
        }
    }

    /// Whether a packet is of a subnet where no interface has the address: routes and network ACLs are asked only. Over
    /// IPv4 the address needs a public one, which nobody has, unless any host will do.
    fn without_interface(&self, vpc: u32, source: End, packet: &Packet) -> bool {
        let End::At(ip) = source else { return false };
        let carried = self.goal.any_host || (ip.is_ipv6() && self.public_source(ip, vpc).is_some());
        carried && packet.sender.is_none() && self.net.owner_of(vpc, ip).is_none()
    }

    /// VPC Block Public Access (`vpc/latest/userguide/security-vpc-bpa-basics`). `None`: the walk is over.
    ///
    /// Both directions: nothing passes an internet gateway or an egress-only one. Ingress only: what begins inside
    /// passes by NAT gateways and egress-only internet gateways, nothing else. An exclusion of the VPC or the subnet
    /// lets both directions through. One for egress only counts where both directions are blocked, and lets through
    /// what begins inside and goes by these gateways (`security-vpc-bpa-example`, scenarios 5 and 6).
    fn public_access(
        &mut self,
        vpc: u32,
        subnet: Option<u32>,
        crossing: Crossing,
        by_nat: bool,
        mut leg: Leg,
    ) -> Option<Leg> {
        let net = self.net;
        let record = net.estate.vpcs.get(vpc as usize)?;
        let Some(setting) = net.block_public_access(&record.home) else {
            match net.unread(BPA, &record.home) {
                // Nobody asked: it is off in every Region until somebody turns it on, and the answer says so.
                Some(gap) if gap.reason == GapReason::NotRequested => leg.notes.push(Note::NoBlockPublicAccess),
                Some(_) => {
                    let hole = net.hole(BPA, &record.id, &record.home);
                    let guard = Guard::Unread(Hop::new(record.id.clone(), Kind::VpcBlockPublicAccess));
                    leg.checks.push(Check { guard, passage: Passage::unknown(hole), after: leg.hops.len() });
                }
                None => {}
            }
            return Some(leg);
        };
        let subnet = subnet.and_then(|s| net.estate.subnets.get(s as usize)).map(|s| &s.id);
        let excluded = |egress_only: bool| {
            let mut all = setting.exclusions.iter().filter(|e| e.egress_only == egress_only);
            all.any(|e| e.resource == record.id || Some(&e.resource) == subnet)
        };
        let begins_inside = crossing == Crossing::Egress && by_nat;
        let open = match setting.mode {
            BlockMode::Off => true,
            BlockMode::BlockIngress => begins_inside,
            BlockMode::BlockBidirectional => begins_inside && excluded(true),
        };
        if open || excluded(false) {
            return Some(leg);
        }
        let at = Hop::new(record.id.clone(), Kind::VpcBlockPublicAccess);
        let mode = match setting.mode {
            BlockMode::BlockBidirectional => "block-bidirectional",
            _ => "block-ingress",
        };
        let rule = format!("InternetGatewayBlockMode is {mode} and no exclusion covers {}", record.id);
        let rule_ja = format!("InternetGatewayBlockMode が {mode} で、{} に除外がない", record.id);
        let fix = Change::ExcludeFromBlockPublicAccess { vpc: record.id.clone() };
        self.dead(Dead::new(at, Code::BlockPublicAccess, rule, rule_ja).fixed_by(fix), leg);
        None
    }
}

/// What lists every address that anything has.
const INTERFACES: &str = "DescribeNetworkInterfaces";
const BPA: &str = "DescribeVpcBlockPublicAccessOptions";

impl Network {
    /// The internet gateway of a VPC.
    pub(crate) fn gateway_of(&self, vpc: &SmolStr) -> Option<&SmolStr> {
        self.estate.internet_gateways.iter().find(|g| g.vpcs.contains(vpc)).map(|g| &g.id)
    }

    fn is_nat_gateway(&self, interface: u32) -> bool {
        self.interfaces.get(interface as usize).is_some_and(|l| matches!(l.role, Some(Role::NatGateway(_))))
    }

    /// The setting of a VPC's account and Region; where nobody told one of them, the strictest that may be it.
    fn block_public_access(&self, home: &Home) -> Option<&BlockPublicAccess> {
        let all = || self.estate.block_public_access.iter();
        let like = |a: &SmolStr, b: &SmolStr| a.is_empty() || b.is_empty() || a == b;
        let fits = |b: &&BlockPublicAccess| like(&b.home.account, &home.account) && like(&b.home.region, &home.region);
        let strictness = |b: &&BlockPublicAccess| match b.mode {
            BlockMode::Off => 0,
            BlockMode::BlockIngress => 1,
            BlockMode::BlockBidirectional => 2,
        };
        all().find(|b| b.home == *home).or_else(|| all().filter(fits).max_by_key(strictness))
    }
}

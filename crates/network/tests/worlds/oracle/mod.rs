//! One packet at a time, carried from hop to hop as AWS's pages tell: the model that the engine is held against.
//!
//! It shares no code with the engine but the records. Everything is looked up by id, every time; a packet is five
//! numbers; an answer is sent for real, through what the request left behind (translations, tracked connections).

mod filters;
mod gateways;
mod routes;
mod transit;

use smol_str::SmolStr;
use std::net::IpAddr;
use yagura_network::estate::{Estate, Interface, Subnet, Vpc};

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMP: u8 = 1;

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    pub source_port: u16,
    /// ICMP's type and code in the upper and lower byte.
    pub port: u16,
}

impl Packet {
    /// The answer to it.
    fn answer(self) -> Self {
        let back = Self { source: self.destination, destination: self.source, ..self };
        match (self.protocol, self.port >> 8) {
            // An echo is answered by an echo reply (RFC 792).
            (ICMP, 8) => Self { port: 0, ..back },
            (ICMP, _) => back,
            _ => Self { source_port: self.port, port: self.source_port, ..back },
        }
    }
}

/// Where a packet begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A network interface.
    Interface(SmolStr),
    /// The internet.
    Internet,
    /// The service behind a gateway endpoint of a VPC.
    Service { endpoint: SmolStr, vpc: SmolStr },
}

impl Place {
    /// The network interface, if it is one.
    pub fn interface(&self) -> Option<&str> {
        match self {
            Self::Interface(id) => Some(id),
            Self::Internet | Self::Service { .. } => None,
        }
    }
}

/// What devices remember of a connection.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// Addresses that a translator replaced.
    translations: Vec<Translation>,
    /// Interfaces whose security groups saw the connection.
    tracked: Vec<SmolStr>,
    /// The egress-only internet gateway that it left by, and its VPC.
    egress_only: Option<SmolStr>,
    /// Whether this is the way back.
    answering: bool,
}

#[derive(Debug, Clone)]
struct Translation {
    device: SmolStr,
    inside: IpAddr,
    inside_port: u16,
    outside: IpAddr,
}

/// Where the packet is now.
enum Spot {
    /// An interface puts it on its subnet.
    Sending(SmolStr),
    /// It is on a subnet and has to leave it, or reach a neighbour.
    On(SmolStr),
    /// The implied router of a VPC has it; it came from this subnet.
    Router { vpc: SmolStr, from: Option<SmolStr> },
    /// It came to an address of an interface.
    At(SmolStr),
    /// A transit gateway took it by an attachment, in a zone.
    Transit { attachment: SmolStr, zone: SmolStr },
    /// It is on the internet.
    Internet,
    /// It is there.
    Arrived(Place),
}

/// By what the packet came to the VPC where it is: security groups of others are seen through some only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Through {
    Nothing,
    Peering,
    Transit,
    /// An appliance that passes packets on.
    Appliance,
    /// The internet.
    Internet,
}

/// A network to send packets through.
pub struct Oracle<'e> {
    pub estate: &'e Estate,
    /// The port that translators choose.
    pub chosen: u16,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// Where it came to; `None`: it was dropped.
    pub there: Option<Place>,
    /// Whether the answer came back to the sender.
    pub back: bool,
    /// Whether a translator chose a port.
    pub translated: bool,
}

impl<'e> Oracle<'e> {
    /// Sends a packet from a place, and the answer back.
    pub fn send(&self, from: &Place, request: Packet) -> Fate {
        let mut connection = Connection::default();
        let arrived = self.travel(from, request, &mut connection);
        let translated = !connection.translations.is_empty();
        let Some((there, packet)) = arrived else { return Fate { there: None, back: false, translated } };
        connection.answering = true;
        let back = self.travel(&there, packet.answer(), &mut connection);
        let sender = match from {
            Place::Interface(_) => Some(request.source),
            Place::Internet | Place::Service { .. } => None,
        };
        let to_sender = |p: Packet| sender.is_none_or(|ip| ip == p.destination);
        let back = back.is_some_and(|(place, packet)| place == *from && to_sender(packet));
        Fate { there: Some(there), back, translated }
    }

    fn travel(&self, from: &Place, packet: Packet, connection: &mut Connection) -> Option<(Place, Packet)> {
        let mut packet = packet;
        let mut through = Through::Nothing;
        let mut spot = match from {
            Place::Interface(id) => Spot::Sending(id.clone()),
            Place::Internet => Spot::Internet,
            Place::Service { vpc, .. } => Spot::Router { vpc: vpc.clone(), from: None },
        };
        let mut came_from_outside = *from == Place::Internet;
        for _ in 0..64 {
            spot = match spot {
                Spot::Sending(id) => self.leave_interface(&id, packet, connection)?,
                Spot::On(subnet) => self.on_subnet(&subnet, &mut packet, connection, &mut through)?,
                Spot::Router { vpc, from } => self.router(&vpc, from.as_ref(), packet)?,
                Spot::At(id) => self.at_interface(&id, &mut packet, connection, through)?,
                Spot::Transit { attachment, zone } => {
                    self.transit(&attachment, &zone, &mut packet, connection, &mut through)?
                }
                Spot::Internet => {
                    let entering = std::mem::take(&mut came_from_outside);
                    self.internet(&mut packet, connection, entering, &mut through)?
                }
                Spot::Arrived(place) => return Some((place, packet)),
            };
        }
        None
    }

    /// An interface sends what is its own, and its groups' outbound rules let it.
    fn leave_interface(&self, id: &SmolStr, packet: Packet, connection: &mut Connection) -> Option<Spot> {
        let interface = self.works(id)?;
        if interface.source_dest_check && !interface.addresses.iter().any(|a| a.ip == packet.source) {
            return None;
        }
        if !connection.answering {
            connection.tracked.push(id.clone());
            self.groups_let_out(interface, packet).then_some(())?;
        }
        Some(Spot::On(interface.subnet.clone()))
    }

    /// On a subnet, neighbours are reached directly; for everything else the network ACL is asked and a route taken
    /// (`vpc/latest/userguide/vpc-network-acls`: ACLs do not filter within a subnet).
    fn on_subnet(
        &self,
        subnet: &SmolStr,
        packet: &mut Packet,
        connection: &mut Connection,
        through: &mut Through,
    ) -> Option<Spot> {
        let record = self.subnet(subnet)?;
        if record.cidrs.iter().any(|c| c.contains(packet.destination)) {
            return self.owner(&record.vpc, packet.destination).map(|i| Spot::At(i.id.clone()));
        }
        self.acl_lets(subnet, true, *packet).then_some(())?;
        let table = self.table_of(record)?;
        let target = self.route(table, packet.destination)?;
        self.take(target, Some(subnet), &record.vpc, packet, connection, through)
    }

    /// The router of a VPC brings the packet to the subnet of its destination.
    fn router(&self, vpc: &SmolStr, from: Option<&SmolStr>, packet: Packet) -> Option<Spot> {
        let holds = |s: &&Subnet| s.vpc == *vpc && s.cidrs.iter().any(|c| c.contains(packet.destination));
        let subnet = self.estate.subnets.iter().find(holds)?;
        if from != Some(&subnet.id) {
            self.acl_lets(&subnet.id, false, packet).then_some(())?;
        }
        self.owner(vpc, packet.destination).map(|i| Spot::At(i.id.clone()))
    }

    /// An interface takes the packet, or undoes what it did to the request.
    fn at_interface(
        &self,
        id: &SmolStr,
        packet: &mut Packet,
        connection: &mut Connection,
        through: Through,
    ) -> Option<Spot> {
        let top = connection.translations.last();
        let undo = top.filter(|t| t.device == *id && connection.answering && t.outside == packet.destination);
        if let Some(translation) = undo.cloned() {
            connection.translations.pop();
            packet.destination = translation.inside;
            if packet.protocol != ICMP {
                packet.port = translation.inside_port;
            }
            return Some(Spot::On(self.interface(id)?.subnet.clone()));
        }
        if self.estate.nat_gateways.iter().any(|n| n.interfaces.contains(id)) {
            // A NAT gateway takes no connection from outside (`vpc/latest/userguide/vpc-nat-gateway`).
            return None;
        }
        let interface = self.works(id)?;
        if !connection.answering || !connection.tracked.contains(id) {
            connection.tracked.push(id.clone());
            self.groups_let_in(interface, *packet, through).then_some(())?;
        }
        Some(Spot::Arrived(Place::Interface(id.clone())))
    }

    /// The interface, if its instance runs and it is attached.
    fn works(&self, id: &SmolStr) -> Option<&'e Interface> {
        let interface = self.interface(id)?;
        let instance = self.estate.instances.iter().find(|i| Some(&i.id) == interface.instance.as_ref());
        (interface.in_use && instance.is_none_or(|i| i.state == "running")).then_some(interface)
    }

    fn interface(&self, id: &SmolStr) -> Option<&'e Interface> {
        self.estate.interfaces.iter().find(|i| i.id == *id)
    }

    fn subnet(&self, id: &SmolStr) -> Option<&'e Subnet> {
        self.estate.subnets.iter().find(|s| s.id == *id)
    }

    fn vpc(&self, id: &SmolStr) -> Option<&'e Vpc> {
        self.estate.vpcs.iter().find(|v| v.id == *id)
    }

    fn owner(&self, vpc: &SmolStr, ip: IpAddr) -> Option<&'e Interface> {
        self.estate.interfaces.iter().find(|i| i.vpc == *vpc && i.addresses.iter().any(|a| a.ip == ip))
    }

    fn in_vpc(&self, vpc: &SmolStr, ip: IpAddr) -> bool {
        self.vpc(vpc).is_some_and(|v| v.cidrs.iter().any(|c| c.contains(ip)))
    }
}

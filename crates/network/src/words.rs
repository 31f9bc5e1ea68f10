//! How packets are said: protocols and ports, the same in every language.

use crate::estate::{Protocol, Service};
use crate::packet::{ANY_PORT, Family, ICMP, ICMPV6, PacketBox, TCP, UDP};

/// The name of a protocol: `tcp`, `udp`, `icmp`, `icmpv6`, or its number.
pub fn protocol(number: u8) -> String {
    match number {
        TCP => "tcp".to_owned(),
        UDP => "udp".to_owned(),
        ICMP => "icmp".to_owned(),
        ICMPV6 => "icmpv6".to_owned(),
        other => other.to_string(),
    }
}

/// A protocol by name or number; `None`: it is neither.
pub fn parse_protocol(text: &str) -> Option<Protocol> {
    Some(match text.to_ascii_lowercase().as_str() {
        "-1" | "all" | "any" => Protocol::Any,
        "tcp" => Protocol::Number(TCP),
        "udp" => Protocol::Number(UDP),
        "icmp" => Protocol::Number(ICMP),
        "icmpv6" | "icmp6" | "ipv6-icmp" => Protocol::Number(ICMPV6),
        other => Protocol::Number(other.parse().ok()?),
    })
}

/// One port or a range.
pub fn ports((first, last): (u16, u16)) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// A rule's protocol and ports: `tcp 443`, `icmp type 8`, `all traffic`.
pub fn service(service: Service) -> String {
    let Protocol::Number(number) = service.protocol else { return "all traffic".to_owned() };
    let name = protocol(number);
    match service.ports {
        ANY_PORT => name,
        (first, last) if number == ICMP || number == ICMPV6 => {
            let (kind, code) = (first >> 8, first & 255);
            if first == last { format!("{name} type {kind} code {code}") } else { format!("{name} type {kind}") }
        }
        some => format!("{name} {}", ports(some)),
    }
}

/// What rule would let exactly a box of packets through, in its protocol and destination ports.
pub fn service_of(packet: &PacketBox) -> Service {
    let (first, last) = packet.protocol;
    let protocol = if first == last { Protocol::Number(first) } else { Protocol::Any };
    Service { protocol, ports: packet.dst_port }
}

/// One packet: `tcp 443 from port 49152`, with the far end's address where it has one.
pub fn packet(packet: &PacketBox) -> String {
    let mut text = service(service_of(packet));
    if packet.far.first == packet.far.last {
        let family = if packet.far.first > u128::from(u32::MAX) { Family::V6 } else { Family::V4 };
        text += &format!(" ({})", family.address(packet.far.first));
    }
    if matches!(packet.protocol.0, TCP | UDP) {
        text += &format!(" from port {}", ports(packet.src_port));
    }
    text
}

//! What kind of address an address is.

use std::net::{IpAddr, Ipv4Addr};

/// Whether an address is of a private network: RFC 1918, the shared space of RFC 6598 (which VPCs may use), and unique
/// local IPv6.
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || shared(v4),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

/// Whether an address is one host's: no multicast, broadcast, loopback, link-local (AWS's 169.254.169.123 for time,
/// .253 for names, .254 for metadata) or unspecified one.
pub fn is_host(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            !(v4.is_multicast()
                || v4.is_broadcast()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.octets().first() == Some(&0))
        }
        IpAddr::V6(v6) => !(v6.is_multicast() || v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified()),
    }
}

fn shared(v4: Ipv4Addr) -> bool {
    matches!(v4.octets(), [100, 64..=127, _, _])
}

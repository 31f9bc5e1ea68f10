//! Address blocks.

use std::net::IpAddr;

/// Whether `block` (`10.0.0.0/8`, `::/0`, or a bare address) contains `ip` (an address or a smaller block).
///
/// # Errors
/// Says which text is not an address block.
pub(crate) fn contains(block: &str, ip: &str) -> Result<bool, String> {
    let ((net, len), (inner, inner_len)) = (parse(block)?, parse(ip)?);
    Ok(net.is_ipv4() == inner.is_ipv4() && inner_len >= len && masked(net, len) == masked(inner, len))
}

/// Whether a block reaches outside private, shared, loopback and link-local space
/// (RFC 1918, RFC 6598, RFC 4193; IANA special-purpose registries).
///
/// # Errors
/// Says that the text is not an address block.
pub(crate) fn is_public(block: &str) -> Result<bool, String> {
    parse(block)?;
    const INTERNAL: [&str; 9] = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    ];
    Ok(!INTERNAL.iter().any(|i| contains(i, block) == Ok(true)))
}

fn parse(text: &str) -> Result<(IpAddr, u32), String> {
    let bad = || format!("`{text}` is not an IP address or CIDR block");
    let (address, len) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
    let ip: IpAddr = address.parse().map_err(|_| bad())?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let len = len.map_or(Ok(most), |l| {
        l.parse::<u32>().ok().filter(|_| l.bytes().all(|b| b.is_ascii_digit())).ok_or_else(bad)
    })?;
    if len > most { Err(bad()) } else { Ok((ip, len)) }
}

fn masked(ip: IpAddr, len: u32) -> u128 {
    match ip {
        IpAddr::V4(v4) => (u128::from(u32::from(v4))).checked_shr(32 - len.min(32)).unwrap_or(0),
        IpAddr::V6(v6) => u128::from(v6).checked_shr(128 - len.min(128)).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        for (block, ip, want) in [
            ("10.0.0.0/8", "10.9.8.7", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("10.1.0.0/16", "10.0.0.0/8", false),
            ("10.0.0.1", "10.0.0.1/32", true),
        ] {
            assert_eq!(contains(block, ip), Ok(want), "{block} {ip}");
        }
        assert!(contains("10.0.0.0/33", "10.0.0.1").is_err());
        assert!(contains("ten", "10.0.0.1").is_err());
        for (block, want) in [
            ("0.0.0.0/0", true),
            ("10.2.0.0/16", false),
            ("8.8.8.8", true),
            ("172.16.0.0/11", true),
            ("fd00::/8", false),
        ] {
            assert_eq!(is_public(block), Ok(want), "{block}");
        }
    }
}

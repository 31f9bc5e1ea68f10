//! Address blocks.

use yagura_model::IpRange;

/// Whether `block` (`10.0.0.0/8`, `::/0`, or a bare address) contains `ip` (an address or a smaller block).
///
/// # Errors
/// Says which text is not an address block.
pub(crate) fn contains(block: &str, ip: &str) -> Result<bool, String> {
    Ok(parse(block)?.covers(&parse(ip)?))
}

/// Whether a block reaches outside private, shared, loopback and link-local space
/// (RFC 1918, RFC 6598, RFC 4193; IANA special-purpose registries).
///
/// # Errors
/// Says that the text is not an address block.
pub(crate) fn is_public(block: &str) -> Result<bool, String> {
    Ok(!parse(block)?.is_internal())
}

fn parse(text: &str) -> Result<IpRange, String> {
    IpRange::parse(text).ok_or_else(|| format!("`{text}` is not an IP address or CIDR block"))
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

//! Lists of one entry a line: addresses, networks, ranges, domains; with columns, with a header, as Tor's exit list or
//! a hosts file.

use super::{Entry, Into};
use std::net::IpAddr;

/// Column titles that hold what is listed, best first.
const TITLES: [&str; 20] = [
    "ip",
    "ipaddr",
    "ip_address",
    "ipaddress",
    "ip address",
    "dst_ip",
    "dstip",
    "src_ip",
    "srcip",
    "address",
    "network",
    "cidr",
    "prefix",
    "range",
    "domain",
    "hostname",
    "host",
    "fqdn",
    "indicator",
    "value",
];

/// Lines of Tor's exit list (TorDNSEL) that hold no address.
const TOR_LINES: [&str; 3] = ["ExitNode ", "Published ", "LastStatus "];

pub(super) fn read(text: &str, into: &mut Into<'_>) {
    into.report.format = "plain";
    let mut column = None;
    let mut seen = false;
    for (at, line) in text.lines().enumerate() {
        let place = at + 1;
        let line = uncommented(line.trim());
        if line.is_empty() || TOR_LINES.iter().any(|t| line.starts_with(t)) {
            continue;
        }
        if let Some(rest) = line.strip_prefix("ExitAddress ") {
            one(rest.split_whitespace().next().unwrap_or_default(), place, into);
            seen = true;
            continue;
        }
        if !seen {
            seen = true;
            column = titled(line);
            if column.is_some() {
                continue;
            }
        }
        row(line, place, column, into);
    }
}

/// A line without its comment. `#` and `;` begin one at the line's start or after a space; `//` at the start.
fn uncommented(line: &str) -> &str {
    if line.starts_with(['#', ';']) || line.starts_with("//") {
        return "";
    }
    let cut = line
        .char_indices()
        .zip(line.chars().skip(1))
        .find(|((_, space), mark)| space.is_whitespace() && matches!(mark, '#' | ';'));
    cut.map_or(line, |((at, _), _)| line.get(..at).unwrap_or(line)).trim_end()
}

fn fields(line: &str) -> impl Iterator<Item = &str> {
    let mark = [',', '\t', ';', '|'].into_iter().find(|m| line.contains(*m));
    let space = mark.is_none();
    line.split(move |c: char| if space { c.is_whitespace() } else { Some(c) == mark })
        .map(|f| f.trim().trim_matches(['"', '\'']).trim())
        .filter(move |f| !(space && f.is_empty()))
}

/// The column that a header names, where a line is one: a known title, and nothing in it that is an address or domain.
fn titled(line: &str) -> Option<usize> {
    let titles: Vec<String> = fields(line).map(str::to_ascii_lowercase).collect();
    if titles.iter().any(|t| parsed(t).is_ok()) {
        return None;
    }
    TITLES.iter().find_map(|wanted| titles.iter().position(|t| t == wanted))
}

fn row(line: &str, place: usize, column: Option<usize>, into: &mut Into<'_>) {
    if let Some(column) = column {
        return one(fields(line).nth(column).unwrap_or_default(), place, into);
    }
    // "192.0.2.1 - 192.0.2.9" has spaces of its own.
    if let Some((from, to)) = line.split_once(" - ") {
        return one(&format!("{}-{}", from.trim(), to.trim()), place, into);
    }
    let mut fields = fields(line);
    let first = fields.next().unwrap_or_default();
    let second = fields.next();
    // A hosts file sends names to an address that leads nowhere.
    if let Some(name) = second.filter(|_| matches!(first, "0.0.0.0" | "127.0.0.1" | "::" | "::1")) {
        let known = [
            "localhost",
            "localhost.localdomain",
            "local",
            "broadcasthost",
            "ip6-localhost",
            "ip6-loopback",
            "0.0.0.0",
        ];
        return if known.contains(&name) { into.report.passed_over += 1 } else { one(name, place, into) };
    }
    let count = second.and_then(|s| s.parse::<u32>().ok());
    if count.is_some_and(|n| n < into.spec.min_count) {
        into.report.passed_over += 1;
        return;
    }
    one(first, place, into);
}

fn one(text: &str, place: usize, into: &mut Into<'_>) {
    match parsed(text) {
        Ok(entry) => into.take(entry),
        Err(why) => into.bad(place, text, why),
    }
}

/// An address, network (`192.0.2.0/24`), range (`192.0.2.1-192.0.2.9`) or domain (`example.com`, `*.example.com`). A
/// network's host bits may be set.
pub(super) fn parsed(text: &str) -> Result<Entry<'_>, &'static str> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Entry::Range(address.to_canonical(), address.to_canonical()));
    }
    if let Some((address, length)) = text.split_once('/') {
        let Ok(address) = address.parse::<IpAddr>() else {
            return Err(if text.contains("://") {
                "a URL, not an address or domain"
            } else {
                "neither an address nor a domain"
            });
        };
        return network(address, length);
    }
    if let Some((from, to)) = text.split_once('-')
        && let (Ok(from), Ok(to)) = (from.parse::<IpAddr>(), to.parse::<IpAddr>())
    {
        let (from, to) = (from.to_canonical(), to.to_canonical());
        let ordered = from.is_ipv4() == to.is_ipv4() && from <= to;
        return if ordered { Ok(Entry::Range(from, to)) } else { Err("a range that ends before it begins") };
    }
    let below = text.strip_prefix("*.").or_else(|| text.strip_prefix('.'));
    let name = below.unwrap_or(text);
    let name = name.strip_suffix('.').unwrap_or(name);
    is_domain(name).map(|()| Entry::Domain(name, below.is_some()))
}

fn network(address: IpAddr, length: &str) -> Result<Entry<'static>, &'static str> {
    const WRONG: &str = "a network whose prefix length is not one";
    let length: u32 = length.parse().map_err(|_| WRONG)?;
    // IPv4 within IPv6 is looked up as IPv4.
    let mapped = address.is_ipv6() && address.to_canonical().is_ipv4() && length >= 96;
    let (address, length) = if mapped { (address.to_canonical(), length - 96) } else { (address, length) };
    match address {
        IpAddr::V4(v4) => {
            let host = u32::MAX.checked_shr(length).unwrap_or(0);
            let bits = v4.to_bits();
            (length <= 32)
                .then(|| Entry::Range(IpAddr::V4((bits & !host).into()), IpAddr::V4((bits | host).into())))
                .ok_or(WRONG)
        }
        IpAddr::V6(v6) => {
            let host = u128::MAX.checked_shr(length).unwrap_or(0);
            let bits = v6.to_bits();
            (length <= 128)
                .then(|| Entry::Range(IpAddr::V6((bits & !host).into()), IpAddr::V6((bits | host).into())))
                .ok_or(WRONG)
        }
    }
}

/// Whether a text is a domain as lists have them: labels of letters, digits, dashes and underscores (RFC 1035, RFC
/// 8552), at least two, the last not a number.
fn is_domain(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("nothing where an address or domain should be");
    }
    let label =
        |l: &str| (1..=63).contains(&l.len()) && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let fits = name.len() <= 253 && name.contains('.') && name.split('.').all(label);
    let last = name.rsplit('.').next().unwrap_or_default();
    match (fits, last.bytes().all(|b| b.is_ascii_digit())) {
        (true, false) => Ok(()),
        (true, true) => Err("an address with a part that is no number from 0 to 255, or that begins with a zero"),
        (false, _) => Err("neither an address nor a domain"),
    }
}

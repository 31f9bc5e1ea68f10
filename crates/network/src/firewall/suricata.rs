//! The text of Suricata rules: header and options ("Rules Format" of the Suricata user guide).

use super::ranges::Spans;
use crate::packet::{ICMP, ICMPV6, Span, TCP, UDP};

/// Protocols whose packets have ports: TCP, UDP, SCTP.
pub const PORTED: [u8; 3] = [TCP, UDP, 132];

/// A rule as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    pub action: String,
    pub protocol: String,
    pub source: String,
    pub source_ports: String,
    /// `<>`: it speaks of both directions.
    pub both: bool,
    pub destination: String,
    pub destination_ports: String,
    /// Keywords with their values, in lower case and as written.
    pub options: Vec<(String, String)>,
}

/// The rules of a `RulesString`: a line each, `\` at its end joins the next; comments and empty lines are left out.
pub fn lines(text: &str) -> Vec<String> {
    let (mut out, mut open) = (Vec::new(), String::new());
    for line in text.lines() {
        let line = line.trim();
        if open.is_empty() && line.starts_with('#') {
            continue;
        }
        match line.strip_suffix('\\') {
            Some(start) => {
                open.push_str(start);
                open.push(' ');
            }
            None => {
                open.push_str(line);
                out.push(std::mem::take(&mut open));
            }
        }
    }
    out.push(open);
    out.retain(|rule| !rule.trim().is_empty());
    out
}

/// Reads one rule; `None`: it is not of the form `action protocol source port -> destination port (options)`.
pub fn read(line: &str) -> Option<Written> {
    let (header, rest) = line.split_once('(')?;
    let body = rest.trim_end().strip_suffix(')')?;
    let tokens = tokens(header)?;
    let [action, protocol, source, source_ports, arrow, destination, destination_ports] = tokens.as_slice() else {
        return None;
    };
    let both = match arrow.as_str() {
        "->" | "=>" => false,
        "<>" => true,
        _ => return None,
    };
    Some(Written {
        action: action.to_ascii_lowercase(),
        protocol: protocol.to_ascii_lowercase(),
        source: source.clone(),
        source_ports: source_ports.clone(),
        both,
        destination: destination.clone(),
        destination_ports: destination_ports.clone(),
        options: options(body),
    })
}

/// The words of a header: lists in brackets are one word even with blanks, an arrow is a word even without.
fn tokens(header: &str) -> Option<Vec<String>> {
    let (mut out, mut word, mut depth) = (Vec::new(), String::new(), 0usize);
    let mut chars = header.chars().peekable();
    while let Some(c) = chars.next() {
        let arrow = depth == 0 && matches!(c, '-' | '<' | '=') && chars.peek() == Some(&'>');
        if arrow {
            chars.next();
            out.push(std::mem::take(&mut word));
            out.push(format!("{c}>"));
            continue;
        }
        match c {
            '[' => depth += 1,
            ']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if c.is_whitespace() {
            if depth == 0 {
                out.push(std::mem::take(&mut word));
            }
        } else {
            word.push(c);
        }
    }
    out.push(word);
    out.retain(|w| !w.is_empty());
    (depth == 0).then_some(out)
}

/// Splits options at semicolons that are neither quoted nor escaped.
fn options(body: &str) -> Vec<(String, String)> {
    let (mut out, mut option, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    for c in body.chars().chain([';']) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => {
                let (keyword, value) = option.split_once(':').unwrap_or((&option, ""));
                if !keyword.trim().is_empty() {
                    out.push((keyword.trim().to_ascii_lowercase(), value.trim().to_owned()));
                }
                option.clear();
                continue;
            }
            _ => {}
        }
        option.push(c);
    }
    if !option.trim().is_empty() {
        out.push((option.trim().to_ascii_lowercase(), String::new()));
    }
    out
}

/// The protocol numbers that a header's protocol travels in, and whether telling it needs the payload.
pub fn protocol(name: &str) -> (Spans, bool) {
    let numbers = |list: &[u8]| Spans::of(list.iter().map(|n| one(*n)).collect());
    match name {
        "ip" | "ipv4" | "ip4" | "ipv6" | "ip6" => (every(), false),
        "tcp" => (numbers(&[TCP]), false),
        "udp" => (numbers(&[UDP]), false),
        "icmp" => (numbers(&[ICMP, ICMPV6]), false),
        "icmpv4" => (numbers(&[ICMP]), false),
        "icmpv6" => (numbers(&[ICMPV6]), false),
        "sctp" => (numbers(&[132]), false),
        "tcp-pkt" | "tcp-stream" | "tls" | "ssl" | "http" | "http1" | "http2" | "ftp" | "ssh" | "smtp" | "imap"
        | "smb" | "msn" | "rdp" | "mqtt" | "modbus" | "pgsql" | "telnet" | "websocket" | "ldap" => {
            (numbers(&[TCP]), true)
        }
        "dhcp" | "ntp" | "tftp" | "snmp" | "ike" | "ikev2" | "quic" => (numbers(&[UDP]), true),
        "dns" | "krb5" | "dcerpc" | "sip" | "nfs" | "enip" | "dnp3" => (numbers(&[TCP, UDP]), true),
        _ => (every(), true),
    }
}

/// The protocols of an `ip_proto` value, such as `6`, `!TCP` or `>100`.
pub fn ip_proto(value: &str) -> Option<Spans> {
    let value = value.trim();
    let number = |t: &str| -> Option<u8> {
        let t = t.trim();
        let named = [
            ("icmp", ICMP),
            ("igmp", 2),
            ("tcp", TCP),
            ("udp", UDP),
            ("ipv6", 41),
            ("gre", 47),
            ("esp", 50),
            ("ah", 51),
            ("ipv6-icmp", ICMPV6),
            ("icmpv6", ICMPV6),
            ("sctp", 132),
        ];
        t.parse().ok().or_else(|| named.iter().find(|(n, _)| n.eq_ignore_ascii_case(t)).map(|(_, n)| *n))
    };
    let last = u128::from(u8::MAX);
    let span = |first: u128, last: u128| Spans::of(vec![Span { first, last }]);
    Some(match value.chars().next()? {
        '!' => span_of(number(value.get(1..)?)?).not(last),
        '>' => span(u128::from(number(value.get(1..)?)?) + 1, last),
        '<' => span_of(number(value.get(1..)?)?).not(last).and(&span(0, u128::from(number(value.get(1..)?)?))),
        _ => span_of(number(value)?),
    })
}

/// The first and last value of `itype` and `icode`: `8`, `<5`, `>3`, `3<>5` (both ends left out).
pub fn between(value: &str) -> Option<(u8, u8)> {
    let value = value.trim();
    let number = |t: &str| t.trim().parse::<u8>().ok();
    let (first, last) = match value.split_once("<>") {
        Some((first, last)) => (number(first)?.checked_add(1)?, number(last)?.checked_sub(1)?),
        None => match value.chars().next()? {
            '<' => (0, number(value.get(1..)?)?.checked_sub(1)?),
            '>' => (number(value.get(1..)?)?.checked_add(1)?, u8::MAX),
            _ => (number(value)?, number(value)?),
        },
    };
    (first <= last).then_some((first, last))
}

fn one(n: u8) -> Span {
    Span { first: u128::from(n), last: u128::from(n) }
}

fn span_of(n: u8) -> Spans {
    Spans::of(vec![one(n)])
}

fn every() -> Spans {
    Spans::of(vec![Span { first: 0, last: u128::from(u8::MAX) }])
}

//! What the options of a Suricata rule ask of a packet: of its place in the flow, its header, its payload.

use super::ranges::Spans;
use super::suricata;

/// What a rule asks besides its header.
#[derive(Debug, Clone, PartialEq)]
pub struct Asks {
    /// `flow`: the directions it takes.
    pub to_server: bool,
    pub to_client: bool,
    /// `flow:established` or `not_established`.
    pub established: Option<bool>,
    /// It looks into the payload.
    pub payload: bool,
    /// It asks for a packet without payload (`dsize:0`).
    pub empty: bool,
    /// It judges each packet by itself: its `pass` lets one packet through, not the flow.
    pub packet: bool,
    /// `ip_proto`.
    pub protocols: Option<Spans>,
    /// `itype` and `icode`, as `type << 8 | code`, first and last.
    pub icmp: Option<Vec<(u16, u16)>>,
    /// The options that cannot be judged by a packet's header.
    pub unsure: Vec<String>,
    /// `priority`; 3 unless told.
    pub priority: u16,
    /// `sid`.
    pub sid: String,
}

impl Default for Asks {
    fn default() -> Self {
        Self {
            to_server: true,
            to_client: true,
            established: None,
            payload: false,
            empty: false,
            packet: false,
            protocols: None,
            icmp: None,
            unsure: Vec::new(),
            priority: 3,
            sid: String::new(),
        }
    }
}

/// They say something about the rule or about the `content` beside them, or do something once it matched.
const SILENT: [&str; 23] = [
    "msg",
    "rev",
    "gid",
    "classtype",
    "reference",
    "metadata",
    "target",
    "noalert",
    "alert",
    "tag",
    "logto",
    "requires",
    "nocase",
    "fast_pattern",
    "depth",
    "offset",
    "distance",
    "within",
    "startswith",
    "endswith",
    "dotprefix",
    "bsize",
    "rawbytes",
];

/// They ask of one packet's header or of what was seen before.
const OF_A_PACKET: [&str; 18] = [
    "tcp.flags",
    "flags",
    "dsize",
    "ttl",
    "tos",
    "id",
    "ipopts",
    "fragbits",
    "fragoffset",
    "sameip",
    "seq",
    "ack",
    "window",
    "tcp.mss",
    "icmp_id",
    "icmp_seq",
    "flowbits",
    "xbits",
];

/// They ask of the addresses or the flow in a way that this build cannot judge, and no payload.
const OF_A_FLOW: [&str; 6] = ["geoip", "flowint", "flow.age", "threshold", "detection_filter", "stream_size"];

/// Reads the options of a rule.
pub fn read(options: &[(String, String)]) -> Asks {
    let mut asks = Asks::default();
    let (mut types, mut codes) = (None, None);
    for (keyword, value) in options {
        match keyword.as_str() {
            "flow" => flow(value, &mut asks),
            "sid" => asks.sid.clone_from(value),
            "priority" => asks.priority = value.parse().unwrap_or(asks.priority),
            "ip_proto" => match (suricata::ip_proto(value), asks.protocols.take()) {
                (Some(these), Some(those)) => asks.protocols = Some(these.and(&those)),
                (Some(these), None) => asks.protocols = Some(these),
                (None, those) => {
                    asks.protocols = those;
                    asks.unsure.push(keyword.clone());
                }
            },
            "itype" | "icode" => match (suricata::between(value), keyword.as_str()) {
                (Some(range), "itype") => types = Some(range),
                (Some(range), _) => codes = Some(range),
                (None, _) => asks.unsure.push(keyword.clone()),
            },
            "dsize" if value == "0" => {
                asks.empty = true;
                asks.packet = true;
            }
            "flowbits" | "xbits" if !value.starts_with("is") => {}
            silent if SILENT.contains(&silent) => {}
            asked if OF_A_PACKET.contains(&asked) => {
                asks.packet = true;
                asks.unsure.push(keyword.clone());
            }
            asked if OF_A_FLOW.contains(&asked) => asks.unsure.push(keyword.clone()),
            _ => {
                asks.payload = true;
                asks.unsure.push(keyword.clone());
            }
        }
    }
    asks.icmp = icmp(types, codes);
    asks.packet &= !asks.payload;
    asks.unsure.dedup();
    asks
}

fn flow(value: &str, asks: &mut Asks) {
    asks.packet = true;
    let (mut server, mut client) = (false, false);
    for part in value.split(',') {
        match part.trim().to_ascii_lowercase().as_str() {
            "to_server" | "from_client" => server = true,
            "to_client" | "from_server" => client = true,
            "established" => asks.established = Some(true),
            "not_established" => asks.established = Some(false),
            "stateless" | "" => {}
            other => asks.unsure.push(format!("flow:{other}")),
        }
    }
    if server || client {
        (asks.to_server, asks.to_client) = (server, client);
    }
}

fn icmp(types: Option<(u8, u8)>, codes: Option<(u8, u8)>) -> Option<Vec<(u16, u16)>> {
    if types.is_none() && codes.is_none() {
        return None;
    }
    let (first, last) = types.unwrap_or((0, u8::MAX));
    let (low, high) = codes.unwrap_or((0, u8::MAX));
    let at = |kind: u8, code: u8| u16::from(kind) << 8 | u16::from(code);
    if (low, high) == (0, u8::MAX) {
        return Some(vec![(at(first, 0), at(last, u8::MAX))]);
    }
    Some((first..=last).map(|kind| (at(kind, low), at(kind, high))).collect())
}

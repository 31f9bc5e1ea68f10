//! Flow log lines: which column each field is, by a header or by the fields' known orders.
//!
//! <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>,
//! <https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html>

use crate::columns::{Type, find};
use crate::json::Raw;
use crate::lines::{NAMELESS, is_digits};
use crate::record::Record;
use crate::table::{Line, Lines, Table};

/// Whose flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A VPC's, subnet's or network interface's.
    Vpc,
    /// A transit gateway's.
    TransitGateway,
}

/// Reads flow log lines. A header may stand anywhere: what follows it has its order.
#[derive(Debug)]
pub struct Flow {
    kind: Kind,
    separator: char,
    slots: Vec<Slot>,
}

/// Where a field goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// Into a column, where it is what it must be.
    Column(usize, Must),
    /// Beside the columns, under this name.
    Beside(&'static str),
}

/// What a field must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Must {
    Anything,
    Number,
    /// Begins so: without a header, this is what tells that the order was guessed well.
    Begin(&'static str),
}

/// The default format: the fields of version 2.
const V2: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";
/// What versions 3, 4 and 5 add, in the order of AWS's table of fields.
const V3: &str = "vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr";
const V4: &str = "region az-id sublocation-type sublocation-id";
const V5: &str = "pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path";
/// The order of AWS's example with Amazon ECS's fields.
const V7: &str = "ecs-cluster-name ecs-cluster-arn ecs-container-instance-id ecs-container-instance-arn ecs-service-name \
    ecs-task-definition-arn ecs-task-id ecs-task-arn ecs-container-id ecs-second-container-id";
/// All fields of a transit gateway's flow logs in the order of AWS's table, which is the default format.
const V6: &str = "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id \
    tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id \
    tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end log-status type \
    packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region \
    flow-direction pkt-src-aws-service pkt-dst-aws-service";

const MOST: usize = 96;

impl Flow {
    /// A reader, where the line is a header or a record of this kind.
    pub fn open(line: &str, kind: Kind) -> Option<Self> {
        let table = table(kind)?;
        if let Some((separator, slots)) = header(line, kind, table) {
            return Some(Self { kind, separator, slots });
        }
        let slots = match kind {
            Kind::Vpc => default_order(line, table)?,
            Kind::TransitGateway => gateway_order(line, table)?,
        };
        Some(Self { kind, separator: ' ', slots })
    }
}

impl Lines for Flow {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        // No record begins with a letter unless its first field is custom; then the name of a field is still none of its values.
        if line.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
            && let Some((separator, slots)) = header(line, self.kind, record.table)
        {
            self.separator = separator;
            self.slots = slots;
            return Line::Skip;
        }
        if self.kind == Kind::Vpc
            && self.contradicted(line)
            && let Some(slots) = nameless(self.slots.len(), record.table)
        {
            self.slots = slots;
        }
        let mut fields = line.split(self.separator);
        for slot in &self.slots {
            let Some(field) = fields.next() else { return Line::Not("it has fewer fields than its header".into()) };
            match *slot {
                Slot::Column(_, _) if field == "-" => {}
                Slot::Column(n, must) => {
                    let fits = match must {
                        Must::Number => is_digits(field),
                        Must::Anything => true,
                        Must::Begin(with) => field.starts_with(with),
                    };
                    if !fits {
                        let name = record.table.names.get(n).map_or("", String::as_str);
                        return Line::Not(format!("`{field}` cannot be its `{name}`").into());
                    }
                    record.put(n, Raw::text(field));
                }
                Slot::Beside(name) if field != "-" => record.rest.push((Raw::text(name), Raw::text(field))),
                Slot::Beside(_) => {}
            }
        }
        if fields.next().is_some_and(|f| !f.is_empty()) {
            return Line::Not("it has more fields than its header".into());
        }
        Line::Record
    }
}

impl Flow {
    /// Whether a field shows that the order, which no header told, was guessed wrong.
    fn contradicted(&self, line: &str) -> bool {
        let begins = |slot: &Slot| matches!(slot, Slot::Column(_, Must::Begin(_)));
        self.slots.iter().any(begins)
            && self.slots.iter().zip(line.split(self.separator)).any(|(slot, field)| match slot {
                Slot::Column(_, Must::Begin(with)) => field != "-" && !field.starts_with(with),
                _ => false,
            })
    }
}

fn table(kind: Kind) -> Option<&'static Table> {
    crate::table::table(match kind {
        Kind::Vpc => "vpc_flow_logs",
        Kind::TransitGateway => "transit_gateway_flow_logs",
    })
}

/// Where a named field goes. Names that are new to AWS's documentation since get a number.
fn slot(name: &str, place: usize, table: &Table) -> Option<(Slot, bool)> {
    if let Some(n) = find(&table.names, name, place) {
        let number = table.types.get(n).is_some_and(|t| *t != Type::String);
        let must = if number { Must::Number } else { Must::Anything };
        return Some((Slot::Column(n, must), true));
    }
    if name.eq_ignore_ascii_case("region") {
        return Some((Slot::Beside("region"), true));
    }
    Some((Slot::Beside(NAMELESS.get(place)?), false))
}

/// Reads a header: names of fields, in any case, parted by spaces, commas or tabs.
fn header(line: &str, kind: Kind, table: &Table) -> Option<(char, Vec<Slot>)> {
    if !line.as_bytes().first()?.is_ascii_alphabetic() {
        return None;
    }
    let separator = *[',', '\t', ' '].iter().find(|s| line.contains(**s))?;
    let mut slots = Vec::with_capacity(32);
    let (mut known, mut ours, mut telling) = (0, false, false);
    for (n, name) in line.split(separator).take(MOST).enumerate() {
        let name = name.trim();
        let (slot, is_known) = slot(name, n, table)?;
        // A header begins with a name, and most of its names are known.
        if n < 2 && !is_known {
            return None;
        }
        let gateway = name.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("tgw-") || p.eq_ignore_ascii_case("tgw_"));
        if kind == Kind::Vpc && gateway {
            return None;
        }
        ours |= gateway || kind == Kind::Vpc;
        telling |= is_known && TELLING.iter().any(|t| name.eq_ignore_ascii_case(t));
        known += usize::from(is_known);
        slots.push(slot);
    }
    (ours && telling && known >= 2 && known * 2 > slots.len()).then_some((separator, slots))
}

/// Names that no other header has. Words such as `type`, `start` and `action` begin many a line.
const TELLING: [&str; 9] = [
    "srcaddr",
    "dstaddr",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "pkt_srcaddr",
    "pkt_dstaddr",
    "interface-id",
    "interface_id",
    "tgw-id",
];

/// How values begin that tell one order of fields from another.
const BEGINNINGS: [(&str, &str); 9] = [
    ("vpc-id", "vpc-"),
    ("subnet-id", "subnet-"),
    ("instance-id", "i-"),
    ("tgw-id", "tgw-"),
    ("tgw-attachment-id", "tgw-attach-"),
    ("ecs-cluster-arn", "arn:"),
    ("ecs-container-instance-arn", "arn:"),
    ("ecs-task-definition-arn", "arn:"),
    ("ecs-task-arn", "arn:"),
];

/// The slots of an order that no header told.
fn order(parts: &[&str], table: &Table) -> Option<Vec<Slot>> {
    let names = parts.iter().flat_map(|p| p.split(' '));
    let slot = |(n, name)| {
        let (slot, _) = slot(name, n, table)?;
        let begin = BEGINNINGS.iter().find(|(of, _)| *of == name);
        Some(match (slot, begin) {
            (Slot::Column(n, Must::Anything), Some((_, with))) => Slot::Column(n, Must::Begin(with)),
            _ => slot,
        })
    };
    names.enumerate().map(slot).collect()
}

/// A line without a header that begins as version 2 does. More fields than that are those of a later version in the order of AWS's
/// table where their number says so; otherwise nobody can tell what they are, and they are kept under numbers.
fn default_order(line: &str, table: &Table) -> Option<Vec<Slot>> {
    let fields: Vec<&str> = line.split(' ').take(MOST).collect();
    let [version, account, interface, _, _, ports @ ..] = fields.as_slice() else { return None };
    let [_, _, _, _, _, start, end, action, status, more @ ..] = ports else { return None };
    let version: u8 = version.parse().ok().filter(|v| (2..=20).contains(v))?;
    let fits = (is_digits(account) || *account == "unknown")
        && (interface.starts_with("eni-") || *interface == "-")
        && is_digits(start)
        && is_digits(end)
        && matches!(*action, "ACCEPT" | "REJECT" | "-")
        && matches!(*status, "OK" | "NODATA" | "SKIPDATA" | "-");
    if !fits {
        return None;
    }
    match (more.len(), version) {
        (0, _) => order(&[V2], table),
        (7, 3..) => order(&[V2, V3], table),
        (11, 4..) => order(&[V2, V3, V4], table),
        (15, 5..) => order(&[V2, V3, V4, V5], table),
        (10, 7..) => order(&[V2, V7], table),
        _ => nameless(fields.len(), table),
    }
}

/// Version 2's fields, and after them as many as there are under numbers.
fn nameless(fields: usize, table: &Table) -> Option<Vec<Slot>> {
    let mut slots = order(&[V2], table)?;
    slots.extend(NAMELESS.get(slots.len()..fields)?.iter().map(|name| Slot::Beside(name)));
    Some(slots)
}

fn gateway_order(line: &str, table: &Table) -> Option<Vec<Slot>> {
    let mut fields = line.split(' ');
    let version: u8 = fields.next()?.parse().ok()?;
    let kind = fields.next()?;
    let account = fields.next()?;
    let gateway = fields.next()?;
    let fits = (2..=20).contains(&version)
        && matches!(kind, "TransitGateway" | "TransitGatewayAttachment")
        && is_digits(account)
        && gateway.starts_with("tgw-");
    let slots = order(&[V6], table)?;
    (fits && fields.count() + 4 == slots.len()).then_some(slots)
}

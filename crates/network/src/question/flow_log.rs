//! What VPC flow logs saw between two ends: evidence beside the configuration.

use serde::Serialize;
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

/// Records of one kind: of one interface, one direction, one service and one outcome.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Seen {
    /// `interface-id`: where it was recorded.
    pub interface: SmolStr,
    /// The packet went from the first end to the second; otherwise it came back.
    pub there: bool,
    /// The protocol number.
    pub protocol: u8,
    /// The port of the second end: that of the service.
    pub port: u16,
    /// `action` is `ACCEPT`. What is `REJECT` was stopped by a security group or network ACL of that interface.
    pub accepted: bool,
}

/// What the records tell.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Evidence {
    /// Records between the two ends, with how many there are of each kind.
    #[serde(serialize_with = "counted")]
    pub seen: BTreeMap<Seen, u64>,
    /// How many records were read in all.
    pub records: u64,
    /// Lines that are no flow log records.
    pub unreadable: u64,
}

fn counted<S: serde::Serializer>(seen: &BTreeMap<Seen, u64>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Counted<'s> {
        #[serde(flatten)]
        seen: &'s Seen,
        records: u64,
    }
    serializer.collect_seq(seen.iter().map(|(seen, records)| Counted { seen, records: *records }))
}

/// The fields of the default format (`vpc/latest/userguide/flow-log-records`, version 2).
const DEFAULT: [&str; 14] = [
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
];

/// The places of the fields that are read.
#[derive(Debug, Clone)]
struct Columns {
    interface: usize,
    source: usize,
    destination: usize,
    source_port: usize,
    destination_port: usize,
    protocol: usize,
    action: usize,
}

impl Columns {
    /// The places in a format; `None`: it lacks one.
    fn of(fields: &[&str]) -> Option<Self> {
        let at = |name: &str| fields.iter().position(|f| *f == name);
        Some(Self {
            interface: at("interface-id")?,
            source: at("srcaddr")?,
            destination: at("dstaddr")?,
            source_port: at("srcport")?,
            destination_port: at("dstport")?,
            protocol: at("protocol")?,
            action: at("action")?,
        })
    }
}

/// Collects evidence between two ends, record by record, in bounded memory.
#[derive(Debug)]
pub struct Collector {
    from: HashSet<IpAddr>,
    to: HashSet<IpAddr>,
    columns: Option<Columns>,
    evidence: Evidence,
}

impl Collector {
    /// Evidence between addresses; none given at an end: any address.
    pub fn new(from: impl IntoIterator<Item = IpAddr>, to: impl IntoIterator<Item = IpAddr>) -> Self {
        let (from, to) = (from.into_iter().collect(), to.into_iter().collect());
        Self { from, to, columns: Columns::of(&DEFAULT), evidence: Evidence::default() }
    }

    /// Starts a file: its first line may name the fields; otherwise they are those of the default format.
    pub fn start(&mut self) {
        self.columns = Columns::of(&DEFAULT);
    }

    /// Takes a line: a record, or the names of the fields.
    pub fn line(&mut self, line: &str) {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        if fields.is_empty() {
            return;
        }
        if fields.contains(&"srcaddr") || fields.contains(&"interface-id") {
            self.columns = Columns::of(&fields);
            return;
        }
        match self.columns.as_ref().and_then(|c| read(c, &fields)) {
            Some(record) => {
                self.evidence.records += 1;
                self.take(&record);
            }
            // NODATA and SKIPDATA records speak of no packet.
            None if fields.iter().any(|f| matches!(*f, "NODATA" | "SKIPDATA")) => self.evidence.records += 1,
            None => self.evidence.unreadable += 1,
        }
    }

    fn take(&mut self, record: &Record<'_>) {
        let is = |ends: &HashSet<IpAddr>, ip: IpAddr| ends.is_empty() || ends.contains(&ip);
        let there = is(&self.from, record.source) && is(&self.to, record.destination);
        let back = is(&self.to, record.source) && is(&self.from, record.destination);
        if !there && !back {
            return;
        }
        let seen = Seen {
            interface: record.interface.into(),
            there,
            protocol: record.protocol,
            port: if there { record.destination_port } else { record.source_port },
            accepted: record.accepted,
        };
        // Scans touch every port: enough is enough.
        if self.evidence.seen.len() < MOST_KINDS || self.evidence.seen.contains_key(&seen) {
            *self.evidence.seen.entry(seen).or_default() += 1;
        }
    }

    /// What was seen.
    pub fn finish(self) -> Evidence {
        self.evidence
    }
}

/// How many kinds of records are kept apart.
const MOST_KINDS: usize = 10_000;

struct Record<'l> {
    interface: &'l str,
    source: IpAddr,
    destination: IpAddr,
    source_port: u16,
    destination_port: u16,
    protocol: u8,
    accepted: bool,
}

fn read<'l>(columns: &Columns, fields: &[&'l str]) -> Option<Record<'l>> {
    let at = |place: usize| fields.get(place).copied();
    Some(Record {
        interface: at(columns.interface)?,
        source: at(columns.source)?.parse().ok()?,
        destination: at(columns.destination)?.parse().ok()?,
        source_port: at(columns.source_port)?.parse().ok()?,
        destination_port: at(columns.destination_port)?.parse().ok()?,
        protocol: at(columns.protocol)?.parse().ok()?,
        accepted: match at(columns.action)? {
            "ACCEPT" => true,
            "REJECT" => false,
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]

    use super::*;

    fn evidence(text: &str) -> Evidence {
        let mut collector = Collector::new(["10.0.1.10".parse().unwrap()], ["10.0.2.10".parse().unwrap()]);
        text.lines().for_each(|l| collector.line(l));
        collector.finish()
    }

    #[test]
    fn records_between_the_ends_are_counted_by_direction_and_outcome() {
        let found = evidence(
            "2 111122223333 eni-a 10.0.1.10 10.0.2.10 49152 5432 6 3 180 1 2 ACCEPT OK
2 111122223333 eni-b 10.0.1.10 10.0.2.10 49152 5432 6 3 180 1 2 REJECT OK
2 111122223333 eni-b 10.0.1.10 10.0.2.10 49153 5432 6 3 180 1 2 REJECT OK
2 111122223333 eni-b 10.0.2.10 10.0.1.10 5432 49152 6 1 60 1 2 ACCEPT OK
2 111122223333 eni-b 10.0.9.9 10.0.2.10 49152 5432 6 3 180 1 2 ACCEPT OK
2 111122223333 eni-b - - - - - - - 1 2 - NODATA
not a record",
        );
        assert_eq!((found.records, found.unreadable), (6, 1));
        let told: Vec<_> =
            found.seen.iter().map(|(s, n)| (s.interface.as_str(), s.there, s.port, s.accepted, *n)).collect();
        assert_eq!(
            told,
            [("eni-a", true, 5432, true, 1), ("eni-b", false, 5432, true, 1), ("eni-b", true, 5432, false, 2)]
        );
    }

    #[test]
    fn a_header_names_the_fields_of_another_format() {
        let found = evidence(
            "action srcaddr dstaddr interface-id protocol dstport srcport
REJECT 10.0.1.10 10.0.2.10 eni-b 6 5432 40000",
        );
        assert_eq!(found.seen.len(), 1);
        let lacking = evidence("srcaddr dstaddr\n10.0.1.10 10.0.2.10");
        assert_eq!((lacking.records, lacking.unreadable), (0, 1));
    }

    #[test]
    fn hostile_lines_are_counted_and_never_more() {
        let found = evidence(
            "\u{0}\n2 2 2\n2 111122223333 eni 999.0.0.1 10.0.2.10 1 2 6 1 1 1 1 ACCEPT OK\n2 1 eni 10.0.1.10 10.0.2.10 99999 1 6 1 1 1 1 ACCEPT OK",
        );
        assert_eq!((found.records, found.unreadable), (0, 4));
    }
}

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

/// Collects evidence between two ends, record by record, in bounded memory.
#[derive(Debug)]
pub struct Collector {
    from: HashSet<IpAddr>,
    to: HashSet<IpAddr>,
    evidence: Evidence,
}

impl Collector {
    /// Evidence between addresses; none given at an end: any address.
    pub fn new(from: impl IntoIterator<Item = IpAddr>, to: impl IntoIterator<Item = IpAddr>) -> Self {
        let (from, to) = (from.into_iter().collect(), to.into_iter().collect());
        Self { from, to, evidence: Evidence::default() }
    }

    /// Takes a record by its fields, under the names of AWS's Athena table (`vpc_flow_logs`).
    pub fn add<'l>(&mut self, field: impl Fn(&str) -> Option<&'l str>) {
        match Record::of(&field) {
            Some(record) => {
                self.evidence.records += 1;
                self.take(&record);
            }
            // NODATA and SKIPDATA records speak of no packet.
            None if matches!(field("log_status"), Some("NODATA" | "SKIPDATA")) => self.evidence.records += 1,
            None => self.evidence.unreadable += 1,
        }
    }

    /// Counts something that is no flow log record.
    pub fn unreadable(&mut self) {
        self.evidence.unreadable += 1;
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

impl<'l> Record<'l> {
    fn of(field: &impl Fn(&str) -> Option<&'l str>) -> Option<Self> {
        Some(Self {
            interface: field("interface_id")?,
            source: field("srcaddr")?.parse().ok()?,
            destination: field("dstaddr")?.parse().ok()?,
            source_port: field("srcport")?.parse().ok()?,
            destination_port: field("dstport")?.parse().ok()?,
            protocol: field("protocol")?.parse().ok()?,
            accepted: match field("action")? {
                "ACCEPT" => true,
                "REJECT" => false,
                _ => return None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]

    use super::*;

    /// Lines of interface, addresses, ports, protocol, action and status.
    fn evidence(text: &str) -> Evidence {
        const NAMES: [&str; 8] =
            ["interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "action", "log_status"];
        let mut collector = Collector::new(["10.0.1.10".parse().unwrap()], ["10.0.2.10".parse().unwrap()]);
        for line in text.lines() {
            let values: Vec<&str> = line.split(' ').collect();
            let value = |name: &str| values.get(NAMES.iter().position(|n| *n == name)?).copied().filter(|v| *v != "-");
            collector.add(value);
        }
        collector.finish()
    }

    #[test]
    fn records_between_the_ends_are_counted_by_direction_and_outcome() {
        let found = evidence(
            "eni-a 10.0.1.10 10.0.2.10 49152 5432 6 ACCEPT OK
eni-b 10.0.1.10 10.0.2.10 49152 5432 6 REJECT OK
eni-b 10.0.1.10 10.0.2.10 49153 5432 6 REJECT OK
eni-b 10.0.2.10 10.0.1.10 5432 49152 6 ACCEPT OK
eni-b 10.0.9.9 10.0.2.10 49152 5432 6 ACCEPT OK
eni-b - - - - - - NODATA
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
    fn hostile_lines_are_counted_and_never_more() {
        let found = evidence(
            "\u{0}\neni\neni 999.0.0.1 10.0.2.10 1 2 6 ACCEPT OK\neni 10.0.1.10 10.0.2.10 99999 1 6 ACCEPT OK",
        );
        assert_eq!((found.records, found.unreadable), (0, 4));
    }
}

//! What a record says of what is asked: facets, target, whether it changes something.

use super::collect::Facet;
use crate::event::Event;
use crate::measure::measured;
use crate::observe::{Measured, Seen, plain_name, seen, source};
use smol_str::{SmolStr, ToSmolStr};
use std::net::IpAddr;
use yagura_logs::envelope::{Outcome, Role};

/// A record in view of the subject.
pub(super) struct Aspect<'e> {
    event: &'e Event<'e, 'e>,
    pub id: u128,
    pub time: i64,
    pub api: SmolStr,
    pub denied: bool,
    pub failed: bool,
    pub writes: bool,
    pub target: Option<SmolStr>,
    pub facets: Vec<(Facet, SmolStr)>,
    pub sent: u64,
    pub received: u64,
}

impl<'e> Aspect<'e> {
    /// `own` is the subject's address, where it is one.
    pub fn new(event: &'e Event<'e, 'e>, id: u128, time: i64, own: Option<IpAddr>) -> Self {
        let role = |r: Role| event.role(r).map(|t| t.to_smolstr());
        let log = event.record.table.source.name;
        let service = source(event.record);
        let name = role(Role::Event).unwrap_or_default();
        let api = match service.strip_suffix(".amazonaws.com") {
            Some(service) if log == "cloudtrail" => format!("{service}:{}", plain_name(&name)).into(),
            _ if name.is_empty() => SmolStr::new(log),
            _ => format!("{log} {name}").into(),
        };
        let outcome = event.envelope.outcome;
        let mut one = Self {
            event,
            id,
            time,
            api,
            denied: outcome == Some(Outcome::Denied),
            failed: outcome == Some(Outcome::Failure),
            writes: writes(event, log, plain_name(&name)),
            target: role(Role::Target),
            facets: Vec::with_capacity(16),
            sent: 0,
            received: 0,
        };
        one.put(Facet::Log, Some(log.into()));
        if log == "cloudtrail" {
            one.put(Facet::Service, Some(service.into()));
        }
        one.put(Facet::Api, Some(one.api.clone()));
        one.put(Facet::Outcome, role(Role::Outcome));
        one.put(Facet::Error, role(Role::Error));
        one.put(Facet::Account, event.envelope.account.as_deref().map(SmolStr::new));
        one.put(Facet::Region, event.envelope.region.as_deref().map(SmolStr::new));
        one.put(Facet::Address, role(Role::SourceIp));
        one.put(Facet::Network, role(Role::SourceIp).and_then(|ip| crate::network_of(&ip)));
        one.put(Facet::Client, role(Role::UserAgent).map(|a| crate::agent_of(&a).into()));
        one.put(Facet::Hour, Some(format!("{:02}", time.div_euclid(3_600_000).rem_euclid(24)).into()));
        one.put(Facet::Identity, event.identity().map(|t| t.to_smolstr()));
        one.put(Facet::Session, role(Role::Session));
        one.put(Facet::Key, role(Role::AccessKey));
        one.put(Facet::Instance, Some(crate::links::instance(event)));
        one.network(own);
        one
    }

    fn put(&mut self, facet: Facet, value: Option<SmolStr>) {
        self.facets.extend(value.filter(|v| !v.is_empty()).map(|v| (facet, v)));
    }

    fn network(&mut self, own: Option<IpAddr>) {
        match measured(self.event) {
            Some(Measured::Flow { src, dst, src_port, dst_port, protocol, bytes, .. }) => {
                let inward = own == Some(dst.to_canonical());
                let peer = if inward { src } else { dst };
                self.put(Facet::Peer, Some(peer.to_string().into()));
                let protocol = match protocol {
                    6 => "tcp".to_owned(),
                    17 => "udp".to_owned(),
                    1 => "icmp".to_owned(),
                    other => format!("protocol {other}"),
                };
                let port = src_port.min(dst_port);
                let port = if src_port == 0 && dst_port == 0 { protocol } else { format!("{protocol}/{port}") };
                self.put(Facet::Port, Some(port.into()));
                self.target = Some(peer.to_string().into());
                *(if inward { &mut self.received } else { &mut self.sent }) += bytes;
            }
            Some(Measured::Dns { name, .. }) => {
                self.put(Facet::Name, Some(name.trim_end_matches('.').to_ascii_lowercase().into()));
            }
            _ => {}
        }
    }

    pub fn seen(&self) -> Seen {
        let mut seen = seen(self.event, source(self.event.record), self.id);
        if let Some(target) = &self.target {
            seen.target = target.clone();
        }
        seen
    }
}

/// How names of calls begin that change nothing.
const READS: [&str; 19] = [
    "Get", "List", "Describe", "Head", "BatchGet", "Lookup", "Search", "Select", "Query", "Scan", "Check", "Validate",
    "Simulate", "Estimate", "Preview", "Test", "Filter", "View", "Discover",
];

/// Whether a call changes something. CloudTrail says so itself:
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>; Amazon S3's access logs name
/// the method, Kubernetes the verb.
fn writes(event: &Event<'_, '_>, log: &str, name: &str) -> bool {
    match log {
        "cloudtrail" => match event.record.text("readonly").as_deref() {
            Some("true" | "True") => false,
            Some("false" | "False") => true,
            _ => !READS.iter().any(|p| name.starts_with(p)),
        },
        "s3_access" => ["PUT", "POST", "DELETE", "COPY"].iter().any(|m| name.contains(m)),
        "eks_audit" => !matches!(name, "get" | "list" | "watch" | ""),
        _ => false,
    }
}

//! What statistics read of a record: flows, DNS queries, logins.

use crate::event::Event;
use crate::observe::Measured;
use crate::stat::places::Places;
use crate::stat::travel::Sighting;
use smol_str::ToSmolStr;
use std::net::IpAddr;
use yagura_logs::envelope::{Outcome, Role};
use yagura_logs::record::Record;

/// The measures of a record, where its log has any.
pub fn measured(event: &Event<'_, '_>) -> Option<Measured> {
    match event.record.table.source.name {
        "vpc_flow" => flow(event.record),
        "route53_resolver" => dns(event),
        "cloudtrail" if of_trail(&event.role(Role::Event)?) => console(event),
        "rds_mysql_audit" | "rds_postgresql" | "rds_sqlserver" | "redshift_connection" => database(event),
        _ => None,
    }
}

/// Whether CloudTrail's records of a name have measures.
pub fn of_trail(name: &str) -> bool {
    name == "ConsoleLogin"
}

/// Fields: <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>. Where a NAT gateway or a load balancer stands between,
/// the packet's own addresses count.
fn flow(r: &Record<'_>) -> Option<Measured> {
    let number = |column: &str| r.text(column).and_then(|t| t.parse::<u64>().ok());
    let address = |packet: &str, own: &str| -> Option<IpAddr> { r.text(packet).or_else(|| r.text(own))?.parse().ok() };
    let port = |column: &str| number(column).and_then(|n| u16::try_from(n).ok()).unwrap_or(0);
    let end = number("end").and_then(|t| i64::try_from(t).ok()).unwrap_or(0).saturating_mul(1000);
    Some(Measured::Flow {
        end,
        src: address("pkt_srcaddr", "srcaddr")?,
        dst: address("pkt_dstaddr", "dstaddr")?,
        src_port: port("srcport"),
        dst_port: port("dstport"),
        protocol: number("protocol").and_then(|n| u8::try_from(n).ok())?,
        packets: number("packets").unwrap_or(0),
        bytes: number("bytes").unwrap_or(0),
        accepted: r.text("action").is_some_and(|a| a == "ACCEPT"),
        interface: r.text("interface_id").map(|t| t.to_smolstr()).unwrap_or_default(),
        outbound: r.text("flow_direction").map(|d| d == "egress"),
    })
}

/// Fields: <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html>
fn dns(event: &Event<'_, '_>) -> Option<Measured> {
    let r = event.record;
    let text = |column: &str| r.text(column).map(|t| t.to_smolstr());
    let answers = r.get("answers").map(|a| a.elements()).unwrap_or_default();
    Some(Measured::Dns {
        host: text("srcaddr").or_else(|| event.role(Role::Actor).map(|t| t.to_smolstr()))?,
        name: text("query_name")?,
        kind: text("query_type").unwrap_or_default(),
        rcode: text("rcode").unwrap_or_default(),
        addresses: answers
            .iter()
            .filter_map(|a| a.text_at(&["Rdata"]).or_else(|| a.text_at(&["rdata"]))?.parse().ok())
            .collect(),
        answers: u32::try_from(answers.len()).unwrap_or(u32::MAX),
    })
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html>
fn console(event: &Event<'_, '_>) -> Option<Measured> {
    let name =
        event.record.text_at("useridentity", &["userName"]).or_else(|| event.record.text_at("useridentity", &["arn"]));
    Some(Measured::Login {
        source: event.role(Role::SourceIp)?.to_smolstr(),
        account: name.map(|n| n.to_smolstr()).unwrap_or_default(),
        target: event.envelope.account.as_deref().unwrap_or("console").into(),
        success: event.envelope.outcome == Some(Outcome::Success),
    })
}

/// Where a call shows its caller to have been. An AWS service's address is not the caller's (`AWS Internal`, `cloudformation.amazonaws.com`;
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>), a failed sign-in is
/// anybody's, and the sessions of AWS services and of instances stay where they are.
pub fn sighted(event: &Event<'_, '_>, places: Option<&Places>) -> Option<Sighting> {
    let places = places.filter(|_| event.record.table.source.name == "cloudtrail")?;
    let address = event.role(Role::SourceIp)?;
    let spot = places.of(address.parse::<IpAddr>().ok()?)?;
    let text = |path: &[&str]| event.record.text_at("useridentity", path);
    let failed = event.envelope.outcome == Some(Outcome::Failure);
    let guess = failed && event.role(Role::Event).is_some_and(|n| n.ends_with("Login"));
    let kind = text(&["type"])?;
    let of_service = matches!(kind.as_ref(), "AWSService" | "AWSAccount" | "Unknown") || text(&["invokedBy"]).is_some();
    if guess || of_service || !crate::links::instance(event).is_empty() {
        return None;
    }
    let who = event.role(Role::Actor).filter(|a| a.starts_with("arn:"))?;
    Some(Sighting::new(&who, &address, spot.place, &spot.label))
}

fn database(event: &Event<'_, '_>) -> Option<Measured> {
    let name = event.role(Role::Event).unwrap_or_default().to_ascii_lowercase();
    if name == "disconnect" || !["login", "connect", "auth"].iter().any(|word| name.contains(word)) {
        return None;
    }
    Some(Measured::Login {
        source: event.role(Role::SourceIp)?.to_smolstr(),
        account: event.role(Role::Actor).unwrap_or_default().to_smolstr(),
        target: event.role(Role::Target).unwrap_or_default().to_smolstr(),
        success: event.envelope.outcome? == Outcome::Success,
    })
}

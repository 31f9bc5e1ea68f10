//! Transit Gateway Flow Logs.
//!
//! Fields: <https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::flow::{Flow, Kind};
use crate::record::{Object, Record};
use crate::table::{Lines, Shape, Source};

/// The source.
pub static SOURCE: Source = Source {
    name: "transit_gateway_flow",
    table: "transit_gateway_flow_logs",
    aliases: &["tgw_flow_logs"],
    page: "https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html",
    columns: "version int, resource_type string, account_id string, tgw_id string, tgw_attachment_id string,
        tgw_src_vpc_account_id string, tgw_dst_vpc_account_id string, tgw_src_vpc_id string, tgw_dst_vpc_id string,
        tgw_src_subnet_id string, tgw_dst_subnet_id string, tgw_src_eni string, tgw_dst_eni string,
        tgw_src_az_id string, tgw_dst_az_id string, tgw_pair_attachment_id string,
        srcaddr string, dstaddr string, srcport int, dstport int, protocol bigint, packets bigint, bytes bigint,
        start bigint, end bigint, log_status string, type string,
        packets_lost_no_route bigint, packets_lost_blackhole bigint, packets_lost_mtu_exceeded bigint,
        packets_lost_ttl_expired bigint, tcp_flags int, flow_direction string,
        pkt_src_aws_service string, pkt_dst_aws_service string, encryption_status int",
    roles: &[(Role::Target, "dstaddr")],
    mirrors: &[],
    renamed: &[],
    dashes: true,
    shape: Shape::Both(is, open),
    envelope,
    id: |_| None,
};

fn is(object: &Object<'_>) -> bool {
    object.has_all(&["srcaddr", "dstaddr"]) && ["tgw_id", "tgw-id"].iter().any(|n| object.has(n))
}

fn open(line: &str) -> Option<Box<dyn Lines>> {
    Some(Box::new(Flow::open(line, Kind::TransitGateway)?))
}

/// Packets that were lost on the way make a failure.
const LOST: [&str; 4] =
    ["packets_lost_no_route", "packets_lost_blackhole", "packets_lost_mtu_exceeded", "packets_lost_ttl_expired"];

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("start").or_else(|| record.text("end")).and_then(|t| crate::time::millis(&t));
    e.account = record.text("account_id").filter(|a| crate::place::is_account(a));
    e.region = super::vpc_flow::region(record);
    e.set_source_ip(record.text("srcaddr"));
    e.set(Role::Event, record.text("log_status").filter(|s| s != "OK"));
    let lost = LOST.iter().copied().find(|c| record.text(c).is_some_and(|n| n != "0"));
    if let Some(column) = lost {
        e.outcome = Some(Outcome::Failure);
        e.set(Role::Error, Some(column.into()));
    } else if record.text("srcaddr").is_some() {
        e.outcome = Some(Outcome::Success);
    }
}

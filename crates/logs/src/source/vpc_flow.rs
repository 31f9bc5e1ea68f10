//! VPC Flow Logs, versions 2 to 10, in any order of fields: the default format, a custom one by its header, comma- or
//! tab-separated, and as JSON or Parquet.
//!
//! Fields: <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::flow::{Flow, Kind};
use crate::json::Raw;
use crate::record::{Object, Record};
use crate::table::{Lines, Shape, Source};
use std::borrow::Cow;

/// The source.
pub static SOURCE: Source = Source {
    name: "vpc_flow",
    table: "vpc_flow_logs",
    aliases: &["vpc_flow_logs_parquet", "vpc_flow_log"],
    page: "https://docs.aws.amazon.com/athena/latest/ug/vpc-flow-logs-create-table-statement.html",
    columns: "version int, account_id string, interface_id string, srcaddr string, dstaddr string, srcport int, dstport int,
        protocol bigint, packets bigint, bytes bigint, start bigint, end bigint, action string, log_status string,
        vpc_id string, subnet_id string, instance_id string, tcp_flags int, type string, pkt_srcaddr string, pkt_dstaddr string,
        az_id string, sublocation_type string, sublocation_id string,
        pkt_src_aws_service string, pkt_dst_aws_service string, flow_direction string, traffic_path int,
        ecs_cluster_arn string, ecs_cluster_name string, ecs_container_instance_arn string, ecs_container_instance_id string,
        ecs_container_id string, ecs_second_container_id string, ecs_service_name string, ecs_task_definition_arn string,
        ecs_task_arn string, ecs_task_id string, reject_reason string, resource_id string, encryption_status int",
    roles: &[(Role::Event, "action"), (Role::Target, "dstaddr")],
    mirrors: &[],
    renamed: &[],
    dashes: true,
    shape: Shape::Both(is, open),
    envelope,
    id: |_| None,
};

fn is(object: &Object<'_>) -> bool {
    object.has_all(&["srcaddr", "dstaddr"])
        && ["interface_id", "interface-id", "log_status", "log-status"].iter().any(|n| object.has(n))
        && !["tgw_id", "tgw-id"].iter().any(|n| object.has(n))
}

fn open(line: &str) -> Option<Box<dyn Lines>> {
    Some(Box::new(Flow::open(line, Kind::Vpc)?))
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("start").or_else(|| record.text("end")).and_then(|t| crate::time::millis(&t));
    // `unknown` stands where a service made the interface.
    e.account = record.text("account_id").filter(|a| crate::place::is_account(a));
    e.region = region(record);
    e.set_source_ip(record.text("srcaddr"));
    e.outcome = match record.text("action").as_deref() {
        Some("ACCEPT") => Some(Outcome::Success),
        Some("REJECT") => Some(Outcome::Denied),
        _ => None,
    };
}

/// The field `region`: the folder carries it, so that it has no column.
pub(crate) fn region<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    record.rest("region").and_then(Raw::scalar).filter(|r| crate::place::is_region(r))
}

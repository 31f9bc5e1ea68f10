//! Amazon CloudFront real-time logs with all their fields. Where a distribution logs some of them only, nothing in its records says
//! which: such lines are set aside.
//!
//! Fields: <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/real-time-logs.html>

use crate::columns::Type;
use crate::envelope::{Envelope, Outcome, Role};
use crate::lines::{is_number, put};
use crate::record::Record;
use crate::table::{Line, Lines, Shape, Source};
use std::borrow::Cow;
use std::net::IpAddr;

/// The source. Athena's page has `bigint` for durations, which are fractions of seconds: they are `double` here.
pub static SOURCE: Source = Source {
    name: "cloudfront_real_time",
    table: "cloudfront_real_time_logs",
    aliases: &[],
    page: "https://docs.aws.amazon.com/athena/latest/ug/create-cloudfront-table-real-time-logs.html",
    columns: "timestamp string, c_ip string, time_to_first_byte double, sc_status bigint, sc_bytes bigint, cs_method string,
        cs_protocol string, cs_host string, cs_uri_stem string, cs_bytes bigint, x_edge_location string,
        x_edge_request_id string, x_host_header string, time_taken double, cs_protocol_version string, c_ip_version string,
        cs_user_agent string, cs_referer string, cs_cookie string, cs_uri_query string, x_edge_response_result_type string,
        x_forwarded_for string, ssl_protocol string, ssl_cipher string, x_edge_result_type string, fle_encrypted_fields string,
        fle_status string, sc_content_type string, sc_content_len bigint, sc_range_start string, sc_range_end string,
        c_port bigint, x_edge_detailed_result_type string, c_country string, cs_accept_encoding string, cs_accept string,
        cache_behavior_path_pattern string, cs_headers string, cs_header_names string, cs_headers_count bigint,
        primary_distribution_id string, primary_distribution_dns_name string, origin_fbl string, origin_lbl string, asn string",
    roles: &[(Role::Event, "cs_method"), (Role::UserAgent, "cs_user_agent")],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Lines(|line| open(line).then(|| Box::new(RealTime) as Box<dyn Lines>)),
    envelope,
    id: |_| None,
};

struct RealTime;

/// `1704164645.678`, an address, a duration and a status.
fn open(line: &str) -> bool {
    let mut fields = line.split('\t');
    fields.next().is_some_and(|t| t.contains('.') && is_number(t) && crate::time::millis(t).is_some())
        && fields.next().is_some_and(|ip| ip.parse::<IpAddr>().is_ok())
        && fields.next().is_some_and(is_number)
        && fields.next().is_some_and(is_number)
}

impl Lines for RealTime {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        if !open(line) {
            return Line::Not("it does not begin with a time, an address, a duration and a status".into());
        }
        let table = record.table;
        if line.split('\t').count() != table.names.len() {
            return Line::Not(format!("it does not have all {} fields", table.names.len()).into());
        }
        for ((n, field), kind) in line.split('\t').enumerate().zip(&table.types) {
            if *kind != Type::String && !is_number(field) {
                return Line::Not(format!("`{}` is no number", table.names.get(n).map_or("", String::as_str)).into());
            }
            put(record, n, field);
        }
        Line::Record
    }
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("timestamp").and_then(|t| crate::time::millis(&t));
    e.set_source_ip(record.text("c_ip"));
    let host = record.text("x_host_header").or_else(|| record.text("cs_host"));
    e.set(
        Role::Target,
        match (host, record.text("cs_uri_stem")) {
            (Some(host), Some(path)) => Some(Cow::Owned(format!("{host}{path}"))),
            (host, path) => host.or(path),
        },
    );
    e.outcome = record.text("sc_status").and_then(|s| Outcome::of_status(&s));
    if matches!(record.text("x_edge_result_type").as_deref(), Some("Error" | "LimitExceeded" | "CapacityExceeded")) {
        let detail = record.text("x_edge_detailed_result_type");
        e.set(Role::Error, detail.or_else(|| record.text("x_edge_result_type")));
    }
}

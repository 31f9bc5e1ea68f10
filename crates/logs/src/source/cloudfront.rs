//! Amazon CloudFront standard access logs, legacy and version 2: W3C extended log files, whose header names the fields, and JSON.
//!
//! Fields: <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html>

use crate::columns::{Type, find};
use crate::envelope::{Envelope, Outcome, Role};
use crate::json::Raw;
use crate::lines::{NAMELESS, is_number, put};
use crate::record::{Object, Record};
use crate::table::{Line, Lines, Shape, Source, Table};
use std::borrow::Cow;

/// The source.
pub static SOURCE: Source = Source {
    name: "cloudfront",
    table: "cloudfront_standard_logs",
    aliases: &["cloudfront_logs", "cf_logs_manual_partition_json"],
    page: "https://docs.aws.amazon.com/athena/latest/ug/create-cloudfront-table-standard-logs.html",
    columns: "date date, time string, x_edge_location string, sc_bytes bigint, c_ip string, cs_method string, cs_host string,
        cs_uri_stem string, sc_status int, cs_referrer string, cs_user_agent string, cs_uri_query string, cs_cookie string,
        x_edge_result_type string, x_edge_request_id string, x_host_header string, cs_protocol string, cs_bytes bigint,
        time_taken float, x_forwarded_for string, ssl_protocol string, ssl_cipher string, x_edge_response_result_type string,
        cs_protocol_version string, fle_status string, fle_encrypted_fields int, c_port int, time_to_first_byte float,
        x_edge_detailed_result_type string, sc_content_type string, sc_content_len bigint, sc_range_start bigint,
        sc_range_end bigint",
    roles: &[(Role::Event, "cs_method"), (Role::UserAgent, "cs_user_agent")],
    mirrors: &[],
    renamed: &[
        ("cs(Host)", "cs_host"),
        ("cs(Referer)", "cs_referrer"),
        ("cs(User-Agent)", "cs_user_agent"),
        ("cs(Cookie)", "cs_cookie"),
    ],
    dashes: true,
    shape: Shape::Both(is, open),
    envelope,
    id: |_| None,
};

fn is(object: &Object<'_>) -> bool {
    object.has_all(&["x-edge-request-id", "cs-method"]) || object.has_all(&["x-edge-location", "cs-uri-stem"])
}

/// Reads lines; the header names their fields.
struct Cloudfront {
    slots: Vec<Slot>,
    /// Whether a header told the order: otherwise older lines may end early.
    told: bool,
}

#[derive(Clone, Copy)]
enum Slot {
    Column(usize, bool),
    Beside(&'static str),
}

/// Fields of version 2 that the documented table has no columns for.
const OTHERS: [&str; 20] = [
    "timestamp", "timestamp(ms)", "DistributionId", "origin-fbl", "origin-lbl", "asn", "c-country", "cache-behavior-path-pattern",
    "cs-accept", "cs-accept-encoding", "cs-headers", "cs-header-names", "cs-headers-count", "c-ip-version", "s-ip",
    "distribution-tenant-id", "primary-distribution-id", "primary-distribution-dns-name", "connection-id", "r-host",
];

fn open(line: &str) -> Option<Box<dyn Lines>> {
    let table = crate::table::table(SOURCE.table)?;
    if line.starts_with("#Version: 1.0") {
        return Some(Box::new(Cloudfront { slots: default_order(table), told: false }));
    }
    if let Some(slots) = header(line, table) {
        return Some(Box::new(Cloudfront { slots, told: true }));
    }
    let mut fields = line.split('\t');
    let begins = fields.next().is_some_and(|d| crate::time::days(d).is_some())
        && fields.next().is_some_and(is_clock)
        && fields.count() >= LEAST - 2;
    begins.then(|| Box::new(Cloudfront { slots: default_order(table), told: false }) as Box<dyn Lines>)
}

/// The fields that every line has had since 2014.
const LEAST: usize = 18;

fn is_clock(text: &str) -> bool {
    text.len() == 8 && text.bytes().enumerate().all(|(n, b)| if n % 3 == 2 { b == b':' } else { b.is_ascii_digit() })
}

fn default_order(table: &Table) -> Vec<Slot> {
    table.types.iter().enumerate().map(|(n, kind)| Slot::Column(n, is_numeric(kind))).collect()
}

fn is_numeric(kind: &Type) -> bool {
    matches!(kind, Type::Int | Type::Bigint | Type::Float)
}

fn header(line: &str, table: &Table) -> Option<Vec<Slot>> {
    let names = line.strip_prefix("#Fields:")?;
    let mut slots = Vec::with_capacity(40);
    for (place, name) in names.split_ascii_whitespace().take(200).enumerate() {
        let column = SOURCE.renamed.iter().find(|(n, _)| *n == name).map_or(name, |(_, column)| column);
        slots.push(match find(&table.names, column, place) {
            Some(n) => Slot::Column(n, table.types.get(n).is_some_and(is_numeric)),
            None => Slot::Beside(OTHERS.iter().find(|o| **o == name).or_else(|| NAMELESS.get(place))?),
        });
    }
    // Other programs write W3C files too.
    line.contains("x-edge-").then_some(slots)
}

impl Lines for Cloudfront {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        if line.starts_with('#') {
            if let Some(slots) = header(line, record.table) {
                self.slots = slots;
                self.told = true;
                return Line::Skip;
            }
            return match line.starts_with("#Version:") {
                true => Line::Skip,
                false => Line::Not("a comment that is no header of it".into()),
            };
        }
        let mut fields = line.split('\t');
        for (n, slot) in self.slots.iter().enumerate() {
            let Some(field) = fields.next() else {
                let short = self.told || n < LEAST;
                return if short { Line::Not("it has fewer fields than its header".into()) } else { Line::Record };
            };
            match *slot {
                Slot::Column(column, true) if !is_number(field) => {
                    let name = record.table.names.get(column).map_or("", String::as_str);
                    return Line::Not(format!("`{name}` is no number").into());
                }
                Slot::Column(column, _) => put(record, column, field),
                Slot::Beside(name) if field != "-" => record.rest.push((Raw::text(name), Raw::text(field))),
                Slot::Beside(_) => {}
            }
        }
        if fields.next().is_some() { Line::Not("it has more fields than its header".into()) } else { Line::Record }
    }
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = time(record);
    e.set_source_ip(record.text("c_ip"));
    let host = record.text("x_host_header").or_else(|| record.text("cs_host"));
    let path = record.text("cs_uri_stem");
    e.set(
        Role::Target,
        match (host, path) {
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

fn time(record: &Record<'_>) -> Option<i64> {
    if let (Some(date), Some(time)) = (record.text("date"), record.text("time")) {
        return crate::time::millis(&format!("{date}T{time}Z"));
    }
    ["timestamp(ms)", "timestamp"].iter().find_map(|n| crate::time::millis(&record.rest(n)?.scalar()?))
}

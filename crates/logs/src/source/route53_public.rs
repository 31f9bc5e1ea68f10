//! Route 53 public DNS query logs: what resolvers asked about a public hosted zone.
//!
//! Fields: <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/query-logs.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::lines::{Fields, is_number, is_time, put};
use crate::record::Record;
use crate::table::{Line, Lines, Shape, Source};

/// The source.
pub static SOURCE: Source = Source {
    name: "route53_public",
    table: "route53_public_dns_logs",
    aliases: &["route53_query_logs"],
    page: "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/query-logs.html",
    columns: "version string, query_timestamp string, hosted_zone_id string, query_name string, query_type string,
        response_code string, layer_4_protocol string, edge_location string, resolver_ip string, edns_client_subnet string",
    roles: &[(Role::Event, "query_type"), (Role::Target, "query_name")],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Lines(|line| open(line).then(|| Box::new(Public) as Box<dyn Lines>)),
    envelope,
    id: |_| None,
};

struct Public;

/// `1.0 2017-12-13T08:16:02.130Z Z123412341234 example.com A NOERROR UDP FRA6 192.168.1.1 -`
fn open(line: &str) -> bool {
    let mut fields = Fields::of(line);
    fields.word().is_some_and(|v| is_number(v) && v.contains('.'))
        && fields.word().is_some_and(is_time)
        && fields.word().is_some_and(|zone| zone.starts_with('Z'))
}

impl Lines for Public {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        if !open(line) {
            return Line::Not("it does not begin with a version, a time and a hosted zone".into());
        }
        let mut fields = Fields::of(line);
        for n in 0..record.table.names.len() {
            match fields.word() {
                Some(field) if n != 6 || matches!(field, "UDP" | "TCP") => put(record, n, field),
                Some(_) => return Line::Not("its protocol is neither UDP nor TCP".into()),
                None if n < 9 => return Line::Not("it ends too early".into()),
                None => {}
            }
        }
        if fields.rest().is_empty() { Line::Record } else { Line::Not("it has more fields than are known".into()) }
    }
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("query_timestamp").and_then(|t| crate::time::millis(&t));
    e.set_source_ip(record.text("resolver_ip"));
    let code = record.text("response_code");
    e.outcome = code.as_deref().map(|c| if c == "NOERROR" { Outcome::Success } else { Outcome::Failure });
    e.set(Role::Error, code.filter(|c| c != "NOERROR"));
}

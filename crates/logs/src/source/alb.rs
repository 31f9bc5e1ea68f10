//! Application Load Balancer access logs.
//!
//! Fields: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::lines::{Fields, host_and_port, is_number, is_time, numbers, place_of_arn, put, request, tail};
use crate::record::Record;
use crate::table::{Line, Lines, Shape, Source};
use std::borrow::Cow;

/// The source.
pub static SOURCE: Source = Source {
    name: "alb",
    table: "alb_access_logs",
    aliases: &["alb_logs"],
    page: "https://docs.aws.amazon.com/athena/latest/ug/create-alb-access-logs-table.html",
    columns: "type string, time string, elb string, client_ip string, client_port int, target_ip string, target_port int,
        request_processing_time double, target_processing_time double, response_processing_time double,
        elb_status_code int, target_status_code string, received_bytes bigint, sent_bytes bigint,
        request_verb string, request_url string, request_proto string, user_agent string, ssl_cipher string,
        ssl_protocol string, target_group_arn string, trace_id string, domain_name string, chosen_cert_arn string,
        matched_rule_priority string, request_creation_time string, actions_executed string, redirect_url string,
        lambda_error_reason string, target_port_list string, target_status_code_list string, classification string,
        classification_reason string, conn_trace_id string, transformed_host string, transformed_uri string,
        request_transform_status string",
    roles: &[
        (Role::Event, "request_verb"),
        (Role::Target, "request_url"),
        (Role::UserAgent, "user_agent"),
        (Role::Error, "lambda_error_reason"),
    ],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Lines(|line| open(line).then(|| Box::new(Alb) as Box<dyn Lines>)),
    envelope,
    id: |_| None,
};

struct Alb;

fn open(line: &str) -> bool {
    let mut fields = Fields::of(line);
    matches!(fields.word(), Some("http" | "https" | "h2" | "ws" | "wss" | "grpc" | "grpcs"))
        && fields.word().is_some_and(is_time)
        && fields.word().is_some_and(|elb| elb == "-" || elb.contains('/'))
}

impl Lines for Alb {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        if !open(line) {
            return Line::Not("it does not begin with a type, a time and a load balancer".into());
        }
        read(line, record).into()
    }
}

fn read<'a>(line: &'a str, record: &mut Record<'a>) -> Result<(), &'static str> {
    let short = "it ends too early";
    let mut fields = Fields::of(line);
    for n in 0..3 {
        put(record, n, fields.word().ok_or(short)?);
    }
    for n in [3, 5] {
        let (host, port) = host_and_port(fields.word().ok_or(short)?);
        if !is_number(port) {
            return Err("a port is no number");
        }
        put(record, n, host);
        put(record, n + 1, port);
    }
    numbers(record, &mut fields, 7..14, "a time, status or size is no number")?;
    let (verb, url, proto) = request(fields.quoted().ok_or("its request does not end")?);
    put(record, 14, verb);
    put(record, 15, url);
    put(record, 16, proto);
    // Every line has its trace identifier; what comes behind it was added over the years.
    tail(record, &mut fields, 17, 22, Fields::quoted)
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("time").and_then(|t| crate::time::millis(&t));
    e.set_source_ip(record.text("client_ip"));
    e.outcome = record.text("elb_status_code").and_then(|s| Outcome::of_status(&s));
    for column in ["target_group_arn", "chosen_cert_arn"] {
        if let Some(Cow::Borrowed(arn)) = record.text(column) {
            let (region, account) = place_of_arn(arn);
            e.region = e.region.take().or(region.map(Cow::Borrowed));
            e.account = e.account.take().or(account.map(Cow::Borrowed));
        }
    }
}

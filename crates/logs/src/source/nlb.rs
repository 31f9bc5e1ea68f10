//! Network Load Balancer access logs, which are written for TLS listeners.
//!
//! Fields: <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::lines::{Fields, host_and_port, is_number, is_time, numbers, place_of_arn, put, tail};
use crate::record::Record;
use crate::table::{Line, Lines, Shape, Source};
use std::borrow::Cow;

/// The source.
pub static SOURCE: Source = Source {
    name: "nlb",
    table: "nlb_tls_logs",
    aliases: &["nlb_logs", "nlb_access_logs"],
    page: "https://docs.aws.amazon.com/athena/latest/ug/networkloadbalancer-classic-logs.html",
    columns: "type string, version string, time string, elb string, listener_id string, client_ip string, client_port int,
        target_ip string, target_port int, tcp_connection_time_ms double, tls_handshake_time_ms double,
        received_bytes bigint, sent_bytes bigint, incoming_tls_alert int, cert_arn string, certificate_serial string,
        tls_cipher_suite string, tls_protocol_version string, tls_named_group string, domain_name string,
        alpn_fe_protocol string, alpn_be_protocol string, alpn_client_preference_list string,
        tls_connection_creation_time string",
    roles: &[(Role::Event, "type"), (Role::Target, "domain_name")],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Lines(|line| open(line).then(|| Box::new(Nlb) as Box<dyn Lines>)),
    envelope,
    id: |_| None,
};

struct Nlb;

fn open(line: &str) -> bool {
    let mut fields = Fields::of(line);
    fields.word() == Some("tls")
        && fields.word().is_some_and(|v| is_number(v) && v != "-")
        && fields.word().is_some_and(is_time)
        && fields.word().is_some_and(|elb| elb.contains('/'))
}

impl Lines for Nlb {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        if !open(line) {
            return Line::Not("it does not begin with `tls`, a version, a time and a load balancer".into());
        }
        read(line, record).into()
    }
}

fn read<'a>(line: &'a str, record: &mut Record<'a>) -> Result<(), &'static str> {
    let short = "it ends too early";
    let mut fields = Fields::of(line);
    for n in 0..5 {
        put(record, n, fields.word().ok_or(short)?);
    }
    for n in [5, 7] {
        let (host, port) = host_and_port(fields.word().ok_or(short)?);
        if !is_number(port) {
            return Err("a port is no number");
        }
        put(record, n, host);
        put(record, n + 1, port);
    }
    numbers(record, &mut fields, 9..13, "a time or size is no number")?;
    // Version 1.0 of the format ends with the domain name.
    tail(record, &mut fields, 13, 20, Fields::word)
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("time").and_then(|t| crate::time::millis(&t));
    e.set_source_ip(record.text("client_ip"));
    if let Some(Cow::Borrowed(arn)) = record.text("cert_arn") {
        let (region, account) = place_of_arn(arn);
        e.region = region.map(Cow::Borrowed);
        e.account = account.map(Cow::Borrowed);
    }
    // No handshake, no time for it: AWS writes `-` where the connection failed before.
    let (alert, handshake) = (record.text("incoming_tls_alert"), record.text("tls_handshake_time_ms"));
    e.outcome = Some(match (&alert, handshake) {
        (None, Some(_)) => Outcome::Success,
        _ => Outcome::Failure,
    });
    e.set(Role::Error, alert.map(|a| Cow::Owned(format!("tls alert {a}"))));
}

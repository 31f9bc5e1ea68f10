//! Application Load Balancer connection logs.
//!
//! Fields: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-connection-logs.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::lines::{Fields, is_digits, is_number, is_time, put, tail};
use crate::record::Record;
use crate::table::{Line, Lines, Shape, Source};
use std::net::IpAddr;

/// The source.
pub static SOURCE: Source = Source {
    name: "alb_connection",
    table: "alb_connection_logs",
    aliases: &[],
    page: "https://docs.aws.amazon.com/athena/latest/ug/create-alb-connection-logs-table.html",
    columns: "time string, client_ip string, client_port int, listener_port int, tls_protocol string, tls_cipher string,
        tls_handshake_latency double, leaf_client_cert_subject string, leaf_client_cert_validity string,
        leaf_client_cert_serial_number string, tls_verify_status string, conn_trace_id string, tls_keyexchange string",
    roles: &[(Role::Actor, "leaf_client_cert_subject"), (Role::Session, "conn_trace_id")],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Lines(|line| open(line).then(|| Box::new(Connection) as Box<dyn Lines>)),
    envelope,
    id: |_| None,
};

struct Connection;

/// A time, an address, two ports.
fn open(line: &str) -> bool {
    let mut fields = Fields::of(line);
    let word = |f: &mut Fields<'_>, is: fn(&str) -> bool| f.word().is_some_and(is);
    word(&mut fields, is_time)
        && word(&mut fields, |ip| ip.parse::<IpAddr>().is_ok())
        && word(&mut fields, is_digits)
        && word(&mut fields, is_digits)
}

impl Lines for Connection {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        if !open(line) {
            return Line::Not("it does not begin with a time, an address and two ports".into());
        }
        let mut fields = Fields::of(line);
        for n in 0..7 {
            let field = fields.word().unwrap_or_default();
            if field.is_empty() || (n == 6 && !is_number(field)) {
                return Line::Not("it has no handshake latency".into());
            }
            put(record, n, field);
        }
        tail(record, &mut fields, 7, 11, Fields::quoted).into()
    }
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("time").and_then(|t| crate::time::millis(&t));
    e.set_source_ip(record.text("client_ip"));
    e.set(Role::Event, Some("connection".into()));
    e.set(Role::Target, record.text("listener_port"));
    // `Failed:ClientCertUntrusted`; nothing where no client certificate was asked for.
    if let Some(status) = record.text("tls_verify_status") {
        e.outcome = Some(if status == "Success" { Outcome::Success } else { Outcome::Denied });
        if status != "Success" {
            e.set(Role::Error, Some(status));
        }
    }
}

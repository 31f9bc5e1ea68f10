//! Classic Load Balancer access logs.
//!
//! Fields: <https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::lines::{Fields, host_and_port, is_number, is_time, numbers, put, request, tail};
use crate::record::Record;
use crate::table::{Line, Lines, Shape, Source};

/// The source.
pub static SOURCE: Source = Source {
    name: "elb",
    table: "elb_logs",
    aliases: &["elb_logs_raw_native", "clb_logs"],
    page: "https://docs.aws.amazon.com/athena/latest/ug/elasticloadbalancer-classic-logs.html",
    columns: "timestamp string, elb_name string, request_ip string, request_port int, backend_ip string, backend_port int,
        request_processing_time double, backend_processing_time double, client_response_time double,
        elb_response_code string, backend_response_code string, received_bytes bigint, sent_bytes bigint,
        request_verb string, url string, protocol string, user_agent string, ssl_cipher string, ssl_protocol string",
    roles: &[(Role::Event, "request_verb"), (Role::Target, "url"), (Role::UserAgent, "user_agent")],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Lines(|line| open(line).then(|| Box::new(Elb) as Box<dyn Lines>)),
    envelope,
    id: |_| None,
};

struct Elb;

/// A time, a name, an address with its port, the backend's, and three durations.
fn open(line: &str) -> bool {
    let mut fields = Fields::of(line);
    fields.word().is_some_and(is_time)
        && fields.word().is_some_and(|name| !name.is_empty() && !name.contains(':'))
        && fields.word().is_some_and(has_port)
        && fields.word().is_some_and(|backend| backend == "-" || has_port(backend))
        && (0..3).all(|_| fields.word().is_some_and(is_number))
}

fn has_port(field: &str) -> bool {
    let (host, port) = host_and_port(field);
    !host.is_empty() && port != "-" && is_number(port)
}

impl Lines for Elb {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        if !open(line) {
            return Line::Not("it does not begin with a time, a load balancer, addresses and durations".into());
        }
        read(line, record).into()
    }
}

fn read<'a>(line: &'a str, record: &mut Record<'a>) -> Result<(), &'static str> {
    let short = "it ends too early";
    let mut fields = Fields::of(line);
    put(record, 0, fields.word().ok_or(short)?);
    put(record, 1, fields.word().ok_or(short)?);
    for n in [2, 4] {
        let (host, port) = host_and_port(fields.word().ok_or(short)?);
        put(record, n, host);
        put(record, n + 1, port);
    }
    numbers(record, &mut fields, 6..13, "a time, status or size is no number")?;
    let (verb, url, protocol) = request(fields.quoted().ok_or("its request does not end")?);
    put(record, 13, verb);
    put(record, 14, url);
    put(record, 15, protocol);
    // The oldest lines end with the request.
    tail(record, &mut fields, 16, 16, Fields::quoted)
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("timestamp").and_then(|t| crate::time::millis(&t));
    e.set_source_ip(record.text("request_ip"));
    e.outcome = record.text("elb_response_code").and_then(|s| Outcome::of_status(&s));
}

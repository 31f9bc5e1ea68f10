//! Amazon Redshift connection logs.
//!
//! Fields: <https://docs.aws.amazon.com/redshift/latest/mgmt/db-auditing.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::record::Record;
use crate::table::{Line, Lines, Shape, Source};

/// The source.
pub static SOURCE: Source = Source {
    name: "redshift_connection",
    table: "redshift_connection_logs",
    aliases: &["connectionlog"],
    page: "https://docs.aws.amazon.com/redshift/latest/mgmt/db-auditing.html",
    columns: "event string, recordtime string, remotehost string, remoteport int, pid int, dbname string, username string,
        authmethod string, duration bigint, sslversion string, sslcipher string, mtu int, sslcompression string,
        sslexpansion string, iamauthguid string, application_name string, driver_version string, os_version string,
        plugin_name string, protocol_version int, sessionid string, compression string",
    roles: &[
        (Role::Actor, "username"),
        (Role::Session, "sessionid"),
        (Role::UserAgent, "driver_version"),
        (Role::Event, "event"),
        (Role::Target, "dbname"),
    ],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Lines(|line| open(line).then(|| Box::new(Connection) as Box<dyn Lines>)),
    envelope,
    id: |_| None,
};

struct Connection;

fn open(line: &str) -> bool {
    let mut fields = line.split('|');
    fields.next().is_some_and(|event| event.starts_with(|c: char| c.is_ascii_lowercase()))
        && fields.next().is_some_and(|time| crate::pipes::millis(time).is_some())
}

impl Lines for Connection {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        if !open(line) {
            return Line::Not("it does not begin with an event and a time".into());
        }
        crate::pipes::fill(line, record, 8).into()
    }
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("recordtime").and_then(|t| crate::pipes::millis(&t));
    e.set_source_ip(record.text("remotehost").filter(|h| h != "[local]"));
    e.outcome = match record.text("event").as_deref() {
        Some("authenticated") => Some(Outcome::Success),
        Some("authentication failure") => Some(Outcome::Denied),
        _ => None,
    };
}

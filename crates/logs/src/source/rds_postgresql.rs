//! PostgreSQL logs of Amazon RDS and Aurora, with pgAudit's entries taken apart.
//!
//! The prefix is `%t:%r:%u@%d:[%p]:`, which Amazon RDS does not let anyone change before version 12:
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Concepts.PostgreSQL.overview.parameter-groups.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::json::Raw;
use crate::lines::is_digits;
use crate::record::Record;
use crate::table::{Line, Lines, Shape, Source};
use std::borrow::Cow;

/// The source.
pub static SOURCE: Source = Source {
    name: "rds_postgresql",
    table: "rds_postgresql_logs",
    aliases: &["aurora_postgresql_logs", "postgresql_logs"],
    page: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Concepts.PostgreSQL.html",
    columns: "log_time string, remote_host string, remote_port int, user_name string, database_name string, process_id int,
        error_severity string, message string,
        audit_type string, statement_id bigint, substatement_id bigint, class string, command string, object_type string,
        object_name string, statement string",
    roles: &[(Role::Actor, "user_name")],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Lines(|line| prefix(line).map(|_| Box::new(Postgresql) as Box<dyn Lines>)),
    envelope,
    id: |_| None,
};

struct Postgresql;

struct Prefix<'a> {
    time: &'a str,
    remote: &'a str,
    who: &'a str,
    process: &'a str,
    severity: &'a str,
    message: &'a str,
}

const SEVERITIES: [&str; 18] = [
    "LOG", "ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "INFO", "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4", "DEBUG5",
    "STATEMENT", "DETAIL", "HINT", "CONTEXT", "QUERY",
];

/// `2024-01-02 03:04:05 UTC:10.0.0.1(52834):app@shop:[20175]:LOG:  message`
fn prefix(line: &str) -> Option<Prefix<'_>> {
    let b = line.as_bytes();
    if b.get(4) != Some(&b'-') || b.get(10) != Some(&b' ') || b.get(19) != Some(&b' ') {
        return None;
    }
    crate::time::millis(line.get(..19)?)?;
    let zone = 20 + line.get(20..)?.find(':')?;
    let time = line.get(..zone)?;
    let rest = line.get(zone + 1..)?;
    // An IPv6 address has colons of its own; it ends with its port.
    let (remote, rest) = match rest.find("):") {
        Some(end) if !rest.starts_with(':') && !rest.starts_with('[') => (rest.get(..=end)?, rest.get(end + 2..)?),
        _ => rest.split_once(':')?,
    };
    let mut from = 0;
    loop {
        let open = from + rest.get(from..)?.find(":[")?;
        let (process, after) = rest.get(open + 2..)?.split_once("]:")?;
        if !is_digits(process) {
            from = open + 2;
            continue;
        }
        let (severity, message) = after.split_once(':')?;
        let known = SEVERITIES.contains(&severity);
        let who = rest.get(..open)?;
        return (known && who.contains('@')).then(|| Prefix { time, remote, who, process, severity, message: message.trim() });
    }
}

impl Lines for Postgresql {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        let Some(p) = prefix(line) else { return Line::Not("its prefix is not `%t:%r:%u@%d:[%p]:`".into()) };
        let (host, port) = match p.remote.rsplit_once('(') {
            Some((host, port)) => (host, port.trim_end_matches(')')),
            None => (p.remote, ""),
        };
        let (user, database) = p.who.rsplit_once('@').unwrap_or((p.who, ""));
        for (n, field) in [p.time, host, port, user, database, p.process, p.severity, p.message].into_iter().enumerate() {
            // `[unknown]` stands until somebody has logged in.
            if !field.is_empty() && field != "[unknown]" {
                record.put(n, Raw::text(field));
            }
        }
        if let Some(audit) = p.message.strip_prefix("AUDIT: ") {
            for (n, field) in csv(audit).take(8).enumerate() {
                if !field.is_empty() {
                    record.put(8 + n, Raw::text(field));
                }
            }
        }
        Line::Record
    }
}

/// Fields of pgAudit's line. Quotes inside a quoted field stay doubled, as pgAudit writes them.
fn csv(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let here = rest?;
        let Some(quoted) = here.strip_prefix('"') else {
            let (field, after) = here.split_once(',').map_or((here, None), |(f, a)| (f, Some(a)));
            rest = after;
            return Some(field);
        };
        let b = quoted.as_bytes();
        let mut end = 0;
        while end < b.len() {
            match (b.get(end), b.get(end + 1)) {
                (Some(b'"'), Some(b'"')) => end += 2,
                (Some(b'"'), _) => break,
                _ => end += 1,
            }
        }
        rest = quoted.get(end + 1..).and_then(|r| r.strip_prefix(','));
        quoted.get(..end.min(b.len()))
    })
}

/// What a message says has happened, and how it ended.
const TOLD: [(&str, &str, Option<Outcome>); 9] = [
    ("connection received", "connection received", None),
    ("connection authenticated", "connection authenticated", Some(Outcome::Success)),
    ("connection authorized", "connection authorized", Some(Outcome::Success)),
    ("disconnection", "disconnection", None),
    ("password authentication failed", "authentication failed", Some(Outcome::Denied)),
    ("PAM authentication failed", "authentication failed", Some(Outcome::Denied)),
    ("no pg_hba.conf entry", "authentication failed", Some(Outcome::Denied)),
    ("pg_hba.conf rejects", "authentication failed", Some(Outcome::Denied)),
    ("permission denied", "permission denied", Some(Outcome::Denied)),
];

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    // A zone's abbreviation other than UTC's does not say which zone it is.
    e.time = record.text("log_time").and_then(|t| crate::time::millis(&t.replace(" GMT", " UTC")));
    e.set_source_ip(record.text("remote_host").filter(|h| h != "[local]"));
    let message = record.text("message").unwrap_or_default();
    if let Some(command) = record.text("command") {
        e.set(Role::Event, Some(command));
        e.set(Role::Target, record.text("object_name").or_else(|| record.text("database_name")));
        return;
    }
    e.set(Role::Target, record.text("database_name"));
    if let Some((_, event, outcome)) = TOLD.iter().find(|(begin, _, _)| message.starts_with(begin)) {
        e.set(Role::Event, Some(Cow::Borrowed(event)));
        e.outcome = *outcome;
    } else {
        e.set(Role::Event, record.text("error_severity"));
    }
    if matches!(record.text("error_severity").as_deref(), Some("ERROR" | "FATAL" | "PANIC")) {
        e.outcome = e.outcome.or(Some(Outcome::Failure));
        e.set(Role::Error, Some(message));
    }
}

//! Amazon EKS authenticator logs: which IAM principal became which Kubernetes user.
//!
//! <https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html>

use crate::columns::find;
use crate::envelope::{Envelope, Outcome, Role};
use crate::json::Raw;
use crate::lines::place_of_arn;
use crate::record::Record;
use crate::table::{Line, Lines, Shape, Source};
use std::borrow::Cow;

/// The source.
pub static SOURCE: Source = Source {
    name: "eks_authenticator",
    table: "eks_authenticator_logs",
    aliases: &[],
    page: "https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html",
    columns: "time string, level string, msg string, arn string, client string, groups string, method string, path string,
        stsendpoint string, uid string, username string, accesskeyid string, accountid string, userid string, error string,
        sessionname string, canonicalarn string",
    roles: &[
        (Role::Actor, "arn"),
        (Role::AccessKey, "accesskeyid"),
        (Role::Event, "msg"),
        (Role::Target, "username"),
        (Role::Error, "error"),
    ],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Lines(|line| open(line).then(|| Box::new(Authenticator) as Box<dyn Lines>)),
    envelope,
    id: |_| None,
};

struct Authenticator;

fn open(line: &str) -> bool {
    line.starts_with("time=\"") && line.contains("\" level=") && line.contains(" msg=")
}

impl Lines for Authenticator {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        if !open(line) {
            return Line::Not("it does not begin with a time and have a level and a message".into());
        }
        let mut rest = line.trim_end();
        while !rest.is_empty() {
            let Some((key, value, after)) = pair(rest) else { return Line::Not("it is not made of `key=value`".into()) };
            match find(&record.table.names, key, 0) {
                Some(n) if record.put(n, value) => {}
                _ => record.rest.push((Raw::text(key), Raw::text(value.text))),
            }
            rest = after.trim_start();
        }
        Line::Record
    }
}

/// `key=value` or `key="value"`, and what follows. Quotes inside are escaped as in JSON.
fn pair(text: &str) -> Option<(&str, Raw<'_>, &str)> {
    let (key, rest) = text.split_once('=')?;
    if key.is_empty() || key.contains([' ', '"']) {
        return None;
    }
    let Some(quoted) = rest.strip_prefix('"') else {
        let (value, after) = rest.split_once(' ').unwrap_or((rest, ""));
        return Some((key, Raw::text(value), after));
    };
    let mut escaped = false;
    let end = quoted.bytes().position(|b| {
        let closes = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        closes
    })?;
    let value = quoted.get(..end)?;
    let kind = if value.contains('\\') { crate::json::Kind::Escaped } else { crate::json::Kind::Text };
    Some((key, Raw { text: value, kind }, quoted.get(end + 1..)?))
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("time").and_then(|t| crate::time::millis(&t));
    e.set_source_ip(record.text("client"));
    e.set(Role::Issuer, record.text("canonicalarn"));
    if let Some(Cow::Borrowed(arn)) = record.text("arn") {
        e.account = place_of_arn(arn).1.map(Cow::Borrowed);
    }
    e.account = e.account.take().or_else(|| record.text("accountid").filter(|a| crate::place::is_account(a)));
    // `sts.eu-west-1.amazonaws.com`
    if let Some(Cow::Borrowed(end)) = record.text("stsendpoint") {
        e.region = end.split('.').nth(1).filter(|r| crate::place::is_region(r)).map(Cow::Borrowed);
    }
    e.outcome = match record.text("msg").as_deref() {
        Some("access granted") => Some(Outcome::Success),
        Some("access denied") => Some(Outcome::Denied),
        _ => None,
    };
}

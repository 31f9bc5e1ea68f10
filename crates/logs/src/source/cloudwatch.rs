//! CloudWatch Logs events that carry no other log that is known here, among them AWS Lambda's platform lines.
//!
//! Shape: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html>;
//! AWS Lambda's lines: <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::json::Raw;
use crate::record::Record;
use crate::table::{Line, Lines, Shape, Source};
use std::borrow::Cow;

/// The source. Events in JSON come to it by its name; alone it knows exports of Lambda functions' log groups.
pub static SOURCE: Source = Source {
    name: "cloudwatch",
    table: "cloudwatch_logs",
    aliases: &["lambda_logs"],
    page: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html",
    columns: "id string, timestamp bigint, message string, owner string, loggroup string, logstream string",
    roles: &[],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Lines(|line| open(line).then(|| Box::new(Export) as Box<dyn Lines>)),
    envelope,
    id,
};

struct Export;

fn stamped(line: &str) -> Option<(&str, &str)> {
    line.split_once(' ').filter(|(time, _)| time.ends_with('Z') && crate::lines::is_time(time))
}

fn open(line: &str) -> bool {
    stamped(line).is_some_and(|(_, message)| platform(message).is_some())
}

impl Lines for Export {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        let Some((time, message)) = stamped(line) else { return Line::Not("it does not begin with a time".into()) };
        record.rest.push((Raw::text("time"), Raw::text(time)));
        record.put(2, Raw::text(message));
        Line::Record
    }
}

/// What AWS Lambda says, and of which request.
fn platform(message: &str) -> Option<(&'static str, &str)> {
    let kinds = ["START", "END", "REPORT"];
    if message.starts_with("INIT_START Runtime Version: ") {
        return Some(("INIT_START", ""));
    }
    kinds.iter().find_map(|kind| {
        let request = message.strip_prefix(kind)?.strip_prefix(" RequestId: ")?;
        let id = request.get(..36).filter(|id| id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'))?;
        Some((*kind, id))
    })
}

/// A message may be written again and again. An event's identifier is its log stream's; without one, only the place and time tell
/// messages apart.
fn id<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    let text = |column| record.text(column).unwrap_or_default();
    let place = format!("{}/{}/{}", text("owner"), text("loggroup"), text("logstream"));
    Some(Cow::Owned(match record.text("id") {
        Some(id) => format!("{place}#{id}"),
        None => {
            let time = record.rest("time").and_then(Raw::scalar).unwrap_or_else(|| text("timestamp"));
            format!("{place}@{time} {}", text("message"))
        }
    }))
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    let own = record.text("timestamp").or_else(|| record.rest("time").and_then(Raw::scalar));
    e.time = own.and_then(|t| crate::time::millis(&t));
    e.set(Role::Actor, record.text("loggroup"));
    let message = record.text("message");
    if let Some((kind, request)) = message.as_deref().and_then(platform) {
        e.set(Role::Event, Some(Cow::Borrowed(kind)));
        e.set(Role::Target, Some(Cow::Owned(request.to_owned())));
        if let Some((_, status)) = message.as_deref().and_then(|m| m.split_once("\tStatus: ")) {
            let status = status.split('\t').next().unwrap_or_default().trim();
            e.outcome = Some(if status == "success" { Outcome::Success } else { Outcome::Failure });
            e.set(Role::Error, Some(Cow::Owned(status.to_owned())).filter(|s: &Cow<'_, str>| s != "success"));
        }
    }
}

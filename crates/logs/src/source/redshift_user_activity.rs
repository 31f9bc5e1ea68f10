//! Amazon Redshift user activity logs: statements before they run.
//!
//! Fields: <https://docs.aws.amazon.com/redshift/latest/mgmt/db-auditing.html>

use crate::envelope::{Envelope, Role};
use crate::json::Raw;
use crate::record::Record;
use crate::table::{Line, Lines, Shape, Source};

/// The source.
pub static SOURCE: Source = Source {
    name: "redshift_user_activity",
    table: "redshift_user_activity_logs",
    aliases: &["useractivitylog"],
    page: "https://docs.aws.amazon.com/redshift/latest/mgmt/db-auditing.html",
    columns: "recordtime string, db string, user string, pid int, userid int, xid bigint, query string",
    roles: &[(Role::Actor, "user"), (Role::Target, "db")],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Lines(|line| parts(line).map(|_| Box::new(Activity) as Box<dyn Lines>)),
    envelope,
    id: |_| None,
};

struct Activity;

/// `'2024-01-02T03:04:05Z UTC [ db=dev user=awsuser pid=1 userid=100 xid=2 ]' LOG: SELECT 1`
fn parts(line: &str) -> Option<(&str, &str, &str)> {
    let (time, rest) = line.strip_prefix('\'')?.split_once(" UTC [ db=")?;
    crate::time::millis(time)?;
    let (about, query) = rest.split_once(" ]' LOG:")?;
    Some((time, about, query.trim()))
}

impl Lines for Activity {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        let Some((time, about, query)) = parts(line) else {
            return Line::Not("it does not begin with a time and a connection in quotes".into());
        };
        record.put(0, Raw::text(time));
        // Names of databases and users may hold spaces: each field ends where the next one's name stands.
        let mut rest = about;
        for (n, next) in [(1, " user="), (2, " pid="), (3, " userid="), (4, " xid=")] {
            let Some((field, after)) = rest.split_once(next) else {
                return Line::Not(format!("it has no{next}").into());
            };
            record.put(n, Raw::text(field));
            rest = after;
        }
        record.put(5, Raw::text(rest));
        record.put(6, Raw::text(query));
        Line::Record
    }
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("recordtime").and_then(|t| crate::time::millis(&t));
    e.set(Role::Session, record.text("pid"));
    if let Some(Raw { text, .. }) = record.get("query") {
        e.set(Role::Event, Some(verb(text).into()));
    }
}

/// A statement's first word that stands in no comment.
fn verb(query: &str) -> &str {
    let mut rest = query.trim_start();
    loop {
        let comment = rest.strip_prefix("/*").and_then(|c| c.split_once("*/")).map(|(_, after)| after);
        let line = || rest.strip_prefix("--").and_then(|c| c.split_once('\n')).map(|(_, after)| after);
        match comment.or_else(line) {
            Some(after) => rest = after.trim_start(),
            None => break,
        }
    }
    rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default()
}

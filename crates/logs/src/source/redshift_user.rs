//! Amazon Redshift user logs: users created, dropped, altered and renamed.
//!
//! Fields: <https://docs.aws.amazon.com/redshift/latest/mgmt/db-auditing.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::lines::is_digits;
use crate::record::Record;
use crate::table::{Line, Lines, Shape, Source};

/// The source.
pub static SOURCE: Source = Source {
    name: "redshift_user",
    table: "redshift_user_logs",
    aliases: &["userlog"],
    page: "https://docs.aws.amazon.com/redshift/latest/mgmt/db-auditing.html",
    columns: "userid int, username string, oldusername string, action string, usecreatedb int, usesuper int, usecatupd int,
        valuntil string, pid int, xid bigint, recordtime string",
    roles: &[(Role::Event, "action"), (Role::Target, "username")],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Lines(|line| open(line).then(|| Box::new(User) as Box<dyn Lines>)),
    envelope,
    id: |_| None,
};

struct User;

fn open(line: &str) -> bool {
    let mut fields = line.split('|').map(str::trim);
    fields.next().is_some_and(is_digits)
        && fields.nth(2).is_some_and(|action| matches!(action, "create" | "drop" | "alter" | "rename"))
}

impl Lines for User {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        if !open(line) {
            return Line::Not("it does not begin with a user and an action".into());
        }
        crate::pipes::fill(line, record, 11).into()
    }
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("recordtime").and_then(|t| crate::pipes::millis(&t));
    e.outcome = Some(Outcome::Success);
}

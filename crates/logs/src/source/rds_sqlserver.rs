//! SQL Server error logs of Amazon RDS, logins above all.
//!
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Concepts.SQLServer.html>; columns as `rdsadmin.dbo.rds_read_error_log`
//! names them: <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.SQLServer.CommonDBATasks.Logs.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::json::Raw;
use crate::record::Record;
use crate::table::{Line, Lines, Shape, Source};
use std::borrow::Cow;

/// The source.
pub static SOURCE: Source = Source {
    name: "rds_sqlserver",
    table: "rds_sqlserver_error_logs",
    aliases: &["sqlserver_error_logs"],
    page: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Concepts.SQLServer.html",
    columns: "logdate string, processinfo string, text string",
    roles: &[],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Lines(|line| parts(line).map(|_| Box::new(SqlServer) as Box<dyn Lines>)),
    envelope,
    id: |_| None,
};

struct SqlServer;

/// `2024-01-02 03:04:05.67 Logon       Login failed for user 'sa'. Reason: … [CLIENT: 192.0.2.1]`
fn parts(line: &str) -> Option<(&str, &str, &str)> {
    let time = line.get(..22)?;
    if time.as_bytes().get(10) != Some(&b' ') || time.as_bytes().get(19) != Some(&b'.') {
        return None;
    }
    crate::time::millis(time)?;
    let (process, text) = line.get(22..)?.strip_prefix(' ')?.split_once(' ')?;
    let known = matches!(process, "Logon" | "Server" | "Backup" | "Clr" | "Cluster") || is_session(process);
    known.then(|| (time, process, text.trim_start()))
}

/// `spid51`, `spid7s`
fn is_session(process: &str) -> bool {
    let number = process.strip_prefix("spid").map(|n| n.strip_suffix('s').unwrap_or(n));
    number.is_some_and(crate::lines::is_digits)
}

impl Lines for SqlServer {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        let Some((time, process, text)) = parts(line) else {
            return Line::Not("it does not begin with a time and a process".into());
        };
        for (n, field) in [time, process, text].into_iter().enumerate() {
            record.put(n, Raw::text(field));
        }
        Line::Record
    }
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("logdate").and_then(|t| crate::time::millis(&t));
    let Some(Raw { text, .. }) = record.get("text") else { return };
    let between = |from: &str, to: char| text.split_once(from)?.1.split_once(to).map(|(inside, _)| Cow::Borrowed(inside.trim()));
    e.set_source_ip(between("[CLIENT: ", ']').filter(|c| !c.starts_with('<')));
    if text.starts_with("Login failed for user") {
        e.set(Role::Event, Some("Login failed".into()));
        e.outcome = Some(Outcome::Denied);
        e.set(Role::Error, between("Reason: ", '['));
    } else if text.starts_with("Login succeeded for user") {
        e.set(Role::Event, Some("Login succeeded".into()));
        e.outcome = Some(Outcome::Success);
    } else if text.starts_with("Error: ") {
        e.set(Role::Event, Some("Error".into()));
        e.outcome = Some(Outcome::Failure);
        e.set(Role::Error, between("Error: ", ','));
        return;
    } else {
        e.set(Role::Event, record.text("processinfo"));
        return;
    }
    e.set(Role::Actor, between("user '", '\''));
}

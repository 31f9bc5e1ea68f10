//! MySQL and MariaDB audit logs of Amazon RDS (the MariaDB audit plugin) and of Aurora MySQL (advanced auditing).
//!
//! Fields: <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.MySQL.Options.AuditPlugin.html>,
//! <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Auditing.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::lines::is_digits;
use crate::json::Raw;
use crate::record::Record;
use crate::table::{Line, Lines, Shape, Source};

/// The source.
pub static SOURCE: Source = Source {
    name: "rds_mysql_audit",
    table: "rds_mysql_audit_logs",
    aliases: &["aurora_mysql_audit_logs", "mysql_audit_logs"],
    page: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.MySQL.Options.AuditPlugin.html",
    columns: "timestamp string, serverhost string, username string, host string, connectionid bigint, queryid bigint,
        operation string, database string, object string, retcode int, connection_type string",
    roles: &[(Role::Actor, "username"), (Role::Event, "operation"), (Role::Target, "database")],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Lines(|line| open(line).then(|| Box::new(Audit) as Box<dyn Lines>)),
    envelope,
    id: |_| None,
};

struct Audit;

const OPERATIONS: [&str; 18] = [
    "CONNECT", "DISCONNECT", "FAILED_CONNECT", "CHANGEUSER", "QUERY", "QUERY_DDL", "QUERY_DML", "QUERY_DML_NO_SELECT", "QUERY_DCL",
    "TABLE", "READ", "WRITE", "CREATE", "ALTER", "RENAME", "DROP", "PROXY_CONNECT", "AUDIT_LOG",
];

fn open(line: &str) -> bool {
    let mut fields = line.split(',');
    fields.next().is_some_and(is_stamp) && fields.nth(5).is_some_and(|o| OPERATIONS.contains(&o))
}

/// `20240102 03:04:05`, or Aurora's microseconds since the epoch.
fn is_stamp(text: &str) -> bool {
    let clock = text.len() == 17 && text.as_bytes().get(8) == Some(&b' ') && crate::time::millis(text).is_some();
    clock || (text.len() == 16 && is_digits(text))
}

impl Lines for Audit {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        if !open(line) {
            return Line::Not("it does not begin with a time and have an operation in the seventh place".into());
        }
        match read(line, record) {
            Some(()) => Line::Record,
            None => Line::Not("its object or its return code is missing".into()),
        }
    }
}

fn read<'a>(line: &'a str, record: &mut Record<'a>) -> Option<()> {
    let mut rest = line;
    for n in 0..8 {
        let (field, after) = rest.split_once(',')?;
        if matches!(n, 4 | 5) && !is_digits(field) {
            return None;
        }
        put(record, n, field);
        rest = after;
    }
    // A statement may hold commas and quotes: it ends at the last quote that a return code follows.
    let (object, after) = match rest.strip_prefix('\'') {
        Some(quoted) => {
            let end = quoted.rfind("',")?;
            (quoted.get(..end)?, quoted.get(end + 2..)?)
        }
        None => rest.split_once(',')?,
    };
    put(record, 8, object);
    let mut last = after.split(',');
    let code = last.next().filter(|c| is_digits(c))?;
    put(record, 9, code);
    put(record, 10, last.next().unwrap_or_default());
    Some(())
}

fn put<'a>(record: &mut Record<'a>, column: usize, field: &'a str) {
    if !field.is_empty() {
        record.put(column, Raw::text(field));
    }
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("timestamp").and_then(|t| crate::time::millis(&t));
    e.set_source_ip(record.text("host"));
    e.set(Role::Session, record.text("connectionid"));
    let code = record.text("retcode");
    e.outcome = code.as_deref().map(|code| match code {
        "0" if record.text("operation").as_deref() == Some("FAILED_CONNECT") => Outcome::Denied,
        "0" => Outcome::Success,
        // ER_DBACCESS_DENIED, ER_ACCESS_DENIED, ER_TABLEACCESS_DENIED, ER_COLUMNACCESS_DENIED, ER_SPECIFIC_ACCESS_DENIED,
        // ER_ACCESS_DENIED_NO_PASSWORD: <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>
        "1044" | "1045" | "1142" | "1143" | "1227" | "1698" => Outcome::Denied,
        _ => Outcome::Failure,
    });
    e.set(Role::Error, code.filter(|c| c != "0"));
}

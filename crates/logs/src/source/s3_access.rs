//! Amazon S3 server access logs.
//!
//! Fields: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html>; of the JSON that CloudWatch Logs gets
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/sal-cw-log-format.html>, and what a delivery may select of it
//! <https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.mixins_preview.aws_s3.mixins/CfnBucketS3ServerAccessLogsRecordFields.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::lines::{Fields, is_digits, is_number, place_of_arn, put};
use crate::record::{Object, Record};
use crate::table::{Line, Lines, Shape, Source};
use std::borrow::Cow;

/// The source.
pub static SOURCE: Source = Source {
    name: "s3_access",
    table: "s3_access_logs",
    aliases: &["mybucket_logs", "s3_server_access_logs", "s3_access_logs_db"],
    page: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-s3-access-logs-to-identify-requests.html",
    columns: "bucketowner string, bucket_name string, requestdatetime string, remoteip string, requester string, requestid string,
        operation string, key string, request_uri string, httpstatus string, errorcode string, bytessent bigint,
        objectsize bigint, totaltime string, turnaroundtime string, referrer string, useragent string, versionid string,
        hostid string, sigv string, ciphersuite string, authtype string, endpoint string, tlsversion string,
        accesspointarn string, aclrequired string, sourceregion string",
    roles: &[
        (Role::Actor, "requester"),
        (Role::Event, "operation"),
        (Role::UserAgent, "useragent"),
        (Role::Error, "errorcode"),
    ],
    mirrors: &[],
    renamed: &RENAMED,
    dashes: false,
    shape: Shape::Both(is, |line| open(line).then(|| Box::new(S3Access) as Box<dyn Lines>)),
    envelope,
    id: |_| None,
};

/// The members of CloudWatch Logs' JSON whose columns have other names. Its version and the bucket's ARN have no column.
const RENAMED: [(&str, &str); 23] = [
    ("bucket_owner_id", "bucketowner"),
    ("request_time", "requestdatetime"),
    ("remote_ip", "remoteip"),
    ("request_id", "requestid"),
    ("key_name", "key"),
    ("http_status", "httpstatus"),
    ("error_code", "errorcode"),
    ("bytes_sent_size", "bytessent"),
    ("object_size", "objectsize"),
    ("total_duration", "totaltime"),
    ("turn_around_duration", "turnaroundtime"),
    ("referer", "referrer"),
    ("user_agent", "useragent"),
    ("version_id", "versionid"),
    ("host_id", "hostid"),
    ("signature_version", "sigv"),
    ("cipher_suite", "ciphersuite"),
    ("authentication_type", "authtype"),
    ("host_header", "endpoint"),
    ("tls_version", "tlsversion"),
    ("access_point_arn", "accesspointarn"),
    ("acl_required", "aclrequired"),
    ("source_region", "sourceregion"),
];

/// A delivery may leave fields out, which looks like `null` afterwards. Without who asked and over which connection, everybody would look
/// like nobody: such records are not taken for this log, but set aside.
fn is(object: &Object<'_>) -> bool {
    object.has_all(&["request_time", "bucket_name", "requester", "operation", "http_status"])
        && (object.has("tls_version") || object.has("cipher_suite"))
}

struct S3Access;

/// `owner bucket [time] …`: no other log has its time in brackets in the third place.
fn open(line: &str) -> bool {
    let mut fields = Fields::of(line);
    let start = fields.word().zip(fields.word()).and_then(|_| fields.bracketed());
    start.is_some_and(|time| time.len() == 26 && crate::time::millis(time).is_some())
}

impl Lines for S3Access {
    fn read<'a>(&mut self, line: &'a str, record: &mut Record<'a>) -> Line {
        read(line, record).into()
    }
}

/// Requests, referrers and user agents are what clients send, quotes and all. A request ends where a status follows; the user agent,
/// the last field in quotes, ends at the line's last quote.
fn read<'a>(line: &'a str, record: &mut Record<'a>) -> Result<(), &'static str> {
    let short = "it ends too early";
    let mut fields = Fields::of(line);
    for n in 0..2 {
        put(record, n, fields.word().ok_or(short)?);
    }
    put(record, 2, fields.bracketed().ok_or("its time is missing")?);
    for n in 3..8 {
        put(record, n, fields.word().ok_or(short)?);
    }
    let rest = match fields.rest().strip_prefix('"') {
        Some(quoted) => {
            let end = request_end(quoted).ok_or("its request does not end")?;
            put(record, 8, quoted.get(..end).unwrap_or_default());
            quoted.get(end + 2..).unwrap_or_default()
        }
        None => fields.rest().strip_prefix("- ").ok_or("its request is missing")?,
    };
    let mut fields = Fields::of(rest);
    for n in 9..15 {
        let field = fields.word().ok_or(short)?;
        if n != 10 && !is_number(field) {
            return Err("a number is none");
        }
        put(record, n, field);
    }
    let rest = fields.rest();
    let rest = match rest.rfind('"') {
        Some(end) => {
            let (referrer, agent) =
                rest.get(..=end).and_then(between).ok_or("its referrer or user agent is missing")?;
            put(record, 15, referrer);
            put(record, 16, agent);
            rest.get(end + 1..).unwrap_or_default()
        }
        None => rest.strip_prefix("- -").ok_or("its referrer or user agent is missing")?,
    };
    let mut fields = Fields::of(rest.trim_start());
    for n in 17..record.table.names.len() {
        let Some(field) = fields.word() else { break };
        put(record, n, field);
    }
    if !fields.rest().is_empty() {
        return Err("it has more fields than are known");
    }
    Ok(())
}

/// Where the request's closing quote stands: a status or `-` follows, and one more field.
fn request_end(text: &str) -> Option<usize> {
    memchr::memmem::find_iter(text.as_bytes(), b"\" ").find(|&n| {
        let status = text.get(n + 2..).and_then(|t| t.split(' ').next()).unwrap_or_default();
        status == "-" || (status.len() == 3 && is_digits(status))
    })
}

/// `"referrer" "user agent"`, either of them perhaps a bare `-`.
fn between(text: &str) -> Option<(&str, &str)> {
    if let Some(agent) = text.strip_prefix("- \"") {
        return Some(("-", agent.strip_suffix('"')?));
    }
    let inner = text.strip_prefix('"')?;
    if let Some(referrer) = inner.strip_suffix("\" -\"") {
        return Some((referrer, "-"));
    }
    inner.strip_suffix('"')?.split_once("\" \"")
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("requestdatetime").and_then(|t| crate::time::millis(&t));
    e.set_source_ip(record.text("remoteip"));
    if let Some(Cow::Borrowed(arn)) = record.text("accesspointarn") {
        e.region = place_of_arn(arn).0.map(Cow::Borrowed);
    }
    let target = match (record.text("bucket_name"), record.text("key")) {
        (Some(bucket), Some(key)) => Some(Cow::Owned(format!("{bucket}/{key}"))),
        (bucket, _) => bucket,
    };
    e.set(Role::Target, target);
    e.outcome = record.text("httpstatus").and_then(|s| Outcome::of_status(&s));
}

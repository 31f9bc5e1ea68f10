//! Events in the Open Cybersecurity Schema Framework, as Amazon Security Lake keeps them.
//!
//! Fields: <https://schema.ocsf.io/>, <https://docs.aws.amazon.com/security-lake/latest/userguide/open-cybersecurity-schema-framework.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::json::Raw;
use crate::record::{Object, Record};
use crate::table::{Shape, Source};

/// The source.
pub static SOURCE: Source = Source {
    name: "ocsf",
    table: "ocsf_events",
    aliases: &["security_lake_events"],
    page: "https://docs.aws.amazon.com/security-lake/latest/userguide/subscriber-query-examples.html",
    columns: "activity_id int, activity_name string, category_uid int, category_name string, class_uid int, class_name string,
        type_uid bigint, type_name string, severity_id int, severity string, status_id int, status string, status_code string,
        status_detail string, message string, time bigint, time_dt string, start_time bigint, start_time_dt string, end_time bigint,
        end_time_dt string, timezone_offset int, count int, duration bigint, action string, action_id int, disposition string,
        disposition_id int, is_alert boolean, metadata string, cloud string, api string, actor string, src_endpoint string,
        dst_endpoint string, http_request string, http_response string, connection_info string, traffic string, session string,
        user string, entity string, service string, resource string, resources string, query string, query_time bigint, answers string,
        rcode string, rcode_id int, finding string, finding_info string, vulnerabilities string, compliance string,
        remediation string, evidences string, malware string, firewall_rule string, policy string, device string, process string,
        auth_protocol string, logon_type string, is_mfa boolean, tls string, observables string, enrichments string",
    roles: &[],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Json(|o: &Object<'_>| o.has_all(&["class_uid", "category_uid", "metadata"])),
    envelope,
    // `metadata.uid` is an event's in some products and a finding's, which comes again, in others.
    id: |_| None,
};

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("time").or_else(|| record.text("time_dt")).and_then(|t| crate::time::millis(&t));
    let account = [&["account", "uid"][..], &["account_uid"]];
    e.account = account.iter().find_map(|p| record.text_at("cloud", p)).filter(|a| crate::place::is_account(a));
    e.region = record.text_at("cloud", &["region"]).filter(|r| crate::place::is_region(r));
    e.set_source_ip(record.text_at("src_endpoint", &["ip"]).or_else(|| record.text_at("src_endpoint", &["svc_name"])));
    e.set(Role::UserAgent, record.text_at("http_request", &["user_agent"]));
    let operation = record.text_at("api", &["operation"]).or_else(|| record.text_at("http_request", &["http_method"]));
    e.set(Role::Event, operation.or_else(|| record.text("activity_name")).or_else(|| record.text("type_name")));
    let who = [&["user", "uid"][..], &["user", "name"], &["session", "uid"], &["invoked_by"], &["idp", "name"]];
    let actor = who.iter().find_map(|p| record.text_at("actor", p));
    e.set(Role::Actor, actor.or_else(|| record.text_at("user", &["name"])));
    let key = [&["user", "credential_uid"][..], &["session", "credential_uid"]];
    e.set(Role::AccessKey, key.iter().find_map(|p| record.text_at("actor", p)));
    e.set(Role::Issuer, record.text_at("actor", &["session", "issuer"]));
    e.set(Role::Target, target(record));
    e.set(Role::Error, record.text_at("api", &["response", "error"]));
    // action_id 2 and disposition_id 2: denied, blocked.
    let denied = [record.text("action_id"), record.text("disposition_id")].iter().any(|n| n.as_deref() == Some("2"));
    e.outcome = match record.text("status_id").as_deref() {
        _ if denied => Some(Outcome::Denied),
        Some("1") => Some(Outcome::Success),
        Some("2") => Some(Outcome::Failure),
        _ => None,
    };
}

fn target<'a>(record: &Record<'a>) -> Option<std::borrow::Cow<'a, str>> {
    let listed = record.get("resources").map(Raw::elements).unwrap_or_default();
    let first = listed.iter().find_map(|r| r.text_at(&["uid"]).or_else(|| r.text_at(&["name"])));
    let asked = || record.text_at("query", &["hostname"]);
    let url = || record.text_at("http_request", &["url", "path"]);
    let end = || ["hostname", "ip", "svc_name"].iter().find_map(|n| record.text_at("dst_endpoint", &[n]));
    first.or_else(|| record.text_at("resource", &["uid"])).or_else(asked).or_else(url).or_else(end)
}

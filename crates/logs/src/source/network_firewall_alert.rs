//! AWS Network Firewall alert logs (Suricata's EVE in AWS's envelope).
//!
//! Fields: <https://docs.aws.amazon.com/network-firewall/latest/developerguide/firewall-logging-contents.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::json::Raw;
use crate::record::{Object, Record};
use crate::table::{Shape, Source};

/// The source.
pub static SOURCE: Source = Source {
    name: "network_firewall_alert",
    table: "network_firewall_alert_logs",
    aliases: &["network_firewall_logs"],
    page: "https://docs.aws.amazon.com/athena/latest/ug/querying-network-firewall-logs-sample-alert-logs-table.html",
    columns: "firewall_name string, availability_zone string, event_timestamp string,
        event struct<timestamp:string,flow_id:bigint,event_type:string,src_ip:string,src_port:int,dest_ip:string,dest_port:int,\
            proto:string,app_proto:string,sni:string,tls_inspected:boolean,tls_error:struct<error_message:string>,\
            revocation_check:struct<leaf_cert_fpr:string,status:string,action:string>,\
            alert:struct<alert_id:string,alert_type:string,action:string,signature_id:int,rev:int,signature:string,category:string,\
                severity:int,rule_name:string,alert_name:string,alert_severity:string,alert_description:string,file_name:string,\
                file_hash:string,packet_capture:string,reference_links:array<string>,gid:int,metadata:string>,\
            src_country:string,dest_country:string,src_hostname:string,dest_hostname:string,user_agent:string,url:string,\
            verdict:struct<action:string,reject_target:string,reject:array<string>>,direction:string,pkt_src:string,tx_id:bigint,\
            icmp_type:int,icmp_code:int,aws_category:string,\
            tls:struct<sni:string,version:string,subject:string,issuerdn:string,serial:string,fingerprint:string,notbefore:string,\
                notafter:string,session_resumed:boolean,from_proto:string,ja3:string,ja3s:string,ja4:string>,\
            http:struct<hostname:string,url:string,http_user_agent:string,http_method:string,protocol:string,status:int,length:bigint,\
                http_content_type:string,http_refer:string,redirect:string,http_port:int>,\
            dns:string,flow:string,tcp:string,metadata:string,files:string,smb:string,ssh:string,smtp:string,email:string>",
    roles: &[],
    mirrors: &[("event.alert.action", Role::Event)],
    renamed: &[],
    dashes: false,
    shape: Shape::Json(|o| is(o) && !matches!(kind(o).as_deref(), Some("netflow" | "tls"))),
    envelope: |record, e| {
        let Some(event) = common(record, e) else { return };
        let action = event.text_at(&["alert", "action"]);
        e.outcome = match (event.text_at(&["verdict", "action"]).as_deref(), action.as_deref()) {
            (Some("drop" | "reject"), _) | (_, Some("blocked")) => Some(Outcome::Denied),
            (_, Some("allowed")) => Some(Outcome::Success),
            _ => None,
        };
        e.set(Role::Event, action);
        e.set(Role::Error, event.text_at(&["alert", "signature"]).filter(|_| e.outcome == Some(Outcome::Denied)));
        let agent = event.text_at(&["http", "http_user_agent"]);
        e.set(Role::UserAgent, agent.or_else(|| event.text_at(&["user_agent"])));
    },
    id: |_| None,
};

/// Whether it is a record of the firewall.
pub(crate) fn is(object: &Object<'_>) -> bool {
    object.has_all(&["firewall_name", "event_timestamp", "event"])
}

/// Its type of event.
pub(crate) fn kind<'a>(object: &Object<'a>) -> Option<std::borrow::Cow<'a, str>> {
    object.get("event")?.text_at(&["event_type"])
}

/// What the three logs have in common; answers the event.
pub(crate) fn common<'a>(record: &Record<'a>, e: &mut Envelope<'a>) -> Option<Raw<'a>> {
    let event = record.get("event")?;
    let time = event.text_at(&["timestamp"]).and_then(|t| crate::time::millis(&t));
    e.time = time.or_else(|| record.text("event_timestamp").and_then(|t| crate::time::millis(&t)));
    e.set_source_ip(event.text_at(&["src_ip"]));
    let asked = [&["tls", "sni"][..], &["sni"], &["http", "hostname"], &["dest_ip"]];
    e.set(Role::Target, asked.iter().find_map(|path| event.text_at(path)));
    // `us-east-1a` lies in `us-east-1`; a local zone's name goes on behind a `-`.
    if let Some(std::borrow::Cow::Borrowed(zone)) = record.text("availability_zone") {
        let region = zone.strip_suffix(|c: char| c.is_ascii_lowercase());
        e.region = region.filter(|r| crate::place::is_region(r)).map(Into::into);
    }
    Some(event)
}

//! AWS Network Firewall TLS logs: handshakes that TLS inspection ended, and revocation checks.
//!
//! Fields: <https://docs.aws.amazon.com/network-firewall/latest/developerguide/firewall-logging-contents.html>

use super::network_firewall_alert::{common, is, kind};
use crate::envelope::{Outcome, Role};
use crate::table::{Shape, Source};

/// The source.
pub static SOURCE: Source = Source {
    name: "network_firewall_tls",
    table: "network_firewall_tls_logs",
    aliases: &[],
    page: "https://docs.aws.amazon.com/network-firewall/latest/developerguide/firewall-logging-contents.html",
    columns: "firewall_name string, availability_zone string, event_timestamp string,
        event struct<timestamp:string,event_type:string,src_ip:string,src_port:string,dest_ip:string,dest_port:string,sni:string,\
            proto:string,app_proto:string,flow_id:bigint,tls_inspected:boolean,tls_error:struct<error_message:string>,\
            revocation_check:struct<leaf_cert_fpr:string,status:string,action:string>>",
    roles: &[],
    mirrors: &[("event.event_type", Role::Event)],
    renamed: &[],
    dashes: false,
    shape: Shape::Json(|o| is(o) && kind(o).as_deref() == Some("tls")),
    envelope: |record, e| {
        let Some(event) = common(record, e) else { return };
        e.set(Role::Event, event.text_at(&["event_type"]));
        let error = event.text_at(&["tls_error", "error_message"]);
        let check = event.text_at(&["revocation_check", "status"]);
        e.outcome = match (event.text_at(&["revocation_check", "action"]).as_deref(), &error) {
            (Some("DROP" | "REJECT"), _) => Some(Outcome::Denied),
            (_, Some(_)) => Some(Outcome::Failure),
            (Some("PASS"), None) => Some(Outcome::Success),
            _ => None,
        };
        e.set(Role::Error, error.or(check));
    },
    id: |_| None,
};

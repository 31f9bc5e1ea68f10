//! AWS Network Firewall flow logs.
//!
//! Fields: <https://docs.aws.amazon.com/network-firewall/latest/developerguide/firewall-logging-contents.html>

use super::network_firewall_alert::{common, is, kind};
use crate::envelope::Role;
use crate::table::{Shape, Source};

/// The source.
pub static SOURCE: Source = Source {
    name: "network_firewall_netflow",
    table: "network_firewall_netflow_logs",
    aliases: &["network_firewall_flow_logs"],
    page: "https://docs.aws.amazon.com/athena/latest/ug/querying-network-firewall-logs-sample-netflow-logs-table.html",
    columns: "firewall_name string, availability_zone string, event_timestamp string,
        event struct<timestamp:string,flow_id:bigint,event_type:string,src_ip:string,src_port:int,dest_ip:string,dest_port:int,\
            proto:string,app_proto:string,tls_inspected:boolean,\
            netflow:struct<pkts:int,bytes:bigint,start:string,end:string,age:int,min_ttl:int,max_ttl:int,tx_cnt:int,\
                tcp_flags:struct<syn:boolean,fin:boolean,rst:boolean,psh:boolean,ack:boolean,urg:boolean>>,\
            tcp:struct<tcp_flags:string,syn:boolean,fin:boolean,rst:boolean,psh:boolean,ack:boolean,urg:boolean,ecn:boolean,cwr:boolean>,\
            icmp_type:int,icmp_code:int,response_icmp_type:int,response_icmp_code:int,parent_id:bigint,metadata:string>",
    roles: &[],
    mirrors: &[("event.event_type", Role::Event)],
    renamed: &[],
    dashes: false,
    shape: Shape::Json(|o| is(o) && kind(o).as_deref() == Some("netflow")),
    envelope: |record, e| {
        if let Some(event) = common(record, e) {
            e.set(Role::Event, event.text_at(&["event_type"]));
        }
    },
    id: |_| None,
};

//! Route 53 Resolver query logs.
//!
//! Fields: <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::json::Raw;
use crate::record::{Object, Record};
use crate::table::{Shape, Source};

/// The source.
pub static SOURCE: Source = Source {
    name: "route53_resolver",
    table: "route53_resolver_logs",
    aliases: &["route53_resolver", "r53_rlogs", "route53_resolver_query_logs"],
    page: "https://docs.aws.amazon.com/athena/latest/ug/querying-r53-resolver-logs-creating-the-table.html",
    columns: "version string, account_id string, vpc_id string, query_timestamp string, query_name string, query_type string,
        query_class string, rcode string, answers array<struct<rdata:string,type:string,class:string>>, srcaddr string,
        srcport int, transport string,
        srcids struct<instance:string,resolver_endpoint:string,resolver_network_interface:string>,
        firewall_rule_action string, firewall_rule_group_id string, firewall_domain_list_id string,
        firewall_protection string, additional_properties string",
    roles: &[(Role::Event, "query_type"), (Role::Target, "query_name")],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Json(is),
    envelope,
    id: |_| None,
};

fn is(object: &Object<'_>) -> bool {
    object.has_all(&["query_name", "query_type", "query_timestamp", "srcaddr"])
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("query_timestamp").and_then(|t| crate::time::millis(&t));
    e.account = record.text("account_id").filter(|a| crate::place::is_account(a));
    e.region = record.rest("region").and_then(Raw::scalar).filter(|r| crate::place::is_region(r));
    e.set_source_ip(record.text("srcaddr"));
    // The instance, or the endpoint that someone outside asked through.
    let asked = record.text_at("srcids", &["instance"]);
    e.set(Role::Actor, asked.or_else(|| record.text_at("srcids", &["resolver_endpoint"])));
    let code = record.text("rcode");
    e.outcome = match (record.text("firewall_rule_action").as_deref(), code.as_deref()) {
        (Some("BLOCK"), _) => Some(Outcome::Denied),
        (_, Some("NOERROR")) => Some(Outcome::Success),
        (_, Some(_)) => Some(Outcome::Failure),
        (_, None) => None,
    };
    e.set(Role::Error, code.filter(|c| c != "NOERROR"));
}

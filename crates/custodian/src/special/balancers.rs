//! Filters of load balancers: their attributes, logs, rules, and the instances behind them.

use super::{Build, Made, all, kind, list, text, tri};
use crate::filter::{Answer, Ask};
use serde_json::Value as Json;

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    Some(match (b.resource(), b.name) {
        ("app-elb", "is-logging") => Ok(balancer_logs(b, true)),
        ("app-elb", "is-not-logging") => Ok(balancer_logs(b, false)),
        ("app-elb" | "app-elb-target-group", "attributes") => attributes(b),
        ("app-elb", "listener-rule") => rules(b),
        ("elb", "instance") => behind(b),
        _ => return None,
    })
}

/// A load balancer's or target group's attributes as a map, their values as booleans and numbers where they are ones.
fn attribute_map(told: &Json) -> Json {
    let row = |a: &Json| {
        let value = text(a, "Value");
        let typed = match value {
            "true" => true.into(),
            "false" => false.into(),
            v => v.parse::<i64>().map_or_else(|_| Json::from(v), Json::from),
        };
        (text(a, "Key").to_owned(), typed)
    };
    list(told).iter().map(row).collect::<serde_json::Map<_, _>>().into()
}

fn attributes(b: &Build<'_, '_>) -> Result<Made, String> {
    // The names of attributes hold dots, which a path must quote.
    let value = b.value()?;
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| Ok(value.matches(&attribute_map(&ask.res.called("Attributes")?), ask.scene.now).into()))
    });
    Ok(made.reading([super::own("Attributes")]))
}

fn balancer_logs(b: &Build<'_, '_>, wanted: bool) -> Made {
    let which = if b.text("log-type").as_deref() == Some("connection") { "connection_logs" } else { "access_logs" };
    let (bucket, prefix) = (b.text("bucket"), b.text("prefix"));
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let all = attribute_map(&ask.res.called("Attributes")?);
            let of = |name: &str| all.get(format!("{which}.s3.{name}"));
            let is = |name: &str, w: &Option<String>| w.as_deref().is_none_or(|w| of(name).is_some_and(|v| v == w));
            let on = of("enabled") == Some(&Json::Bool(true)) && is("bucket", &bucket) && is("prefix", &prefix);
            Ok(super::agree(wanted, on))
        })
    });
    made.reading([super::own("Attributes")])
}

/// The rules of a load balancer's listeners but the default ones.
fn rules(b: &Build<'_, '_>) -> Result<Made, String> {
    const RULE: &str = "elbv2.rule";
    let question = crate::filter::items(b.raw, b.cx)?;
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            // A rule's ARN goes on where its load balancer's ends (`listener-rule/app/name/id/…`).
            let own = ask.res.text("LoadBalancerArn").split_once("loadbalancer/").map(|(_, n)| n).unwrap_or_default();
            let mine = |r: &&&crate::world::Res<'_>| {
                let at = r.text("RuleArn").split_once("listener-rule/").map(|(_, n)| n).unwrap_or_default();
                at.strip_prefix(own).is_some_and(|rest| rest.starts_with('/'))
                    && r.json.get("IsDefault") != Some(&Json::Bool(true))
            };
            let found: Vec<Json> = all(ask, RULE)?.iter().filter(mine).map(|r| r.json.clone()).collect();
            Ok(question.answer(&found.into(), ask.scene))
        })
    });
    Ok(made.reading([kind("elbv2.listener"), kind(RULE)]))
}

/// A value question to the instances behind a Classic Load Balancer.
fn behind(b: &Build<'_, '_>) -> Result<Made, String> {
    let (value, of) = (b.value()?, b.kind("ec2")?);
    let listed = of.clone();
    let made = Made::on(&["Instances"], move |ask: &Ask<'_>| {
        tri(|| {
            let instances = all(ask, &listed)?;
            let mut hits = Vec::new();
            for i in list(ask.res.get("Instances")?) {
                let found = instances.iter().find(|r| r.text("InstanceId") == text(i, "InstanceId"));
                if let Some(r) = found.filter(|r| value.matches(&r.json, ask.scene.now)) {
                    hits.push(r.json.clone());
                }
            }
            Ok(if hits.is_empty() {
                Answer::No
            } else {
                Answer::Yes(vec![("c7n:MatchedInstances".to_owned(), hits.into())])
            })
        })
    });
    Ok(made.reading([kind(&of)]))
}

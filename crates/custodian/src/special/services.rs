//! Filters of other services: keys, load balancers, trails, repositories.

use super::{Build, Made, all, field, kind, own, tri};
use crate::filter::{Answer, Ask};
use crate::value::ValueFilter;
use serde_json::{Value as Json, json};

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    Some(match (b.resource(), b.name) {
        ("kms-key", "key-rotation-status") => question(b, "Rotation", |v| v),
        ("elb", "is-ssl") => Ok(is_ssl()),
        ("elb", "healthcheck-protocol-mismatch") => Ok(health_check()),
        ("elb", "is-logging") => Ok(classic_logs(b, true)),
        ("elb", "is-not-logging") => Ok(classic_logs(b, false)),
        ("elb", "attributes") => question(b, "LoadBalancerAttributes", |v| v),
        ("app-elb", "healthcheck-protocol-mismatch") => target_groups(b),
        ("app-elb", "target-group") => of_balancer(b, "elbv2.target_group", "LoadBalancerArns"),
        ("app-elb", "listener") => of_balancer(b, "elbv2.listener", "LoadBalancerArn"),
        ("cloudtrail", "status") => question(b, "Status", |v| v),
        ("cloudtrail", "event-selectors") => question(b, "EventSelectors", |v| v),
        ("cloudtrail", "is-shadow") => Ok(shadow(b)),
        ("lambda", "event-source") => event_sources(b),
        ("rds-subnet-group", "unused") => subnet_group_unused(b),
        ("dynamodb-table", "continuous-backup") => question(b, "ContinuousBackups", |v| v),
        _ => return None,
    })
}

/// A value question to what one call told.
fn question(b: &Build<'_, '_>, of: &'static str, shape: fn(Json) -> Json) -> Result<Made, String> {
    if !b.cx.kind.fields.contains(of) {
        return Err(format!("`{of}` of `{}` is not read", b.resource()));
    }
    let value = b.value()?;
    let made = Made::on(&[], move |ask: &Ask<'_>| match ask.res.field(of) {
        Ok(v) => value.matches(&shape(if v.is_null() { json!({}) } else { v }), ask.scene.now).into(),
        Err(gap) => Answer::Unknown(gap),
    });
    Ok(made.reading([own(of)]))
}

fn listeners<'a>(ask: &'a Ask<'_>) -> impl Iterator<Item = &'a Json> {
    let list = ask.res.json.get("ListenerDescriptions").and_then(Json::as_array);
    list.into_iter().flatten().filter_map(|d| d.get("Listener"))
}

fn is_ssl() -> Made {
    Made::on(&["ListenerDescriptions"], |ask: &Ask<'_>| {
        listeners(ask).any(|l| matches!(l.get("Protocol").and_then(Json::as_str), Some("HTTPS" | "SSL"))).into()
    })
}

/// In spite of its name: balancers without listeners, and those one of whose listeners speaks the health check's protocol.
fn health_check() -> Made {
    Made::on(&["ListenerDescriptions", "HealthCheck"], |ask: &Ask<'_>| {
        let target = ask.res.json.pointer("/HealthCheck/Target").and_then(Json::as_str).unwrap_or_default();
        let protocol = target.split(':').next().unwrap_or_default();
        let mut all = listeners(ask).peekable();
        (all.peek().is_none() || all.any(|l| l.get("InstanceProtocol").and_then(Json::as_str) == Some(protocol))).into()
    })
}

fn classic_logs(b: &Build<'_, '_>, wanted: bool) -> Made {
    let (bucket, prefix) = (b.text("bucket"), b.text("prefix"));
    let made = Made::on(&[], move |ask: &Ask<'_>| match ask.res.field("LoadBalancerAttributes") {
        Ok(v) => {
            let log = |m: &str| v.pointer(&format!("/AccessLog/{m}"));
            let is =
                |m: &str, w: &Option<String>| w.as_deref().is_none_or(|w| log(m).and_then(Json::as_str) == Some(w));
            let on = log("Enabled") == Some(&Json::Bool(true));
            let as_asked = on && is("S3BucketName", &bucket) && is("S3BucketPrefix", &prefix);
            super::agree(wanted, as_asked)
        }
        Err(gap) => Answer::Unknown(gap),
    });
    made.reading([own("LoadBalancerAttributes")])
}

fn target_groups(b: &Build<'_, '_>) -> Result<Made, String> {
    let of = b.kind("app-elb-target-group")?;
    let listed = of.clone();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let arn = ask.res.text("LoadBalancerArn");
            let mine = |g: &&crate::world::Res<'_>| {
                g.json.get("LoadBalancerArns").and_then(Json::as_array).is_some_and(|l| l.iter().any(|a| a == arn))
            };
            let groups = all(ask, &listed)?;
            Ok(groups
                .into_iter()
                .filter(|g| mine(g))
                .any(|g| g.text("Protocol") != g.text("HealthCheckProtocol"))
                .into())
        })
    });
    Ok(made.reading([kind(&of)]))
}

/// A value question to the listeners or target groups of a balancer.
fn of_balancer(b: &Build<'_, '_>, of: &'static str, member: &'static str) -> Result<Made, String> {
    if b.flag("matched") == Some(true) {
        return Err("`matched` of `listener` is not evaluated".to_owned());
    }
    let value: ValueFilter = b.value()?;
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let arn = ask.res.text("LoadBalancerArn");
            let names = |v: &Json| match v {
                Json::Array(l) => l.iter().any(|a| a == arn),
                one => one == arn,
            };
            let found = all(ask, of)?;
            let hits: Vec<Json> = found
                .iter()
                .filter(|l| l.json.get(member).is_some_and(names) && value.matches(&l.json, ask.scene.now))
                .map(|l| l.json.clone())
                .collect();
            Ok(if hits.is_empty() {
                Answer::No
            } else {
                Answer::Yes(vec![("c7n:MatchedListeners".to_owned(), hits.into())])
            })
        })
    });
    Ok(made.reading([kind(of)]))
}

/// Trails that another Region or another account keeps.
fn shadow(b: &Build<'_, '_>) -> Made {
    let wanted = b.flag("state").unwrap_or(true);
    Made::on(&["HomeRegion", "TrailARN", "IsMultiRegionTrail"], move |ask: &Ask<'_>| {
        let owner = ask.res.text("TrailARN").split(':').nth(4).unwrap_or_default() == ask.scene.place.account;
        let elsewhere = ask.res.json.get("IsMultiRegionTrail") == Some(&Json::Bool(true))
            && ask.res.text("HomeRegion") != ask.scene.place.region;
        let foreign = ask.res.json.get("IsOrganizationTrail") == Some(&Json::Bool(true)) && !owner;
        super::agree(wanted, elsewhere || foreign)
    })
}

/// A value question to the services that a function's policy lets call it; whatever key it names.
fn event_sources(b: &Build<'_, '_>) -> Result<Made, String> {
    const SOURCES: &str = "c7n:EventSources";
    let value = ValueFilter::compile_with(b.data, Some("\"c7n:EventSources\""), b.cx)?;
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let policy = ask.res.called("Policy")?;
            if policy.is_null() {
                return Ok(Answer::No);
            }
            let statements =
                super::iam::statements(&policy).ok_or_else(|| crate::world::not_told("the policy is not JSON"))?;
            let allowed = statements.iter().filter(|s| super::text(s, "Effect") == "Allow");
            let service = |s: &Json| Some(s.pointer("/Principal/Service")?.as_str()?.to_owned());
            let sources: std::collections::BTreeSet<String> = allowed.filter_map(service).collect();
            let seen = if sources.is_empty() { json!({}) } else { json!({SOURCES: sources}) };
            if !value.matches(&seen, ask.scene.now) {
                return Ok(Answer::No);
            }
            let noted = seen.get(SOURCES).map(|s| (SOURCES.to_owned(), s.clone()));
            Ok(Answer::Yes(noted.into_iter().collect()))
        })
    });
    Ok(made.reading([own("Policy")]))
}

fn subnet_group_unused(b: &Build<'_, '_>) -> Result<Made, String> {
    let of = b.kind("rds")?;
    let listed = of.clone();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let name = ask.res.text("DBSubnetGroupName");
            let used = |d: &&crate::world::Res<'_>| {
                d.json.pointer("/DBSubnetGroup/DBSubnetGroupName").and_then(Json::as_str) == Some(name)
            };
            Ok(all(ask, &listed)?.iter().find(|d| used(d)).is_none().into())
        })
    });
    Ok(made.reading([kind(&of), field(&of, "DBSubnetGroup")]))
}

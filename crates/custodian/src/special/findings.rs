//! What other services of AWS found: Security Hub, AWS Config, Access Analyzer, AWS Health, OpsCenter, Cost Optimization Hub.

use super::{Build, Made, all, asking, kind, list, text, tri};
use crate::call::Call;
use crate::filter::{Answer, Ask, Filter, Read};
use crate::value::ValueFilter;
use crate::world::not_told;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    Some(match b.name {
        "finding" => security_hub(b),
        "config-compliance" => compliance(b),
        "iam-analyzer" => analyzer(b),
        "health-event" => health(b),
        "ops-item" => ops_items(b),
        "cost-optimization" => savings(b),
        _ => return None,
    })
}

/// Any finding of AWS Security Hub on the resource that the query describes.
fn security_hub(b: &Build<'_, '_>) -> Result<Made, String> {
    if let Some(other) = b.text("region").filter(|r| !b.cx.place.is_nowhere() && *r != b.cx.place.region) {
        return Err(format!("findings that another Region ({other}) has collected are not read"));
    }
    let mut filters = b.input("query")?.and_then(|q| q.as_object().cloned()).unwrap_or_default();
    let mut ids = vec![json!({"Value": "{arn}", "Comparison": "EQUALS"})];
    if b.cx.kind.fields.contains("InstanceId") {
        ids.push(json!({"Value": "{InstanceId}", "Comparison": "EQUALS"}));
    }
    filters.insert("ResourceId".to_owned(), ids.into());
    let call = b.call("securityhub:GetFindings", &json!({"Filters": filters, "MaxResults": 100})).taking("Findings");
    Ok(asking(call, |_, told| {
        Ok(if list(&told).is_empty() { Answer::No } else { Answer::Yes(vec![("c7n:finding-filter".to_owned(), told)]) })
    }))
}

/// Evaluations of the resource by AWS Config rules.
fn compliance(b: &Build<'_, '_>) -> Result<Made, String> {
    const RULE: &str = "config.rule";
    let rules = b.texts("rules");
    let states = match b.texts("states") {
        none if none.is_empty() => vec!["NON_COMPLIANT".to_owned()],
        some => some,
    };
    let any = b.text("op").is_none_or(|op| op == "or");
    let asked = b.data.get("eval_filters").and_then(Json::as_array).cloned().unwrap_or_default();
    let asked = asked.iter().map(|f| ValueFilter::compile(f, b.cx)).collect::<Result<Vec<_>, _>>()?;
    let types = [b.cx.resource.cloudformation().to_owned()];
    let id = b.cx.resource.id().to_owned();
    let wanted = rules.clone();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let listed = all(ask, RULE)?;
            let mut by_id: BTreeMap<String, Vec<Json>> = BTreeMap::new();
            for name in &rules {
                let rule = listed.iter().find(|r| r.text("ConfigRuleName") == name);
                let rule = rule.ok_or_else(|| not_told(format!("there is no AWS Config rule `{name}`")))?;
                for e in list(&rule.called("Evaluations")?) {
                    let of = e.pointer("/EvaluationResultIdentifier/EvaluationResultQualifier").unwrap_or(&Json::Null);
                    let mut fits = asked.iter().map(|f| f.matches(e, ask.scene.now));
                    let fits = asked.is_empty() || if any { fits.any(|f| f) } else { fits.all(|f| f) };
                    let state = states.iter().any(|s| s == text(e, "ComplianceType"));
                    if state && fits && types.iter().any(|t| t == text(of, "ResourceType")) {
                        by_id.entry(text(of, "ResourceId").to_owned()).or_default().push(e.clone());
                    }
                }
            }
            let arn = ask.res.asset.arn.as_deref().unwrap_or_default();
            let own = ask.res.text(&id);
            let last = arn.splitn(6, ':').nth(5).unwrap_or_default();
            let last = last.split_once(['/', ':']).map_or(last, |(_, name)| name);
            let hit = [arn, own].into_iter().chain((arn == own).then_some(last)).find_map(|n| by_id.get(n));
            Ok(hit.map_or(Answer::No, |e| Answer::Yes(vec![("c7n:config-compliance".to_owned(), e.clone().into())])))
        })
    });
    let of_rules = Read::Some(RULE.into(), "Evaluations".into(), "ConfigRuleName".into(), wanted);
    Ok(made.reading([kind(RULE), of_rules]))
}

/// Active findings of IAM Access Analyzer on the resource.
fn analyzer(b: &Build<'_, '_>) -> Result<Made, String> {
    const ANALYZER: &str = "accessanalyzer.analyzer";
    let types = json!({"eq": [b.cx.resource.cloudformation()]});
    let with = json!({"analyzerArn": "{arn}", "filter": {"status": {"eq": ["ACTIVE"]}, "resourceType": types}});
    let call = Call::new(ANALYZER, "accessanalyzer:ListFindings", &with).taking("findings");
    let named = b.text("analyzer");
    let value = b.data.as_object().is_some_and(|o| o.len() > 1).then(|| b.value()).transpose()?;
    let asked = call.clone();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let listed = all(ask, ANALYZER)?;
            let fits = |a: &&&crate::world::Res<'_>| match &named {
                Some(arn) => a.text("arn") == arn,
                None => a.text("type") == "ACCOUNT" && a.text("status") == "ACTIVE",
            };
            let found = listed.iter().rfind(fits);
            let found = found.ok_or_else(|| not_told("the account has no active analyzer here"))?.asked(&asked)?;
            let arn = ask.res.asset.arn.as_deref().unwrap_or_default();
            let mine: Vec<Json> = list(&found).iter().filter(|f| text(f, "resource") == arn).cloned().collect();
            let hit = mine.iter().any(|f| value.as_ref().is_none_or(|v| v.matches(f, ask.scene.now)));
            Ok(if hit { Answer::Yes(vec![("c7n:AccessAnalysis".to_owned(), mine.into())]) } else { Answer::No })
        })
    });
    Ok(made.reading([kind(ANALYZER), Read::Asked(call)]))
}

/// Events of AWS Health that name the resource.
fn health(b: &Build<'_, '_>) -> Result<Made, String> {
    const EVENT: &str = "health.event";
    const SERVICES: [(&str, &str); 14] = [
        ("acm-certificate", "ACM"),
        ("app-elb", "ELASTICLOADBALANCING"),
        ("cache-cluster", "ELASTICACHE"),
        ("directconnect", "DIRECTCONNECT"),
        ("directory", "DS"),
        ("dms-instance", "DMS"),
        ("dynamodb-table", "DYNAMODB"),
        ("ebs", "EBS"),
        ("ec2", "EC2"),
        ("efs", "ELASTICFILESYSTEM"),
        ("elb", "ELASTICLOADBALANCING"),
        ("emr", "ELASTICMAPREDUCE"),
        ("rds", "RDS"),
        ("storage-gateway", "STORAGEGATEWAY"),
    ];
    let service = SERVICES.iter().find(|(r, _)| *r == b.resource()).map(|(_, s)| *s);
    let service = service.ok_or_else(|| format!("events of `{}` are not told apart", b.resource()))?;
    let statuses = match b.texts("statuses") {
        none if none.is_empty() => vec!["open".to_owned(), "upcoming".to_owned()],
        some => some,
    };
    let types = b.texts("types");
    let id = if b.resource() == "app-elb" { "LoadBalancerName" } else { b.cx.resource.id() }.to_owned();
    let read = Read::Some(EVENT.into(), "Entities".into(), "statusCode".into(), statuses.clone());
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let mut hits = Vec::new();
            for e in all(ask, EVENT)? {
                let here = [ask.scene.place.region.as_str(), "global"].contains(&e.text("region"));
                let status = statuses.iter().any(|s| s == e.text("statusCode"));
                let kind = types.is_empty() || types.iter().any(|t| t == e.text("eventTypeCode"));
                if !here || !status || !kind || e.text("service") != service {
                    continue;
                }
                if list(&e.called("Entities")?).iter().any(|n| text(n, "entityValue") == ask.res.text(&id)) {
                    hits.push(e.json.clone());
                }
            }
            Ok(if hits.is_empty() {
                Answer::No
            } else {
                Answer::Yes(vec![("c7n:HealthEvent".to_owned(), hits.into())])
            })
        })
    });
    Ok(made.reading([kind(EVENT), read]))
}

/// Work items of AWS Systems Manager OpsCenter that name the resource.
fn ops_items(b: &Build<'_, '_>) -> Result<Made, String> {
    let statuses = match b.texts("status") {
        none if none.is_empty() => json!(["Open"]),
        some => json!(some),
    };
    let mut filters = vec![json!({"Key": "Status", "Operator": "Equal", "Values": statuses})];
    if let Some(p) = b.data.get("priority").and_then(Json::as_array).filter(|p| !p.is_empty()) {
        let texts: Vec<String> = p.iter().map(Json::to_string).collect();
        filters.push(json!({"Key": "Priority", "Operator": "Equal", "Values": texts}));
    }
    for (key, name, op) in [("title", "Title", "Contains"), ("source", "Source", "Equal")] {
        if let Some(v) = b.input(key)? {
            filters.push(json!({"Key": name, "Operator": op, "Values": [v]}));
        }
    }
    let id = format!("{{{}}}", b.cx.resource.id());
    filters.push(json!({"Key": "ResourceId", "Operator": "Contains", "Values": [id]}));
    let call = b.call("ssm:DescribeOpsItems", &json!({"OpsItemFilters": filters})).taking("OpsItemSummaries");
    Ok(asking(call, |ask: &Ask<'_>, told| {
        let arn = ask.res.asset.arn.as_deref().unwrap_or_default();
        let mut hits = Vec::new();
        for item in list(&told) {
            let named = item.pointer("/OperationalData/~1aws~1resources/Value").and_then(Json::as_str).unwrap_or("[]");
            let named: Json =
                serde_json::from_str(named).map_err(|_| not_told("an OpsItem names its resources in no JSON"))?;
            if list(&named).iter().any(|r| text(r, "arn") == arn) {
                hits.push(item.get("OpsItemId").cloned().unwrap_or_default());
            }
        }
        Ok(if hits.is_empty() { Answer::No } else { Answer::Yes(vec![("c7n:opsitems".to_owned(), hits.into())]) })
    }))
}

/// Recommendations of Cost Optimization Hub about the resource.
fn savings(b: &Build<'_, '_>) -> Result<Made, String> {
    const HUB: &str = "cost-optimization-hub.recommendation";
    // The kind of resource there, and the action that is meant where none is named.
    const KINDS: [(&str, &str, Option<&str>); 5] = [
        ("asg", "Ec2AutoScalingGroup", None),
        ("ebs", "EbsVolume", Some("Upgrade")),
        ("ec2", "Ec2Instance", Some("Rightsize")),
        ("ecs-service", "EcsService", Some("Rightsize")),
        ("lambda", "LambdaFunction", Some("Rightsize")),
    ];
    let (_, of, action) = KINDS.iter().find(|(r, ..)| *r == b.resource()).ok_or("nothing is recommended of it")?;
    // Cloud Custodian takes the action from beside the filter, never from within it.
    let action = action.ok_or_else(|| format!("`{}` names no action for `{}`", b.name, b.resource()))?;
    let attrs: Vec<Filter> = crate::filter::compile(list(b.raw.get("attrs").unwrap_or(&Json::Null)), b.cx);
    let question = crate::filter::Items { path: crate::path::Path::parse("@")?, attrs, count: None };
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let arn = ask.res.asset.arn.as_deref().unwrap_or_default();
            let mine = |r: &&&crate::world::Res<'_>| {
                // Functions are named with their version.
                let named = r.text("resourceArn");
                let whole = match named.matches(':').count() {
                    7 => named.rsplit_once(':').map_or(named, |(arn, _)| arn),
                    _ => named,
                };
                whole == arn && r.text("currentResourceType") == *of && r.text("actionType") == action
            };
            let found: Vec<Json> = all(ask, HUB)?.iter().filter(mine).map(|r| r.json.clone()).collect();
            let found = Json::from(found);
            let hits = question.hits(&found, ask.scene);
            let last = hits.last().and_then(|at| list(&found).get(*at)).cloned();
            Ok(last.map_or(Answer::No, |r| Answer::Yes(vec![("c7n:cost_optimize".to_owned(), r)])))
        })
    });
    Ok(made.reading([kind(HUB)]))
}

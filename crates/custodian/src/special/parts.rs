//! Filters that ask what one more call tells of a resource, as a value or as the items of a list.

use super::{Build, Made, all, asking, kind, list, text, tri};
use crate::call::Call;
use crate::filter::{Answer, Ask, Read};
use crate::world::not_told;
use serde_json::{Value as Json, json};

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    Some(match (b.resource(), b.name) {
        ("ami", "image-attribute") => attribute(b, "ec2:DescribeImageAttribute", "ImageId"),
        ("ec2", "instance-attribute") => attribute(b, "ec2:DescribeInstanceAttribute", "InstanceId"),
        ("ec2", "user-data") => Err("user data is never kept: it may hold secrets".to_owned()),
        ("ec2", "image") => image(b),
        ("ec2", "image-age") => image_age(b),
        ("ami", "image-age") => super::asg::older(b)
            .map(|older| Made::on(&["CreationDate"], move |ask: &Ask<'_>| tri(|| older(ask, &ask.res.json)))),
        ("ebs-snapshot", "skip-ami-snapshots") => behind_images(b),
        ("efs", "lifecycle-policy") => Ok(lifecycle(b)),
        ("ec2", "singleton") => Ok(singleton(b)),
        ("ec2", "ssm") => {
            let with = json!({"Filters": [{"Key": "InstanceIds", "Values": ["{InstanceId}"]}]});
            let call = b.call("ssm:DescribeInstanceInformation", &with).taking("InstanceInformationList");
            value(b, call, |v| list(&v).first().cloned().unwrap_or_else(|| json!({})))
        }
        ("rds", "engine") => {
            let with = json!({"Engine": "{Engine}", "EngineVersion": "{EngineVersion}", "IncludeAll": true});
            let call = b.call("rds:DescribeDBEngineVersions", &with).taking("DBEngineVersions");
            value(b, call, |v| list(&v).first().cloned().unwrap_or_else(|| json!({})))
        }
        ("connect-instance", "instance-attribute") => {
            let of = b.text("attribute_type").unwrap_or_default().to_uppercase();
            let with = json!({"InstanceId": "{Id}", "AttributeType": of});
            value(b, b.call("connect:DescribeInstanceAttribute", &with), |v| v)
        }
        ("distribution", "distribution-config") => value(
            b,
            b.call("cloudfront:GetDistributionConfig", &json!({"Id": "{Id}"})).taking("DistributionConfig"),
            |v| v,
        ),
        ("cloudsearch", "domain-options") => {
            let call = b.call("cloudsearch:DescribeDomainEndpointOptions", &json!({"DomainName": "{DomainName}"}));
            value(b, call.taking("DomainEndpointOptions"), |v| v)
        }
        ("codedeploy-group", "config") => {
            let with = json!({"deploymentConfigName": "{deploymentConfigName}"});
            let made = value(b, b.call("codedeploy:GetDeploymentConfig", &with).taking("deploymentConfigInfo"), |v| v);
            made.map(|m| m.reading([super::own("deploymentConfigName")]))
        }
        ("config-rule", "status") => {
            let call =
                b.call("config:DescribeConfigRuleEvaluationStatus", &json!({"ConfigRuleNames": ["{ConfigRuleName}"]}));
            value(b, call.taking("ConfigRulesEvaluationStatus"), |v| list(&v).first().cloned().unwrap_or_default())
        }
        ("redshift", "logging") => field(b, "LoggingStatus"),
        ("wafv2", "logging") => field(b, "LoggingConfiguration"),
        ("vpc-lattice-service" | "vpc-lattice-service-network", "access-logs") => subscriptions(b),
        ("ecs-service" | "ecs-task", "task-definition") => definition(b),
        ("ecs-service" | "ecs-task", "taggable") => Ok(taggable(b)),
        ("fsx", "volume") => {
            let with = json!({"Filters": [{"Name": "file-system-id", "Values": ["{FileSystemId}"]}]});
            items(b, b.call("fsx:DescribeVolumes", &with).taking("Volumes"))
        }
        ("cleanrooms-collaboration", "members") => {
            let call = b.call("cleanrooms:ListMembers", &json!({"collaborationIdentifier": "{id}"}));
            items(b, call.taking("memberSummaries"))
        }
        ("appmesh-mesh", "router") => {
            items(b, b.call("appmesh:ListVirtualRouters", &json!({"meshName": "{meshName}"})).taking("virtualRouters"))
        }
        ("appmesh-mesh", "service") => items(
            b,
            b.call("appmesh:ListVirtualServices", &json!({"meshName": "{meshName}"})).taking("virtualServices"),
        ),
        ("appmesh-virtualgateway", "gateway-route") => {
            let with = json!({"meshName": "{meshName}", "virtualGatewayName": "{virtualGatewayName}"});
            items(b, b.call("appmesh:ListGatewayRoutes", &with).taking("gatewayRoutes"))
        }
        ("org-account", "policy") => organization_policies(b),
        ("cfn", "topic") => topics(b),
        ("cfn", "template") => template(b),
        ("route-table", "route") => routes(b),
        ("bedrock-custom-model", "deployments") => deployments(b),
        ("alarm", "is-composite-child") => composite(b),
        ("ebs" | "rds", "kms-alias") => alias(b),
        ("glue-job" | "glue-crawler", "security-config") => security_configuration(b),
        ("security-group", "stale") => stale(b),
        ("subnet", "vpc-endpoint") => endpoints(b),
        ("launch-config", "unused") => unused(b, "asg", "LaunchConfigurationName", |group| {
            // A group that names neither may have the name of its launch configuration.
            let name = group.get("LaunchConfigurationName").or_else(|| group.get("AutoScalingGroupName"));
            name.filter(|_| group.get("LaunchTemplate").is_none()).cloned().into_iter().collect()
        }),
        ("rds-param-group", "unused") => unused(b, "rds", "DBParameterGroupName", |database| {
            let groups = list(database.get("DBParameterGroups").unwrap_or(&Json::Null)).iter();
            groups.filter_map(|g| g.get("DBParameterGroupName").cloned()).collect()
        }),
        ("rds-cluster-param-group", "unused") => {
            let name = |cluster: &Json| cluster.get("DBClusterParameterGroup").cloned().into_iter().collect();
            unused(b, "rds-cluster", "DBClusterParameterGroupName", name)
        }
        _ => return None,
    })
}

/// A value question to what a call tells.
fn value(b: &Build<'_, '_>, call: Call, shape: impl Fn(Json) -> Json + 'static) -> Result<Made, String> {
    let value = b.value()?;
    Ok(asking(call, move |ask, told| Ok(value.matches(&shape(told), ask.scene.now).into())))
}

/// A question to the items that a call lists.
fn items(b: &Build<'_, '_>, call: Call) -> Result<Made, String> {
    let question = crate::filter::items(b.raw, b.cx)?;
    Ok(asking(call, move |ask, told| Ok(question.answer(&list(&told).to_vec().into(), ask.scene))))
}

/// A value question to a field that a call of its own brings.
fn field(b: &Build<'_, '_>, name: &'static str) -> Result<Made, String> {
    let value = b.value()?;
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let told = ask.res.called(name)?;
            Ok(value.matches(&if told.is_null() { json!({}) } else { told }, ask.scene.now).into())
        })
    });
    Ok(made.reading([super::own(name)]))
}

/// One attribute of an instance or image: the member of the answer besides the id.
fn attribute(b: &Build<'_, '_>, call: &str, id: &'static str) -> Result<Made, String> {
    let name = b.text("attribute").unwrap_or_default();
    if name == "userData" {
        return Err("user data is never kept: it may hold secrets".to_owned());
    }
    let call = b.call(call, &json!({"Attribute": name, id: format!("{{{id}}}")}));
    value(b, call, move |v| {
        let members = v.as_object().cloned().unwrap_or_default();
        members.into_iter().find(|(k, _)| k != id).map(|(_, v)| v).unwrap_or_default()
    })
}

fn images(b: &Build<'_, '_>) -> Call {
    let call = b.call("ec2:DescribeImages", &json!({"ImageIds": ["{ImageId}"]})).taking("Images");
    call.absent_on(&["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"])
}

fn image(b: &Build<'_, '_>) -> Result<Made, String> {
    let value = b.value()?;
    // One that is no more matches nothing.
    let test = move |ask: &Ask<'_>, told: Json| {
        Ok(list(&told).first().is_some_and(|i| value.matches(i, ask.scene.now)).into())
    };
    Ok(asking(images(b), test))
}

fn image_age(b: &Build<'_, '_>) -> Result<Made, String> {
    let older = super::asg::older(b)?;
    Ok(asking(images(b), move |ask, told| {
        // An image that is no more counts as one of the year 2000.
        let gone = json!({"CreationDate": "2000-01-01T01:01:01Z"});
        older(ask, list(&told).first().unwrap_or(&gone))
    }))
}

/// Instances outside of Auto Scaling groups that no alarm recovers.
fn singleton(b: &Build<'_, '_>) -> Made {
    let dimensions = json!([{"Name": "InstanceId", "Value": "{InstanceId}"}]);
    let with = json!({"MetricName": "StatusCheckFailed_System", "Namespace": "AWS/EC2", "Dimensions": dimensions});
    let call = b.call("cloudwatch:DescribeAlarmsForMetric", &with).taking("MetricAlarms");
    asking(call, |ask, told| {
        let state = ask.res.json.pointer("/State/Name").and_then(Json::as_str).unwrap_or_default();
        let grouped = list(ask.res.get("Tags")?).iter().any(|t| text(t, "Key") == "aws:autoscaling:groupName");
        let recovers = |a: &Json| {
            list(a.get("AlarmActions").unwrap_or(&Json::Null))
                .iter()
                .filter_map(Json::as_str)
                .any(|a| a.starts_with("arn:aws:automate:") && a.ends_with(":ec2:recover"))
        };
        let alive = ["running", "stopped", "pending", "stopping"].contains(&state);
        Ok((alive && !grouped && !list(&told).iter().any(recovers)).into())
    })
}

fn subscriptions(b: &Build<'_, '_>) -> Result<Made, String> {
    let value = b.value()?;
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let told = list(&ask.res.called("AccessLogSubscriptions")?).to_vec();
            let mut whole = ask.res.json.clone();
            if let Json::Object(o) = &mut whole {
                o.insert("AccessLogSubscriptions".to_owned(), told.into());
            }
            Ok(value.matches(&whole, ask.scene.now).into())
        })
    });
    Ok(made.reading([super::own("AccessLogSubscriptions")]))
}

fn definition(b: &Build<'_, '_>) -> Result<Made, String> {
    let key = b.text("key").unwrap_or_default();
    if key.contains("environment") || key.contains("containerDefinitions") && !key.contains('.') {
        return Err("the variables of containers are never kept: they may hold secrets".to_owned());
    }
    field(b, "TaskDefinition")
}

/// Whether the resource has the longer form of ARN, which tags need.
fn taggable(b: &Build<'_, '_>) -> Made {
    let (wanted, id) = (b.flag("state").unwrap_or(false), b.cx.resource.id().to_owned());
    Made::on(&[], move |ask: &Ask<'_>| {
        let last = ask.res.text(&id).rsplit(':').next().unwrap_or_default();
        let parts: Vec<&str> = last.split('/').collect();
        let newer = !["container-instance", "service", "task"].contains(&parts.first().copied().unwrap_or_default());
        super::agree(wanted, newer || parts.len() > 2)
    })
}

fn organization_policies(b: &Build<'_, '_>) -> Result<Made, String> {
    if b.flag("inherited") == Some(true) {
        return Err("policies that an account inherits are not looked up".to_owned());
    }
    let with = json!({"TargetId": "{Id}", "Filter": b.input("policy-type")?});
    items(b, b.call("organizations:ListPoliciesForTarget", &with).taking("Policies"))
}

/// The topics that a stack tells of its events.
fn topics(b: &Build<'_, '_>) -> Result<Made, String> {
    let question = crate::filter::items(b.raw, b.cx)?;
    let of = b.kind("sns")?;
    let listed = of.clone();
    let made = Made::on(&["NotificationARNs"], move |ask: &Ask<'_>| {
        tri(|| {
            let topics = all(ask, &listed)?;
            let named = list(ask.res.get("NotificationARNs")?).iter().filter_map(Json::as_str);
            let found: Vec<Json> = named
                .filter_map(|arn| topics.iter().find(|t| t.text("TopicArn") == arn))
                .map(|t| t.json.clone())
                .collect();
            Ok(question.answer(&found.into(), ask.scene))
        })
    });
    Ok(made.reading([kind(&of), super::field(&of, "Attributes")]))
}

fn template(b: &Build<'_, '_>) -> Result<Made, String> {
    let pattern = crate::py::compile(&b.text("pattern").unwrap_or_default())?;
    let stage = b.text("template_stage").unwrap_or_else(|| "Processed".to_owned());
    let mut with = json!({"StackName": "{StackId}", "TemplateStage": stage});
    if let (Json::Object(o), Some(set)) = (&mut with, b.input("change_set_name")?) {
        o.insert("ChangeSetName".to_owned(), set);
    }
    let call = b.call("cloudformation:GetTemplate", &with).taking("TemplateBody");
    Ok(asking(call, move |_, told| {
        let body = told.as_str().ok_or_else(|| not_told("the template was not told"))?;
        // JSON is searched as it is when written with an indent of two.
        let parsed: Option<Json> = serde_json::from_str(body).ok().filter(Json::is_object);
        let body = parsed.map_or_else(|| body.to_owned(), |j| format!("{j:#}"));
        pattern.is_match(&body).map(Answer::from).map_err(|_| not_told("the pattern took too many steps"))
    }))
}

fn routes(b: &Build<'_, '_>) -> Result<Made, String> {
    let value = b.value()?;
    Ok(Made::on(&["Routes"], move |ask: &Ask<'_>| {
        tri(|| {
            let all = list(ask.res.get("Routes")?).iter();
            let hits: Vec<Json> = all.filter(|r| value.matches(r, ask.scene.now)).cloned().collect();
            Ok(if hits.is_empty() {
                Answer::No
            } else {
                Answer::Yes(vec![("c7n:matched-routes".to_owned(), hits.into())])
            })
        })
    }))
}

fn deployments(b: &Build<'_, '_>) -> Result<Made, String> {
    let mut with = json!({"modelArnEquals": "{modelArn}"});
    if let (Json::Object(o), Some(status)) = (&mut with, b.input("status")?) {
        o.insert("statusEquals".to_owned(), status);
    }
    let wanted = b.text("value").is_some_and(|v| v == "present");
    let call = b.call("bedrock:ListCustomModelDeployments", &with).taking("modelDeploymentSummaries");
    Ok(asking(call, move |_, told| Ok(super::agree(wanted, !list(&told).is_empty()))))
}

/// Alarms that a composite alarm's rule names.
fn composite(b: &Build<'_, '_>) -> Result<Made, String> {
    let of = b.kind("composite-alarm")?;
    let wanted = b.flag("state").unwrap_or(true);
    let named = crate::py::compile(r"\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*([^\)]+)\s*\)")?;
    let listed = of.clone();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let name = ask.res.text("AlarmName");
            let names = |rule: &str| {
                let found = named.captures_iter(rule).filter_map(Result::ok);
                found.into_iter().any(|c| c.get(1).is_some_and(|n| n.as_str().trim().trim_matches('"') == name))
            };
            Ok(super::agree(wanted, all(ask, &listed)?.iter().any(|c| names(c.text("AlarmRule")))))
        })
    });
    Ok(made.reading([kind(&of)]))
}

/// A value question to the alias of the key that encrypts a resource.
fn alias(b: &Build<'_, '_>) -> Result<Made, String> {
    let (value, of) = (b.value()?, b.kind("kms")?);
    let listed = of.clone();
    let made = Made::on(&["KmsKeyId"], move |ask: &Ask<'_>| {
        tri(|| {
            let key = ask.res.get("KmsKeyId")?.as_str().unwrap_or_default();
            if key.is_empty() {
                return Ok(Answer::No);
            }
            let key = key.split_once("key/").map_or(key, |(_, id)| id);
            let listed = all(ask, &listed)?;
            let found =
                listed.iter().rev().find(|a| a.text("TargetKeyId") == key).map_or(Json::Null, |a| a.json.clone());
            Ok(value.matches(&found, ask.scene.now).into())
        })
    });
    Ok(made.reading([kind(&of)]))
}

fn security_configuration(b: &Build<'_, '_>) -> Result<Made, String> {
    let member = if b.resource() == "glue-crawler" { "CrawlerSecurityConfiguration" } else { "SecurityConfiguration" };
    if b.flag("missing") == Some(true) {
        return Ok(Made::on(&[member], move |ask: &Ask<'_>| ask.res.json.get(member).is_none().into()));
    }
    let (value, of) = (b.value()?, b.kind("glue-security-configuration")?);
    let listed = of.clone();
    let made = Made::on(&[member], move |ask: &Ask<'_>| {
        tri(|| {
            let name = ask.res.get(member)?.as_str().unwrap_or_default();
            let listed = all(ask, &listed)?;
            let found = listed.iter().find(|c| !name.is_empty() && c.text("Name") == name);
            Ok(found.is_some_and(|c| value.matches(&c.json, ask.scene.now)).into())
        })
    });
    Ok(made.reading([kind(&of)]))
}

/// Security groups with rules that name groups which are no more.
fn stale(b: &Build<'_, '_>) -> Result<Made, String> {
    let of = b.kind("vpc")?;
    let call = Call::new(&of, "ec2:DescribeStaleSecurityGroups", &json!({"VpcId": "{VpcId}"}));
    let call = call.taking("StaleSecurityGroupSet");
    let (asked, listed) = (call.clone(), of.clone());
    let made = Made::on(&["VpcId"], move |ask: &Ask<'_>| {
        tri(|| {
            let vpc = ask.res.text("VpcId");
            let listed = all(ask, &listed)?;
            let Some(vpc) = listed.iter().find(|v| !vpc.is_empty() && v.text("VpcId") == vpc) else {
                return if vpc.is_empty() { Ok(Answer::No) } else { Err(not_told("its VPC is not the account's own")) };
            };
            let told = vpc.asked(&asked)?;
            let Some(hit) = list(&told).iter().find(|s| text(s, "GroupId") == ask.res.text("GroupId")) else {
                return Ok(Answer::No);
            };
            let notes = [
                ("MatchedIpPermissions", "StaleIpPermissions"),
                ("MatchedIpPermissionsEgress", "StaleIpPermissionsEgress"),
            ];
            let noted = notes.iter().filter_map(|(note, m)| Some(((*note).to_owned(), hit.get(*m)?.clone())));
            Ok(Answer::Yes(noted.collect()))
        })
    });
    Ok(made.reading([kind(&of), Read::Asked(call)]))
}

/// A value question to the VPC endpoints in a subnet.
fn endpoints(b: &Build<'_, '_>) -> Result<Made, String> {
    let (value, of) = (b.value()?, b.kind("vpc-endpoint")?);
    let listed = of.clone();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let id = ask.res.text("SubnetId");
            let here = |e: &&&crate::world::Res<'_>| {
                list(e.json.get("SubnetIds").unwrap_or(&Json::Null)).iter().any(|s| s == id)
            };
            Ok(all(ask, &listed)?.iter().filter(here).any(|e| value.matches(&e.json, ask.scene.now)).into())
        })
    });
    Ok(made.reading([kind(&of)]))
}

/// Snapshots that no image of the account is made of; `value: false` asks for all of them.
fn behind_images(b: &Build<'_, '_>) -> Result<Made, String> {
    if b.flag("value") == Some(false) {
        return Ok(Made::on(&[], |_: &Ask<'_>| Answer::Yes(Vec::new())));
    }
    let of = b.kind("ami")?;
    let listed = of.clone();
    let made = Made::on(&["SnapshotId"], move |ask: &Ask<'_>| {
        tri(|| {
            let own = ask.res.text("SnapshotId");
            let mine = |d: &Json| d.pointer("/Ebs/SnapshotId").and_then(Json::as_str) == Some(own);
            for image in all(ask, &listed)? {
                if list(image.get("BlockDeviceMappings")?).iter().any(mine) {
                    return Ok(Answer::No);
                }
            }
            Ok(Answer::Yes(Vec::new()))
        })
    });
    Ok(made.reading([kind(&of), super::field(&of, "BlockDeviceMappings")]))
}

/// Whether a file system moves files to cheaper storage: at all, or after so many days.
fn lifecycle(b: &Build<'_, '_>) -> Made {
    let wanted = b.text("state").as_deref() == Some("present");
    let rule = b.text("value").map(|days| json!({"TransitionToIA": days}));
    let call = b.call("efs:DescribeLifecycleConfiguration", &json!({"FileSystemId": "{FileSystemId}"}));
    asking(call.taking("LifecyclePolicies"), move |_, told| {
        let rules = list(&told);
        Ok(super::agree(wanted, rule.as_ref().map_or(!rules.is_empty(), |r| rules.contains(r))))
    })
}

/// Whether none of the other resources names it.
fn unused(b: &Build<'_, '_>, other: &str, member: &'static str, named: fn(&Json) -> Vec<Json>) -> Result<Made, String> {
    let of = b.kind(other)?;
    let listed = of.clone();
    let made = Made::on(&[member], move |ask: &Ask<'_>| {
        tri(|| {
            let own = ask.res.get(member)?;
            Ok((!all(ask, &listed)?.iter().any(|r| named(&r.json).contains(own))).into())
        })
    });
    Ok(made.reading([kind(&of)]))
}

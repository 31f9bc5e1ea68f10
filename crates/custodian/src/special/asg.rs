//! Filters of Auto Scaling groups: what they launch, their tags and scaling policies.

use super::{Build, Made, all, kind, list, own, text, tri};
use crate::filter::{Answer, Ask};
use crate::py::{self, Op, Py};
use crate::value::ValueFilter;
use crate::world::not_told;
use jiff::SignedDuration;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use yagura_model::Gap;

const CONFIGURATION: &str = "autoscaling.launch_configuration";

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    if b.resource() != "asg" {
        return None;
    }
    Some(match b.name {
        "capacity-delta" => Ok(capacity()),
        "launch-config" => launched(b),
        "image" => image(b),
        "image-age" => image_age(b),
        "not-encrypted" => not_encrypted(b),
        "propagated-tags" | "progagated-tags" => Ok(propagated(b)),
        "scaling-policy" => scaling(b),
        "valid" | "invalid" => valid(b),
        "vpc-id" => vpc(b),
        "user-data" => Err("user data is never kept: it may hold secrets".to_owned()),
        _ => return None,
    })
}

fn capacity() -> Made {
    Made::on(&["Instances", "DesiredCapacity", "MinSize"], |ask: &Ask<'_>| {
        let number = |m: &str| ask.res.json.get(m).and_then(Json::as_u64).unwrap_or(0);
        let running = list(ask.res.json.get("Instances").unwrap_or(&Json::Null)).len() as u64;
        (running < number("DesiredCapacity") || running < number("MinSize")).into()
    })
}

/// What a group launches: its launch configuration, or the data of the launch template's version. `None` where that does not exist.
fn configuration(ask: &Ask<'_>) -> Result<Option<Json>, Arc<Gap>> {
    let group = &ask.res.json;
    let template = |field: &str| -> Result<Option<Json>, Arc<Gap>> {
        let versions = ask.res.called(field)?;
        Ok(list(&versions).first().and_then(|v| v.get("LaunchTemplateData")).cloned())
    };
    let name = text(group, "LaunchConfigurationName").trim();
    if name.is_empty() && group.get("LaunchTemplate").is_some() {
        return template("LaunchTemplateVersions");
    }
    if name.is_empty() && group.get("MixedInstancesPolicy").is_some() {
        return template("MixedTemplateVersions");
    }
    // A group that names neither may have the name of its launch configuration.
    let name = if name.is_empty() { text(group, "AutoScalingGroupName") } else { name };
    let listed = all(ask, CONFIGURATION)?;
    Ok(listed.iter().find(|c| c.text("LaunchConfigurationName") == name).map(|c| c.json.clone()))
}

/// The data that `configuration` hangs on.
fn launching(made: Made) -> Made {
    made.reading([kind(CONFIGURATION), own("LaunchTemplateVersions"), own("MixedTemplateVersions")])
}

fn launched(b: &Build<'_, '_>) -> Result<Made, String> {
    let value = b.value()?;
    if value.key().contains("UserData") {
        return Err("user data is never kept: it may hold secrets".to_owned());
    }
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let found =
                configuration(ask)?.ok_or_else(|| not_told("the group's launch configuration does not exist"))?;
            Ok(value.matches(&found, ask.scene.now).into())
        })
    });
    Ok(launching(made))
}

/// The image that a group launches, among the account's own.
fn image_of(ask: &Ask<'_>, images: &str) -> Result<Json, Arc<Gap>> {
    let found = configuration(ask)?.unwrap_or_default();
    let id = text(&found, "ImageId");
    if id.is_empty() {
        return Err(not_told("what the group launches names no image"));
    }
    let listed = all(ask, images)?;
    let found = listed.iter().find(|i| i.text("ImageId") == id).map(|i| i.json.clone());
    found.ok_or_else(|| not_told(format!("the image `{id}` is not one of the account's own: others are not read here")))
}

fn image(b: &Build<'_, '_>) -> Result<Made, String> {
    let (value, of) = (b.value()?, b.kind("ami")?);
    let listed = of.clone();
    let made =
        Made::on(&[], move |ask: &Ask<'_>| tri(|| Ok(value.matches(&image_of(ask, &listed)?, ask.scene.now).into())));
    Ok(launching(made).reading([kind(&of)]))
}

fn image_age(b: &Build<'_, '_>) -> Result<Made, String> {
    let older = older(b)?;
    let of = b.kind("ami")?;
    let listed = of.clone();
    let made = Made::on(&[], move |ask: &Ask<'_>| tri(|| older(ask, &image_of(ask, &listed)?)));
    Ok(launching(made).reading([kind(&of)]))
}

/// How long ago an image was made.
pub(super) fn older(b: &Build<'_, '_>) -> Result<impl Fn(&Ask<'_>, &Json) -> Result<Answer, Arc<Gap>> + use<>, String> {
    let op = Op::of(b.text("op").as_deref().unwrap_or("greater-than"), None)?;
    let days = b.data.get("days").and_then(Json::as_f64).unwrap_or(60.0);
    let span = SignedDuration::from_secs((days * 86_400.0).clamp(-1e11, 1e11) as i64);
    Ok(move |ask: &Ask<'_>, image: &Json| {
        let born = image.get("CreationDate").and_then(py::date).ok_or_else(|| not_told("the image has no date"))?;
        let limit = ask.scene.now.checked_sub(span).map_err(|_| not_told("the time span is beyond any date"))?;
        Ok(op.holds(&Py::Date(limit), &Py::Date(born)).into())
    })
}

/// Volumes that are not encrypted: the image's own, and those that the launch configuration adds to them.
fn not_encrypted(b: &Build<'_, '_>) -> Result<Made, String> {
    let (images, snapshots) = (b.kind("ami")?, b.kind("ebs-snapshot")?);
    let (i, s) = (images.clone(), snapshots.clone());
    let without_image = b.flag("exclude_image") == Some(true);
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let Some(found) = configuration(ask)? else { return Ok(Answer::No) };
            let image = image_of(ask, &i)?;
            let devices = |of: &Json| list(of.get("BlockDeviceMappings").unwrap_or(&Json::Null)).to_vec();
            let plain = |d: &Json| d.get("Ebs").is_some_and(|e| !e.get("Encrypted").is_some_and(crate::py::truthy));
            let mut hits = Vec::new();
            if !without_image && devices(&image).iter().any(plain) {
                hits.push("Image");
            }
            let named = |d: &Json| d.get("Ebs").map(|_| text(d, "DeviceName").to_owned());
            let of_image: BTreeSet<String> = devices(&image).iter().filter_map(named).collect();
            for d in devices(&found) {
                let Some(ebs) = d.get("Ebs").filter(|_| !of_image.contains(text(&d, "DeviceName"))) else { continue };
                let snapshot = text(ebs, "SnapshotId").trim();
                let open = if snapshot.is_empty() {
                    plain(&d)
                } else {
                    let listed = all(ask, &s)?;
                    let found = listed.iter().find(|s| s.text("SnapshotId") == snapshot);
                    let found =
                        found.ok_or_else(|| not_told(format!("the snapshot `{snapshot}` is not the account's own")))?;
                    !found.json.get("Encrypted").is_some_and(crate::py::truthy)
                };
                if open && !hits.contains(&"LaunchConfig") {
                    hits.push("LaunchConfig");
                }
            }
            Ok(if hits.is_empty() { Answer::No } else { Answer::Yes(vec![("Unencrypted".to_owned(), hits.into())]) })
        })
    });
    Ok(launching(made).reading([kind(&images), kind(&snapshots)]))
}

fn propagated(b: &Build<'_, '_>) -> Made {
    let keys = b.texts("keys");
    let (wanted, launch) = (b.flag("match").unwrap_or(true), b.flag("propagate").unwrap_or(true));
    Made::on(&["Tags"], move |ask: &Ask<'_>| match ask.res.get("Tags") {
        Ok(tags) => {
            let at_launch = |t: &&Json| t.get("PropagateAtLaunch") == Some(&Json::Bool(launch));
            let has: BTreeSet<&str> = list(tags).iter().filter(at_launch).map(|t| text(t, "Key")).collect();
            super::agree(wanted, keys.iter().all(|k| has.contains(k.as_str())))
        }
        Err(gap) => Answer::Unknown(gap),
    })
}

fn scaling(b: &Build<'_, '_>) -> Result<Made, String> {
    const POLICY: &str = "autoscaling.policy";
    let value = b.value()?;
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let name = ask.res.text("AutoScalingGroupName");
            let listed = all(ask, POLICY)?;
            let mine = listed.iter().filter(|p| p.text("AutoScalingGroupName") == name);
            let hits: Vec<Json> =
                mine.filter(|p| value.matches(&p.json, ask.scene.now)).map(|p| p.json.clone()).collect();
            Ok(if hits.is_empty() {
                Answer::No
            } else {
                Answer::Yes(vec![("c7n:matched-policies".to_owned(), hits.into())])
            })
        })
    });
    Ok(made.reading([kind(POLICY)]))
}

/// Whether all that a group names exists. An image or a snapshot of another account cannot be told from a missing one.
fn valid(b: &Build<'_, '_>) -> Result<Made, String> {
    const GROUP: &str = "ec2.security_group";
    const KEY: &str = "ec2.key_pair";
    let wanted = b.name == "valid";
    let kinds =
        [b.kind("subnet")?, b.kind("elb")?, b.kind("app-elb-target-group")?, b.kind("ami")?, b.kind("ebs-snapshot")?];
    let read = kinds.clone();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let [subnets, balancers, targets, images, snapshots] = &kinds;
            let ids = |of: &str, member: &str| -> Result<BTreeSet<String>, Arc<Gap>> {
                let text = |r: &crate::world::Res<'_>| r.text(member).to_owned();
                Ok(all(ask, of)?.into_iter().map(text).collect())
            };
            let group = &ask.res.json;
            let names = |v: Option<&Json>| -> Vec<String> {
                list(v.unwrap_or(&Json::Null)).iter().filter_map(|n| n.as_str()).map(|n| n.trim().to_owned()).collect()
            };
            let mut errors: Vec<Json> = Vec::new();
            let mut miss = |what: &str, named: Vec<String>, there: &BTreeSet<String>| {
                errors.extend(named.into_iter().filter(|n| !there.contains(n)).map(|n| json!([what, n])));
            };
            let found = configuration(ask)?;
            let nets: Vec<String> = text(group, "VPCZoneIdentifier")
                .split(',')
                .map(|s| s.trim().to_owned())
                .filter(|s| !s.is_empty())
                .collect();
            if nets.is_empty() && found.as_ref().is_some_and(|f| f.get("NetworkInterfaces").is_none()) {
                let of_zone = |r: &&crate::world::Res<'_>| r.json.get("DefaultForAz") == Some(&Json::Bool(true));
                let zones =
                    all(ask, subnets)?.into_iter().filter(of_zone).map(|r| r.text("AvailabilityZone").to_owned());
                miss("invalid-availability-zone", names(group.get("AvailabilityZones")), &zones.collect());
            }
            miss("invalid-subnet", nets, &ids(subnets, "SubnetId")?);
            miss("invalid-elb", names(group.get("LoadBalancerNames")), &ids(balancers, "LoadBalancerName")?);
            miss("invalid-appelb-target-group", names(group.get("TargetGroupARNs")), &ids(targets, "TargetGroupArn")?);
            let mut strange = None;
            match &found {
                None => errors.push(json!(["invalid-config", text(group, "LaunchConfigurationName")])),
                Some(c) => {
                    let groups = [names(c.get("SecurityGroups")), names(c.get("SecurityGroupIds"))].concat();
                    let mut miss = |what: &str, named: Vec<String>, there: &BTreeSet<String>| {
                        errors.extend(named.into_iter().filter(|n| !there.contains(n)).map(|n| json!([what, n])));
                    };
                    miss("invalid-security-group", groups, &ids(GROUP, "GroupId")?);
                    let key = Some(text(c, "KeyName").trim().to_owned()).filter(|k| !k.is_empty());
                    miss("invalid-key-pair", key.into_iter().collect(), &ids(KEY, "KeyName")?);
                    let image = text(c, "ImageId").to_owned();
                    if !ids(images, "ImageId")?.contains(&image) {
                        strange = Some(not_told(format!(
                            "whether the image `{image}` of another account exists is not read"
                        )));
                    }
                    let own = ids(snapshots, "SnapshotId")?;
                    for d in list(c.get("BlockDeviceMappings").unwrap_or(&Json::Null)) {
                        let id = d.pointer("/Ebs/SnapshotId").and_then(Json::as_str).unwrap_or_default().trim();
                        if !id.is_empty() && !own.contains(id) {
                            strange = Some(not_told(format!(
                                "whether the snapshot `{id}` of another account exists is not read"
                            )));
                        }
                    }
                }
            }
            Ok(match (errors.is_empty(), strange) {
                (true, Some(gap)) => Answer::Unknown(gap),
                (true, None) => wanted.into(),
                (false, _) if wanted => Answer::No,
                (false, _) => Answer::Yes(vec![("Invalid".to_owned(), errors.into())]),
            })
        })
    });
    Ok(launching(made).reading(read.iter().map(|k| kind(k))).reading([kind(GROUP), kind(KEY)]))
}

fn vpc(b: &Build<'_, '_>) -> Result<Made, String> {
    let value = ValueFilter::compile_with(b.data, Some("VpcId"), b.cx)?;
    let of = b.kind("subnet")?;
    let listed = of.clone();
    let made = Made::on(&["VPCZoneIdentifier"], move |ask: &Ask<'_>| {
        tri(|| {
            let id = ask.res.text("VPCZoneIdentifier").split(',').next().unwrap_or_default().trim();
            let listed = all(ask, &listed)?;
            let vpc = listed.iter().find(|s| s.text("SubnetId") == id).map_or(Json::Null, |s| s.text("VpcId").into());
            let noted = vec![("VpcId".to_owned(), vpc.clone())];
            let hit = value.matches(&json!({"VpcId": vpc}), ask.scene.now);
            Ok(if hit { Answer::Yes(noted) } else { Answer::No })
        })
    });
    Ok(made.reading([kind(&of)]))
}

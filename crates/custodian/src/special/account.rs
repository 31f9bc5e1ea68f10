//! Filters of `account`.

use super::{Build, Made, all, kind, own, tri};
use crate::filter::{Answer, Ask, Read, Scene, Subject};
use crate::py::truthy;
use crate::value::ValueFilter;
use crate::world::not_told;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use yagura_model::Gap;

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    if b.resource() != "account" {
        return None;
    }
    Some(match b.name {
        "iam-summary" => value_of(b, "Summary", |v| v),
        "password-policy" => value_of(b, "PasswordPolicy", |v| match v {
            Json::Object(mut p) => {
                p.insert("PasswordPolicyConfigured".to_owned(), true.into());
                p.into()
            }
            _ => json!({"PasswordPolicyConfigured": false}),
        }),
        "s3-public-block" => value_of(b, "PublicAccessBlock", |v| if v.is_null() { json!({}) } else { v }),
        "has-virtual-mfa" => virtual_mfa(b),
        "check-cloudtrail" => cloudtrail(b),
        "check-config" => config(b),
        "guard-duty" => guard_duty(b),
        "default-ebs-encryption" => ebs(b),
        "credential" => super::iam::credential(b),
        "missing" => missing(b),
        "access-analyzer" => access_analyzer(b),
        _ => return None,
    })
}

/// A value question to an object that is a field of the account.
fn value_of(b: &Build<'_, '_>, field: &'static str, shape: fn(Json) -> Json) -> Result<Made, String> {
    let value = b.value()?;
    let made = Made::on(&[], move |ask: &Ask<'_>| match ask.res.field(field) {
        Ok(v) => value.matches(&shape(v), ask.scene.now).into(),
        Err(gap) => Answer::Unknown(gap),
    });
    Ok(made.reading([own(field)]))
}

/// Whether a virtual device protects the root user.
fn virtual_mfa(b: &Build<'_, '_>) -> Result<Made, String> {
    let wanted = b.flag("value").unwrap_or(true);
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let devices = all(ask, "iam.virtual_mfa_device")?;
            let of_root = |d: &&&crate::world::Res<'_>| {
                let user = d.json.pointer("/User/Arn").and_then(Json::as_str).unwrap_or_default();
                user.rsplit(':').next() == Some("root")
            };
            Ok(super::agree(wanted, devices.iter().find(of_root).is_some()))
        })
    });
    Ok(made.reading([kind("iam.virtual_mfa_device")]))
}

/// Matches where no trail is as wanted.
fn cloudtrail(b: &Build<'_, '_>) -> Result<Made, String> {
    const TRAIL: &str = "cloudtrail.trail";
    if b.data.get("log-metric-filter-pattern").is_some() {
        return Err("`log-metric-filter-pattern` of `check-cloudtrail` is not evaluated".to_owned());
    }
    let on = |key: &str| b.flag(key).unwrap_or(false);
    let flags = [
        ("global-events", "IncludeGlobalServiceEvents"),
        ("kms", "KmsKeyId"),
        ("file-digest", "LogFileValidationEnabled"),
        ("multi-region", "IsMultiRegionTrail"),
        ("notifies", "SnsTopicARN"),
    ];
    let wanted: Vec<&str> = flags.iter().filter(|(k, _)| on(k)).map(|(_, member)| *member).collect();
    let (key, here, running, management) =
        (b.text("kms-key"), on("current-region"), b.flag("running").unwrap_or(true), on("include-management-events"));
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let mut unsure: Option<Arc<Gap>> = None;
            for trail in all(ask, TRAIL)? {
                let plain = wanted.iter().all(|m| trail.json.get(*m).is_some_and(truthy))
                    && key.as_ref().is_none_or(|k| trail.text("KmsKeyId") == k)
                    && (!here
                        || trail.text("HomeRegion") == ask.scene.place.region
                        || trail.json.get("IsMultiRegionTrail") == Some(&Json::Bool(true)));
                if !plain {
                    continue;
                }
                let runs = || -> Result<bool, Arc<Gap>> {
                    let status = trail.field("Status")?;
                    let error = status.get("LatestDeliveryError").is_some_and(truthy);
                    Ok(status.get("IsLogging") == Some(&Json::Bool(true)) && !error)
                };
                let manages = || -> Result<bool, Arc<Gap>> {
                    let selectors = trail.field("EventSelectors")?;
                    Ok(selects_management(&selectors))
                };
                let fits = (if running { runs() } else { Ok(true) }).and_then(|r| Ok(r && (!management || manages()?)));
                match fits {
                    Ok(true) => return Ok(Answer::No),
                    Ok(false) => {}
                    Err(gap) => unsure = Some(gap),
                }
            }
            Ok(unsure.map_or(Answer::Yes(Vec::new()), Answer::Unknown))
        })
    });
    let reads = [kind(TRAIL), super::field(TRAIL, "Status"), super::field(TRAIL, "EventSelectors")];
    let needed = if management {
        3
    } else if running {
        2
    } else {
        1
    };
    Ok(made.reading(reads.into_iter().take(needed)))
}

fn selects_management(selectors: &Json) -> bool {
    let list = |key: &str| selectors.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
    let basic = list("EventSelectors").iter().any(|s| {
        s.get("IncludeManagementEvents") == Some(&Json::Bool(true))
            && s.get("ReadWriteType").and_then(Json::as_str) == Some("All")
    });
    basic
        || list("AdvancedEventSelectors").iter().any(|s| {
            let fields = s.get("FieldSelectors").and_then(Json::as_array).cloned().unwrap_or_default();
            let is = |f: &Json, name: &str| f.get("Field").and_then(Json::as_str) == Some(name);
            let management = fields.iter().any(|f| {
                let equals = f.get("Equals").and_then(Json::as_array);
                is(f, "eventCategory") && equals.is_some_and(|e| e.iter().any(|v| v == "Management"))
            });
            management && !fields.iter().any(|f| is(f, "readOnly"))
        })
}

/// Matches where AWS Config does not record as wanted.
fn config(b: &Build<'_, '_>) -> Result<Made, String> {
    let (everything, global) = (b.flag("all-resources") == Some(true), b.flag("global-resources") == Some(true));
    let running = b.flag("running").unwrap_or(true);
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            if all(ask, "config.delivery_channel")?.is_empty() {
                return Ok(Answer::Yes(Vec::new()));
            }
            for r in all(ask, "config.recorder")? {
                if let Some(gap) = r.gap("recordingGroup").filter(|_| everything || global) {
                    return Err(gap);
                }
                let group = |m: &str| r.json.pointer(&format!("/recordingGroup/{m}")).is_some_and(truthy);
                if everything && !group("allSupported") || global && !group("includeGlobalResourceTypes") {
                    continue;
                }
                let last = r.text("lastStatus").to_lowercase();
                let runs = r.json.get("recording") == Some(&Json::Bool(true))
                    && ["pending", "success"].contains(&last.as_str());
                if runs || !running {
                    return Ok(Answer::No);
                }
            }
            Ok(Answer::Yes(Vec::new()))
        })
    });
    Ok(made.reading([
        kind("config.delivery_channel"),
        kind("config.recorder"),
        super::field("config.recorder", "recordingGroup"),
    ]))
}

/// Value questions to the detector and its administrator.
fn guard_duty(b: &Build<'_, '_>) -> Result<Made, String> {
    const DETECTOR: &str = "guardduty.detector";
    let mut questions: Vec<(String, ValueFilter)> = Vec::new();
    for (key, want) in b.data.as_object().into_iter().flatten() {
        if !key.starts_with("Detector") && !key.starts_with("Administrator") {
            continue;
        }
        let filter = match want {
            Json::Object(_) => ValueFilter::compile_with(want, Some(key), b.cx)?,
            other => ValueFilter::compile_with(&json!({"value": other}), Some(key), b.cx)?,
        };
        questions.push((key.clone(), filter));
    }
    let or = b.text("match-operator").as_deref() == Some("or");
    let asks_administrator = questions.iter().any(|(k, _)| k.starts_with("Administrator"));
    // A detector has members that calls of their own bring: those that are not asked for are not waited for.
    let member = |k: &String| k.split(|c: char| !c.is_ascii_alphanumeric()).nth(1).map(str::to_owned);
    let members: BTreeSet<String> = questions.iter().filter_map(|(k, _)| member(k)).collect();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let detectors = all(ask, DETECTOR)?;
            let Some(detector) = detectors.first() else { return Ok(Answer::No) };
            if asks_administrator {
                return Err(not_told("a detector's administrator is not read"));
            }
            let target = json!({"Detector": detector.json});
            if let Some(gap) = members.iter().find_map(|m| detector.unknown.get(m)) {
                return Err(gap.clone());
            }
            let matched = questions.iter().filter(|(_, q)| q.matches(&target, ask.scene.now)).count();
            Ok((if or { matched > 0 } else { matched == questions.len() }).into())
        })
    });
    Ok(made.reading([kind(DETECTOR), super::field(DETECTOR, "Status")]))
}

fn ebs(b: &Build<'_, '_>) -> Result<Made, String> {
    if b.data.get("key").is_some() {
        return Err("`key` of `default-ebs-encryption` is not evaluated".to_owned());
    }
    let wanted = b.flag("state").unwrap_or(false);
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let regions = ask.scene.world.snapshot.assets.iter().filter(|a| {
                a.kind == "region" && a.account == ask.scene.place.account && a.region == ask.scene.place.region
            });
            let Some(region) = regions.into_iter().next() else {
                return Err(not_told("the Region's settings were not read"));
            };
            match region.field("EbsEncryptionByDefault") {
                yagura_model::Field::Known(v) => Ok((v.to_json() == Json::Bool(wanted)).into()),
                yagura_model::Field::Absent => Ok((!wanted).into()),
                yagura_model::Field::Partly(_, gap) | yagura_model::Field::Unknown(gap) => Err(gap.clone()),
            }
        })
    });
    Ok(made.reading([kind("region"), super::field("region", "EbsEncryptionByDefault")]))
}

/// Matches where a policy inside finds nothing.
fn missing(b: &Build<'_, '_>) -> Result<Made, String> {
    let inner = b.data.get("policy").cloned().unwrap_or(Json::Null);
    let name = inner.get("resource").and_then(Json::as_str).unwrap_or_default();
    let resource = b.cx.facts.resource(name).ok_or_else(|| format!("`{name}` is no resource"))?;
    let known = b.cx.names.by_resource.get(resource.name).ok_or_else(|| format!("`{name}` is not read"))?;
    let cx = crate::filter::Context {
        facts: b.cx.facts,
        resource,
        kind: known,
        names: b.cx.names,
        place: b.cx.place.clone(),
        now: b.cx.now,
        file: b.cx.file,
    };
    let filters = inner.get("filters").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let filters = crate::filter::compile(filters, &cx);
    let mut needs = crate::filter::Needs::default();
    needs.add(&filters);
    let of = known.kind.clone();
    let mut reads: Vec<Read> = crate::run::reads(&needs, known).into_iter().collect();
    reads.push(Read::Kind(of.clone()));
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let gap = ask.scene.world.listing_gap(&of, ask.scene.place);
            let found: Vec<_> = ask.scene.world.of_kind(&of, ask.scene.place).collect();
            let subjects: Vec<Subject<'_>> = found.iter().map(|r| Subject { json: &r.json, res: Some(r) }).collect();
            let scene = Scene { subjects: &subjects, ..*ask.scene };
            let held = crate::run::everything(subjects.len());
            let kept = crate::filter::keep(&filters, held, &scene);
            if kept.iter().any(|h| h.why.is_none()) {
                return Ok(Answer::No);
            }
            match kept.into_iter().find_map(|h| h.why).or(gap) {
                Some(why) => Err(why),
                None => Ok(Answer::Yes(Vec::new())),
            }
        })
    });
    Ok(made.reading(reads))
}

/// Value question to the Region's analyzers: any that matches.
fn access_analyzer(b: &Build<'_, '_>) -> Result<Made, String> {
    const ANALYZER: &str = "accessanalyzer.analyzer";
    let value = b.data.get("key").is_some().then(|| b.value()).transpose()?;
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let analyzers = all(ask, ANALYZER)?;
            Ok(analyzers.iter().any(|a| value.as_ref().is_none_or(|v| v.matches(&a.json, ask.scene.now))).into())
        })
    });
    Ok(made.reading([kind(ANALYZER)]))
}

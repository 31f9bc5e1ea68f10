//! Filters of `account` that ask one setting of the account or of the Region.

use super::{Build, Made, agree, all, kind, list, setting, text, tri};
use crate::filter::{Answer, Ask, Read};
use crate::py::Op;
use crate::value::ValueFilter;
use crate::world::not_told;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    if b.resource() != "account" {
        return None;
    }
    Some(match b.name {
        "ami-block-public-access" => {
            let wanted = b.flag("value").unwrap_or(false);
            Ok(one("region", "ImageBlockPublicAccess", move |_, v| agree(wanted, v == "block-new-sharing")))
        }
        "bedrock-model-invocation-logging" => items(b, "BedrockInvocationLogging"),
        "check-macie" => macie(b),
        "ec2-metadata-defaults" => value(b, "region", "InstanceMetadataDefaults", object),
        "emr-block-public-access" => emr(b),
        "iot-logging" => value(b, "region", "IotLogging", |v| match object(v) {
            Json::Object(mut o) if !o.is_empty() => {
                o.insert("loggingConfigured".to_owned(), true.into());
                o.into()
            }
            _ => json!({"loggingConfigured": false}),
        }),
        "lakeformation-s3-cross-account" => Ok(lake()),
        "organization" => value(b, "account", "Organization", object),
        "payment-cryptography-replication-regions" => Ok(replication(b)),
        "securityhub" => {
            let wanted = b.flag("enabled").unwrap_or(true);
            Ok(one("region", "SecurityHub", move |_, v| agree(wanted, !v.is_null())))
        }
        "service-limit" => limits(b),
        "ses-agg-send-stats" => Ok(one("region", "SesSendStatistics", |_, v| sent_in_all(&v))),
        "ses-send-stats" => Ok(sent_by_day(b)),
        "shield-enabled" => {
            let wanted = b.flag("state").unwrap_or(false);
            Ok(one("account", "ShieldSubscription", move |_, v| agree(wanted, crate::py::truthy(&v))))
        }
        "xray-encrypt-key" => xray(b),
        "glue-security-config" => catalog(b),
        _ => return None,
    })
}

/// A question to one setting.
fn one(of: &'static str, name: &'static str, test: impl Fn(&Ask<'_>, Json) -> Answer + 'static) -> Made {
    let made = Made::on(&[], move |ask: &Ask<'_>| tri(|| Ok(test(ask, setting(ask, of, name)?))));
    made.reading([kind(of), Read::Field(of.into(), name.into())])
}

fn object(v: Json) -> Json {
    if v.is_null() { json!({}) } else { v }
}

/// A value question to one setting.
fn value(
    b: &Build<'_, '_>,
    of: &'static str,
    name: &'static str,
    shape: impl Fn(Json) -> Json + 'static,
) -> Result<Made, String> {
    let value = b.value()?;
    Ok(one(of, name, move |ask, v| value.matches(&shape(v), ask.scene.now).into()))
}

/// A question to a setting as the one item of a list, or to an empty list where it is not set.
fn items(b: &Build<'_, '_>, name: &'static str) -> Result<Made, String> {
    let question = crate::filter::items(b.raw, b.cx)?;
    Ok(one("region", name, move |ask, v| {
        let list: Json = if v.is_null() { json!([]) } else { json!([v]) };
        question.answer(&list, ask.scene)
    }))
}

fn macie(b: &Build<'_, '_>) -> Result<Made, String> {
    let value = b.value()?;
    let administrator = b.text("key").is_some_and(|k| k.starts_with("master") || k.starts_with("administrator"));
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let session = setting(ask, "region", "MacieSession")?;
            let mut all = object(session).as_object().cloned().unwrap_or_default();
            if administrator {
                let who = object(setting(ask, "region", "MacieAdministrator")?);
                all.insert("master".to_owned(), who.clone());
                all.insert("administrator".to_owned(), who);
            }
            Ok(value.matches(&all.into(), ask.scene.now).into())
        })
    });
    let asked = ["MacieSession", "MacieAdministrator"].into_iter().take(if administrator { 2 } else { 1 });
    Ok(made.reading([kind("region")]).reading(asked.map(|f| super::field("region", f))))
}

fn emr(b: &Build<'_, '_>) -> Result<Made, String> {
    if b.text("key").is_some_and(|k| k.contains("Metadata")) {
        return Err("who set EMR's public access block, and when, is not read".to_owned());
    }
    value(b, "region", "EmrBlockPublicAccess", |v| json!({"BlockPublicAccessConfiguration": v}))
}

/// Buckets that AWS Lake Formation manages and that are not the account's.
fn lake() -> Made {
    let made = Made::on(&[], |ask: &Ask<'_>| {
        tri(|| {
            let told = setting(ask, "region", "LakeFormationResources")?;
            let of_lake = list(&told).iter().filter_map(|r| text(r, "ResourceArn").rsplit(':').next());
            let of_lake: BTreeSet<&str> = of_lake.filter_map(|r| r.split('/').next()).collect();
            let own: BTreeSet<&str> = all(ask, "s3.bucket")?.into_iter().map(|b| b.text("Name")).collect();
            let others: Vec<&str> = of_lake.difference(&own).copied().collect();
            Ok(if others.is_empty() {
                Answer::No
            } else {
                Answer::Yes(vec![("c7n:lake-cross-account-s3".to_owned(), others.into())])
            })
        })
    });
    made.reading([kind("region"), super::field("region", "LakeFormationResources"), kind("s3.bucket")])
}

fn replication(b: &Build<'_, '_>) -> Made {
    let (wanted, regions) = (b.flag("state").unwrap_or(true), b.texts("regions"));
    let any = b.text("match").as_deref() == Some("any");
    one("region", "KeyReplicationRegions", move |_, v| {
        let on = list(&v);
        if on.is_empty() == wanted {
            return Answer::No;
        }
        let mut has = regions.iter().map(|r| on.iter().any(|o| o == r.as_str()));
        (!wanted || regions.is_empty() || if any { has.any(|h| h) } else { has.all(|h| h) }).into()
    })
}

/// Service limits that AWS Trusted Advisor flags in the Region. A result that AWS has not made yet is not asked for: that would start it.
fn limits(b: &Build<'_, '_>) -> Result<Made, String> {
    const CHECK: &str = "support.trusted_advisor_check";
    const WITHDRAWN: &str = "eW7HH0l7J9";
    let globs = |texts: Vec<String>| {
        let lower = |t: &String| Op::of("glob", Some(&json!(t.to_lowercase())));
        texts.iter().map(lower).collect::<Result<Vec<_>, _>>()
    };
    let fits = |patterns: &[Op], text: &str| {
        let text = crate::py::Py::Json(text.to_lowercase().into());
        patterns.iter().any(|p| p.holds(&text, &crate::py::Py::Json(Json::Null)))
    };
    let (names, services, which) = (globs(b.texts("names"))?, globs(b.texts("services"))?, globs(b.texts("limits"))?);
    let prefixes = globs(b.texts("services").iter().map(|s| format!("{s}*")).collect())?;
    let threshold = b.data.get("threshold").and_then(Json::as_f64);
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let region = ask.scene.place.region.as_str();
            let (mut over, mut unsure) = (Vec::new(), None);
            for check in all(ask, CHECK)? {
                let name = check.text("name");
                let meant = match (names.is_empty(), prefixes.is_empty()) {
                    (false, _) => fits(&names, name),
                    (true, false) => fits(&prefixes, &name.replace(' ', "")),
                    _ => true,
                };
                if check.text("category") != "service_limits" || check.asset.id == WITHDRAWN || !meant {
                    continue;
                }
                let result = check.called("Result")?;
                if text(&result, "status") == "not_available" {
                    unsure = Some(not_told(format!("AWS Trusted Advisor has no result of `{name}` yet")));
                    continue;
                }
                for r in list(result.get("flaggedResources").unwrap_or(&Json::Null)) {
                    let row: Vec<&str> = list(r.get("metadata").unwrap_or(&Json::Null))
                        .iter()
                        .map(|m| m.as_str().unwrap_or(""))
                        .collect();
                    let &[place, service, limit, most, now, ..] = row.as_slice() else { continue };
                    let here = place == region || place == "-" && region == "us-east-1";
                    let meant =
                        (services.is_empty() || fits(&services, service)) && (which.is_empty() || fits(&which, limit));
                    let share = now.parse::<f64>().unwrap_or(0.0) / most.parse::<f64>().unwrap_or(f64::NAN) * 100.0;
                    let counts = match threshold {
                        Some(t) => share >= t,
                        None => text(r, "status") != "ok",
                    };
                    if here && meant && counts {
                        over.push(json!({"region": place, "service": service, "check": limit, "limit": most, "extant": now,
                            "status": r.get("status"), "percentage": share, "name": name, "check_id": check.asset.id.as_str()}));
                    }
                }
            }
            Ok(match unsure {
                _ if !over.is_empty() => Answer::Yes(vec![("c7n:ServiceLimitsExceeded".to_owned(), over.into())]),
                Some(gap) => Answer::Unknown(gap),
                None => Answer::No,
            })
        })
    });
    let results = Read::Some(CHECK.into(), "Result".into(), "category".into(), vec!["service_limits".to_owned()]);
    Ok(made.reading([kind(CHECK), results]))
}

const COUNTS: [&str; 4] = ["DeliveryAttempts", "Bounces", "Complaints", "Rejects"];

fn sums<'j>(points: impl Iterator<Item = &'j Json>) -> Map<String, Json> {
    let mut sums = [0_i64; 4];
    for p in points {
        for (sum, name) in sums.iter_mut().zip(COUNTS) {
            *sum += p.get(name).and_then(Json::as_i64).unwrap_or(0);
        }
    }
    let [sent, bounced, ..] = sums;
    let rate = if sent == 0 { 0.0 } else { (bounced as f64 / sent as f64 * 100.0).round() };
    let mut out: Map<String, Json> = COUNTS.iter().zip(sums).map(|(n, s)| ((*n).to_owned(), s.into())).collect();
    out.insert("BounceRate".to_owned(), (rate as i64).into());
    out
}

/// Whatever is asked, it matches where Amazon SES has sent: the numbers are for filters after it.
fn sent_in_all(points: &Json) -> Answer {
    if list(points).is_empty() {
        return Answer::No;
    }
    Answer::Yes(vec![("c7n:ses-send-agg".to_owned(), sums(list(points).iter()).into())])
}

fn sent_by_day(b: &Build<'_, '_>) -> Made {
    let days = b.data.get("days").and_then(Json::as_i64).unwrap_or(2).clamp(1, 366);
    one("region", "SesSendStatistics", move |ask, v| {
        if list(&v).is_empty() {
            return Answer::No;
        }
        let day = |t: jiff::Timestamp| t.strftime("%Y-%m-%d").to_string();
        let back = |n: i64| ask.scene.now.checked_sub(jiff::SignedDuration::from_hours(24 * n)).ok().map(day);
        let wanted: BTreeSet<String> = (1..=days).filter_map(back).collect();
        let mut by_day: BTreeMap<String, Vec<&Json>> = BTreeMap::new();
        for p in list(&v) {
            if let Some(d) = p.get("Timestamp").and_then(crate::py::date).map(day).filter(|d| wanted.contains(d)) {
                by_day.entry(d).or_default().push(p);
            }
        }
        let rows = by_day.into_iter().map(|(date, points)| {
            let mut row = sums(points.into_iter());
            row.insert("Date".to_owned(), date.into());
            Json::from(row)
        });
        let rows: Vec<Json> = rows.collect();
        let worst = rows.iter().filter_map(|r| r.get("BounceRate")?.as_i64()).max().unwrap_or(0);
        Answer::Yes(vec![
            ("c7n:ses-send-stats".to_owned(), rows.into()),
            ("c7n:ses-max-bounce-rate".to_owned(), worst.into()),
        ])
    })
}

fn xray(b: &Build<'_, '_>) -> Result<Made, String> {
    let key = b.text("key").unwrap_or_default();
    if key.contains("alias/") {
        return Err(format!("the key behind `{key}` is not looked up"));
    }
    Ok(one("region", "XrayEncryption", move |_, v| match key.as_str() {
        "default" => (text(&v, "Type") == "NONE").into(),
        "kms" => (text(&v, "Type") == "KMS").into(),
        key => (text(&v, "KeyId").rsplit('/').next() == key.rsplit('/').next()).into(),
    }))
}

/// The encryption of the AWS Glue Data Catalog, asked key by key.
fn catalog(b: &Build<'_, '_>) -> Result<Made, String> {
    let mut questions = Vec::new();
    for (key, want) in b.data.as_object().into_iter().flatten().filter(|(k, _)| *k != "type") {
        if want.as_str().is_some_and(|w| w.starts_with("alias")) {
            return Err(format!("the key behind `{key}`'s alias is not looked up"));
        }
        questions.push(ValueFilter::compile_with(&json!({"value": want}), Some(key), b.cx)?);
    }
    Ok(one("region", "GlueCatalogEncryption", move |ask, v| {
        let part = |name: &str| v.get(name).and_then(Json::as_object).cloned().unwrap_or_default();
        let mut whole = part("EncryptionAtRest");
        whole.extend(part("ConnectionPasswordEncryption"));
        let whole = Json::from(whole);
        questions.iter().all(|q| q.matches(&whole, ask.scene.now)).into()
    }))
}

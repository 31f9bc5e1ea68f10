//! Filters of buckets.

use super::{Build, Made, agree, all, field, kind, own, tri};
use crate::filter::{Answer, Ask};
use crate::value::ValueFilter;
use crate::world::not_told;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use yagura_model::Gap;

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    if b.resource() != "s3" {
        return None;
    }
    Some(match b.name {
        "check-public-block" => Ok(public_block(b)),
        "bucket-encryption" => encryption(b),
        "bucket-logging" => logging(b),
        "global-grants" => Ok(grants(b)),
        "missing-policy-statement" | "missing-statement" => Ok(missing_statement(b)),
        "no-encryption-statement" => Ok(no_encryption_statement()),
        "is-log-target" => Ok(log_target(b)),
        "ownership" => question(b, "OwnershipControls", "Rules[0].ObjectOwnership"),
        "lock-configuration" => {
            let key = b.text("key").unwrap_or_default();
            question(b, "ObjectLock", &key)
        }
        "bucket-notification" => notification(b),
        _ => return None,
    })
}

const SWITCHES: [&str; 4] = ["BlockPublicPolicy", "BlockPublicAcls", "IgnorePublicAcls", "RestrictPublicBuckets"];

/// The four switches as named; none named: not all on. A bucket without them has all off.
fn public_block(b: &Build<'_, '_>) -> Made {
    let wanted: Vec<(&str, bool)> = SWITCHES.iter().filter_map(|s| Some((*s, b.flag(s)?))).collect();
    let made = Made::on(&[], move |ask: &Ask<'_>| match ask.res.field("PublicAccessBlock") {
        Ok(block) => {
            let on = |s: &str| block.get(s) == Some(&Json::Bool(true));
            let hit = if wanted.is_empty() {
                !SWITCHES.iter().all(|s| on(s))
            } else {
                wanted.iter().all(|(s, w)| on(s) == *w)
            };
            let shown: serde_json::Map<_, _> = SWITCHES.iter().map(|s| ((*s).to_owned(), on(s).into())).collect();
            if hit { Answer::Yes(vec![("c7n:PublicAccessBlock".to_owned(), shown.into())]) } else { Answer::No }
        }
        Err(gap) => Answer::Unknown(gap),
    });
    made.reading([own("PublicAccessBlock")])
}

fn encryption(b: &Build<'_, '_>) -> Result<Made, String> {
    if b.data.get("key").is_some() {
        return Err("`key` of `bucket-encryption` is not evaluated".to_owned());
    }
    let (state, crypto, bucket_key) = (b.flag("state").unwrap_or(true), b.text("crypto"), b.flag("bucket_key_enabled"));
    let made = Made::on(&[], move |ask: &Ask<'_>| match ask.res.field("Encryption") {
        Ok(e) => {
            let Some(rule) = e.pointer("/Rules/0") else {
                return agree(state, false);
            };
            if let Some(wanted) = bucket_key {
                return agree(wanted, rule.get("BucketKeyEnabled") == Some(&Json::Bool(true)));
            }
            let algorithm = rule.pointer("/ApplyServerSideEncryptionByDefault/SSEAlgorithm").and_then(Json::as_str);
            let fits = match &crypto {
                None => matches!(algorithm, Some("AES256" | "aws:kms")),
                Some(c) => algorithm == Some(c),
            };
            agree(state, fits)
        }
        Err(gap) => Answer::Unknown(gap),
    });
    Ok(made.reading([own("Encryption")]))
}

fn logging(b: &Build<'_, '_>) -> Result<Made, String> {
    let op = b.text("op").unwrap_or_default();
    let (bucket, prefix) = (b.text("target_bucket"), b.text("target_prefix"));
    let fixed = |t: &Option<String>| t.as_deref().is_none_or(|t| !t.contains("{account}"));
    let compares = !["enabled", "disabled"].contains(&op.as_str());
    if compares && (!fixed(&bucket) || !fixed(&prefix)) {
        return Err("`{account}` in `bucket-logging` is the account's alias, which is not read".to_owned());
    }
    let account = b.cx.place.account.to_string();
    let made = Made::on(&["Logging"], move |ask: &Ask<'_>| {
        tri(|| {
            let logging = ask.res.get("Logging")?;
            let none = logging.as_object().is_none_or(serde_json::Map::is_empty);
            match op.as_str() {
                "disabled" => return Ok(none.into()),
                "enabled" => return Ok((!none).into()),
                _ => {}
            }
            let name = ask.res.text("Name");
            let fill = |t: &str| {
                t.replace("{account_id}", &account)
                    .replace("{source_bucket_name}", name)
                    .replace("{source_bucket_region}", &ask.res.asset.region)
                    .replace("{region}", &ask.scene.place.region)
            };
            let target = bucket.as_deref().map_or_else(
                || json!({}),
                |b| {
                    let prefix = prefix.as_deref().map_or_else(|| format!("{name}/"), &fill);
                    json!({"TargetBucket": fill(b), "TargetPrefix": prefix})
                },
            );
            Ok(agree(["equal", "eq"].contains(&op.as_str()), *logging == target))
        })
    });
    Ok(made)
}

const EVERYBODY: [&str; 2] =
    ["http://acs.amazonaws.com/groups/global/AuthenticatedUsers", "http://acs.amazonaws.com/groups/global/AllUsers"];

fn grants(b: &Build<'_, '_>) -> Made {
    let website_ok = b.flag("allow_website").unwrap_or(true);
    let wanted = b.texts("permissions");
    let roots: &[&str] = if website_ok { &["Acl", "Website"] } else { &["Acl"] };
    Made::on(roots, move |ask: &Ask<'_>| {
        tri(|| {
            let acl = ask.res.get("Acl")?;
            let list = acl.get("Grants").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
            let mut hits: Vec<Json> = Vec::new();
            for g in list {
                let uri = g.pointer("/Grantee/URI").and_then(Json::as_str).unwrap_or_default();
                let permission = g.get("Permission").and_then(Json::as_str).unwrap_or_default();
                if !EVERYBODY.contains(&uri) || !(wanted.is_empty() || wanted.iter().any(|w| w == permission)) {
                    continue;
                }
                if website_ok && permission == "READ" && crate::py::truthy(ask.res.get("Website")?) {
                    continue;
                }
                hits.push(permission.into());
            }
            Ok(if hits.is_empty() {
                Answer::No
            } else {
                Answer::Yes(vec![("GlobalPermissions".to_owned(), hits.into())])
            })
        })
    })
}

fn policy_statements(ask: &Ask<'_>) -> Result<Option<Vec<Json>>, Arc<Gap>> {
    let policy = ask.res.get("Policy")?;
    if policy.is_null() {
        return Ok(None);
    }
    super::iam::statements(policy).map(Some).ok_or_else(|| not_told("the bucket's policy is not JSON"))
}

fn missing_statement(b: &Build<'_, '_>) -> Made {
    let ids = b.texts("statement_ids");
    Made::on(&["Policy"], move |ask: &Ask<'_>| {
        tri(|| {
            let Some(statements) = policy_statements(ask)? else { return Ok(Answer::Yes(Vec::new())) };
            let has = |id: &String| statements.iter().any(|s| s.get("Sid").and_then(Json::as_str) == Some(id));
            Ok((!ids.iter().all(has)).into())
        })
    })
}

/// No statement that denies uploads without encryption, in the one form that Cloud Custodian takes for it.
fn no_encryption_statement() -> Made {
    Made::on(&["Policy"], |ask: &Ask<'_>| {
        tri(|| {
            let Some(statements) = policy_statements(ask)? else { return Ok(Answer::Yes(Vec::new())) };
            let asks = json!({"StringNotEquals": {"s3:x-amz-server-side-encryption": ["AES256", "aws:kms"]}});
            let is = |s: &Json| {
                s.get("Effect").and_then(Json::as_str) == Some("Deny")
                    && s.get("Principal").and_then(Json::as_str) == Some("*")
                    && s.get("Action").and_then(Json::as_str) == Some("s3:PutObject")
                    && s.get("Condition") == Some(&asks)
                    && s.as_object().is_some_and(|o| {
                        o.keys().all(|k| {
                            ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"].contains(&k.as_str())
                        })
                    })
            };
            Ok((!statements.iter().any(is)).into())
        })
    })
}

fn log_target(b: &Build<'_, '_>) -> Made {
    let services = b.texts("services");
    let asked = move |s: &str| services.is_empty() || services.iter().any(|x| x == s);
    let (from_s3, from_elb, from_trail) = (asked("s3"), asked("elb"), asked("cloudtrail"));
    let itself = b.flag("self").unwrap_or(false);
    let wanted = b.flag("value").unwrap_or(true);
    let made = Made::on(&["Logging"], move |ask: &Ask<'_>| {
        tri(|| {
            let name = ask.res.text("Name");
            let mut unsure: Option<Arc<Gap>> = None;
            if from_s3 {
                for r in ask.scene.subjects.iter().filter_map(|s| s.res) {
                    match r.get("Logging") {
                        Ok(l) if l.get("TargetBucket").and_then(Json::as_str) == Some(name) => {
                            if !itself || r.text("Name") == name {
                                return Ok(wanted.into());
                            }
                        }
                        Ok(_) => {}
                        Err(gap) => unsure = Some(gap),
                    }
                }
                if !itself && name.starts_with("cf-templates-") {
                    return Ok(wanted.into());
                }
            }
            if from_trail && !itself && all(ask, "cloudtrail.trail")?.iter().any(|t| t.text("S3BucketName") == name) {
                return Ok(wanted.into());
            }
            if from_elb && !itself {
                for lb in all(ask, "elb.load_balancer")? {
                    let attributes = lb.field("LoadBalancerAttributes")?;
                    let log = |m: &str| attributes.pointer(&format!("/AccessLog/{m}")).cloned();
                    if log("Enabled") == Some(true.into()) && log("S3BucketName") == Some(name.into()) {
                        return Ok(wanted.into());
                    }
                }
            }
            match unsure {
                Some(gap) => Err(gap),
                None => Ok((!wanted).into()),
            }
        })
    });
    let mut reads = Vec::new();
    if from_trail && !itself {
        reads.push(kind("cloudtrail.trail"));
    }
    if from_elb && !itself {
        reads.extend([kind("elb.load_balancer"), field("elb.load_balancer", "LoadBalancerAttributes")]);
    }
    made.reading(reads)
}

/// A value question to a configuration of its own.
fn question(b: &Build<'_, '_>, of: &'static str, key: &str) -> Result<Made, String> {
    let value = ValueFilter::compile_with(b.data, Some(key), b.cx)?;
    let made = Made::on(&[], move |ask: &Ask<'_>| match ask.res.field(of) {
        Ok(v) => value.matches(&v, ask.scene.now).into(),
        Err(gap) => Answer::Unknown(gap),
    });
    Ok(made.reading([own(of)]))
}

fn notification(b: &Build<'_, '_>) -> Result<Made, String> {
    let value = b.value()?;
    let list = match b.text("kind").as_deref() {
        Some("lambda") => "LambdaFunctionConfigurations",
        Some("sns") => "TopicConfigurations",
        _ => "QueueConfigurations",
    };
    Ok(Made::on(&["Notification"], move |ask: &Ask<'_>| match ask.res.get("Notification") {
        Ok(n) => {
            let configured = n.get(list).and_then(Json::as_array).into_iter().flatten();
            configured.into_iter().any(|c| value.matches(c, ask.scene.now)).into()
        }
        Err(gap) => Answer::Unknown(gap),
    }))
}

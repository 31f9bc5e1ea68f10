//! Filters of IAM's users, groups, roles and policies. What they ask stands in `iam:GetAccountAuthorizationDetails` and in the
//! credential report, which IAM renews at most every four hours.

use super::{Build, Made, agree, all, kind, tri};
use crate::filter::{Answer, Ask};
use crate::py::truthy;
use crate::value::ValueFilter;
use crate::world::{Res, not_told};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use yagura_model::Gap;
use yagura_policy::document::decoded;

const REPORT: &str = "iam.credential_report_entry";

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    Some(match (b.resource(), b.name) {
        ("iam-policy", "used" | "unused") => Ok(policy_used(b)),
        ("iam-policy", "has-allow-all") => Ok(allow_all()),
        ("iam-user", "has-inline-policy") => Ok(list_is(b, "UserPolicyList")),
        ("iam-role", "has-inline-policy") => Ok(list_is(b, "RolePolicyList")),
        ("iam-group", "has-inline-policy") => Ok(list_is(b, "GroupPolicyList")),
        ("iam-user", "policy") => user_policy(b),
        ("iam-user", "group") => user_group(b),
        ("iam-user", "credential") => credential(b),
        ("iam-user", "access-key") => access_key(b),
        ("iam-user", "mfa-device") => mfa_device(b),
        ("iam-user", "login-profile") => Ok(login_profile()),
        ("iam-role" | "iam-group", "has-specific-managed-policy") => specific(b),
        ("iam-role", "no-specific-managed-policy") => Ok(no_specific(b)),
        ("iam-role", "used" | "unused") => role_used(b),
        ("iam-group", "has-users") => Ok(has_users(b)),
        _ => return None,
    })
}

fn list<'r>(r: &'r Res<'_>, member: &str) -> Result<&'r [Json], Arc<Gap>> {
    r.get(member).map(|l| l.as_array().map(Vec::as_slice).unwrap_or_default())
}

fn policy_used(b: &Build<'_, '_>) -> Made {
    let used = b.name == "used";
    Made::on(&["AttachmentCount", "PermissionsBoundaryUsageCount"], move |ask: &Ask<'_>| {
        tri(|| {
            let is = truthy(ask.res.get("AttachmentCount")?) || truthy(ask.res.get("PermissionsBoundaryUsageCount")?);
            Ok(agree(used, is))
        })
    })
}

/// One statement in force that allows everything on everything without a condition.
fn allow_all() -> Made {
    Made::on(&[], |ask: &Ask<'_>| {
        tri(|| {
            let versions = ask.res.field("PolicyVersionList")?;
            let current = versions.as_array().into_iter().flatten();
            let current = current.into_iter().find(|v| v.get("IsDefaultVersion") == Some(&Json::Bool(true)));
            let document =
                current.and_then(|v| v.get("Document")).ok_or_else(|| not_told("no version in force was told"))?;
            let statements = statements(document).ok_or_else(|| not_told("the policy is not JSON"))?;
            Ok(statements.iter().any(allows_all).into())
        })
    })
}

/// The statements of a policy, whether it is text (percent-encoded or not) or JSON.
pub(super) fn statements(document: &Json) -> Option<Vec<Json>> {
    let parsed = match document {
        Json::String(text) => serde_json::from_str(&decoded(text)).ok()?,
        other => other.clone(),
    };
    Some(match parsed.get("Statement")? {
        Json::Array(l) => l.clone(),
        one => vec![one.clone()],
    })
}

fn allows_all(s: &Json) -> bool {
    let star = |key: &str| match s.get(key) {
        Some(Json::String(t)) => t == "*",
        Some(Json::Array(l)) => l.iter().any(|v| v == "*"),
        _ => false,
    };
    s.get("Condition").is_none()
        && star("Action")
        && star("Resource")
        && s.get("Effect").and_then(Json::as_str) == Some("Allow")
}

fn list_is(b: &Build<'_, '_>, member: &'static str) -> Made {
    let wanted = b.flag("value").unwrap_or(true);
    Made::on(&[], move |ask: &Ask<'_>| match list(ask.res, member) {
        Ok(l) => agree(wanted, !l.is_empty()),
        Err(gap) => Answer::Unknown(gap),
    })
}

/// The policies attached to a user (and, asked so, to the user's groups) against a value question.
fn user_policy(b: &Build<'_, '_>) -> Result<Made, String> {
    let value = b.value()?;
    let via = b.flag("include-via") == Some(true);
    let key = b.text("key").unwrap_or_default();
    // What an attachment itself tells needs no look at the policy.
    let plain = ["PolicyName", "Arn"].contains(&key.as_str());
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            if ask.res.json.get("AttachedManagedPolicies").is_none() {
                return Err(not_told("the user's attached policies were not told"));
            }
            let mut attached: Vec<Json> = list(ask.res, "AttachedManagedPolicies")?.to_vec();
            if via {
                let groups: BTreeSet<&str> = list(ask.res, "GroupList")?.iter().filter_map(Json::as_str).collect();
                for g in all(ask, "iam.group")?.into_iter().filter(|g| groups.contains(g.text("GroupName"))) {
                    attached.extend(list(g, "AttachedManagedPolicies")?.iter().cloned());
                }
            }
            let mut unsure = None;
            for a in &attached {
                let arn = a.get("PolicyArn").and_then(Json::as_str).unwrap_or_default();
                let known = ["iam.policy", "iam.aws_managed_policy"]
                    .iter()
                    .find_map(|k| ask.scene.world.by_id(k, arn, ask.scene.place));
                let mut policy = match known {
                    Some(p) => p.json.as_object().cloned().unwrap_or_default(),
                    None if plain => Map::new(),
                    None => {
                        unsure = Some(not_told(format!("the policy `{arn}` was not read")));
                        continue;
                    }
                };
                // The attachment tells these itself.
                policy.insert("Arn".to_owned(), arn.into());
                policy.insert("PolicyName".to_owned(), a.get("PolicyName").cloned().unwrap_or_default());
                let policy = Json::from(policy);
                if value.matches(&policy, ask.scene.now) {
                    return Ok(Answer::Yes(Vec::new()));
                }
            }
            Ok(unsure.map_or(Answer::No, Answer::Unknown))
        })
    });
    let others = (!plain).then_some(["iam.policy", "iam.aws_managed_policy"]).into_iter().flatten().map(kind);
    Ok(made.reading(others.chain(via.then(|| kind("iam.group")))))
}

fn user_group(b: &Build<'_, '_>) -> Result<Made, String> {
    let value = b.value()?;
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let names: BTreeSet<&str> = list(ask.res, "GroupList")?.iter().filter_map(Json::as_str).collect();
            let groups = all(ask, "iam.group")?;
            let mut mine = groups.iter().filter(|g| names.contains(g.text("GroupName")));
            Ok(mine.any(|g| value.matches(&g.json, ask.scene.now)).into())
        })
    });
    Ok(made.reading([kind("iam.group")]))
}

/// The user's row of the credential report.
fn row(ask: &Ask<'_>) -> Result<Option<Map<String, Json>>, Arc<Gap>> {
    let rows = all(ask, REPORT)?;
    let wanted = match ask.res.asset.kind.as_str() {
        "account" => "<root_account>",
        _ => ask.res.text("UserName"),
    };
    Ok(rows.iter().find(|r| r.text("user") == wanted).and_then(|r| r.json.as_object().cloned()))
}

/// A row with its words as values, and its numbered columns as lists of objects.
fn record(row: Map<String, Json>) -> Json {
    let mut out: Map<String, Json> = Map::new();
    let mut objects: Vec<(&str, Map<String, Json>)> = Vec::new();
    const LISTS: [(&str, &str); 4] = [
        ("access_key_1_", "access_keys"),
        ("access_key_2_", "access_keys"),
        ("cert_1_", "certs"),
        ("cert_2_", "certs"),
    ];
    for (prefix, name) in LISTS {
        let members = row.iter().filter_map(|(k, v)| Some((k.strip_prefix(prefix)?.to_owned(), word(v))));
        objects.push((name, members.collect()));
    }
    for (k, v) in row.iter().filter(|(k, _)| !LISTS.iter().any(|(p, _)| k.starts_with(p))) {
        out.insert(k.clone(), word(v));
    }
    for (name, object) in objects {
        let has = |m: &str| object.get(m).is_some_and(truthy);
        if (has("active") || has("last_rotated"))
            && let Json::Array(list) = out.entry(name).or_insert_with(|| json!([]))
        {
            list.push(object.into());
        }
    }
    out.into()
}

fn word(v: &Json) -> Json {
    match v.as_str() {
        Some("N/A" | "no_information") => Json::Null,
        Some("true") => true.into(),
        Some("false") => false.into(),
        _ => v.clone(),
    }
}

/// A value question to the credential report; of keys and certificates, to any one.
pub(super) fn credential(b: &Build<'_, '_>) -> Result<Made, String> {
    let key = b.text("key").unwrap_or_default();
    let (list_name, inner) = match key.split_once('.') {
        Some((list, inner)) => (Some(list.to_owned()), inner.to_owned()),
        None => (None, key),
    };
    let value = ValueFilter::compile_with(b.data, Some(&inner), b.cx)?;
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let Some(row) = row(ask)? else { return Ok(Answer::No) };
            let record = record(row);
            let Some(name) = &list_name else { return Ok(value.matches(&record, ask.scene.now).into()) };
            let noted = ask.notes.iter().filter(|(k, _)| k == MATCHED).map(|(_, v)| v.clone()).next_back();
            let keys = noted.filter(|_| name == "access_keys").or_else(|| record.get(name.as_str()).cloned());
            let keys = keys.and_then(|k| k.as_array().cloned()).unwrap_or_default();
            let hits: Vec<Json> = keys.into_iter().filter(|k| value.matches(k, ask.scene.now)).collect();
            if hits.is_empty() {
                return Ok(Answer::No);
            }
            let notes = if name == "access_keys" { vec![(MATCHED.to_owned(), hits.into())] } else { Vec::new() };
            Ok(Answer::Yes(notes))
        })
    });
    Ok(made.reading([kind(REPORT)]))
}

const MATCHED: &str = "c7n:matched-keys";

/// A value question to each access key, as far as the credential report tells of it.
fn access_key(b: &Build<'_, '_>) -> Result<Made, String> {
    let value = b.value()?;
    let key = b.text("key").unwrap_or_default();
    if !["Status", "CreateDate", "UserName"].contains(&key.as_str()) {
        return Err(format!("`{key}` of an access key is not in the credential report"));
    }
    let and = b.text("match-operator").as_deref() == Some("and");
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let Some(row) = row(ask)? else { return Err(not_told("the user is newer than the credential report")) };
            let record = record(row);
            let keys = record.get("access_keys").and_then(Json::as_array).cloned().unwrap_or_default();
            let shaped: Vec<Json> = keys
                .iter()
                .map(|k| {
                    let active = k.get("active") == Some(&Json::Bool(true));
                    json!({
                        "UserName": ask.res.text("UserName"),
                        "Status": if active { "Active" } else { "Inactive" },
                        "CreateDate": k.get("last_rotated"),
                    })
                })
                .collect();
            let noted = ask.notes.iter().filter(|(k, _)| k == MATCHED).map(|(_, v)| v.clone()).next_back();
            let from = noted.filter(|_| and).and_then(|v| v.as_array().cloned()).unwrap_or(shaped);
            let hits: Vec<Json> = from.into_iter().filter(|k| value.matches(k, ask.scene.now)).collect();
            Ok(if hits.is_empty() { Answer::No } else { Answer::Yes(vec![(MATCHED.to_owned(), hits.into())]) })
        })
    });
    Ok(made.reading([kind(REPORT)]))
}

/// A value question to the list of a user's MFA devices. The report tells whether there is one; virtual ones are listed.
fn mfa_device(b: &Build<'_, '_>) -> Result<Made, String> {
    let value = ValueFilter::compile_with(b.data, Some("MFADevices"), b.cx)?;
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let user = ask.res.text("UserName");
            let of_user = |d: &&Res<'_>| d.json.pointer("/User/UserName").and_then(Json::as_str) == Some(user);
            let devices = all(ask, "iam.virtual_mfa_device")?.into_iter().filter(of_user).map(|d| d.json.clone());
            let devices: Vec<Json> = devices.collect();
            let asked = |list: Vec<Json>| value.matches(&json!({"MFADevices": list}), ask.scene.now);
            let active = row(ask)?.and_then(|r| r.get("mfa_active").map(word)).unwrap_or(Json::Null);
            if active == Json::Bool(true) && devices.is_empty() {
                // A device in hand: how many there are is not told.
                let (one, two) = (asked(vec![json!({})]), asked(vec![json!({}), json!({})]));
                if one != two {
                    return Err(not_told("hardware MFA devices are not listed"));
                }
                return Ok(one.into());
            }
            Ok(asked(devices).into())
        })
    });
    Ok(made.reading([kind("iam.virtual_mfa_device"), kind(REPORT)]))
}

fn login_profile() -> Made {
    let made = Made::on(&[], |ask: &Ask<'_>| {
        tri(|| {
            let Some(row) = row(ask)? else { return Err(not_told("the user is newer than the credential report")) };
            Ok((row.get("password_enabled").map(word) == Some(Json::Bool(true))).into())
        })
    });
    made.reading([kind(REPORT)])
}

/// A value question to the policies attached to a role; of a group, one policy by name.
fn specific(b: &Build<'_, '_>) -> Result<Made, String> {
    let key = b.text("key").unwrap_or_else(|| "PolicyName".to_owned());
    let value = ValueFilter::compile_with(b.data, Some(&key), b.cx)?;
    Ok(Made::on(&[], move |ask: &Ask<'_>| match list(ask.res, "AttachedManagedPolicies") {
        Ok(l) => l.iter().any(|p| value.matches(p, ask.scene.now)).into(),
        Err(gap) => Answer::Unknown(gap),
    }))
}

fn no_specific(b: &Build<'_, '_>) -> Made {
    let wanted = b.text("value");
    Made::on(&[], move |ask: &Ask<'_>| match list(ask.res, "AttachedManagedPolicies") {
        Ok(l) => {
            let has = |w: &str| l.iter().any(|p| p.get("PolicyName").and_then(Json::as_str) == Some(w));
            wanted.as_deref().is_some_and(|w| !has(w)).into()
        }
        Err(gap) => Answer::Unknown(gap),
    })
}

/// Roles that functions, container services, or instances and launch configurations (through their profiles) run as.
fn role_used(b: &Build<'_, '_>) -> Result<Made, String> {
    let used = if b.name == "used" { b.flag("state").unwrap_or(true) } else { false };
    let (functions, instances) = (b.kind("lambda")?, b.kind("ec2")?);
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let role = [ask.res.text("Arn"), ask.res.text("RoleName")];
            if all(ask, &functions)?.iter().any(|f| role.contains(&f.text("Role"))) {
                return Ok(used.into());
            }
            if all(ask, "ecs.service")?.iter().any(|s| role.contains(&s.text("roleArn"))) {
                return Ok(used.into());
            }
            let in_use = profiles_in_use(ask, &instances)?;
            let mine = ask.res.get("InstanceProfileList")?.as_array().cloned().unwrap_or_default();
            let names = mine.iter().filter_map(|p| p.get("InstanceProfileName").and_then(Json::as_str));
            let runs = names.into_iter().any(|n| in_use.contains(n));
            Ok(agree(used, runs))
        })
    });
    Ok(made.reading([
        kind(b.kind("lambda")?.as_str()),
        kind(b.kind("ec2")?.as_str()),
        kind("ecs.service"),
        kind("autoscaling.launch_configuration"),
    ]))
}

pub(super) fn profiles_in_use(ask: &Ask<'_>, instances: &str) -> Result<BTreeSet<String>, Arc<Gap>> {
    let mut out: BTreeSet<String> = BTreeSet::new();
    for i in all(ask, instances)? {
        if i.json.pointer("/State/Name").and_then(Json::as_str) == Some("terminated") {
            continue;
        }
        let arn = i.json.pointer("/IamInstanceProfile/Arn").and_then(Json::as_str);
        out.extend(arn.and_then(|a| a.rsplit('/').next()).map(str::to_owned));
    }
    for c in all(ask, "autoscaling.launch_configuration")? {
        out.insert(c.text("IamInstanceProfile").to_owned());
    }
    Ok(out)
}

fn has_users(b: &Build<'_, '_>) -> Made {
    let wanted = b.flag("value").unwrap_or(true);
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let name = ask.res.text("GroupName");
            let mut some = false;
            for u in all(ask, "iam.user")? {
                some |= list(u, "GroupList")?.iter().any(|g| g == name);
            }
            Ok(agree(wanted, some))
        })
    });
    made.reading([kind("iam.user")])
}

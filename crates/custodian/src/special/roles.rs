//! What resources may do through their IAM role: `check-permissions` (by Yagura's own evaluator, as IAM's policy simulator does: the
//! resource `*`, no context keys), `iam-role`, `iam-role-tag-mirror` and `has-specific-managed-policy`.

use super::{Build, Made, all, kind, list, text, tri};
use crate::filter::{Answer, Ask};
use crate::value::ValueFilter;
use crate::world::{Res, not_told};
use serde_json::{Value as Json, json};
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use yagura_model::Gap;
use yagura_policy::account::{Account, AuthorizationDetails, Held};
use yagura_policy::compile::Compiled;
use yagura_policy::evaluate::{Decision, Layers, Mode, decide_literally};
use yagura_policy::request::{Caller, Context, Request};

const ROLE: &str = "iam.role";
const KINDS: [&str; 5] = ["iam.user", "iam.group", ROLE, "iam.policy", "iam.aws_managed_policy"];

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    Some(match (b.resource(), b.name) {
        (_, "check-permissions") => permissions(b),
        ("ec2" | "lambda", "iam-role") => role(b),
        ("ec2" | "lambda", "iam-role-tag-mirror") => mirror(b),
        ("ec2" | "lambda" | "iam-profile", "has-specific-managed-policy") => managed(b),
        ("iam-profile", "used" | "unused") => profile_used(b),
        (_, "usage") => {
            Err("the last use of services is a report that AWS makes on order: it is not ordered here".to_owned())
        }
        _ => return None,
    })
}

/// The role that a resource runs as; `None` where it has none.
fn role_of<'a>(ask: &'a Ask<'_>) -> Result<Option<&'a Res<'a>>, Arc<Gap>> {
    let roles = all(ask, ROLE)?;
    let missing = |what: &str| not_told(format!("`{what}` is none of the account's roles that were read"));
    match ask.res.asset.kind.as_str() {
        "lambda.function" => {
            let arn = ask.res.text("Role");
            if arn.is_empty() {
                return Ok(None);
            }
            roles.into_iter().find(|r| r.text("Arn") == arn).map(Some).ok_or_else(|| missing(arn))
        }
        "iam.instance_profile" => {
            let name = ask.res.json.pointer("/Roles/0/RoleName").and_then(Json::as_str).unwrap_or_default();
            if name.is_empty() {
                return Ok(None);
            }
            roles.into_iter().find(|r| r.text("RoleName") == name).map(Some).ok_or_else(|| missing(name))
        }
        _ => {
            let arn = ask.res.json.pointer("/IamInstanceProfile/Arn").and_then(Json::as_str).unwrap_or_default();
            let holds = |r: &&Res<'_>| {
                list(r.json.get("InstanceProfileList").unwrap_or(&Json::Null)).iter().any(|p| text(p, "Arn") == arn)
            };
            Ok(roles.into_iter().find(|r| !arn.is_empty() && holds(r)))
        }
    }
}

/// The account's principals and policies, joined once for all resources.
fn account(ask: &Ask<'_>) -> Result<Account, Arc<Gap>> {
    let of = |kind: &str| -> Result<Vec<Json>, Arc<Gap>> {
        let whole = |r: &Res<'_>| -> Result<Json, Arc<Gap>> {
            let mut out = serde_json::Map::new();
            for (name, field) in &r.asset.fields {
                if let yagura_model::Field::Known(v) = field {
                    out.insert(name.to_string(), v.to_json());
                }
            }
            Ok(out.into())
        };
        all(ask, kind)?.into_iter().map(whole).collect()
    };
    let [users, groups, roles, own, aws] = KINDS;
    let policies: Vec<Json> = [of(own)?, of(aws)?].concat();
    let whole = json!({"UserDetailList": of(users)?, "GroupDetailList": of(groups)?, "RoleDetailList": of(roles)?, "Policies": policies});
    let details = AuthorizationDetails::parse(&whole.to_string());
    details.map(Account::new).map_err(|e| not_told(e.to_string()))
}

/// What decides for a resource: who asks, its policies, its boundary.
struct Holder {
    arn: String,
    policies: Vec<Arc<Compiled>>,
    boundary: Vec<Arc<Compiled>>,
}

fn documents<'h>(held: impl IntoIterator<Item = &'h Held>) -> Result<Vec<Arc<Compiled>>, Arc<Gap>> {
    let unread = |h: &Held| not_told(format!("the policy `{}` was not read", h.name));
    held.into_iter().map(|h| h.document.clone().ok_or_else(|| unread(h))).collect()
}

fn holder(ask: &Ask<'_>, account: &Account) -> Result<Option<Holder>, Arc<Gap>> {
    let kind = ask.res.asset.kind.as_str();
    let arn = match kind {
        "iam.user" | ROLE | "iam.group" | "iam.policy" => ask.res.text("Arn").to_owned(),
        _ => match role_of(ask)? {
            Some(r) => r.text("Arn").to_owned(),
            None => return Ok(None),
        },
    };
    let someone = format!("arn:{}:iam::{}:user/someone", ask.scene.place.partition, ask.scene.place.account);
    match kind {
        "iam.policy" => {
            let found = account.policies.iter().find(|p| p.arn == arn).and_then(|p| p.document.clone());
            let found = found.ok_or_else(|| not_told("its version in force was not read"))?;
            Ok(Some(Holder { arn: someone, policies: vec![found], boundary: Vec::new() }))
        }
        "iam.group" => {
            let group =
                account.groups.iter().find(|g| g.arn == arn).ok_or_else(|| not_told("the group was not read"))?;
            Ok(Some(Holder { arn: someone, policies: documents(&group.policies)?, boundary: Vec::new() }))
        }
        _ => {
            let who = account.identity(&arn).ok_or_else(|| not_told(format!("`{arn}` was not read")))?;
            if !who.is_whole() {
                return Err(not_told(format!("not all policies of `{arn}` were read")));
            }
            let (policies, boundary) = (documents(&who.policies)?, documents(&who.boundary)?);
            Ok(Some(Holder { arn, policies, boundary }))
        }
    }
}

fn permissions(b: &Build<'_, '_>) -> Result<Made, String> {
    const TOLD: [&str; 3] = ["EvalActionName", "EvalResourceName", "EvalDecision"];
    let actions = b.texts("actions");
    if let Some(a) = actions.iter().find(|a| !a.get(1..a.len().max(2) - 1).unwrap_or_default().contains(':')) {
        return Err(format!("`{a}` is no action: write `service:Action`"));
    }
    let wanted = match b.data.get("match") {
        Some(Json::String(s)) => {
            let values = if s == "denied" { json!(["explicitDeny", "implicitDeny"]) } else { json!(["allowed"]) };
            json!({"type": "value", "key": "EvalDecision", "op": "in", "value": values})
        }
        other => other.cloned().unwrap_or_default(),
    };
    let matcher = ValueFilter::compile(&wanted, b.cx)?;
    if matcher.roots().is_none_or(|r| r.iter().any(|m| !TOLD.contains(&m.as_str()))) {
        return Err(format!("of a simulation only {} are told", TOLD.join(", ")));
    }
    let any = b.text("match-operator").as_deref() == Some("or");
    let bounded = b.flag("boundaries").unwrap_or(true);
    let joined: OnceCell<Result<Account, Arc<Gap>>> = OnceCell::new();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let account = joined.get_or_init(|| account(ask)).as_ref().map_err(Arc::clone)?;
            let Some(who) = holder(ask, account)? else { return Ok(Answer::No) };
            let layers = Layers {
                identity: &who.policies,
                boundary: if bounded { &who.boundary } else { &[] },
                ..Layers::default()
            };
            let mut rows = Vec::new();
            for action in &actions {
                let request = Request {
                    principal: Caller::Aws(who.arn.as_str().into()),
                    action: action.as_str().into(),
                    resource: "*".into(),
                    resource_account: None,
                    context: Context::default(),
                };
                let decision = match decide_literally(&request, &layers, Mode::Strict).decision {
                    Decision::Allowed => "allowed",
                    Decision::ExplicitlyDenied => "explicitDeny",
                    Decision::ImplicitlyDenied => "implicitDeny",
                };
                rows.push(json!({"EvalActionName": action, "EvalResourceName": "*", "EvalDecision": decision}));
            }
            let hits: Vec<Json> = rows.iter().filter(|r| matcher.matches(r, ask.scene.now)).cloned().collect();
            let yes = if any { !hits.is_empty() } else { hits.len() == rows.len() };
            Ok(if yes { Answer::Yes(vec![("c7n:perm-matches".to_owned(), hits.into())]) } else { Answer::No })
        })
    });
    let roots = ["Role", "IamInstanceProfile"].into_iter().filter(|r| b.cx.kind.fields.contains(*r));
    let roots: BTreeSet<String> = roots.map(str::to_owned).collect();
    Ok(Made { roots: Some(roots), ..made }.reading(KINDS.map(kind)))
}

fn role(b: &Build<'_, '_>) -> Result<Made, String> {
    if b.flag("match-resource") == Some(true) || b.text("value_type").as_deref() == Some("resource_count") {
        return Err("`match-resource` and `resource_count` of `iam-role` are not evaluated".to_owned());
    }
    let value = b.value()?;
    let every = b.text("operator").as_deref() == Some("and");
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let Some(role) = role_of(ask)? else { return Ok(every.into()) };
            match role.gap_in(&value.roots()) {
                Some(gap) => Err(gap),
                None => Ok(value.matches(&role.json, ask.scene.now).into()),
            }
        })
    });
    Ok(made.reading([kind(ROLE)]))
}

fn managed(b: &Build<'_, '_>) -> Result<Made, String> {
    let key = b.text("key").unwrap_or_else(|| "PolicyName".to_owned());
    let value = ValueFilter::compile_with(b.data, Some(&key), b.cx)?;
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            if ask.res.json.pointer("/State/Name").is_some_and(|s| s == "terminated") {
                return Ok(Answer::No);
            }
            let Some(role) = role_of(ask)? else { return Ok(Answer::No) };
            let attached = role.get("AttachedManagedPolicies")?;
            let hits: Vec<Json> = list(attached).iter().filter(|p| value.matches(p, ask.scene.now)).cloned().collect();
            Ok(if hits.is_empty() {
                Answer::No
            } else {
                Answer::Yes(vec![("c7n:MatchedPolicies".to_owned(), hits.into())])
            })
        })
    });
    Ok(made.reading([kind(ROLE)]))
}

/// Whether a tag of the resource and of its role agree.
fn mirror(b: &Build<'_, '_>) -> Result<Made, String> {
    if b.data.get("ignore").is_some() {
        return Err("`ignore` of `iam-role-tag-mirror` is not evaluated".to_owned());
    }
    let key = b.text("key").unwrap_or_default();
    let look = crate::value::look(&key, b.cx)?;
    let missing_ok = b.flag("missing-ok") == Some(true);
    let how = b.text("match").unwrap_or_else(|| "not-equal".to_owned());
    let allowed: Vec<Json> = list(b.data.get("value").unwrap_or(&Json::Null)).to_vec();
    let roots = crate::path::Path::parse(&key)?.roots();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let Some(role) = role_of(ask)? else { return Ok(Answer::No) };
            if let Some(gap) = ask.res.gap_in(&roots).or_else(|| role.gap_in(&roots)) {
                return Err(gap);
            }
            let (own, theirs) = (look(&ask.res.json), look(&role.json));
            let lacking = !missing_ok && (own.is_null() || theirs.is_null());
            if how == "in" {
                let fits = |v: &Json| v.is_null() || allowed.contains(v);
                return Ok((!lacking && fits(&own) && fits(&theirs)).into());
            }
            let differs = crate::py::truthy(&theirs) && !own.is_null() && own != theirs;
            Ok(((lacking || differs) == (how == "not-equal")).into())
        })
    });
    let tags = crate::path::Path::parse(&b.text("key").unwrap_or_default())?.roots();
    Ok(Made { roots: tags, ..made }.reading([kind(ROLE)]))
}

fn profile_used(b: &Build<'_, '_>) -> Result<Made, String> {
    let wanted = b.name == "used";
    let instances = b.kind("ec2")?;
    let of = instances.clone();
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let used = super::iam::profiles_in_use(ask, &of)?;
            let names = [ask.res.text("InstanceProfileName"), ask.res.text("Arn")];
            Ok(super::agree(wanted, names.iter().any(|n| used.contains(*n))))
        })
    });
    Ok(made.reading([kind(&instances), kind("autoscaling.launch_configuration")]))
}

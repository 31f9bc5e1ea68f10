//! A world out of a snapshot.

use super::{Resource, World};
use crate::account::{Account, AuthorizationDetails};
use crate::compile::Compiled;
use crate::document::Policy;
use crate::evaluate::{AclGrant, AclGrantee, ObjectOwnership, PublicAccessBlock, S3Settings};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use yagura_model::{Asset, Field, Gap, GapReason, Map, Snapshot, Value};

/// The kinds of principals, and the list of authorization details that each goes into.
const PRINCIPALS: [(&str, &str); 5] = [
    ("iam.user", "UserDetailList"),
    ("iam.group", "GroupDetailList"),
    ("iam.role", "RoleDetailList"),
    ("iam.policy", "Policies"),
    ("iam.aws_managed_policy", "Policies"),
];

impl World {
    /// Principals and resource policies of a snapshot. `policies` names the kinds that have a policy of
    /// their own, with the field that holds it.
    ///
    /// # Errors
    /// Where the principals of an account are not in the form that IAM answers.
    pub fn from_snapshot(snapshot: &Snapshot, policies: &BTreeMap<SmolStr, SmolStr>) -> Result<Self, String> {
        let mut accounts = Vec::new();
        for caller in &snapshot.callers {
            let of_account = snapshot.assets.iter().filter(|a| a.account == caller.account);
            accounts.push(account(of_account, &caller.account)?);
        }
        let mut world = Self::new(accounts);
        for asset in &snapshot.assets {
            let Some(field) = policies.get(&asset.kind).filter(|_| !asset.kind.starts_with("iam.")) else { continue };
            if let Some(arn) = &asset.arn {
                world.resources.insert(arn.clone(), resource(asset, field));
            }
        }
        // A kind that nobody listed is not a kind of which there is none.
        let kinds = PRINCIPALS.iter().map(|(kind, _)| SmolStr::new_static(kind)).chain(policies.keys().cloned());
        for kind in kinds.collect::<BTreeSet<_>>() {
            if !snapshot.listings.iter().any(|l| l.kind == kind) {
                world
                    .gaps
                    .push((kind, Arc::new(Gap::new(GapReason::NotRequested, "the snapshot was made without it"))));
            }
        }
        let of_interest = |kind: &str| PRINCIPALS.iter().any(|(k, _)| *k == kind) || policies.contains_key(kind);
        let gaps = snapshot.listings.iter().filter(|l| of_interest(&l.kind));
        world.gaps.extend(gaps.filter_map(|l| Some((l.kind.clone(), l.gap.clone()?))));
        Ok(world)
    }
}

/// The principals among some assets of one account.
///
/// # Errors
/// Where they are not in the form that IAM answers.
pub fn account<'a>(assets: impl IntoIterator<Item = &'a Asset>, id: &SmolStr) -> Result<Account, String> {
    let empty = || serde_json::Value::Array(Vec::new());
    let mut details: serde_json::Map<_, _> = PRINCIPALS.iter().map(|(_, list)| ((*list).to_owned(), empty())).collect();
    for asset in assets {
        let Some((_, list)) = PRINCIPALS.iter().find(|(kind, _)| *kind == asset.kind) else { continue };
        let known = asset.fields.iter().filter_map(|(name, field)| match field {
            Field::Known(value) => Some((name.to_string(), value.to_json())),
            Field::Absent | Field::Partly(..) | Field::Unknown(_) => None,
        });
        let item = serde_json::Value::Object(known.collect());
        if let Some(items) = details.get_mut(*list).and_then(serde_json::Value::as_array_mut) {
            items.push(item);
        }
    }
    let text = serde_json::Value::Object(details).to_string();
    let details = AuthorizationDetails::parse(&text).map_err(|e| e.to_string())?;
    let mut account = Account::new(details);
    if account.id.is_empty() {
        account.id = id.clone();
    }
    Ok(account)
}

fn resource(asset: &Asset, field: &str) -> Resource {
    let mut out = Resource { kind: asset.kind.clone(), account: asset.account.clone(), ..Resource::default() };
    match asset.path(field) {
        Err(gap) => out.unread = Some(gap.detail.clone()),
        Ok(None) => {}
        Ok(Some(value)) => match compiled(&value, asset) {
            Ok(policy) => out.policy = policy,
            Err(why) => out.unread = Some(why),
        },
    }
    if asset.kind == "s3.bucket" {
        out.s3 = Some(s3(asset));
    }
    out
}

/// A policy as text, or as the map that some kinds hold.
fn compiled(value: &Value, asset: &Asset) -> Result<Option<Arc<Compiled>>, String> {
    let text = match value.as_str() {
        Some("") => return Ok(None),
        Some(text) => text.to_owned(),
        None => value.to_json().to_string(),
    };
    let name = asset.arn.as_ref().unwrap_or(&asset.id).clone();
    let first = |p: Vec<crate::document::Problem>| p.first().map(ToString::to_string).unwrap_or_default();
    Policy::parse(&text).map(|p| Some(Arc::new(Compiled::new(name, p)))).map_err(first)
}

fn s3(asset: &Asset) -> S3Settings {
    let on = |name: &str| {
        let value = asset.path(&format!("PublicAccessBlock.{name}")).ok().flatten();
        value.is_some_and(|v| matches!(*v, Value::Bool(true)))
    };
    let text = |value: &Map, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let ownership = asset.path("OwnershipControls.Rules.ObjectOwnership").ok().flatten();
    let acl = asset.path("Grants").ok().flatten();
    let grant = |value: &Value| {
        let grant = value.as_map()?;
        let grantee = grant.get("Grantee")?.as_map()?;
        let who = match text(grantee, "URI").as_deref() {
            Some(uri) if uri.ends_with("/AllUsers") => AclGrantee::AllUsers,
            Some(uri) if uri.ends_with("/AuthenticatedUsers") => AclGrantee::AuthenticatedUsers,
            _ => AclGrantee::Account(text(grantee, "ID").unwrap_or_default().into()),
        };
        Some(AclGrant { grantee: who, permission: text(grant, "Permission")?.into() })
    };
    S3Settings {
        public_access_block: PublicAccessBlock {
            block_public_acls: on("BlockPublicAcls"),
            ignore_public_acls: on("IgnorePublicAcls"),
            block_public_policy: on("BlockPublicPolicy"),
            restrict_public_buckets: on("RestrictPublicBuckets"),
        },
        acl: acl.as_deref().and_then(Value::as_list).into_iter().flatten().filter_map(grant).collect(),
        ownership: match ownership.as_deref().and_then(first_text) {
            Some("BucketOwnerPreferred") => ObjectOwnership::BucketOwnerPreferred,
            Some("ObjectWriter") => ObjectOwnership::ObjectWriter,
            _ => ObjectOwnership::BucketOwnerEnforced,
        },
    }
}

fn first_text(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.as_list()?.first()?.as_str())
}

//! `cross-account` of what is shared by a list of accounts instead of a policy: snapshots, images, documents, subscriptions, peerings.

use super::{Build, Made, asking, list, own, text, tri};
use crate::call::Call;
use crate::filter::{Answer, Ask};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    if b.name != "cross-account" {
        return None;
    }
    let attribute = |call: &str, id: &str, name: &str, take: &str| {
        b.call(call, &json!({id: format!("{{{id}}}"), "Attribute": name})).taking(take)
    };
    Some(match b.resource() {
        "ami" => told(
            b,
            attribute("ec2:DescribeImageAttribute", "ImageId", "launchPermission", "LaunchPermissions"),
            permitted,
        ),
        "ebs-snapshot" => {
            let call = "ec2:DescribeSnapshotAttribute";
            told(b, attribute(call, "SnapshotId", "createVolumePermission", "CreateVolumePermissions"), permitted)
        }
        "log-group" => {
            let call = b.call("logs:DescribeSubscriptionFilters", &json!({"logGroupName": "{logGroupName}"}));
            told(b, call.taking("subscriptionFilters"), receivers)
        }
        "peering-connection" => among(b, &["AccepterVpcInfo", "RequesterVpcInfo"], "OwnerId"),
        "rds-snapshot" | "rds-cluster-snapshot" => brought(b, "Attributes", restorers),
        "redshift-snapshot" => among(b, &["AccountsWithRestoreAccess"], "AccountId"),
        "ssm-document" => {
            brought(b, "Permission", |v| list(v).iter().filter_map(Json::as_str).map(str::to_owned).collect())
        }
        _ => return None,
    })
}

/// Who counts as one of us, and whether only what everybody has is asked for.
struct Friends {
    accounts: BTreeSet<String>,
    everyone_only: bool,
}

impl Friends {
    fn of(b: &Build<'_, '_>) -> Result<Self, String> {
        let mut accounts: BTreeSet<String> = b.texts("whitelist").into_iter().collect();
        if let Some(from) = b.data.get("whitelist_from") {
            let more = crate::from::values(from, b.cx)?;
            accounts.extend(list(&more).iter().filter_map(Json::as_str).map(str::to_owned));
        }
        accounts.insert(b.cx.place.account.to_string());
        Ok(Self { accounts, everyone_only: b.flag("everyone_only") == Some(true) })
    }

    fn answer(&self, shared: impl IntoIterator<Item = String>) -> Answer {
        let stranger = |a: &String| !self.accounts.contains(a) && (!self.everyone_only || a == "all");
        let strangers: BTreeSet<String> = shared.into_iter().filter(stranger).collect();
        if strangers.is_empty() {
            return Answer::No;
        }
        Answer::Yes(vec![("c7n:CrossAccountViolations".to_owned(), strangers.into_iter().collect())])
    }
}

/// What a call of the filter's own tells.
fn told(b: &Build<'_, '_>, call: Call, names: fn(&Json) -> Vec<String>) -> Result<Made, String> {
    let friends = Friends::of(b)?;
    Ok(asking(call, move |_, told| Ok(friends.answer(names(&told)))))
}

/// What a field of the kind brings.
fn brought(b: &Build<'_, '_>, field: &'static str, names: fn(&Json) -> Vec<String>) -> Result<Made, String> {
    if !b.cx.kind.fields.contains(field) {
        return Err(format!("`{field}` of `{}` is not read", b.resource()));
    }
    let friends = Friends::of(b)?;
    let made = Made::on(&[], move |ask: &Ask<'_>| tri(|| Ok(friends.answer(names(&ask.res.called(field)?)))));
    Ok(made.reading([own(field)]))
}

/// What members of the resource name: one thing, or a list of such.
fn among(b: &Build<'_, '_>, members: &'static [&'static str], id: &'static str) -> Result<Made, String> {
    let friends = Friends::of(b)?;
    Ok(Made::on(members, move |ask: &Ask<'_>| {
        tri(|| {
            let mut shared = Vec::new();
            for member in members {
                let named = ask.res.get(member)?;
                let one = std::slice::from_ref(named);
                let all = named.as_array().map_or(one, Vec::as_slice);
                shared.extend(all.iter().map(|v| text(v, id).to_owned()).filter(|a| !a.is_empty()));
            }
            Ok(friends.answer(shared))
        })
    }))
}

fn permitted(permissions: &Json) -> Vec<String> {
    const WHO: [&str; 4] = ["Group", "UserId", "OrganizationArn", "OrganizationalUnitArn"];
    let who = |p: &Json| WHO.iter().map(|m| text(p, m)).find(|t| !t.is_empty()).map(str::to_owned);
    list(permissions).iter().filter_map(who).collect()
}

/// The accounts that log events are sent to.
fn receivers(filters: &Json) -> Vec<String> {
    let account = |f: &Json| text(f, "destinationArn").split(':').nth(4).map(str::to_owned);
    list(filters).iter().filter_map(account).collect()
}

fn restorers(attributes: &Json) -> Vec<String> {
    let restore = list(attributes).iter().filter(|a| text(a, "AttributeName") == "restore");
    let values = restore.flat_map(|a| list(a.get("AttributeValues").unwrap_or(&Json::Null)));
    values.filter_map(Json::as_str).map(str::to_owned).collect()
}

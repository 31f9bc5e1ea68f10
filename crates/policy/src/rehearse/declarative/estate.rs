//! Which resources of a snapshot a declarative policy touches.

use super::Declarative;
use smol_str::SmolStr;
use yagura_model::{Asset, Lang, Value};

/// A resource, the setting that touches it, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Its id or ARN.
    pub resource: SmolStr,
    /// Its kind: `ec2.instance`.
    pub kind: SmolStr,
    /// Its account.
    pub account: SmolStr,
    /// Its Region.
    pub region: SmolStr,
    /// The setting.
    pub by: &'static str,
    /// What becomes of it.
    pub effect: Effect,
}

/// What becomes of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Its VPC's internet gateway is closed.
    GatewayClosed,
    /// It is public, stays so, and cannot be made public again.
    StaysPublic,
    /// It is public, and no longer reachable by others.
    NoLongerPublic,
    /// It runs; another instance like it could not be started or set up.
    NotAgain,
    /// The snapshot does not hold what decides.
    Unknown,
}

impl Effect {
    /// One sentence for a person.
    pub fn say(self, lang: Lang) -> &'static str {
        match self {
            Self::GatewayClosed => lang.pick(
                "traffic through it is blocked, unless an exclusion covers the VPC or subnet",
                "除外設定のない VPC やサブネットでは、通過するトラフィックがブロックされる",
            ),
            Self::StaysPublic => lang.pick(
                "stays public; it cannot be made public again",
                "公開されたままだが、再度公開することはできなくなる",
            ),
            Self::NoLongerPublic => {
                lang.pick("no longer reachable by other accounts as public", "公開アクセスができなくなる")
            }
            Self::NotAgain => lang.pick(
                "keeps running; one with the same options can no longer be launched",
                "稼働は続くが、同じ設定での起動はできなくなる",
            ),
            Self::Unknown => lang.pick("the snapshot does not tell", "スナップショットからは判断できない"),
        }
    }
}

/// The kinds of resources that a policy touches: what a snapshot must hold to tell.
pub fn kinds(policy: &Declarative) -> Vec<&'static str> {
    SETTINGS
        .iter()
        .filter(|(setting, values, _)| values.iter().any(|v| policy.is(setting, v)))
        .map(|(.., k)| *k)
        .collect()
}

/// Settings, their values that touch resources, and of which kind those are.
const SETTINGS: [(&str, &[&str], &str); 4] = [
    (
        "vpc_block_public_access.internet_gateway_block.mode",
        &["block_ingress", "block_bidirectional"],
        "ec2.internet_gateway",
    ),
    ("image_block_public_access.state", &["block_new_sharing"], "ec2.image"),
    ("snapshot_block_public_access.state", &["block_new_sharing", "block_all_sharing"], "ec2.snapshot"),
    ("instance_metadata_defaults.http_tokens_enforced", &["enabled"], "ec2.instance"),
];

/// Every touched resource among assets, in their order.
pub fn touched<'a>(policy: &Declarative, assets: impl IntoIterator<Item = &'a Asset>) -> Vec<Touched> {
    assets.into_iter().filter_map(|asset| one(policy, asset)).collect()
}

fn one(policy: &Declarative, asset: &Asset) -> Option<Touched> {
    let (by, values, _) = SETTINGS.iter().find(|(.., kind)| *kind == asset.kind)?;
    let set = values.iter().find(|v| policy.is(by, v))?;
    let effect = match asset.kind.as_str() {
        "ec2.internet_gateway" => match asset.path("Attachments") {
            Ok(Some(list)) if list.as_list().is_some_and(|l| !l.is_empty()) => Effect::GatewayClosed,
            Ok(_) => return None,
            Err(_) => Effect::Unknown,
        },
        "ec2.image" => public(asset, "Public", Effect::StaysPublic)?,
        "ec2.snapshot" if *set == "block_all_sharing" => public(asset, "RestorableByAll", Effect::NoLongerPublic)?,
        "ec2.snapshot" => public(asset, "RestorableByAll", Effect::StaysPublic)?,
        _ => match asset.path("MetadataOptions.HttpTokens") {
            Ok(Some(tokens)) if tokens.as_str() == Some("required") => return None,
            Ok(Some(_)) => Effect::NotAgain,
            _ => Effect::Unknown,
        },
    };
    Some(Touched {
        resource: asset.arn.clone().unwrap_or_else(|| asset.id.clone()),
        kind: asset.kind.clone(),
        account: asset.account.clone(),
        region: asset.region.clone(),
        by,
        effect,
    })
}

fn public(asset: &Asset, path: &str, effect: Effect) -> Option<Effect> {
    match asset.path(path) {
        Ok(Some(value)) => match *value {
            Value::Bool(true) => Some(effect),
            Value::Bool(false) => None,
            _ => Some(Effect::Unknown),
        },
        // AWS leaves `Public` out of no image, and `RestorableByAll` is what Yagura asked for.
        _ => Some(Effect::Unknown),
    }
}

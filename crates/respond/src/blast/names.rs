//! What records call a resource by.

use super::{By, Cut};
use crate::plan::Plan;
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use yagura_network::estate::Estate;
use yagura_policy::rehearse::Guardrail;

/// Calls that close what was open to everyone or to other accounts.
const CLOSING: [&str; 7] = [
    "s3:PutPublicAccessBlock",
    "ec2:ModifySnapshotAttribute",
    "ec2:ModifyImageAttribute",
    "rds:ModifyDBSnapshotAttribute",
    "rds:ModifyDBClusterSnapshotAttribute",
    "ssm:ModifyDocumentPermission",
    "lambda:RemovePermission",
];

/// Whether a call takes access away in a way that no engine here holds against records.
fn takes_access(call: &str) -> bool {
    let (service, operation) = call.split_once(':').unwrap_or((call, ""));
    match service {
        "iam" => operation.starts_with("Detach") && operation.ends_with("Policy"),
        "ec2" => operation.contains("NetworkAcl") || operation == "RevokeSecurityGroupEgress",
        "rds" => operation == "ModifyDBInstance",
        "s3control" => operation == "PutPublicAccessBlock",
        _ => false,
    }
}

/// A plan, watched.
pub(super) struct Watched {
    pub account: SmolStr,
    pub of_one: bool,
    /// ARN, id, and what else names it.
    pub names: BTreeSet<SmolStr>,
    /// The services that name it by its id, as event sources begin.
    services: BTreeSet<SmolStr>,
    /// Whether it is an identity, so that calls are made by it.
    identity: bool,
    closing: bool,
    key: bool,
    pub guardrail: Option<Guardrail>,
    pub cut: Option<Cut>,
    /// It closes ports, and no interface behind it was read.
    blind: bool,
    /// It takes access away, and nothing here works out from whom.
    taking: bool,
}

impl Watched {
    pub fn new(plan: &Plan, guardrail: Option<Guardrail>, network: Option<&Estate>) -> Self {
        let r = &plan.resource;
        let of_one = r.kind.contains('.') && !r.id.is_empty();
        let mut names = BTreeSet::new();
        let mut services = BTreeSet::new();
        if of_one {
            names.extend([r.id.clone()]);
            names.extend(r.arn.as_deref().map(SmolStr::from));
            services.extend(r.kind.split('.').next().map(SmolStr::from));
            services.extend(r.arn.as_deref().and_then(|a| a.split(':').nth(2)).map(SmolStr::from));
        }
        let any = |wanted: &dyn Fn(&str) -> bool| plan.steps.iter().any(|s| wanted(&s.call.call));
        let key = any(&|c| c == "iam:UpdateAccessKey");
        if key {
            let of = plan.steps.iter().filter_map(|s| s.call.with.get("AccessKeyId").and_then(Json::as_str));
            names.extend(of.map(SmolStr::from));
        }
        let closes = any(&|c| c == "ec2:RevokeSecurityGroupIngress");
        let cut = network.filter(|_| closes).and_then(|n| Cut::new(plan, n));
        Self {
            account: r.account.clone(),
            of_one,
            names,
            services,
            identity: r.kind.starts_with("iam."),
            closing: any(&|c| CLOSING.contains(&c)),
            key,
            guardrail: guardrail.filter(|_| of_one),
            taking: any(&takes_access),
            blind: closes && cut.is_none(),
            cut,
        }
    }

    pub fn by(&self) -> By {
        if self.guardrail.is_some() {
            By::Policy
        } else if self.cut.is_some() {
            By::Network
        } else if self.blind {
            By::NetworkUnread
        } else if self.key {
            By::Key
        } else if self.closing {
            By::Outsiders
        } else if self.taking {
            By::NotWorkedOut
        } else {
            By::Nothing
        }
    }
}

/// The plans whose resources a record names, and whether the call was made by the resource itself.
pub(super) fn hits(
    record: &Json,
    by_name: &HashMap<SmolStr, Vec<usize>>,
    watched: &[Watched],
) -> BTreeMap<usize, bool> {
    let mut out = BTreeMap::new();
    let source = record.get("eventSource").and_then(Json::as_str).unwrap_or_default();
    let service = source.split('.').next().unwrap_or_default();
    let account = record.get("recipientAccountId").and_then(Json::as_str);
    let mut named: Vec<&str> = Vec::new();
    texts(record.get("requestParameters"), &mut named, 0);
    texts(record.get("resources"), &mut named, 0);
    for text in named {
        // An object's ARN goes on behind the bucket's, a log group's ends in `:*`.
        let inside = text.starts_with("arn:").then(|| text.split_once('/').map(|(before, _)| before)).flatten();
        for name in [Some(text), inside, text.strip_suffix(":*")].into_iter().flatten() {
            for nth in by_name.get(name).into_iter().flatten() {
                let Some(one) = watched.get(*nth) else { continue };
                let alike = name.starts_with("arn:") || one.services.contains(service);
                let here = account.is_none_or(|a| one.account.is_empty() || a == one.account);
                if alike && (here || name.starts_with("arn:")) {
                    out.entry(*nth).or_insert(false);
                }
            }
        }
    }
    let identity = record.get("userIdentity");
    let of = |path: &str| identity.and_then(|i| i.pointer(path)).and_then(Json::as_str);
    for text in ["/accessKeyId", "/arn", "/sessionContext/sessionIssuer/arn"].into_iter().filter_map(of) {
        for nth in by_name.get(text).into_iter().flatten() {
            if watched.get(*nth).is_some_and(|w| w.identity) {
                let key = of("/accessKeyId") == Some(text);
                let by_key = out.entry(*nth).or_insert(key);
                *by_key |= key;
            }
        }
    }
    out
}

/// Every text in a value.
fn texts<'j>(value: Option<&'j Json>, out: &mut Vec<&'j str>, depth: usize) {
    match value {
        Some(Json::String(text)) => out.push(text),
        Some(Json::Array(items)) if depth < 8 => items.iter().for_each(|i| texts(Some(i), out, depth + 1)),
        Some(Json::Object(map)) if depth < 8 => map.values().for_each(|v| texts(Some(v), out, depth + 1)),
        _ => {}
    }
}

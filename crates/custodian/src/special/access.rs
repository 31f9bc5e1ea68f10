//! `cross-account`: statements of a resource's own policy that let others in, as Cloud Custodian counts them. What its rules leave
//! out (denies, conditions that it does not know) stays left out, so that the answer is the same; `yagura iam public` goes further.

use super::{Build, Made, own, statement, tri};
use crate::filter::{Answer, Ask};
use crate::py::Op;
use crate::world::not_told;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    let with_policy = b.cx.resource.policy_of(b.name).is_some() && b.cx.kind.policy.is_some();
    (b.name == "cross-account" && with_policy).then(|| cross_account(b))
}

/// Who counts as one of us.
struct Friends {
    accounts: BTreeSet<String>,
    orgs: BTreeSet<String>,
    vpcs: BTreeSet<String>,
    endpoints: BTreeSet<String>,
    conditions: BTreeSet<String>,
    patterns: Vec<Op>,
    actions: Vec<Op>,
    everyone_only: bool,
}

fn cross_account(b: &Build<'_, '_>) -> Result<Made, String> {
    let path = statement::place(b)?;
    if b.data.get("whitelist_org_units").is_some() || b.data.get("whitelist_org_units_from").is_some() {
        return Err("`whitelist_org_units` of `cross-account` is not evaluated".to_owned());
    }
    let list = |key: &str| -> Result<BTreeSet<String>, String> {
        let mut out: BTreeSet<String> = b.texts(key).into_iter().collect();
        if let Some(from) = b.data.get(format!("{key}_from")) {
            let more = crate::from::values(from, b.cx)?;
            let more = more.as_array().cloned().unwrap_or_default();
            out.extend(more.into_iter().filter_map(|v| v.as_str().map(str::to_owned)));
        }
        Ok(out)
    };
    let globs = |texts: BTreeSet<String>| -> Result<Vec<Op>, String> {
        texts.iter().map(|p| Op::of("glob", Some(&json!(p)))).collect()
    };
    let mut accounts = list("whitelist")?;
    accounts.insert(b.cx.place.account.to_string());
    if b.resource() == "s3" {
        accounts.extend(AWS_LOGGERS.iter().map(|a| (*a).to_owned()));
    }
    let conditions = if b.data.get("whitelist_conditions").is_some() {
        list("whitelist_conditions")?.iter().map(|c| c.to_lowercase()).collect()
    } else {
        ["aws:userid", "aws:username"].iter().map(|c| (*c).to_owned()).collect()
    };
    let friends = Friends {
        accounts,
        orgs: list("whitelist_orgids")?,
        vpcs: list("whitelist_vpc")?,
        endpoints: list("whitelist_vpce")?,
        conditions,
        patterns: globs(list("whitelist_patterns")?)?,
        actions: globs(list("actions")?)?,
        everyone_only: b.flag("everyone_only") == Some(true),
    };
    let allowed = b.flag("return_allowed") == Some(true);
    let read = own(statement::top(&path));
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let Some(policy) = statement::policy(ask, &path)? else { return Ok(Answer::No) };
            let statements = super::iam::statements(&policy).ok_or_else(|| not_told("the policy is not JSON"))?;
            let (mut strangers, mut ours) = (Vec::new(), Vec::new());
            for s in statements {
                if friends.is_violated_by(&s) { strangers.push(s) } else { ours.push(s) }
            }
            let (name, hits) =
                if allowed { ("CrossAccountAllowlists", ours) } else { ("CrossAccountViolations", strangers) };
            Ok(if hits.is_empty() { Answer::No } else { Answer::Yes(vec![(name.to_owned(), hits.into())]) })
        })
    });
    Ok(made.reading([read]))
}

fn texts(v: &Json) -> Vec<String> {
    match v {
        Json::String(s) => vec![s.clone()],
        Json::Array(l) => l.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect(),
        other => vec![other.to_string()],
    }
}

/// The account that a principal or a value names; the value itself where it names none.
fn account(of: &str) -> String {
    if of.starts_with("arn:") {
        return of.split(':').nth(4).unwrap_or(of).to_owned();
    }
    of.to_owned()
}

fn matches(patterns: &[Op], text: &str) -> bool {
    let text = crate::py::Py::Json(text.into());
    patterns.iter().any(|p| p.holds(&text, &crate::py::Py::Json(Json::Null)))
}

impl Friends {
    fn is_violated_by(&self, s: &Json) -> bool {
        self.lets_strangers_in(s)
            && s.get("Effect").and_then(Json::as_str) == Some("Allow")
            && self.speaks_of_actions(s)
            && !self.is_held_by_conditions(s)
    }

    fn speaks_of_actions(&self, s: &Json) -> bool {
        self.actions.is_empty()
            || s.get("Action").map(texts).unwrap_or_default().iter().any(|a| matches(&self.actions, a))
    }

    fn lets_strangers_in(&self, s: &Json) -> bool {
        if s.get("NotPrincipal").is_some() {
            return true;
        }
        let principals: BTreeSet<String> = match s.get("Principal") {
            Some(Json::Object(o)) if !o.is_empty() => {
                o.iter().filter(|(k, _)| *k != "Service").flat_map(|(_, v)| texts(v)).collect()
            }
            Some(p) if crate::py::truthy(p) => texts(p).into_iter().collect(),
            _ => return true,
        };
        principals.iter().any(|p| {
            if p == "*" {
                return true;
            }
            !self.everyone_only
                && !p.starts_with("arn:aws:iam::cloudfront:user")
                && !matches(&self.patterns, p)
                && !self.accounts.contains(&account(p))
        })
    }

    /// Whether the statement's conditions keep strangers out.
    fn is_held_by_conditions(&self, s: &Json) -> bool {
        const KNOWN: [&str; 7] = [
            "StringEquals",
            "StringEqualsIgnoreCase",
            "StringLike",
            "ArnEquals",
            "ArnLike",
            "IpAddress",
            "NotIpAddress",
        ];
        let mut told: Vec<(String, Vec<String>, bool)> = Vec::new();
        for (op, keys) in s.get("Condition").and_then(Json::as_object).into_iter().flatten() {
            if !KNOWN.contains(&op.as_str()) && !op.starts_with("ForAllValues") && !op.starts_with("ForAnyValue") {
                continue;
            }
            for (key, values) in keys.as_object().into_iter().flatten() {
                let key = key.to_lowercase();
                let values = texts(values);
                let Some(held) = self.holds(&key, &values) else { return false };
                told.push((key, values, held));
            }
        }
        if told.is_empty() {
            return false;
        }
        if told.iter().all(|(_, _, held)| *held) {
            return true;
        }
        const ORG: [&str; 3] = ["aws:principalorgid", "aws:resourceorgid", "aws:principalorgpaths"];
        const PRINCIPAL: [&str; 5] = [
            "aws:principalarn",
            "aws:principalaccount",
            "aws:sourceaccount",
            "aws:sourcearn",
            "s3:dataaccesspointaccount",
        ];
        let by_org = told.iter().any(|(k, _, held)| *held && ORG.contains(&k.as_str()));
        let wide = |values: &[String]| values.iter().all(|v| v.contains('*') || self.accounts.contains(&account(v)));
        by_org && told.iter().filter(|(_, _, held)| !held).all(|(k, v, _)| PRINCIPAL.contains(&k.as_str()) && wide(v))
    }

    /// Whether one condition keeps strangers out; `None` for a key that is not weighed.
    fn holds(&self, key: &str, values: &[String]) -> Option<bool> {
        if self.conditions.contains(key) {
            return Some(true);
        }
        let among = |set: &BTreeSet<String>| values.iter().all(|v| set.contains(&account(v)));
        Some(match key {
            "aws:sourceowner"
            | "aws:sourceaccount"
            | "aws:sourcearn"
            | "aws:principalarn"
            | "aws:principalaccount"
            | "s3:dataaccesspointaccount" => among(&self.accounts),
            "aws:sourceip" => true,
            "aws:sourcevpce" => self.endpoints.is_empty() || among(&self.endpoints),
            "aws:sourcevpc" => self.vpcs.is_empty() || among(&self.vpcs),
            "aws:principalorgid" => !self.orgs.is_empty() && among(&self.orgs),
            "aws:resourceorgid" => among(&self.orgs),
            "aws:principalorgpaths" => {
                let first = |v: &String| self.orgs.contains(v.split('/').next().unwrap_or_default());
                !self.orgs.is_empty() && values.iter().all(first)
            }
            _ => return None,
        })
    }
}

/// AWS's own accounts that deliver Elastic Load Balancing's, Amazon Redshift's and AWS CloudTrail's logs to buckets, by the
/// services' pages on bucket policies.
const AWS_LOGGERS: &[&str] = &[
    "009996457667",
    "013126148197",
    "027434742980",
    "033677994240",
    "035351147821",
    "037604701340",
    "048591011584",
    "053454850223",
    "054676820928",
    "075028567923",
    "076674570225",
    "086441151436",
    "090321488786",
    "098369216593",
    "113285607260",
    "114774131450",
    "127311923021",
    "156460612806",
    "190560391635",
    "193672423079",
    "210876761215",
    "216624486486",
    "262260360010",
    "282025262664",
    "284668455005",
    "307160386991",
    "313564881002",
    "361669875840",
    "365689465814",
    "383597477331",
    "388731089494",
    "391106570357",
    "404641285394",
    "475085895292",
    "492519147666",
    "507241528517",
    "582318560864",
    "600734575887",
    "635631232127",
    "638102146993",
    "652711504416",
    "718504428378",
    "729911121831",
    "754344448648",
    "760740231472",
    "762762565011",
    "783225319266",
    "797873946194",
    "814480443879",
    "819402241893",
    "859597730677",
    "865932855811",
    "897822967062",
    "902366379725",
    "903692715234",
    "907379612154",
    "915173422425",
    "945612479654",
    "977081816279",
    "985666609251",
];

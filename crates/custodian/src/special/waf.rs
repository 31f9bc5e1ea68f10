//! AWS WAF and AWS Shield: which web ACL a resource has, and whether Shield Advanced protects it.

use super::{Build, Made, agree, all, asking, kind, list, setting, text, tri};
use crate::filter::{Answer, Ask, Read};
use crate::py::truthy;
use crate::value::ValueFilter;
use crate::world::not_told;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    Some(match (b.resource(), b.name) {
        ("account", _) => return None,
        (_, "wafv2-enabled") => newer(b),
        (_, "waf-enabled") => classic(b),
        (_, "shield-enabled") => Ok(shielded(b)),
        _ => return None,
    })
}

/// What is asked of the web ACL: whether there is one (of a name), or a value question to it.
enum Question {
    There { wanted: bool, name: Option<fancy_regex::Regex>, exact: Option<String> },
    Value(Box<ValueFilter>),
}

impl Question {
    fn of(b: &Build<'_, '_>, exact: bool) -> Result<Self, String> {
        let keys = b.data.as_object().map_or(0, serde_json::Map::len);
        if b.data.get("web-acl").is_none() && b.data.get("state").is_none() && keys > 1 {
            return b.value().map(|v| Self::Value(Box::new(v)));
        }
        let name = b.text("web-acl");
        let pattern =
            name.as_ref().filter(|_| !exact).map(|n| crate::py::compile(&format!("\\A(?:{n})"))).transpose()?;
        Ok(Self::There { wanted: b.flag("state").unwrap_or(false), name: pattern, exact: name.filter(|_| exact) })
    }

    /// The members of the web ACL that it hangs on; `None`: any.
    fn roots(&self) -> Option<BTreeSet<String>> {
        match self {
            Self::Value(v) => v.roots(),
            Self::There { .. } => Some(BTreeSet::new()),
        }
    }

    fn answer(&self, acl: &Json, ask: &Ask<'_>) -> Answer {
        match self {
            Self::Value(v) => v.matches(acl, ask.scene.now).into(),
            Self::There { wanted, name, exact } => {
                let called = text(acl, "Name");
                let fits = name.as_ref().is_none_or(|n| n.is_match(called).unwrap_or(false))
                    && exact.as_deref().is_none_or(|n| n == called);
                agree(*wanted, truthy(acl) && fits)
            }
        }
    }
}

fn newer(b: &Build<'_, '_>) -> Result<Made, String> {
    let question = Question::of(b, false)?;
    let (of, member) = match b.resource() {
        "distribution" => ("wafv2.cloudfront_web_acl", "WebACLId"),
        "rest-stage" => ("wafv2.web_acl", "webAclArn"),
        "graphql-api" => ("wafv2.web_acl", "wafWebAclArn"),
        // AWS says which web ACL these have, as a whole.
        "app-elb" | "user-pool" => {
            let call = b.call("wafv2:GetWebACLForResource", &json!({"ResourceArn": "{arn}"})).taking("WebACL");
            return Ok(asking(call, move |ask, acl| Ok(question.answer(&or_empty(acl), ask))));
        }
        other => return Err(format!("the web ACL of `{other}` is not looked up")),
    };
    // Without rules and actions a listing is enough.
    let details = matches!(question, Question::Value(_)).then(|| super::field(of, "DefaultAction"));
    let made = Made::on(&[member], move |ask: &Ask<'_>| {
        tri(|| {
            let id = ask.res.get(member)?.as_str().unwrap_or_default().to_owned();
            let listed = all(ask, of)?;
            let Some(acl) = listed.iter().find(|a| !id.is_empty() && a.text("ARN") == id) else {
                return Ok(question.answer(&json!({}), ask));
            };
            match acl.gap_in(&question.roots()) {
                Some(gap) => Err(gap),
                None => Ok(question.answer(&acl.json, ask)),
            }
        })
    });
    Ok(made.reading([kind(of)]).reading(details))
}

fn or_empty(v: Json) -> Json {
    if v.is_null() { json!({}) } else { v }
}

/// AWS WAF Classic: of a load balancer's web ACL the id and the name are told.
fn classic(b: &Build<'_, '_>) -> Result<Made, String> {
    let question = Question::of(b, true)?;
    if let Question::Value(v) = &question
        && v.roots().is_none_or(|r| r.iter().any(|m| !["WebACLId", "Name"].contains(&m.as_str())))
    {
        return Err("of a web ACL of AWS WAF Classic only the id and the name are read".to_owned());
    }
    let (of, member) = match b.resource() {
        "app-elb" => {
            let call = b.call("waf-regional:GetWebACLForResource", &json!({"ResourceArn": "{arn}"}));
            let call = call.taking("WebACLSummary");
            return Ok(asking(call, move |ask, acl| Ok(question.answer(&or_empty(acl), ask))));
        }
        "distribution" => return Ok(distribution(b)),
        "rest-stage" => ("waf-regional.web_acl", "webAclArn"),
        other => return Err(format!("the web ACL of `{other}` is not looked up")),
    };
    let made = Made::on(&[member], move |ask: &Ask<'_>| {
        tri(|| {
            let id = ask.res.get(member)?.as_str().unwrap_or_default().to_owned();
            let listed = all(ask, of)?;
            let acl = listed.iter().find(|a| !id.is_empty() && a.asset.arn.as_deref() == Some(id.as_str()));
            Ok(question.answer(&acl.map_or(json!({}), |a| a.json.clone()), ask))
        })
    });
    Ok(made.reading([kind(of)]))
}

/// A distribution with a web ACL of any kind counts as protected; one whose web ACL is no classic one counts as not protected too.
fn distribution(b: &Build<'_, '_>) -> Made {
    const ACL: &str = "waf.web_acl";
    let (wanted, target) = (b.flag("state").unwrap_or(false), b.text("web-acl"));
    let made = Made::on(&["WebACLId"], move |ask: &Ask<'_>| {
        tri(|| {
            let id = ask.res.get("WebACLId")?.as_str().unwrap_or_default().to_owned();
            let listed = all(ask, ACL)?;
            let Some(target) = &target else {
                let classic = listed.iter().any(|a| a.text("WebACLId") == id);
                return Ok((if wanted { !id.is_empty() } else { id.is_empty() || !classic }).into());
            };
            let meant = listed.iter().find(|a| [a.text("Name"), a.text("WebACLId")].contains(&target.as_str()));
            let meant = meant.ok_or_else(|| not_told(format!("there is no web ACL `{target}`")))?;
            Ok(agree(wanted, meant.text("WebACLId") == id))
        })
    });
    made.reading([kind(ACL)])
}

fn shielded(b: &Build<'_, '_>) -> Made {
    let wanted = b.flag("state").unwrap_or(false);
    let made = Made::on(&[], move |ask: &Ask<'_>| {
        tri(|| {
            let told = setting(ask, "account", "ShieldProtections")?;
            let arn = ask.res.asset.arn.as_deref().unwrap_or_default();
            // Shield names Elastic IP addresses otherwise than IAM does (API reference, `CreateProtection`).
            let arn = arn.replacen(":elastic-ip/", ":eip-allocation/", 1);
            Ok(agree(wanted, list(&told).iter().any(|p| text(p, "ResourceArn") == arn)))
        })
    });
    made.reading([kind("account"), Read::Field("account".into(), "ShieldProtections".into())])
}

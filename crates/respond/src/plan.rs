//! Plans: a remedy on one resource's own state.

use crate::remedy::{Call, Ready};
use crate::template::{Filling, Unfilled, shown};
use serde::{Deserialize, Serialize};
use serde_json::{Map as JsonMap, Value as Json, json};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_aws::Partition;
use yagura_model::{Caller, Field, GapReason, Lang, Map, ResourceRef, Value};
use yagura_rule::{Estate, Hole};

/// A change that is ready to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The check that it mends.
    pub rule: SmolStr,
    /// Other checks of the same resource that the same calls mend.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<SmolStr>,
    /// Requirements that these checks answer.
    pub maps: Vec<SmolStr>,
    /// The remedy.
    pub remedy: SmolStr,
    /// The settings that a policy of Cloud Custodian gives it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub given: Map,
    /// The resource.
    pub resource: ResourceRef,
    /// The calls, in order.
    pub steps: Vec<PlannedStep>,
    /// The fields that the plan rests on, as they are before; a field that is not set is `null`.
    pub prior: BTreeMap<SmolStr, Json>,
    /// What the plan does, and what will stop working, for the reader.
    pub says: Vec<String>,
}

/// A call with what takes it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The call.
    #[serde(flatten)]
    pub call: PlannedCall,
    /// Error codes that mean it was so already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<SmolStr>,
    /// The calls that take it back, in order.
    pub undo: Vec<PlannedCall>,
}

/// A call with its input; parts that only an earlier answer tells are marked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedCall {
    /// `s3:PutPublicAccessBlock`.
    pub call: SmolStr,
    /// What its answer is called in later calls.
    #[serde(rename = "as", default, skip_serializing_if = "SmolStr::is_empty")]
    pub name: SmolStr,
    /// The account that it is made in.
    pub account: SmolStr,
    /// The Region.
    pub region: SmolStr,
    /// Its input.
    pub with: Json,
    /// Error codes that mean there is nothing to take away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<SmolStr>,
}

impl PlannedCall {
    /// The call for a reader or a program: what is not known before an earlier call stands in angle brackets.
    pub fn shown(&self) -> Json {
        json!({"call": self.call, "account": self.account, "region": self.region, "with": shown(&self.with)})
    }
}

/// A failure that no plan mends, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotMendable {
    /// The check.
    pub rule: SmolStr,
    /// Requirements that it answers.
    pub maps: Vec<SmolStr>,
    /// The resource; none where the check's resources could not be listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceRef>,
    /// The reason, in the reader's language.
    pub why: String,
}

/// What a run would do.
#[derive(Debug, Clone, Default)]
pub struct Preview {
    /// Plans, in the order in which they are carried out.
    pub plans: Vec<Plan>,
    /// What is left to people.
    pub not_mendable: Vec<NotMendable>,
}

impl Preview {
    /// SHA-256 over every plan's calls, undo and prior state, in hexadecimal: the same only while nothing that they rest on changed.
    /// Texts do not count, so that every language has the same, nor does the order in which AWS lists the resources.
    pub fn hash(&self) -> String {
        let mut plans: Vec<String> = self.plans.iter().map(|p| p.essence().to_string()).collect();
        plans.sort();
        Sha256::digest(plans.join("\n")).iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Adds a plan; where the same calls are planned already, its check joins that plan.
    pub fn add(&mut self, plan: Plan) {
        match self.plans.iter_mut().find(|p| p.resource == plan.resource && p.steps == plan.steps) {
            Some(same) => {
                let maps = plan.maps.into_iter().filter(|m| !same.maps.contains(m)).collect::<Vec<_>>();
                same.maps.extend(maps);
                if same.rule != plan.rule && !same.also.contains(&plan.rule) {
                    same.also.push(plan.rule);
                }
            }
            None => self.plans.push(plan),
        }
    }
}

impl Plan {
    /// What the plan rests on and does, without texts.
    pub(crate) fn essence(&self) -> Json {
        json!({
            "rule": self.rule, "given": self.given, "resource": self.resource, "steps": self.steps, "prior": self.prior,
        })
    }

    /// The checks that it mends.
    pub fn rules(&self) -> impl Iterator<Item = &SmolStr> {
        std::iter::once(&self.rule).chain(&self.also)
    }
}

impl Ready {
    /// The plan for one asset of the estate.
    ///
    /// # Errors
    /// Why it cannot be mended by a call, in `lang`: the remedy does not fit, or what it rests on was not read.
    pub fn plan(&self, estate: &Estate, asset: u32, lang: Lang) -> Result<Plan, String> {
        let not_there = || lang.pick("the resource is not there any more", "リソースがもう存在しない").to_owned();
        let this = estate.assets().get(asset as usize).ok_or_else(not_there)?;
        let caller = estate.callers().iter().find(|c| c.account == this.account).cloned();
        let caller =
            caller.unwrap_or_else(|| Caller { account: this.account.clone(), arn: "".into(), partition: "aws".into() });
        let at = Filling { estate, check: &self.asking, asset, caller: &caller, region: &this.region, round: None };
        if !self.lacking.is_empty() {
            let said = lang
                .pick("it needs a setting (`[remedies]` of yagura.toml)", "設定が必要（yagura.toml の `[remedies]`）");
            let names: Vec<String> = self.lacking.iter().map(|(n, s)| format!("`{n}`: {}", s.pick(lang))).collect();
            return Err(format!("{said}: {}", names.join("; ")));
        }
        let real = Partition::real_region(&this.region);
        let place = Place { account: &this.account, region: real, partition: &caller.partition };
        let places = self.places.iter().map(|given| (given.as_str(), place.fill(given))).collect::<Vec<_>>();
        if let Some((_, elsewhere)) = places.iter().find(|(_, arn)| real == this.region && place.is_elsewhere(arn)) {
            let said = lang.pick("the setting is of another Region", "設定が別のリージョンのものを指している");
            return Err(format!("{said}: {elsewhere}"));
        }
        // The file's `when` knows a setting as it was given; what it means is known only with the place filled in.
        let itself = |text: &str| text == this.id || this.arn.as_deref() == Some(text);
        if places.iter().any(|(_, filled)| itself(filled)) {
            let said = lang.pick("the setting names the resource itself", "設定がそのリソース自体を指している");
            let unless = self.unless.pick(lang);
            return Err(if unless.is_empty() { said } else { unless }.to_owned());
        }
        let fits = at.answer(&self.asking.pass, false).map_err(|e| why(&e, lang))?;
        if fits != Some(Value::Bool(true)) {
            return Err(self.unless.pick(lang).to_owned());
        }
        let mut steps = Vec::new();
        for step in &self.steps {
            let rounds = match &step.each {
                None => vec![None],
                Some(list) => match at.answer(list, false).map_err(|e| why(&e, lang))? {
                    Some(Value::List(items)) => (0..items.len()).map(|i| Some((i, items.len()))).collect(),
                    _ => Vec::new(),
                },
            };
            for round in rounds {
                let at = Filling { round, ..at };
                let planned = |c: &Call| {
                    let mut call = planned(&at, c, lang)?;
                    if let Some(call) = &mut call {
                        places
                            .iter()
                            .filter(|(g, f)| g != f)
                            .for_each(|(given, filled)| put(&mut call.with, given, filled));
                    }
                    Ok::<_, String>(call)
                };
                let Some(call) = planned(&step.call)? else { continue };
                let undo = step.undo.iter().filter_map(|c| planned(c).transpose()).collect::<Result<_, _>>()?;
                steps.push(PlannedStep { call, accept: step.accept.clone(), undo });
            }
        }
        if steps.is_empty() {
            return Err(lang.pick("there is nothing to change", "変更する対象がない").to_owned());
        }
        let mut prior = BTreeMap::new();
        for name in self.fields() {
            let value = match this.field(&name) {
                Field::Known(v) => v.to_json(),
                Field::Absent => Json::Null,
                Field::Partly(..) | Field::Unknown(_) => continue,
            };
            prior.insert(name, value);
        }
        let mut says = vec![self.does.pick(lang).to_owned()];
        for (when, said) in &self.breaks {
            match at.answer(when, false) {
                Ok(Some(Value::Bool(true))) => says.push(said.pick(lang).to_owned()),
                Ok(_) => {}
                Err(e) => says.push(format!(
                    "{}: {} ({})",
                    lang.pick("not known whether", "次に該当するかは不明"),
                    said.pick(lang),
                    why(&e, lang)
                )),
            }
        }
        let (resource, maps) = (ResourceRef::of(this), self.asking.maps.to_vec());
        let (rule, remedy, given) = (self.rule.clone(), self.id.clone(), self.given.clone());
        Ok(Plan { rule, also: Vec::new(), maps, remedy, given, resource, steps, prior, says })
    }
}

/// What a setting may leave to the place of a resource.
pub const PLACES: [&str; 3] = ["account", "region", "partition"];

/// The words in braces in a setting (`{acount}`) that are none of [`PLACES`], and would stay as they are.
///
/// Braces around anything but small letters and underscores are text.
pub fn strange_places(given: &str) -> impl Iterator<Item = &str> {
    let words = given.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(word, _)| word);
    words.filter(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !PLACES.contains(w))
}

/// Where a resource is.
struct Place<'p> {
    account: &'p str,
    region: &'p str,
    partition: &'p str,
}

impl Place<'_> {
    /// A setting with the place filled in.
    fn fill(&self, given: &str) -> String {
        let of = [self.account, self.region, self.partition];
        PLACES.iter().zip(of).fold(given.to_owned(), |text, (name, is)| text.replace(&format!("{{{name}}}"), is))
    }

    /// Whether an ARN names another Region.
    fn is_elsewhere(&self, text: &str) -> bool {
        let mut parts = text.split(':');
        let region = if parts.next() == Some("arn") { parts.nth(2) } else { None };
        region.is_some_and(|r| !r.is_empty() && r != self.region)
    }
}

/// Puts a text in place of another, wherever it stands in a value.
fn put(value: &mut Json, from: &str, to: &str) {
    match value {
        Json::String(text) if text.contains(from) => *text = text.replace(from, to),
        Json::Array(items) => items.iter_mut().for_each(|v| put(v, from, to)),
        Json::Object(map) => map.values_mut().for_each(|v| put(v, from, to)),
        _ => {}
    }
}

/// A call with its input; `None` where it is not needed.
fn planned(at: &Filling<'_>, call: &Call, lang: Lang) -> Result<Option<PlannedCall>, String> {
    let listed = at.round.is_some();
    if let Some(when) = &call.when
        && at.answer(when, listed).map_err(|e| why(&e, lang))? != Some(Value::Bool(true))
    {
        return Ok(None);
    }
    let mut with = at.fill(&call.input).map_err(|e| why(&e, lang))?.unwrap_or_else(|| Json::Object(JsonMap::new()));
    // "If you don't specify a Region, the bucket is created in us-east-1"; naming that one is an error (API reference, CreateBucket).
    if call.call == "s3:CreateBucket"
        && at.region == "us-east-1"
        && let Some(map) = with.as_object_mut()
    {
        map.remove("CreateBucketConfiguration");
    }
    let region = match &call.region {
        Some(template) => match at.fill(template).map_err(|e| why(&e, lang))? {
            Some(Json::String(region)) => region.into(),
            _ => at.region.into(),
        },
        None => at.region.into(),
    };
    let account = at.caller.account.clone();
    let (name, gone) = (call.name.clone(), call.gone.clone());
    Ok(Some(PlannedCall { call: call.call.clone(), name, account, region, with, gone }))
}

/// Why something has no value, in words.
fn why(e: &Unfilled, lang: Lang) -> String {
    match e {
        Unfilled::Absent(what) => {
            format!(
                "{}: {what}",
                lang.pick("a value that the change needs is not set", "変更に必要な値が設定されていない")
            )
        }
        Unfilled::Unknown(holes) => {
            let mut said: Vec<String> = holes.iter().map(|h| told(h, lang)).collect();
            said.sort();
            said.dedup();
            format!(
                "{}: {}",
                lang.pick("what the change rests on was not read", "変更の前提を読み取れない"),
                said.join("; ")
            )
        }
    }
}

fn told(hole: &Hole, lang: Lang) -> String {
    let gap = hole.gap();
    let permission = gap.permission.as_ref().filter(|_| gap.reason == GapReason::AccessDenied);
    match permission {
        Some(permission) => format!("{} ({permission})", gap.say(lang)),
        None => gap.say(lang),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_what_is_done_and_not_in_which_order_aws_lists() {
        let plan = |id: &str, call: &str| -> Plan {
            let resource = json!({"id": id, "kind": "s3.bucket", "account": "123456789012", "region": "us-east-1"});
            let step = json!({"call": call, "account": "123456789012", "region": "us-east-1", "with": {}, "undo": []});
            let plan = json!({"rule": "s3.x", "maps": [], "remedy": "s3.x", "resource": resource, "steps": [step], "prior": {}, "says": []});
            serde_json::from_value(plan).unwrap()
        };
        let hash = |plans: Vec<Plan>| Preview { plans, not_mendable: Vec::new() }.hash();
        let (one, other) = (plan("a", "s3:PutX"), plan("b", "s3:PutX"));
        assert_eq!(hash(vec![one.clone(), other.clone()]), hash(vec![other.clone(), one.clone()]));
        assert_ne!(hash(vec![one.clone(), other]), hash(vec![one.clone(), plan("b", "s3:PutY")]));
        assert_ne!(hash(vec![one.clone()]), hash(vec![one.clone(), one]));
    }
}

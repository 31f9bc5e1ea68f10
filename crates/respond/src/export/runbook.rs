//! Systems Manager Automation runbooks (schema 0.3): one for each account and Region, and the one that takes it back.
//!
//! Systems Manager User Guide: `automation-action-executeawsapi`, `automation-action-assertawsresourceproperty`,
//! `automation-working-troubleshooting-onFailure` (a failed step goes to the steps that take back what was done), `documents-schemas-features`.

use super::input::{Bit, Input, Need};
use super::{About, Ask, Exported, From, Left, Why, Written, answers, apart, counted, one_line, told, written, yaml};
use crate::plan::Plan;
use serde_json::{Map as JsonMap, Value as Json, json};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_aws::{Facts, Partition};
use yagura_model::{Lang, Type};

/// The most that a document may hold (Systems Manager quotas: document size).
const LARGEST: usize = 64 * 1024;
/// How many calls one runbook holds at most, so that a person still reads it.
const CALLS: usize = 40;
/// What calls begin with that end or take away: made for a step that failed, they would hit what was there before.
const ENDS: [&str; 6] = ["Delete", "Remove", "Detach", "Disable", "Stop", "Deregister"];
/// Keys of a step's inputs that are the step's own.
const OWN: [&str; 2] = ["Service", "Api"];

/// The runbooks that carry plans out, each with the one that takes it back.
pub fn runbooks(plans: &[Plan], about: &About<'_>) -> Exported {
    let (plans, left) = apart(plans);
    let mut out = Exported { left, ..Exported::default() };
    let mut groups: BTreeMap<(SmolStr, SmolStr), Vec<Written<'_>>> = BTreeMap::new();
    for plan in plans {
        match whole(plan, about) {
            Ok(written) => {
                // Calls of one plan may go to different Regions; a runbook works in the one that it is started in.
                let region = written.steps.first().map_or(&plan.resource.region, |s| &s.step.call.region);
                let place = (plan.resource.account.clone(), region.clone());
                groups.entry(place).or_default().push(written);
            }
            Err(left) => out.left.push(*left),
        }
    }
    let several = groups.len() > 1;
    for ((account, region), plans) in groups {
        let mut part = 0;
        let mut rest = plans.as_slice();
        let many = split(rest, about, (&account, &region)) < rest.len();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(split(rest, about, (&account, &region)));
            part += 1;
            let mut name = about.name.to_owned();
            if several {
                name = format!("{name}-{account}-{region}");
            }
            if many {
                name = format!("{name}-{part}");
            }
            let book = Book { plans: now, about, account: &account, region: &region };
            out.files.push((format!("{name}.yaml"), yaml(&book.apply())));
            out.files.push((format!("{name}-undo.yaml"), yaml(&book.undo())));
            rest = later;
        }
    }
    out
}

/// A plan that a runbook can carry whole.
fn whole<'p>(plan: &'p Plan, about: &About<'_>) -> Result<Written<'p>, Box<Left>> {
    let written = written(plan, about.facts)?;
    let left = |call: &SmolStr, why| {
        Box::new(Left { rule: plan.rule.clone(), resource: plan.resource.clone(), call: call.clone(), why })
    };
    let mut region: Option<&str> = None;
    for (nth, step) in written.steps.iter().enumerate() {
        if !step.accept.is_empty() && !step.undo.is_empty() {
            return Err(left(&step.step.call.call, Why::MayBeSo));
        }
        for (at, ask) in
            std::iter::once((None, &step.step)).chain(step.undo.iter().enumerate().map(|(at, a)| (Some(at), a)))
        {
            let call = &ask.call.call;
            if let Some(other) = region.filter(|r| *r != Partition::real_region(&ask.call.region)) {
                return Err(left(call, Why::OtherRegion(other.into())));
            }
            region = Some(Partition::real_region(&ask.call.region));
            if let Input::Map(members) = &ask.input
                && let Some((name, _)) = members.iter().find(|(name, _)| OWN.contains(&name.as_str()))
            {
                return Err(left(call, Why::SameName(name.clone())));
            }
            if ask.call.with.to_string().contains("{{") {
                return Err(left(call, Why::Braces));
            }
            if ask.input.needs().iter().any(|n| n.path.split('.').next() == Some(crate::remedy::RUN)) {
                return Err(left(call, Why::NoTime));
            }
            for need in ask.input.needs().into_iter().filter(|n| n.text) {
                let number = written
                    .source(nth, at, &need.path)
                    .and_then(|(from, path)| Some((written.ask(from)?, path)))
                    .is_some_and(|(of, path)| kind_of(about.facts, of, &path) == Some("Integer"));
                if number {
                    return Err(left(call, Why::NumberForText(need.path.clone())));
                }
            }
        }
    }
    let place = (plan.resource.account.as_str(), plan.resource.region.as_str());
    let book = Book { plans: std::slice::from_ref(&written), about, account: place.0, region: place.1 };
    if yaml(&book.apply()).len() > LARGEST || yaml(&book.undo()).len() > LARGEST {
        return Err(left(&SmolStr::default(), Why::TooLarge));
    }
    Ok(written)
}

/// How many of the plans go into the first runbook; one at least.
fn split(plans: &[Written<'_>], about: &About<'_>, (account, region): (&str, &str)) -> usize {
    let calls = |p: &Written<'_>| p.steps.iter().map(|s| 1 + s.undo.len()).sum::<usize>();
    let mut taken = 0;
    let mut sum = 0;
    for (nth, plan) in plans.iter().enumerate() {
        sum += calls(plan);
        let fits = |upto: usize| {
            let plans = plans.get(..upto).unwrap_or_default();
            let book = Book { plans, about, account, region };
            yaml(&book.apply()).len() <= LARGEST && yaml(&book.undo()).len() <= LARGEST
        };
        if nth > 0 && (sum > CALLS || !fits(nth + 1)) {
            break;
        }
        taken = nth + 1;
    }
    taken.max(1)
}

/// Plans of one account and Region.
struct Book<'b> {
    plans: &'b [Written<'b>],
    about: &'b About<'b>,
    account: &'b str,
    region: &'b str,
}

impl Book<'_> {
    /// The runbook that carries the plans out. A step that fails goes to those that take back what was done.
    fn apply(&self) -> Json {
        let mut steps = self.checks();
        let mut outputs = Vec::new();
        for (at, plan) in self.plans.iter().enumerate() {
            for (nth, step) in plan.steps.iter().enumerate() {
                let name = step_name(at, nth);
                let mut one =
                    self.step(&name, (at, plan), (nth, None), &step.step, &|from, path| reference(at, from, path));
                if step.accept.is_empty() {
                    let back = self.back_from(at, nth).map_or_else(|| json!("Abort"), |s| json!(format!("step:{s}")));
                    one.insert("onFailure".to_owned(), back);
                } else {
                    // It may be so already, which is an error to Automation. Where it is another one, a later step says so.
                    one.insert("onFailure".to_owned(), json!("Continue"));
                    one.insert("isCritical".to_owned(), json!(false));
                }
                if at + 1 == self.plans.len() && nth + 1 == plan.steps.len() {
                    one.insert("isEnd".to_owned(), json!(true));
                }
                outputs.extend(step.step.kept.iter().map(|p| json!(format!("{name}.{}", output(p)))));
                steps.push(Json::Object(one));
            }
        }
        let mut back = self.undo_steps(&|at, from, path| reference(at, from, path));
        finish(&mut back);
        steps.extend(back);
        let mut out = self.head(false);
        out.insert("mainSteps".to_owned(), Json::Array(steps));
        if !outputs.is_empty() {
            out.insert("outputs".to_owned(), Json::Array(outputs));
        }
        Json::Object(out)
    }

    /// The runbook that takes all of it back. What the plans' calls answered is asked for as parameters.
    fn undo(&self) -> Json {
        let parameter = |at: usize, from: From, path: &str| match from {
            From::Step(step) => format!("{{{{ {}_{} }}}}", step_name(at, step), output(path)),
            other => reference(at, other, path),
        };
        let mut steps = self.checks();
        let mut back = self.undo_steps(&parameter);
        finish(&mut back);
        steps.extend(back);
        let mut out = self.head(true);
        if let Some(Json::Object(parameters)) = out.get_mut("parameters") {
            for (at, plan) in self.plans.iter().enumerate() {
                for (nth, step) in plan.steps.iter().enumerate() {
                    for (undo, ask) in step.undo.iter().enumerate() {
                        for need in ask.input.needs() {
                            let Some((from @ From::Step(of), path)) = plan.source(nth, Some(undo), &need.path) else {
                                continue;
                            };
                            let kind =
                                plan.ask(from).and_then(|a| kind_of(self.about.facts, a, &path)).unwrap_or("String");
                            let told = self.say(
                                "The output of this name of the runbook that carried the plans out",
                                "計画を実行したランブックの同名の出力",
                            );
                            parameters.insert(
                                format!("{}_{}", step_name(at, of), output(&path)),
                                json!({"type": kind, "description": told}),
                            );
                        }
                    }
                }
            }
        }
        out.insert("mainSteps".to_owned(), Json::Array(steps));
        Json::Object(out)
    }

    fn say(&self, en: &'static str, ja: &'static str) -> &'static str {
        self.about.lang.pick(en, ja)
    }

    fn head(&self, undo: bool) -> JsonMap<String, Json> {
        let (n, hash, account, region) =
            (self.plans.len(), self.about.hash, self.account, Partition::real_region(self.region));
        let mut lines = vec![match (self.about.lang, undo) {
            (Lang::En, false) => format!(
                "Yagura: {n} plans of the preview {hash}, for account {account} in {region}. It does not look whether something changed since. A step that fails takes back what was done before it."
            ),
            (Lang::En, true) => format!(
                "Yagura: takes {n} plans of the preview {hash} back, for account {account} in {region}, last step first."
            ),
            (Lang::Ja, false) => format!(
                "Yagura: プレビュー {hash} の計画 {n} 件（アカウント {account}、{region}）。プレビュー後の変更の有無は確認しない。手順が失敗すると、それまでの変更を元に戻す。"
            ),
            (Lang::Ja, true) => {
                format!(
                    "Yagura: プレビュー {hash} の計画 {n} 件（アカウント {account}、{region}）を最後の手順から順に元に戻す。"
                )
            }
        }];
        for (at, plan) in self.plans.iter().enumerate() {
            lines.extend(told(plan.plan).into_iter().take(1).map(|line| format!("{}. {line}", counted(at))));
        }
        // Braces would be replaced in a description too.
        let description = lines.join("\n").replace("{{", "{ {");
        let role = self.say(
            "The role that makes the calls; without it, whoever starts the runbook",
            "呼び出しに使うロール。省略時は実行者の権限",
        );
        let mut out = JsonMap::new();
        out.insert("schemaVersion".to_owned(), json!("0.3"));
        out.insert("description".to_owned(), json!(description));
        out.insert("assumeRole".to_owned(), json!("{{ AutomationAssumeRole }}"));
        out.insert(
            "parameters".to_owned(),
            json!({"AutomationAssumeRole": {"type": "AWS::IAM::Role::Arn", "description": role, "default": ""}}),
        );
        out
    }

    /// Steps that stop a runbook in another account or Region.
    fn checks(&self) -> Vec<Json> {
        let check = |name: &str, service: &str, api: &str, property: &str, wanted: &str| {
            json!({
                "name": name, "action": "aws:assertAwsResourceProperty", "onFailure": "Abort",
                "inputs": {"Service": service, "Api": api, "PropertySelector": property, "DesiredValues": [wanted]},
            })
        };
        let mut out = Vec::new();
        if !self.account.is_empty() {
            out.push(check("right_account", "sts", "GetCallerIdentity", "$.Account", self.account));
        }
        if !self.region.ends_with("-global") {
            let name = "$.AvailabilityZones[0].RegionName";
            out.push(check("right_region", "ec2", "DescribeAvailabilityZones", name, self.region));
        }
        out
    }

    /// The first step that takes back when this one fails. The failed step may have been made all the same, so it is taken back too,
    /// unless that needs its own answer, or ends or takes away: AWS may have said no because it was so already.
    fn back_from(&self, at: usize, nth: usize) -> Option<String> {
        let own = |plan: &Written<'_>| {
            plan.steps.get(nth).is_some_and(|s| {
                s.undo.iter().enumerate().any(|(undo, ask)| {
                    let from = |need: &&Need| {
                        plan.source(nth, Some(undo), &need.path).is_some_and(|(f, _)| f == From::Step(nth))
                    };
                    let operation = ask.call.call.split_once(':').map_or("", |(_, o)| o);
                    ENDS.iter().any(|verb| operation.starts_with(verb)) || ask.input.needs().iter().any(from)
                })
            })
        };
        let mut place = (at, nth);
        let mut first = true;
        loop {
            let plan = self.plans.get(place.0)?;
            let there = plan.steps.get(place.1).is_some_and(|s| !s.undo.is_empty());
            if there && !(first && own(plan)) {
                return Some(undo_name(place.0, place.1, 0));
            }
            first = false;
            place = match place {
                (at, 0) => {
                    let before = at.checked_sub(1)?;
                    (before, self.plans.get(before)?.steps.len().checked_sub(1)?)
                }
                (at, nth) => (at, nth - 1),
            };
        }
    }

    /// The steps that take back, last first. One that fails does not keep the others from being made.
    fn undo_steps(&self, refer: &dyn Fn(usize, From, &str) -> String) -> Vec<Json> {
        let mut out = Vec::new();
        for (at, plan) in self.plans.iter().enumerate().rev() {
            for (nth, step) in plan.steps.iter().enumerate().rev() {
                for (undo, ask) in step.undo.iter().enumerate() {
                    let name = undo_name(at, nth, undo);
                    let mut one =
                        self.step(&name, (at, plan), (nth, Some(undo)), ask, &|from, path| refer(at, from, path));
                    one.insert("onFailure".to_owned(), json!("Continue"));
                    // What is gone already answers with an error that means nothing.
                    one.insert("isCritical".to_owned(), json!(ask.call.gone.is_empty()));
                    out.push(Json::Object(one));
                }
            }
        }
        out
    }

    fn step(
        &self,
        name: &str,
        (at, plan): (usize, &Written<'_>),
        (nth, undo): (usize, Option<usize>),
        ask: &Ask<'_>,
        refer: &dyn Fn(From, &str) -> String,
    ) -> JsonMap<String, Json> {
        let (service, api) = ask.call.call.split_once(':').unwrap_or((&ask.call.call, ""));
        let mut inputs = JsonMap::new();
        inputs.insert("Service".to_owned(), json!(service));
        inputs.insert("Api".to_owned(), json!(api));
        let find = |need: &Need| {
            plan.source(nth, undo, &need.path).map_or_else(String::new, |(from, path)| refer(from, &path))
        };
        if let Json::Object(members) = value(&ask.input, &find) {
            inputs.extend(members);
        }
        let mut out = JsonMap::new();
        out.insert("name".to_owned(), json!(name));
        out.insert("action".to_owned(), json!("aws:executeAwsApi"));
        let line = told(plan.plan).into_iter().next().unwrap_or_default();
        let described = one_line(&format!("{}. {line}", counted(at))).replace("{{", "{ {");
        out.insert("description".to_owned(), json!(described));
        out.insert("inputs".to_owned(), Json::Object(inputs));
        if !ask.kept.is_empty() {
            let kept = ask.kept.iter().map(|path| {
                let kind = kind_of(self.about.facts, ask, path).unwrap_or("String");
                json!({"Name": output(path), "Selector": selector(path), "Type": kind})
            });
            out.insert("outputs".to_owned(), Json::Array(kept.collect()));
        }
        out
    }
}

/// Ends the last step.
fn finish(steps: &mut [Json]) {
    if let Some(Json::Object(last)) = steps.last_mut() {
        last.insert("isEnd".to_owned(), json!(true));
    }
}

fn step_name(plan: usize, step: usize) -> String {
    format!("plan{}_step{}", counted(plan), counted(step))
}

fn undo_name(plan: usize, step: usize, undo: usize) -> String {
    format!("plan{}_step{}_undo{}", counted(plan), counted(step), counted(undo))
}

/// How a later step names an output.
fn reference(plan: usize, from: From, path: &str) -> String {
    match from {
        From::Run => String::new(),
        From::Step(step) => format!("{{{{ {}.{} }}}}", step_name(plan, step), output(path)),
        From::Look(step, at) => format!("{{{{ {}.{} }}}}", undo_name(plan, step, at), output(path)),
    }
}

/// An output's name: letters, digits and underscores.
fn output(path: &str) -> String {
    path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// A path of an answer as JSONPath.
fn selector(path: &str) -> String {
    let part = |p: &str| if p.parse::<usize>().is_ok() { format!("[{p}]") } else { format!(".{p}") };
    format!("${}", path.split('.').map(part).collect::<String>())
}

/// The type of an output, as Automation calls it.
fn kind_of(facts: &Facts, ask: &Ask<'_>, path: &str) -> Option<&'static str> {
    let mut kind = answers(facts, &ask.call.call)?;
    for part in path.split('.') {
        kind = match kind {
            Type::Struct(members) => members.get(part)?.clone(),
            Type::List(of) | Type::Map(of) => of.as_ref().clone(),
            _ => return None,
        };
    }
    Some(match kind {
        Type::Int => "Integer",
        Type::Bool => "Boolean",
        Type::List(_) => "StringList",
        Type::Struct(_) | Type::Map(_) => "StringMap",
        _ => "String",
    })
}

fn value(input: &Input, find: &dyn Fn(&Need) -> String) -> Json {
    match input {
        Input::Plain(plain) => plain.clone(),
        Input::List(items) => Json::Array(items.iter().map(|i| value(i, find)).collect()),
        Input::Map(members) => Json::Object(members.iter().map(|(k, v)| (k.clone(), value(v, find))).collect()),
        Input::Answer(need) => json!(find(need)),
        Input::Join(bits) => {
            let bit = |b: &Bit| match b {
                Bit::Text(text) => text.clone(),
                Bit::Answer(need) => find(need),
            };
            json!(bits.iter().map(bit).collect::<String>())
        }
    }
}

//! Plans as files, for those who may not let a tool write: a shell script, Automation runbooks, patches of templates.
//!
//! Whatever a form cannot carry is named with its reason ([`Left`]); a plan is written whole or left whole.

mod input;
mod patch;
mod runbook;
mod shell;

use crate::plan::{Plan, PlannedCall};
use input::Input;
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_aws::Facts;
use yagura_model::{Lang, ResourceRef, Type};

pub use patch::patch;
pub use runbook::runbooks;
pub use shell::scripts;

/// What an export is made with.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The API facts: types of inputs and answers.
    pub facts: &'a Facts,
    /// The preview's hash.
    pub hash: &'a str,
    /// What the first file is called, without its ending.
    pub name: &'a str,
    /// Of comments and descriptions.
    pub lang: Lang,
}

/// Files, and what they do not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// Name and text of each, in the order in which a person reads them.
    pub files: Vec<(String, String)>,
    /// What is not in them, and why.
    pub left: Vec<Left>,
}

/// A plan, or a call of it, that a form cannot carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The check.
    pub rule: SmolStr,
    /// The resource.
    pub resource: ResourceRef,
    /// The call that is to blame; empty where it is the plan as a whole.
    pub call: SmolStr,
    /// Why.
    pub why: Why,
}

/// Why a form cannot carry something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A plan before it changes the same: what this one does rests on the state before that.
    Overlaps(SmolStr),
    /// No API facts tell what the call takes.
    NoFacts,
    /// It needs this of an earlier answer, and no step of the plan answers it.
    NoAnswer(String),
    /// A runbook works in one Region, and other calls of the plan go to this one.
    OtherRegion(SmolStr),
    /// Systems Manager would replace the `{{` in a value.
    Braces,
    /// Systems Manager hands this number on as one, and the call takes a text.
    NumberForText(String),
    /// A runbook knows no time in the form that calls take.
    NoTime,
    /// The call has a member that is called like a key of the step itself.
    SameName(String),
    /// Of a call that may find it done already, a runbook cannot tell whether its undo takes away what was there before.
    MayBeSo,
    /// Its runbook would be larger than Systems Manager takes.
    TooLarge,
    /// The change is no property of a template.
    NoProperty(String),
    /// No template declares this kind of resource.
    NoType(SmolStr),
    /// What it takes from the resource would have to be taken out of the template by hand: this field.
    TakenAway(String),
}

impl Why {
    /// The reason in words.
    pub fn say(&self, lang: Lang) -> String {
        match self {
            Self::Overlaps(rule) => {
                let said = lang.pick(
                    "the plan of this check changes the same; carry that out first, then export again",
                    "次のチェックの計画が同じ設定を変更する。それを実行してから再度エクスポートすること",
                );
                format!("{said}: {rule}")
            }
            Self::NoFacts => lang.pick("no API facts tell what it takes", "入力の仕様が API の情報にない").to_owned(),
            Self::NoAnswer(path) => format!("{}: {path}", lang.pick("no step answers", "どの手順の応答にもない値")),
            Self::OtherRegion(region) => format!(
                "{} {region}",
                lang.pick(
                    "a runbook works in one Region, and another call of the plan goes to",
                    "ランブックは 1 つのリージョンで動くが、計画の別の呼び出しの対象は"
                )
            ),
            Self::Braces => lang
                .pick(
                    "a value holds `{{`, which Systems Manager would replace",
                    "値が `{{` を含み、Systems Manager が置き換えてしまう",
                )
                .to_owned(),
            Self::NumberForText(path) => format!(
                "{}: {path}",
                lang.pick(
                    "Systems Manager hands this number on as a number, and the call takes text",
                    "Systems Manager は数値のまま渡すが、呼び出しは文字列を求める値"
                )
            ),
            Self::NoTime => lang
                .pick(
                    "a runbook knows no time in the form that the call takes",
                    "呼び出しが求める形式の時刻をランブックでは得られない",
                )
                .to_owned(),
            Self::SameName(name) => format!(
                "{} `{name}`",
                lang.pick(
                    "the step's own key and a member of the input are both called",
                    "手順のキーと入力のメンバーが同名:"
                )
            ),
            Self::MayBeSo => lang
                .pick(
                    "it may be so already, and a runbook cannot tell: taking it back would take away what was there before",
                    "既に同じ状態である場合をランブックでは区別できず、元に戻すと以前からあるものを取り除いてしまう",
                )
                .to_owned(),
            Self::TooLarge => lang
                .pick(
                    "its runbook would be larger than Systems Manager takes (64 KB)",
                    "ランブックが Systems Manager の上限（64 KB）を超える",
                )
                .to_owned(),
            Self::NoProperty(what) => {
                format!(
                    "{}: {what}",
                    lang.pick("no property of a template stands for it", "テンプレートに対応するプロパティがない")
                )
            }
            Self::NoType(kind) => {
                format!(
                    "{}: {kind}",
                    lang.pick("no template declares this kind of resource", "テンプレートで宣言できない種類のリソース")
                )
            }
            Self::TakenAway(field) => format!(
                "{}: {field}",
                lang.pick(
                    "it takes something away, which has to be taken out of the template itself",
                    "取り除く変更のため、テンプレート自体から該当部分を削除すること"
                )
            ),
        }
    }
}

/// A call that is ready to be written.
struct Ask<'p> {
    call: &'p PlannedCall,
    input: Input,
    /// Paths of its answer that others need, in order.
    kept: Vec<String>,
}

/// A step with its undo.
struct Ready<'p> {
    step: Ask<'p>,
    accept: &'p [SmolStr],
    undo: Vec<Ask<'p>>,
}

/// A plan whose every call can be written.
struct Written<'p> {
    plan: &'p Plan,
    steps: Vec<Ready<'p>>,
}

/// Plans that can be carried out one after the other as they are, and those that an earlier one changes the ground under. A run makes
/// these anew when their turn comes; a file cannot.
fn apart(plans: &[Plan]) -> (Vec<&Plan>, Vec<Left>) {
    let (mut kept, mut left): (Vec<&Plan>, Vec<Left>) = (Vec::new(), Vec::new());
    for plan in plans {
        let same = |other: &&&Plan| {
            other.resource == plan.resource
                && other.steps.iter().any(|a| plan.steps.iter().any(|b| overlap(&a.call, &b.call)))
        };
        match kept.iter().find(same) {
            Some(other) => left.push(Left {
                rule: plan.rule.clone(),
                resource: plan.resource.clone(),
                call: SmolStr::default(),
                why: Why::Overlaps(other.rule.clone()),
            }),
            None => kept.push(plan),
        }
    }
    (kept, left)
}

/// Calls that set everything anew: what they do not name goes back to its default (API references of the four).
const WHOLE: [&str; 4] = [
    "iam:UpdateAccountPasswordPolicy",
    "cognito-idp:UpdateUserPool",
    "cognito-identity:UpdateIdentityPool",
    "appsync:UpdateGraphqlApi",
];

/// Whether two calls on one resource set the same thing differently. Lists of named settings are set apart where no name is in both.
fn overlap(a: &PlannedCall, b: &PlannedCall) -> bool {
    if a.call != b.call || a.region != b.region {
        return false;
    }
    if WHOLE.contains(&a.call.as_str()) {
        return a.with != b.with;
    }
    let (Some(x), Some(y)) = (a.with.as_object(), b.with.as_object()) else { return false };
    let names = |v: &Json| -> Option<Vec<String>> {
        let name = |item: &Json| ["Key", "Name"].iter().find_map(|k| item.get(k)).map(Json::to_string);
        v.as_array()?.iter().map(name).collect()
    };
    x.iter().any(|(key, one)| match y.get(key) {
        Some(other) if one != other => match (names(one), names(other)) {
            (Some(one), Some(other)) => one.iter().any(|n| other.contains(n)),
            _ => true,
        },
        _ => false,
    })
}

/// Where an answer that a call needs comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum From {
    /// What every run answers: its time.
    Run,
    /// A step of the plan.
    Step(usize),
    /// A call of the same undo that looks.
    Look(usize, usize),
}

/// Takes a plan apart.
fn written<'p>(plan: &'p Plan, facts: &Facts) -> Result<Written<'p>, Box<Left>> {
    let left = |call: &PlannedCall, why| {
        Box::new(Left { rule: plan.rule.clone(), resource: plan.resource.clone(), call: call.call.clone(), why })
    };
    let ask = |call: &'p PlannedCall| {
        let members = members(facts, &call.call).ok_or_else(|| left(call, Why::NoFacts))?;
        Ok::<_, Box<Left>>(Ask { call, input: Input::of(&call.with, &members), kept: Vec::new() })
    };
    let mut steps = Vec::new();
    for step in &plan.steps {
        let undo = step.undo.iter().map(ask).collect::<Result<Vec<_>, _>>()?;
        steps.push(Ready { step: ask(&step.call)?, accept: &step.accept, undo });
    }
    let mut out = Written { plan, steps };
    let mut kept: Vec<(From, String)> = Vec::new();
    for (nth, step) in out.steps.iter().enumerate() {
        for need in step.step.input.needs() {
            let (from, path) = out
                .source(nth, None, &need.path)
                .ok_or_else(|| left(step.step.call, Why::NoAnswer(need.path.clone())))?;
            kept.push((from, path));
        }
        for (at, back) in step.undo.iter().enumerate() {
            for need in back.input.needs() {
                let (from, path) = out
                    .source(nth, Some(at), &need.path)
                    .ok_or_else(|| left(back.call, Why::NoAnswer(need.path.clone())))?;
                kept.push((from, path));
            }
        }
    }
    for (from, path) in kept {
        let ask = match from {
            From::Run => None,
            From::Step(step) => out.steps.get_mut(step).map(|s| &mut s.step),
            From::Look(step, at) => out.steps.get_mut(step).and_then(|s| s.undo.get_mut(at)),
        };
        if let Some(ask) = ask.filter(|a| !a.kept.contains(&path)) {
            ask.kept.push(path);
        }
    }
    Ok(out)
}

impl Written<'_> {
    /// Which call answers a path, and the path within its answer. `undo` says which call of the step's undo asks.
    fn source(&self, step: usize, undo: Option<usize>, path: &str) -> Option<(From, String)> {
        let (name, rest) = path.split_once('.')?;
        let rest = rest.to_owned();
        if name == crate::remedy::RUN {
            return (rest == "time").then_some((From::Run, rest));
        }
        let named = |nth: usize| self.steps.get(nth).is_some_and(|s| s.step.call.name == name);
        if let Some(at) = undo {
            let looks = self.steps.get(step)?.undo.iter().take(at).rposition(|a| a.call.name == name);
            if let Some(look) = looks {
                return Some((From::Look(step, look), rest));
            }
            // Of a call that was made for several items each step has its own answer; otherwise the last of that name.
            let of = if named(step) { Some(step) } else { (0..self.steps.len()).rev().find(|n| named(*n)) };
            return of.map(|of| (From::Step(of), rest));
        }
        (0..step).rev().find(|n| named(*n)).map(|n| (From::Step(n), rest))
    }

    /// The call that a source means.
    fn ask(&self, from: From) -> Option<&Ask<'_>> {
        match from {
            From::Run => None,
            From::Step(step) => self.steps.get(step).map(|s| &s.step),
            From::Look(step, at) => self.steps.get(step).and_then(|s| s.undo.get(at)),
        }
    }
}

/// The types of a call's input, by member.
fn members(facts: &Facts, call: &str) -> Option<BTreeMap<SmolStr, Type>> {
    let members = match facts.write_operation(call) {
        Ok(write) => write.input_members(),
        Err(_) => facts.read_operation(call).ok()?.input_members(),
    };
    Some(members.into_iter().map(|m| (m.name, m.kind)).collect())
}

/// The type of a call's answer.
fn answers(facts: &Facts, call: &str) -> Option<Type> {
    match facts.write_operation(call) {
        Ok(write) => Some(write.output()),
        Err(_) => facts.read_operation(call).ok().map(|read| read.output()),
    }
}

/// A text on one line: what a file's comment may hold.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}

/// What a plan does, line by line.
fn told(plan: &Plan) -> Vec<String> {
    let mut out = vec![one_line(&format!("{}  {}", plan.rule, plan.resource.name()))];
    out.extend(plan.says.iter().map(|s| one_line(s)));
    out
}

/// A number of a list as a person counts.
const fn counted(nth: usize) -> usize {
    nth + 1
}

/// A document as YAML: every text quoted, so that none is read as something else by a YAML 1.1 parser.
fn yaml(document: &Json) -> String {
    let options = serde_saphyr::ser_options! { quote_all: true };
    // JSON's values have no form that YAML lacks.
    serde_saphyr::to_string_with_options(document, options).unwrap_or_default()
}

/// A scalar as text.
fn scalar(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

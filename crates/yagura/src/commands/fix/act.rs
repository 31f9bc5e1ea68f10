//! Actions of Cloud Custodian's policies as plans: previewed, carried out by hash, taken back like any other.

use super::remedies::{Parsed, Remedies};
use super::used::Asked;
use super::world::Live;
use super::{allowed, carry_out, in_order, say};
use crate::cli::{AwsArgs, Cli};
use crate::commands::frameworks::TextOrJson;
use crate::commands::live;
use crate::content::Compiled;
use crate::failure::{Failure, exit};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use yagura_custodian::change::Unplanned;
use yagura_inventory::collect;
use yagura_model::{Lang, Map, ResourceRef, Snapshot, Value};
use yagura_respond::{NotMendable, Preview, Ready};
use yagura_rule::{Check, Estate};

/// What deletes data, whatever else is said of it: never planned.
const DELETING: [&str; 6] =
    ["delete", "terminate", "deregister", "delete-snapshot", "delete-global-grants", "trim-versions"];

/// An action on what a policy chose in one place.
pub struct Action {
    /// The policy.
    pub policy: SmolStr,
    /// The kind of the resources.
    pub kind: SmolStr,
    /// The action's name.
    pub name: SmolStr,
    /// What it is told.
    pub given: Result<serde_json::Map<String, serde_json::Value>, Unplanned>,
    /// What it is for.
    pub resources: Vec<ResourceRef>,
}

/// How the plans are carried out.
pub struct How<'h> {
    /// The preview's hash, where it is to be carried out.
    pub apply: Option<&'h str>,
    /// The most plans at once.
    pub max: usize,
    /// Where journals are kept.
    pub state: Option<&'h PathBuf>,
    /// The output's form.
    pub format: TextOrJson,
    /// The account; none where a snapshot is replayed.
    pub aws: Option<&'h AwsArgs>,
}

/// Shows the plans of actions, or carries them out.
///
/// # Errors
/// The hash is another one, there are more plans than allowed, or nothing can be read.
pub fn run(
    cli: &Cli,
    compiled: &Compiled,
    actions: Vec<Action>,
    snapshot: Snapshot,
    how: &How<'_>,
    lang: Lang,
) -> Result<u8, Failure> {
    let parsed = Parsed::read(cli)?;
    let mut preview = Preview::default();
    let mut ready: Vec<(Ready, Vec<ResourceRef>)> = Vec::new();
    for action in actions {
        match hold(&parsed, &action, compiled, lang) {
            Ok(held) => ready.push((held, action.resources)),
            Err(why) => preview.not_mendable.push(NotMendable {
                rule: format!("{} {}", action.policy, action.name).into(),
                maps: Vec::new(),
                resource: None,
                why,
            }),
        }
    }
    let Some(aws) = how.aws else {
        let mut estate = Estate::from_snapshot(snapshot, compiled.tables.clone());
        fill(&mut preview, &mut estate, &ready, lang);
        say::preview(&preview, &Asked::NotOffered, (how.format, how.max), false, lang)?;
        return Ok(exit::DONE);
    };
    live::runtime()?.block_on(async {
        let access = live::Access::open(aws, compiled, lang).await?;
        let mut seen = BTreeSet::new();
        let kinds = ready.iter().filter(|(r, _)| seen.insert((r.id.clone(), r.kind().to_owned())));
        let readers: Vec<Check> = kinds.flat_map(|(r, _)| r.readers(None)).collect();
        let mut estate = access.estate(compiled, &readers);
        collect(&mut estate, &access.targets, &readers, &compiled.kinds, &|_| {}).await;
        let mut estate = in_order(estate, compiled);
        fill(&mut preview, &mut estate, &ready, lang);
        let Some(asked) = how.apply else {
            say::preview(&preview, &Asked::NotOffered, (how.format, how.max), true, lang)?;
            return Ok(exit::DONE);
        };
        allowed(&preview, asked, how.max)?;
        let mut remedies = Remedies { ready: BTreeMap::new(), cannot: BTreeMap::new(), containments: BTreeMap::new() };
        for (one, _) in ready {
            remedies.ready.entry(one.id.clone()).or_default().push(one);
        }
        let world = Live { access: &access, compiled, checks: &[], remedies: &remedies, lang };
        carry_out(world, &preview, how.state, how.format).await
    })
}

/// The remedy of an action with what it is told; otherwise why there is none.
fn hold(parsed: &Parsed, action: &Action, compiled: &Compiled, lang: Lang) -> Result<Ready, String> {
    let name = &action.name;
    let Some(remedy) = parsed.acting(&action.kind, name) else {
        let deletes = DELETING.contains(&name.as_str());
        return Err(if deletes {
            lang.pick("it deletes data, which no plan does", "データを削除するため、計画にはしない").to_owned()
        } else {
            let said = lang.pick("no plan is known for this action on", "このアクションの計画がない対象:");
            format!("{said} {}", action.kind)
        });
    };
    let given = action.given.as_ref().map_err(|why| match why {
        Unplanned::Key(key) => {
            format!(
                "{} `{key}`",
                lang.pick("this key, or its value, is not carried out here:", "実行できないキーまたは値:")
            )
        }
        Unplanned::Hour => lang
            .pick("it names an hour, so that no two previews are the same", "時刻を含むため、プレビューが毎回変わる")
            .to_owned(),
    })?;
    if let Some(other) = given.keys().find(|k| !remedy.takes(k)) {
        let said = lang.pick("this key, or its value, is not carried out here:", "実行できないキーまたは値:");
        return Err(format!("{said} `{other}`"));
    }
    let given: Map =
        given.iter().filter_map(|(k, v)| Some((k.as_str().into(), Value::from_json(v.clone())?))).collect();
    let ready = remedy.action(&action.kind, &given, &compiled.schema, &compiled.facts);
    ready.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// Makes the plans.
fn fill(preview: &mut Preview, estate: &mut Estate, ready: &[(Ready, Vec<ResourceRef>)], lang: Lang) {
    for (one, resources) in ready {
        for resource in resources {
            let at = estate.assets().iter().position(|a| ResourceRef::of(a) == *resource);
            let plan = match at.and_then(|at| u32::try_from(at).ok()) {
                Some(at) => one.plan(estate, at, lang),
                None => Err(lang.pick("the resource cannot be found", "リソースが見つからない").to_owned()),
            };
            match plan {
                Ok(plan) => preview.add(plan),
                Err(why) => preview.not_mendable.push(NotMendable {
                    rule: one.id.clone(),
                    maps: Vec::new(),
                    resource: Some(resource.clone()),
                    why,
                }),
            }
        }
    }
}

//! `run`: what the policies need is read, each is run wherever it is for, and its folder written.

use super::output::{self, Outcome};
use super::source::{facts, local_file, names, policies};
use super::{Form, RunArgs};
use crate::cli::Cli;
use crate::commands::fix::act::{self, Action, How};
use crate::commands::frameworks::TextOrJson;
use crate::commands::{live, readers, scan};
use crate::content::{Compiled, Content};
use crate::failure::{Failure, exit};
use crate::progress::Display;
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::io::Write;
use yagura_custodian::call::Call;
use yagura_custodian::change::settings;
use yagura_custodian::filter::{Read, type_of};
use yagura_custodian::policy::Policy;
use yagura_custodian::run::{Setting, plan};
use yagura_custodian::world::{Names, Place, World};
use yagura_inventory::{FieldCall, Input, load, save};
use yagura_model::{Lang, Snapshot, Value};
use yagura_rule::Check;

/// Runs policies.
pub fn run(cli: &Cli, args: &RunArgs, lang: Lang) -> Result<u8, Failure> {
    let facts = facts()?;
    let (policies, errors, _) = policies(&args.policies, &facts)?;
    if !errors.is_empty() {
        return Err(Failure::content(&errors));
    }
    let event = args.event.as_ref().map(|path| event(path)).transpose()?;
    let content = Content::load(cli.content.as_deref())?;
    let mut compiled = content.compile()?;
    let names = names(&compiled, &facts);
    let started = jiff::Timestamp::now();
    let before = Setting { facts: &facts, names: &names, now: started, file: &local_file, event: event.as_ref() };
    let mut wanted: BTreeSet<Read> = BTreeSet::new();
    for p in &policies {
        wanted.extend(before.needs(p).unwrap_or_default());
    }
    let asked = asked(&wanted);
    if !asked.is_empty() {
        compiled = content.compile_with(&asked)?;
    }
    if let Some(dir) = &args.output_dir {
        std::fs::create_dir_all(dir).map_err(|e| {
            Failure::usage(
                format!("cannot make the folder `{}`: {e}", dir.display()),
                format!("フォルダー `{}` を作れない: {e}", dir.display()),
            )
        })?;
    }
    let snapshot = read(args, &compiled, &names, &wanted, lang)?;
    let kinds: BTreeSet<SmolStr> = wanted.iter().filter_map(|r| r.kind().cloned()).collect();
    let world = World::new(&snapshot, &names, &kinds);
    let setting = Setting { now: snapshot.taken_at, ..before };
    let mut outcomes = Vec::new();
    for place in places(&snapshot) {
        for p in &policies {
            let first = snapshot.scope.regions_in(&place.account).first() == Some(&place.region);
            if facts.resource(&p.resource).is_some_and(|r| r.is_global()) && !first {
                continue;
            }
            outcomes.push(Outcome {
                policy: p,
                place: place.clone(),
                selection: setting.run(p, &world, &place),
                plan: Vec::new(),
            });
        }
    }
    for o in &mut outcomes {
        let count = o.selection.as_ref().map_or(0, |s| s.resources.len());
        o.plan = plan(o.policy, count);
    }
    if args.plan || args.apply.is_some() {
        output::tell_gaps(&outcomes, lang);
        let actions = actions(&outcomes, &names, snapshot.taken_at);
        drop(outcomes);
        let how = How {
            apply: args.apply.as_deref(),
            max: args.max,
            state: args.state.as_ref(),
            format: if args.format == Form::Json { TextOrJson::Json } else { TextOrJson::default() },
            aws: (!args.estate.demo && args.estate.snapshot.is_none()).then_some(&args.aws),
        };
        return act::run(cli, &compiled, actions, snapshot.clone(), &how, lang);
    }
    if let Some(dir) = &args.output_dir {
        output::write(dir, &outcomes, &snapshot, facts.version(), args)?;
    }
    output::tell_gaps(&outcomes, lang);
    let mut out = std::io::stdout().lock();
    match args.format {
        Form::Json => output::json(&outcomes, &mut out)?,
        Form::Text => output::text(&outcomes, &mut out, lang)?,
    }
    out.flush()?;
    let blind = !outcomes.is_empty() && outcomes.iter().all(Outcome::is_blind);
    Ok(if blind { exit::BLIND } else { exit::DONE })
}

/// The actions of policies on what each chose for certain.
fn actions(outcomes: &[Outcome<'_>], names: &Names, now: jiff::Timestamp) -> Vec<Action> {
    let mut out = Vec::new();
    for o in outcomes {
        let chosen = o.selection.as_ref().filter(|s| s.skipped.is_none() && s.exceeded.is_none());
        let (Some(s), Some(kind)) = (chosen, names.by_resource.get(&o.policy.resource)) else { continue };
        for action in o.policy.actions() {
            let name = type_of(action).unwrap_or_default();
            out.push(Action {
                policy: o.policy.name.clone(),
                kind: kind.kind.clone(),
                name: name.into(),
                given: settings(name, action, now),
                resources: s.chosen.clone(),
            });
        }
    }
    out
}

fn event(path: &std::path::Path) -> Result<Json, Failure> {
    let told = |e: String| Failure::usage(format!("`{}`: {e}", path.display()), format!("`{}`: {e}", path.display()));
    let text = local_file(&path.to_string_lossy()).map_err(told)?;
    serde_json::from_str(&text).map_err(|e| told(e.to_string()))
}

/// Every account and Region of a snapshot.
fn places(snapshot: &Snapshot) -> Vec<Place> {
    let regions = |account: &str| snapshot.scope.regions_in(account).to_vec();
    let of = |c: &yagura_model::Caller| {
        let (account, partition) = (c.account.clone(), c.partition.clone());
        let place = move |region| Place { account: account.clone(), region, partition: partition.clone() };
        regions(&c.account).into_iter().map(place).collect::<Vec<_>>()
    };
    snapshot.callers.iter().flat_map(of).collect()
}

fn read(
    args: &RunArgs,
    compiled: &Compiled,
    names: &Names,
    wanted: &BTreeSet<Read>,
    lang: Lang,
) -> Result<Snapshot, Failure> {
    if args.estate.demo {
        return scan::demo(compiled);
    }
    if let Some(path) = &args.estate.snapshot {
        return load(path).map_err(|e| Failure::usage(e.to_string(), format!("スナップショットを読み込めない: {e}")));
    }
    let checks = readers_of(compiled, names, wanted);
    let display = Display::new(args.quiet, lang);
    let mut snapshot = live::read(&args.aws, compiled, &checks, &display, lang)?;
    snapshot.scope.checks.clear();
    if let Some(path) = &args.estate.save {
        save(&snapshot, path)
            .map_err(|e| Failure::usage(e.to_string(), format!("スナップショットを保存できない: {e}")))?;
    }
    Ok(snapshot)
}

/// Checks that only have read what policies want: listings by a field that comes with them, others by name.
fn readers_of(compiled: &Compiled, names: &Names, wanted: &BTreeSet<Read>) -> Vec<Check> {
    let listed = |kind: &SmolStr| {
        let known = names.of_kind(kind).and_then(|k| k.listed.clone());
        let kind = compiled.kinds.get(kind)?;
        known.or_else(|| kind.names().find(|f| matches!(kind.source(f), Some(yagura_inventory::Source::List))).cloned())
    };
    let mut fields: BTreeSet<(SmolStr, SmolStr)> = BTreeSet::new();
    let mut checks = Vec::new();
    for r in wanted {
        match r {
            Read::Kind(kind) => match listed(kind) {
                Some(field) => {
                    fields.insert((kind.clone(), field));
                }
                None => checks.extend(readers::of_kind(compiled, kind)),
            },
            Read::Field(kind, field) => {
                fields.insert((kind.clone(), field.clone()));
            }
            Read::Some(kind, field, member, values) => {
                checks.extend(readers::of_some(compiled, kind, field, Some((member, values))));
            }
            Read::Asked(call) => {
                fields.insert((call.kind.clone(), call.field.clone()));
            }
            Read::Own(_) => {}
        }
    }
    checks.extend(fields.iter().filter_map(|(kind, field)| readers::of_field(compiled, kind, field)));
    checks
}

/// The calls of policies' own, as fields of their kinds.
fn asked(wanted: &BTreeSet<Read>) -> Vec<(SmolStr, FieldCall)> {
    let mut seen = BTreeSet::new();
    let calls = wanted.iter().filter_map(|r| match r {
        Read::Asked(call) => Some(call),
        _ => None,
    });
    let field = |call: &Call| {
        let with: Json = serde_json::from_str(&call.with).unwrap_or_default();
        let with = with.as_object().into_iter().flatten();
        FieldCall {
            name: call.field.clone(),
            call: call.call.clone(),
            with: with
                .filter_map(|(k, v)| Some((k.as_str().into(), Input::Constant(Value::from_json(v.clone())?))))
                .collect(),
            take: call.take.clone(),
            absent_on: call.absent_on.clone(),
            member: None,
        }
    };
    calls.filter(|c| seen.insert((&c.kind, &c.field))).map(|c| (c.kind.clone(), field(c))).collect()
}

/// A policy's place in messages.
pub fn title(p: &Policy, place: &Place, several: bool) -> String {
    if several { format!("{} ({} {})", p.name, place.account, place.region) } else { p.name.to_string() }
}

//! `yagura permissions`: the exact policy, derived from the fields that the chosen checks read.

use super::prepare::{Prepared, prepare};
use super::{live, net, tags};
use crate::cli::{Cli, PermissionsArgs};
use crate::failure::{Failure, exit};
use crate::progress::Display;
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use yagura_inventory::Plan;
use yagura_model::{Field, Gap, GapReason, Lang};

/// A policy document, with its elements in the order that AWS writes them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy<'p> {
    version: &'p str,
    statement: [Statement<'p>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'p> {
    sid: &'p str,
    effect: &'p str,
    action: &'p BTreeSet<SmolStr>,
    resource: &'p str,
}

/// The actions that reading for these checks takes.
pub fn actions(plan: &Plan) -> BTreeSet<SmolStr> {
    // STS answers GetCallerIdentity whatever the policies say; ec2:DescribeRegions serves --all-regions.
    plan.permissions().map(|(p, _)| p.clone()).chain(["ec2:DescribeRegions".into()]).collect()
}

/// Prints the policy, or verifies it.
pub fn run(cli: &Cli, args: &PermissionsArgs, lang: Lang) -> Result<u8, Failure> {
    let Prepared { compiled, mut checks, .. } = prepare(cli, &args.selection, lang)?;
    if !args.resource_tag.is_empty() {
        checks.extend(tags::readers(&compiled, &checks));
    }
    if args.network {
        checks.extend(net::source::readers(&compiled));
    }
    let plan = Plan::of(&checks, &compiled.kinds);
    let mut actions = actions(&plan);
    if args.trail {
        actions.extend(super::trail::ACTIONS.map(SmolStr::from));
    }
    if !args.verify {
        let read = Statement { sid: "YaguraRead", effect: "Allow", action: &actions, resource: "*" };
        let policy = Policy { version: "2012-10-17", statement: [read] };
        let mut out = std::io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &policy).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(exit::DONE);
    }
    let display = Display::new(false, lang);
    let snapshot = live::read(&args.aws, &compiled, &checks, &display, lang)?;
    let mut denied: BTreeMap<SmolStr, BTreeSet<String>> = BTreeMap::new();
    // Calls that failed before AWS looked at permissions: whether they are allowed is not known.
    let mut untold: BTreeSet<String> = BTreeSet::new();
    let mut note = |gap: &Gap| match (&gap.permission, gap.reason) {
        (Some(p), _) if gap.is_denied() => {
            denied.entry(p.clone()).or_default().insert(gap.detail.clone());
        }
        (
            _,
            GapReason::NotRequested
            | GapReason::NotTold
            | GapReason::AfterDeployment
            | GapReason::NotDecided
            | GapReason::RegionDisabled,
        ) => {}
        _ => {
            untold.insert(gap.say(lang));
        }
    };
    for listing in &snapshot.listings {
        listing.gap.iter().for_each(|g| note(g));
    }
    for asset in &snapshot.assets {
        for (_, field) in &asset.fields {
            if let Field::Unknown(gap) = field {
                note(gap);
            }
        }
    }
    let mut out = std::io::stdout().lock();
    for (permission, details) in &denied {
        let needed: Vec<&str> = plan
            .permissions()
            .filter(|(p, _)| *p == permission)
            .flat_map(|(_, c)| c.iter().map(SmolStr::as_str))
            .collect();
        let detail = details.iter().next().map_or("", String::as_str);
        writeln!(
            out,
            "{} {permission}  ({}: {})  {detail}",
            lang.pick("missing", "不足"),
            lang.pick("needed by", "必要とするチェック"),
            needed.join(", ")
        )?;
    }
    for said in &untold {
        writeln!(out, "{} {said}", lang.pick("not known:", "確認できない:"))?;
    }
    if denied.is_empty() && !untold.is_empty() {
        return Ok(exit::BLIND);
    }
    if denied.is_empty() {
        writeln!(
            out,
            "{}",
            lang.pick(
                "nothing is missing: every call that this account's resources need was allowed",
                "不足している権限はない: このアカウントのリソースに必要な呼び出しはすべて許可された"
            )
        )?;
        return Ok(exit::DONE);
    }
    Ok(exit::FINDINGS)
}

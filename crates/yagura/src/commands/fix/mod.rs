//! `yagura fix` and `yagura undo`: plans previewed, carried out, taken back.

mod args;
mod contain;
mod say;
mod world;

pub use args::{ContainArgs, FixArgs, UndoArgs, help_ja};
pub use contain::run as contain;

use super::prepare::{Prepared, prepare};
use super::{live, scan, state};
use crate::cli::{Cli, Selection};
use crate::commands::frameworks::TextOrJson;
use crate::content::{self, Compiled, Content};
use crate::failure::{Failure, exit};
use crate::progress::Display;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use world::Live;
use yagura_inventory::{collect, load};
use yagura_model::{Lang, ResourceRef, Status, Verdict};
use yagura_respond::journal::{Event, Journals};
use yagura_respond::{NotMendable, Preview, Ready, Remedy, run};
use yagura_rule::{Check, ContentError, Estate, Subject, judge, verdict};

/// What is ready to mend: the checks, and their remedies.
pub struct Remedies {
    /// Remedies held against the chosen checks, by check.
    pub ready: BTreeMap<SmolStr, Vec<Ready>>,
    /// Why no call mends a check's failures, by check.
    pub cannot: BTreeMap<SmolStr, Remedy>,
    /// What contains a resource in an incident, each with the check that fails every resource of its kind.
    pub containments: BTreeMap<SmolStr, (Remedy, Check)>,
}

impl Remedies {
    /// Reads the remedies of these checks. A broken file of the user's is left out and complained of.
    ///
    /// # Errors
    /// The user's folder cannot be read.
    pub fn load(cli: &Cli, checks: &[Check], compiled: &Compiled, lang: Lang) -> Result<Self, Failure> {
        let (files, mut errors) = content::remedies(cli.content.as_deref())?;
        let mut out = Self { ready: BTreeMap::new(), cannot: BTreeMap::new(), containments: BTreeMap::new() };
        for file in &files {
            let remedy = match Remedy::parse(file) {
                Ok(remedy) => remedy,
                Err(e) => {
                    errors.extend(e);
                    continue;
                }
            };
            match remedy.as_check(&compiled.schema) {
                Ok(Some(check)) => match remedy.ready(&check, &compiled.schema, &compiled.facts) {
                    Ok(ready) => {
                        out.ready.insert(remedy.id.clone(), vec![ready]);
                        out.containments.insert(remedy.id.clone(), (remedy, check));
                        continue;
                    }
                    Err(e) => errors.extend(e),
                },
                Ok(None) => {}
                Err(e) => errors.extend(e),
            }
            for check in checks.iter().filter(|c| remedy.mends.contains(&c.id)) {
                if remedy.cannot.is_some() {
                    out.cannot.insert(check.id.clone(), remedy.clone());
                    continue;
                }
                match remedy.ready(check, &compiled.schema, &compiled.facts) {
                    Ok(ready) => out.ready.entry(check.id.clone()).or_default().push(ready),
                    Err(e) => errors.extend(e),
                }
            }
        }
        for e in &errors {
            let _ = writeln!(std::io::stderr(), "{}: {e}", lang.pick("left out", "除外したファイル"));
        }
        Ok(out)
    }

    /// What has to be read for the plans of failing resources.
    fn readers(&self, checks: &[Check]) -> Vec<Check> {
        let of = |c: &Check| {
            self.ready.get(&c.id).into_iter().flatten().flat_map(|r| r.readers(Some(c))).collect::<Vec<_>>()
        };
        checks.iter().flat_map(of).collect()
    }

    /// The plans for what fails, and why the rest has none.
    fn preview(&self, estate: &mut Estate, checks: &[Check], wanted: &[String], lang: Lang) -> Preview {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let judgements = judge(estate, checks, threads);
        let mut out = Preview::default();
        let mut named: BTreeSet<&String> = BTreeSet::new();
        for j in judgements.iter().filter(|j| j.status == Status::Fail) {
            let Some(v) = verdict(estate, checks, j, lang) else { continue };
            let by: Vec<&String> = wanted.iter().filter(|w| names(w, &v)).collect();
            if by.is_empty() && !wanted.is_empty() {
                continue;
            }
            named.extend(by);
            let Subject::Asset(asset) = j.subject else { continue };
            match self.plan(estate, asset, &v, lang) {
                Ok(plan) => out.add(plan),
                Err(why) => out.not_mendable.push(NotMendable {
                    rule: v.rule.clone(),
                    maps: v.maps.to_vec(),
                    resource: Some(v.resource.clone()),
                    why,
                }),
            }
        }
        for missing in wanted.iter().filter(|w| !named.contains(w)) {
            let said = lang.pick("nothing that fails here is called", "失敗した検出結果に該当するものがない:");
            let _ = writeln!(std::io::stderr(), "{said} `{missing}`");
        }
        out
    }

    /// The plan of the first remedy that fits.
    fn plan(&self, estate: &Estate, asset: u32, v: &Verdict, lang: Lang) -> Result<yagura_respond::Plan, String> {
        let mut reasons = Vec::new();
        for ready in self.ready.get(&v.rule).into_iter().flatten() {
            match ready.plan(estate, asset, lang) {
                Ok(plan) => return Ok(plan),
                Err(why) => reasons.push(why),
            }
        }
        if let Some(remedy) = self.cannot.get(&v.rule)
            && let Some(cannot) = &remedy.cannot
        {
            reasons.push(cannot.pick(lang).to_owned());
        }
        if reasons.is_empty() {
            let said =
                lang.pick("no remedy by API call is known. By hand", "API 呼び出しによる修復手順はない。手動での対処");
            reasons.push(format!("{said}: {}", v.fix));
        }
        Err(reasons.join("; "))
    }
}

/// Whether a word names a finding: by its resource (ARN or id) or its check.
fn names(word: &str, v: &Verdict) -> bool {
    v.resource.arn.as_deref() == Some(word) || v.resource.id == word || v.rule == word
}

/// Runs `yagura fix`.
pub fn run(cli: &Cli, args: &FixArgs, lang: Lang) -> Result<u8, Failure> {
    let selection = Selection {
        service: args.service.clone(),
        check: args.rule.clone(),
        framework: args.framework.clone(),
        severity: args.severity,
    };
    let Prepared { compiled, checks, .. } = prepare(cli, &selection, lang)?;
    let remedies = Remedies::load(cli, &checks, &compiled, lang)?;
    if args.demo || args.snapshot.is_some() {
        let snapshot = match &args.snapshot {
            Some(path) => {
                load(path).map_err(|e| Failure::usage(e.to_string(), format!("スナップショットを読み込めない: {e}")))?
            }
            None => scan::demo(&compiled)?,
        };
        let mut estate = Estate::from_snapshot(snapshot, compiled.tables.clone());
        let preview = remedies.preview(&mut estate, &checks, &args.findings, lang);
        say::preview(&preview, (args.format, args.max), false, lang)?;
        return Ok(exit::DONE);
    }
    let runtime = live::runtime()?;
    runtime.block_on(async {
        let access = live::Access::open(&args.aws, &compiled, lang).await?;
        let display = Display::new(args.quiet, lang);
        let mut all = checks.clone();
        all.extend(remedies.readers(&checks));
        let mut estate = access.estate(&compiled, &checks);
        collect(&mut estate, &access.targets, &all, &compiled.kinds, &|p| display.step(p)).await;
        display.finish();
        let mut estate = in_order(estate, &compiled);
        let preview = remedies.preview(&mut estate, &checks, &args.findings, lang);
        let Some(asked) = &args.apply else {
            say::preview(&preview, (args.format, args.max), true, lang)?;
            return Ok(exit::DONE);
        };
        allowed(&preview, asked, args.max)?;
        let world = Live { access: &access, compiled: &compiled, checks: &checks, remedies: &remedies, lang };
        carry_out(world, &preview, args.state.as_ref(), args.format).await
    })
}

/// Carries a preview out that was allowed, with its journal, and says what came of it.
async fn carry_out(
    mut world: Live<'_>,
    preview: &Preview,
    folder: Option<&PathBuf>,
    format: TextOrJson,
) -> Result<u8, Failure> {
    let lang = world.lang;
    let unwritable = |e: std::io::Error| unwritable(folder, &e);
    let by = world.access.targets.first().map(|t| t.caller.arn.clone()).unwrap_or_default();
    let journals = Journals::at(&state::folder(folder)?);
    let now = jiff::Timestamp::now();
    let mut journal = journals.begin(now, &by, &preview.hash(), &preview.plans).map_err(unwritable)?;
    let outcome = run::apply(&mut world, &mut journal, lang).await.map_err(unwritable)?;
    say::applied(&journal.run, &outcome, format, lang)?;
    Ok(if outcome.failed.is_empty() { exit::DONE } else { exit::FINDINGS })
}

/// Whether a preview may be carried out: it is the one that was shown, and no larger than allowed.
fn allowed(preview: &Preview, asked: &str, max: usize) -> Result<(), Failure> {
    let hash = preview.hash();
    if *asked != *hash {
        let failure = Failure::usage(
            "this is not the hash of what would be done now; nothing was changed",
            "指定されたハッシュは現在の計画と一致しない。何も変更していない",
        );
        return Err(failure.hint(
            format!("something changed since the preview, or the selection differs: preview again (now {hash})"),
            format!("プレビュー後に状態が変わったか、条件が異なる。プレビューからやり直すこと（現在は {hash}）"),
        ));
    }
    if preview.plans.len() > max {
        let n = preview.plans.len();
        let failure = Failure::usage(
            format!("{n} plans are more than --max {max}; nothing was changed"),
            format!("計画が {n} 件あり、--max {max} を超えている。何も変更していない"),
        );
        return Err(failure.hint("choose fewer findings, or raise --max", "対象を絞るか、--max を増やすこと"));
    }
    if preview.plans.is_empty() {
        return Err(Failure::usage("there is nothing to do", "実行する計画がない"));
    }
    Ok(())
}

/// Runs `yagura undo`.
pub fn undo(cli: &Cli, args: &UndoArgs, lang: Lang) -> Result<u8, Failure> {
    let journals = Journals::at(&state::folder(args.state.as_ref())?);
    let unwritable = |e: std::io::Error| unwritable(args.state.as_ref(), &e);
    let Some(name) = &args.run else {
        say::runs(&journals, args.format, lang)?;
        return Ok(exit::DONE);
    };
    let mut journal = journals.open(name).map_err(|e| {
        let runs = journals.runs().unwrap_or_default();
        match e.kind() {
            std::io::ErrorKind::NotFound => Failure::unknown(("run", "実行"), name, runs.iter().map(String::as_str))
                .hint_if_none("see `yagura undo`", "`yagura undo` で一覧を確認すること"),
            std::io::ErrorKind::WouldBlock => {
                Failure::usage("another process works on this run", "この実行は別のプロセスが処理中")
            }
            _ => unwritable(e),
        }
    })?;
    let plans = journal.plans();
    // A containment stands for no check; where there is none, no check is chosen.
    let (files, _) = content::remedies(cli.content.as_deref())?;
    let contained: BTreeSet<SmolStr> =
        files.iter().filter_map(|f| Remedy::parse(f).ok()).filter(|r| r.contains.is_some()).map(|r| r.id).collect();
    let rules = plans.iter().flat_map(|p| p.rules()).filter(|r| !contained.contains(*r)).cloned();
    let selection = Selection { check: rules.collect(), ..Selection::default() };
    let Prepared { compiled, checks, .. } = prepare(cli, &selection, lang)?;
    let remedies = Remedies::load(cli, &checks, &compiled, lang)?;
    let runtime = live::runtime()?;
    runtime.block_on(async {
        let mut access = live::Access::open(&args.aws, &compiled, lang).await?;
        for region in plans.iter().map(|p| &p.resource.region) {
            if !access.scope.regions.contains(region) && !region.ends_with("-global") {
                access.scope.regions.push(region.clone());
            }
        }
        if let Some(other) =
            plans.iter().find(|p| !access.targets.iter().any(|t| t.caller.account == p.resource.account))
        {
            let account = &other.resource.account;
            return Err(Failure::usage(
                format!("the run changed account {account}, and these credentials are not of it"),
                format!("この実行はアカウント {account} を変更したが、現在の認証情報は別のアカウントのもの"),
            ));
        }
        let mut world = Live { access: &access, compiled: &compiled, checks: &checks, remedies: &remedies, lang };
        let outcome = run::undo(&mut world, &mut journal, args.force, lang).await.map_err(unwritable)?;
        say::undone(&journal.run, &outcome, args.format, lang)?;
        Ok(if outcome.failed.is_empty() { exit::DONE } else { exit::FINDINGS })
    })
}

/// The same estate in an order that does not hang on which answer came first: so a preview's hash is the same every time.
fn in_order(estate: Estate, compiled: &Compiled) -> Estate {
    Estate::from_snapshot(estate.into_snapshot(String::new(), 0), compiled.tables.clone())
}

fn unwritable(folder: Option<&PathBuf>, e: &std::io::Error) -> Failure {
    let place = folder.map_or_else(String::new, |f| format!(" ({})", f.display()));
    Failure::usage(
        format!("the journal of runs cannot be used{place}: {e}; nothing more was changed"),
        format!("実行記録を読み書きできない{place}: {e}。以降は何も変更していない"),
    )
}

/// Says what is wrong with remedies; whether all is well. Looked at are a folder's own, or the shipped ones.
///
/// # Errors
/// The output cannot be written.
pub fn lint(
    folder: Option<&std::path::Path>,
    content: &Content,
    compiled: &Compiled,
    lang: Lang,
) -> Result<bool, Failure> {
    let (files, mut errors) = content::remedies(folder)?;
    let none = BTreeMap::new();
    let (mut kept, mut all) = (0, 0);
    for file in files.iter().filter(|f| f.shipped == folder.is_none()) {
        all += 1;
        match lint_one(file, content, compiled, &none) {
            Ok(()) => kept += 1,
            Err(e) => errors.extend(e),
        }
    }
    let mut out = std::io::stdout().lock();
    for e in &errors {
        writeln!(out, "✗ {e}")?;
    }
    if all > 0 {
        let said = lang.pick("remedies fit the checks that they mend", "件の修復手順が対象のチェックに適合");
        writeln!(out, "{kept} {} {all} {said}", lang.pick("of", "/"))?;
    }
    Ok(errors.is_empty())
}

fn lint_one(
    file: &yagura_model::ContentFile,
    content: &Content,
    compiled: &Compiled,
    settings: &BTreeMap<SmolStr, yagura_model::Map>,
) -> Result<(), Vec<ContentError>> {
    let remedy = Remedy::parse(file)?;
    let broken = |message: String| ContentError { file: file.path.clone(), line: 1, column: 1, message };
    if let Some(check) = remedy.as_check(&compiled.schema)? {
        remedy.ready(&check, &compiled.schema, &compiled.facts)?;
    }
    for id in &remedy.mends {
        let Some(check) = content.checks.get(id) else {
            let near = yagura_rule::nearest_hint(id, content.checks.keys().map(SmolStr::as_str));
            return Err(vec![broken(format!("no check `{id}`{near}"))]);
        };
        let (checks, errors) = content.compile_checks([check], compiled, settings);
        if let (Some(check), true) = (checks.first(), remedy.cannot.is_none()) {
            remedy.ready(check, &compiled.schema, &compiled.facts)?;
        } else if !errors.is_empty() {
            return Err(errors);
        }
    }
    Ok(())
}

/// What a remedy does, or why no call mends what it speaks of.
pub fn said(remedy: &Remedy, lang: Lang) -> &str {
    remedy.cannot.as_ref().unwrap_or(&remedy.does).pick(lang)
}

/// A resource for a reader: its ARN, else its id.
fn name_of(resource: &ResourceRef) -> &str {
    resource.arn.as_deref().unwrap_or(&resource.id)
}

/// When a run began, by its journal.
fn begun(journals: &Journals, run: &str) -> Option<(jiff::Timestamp, usize)> {
    let entries = journals.read(run).ok()?;
    let first = entries.first()?;
    match &first.event {
        Event::Begun { plans, .. } => Some((first.at, plans.len())),
        _ => None,
    }
}

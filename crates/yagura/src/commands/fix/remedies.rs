//! The remedies: read once, held against the checks under repair, and made into plans.

use crate::cli::Cli;
use crate::content::{self, Compiled, Content};
use crate::failure::Failure;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use yagura_model::{Lang, Map, Status, Verdict};
use yagura_respond::{NotMendable, Plan, Preview, Ready, Remedy};
use yagura_rule::{Check, ContentError, Estate, Subject, judge, verdict};

/// Every remedy that is well-formed, and what is wrong with the other files.
pub struct Parsed {
    remedies: Vec<Remedy>,
    errors: Vec<ContentError>,
}

impl Parsed {
    /// Reads them all.
    ///
    /// # Errors
    /// The user's folder cannot be read.
    pub fn read(cli: &Cli) -> Result<Self, Failure> {
        let (files, mut errors) = content::remedies(cli.content.as_deref())?;
        let mut remedies = Vec::new();
        for file in &files {
            match Remedy::parse(file) {
                Ok(remedy) => remedies.push(remedy),
                Err(e) => errors.extend(e),
            }
        }
        Ok(Self { remedies, errors })
    }

    /// Whether a remedy of this id stands for no check: it contains something in an incident, or carries an action out.
    pub fn is_own(&self, id: &str) -> bool {
        self.remedies.iter().any(|r| r.id == id && r.mends.is_empty())
    }

    /// The settings that remedies need, by name.
    pub fn needs(&self) -> BTreeSet<SmolStr> {
        self.remedies.iter().flat_map(|r| &r.needs).map(|(name, _)| name.clone()).collect()
    }

    /// The remedy that carries an action of Cloud Custodian out on a kind.
    pub fn acting(&self, kind: &str, action: &str) -> Option<&Remedy> {
        self.remedies.iter().find(|r| r.acts.iter().any(|a| a == action) && r.of.iter().any(|(k, _)| k == kind))
    }

    /// Holds them against these checks. A broken file of the user's is left out and complained of.
    pub fn hold(self, checks: &[Check], compiled: &Compiled, settings: &Map, lang: Lang) -> Remedies {
        let Self { remedies, mut errors } = self;
        let mut out = Remedies { ready: BTreeMap::new(), cannot: BTreeMap::new(), containments: BTreeMap::new() };
        for remedy in remedies {
            if let Err(e) = out.add(remedy, checks, compiled, settings) {
                errors.extend(e);
            }
        }
        for e in &errors {
            let _ = writeln!(std::io::stderr(), "{}: {e}", lang.pick("left out", "除外したファイル"));
        }
        out
    }
}

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
    /// Holds a remedy against what it mends or contains.
    fn add(
        &mut self,
        remedy: Remedy,
        checks: &[Check],
        compiled: &Compiled,
        settings: &Map,
    ) -> Result<(), Vec<ContentError>> {
        if let Some(check) = remedy.as_check(&compiled.schema)? {
            let ready = remedy.ready(&check, &compiled.schema, &compiled.facts)?;
            self.ready.insert(remedy.id.clone(), vec![ready]);
            self.containments.insert(remedy.id.clone(), (remedy, check));
            return Ok(());
        }
        for (kind, _) in &remedy.of {
            let ready = remedy.action(kind, &Map::new(), &compiled.schema, &compiled.facts)?;
            self.ready.entry(remedy.id.clone()).or_default().push(ready);
        }
        let mut errors = Vec::new();
        for check in checks.iter().filter(|c| remedy.mends.contains(&c.id)) {
            if remedy.cannot.is_some() {
                self.cannot.insert(check.id.clone(), remedy.clone());
                continue;
            }
            match remedy.ready_with(check, settings, &compiled.schema, &compiled.facts) {
                Ok(ready) => self.ready.entry(check.id.clone()).or_default().push(ready),
                Err(e) => errors.extend(e),
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// What has to be read for the plans of failing resources.
    pub fn readers(&self, checks: &[Check]) -> Vec<Check> {
        let of = |c: &Check| {
            self.ready.get(&c.id).into_iter().flatten().flat_map(|r| r.readers(Some(c))).collect::<Vec<_>>()
        };
        checks.iter().flat_map(of).collect()
    }

    /// The plans for what fails, and why the rest has none.
    ///
    /// # Errors
    /// Nothing that was named fails: a sentence.
    pub fn preview(
        &self,
        estate: &mut Estate,
        checks: &[Check],
        wanted: &[String],
        lang: Lang,
    ) -> Result<Preview, Failure> {
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
        let missing: Vec<&str> = wanted.iter().filter(|w| !named.contains(w)).map(String::as_str).collect();
        if missing.is_empty() {
            return Ok(out);
        }
        let failure = Failure::usage(
            format!("nothing that fails here is called `{}`", missing.join("`, `")),
            format!("`{}` に該当する不合格はない", missing.join("`、`")),
        );
        if named.is_empty() {
            return Err(failure.hint(
                "name a check, an ARN or a resource's id, as `yagura scan --format jsonl` shows them",
                "チェック、ARN、またはリソースの ID を指定すること（`yagura scan --format jsonl` に表示される）",
            ));
        }
        let _ = writeln!(std::io::stderr(), "{}", failure.render(lang));
        Ok(out)
    }

    /// The plan of the first remedy that fits.
    fn plan(&self, estate: &Estate, asset: u32, v: &Verdict, lang: Lang) -> Result<Plan, String> {
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
    let (mut kept, mut all) = (0, 0);
    for file in files.iter().filter(|f| f.shipped == folder.is_none()) {
        all += 1;
        match lint_one(file, content, compiled) {
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

fn lint_one(file: &yagura_model::ContentFile, content: &Content, compiled: &Compiled) -> Result<(), Vec<ContentError>> {
    let remedy = Remedy::parse(file)?;
    let broken = |message: String| ContentError { file: file.path.clone(), line: 1, column: 1, message };
    if let Some(check) = remedy.as_check(&compiled.schema)? {
        remedy.ready(&check, &compiled.schema, &compiled.facts)?;
    }
    for (kind, _) in &remedy.of {
        remedy.action(kind, &Map::new(), &compiled.schema, &compiled.facts)?;
    }
    for id in &remedy.mends {
        let Some(check) = content.checks.get(id) else {
            let near = yagura_rule::nearest_hint(id, content.checks.keys().map(SmolStr::as_str));
            return Err(vec![broken(format!("no check `{id}`{near}"))]);
        };
        let (checks, errors) = content.compile_checks([check], compiled, &BTreeMap::new());
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

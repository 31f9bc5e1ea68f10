//! A scan into the store, and what of it is told.

use super::{open, words};
use crate::cli::Cli;
use crate::commands::scan::write_file;
use crate::commands::tags;
use crate::content::Compiled;
use crate::failure::Failure;
use crate::settings;
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use yagura_findings::{
    Baseline, Both, Detail, Fit, Observation, Place, Recorded, Seen, Source, Store, Suppression, Texts,
};
use yagura_model::{Lang, Listing, ResourceRef, Status, Verdict};
use yagura_rule::{Check, Estate, Judgement, Subject, verdict};

/// What `scan` does with the memory of findings.
#[derive(Debug, Args, Default)]
pub struct LifeArgs {
    /// Record the scan: in a file, at postgres://user@host/database, or where YAGURA_STORE says [default: findings.db in ~/.local/state/yagura]
    #[arg(long, value_name = "FILE|URL", num_args = 0..=1, default_missing_value = "", conflicts_with = "iac")]
    pub store: Option<String>,
    /// Only findings that are new, came back, or whose suppression ended; records the scan, unless there is a --baseline
    #[arg(long)]
    pub only_new: bool,
    /// Tell what is new by this routes file, whose form `yagura notify check --help` shows; records the scan
    #[arg(long, value_name = "FILE", conflicts_with_all = ["iac", "baseline"])]
    pub notify: Option<PathBuf>,
    /// Only findings that are not in this file
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    pub baseline: Option<PathBuf>,
    /// Write the findings of this scan to a file for --baseline
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
    /// How many days the history of configurations is kept in the store
    #[arg(long, value_name = "DAYS", default_value_t = 2557, value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_days: u32,
}

/// The Japanese help of [`LifeArgs`].
pub const LIFE_JA: [(&str, &str); 6] = [
    ("notify", crate::commands::notify::ROUTES_JA),
    (
        "store",
        "スキャンを記録する。場所はファイル、postgres://ユーザー@ホスト/データベース、または YAGURA_STORE [デフォルト: ~/.local/state/yagura の findings.db]",
    ),
    ("only_new", "新規、再発、または抑制が期限切れの検出結果だけを表示する。--baseline がなければスキャンを記録する"),
    ("baseline", "このファイルにない検出結果だけを表示する"),
    ("write_baseline", "このスキャンの検出結果を --baseline 用のファイルに書き込む"),
    ("keep_days", "構成の変更履歴をストアに保持する日数"),
];

/// The memory of findings, opened before anything is read: what cannot be kept is said first.
pub struct Memory {
    store: Option<(Store, Place)>,
    file: Vec<Suppression>,
    baseline: Option<Baseline>,
    /// Suppressions of store and file.
    all: Vec<Suppression>,
}

impl Memory {
    /// Opens what the arguments name.
    ///
    /// # Errors
    /// A store, settings file or baseline cannot be used: a sentence.
    pub fn open(cli: &Cli, args: &LifeArgs, iac: bool) -> Result<Self, Failure> {
        let file = settings::suppressions(cli.config.as_deref())?;
        let baseline = args.baseline.as_ref().map(read_baseline).transpose()?;
        if iac && args.only_new && baseline.is_none() {
            return Err(Failure::usage(
                "templates have no store: --only-new needs a --baseline",
                "テンプレートはストアに記録しない。--only-new には --baseline が必要",
            ));
        }
        let wanted = args.store.is_some() || args.notify.is_some() || (args.only_new && baseline.is_none());
        let mut store = if wanted {
            let place = open::place(args.store.as_deref())?;
            Some((Store::open(&place).map_err(|e| open::failure(&e, &place))?, place))
        } else {
            None
        };
        let mut all = match &mut store {
            Some((store, place)) => store.suppressions().map_err(|e| open::failure(&e, place))?,
            None => Vec::new(),
        };
        all.extend_from_slice(&file);
        Ok(Self { store, file, baseline, all })
    }

    /// The store, where there is one.
    pub fn store(&mut self) -> Option<(&mut Store, &Place)> {
        self.store.as_mut().map(|(store, place)| (store, &*place))
    }

    /// Checks that have tags read where a suppression asks for them.
    pub fn readers(&self, compiled: &Compiled, checks: &[Check]) -> Vec<Check> {
        if self.all.iter().all(|s| s.tag.is_none()) { Vec::new() } else { tags::readers(compiled, checks) }
    }

    /// Records the scan where there is a store.
    ///
    /// # Errors
    /// The store: a sentence. Nothing is recorded then.
    pub fn record(&mut self, scan: &Scan<'_>, keep_days: u32) -> Result<Option<Recorded>, Failure> {
        let recorded = self.keep(scan, keep_days)?;
        if let (Some(recorded), Some((_, place))) = (&recorded, &self.store) {
            say(recorded, place, scan.lang)?;
        }
        Ok(recorded)
    }

    /// The same without a word about it.
    ///
    /// # Errors
    /// The store: a sentence. Nothing is recorded then.
    pub fn keep(&mut self, scan: &Scan<'_>, keep_days: u32) -> Result<Option<Recorded>, Failure> {
        let Some((store, place)) = &mut self.store else { return Ok(None) };
        let done = store.record(&scan.observation(), &self.file, &Timestamp::now, keep_days);
        done.map(Some).map_err(|e| open::failure(&e, place))
    }

    /// Leaves only what is to be told, and says in a sentence each what was left out.
    pub fn told(
        &self,
        scan: &Scan<'_>,
        verdicts: Vec<Verdict>,
        recorded: Option<&Recorded>,
        only_new: bool,
    ) -> (Vec<Verdict>, Vec<String>) {
        let lang = scan.lang;
        let known: Option<BTreeSet<&str>> = self.baseline.as_ref().map(Baseline::ids);
        let only_new = only_new || known.is_some();
        let today = recorded.map_or_else(Timestamp::now, |r| r.at).to_zoned(TimeZone::UTC).date();
        let tags = scan.tags(self.all.iter().any(|s| s.tag.is_some()));
        let (mut suppressed, mut old, mut unknown) = (0_usize, 0_usize, 0_usize);
        let mut keep = |v: &Verdict| {
            let id = v.resource.fingerprint(&v.rule);
            if v.status != Status::Fail {
                unknown += usize::from(v.status == Status::Unknown);
                return !only_new;
            }
            let means = |s: &Suppression| s.means(&id, &v.rule, &v.resource, tags.get(id.as_str()), today) == Fit::Yes;
            if self.all.iter().any(means) {
                suppressed += 1;
                return false;
            }
            let new = match (&known, recorded) {
                (Some(known), _) => !known.contains(id.as_str()),
                (None, Some(r)) => r.news.contains(&id),
                (None, None) => true,
            };
            old += usize::from(!new);
            new || !only_new
        };
        let told = verdicts.into_iter().filter(|v| keep(v)).collect();
        let mut notes = Vec::new();
        if suppressed > 0 {
            notes.push(match lang {
                Lang::En => format!("{suppressed} findings are suppressed and not shown"),
                Lang::Ja => format!("抑制中の検出結果 {suppressed} 件は表示していない"),
            });
        }
        let ended: Vec<String> =
            self.all.iter().filter(|s| s.until < today).map(|s| format!("{} ({})", s.id, s.until)).collect();
        if !ended.is_empty() {
            let names = ended.join(", ");
            notes.push(match lang {
                Lang::En => format!("suppressions that have ended, to be renewed or removed: {names}"),
                Lang::Ja => format!("期限切れの抑制（更新または削除が必要）: {names}"),
            });
        }
        if only_new {
            notes.push(match lang {
                Lang::En => format!(
                    "only new findings are shown: {old} known ones are not, nor are {unknown} verdicts that are unknown"
                ),
                Lang::Ja => {
                    format!("新しい検出結果だけを表示している。既知の {old} 件と判定不能の {unknown} 件は省いた")
                }
            });
        }
        (told, notes)
    }
}

fn read_baseline(path: &PathBuf) -> Result<Baseline, Failure> {
    let bad = |e: &dyn std::fmt::Display| {
        let name = path.display();
        Failure::usage(
            format!("the baseline `{name}` cannot be used: {e}"),
            format!("ベースライン `{name}` を使えない: {e}"),
        )
    };
    let text = std::fs::read_to_string(path).map_err(|e| bad(&e))?;
    Baseline::parse(&text).map_err(|e| bad(&e))
}

/// Writes the baseline of a scan.
///
/// # Errors
/// The file cannot be written.
pub fn write_baseline(path: &std::path::Path, verdicts: &[Verdict], at: Timestamp, lang: Lang) -> Result<(), Failure> {
    write_file(path, |out| Baseline::of(verdicts, at).write(out))?;
    writeln!(std::io::stderr(), "{} {}", lang.pick("wrote", "書き込んだ:"), path.display())?;
    Ok(())
}

fn say(r: &Recorded, place: &Place, lang: Lang) -> Result<(), Failure> {
    let mut err = std::io::stderr();
    let n = |state: &str| r.counts.get(state).copied().unwrap_or(0);
    let (new, back, active, quiet) = (n("new"), n("reopened"), n("active"), n("suppressed"));
    let (run, resolved) = (r.run, r.resolved);
    match lang {
        Lang::En => writeln!(
            err,
            "run {run} in {place}: {new} new, {back} reopened, {active} active, {quiet} suppressed, {resolved} resolved now"
        )?,
        Lang::Ja => writeln!(
            err,
            "{place} の実行 {run}: 新規 {new}、再発 {back}、継続 {active}、抑制中 {quiet}、今回解決 {resolved}"
        )?,
    }
    if r.unsure > 0 {
        match lang {
            Lang::En => writeln!(err, "{} open findings could not be checked and stay as they were", r.unsure)?,
            Lang::Ja => writeln!(err, "未解決の検出結果 {} 件は確認できず、状態を変えていない", r.unsure)?,
        }
    }
    for s in &r.said {
        writeln!(err, "{}", words::said(s, lang))?;
    }
    Ok(())
}

/// A scan that was judged.
pub struct Scan<'s> {
    /// What was read.
    pub estate: &'s Estate,
    /// The checks.
    pub checks: &'s [Check],
    /// What they said.
    pub judgements: &'s [Judgement],
    /// Kinds, for tags.
    pub compiled: &'s Compiled,
    /// Whether only resources with a tag were judged.
    pub partial: bool,
    /// Where it comes from.
    pub source: Source,
    /// The language of texts.
    pub lang: Lang,
    /// Of the estate only this was read now.
    pub part: Option<Part<'s>>,
}

/// What was read again by itself.
#[derive(Debug, Clone, Copy)]
pub struct Part<'s> {
    /// The places of resources that were read.
    pub read: &'s [u32],
    /// Resources that are there no more.
    pub gone: &'s [ResourceRef],
}

impl Scan<'_> {
    /// Tags by finding, of failures whose tags were read.
    fn tags(&self, wanted: bool) -> BTreeMap<String, BTreeMap<String, String>> {
        let failing = self.judgements.iter().filter(|j| wanted && j.status == Status::Fail);
        let of = |j: &Judgement| {
            let Subject::Asset(at) = j.subject else { return None };
            let asset = self.estate.assets().get(at as usize)?;
            let check = self.checks.get(j.check)?;
            let resource = verdict(self.estate, self.checks, j, Lang::En)?.resource;
            Some((resource.fingerprint(&check.id), tags::of(asset, self.compiled)?))
        };
        failing.filter_map(of).collect()
    }

    fn observation(&self) -> Observation {
        let estate = self.estate;
        let at = match self.source {
            Source::Demo => Timestamp::now(),
            Source::Live | Source::Snapshot => estate.taken_at(),
        };
        let mut scope = estate.scope().clone();
        scope.checks = match &self.part {
            None => self.checks.iter().map(|c| c.id.clone()).collect(),
            Some(_) => {
                let judged: BTreeSet<usize> = self.judgements.iter().map(|j| j.check).collect();
                judged.into_iter().filter_map(|c| Some(self.checks.get(c)?.id.clone())).collect()
            }
        };
        let listing = |(key, gap): (&yagura_rule::ListingKey, Option<&std::sync::Arc<yagura_model::Gap>>)| Listing {
            kind: key.0.clone(),
            account: key.1.clone(),
            region: key.2.clone(),
            gap: gap.cloned(),
        };
        let touched: Option<BTreeSet<&str>> = self.part.as_ref().map(|part| {
            let read = part.read.iter().filter_map(|at| estate.assets().get(*at as usize)).map(|a| a.account.as_str());
            read.chain(part.gone.iter().map(|r| r.account.as_str())).collect()
        });
        let concerned = |account: &smol_str::SmolStr| touched.as_ref().is_none_or(|t| t.contains(account.as_str()));
        Observation {
            at,
            source: self.source,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            callers: estate.callers().iter().filter(|c| concerned(&c.account)).map(|c| c.arn.clone()).collect(),
            accounts: estate.callers().iter().map(|c| c.account.clone()).filter(concerned).collect(),
            scope,
            partial: self.partial,
            seen: self.judgements.iter().filter_map(|j| self.seen(j)).collect(),
            // What was looked at by itself says nothing of others of its kind.
            listings: if self.part.is_none() { estate.listings().map(listing).collect() } else { Vec::new() },
            assets: match &self.part {
                None => estate.assets().to_vec(),
                Some(part) => part.read.iter().filter_map(|at| estate.assets().get(*at as usize).cloned()).collect(),
            },
            gone: self.part.as_ref().map(|part| part.gone.to_vec()).unwrap_or_default(),
        }
    }

    fn seen(&self, j: &Judgement) -> Option<Seen> {
        let check = self.checks.get(j.check)?;
        let en = verdict(self.estate, self.checks, j, Lang::En)?;
        let mut seen = Seen {
            rule: check.id.clone(),
            resource: en.resource.clone(),
            status: j.status,
            detail: None,
            why: Both::default(),
        };
        match j.status {
            Status::Pass | Status::NotApplicable => {}
            Status::Unknown => {
                let ja = verdict(self.estate, self.checks, j, Lang::Ja)?;
                seen.why = Both { en: en.reason.unwrap_or_default(), ja: ja.reason.unwrap_or_default() };
            }
            Status::Fail => {
                let ja = verdict(self.estate, self.checks, j, Lang::Ja)?;
                let asset = match j.subject {
                    Subject::Asset(at) => self.estate.assets().get(at as usize),
                    Subject::Place { .. } => None,
                };
                seen.detail = Some(Detail {
                    severity: en.severity,
                    rule_severity: check.severity,
                    tags: asset.map_or_else(|| Some(BTreeMap::new()), |a| tags::of(a, self.compiled)),
                    maps: en.maps.clone(),
                    evidence: en.evidence.clone(),
                    texts: Both { en: texts(en), ja: texts(ja) },
                });
            }
        }
        Some(seen)
    }
}

fn texts(v: Verdict) -> Texts {
    Texts { title: v.title, why: v.why, fix: v.fix, severity_why: v.reason }
}

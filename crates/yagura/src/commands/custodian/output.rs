//! What policies chose: Cloud Custodian's folders, JSON for machines, lines for people.

use super::RunArgs;
use super::run::title;
use crate::commands::scan::write_file;
use crate::failure::Failure;
use serde_json::{Value as Json, json};
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use yagura_custodian::action::told;
use yagura_custodian::policy::Policy;
use yagura_custodian::run::{Selection, Skipped};
use yagura_custodian::world::Place;
use yagura_model::{GapReason, Lang, Snapshot};

/// One policy in one place.
pub struct Outcome<'o> {
    /// The policy.
    pub policy: &'o Policy,
    /// Where it ran.
    pub place: Place,
    /// What it chose; `None` where its resource is not read.
    pub selection: Option<Selection>,
    /// What its actions would do.
    pub plan: Vec<(SmolStr, Json)>,
}

impl Outcome<'_> {
    /// Whether nothing of it could be seen.
    pub fn is_blind(&self) -> bool {
        self.selection.as_ref().is_none_or(|s| s.asked == 0 && s.unlisted.is_some() && s.skipped.is_none())
    }

    /// Whether what it chose may be written as its result.
    fn has_result(&self) -> bool {
        self.selection.as_ref().is_some_and(|s| s.skipped.is_none() && s.exceeded.is_none()) && !self.is_blind()
    }

    fn count(&self) -> usize {
        self.selection.as_ref().map_or(0, |s| s.resources.len())
    }

    fn json(&self) -> Json {
        let s = self.selection.as_ref();
        let unknown = s.map(|s| {
            let each =
                |(id, gap): &(String, std::sync::Arc<yagura_model::Gap>)| json!({"id": id, "why": gap.say(Lang::En)});
            s.unknown.iter().map(each).collect::<Vec<_>>()
        });
        json!({
            "policy": self.policy.name,
            "resource": self.policy.resource,
            "account": self.place.account,
            "region": self.place.region,
            "mode": self.policy.mode(),
            "count": self.count(),
            "unknown": unknown.unwrap_or_default(),
            "unlisted": self.unlisted(Lang::En),
            "skipped": self.skipped(Lang::En),
            "error": self.error(Lang::En),
            "actions": self.plan.iter().map(|(_, a)| a).collect::<Vec<_>>(),
        })
    }

    fn unlisted(&self, lang: Lang) -> Option<String> {
        match &self.selection {
            None => {
                let text = lang.pick("`{}` is not read here yet", "`{}` はまだ読み取れない");
                Some(text.replace("{}", &self.policy.resource))
            }
            Some(s) => s.unlisted.as_ref().map(|g| match g.reason {
                GapReason::NotRequested => {
                    let text = lang.pick("`{}` was not listed", "`{}` は一覧されていない");
                    text.replace("{}", &self.policy.resource)
                }
                _ => g.say(lang),
            }),
        }
    }

    fn skipped(&self, lang: Lang) -> Option<String> {
        Some(match self.selection.as_ref()?.skipped.as_ref()? {
            Skipped::Region(r) => lang.pick("it is for the Region {}", "リージョン {} 専用").replace("{}", r),
            Skipped::Conditions => lang.pick("its conditions do not hold", "conditions を満たさない").to_owned(),
            Skipped::Time => lang.pick("it is not its time", "start と end の期間外").to_owned(),
        })
    }

    fn error(&self, lang: Lang) -> Option<String> {
        let (chosen, of) = self.selection.as_ref()?.exceeded?;
        Some(match lang {
            Lang::En => format!("it chose {chosen} of {of} resources, more than `max-resources` allows"),
            Lang::Ja => format!("{of} 件中 {chosen} 件を選び、`max-resources` の上限を超えた"),
        })
    }
}

/// Writes the folders.
pub fn write(
    dir: &Path,
    outcomes: &[Outcome<'_>],
    snapshot: &Snapshot,
    version: &str,
    args: &RunArgs,
) -> Result<(), Failure> {
    let accounts: BTreeSet<&SmolStr> = outcomes.iter().map(|o| &o.place.account).collect();
    for o in outcomes.iter().filter(|o| o.selection.as_ref().is_none_or(|s| s.skipped.is_none())) {
        let mut folder: PathBuf = dir.to_owned();
        if accounts.len() > 1 {
            folder.push(o.place.account.as_str());
        }
        if snapshot.scope.regions_in(&o.place.account).len() > 1 {
            folder.push(o.place.region.as_str());
        }
        folder.push(o.policy.name.as_str());
        one(&folder, o, snapshot, version, args).map_err(|e| {
            Failure::usage(
                format!("cannot write `{}`: {e}", folder.display()),
                format!("`{}` に書き込めない: {e}", folder.display()),
            )
        })?;
    }
    Ok(())
}

fn one(folder: &Path, o: &Outcome<'_>, snapshot: &Snapshot, version: &str, args: &RunArgs) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let put = |name: &str, v: Option<&Json>| match v {
        Some(v) => write_file(&folder.join(name), |out| {
            serde_json::to_writer_pretty(&mut *out, v)?;
            writeln!(out)
        }),
        // What an earlier run left must not pass for this one's.
        None => match std::fs::remove_file(folder.join(name)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        },
    };
    let resources = o.selection.as_ref().filter(|_| o.has_result()).map(|s| Json::from(s.resources.clone()));
    put("resources.json", resources.as_ref())?;
    let told = o.json();
    let unknown = told.get("unknown").cloned().unwrap_or_default();
    let missing = json!({"unknown": unknown, "unlisted": told.get("unlisted"), "error": told.get("error")});
    let any = unknown.as_array().is_some_and(|u| !u.is_empty())
        || o.unlisted(Lang::En).is_some()
        || o.error(Lang::En).is_some();
    put("unknown.json", any.then_some(&missing))?;
    let (start, end) = (snapshot.taken_at, jiff::Timestamp::now());
    let seconds = |t: jiff::Timestamp| t.as_millisecond() as f64 / 1000.0;
    let metadata = json!({
        "policy": o.policy.data,
        "version": version,
        "execution": {
            "id": execution_id(o, start),
            "start": seconds(start),
            "end_time": seconds(end),
            "duration": seconds(end) - seconds(start),
        },
        "config": {
            "region": o.place.region,
            "regions": snapshot.scope.regions_in(&o.place.account),
            "account_id": o.place.account,
            "output_dir": args.output_dir,
            "dryrun": true,
        },
        "sys-stats": {},
        "api-stats": {},
        "metrics": [{"MetricName": "ResourceCount", "Timestamp": end.to_string(), "Value": o.count(), "Unit": "Count"}],
        "yagura": {
            "version": env!("CARGO_PKG_VERSION"),
            "mode": o.policy.mode(),
            "count": o.count(),
            "unknown": unknown.as_array().map_or(0, Vec::len),
            "unlisted": told.get("unlisted"),
            "error": told.get("error"),
            "actions": told.get("actions"),
        },
    });
    put("metadata.json", Some(&metadata))?;
    write_file(&folder.join("custodian-run.log"), |out| {
        let at = end.strftime("%Y-%m-%d %H:%M:%S,%3f");
        let (p, r) = (&o.policy.name, &o.policy.resource);
        let took = seconds(end) - seconds(start);
        writeln!(
            out,
            "{at} - custodian.policy - INFO - policy:{p} resource:{r} region:{} count:{} time:{took:.2}",
            o.place.region,
            o.count()
        )?;
        for line in [o.unlisted(Lang::En), o.error(Lang::En)].into_iter().flatten() {
            writeln!(out, "{at} - yagura.custodian - ERROR - policy:{p} {line}")?;
        }
        for (id, gap) in o.selection.iter().flat_map(|s| &s.unknown) {
            writeln!(out, "{at} - yagura.custodian - WARNING - policy:{p} unknown:{id} {}", gap.say(Lang::En))?;
        }
        o.plan.iter().try_for_each(|(name, _)| {
            writeln!(
                out,
                "{at} - yagura.custodian - INFO - policy:{p} action:{name} resources:{} not carried out",
                o.count()
            )
        })
    })
}

fn execution_id(o: &Outcome<'_>, at: jiff::Timestamp) -> String {
    format!("{}-{}-{}-{}", at.as_millisecond(), o.place.account, o.place.region, o.policy.name)
}

/// One JSON document.
pub fn json(outcomes: &[Outcome<'_>], out: &mut impl Write) -> std::io::Result<()> {
    let all: Vec<Json> = outcomes.iter().map(Outcome::json).collect();
    writeln!(out, "{:#}", Json::from(all))
}

/// What is not known goes to standard error, whatever form the answer has.
pub fn tell_gaps(outcomes: &[Outcome<'_>], lang: Lang) {
    let mut err = std::io::stderr().lock();
    let several = several(outcomes);
    for o in outcomes {
        let name = title(o.policy, &o.place, several);
        for line in [o.unlisted(lang), o.error(lang)].into_iter().flatten() {
            let _ = writeln!(err, "{name}: {line}");
        }
        if let Some(s) = o.selection.as_ref().filter(|s| !s.unknown.is_empty()) {
            let why: BTreeSet<String> = s.unknown.iter().map(|(_, g)| g.say(lang)).collect();
            let head = lang.pick("resources may belong there but could not be judged", "件は対象かどうか判定できない");
            let mut reasons: Vec<String> = why.into_iter().take(3).collect();
            reasons.sort();
            let _ = writeln!(err, "{name}: {} {head}: {}", s.unknown.len(), reasons.join("; "));
        }
    }
}

fn several(outcomes: &[Outcome<'_>]) -> bool {
    outcomes.first().is_some_and(|f| outcomes.iter().any(|o| o.place != f.place))
}

/// Lines for people.
pub fn text(outcomes: &[Outcome<'_>], out: &mut impl Write, lang: Lang) -> std::io::Result<()> {
    let several = several(outcomes);
    for o in outcomes {
        let name = title(o.policy, &o.place, several);
        if let Some(why) = o.skipped(lang) {
            writeln!(out, "{name}: {}: {why}", lang.pick("left out", "対象外"))?;
            continue;
        }
        if o.is_blind() {
            writeln!(out, "{name}: {}", lang.pick("unknown", "不明"))?;
            continue;
        }
        let unknown = o.selection.as_ref().map_or(0, |s| s.unknown.len());
        match lang {
            Lang::En => writeln!(out, "{name}: {} {}, {unknown} unknown", o.count(), o.policy.resource)?,
            Lang::Ja => writeln!(out, "{name}: {} {} 件、不明 {unknown} 件", o.policy.resource, o.count())?,
        }
        for (action, how) in o.plan.iter().filter(|_| o.count() > 0) {
            let with = how.get("with").filter(|w| w.as_object().is_some_and(|o| !o.is_empty()));
            let with = with.map(|w| format!(" {w}")).unwrap_or_default();
            match lang {
                Lang::En => writeln!(out, "  would {}{with} (not carried out)", told(action, o.count(), lang))?,
                Lang::Ja => writeln!(out, "  予定: {}{with}（実行しない）", told(action, o.count(), lang))?,
            }
        }
    }
    Ok(())
}

//! What `fix` and `undo` print.

use super::Past;
use super::used::{self, Asked};
use crate::commands::frameworks::TextOrJson;
use crate::failure::Failure;
use serde_json::{Value as Json, json};
use std::io::Write;
use yagura_model::{Lang, ResourceRef};
use yagura_respond::blast::Use;
use yagura_respond::journal::Journals;
use yagura_respond::plan::PlannedCall;
use yagura_respond::run::{Failed, Outcome};
use yagura_respond::{NotMendable, Plan, Preview};

/// Prints a preview.
///
/// # Errors
/// The output cannot be written.
pub fn preview(
    preview: &Preview,
    asked: &Asked,
    (format, max): (TextOrJson, usize),
    live: bool,
    lang: Lang,
) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let hash = preview.hash();
    let told = asked.told();
    let used = |nth: usize| told.and_then(|t| t.uses.get(nth));
    if format == TextOrJson::Json {
        let plan = |(nth, plan): (usize, &Plan)| plan_json(plan, used(nth));
        let plans: Vec<Json> = preview.plans.iter().enumerate().map(plan).collect();
        let document = json!({
            "hash": hash, "plans": plans, "not_mendable": preview.not_mendable, "lake": told.map(used::lake_json),
        });
        serde_json::to_writer_pretty(&mut out, &document).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    for (nth, plan) in preview.plans.iter().enumerate() {
        write_plan(&mut out, nth + 1, plan, lang)?;
        if let Some(found) = used(nth) {
            used::write(&mut out, found, told.map_or(0, |t| t.flows), lang)?;
        }
        writeln!(out)?;
    }
    write_rest(&mut out, &preview.not_mendable, lang)?;
    used::write_lake(&mut out, asked, lang)?;
    let (n, m) = (preview.plans.len(), preview.not_mendable.len());
    match lang {
        Lang::En => {
            let (plans, findings) =
                (if n == 1 { "plan" } else { "plans" }, if m == 1 { "finding is" } else { "findings are" });
            writeln!(out, "{n} {plans}; {m} {findings} left to people. Nothing was changed.")?;
        }
        Lang::Ja => writeln!(out, "計画 {n} 件、人の対応が必要な検出結果 {m} 件。何も変更していない。")?,
    }
    if n > 0 && live {
        let max = if n > max { format!(" --max {n}") } else { String::new() };
        writeln!(
            out,
            "{}: --apply {hash}{max}",
            lang.pick("to carry them out, the same command with", "実行するには同じコマンドに次を加える")
        )?;
    }
    Ok(())
}

fn plan_json(plan: &Plan, found: Option<&Use>) -> Json {
    let calls: Vec<Json> = plan.steps.iter().map(|s| s.call.shown()).collect();
    let undo: Vec<Json> = plan.steps.iter().rev().flat_map(|s| s.undo.iter().map(PlannedCall::shown)).collect();
    let mut out = json!({
        "rule": plan.rule, "maps": plan.maps, "resource": plan.resource, "remedy": plan.remedy,
        "says": plan.says, "calls": calls, "prior": plan.prior, "undo": undo,
        "use": found.map(used::json),
    });
    if let (Some(map), false) = (out.as_object_mut(), plan.also.is_empty()) {
        map.insert("also".to_owned(), json!(plan.also));
    }
    out
}

fn write_plan(out: &mut impl Write, nth: usize, plan: &Plan, lang: Lang) -> std::io::Result<()> {
    writeln!(out, "{nth}. {}  {}", plan.rule, plan.resource.name())?;
    if !plan.also.is_empty() {
        writeln!(out, "   {}: {}", lang.pick("also mends", "同時に修復"), plan.also.join(", "))?;
    }
    for said in &plan.says {
        writeln!(out, "   {said}")?;
    }
    for step in &plan.steps {
        writeln!(out, "   → {}", line(&step.call))?;
    }
    let undo: Vec<&PlannedCall> = plan.steps.iter().rev().flat_map(|s| &s.undo).collect();
    for call in &undo {
        writeln!(out, "   ← {}", line(call))?;
    }
    if undo.is_empty() {
        writeln!(out, "   ← {}", lang.pick("nothing has to be taken back", "元に戻す操作は不要"))?;
    }
    Ok(())
}

/// A call in one line.
fn line(call: &PlannedCall) -> String {
    let shown = call.shown();
    let with = shown.get("with").map(ToString::to_string).unwrap_or_default();
    format!("{} {with}  [{}]", call.call, call.region)
}

fn write_rest(out: &mut impl Write, rest: &[NotMendable], lang: Lang) -> std::io::Result<()> {
    if rest.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", lang.pick("Left to people:", "人の対応が必要:"))?;
    for one in rest {
        let name = one.resource.as_ref().map_or("-", ResourceRef::name);
        writeln!(out, "   {}  {name}\n      {}", one.rule, one.why)?;
    }
    writeln!(out)
}

fn list(done: &[(smol_str::SmolStr, ResourceRef)]) -> Vec<Json> {
    done.iter().map(|(rule, resource)| json!({"rule": rule, "resource": resource})).collect()
}

/// Prints what a run came to.
///
/// # Errors
/// The output cannot be written.
pub fn applied(run: &str, outcome: &Outcome, format: TextOrJson, lang: Lang) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if format == TextOrJson::Json {
        let document = json!({
            "run": run, "applied": list(&outcome.done), "failed": outcome.failed,
            "not_seen_yet": list(&outcome.unseen), "not_begun": outcome.left,
        });
        serde_json::to_writer_pretty(&mut out, &document).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    for (rule, resource) in &outcome.done {
        let unseen = outcome.unseen.iter().any(|(r, x)| r == rule && x == resource);
        let note = if unseen {
            lang.pick(
                "  (done; the check does not pass yet: scan again later)",
                "  （実行済み。チェックはまだ合格していない。後で再スキャンすること）",
            )
        } else {
            ""
        };
        writeln!(out, "✓ {rule}  {}{note}", resource.name())?;
    }
    failures(&mut out, &outcome.failed)?;
    if outcome.left > 0 {
        let said = lang.pick(
            "plans were not begun: the run stops at the first surprise",
            "件の計画は未着手（想定外の時点で停止する）",
        );
        writeln!(out, "{} {said}", outcome.left)?;
    }
    writeln!(
        out,
        "{} {run}; {} yagura undo {run}",
        lang.pick("run", "実行"),
        lang.pick("to take it back:", "元に戻すには:")
    )?;
    Ok(())
}

fn failures(out: &mut impl Write, failed: &[Failed]) -> std::io::Result<()> {
    failed.iter().try_for_each(|f| writeln!(out, "✗ {}  {}\n   {}", f.rule, f.resource.name(), f.why))
}

/// Prints what an undo came to.
///
/// # Errors
/// The output cannot be written.
pub fn undone(run: &str, outcome: &Outcome, format: TextOrJson, lang: Lang) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if format == TextOrJson::Json {
        let document = json!({"run": run, "restored": list(&outcome.done), "failed": outcome.failed});
        serde_json::to_writer_pretty(&mut out, &document).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    for (rule, resource) in &outcome.done {
        writeln!(out, "✓ {rule}  {}", resource.name())?;
    }
    failures(&mut out, &outcome.failed)?;
    if outcome.done.is_empty() && outcome.failed.is_empty() {
        writeln!(out, "{}", lang.pick("there is nothing to take back", "元に戻すものはない"))?;
    }
    Ok(())
}

/// So many plans of a run are named in the list of runs.
const SHOWN: usize = 5;

/// Lists the runs, newest first, with what each mended.
///
/// # Errors
/// They cannot be read, or the output cannot be written.
pub fn runs(journals: &Journals, format: TextOrJson, lang: Lang) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let rows: Vec<(String, Option<Past>)> =
        journals.runs()?.into_iter().rev().map(|run| (run.clone(), Past::read(journals, &run))).collect();
    if format == TextOrJson::Json {
        let row = |(run, past): &(String, Option<Past>)| match past {
            Some(p) => {
                json!({"run": run, "at": p.at, "plans": p.plans.len(), "what": p.plans, "taken_back": p.taken_back})
            }
            None => json!({"run": run, "at": null, "plans": null}),
        };
        let rows: Vec<Json> = rows.iter().map(row).collect();
        serde_json::to_writer_pretty(&mut out, &rows).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    if rows.is_empty() {
        writeln!(out, "{}", lang.pick("no runs yet", "実行はまだない"))?;
    }
    for (run, past) in rows {
        let Some(past) = past else {
            writeln!(out, "{run}  {}", lang.pick("(broken journal)", "（記録が破損）"))?;
            continue;
        };
        let at = past.at.strftime("%Y-%m-%d %H:%M:%S UTC");
        let back = if past.taken_back { lang.pick(", taken back", "、取り消し済み") } else { "" };
        match (lang, past.plans.len()) {
            (Lang::En, 1) => writeln!(out, "{run}  {at}  1 plan{back}")?,
            (Lang::En, n) => writeln!(out, "{run}  {at}  {n} plans{back}")?,
            (Lang::Ja, n) => writeln!(out, "{run}  {at}  計画 {n} 件{back}")?,
        }
        for plan in past.plans.iter().take(SHOWN) {
            writeln!(out, "    {plan}")?;
        }
        if past.plans.len() > SHOWN {
            writeln!(out, "    …")?;
        }
    }
    Ok(())
}

//! What `notify` prints.

use super::args::DeadArgs;
use super::check::{Checked, Tried};
use super::{Report, outbox_failure};
use crate::commands::findings::columns;
use crate::commands::frameworks::TextOrJson;
use crate::commands::state;
use crate::failure::{Failure, exit};
use serde::Serialize;
use std::io::Write;
use yagura_model::Lang;
use yagura_notify::Outbox;

fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}

/// What a routes file says.
///
/// # Errors
/// The output cannot be written.
pub fn checked(checked: &Checked, format: TextOrJson, lang: Lang) -> Result<(), Failure> {
    if format == TextOrJson::Json {
        return json(checked);
    }
    let row = |c: &super::check::CheckedChannel| vec![c.name.clone(), c.kind.clone(), c.secrets.join("; ")];
    columns(&checked.channels.iter().map(row).collect::<Vec<_>>())?;
    writeln!(std::io::stdout())?;
    let takes = |n: Option<usize>| match (n, lang) {
        (None, _) => String::new(),
        (Some(n), Lang::En) => format!("takes {n}"),
        (Some(n), Lang::Ja) => format!("{n} 件が該当"),
    };
    let row = |r: &super::check::CheckedRoute| {
        let to = r.to.iter().map(|t| t.as_str()).collect::<Vec<_>>().join(", ");
        vec![r.name.to_string(), format!("→ {to}"), r.when.clone(), takes(r.takes)]
    };
    columns(&checked.routes.iter().map(row).collect::<Vec<_>>())?;
    let mut err = std::io::stderr();
    match (checked.open, checked.unrouted, lang) {
        (Some(open), Some(un), Lang::En) => {
            writeln!(err, "the file is right; of {open} open findings, {un} would go nowhere if they were new")?;
        }
        (Some(open), Some(un), Lang::Ja) => {
            writeln!(
                err,
                "ルートファイルに誤りはない。未解決の検出結果 {open} 件のうち、{un} 件はどのルートにも該当しない"
            )?;
        }
        (_, _, Lang::En) => writeln!(err, "the file is right; nothing was recorded so far to hold against it")?,
        (_, _, Lang::Ja) => writeln!(err, "ルートファイルに誤りはない。照合できる記録はまだない")?,
    }
    Ok(())
}

/// What became of test messages.
///
/// # Errors
/// The output cannot be written.
pub fn tried(tried: &[Tried], format: TextOrJson, lang: Lang) -> Result<(), Failure> {
    if format == TextOrJson::Json {
        return json(&tried);
    }
    let row = |t: &Tried| {
        let took = || lang.pick("took the message", "受け取った").to_owned();
        vec![t.channel.clone(), if t.why.is_none() { "✓" } else { "✗" }.to_owned(), t.why.clone().unwrap_or_else(took)]
    };
    columns(&tried.iter().map(row).collect::<Vec<_>>())
}

/// That messages were put back.
///
/// # Errors
/// Standard error cannot be written.
pub fn revived(n: usize, lang: Lang) -> Result<(), Failure> {
    match lang {
        Lang::En => writeln!(std::io::stderr(), "{n} messages that were put aside are sent again")?,
        Lang::Ja => writeln!(std::io::stderr(), "保留していたメッセージ {n} 件を再送する")?,
    }
    Ok(())
}

/// What was told.
///
/// # Errors
/// The output cannot be written.
pub fn report(report: &Report, format: TextOrJson, lang: Lang) -> Result<(), Failure> {
    match format {
        TextOrJson::Json => json(report),
        TextOrJson::Table => report_to(&mut std::io::stdout().lock(), report, lang),
    }
}

/// What was told, in sentences.
///
/// # Errors
/// The output cannot be written.
pub fn report_to(out: &mut dyn Write, report: &Report, lang: Lang) -> Result<(), Failure> {
    let (t, d) = (&report.taken, &report.delivered);
    let (routed, unrouted, known, quiet) = (t.routed, t.unrouted, t.known, report.suppressed);
    match lang {
        Lang::En => writeln!(
            out,
            "notify: {routed} changes taken ({unrouted} go nowhere, {known} told before, {quiet} suppressed); {} messages sent, {} waiting",
            d.sent, d.waiting
        )?,
        Lang::Ja => writeln!(
            out,
            "通知: 変更 {routed} 件を取り込み（該当ルートなし {unrouted}、通知済み {known}、抑制中 {quiet}）、メッセージ {} 件を送信、{} 件が待機中",
            d.sent, d.waiting
        )?,
    }
    for f in &d.failed {
        let end = if f.again {
            lang.pick("tried again later", "後で再試行する")
        } else {
            lang.pick("put aside: see `yagura notify dead`", "保留した（`yagura notify dead` で確認できる）")
        };
        match lang {
            Lang::En => writeln!(out, "{}: {} ({} times; {end})", f.channel, f.why, f.times)?,
            Lang::Ja => writeln!(out, "{}: {}（{} 回、{end}）", f.channel, f.why, f.times)?,
        }
    }
    if d.elsewhere > 0 {
        match lang {
            Lang::En => {
                writeln!(out, "{} of those that wait are of another routes file: they are sent with it", d.elsewhere)?
            }
            Lang::Ja => writeln!(
                out,
                "待機中のうち {} 件は別のルートファイルのもの。そのファイルを指定したときに送信する",
                d.elsewhere
            )?,
        }
    }
    if d.busy {
        writeln!(
            out,
            "{}",
            lang.pick(
                "another process is delivering: what waits is sent by it, or the next time",
                "別のプロセスが送信中。待機中のものはそのプロセス、または次回に送信される"
            )
        )?;
    }
    Ok(())
}

/// `notify dead`
pub fn dead(args: &DeadArgs, lang: Lang) -> Result<u8, Failure> {
    let folder = state::folder(args.state.as_ref())?;
    let mut outbox = Outbox::open(&folder).map_err(|e| outbox_failure(&e))?;
    let dead = outbox.dead().map_err(|e| outbox_failure(&e))?;
    if args.format == TextOrJson::Json {
        json(&dead)?;
        return Ok(exit::DONE);
    }
    let row = |d: &yagura_notify::Dead| {
        let at = d.made.strftime("%Y-%m-%d %H:%M UTC").to_string();
        vec![at, d.channel.clone(), d.title(), d.error.clone()]
    };
    columns(&dead.iter().map(row).collect::<Vec<_>>())?;
    match lang {
        Lang::En => writeln!(std::io::stderr(), "{} messages put aside", dead.len())?,
        Lang::Ja => writeln!(std::io::stderr(), "保留したメッセージ {} 件", dead.len())?,
    }
    Ok(exit::DONE)
}

//! One self-contained page: no network, no framework, fast at 100,000 verdicts.
//!
//! Verdicts are embedded as JSON in columns. Texts that repeat, and texts that differ only by the resource's own names,
//! are stored once ([`Columns`]). A content security policy lets only the page's own style and script run, by hash.
//! Printing (and a browser without JavaScript) shows a plain list instead, which stops at [`PRINTED`] failures.

use crate::summary::{SEVERITIES, coverage, failures};
use crate::terminal::is_unsafe;
use crate::text::{Text, fill, grouped};
use crate::{Report, Summary, identity, json};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::{self, Write};
use yagura_model::{Status, Verdict};

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/app.js");

/// The most failures that the printed list names.
const PRINTED: usize = 2_000;

const STATUSES: [Status; 4] = [
    Status::Fail,
    Status::Unknown,
    Status::Pass,
    Status::NotApplicable,
];

pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let text = Text(report.meta.lang);
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        out.write_all(before.as_bytes())?;
        match name {
            "lang" => out.write_all(text.0.pick("en", "ja").as_bytes())?,
            "policy" => write!(
                out,
                "script-src '{}'; style-src '{}'",
                source_hash(SCRIPT),
                source_hash(STYLE)
            )?,
            "style" => out.write_all(STYLE.as_bytes())?,
            "script" => out.write_all(SCRIPT.as_bytes())?,
            "data" => data(report, text, &mut ScriptSafe(&mut *out))?,
            "printed" => printed(report, text, out)?,
            word => out.write_all(
                escape(
                    text.all()
                        .into_iter()
                        .find(|(n, _)| *n == word)
                        .map_or(word, |(_, w)| w),
                )
                .as_bytes(),
            )?,
        }
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// How a content security policy names an inline text that it lets through.
fn source_hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

fn data(report: &Report, text: Text, out: &mut dyn Write) -> io::Result<()> {
    let mut verdicts: Vec<&Verdict> = report.verdicts.iter().collect();
    verdicts.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut columns = Columns::default();
    for verdict in &verdicts {
        columns.add(verdict)?;
    }
    let words: serde_json::Map<String, Value> = text
        .all()
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.into()))
        .collect();
    write!(out, "{{\"meta\":{}", serde_json::to_string(&report.meta)?)?;
    write!(out, ",\n\"words\":{}", serde_json::to_string(&words)?)?;
    write!(
        out,
        ",\n\"severities\":{}",
        json!(SEVERITIES.map(|s| text.severity_word(s)))
    )?;
    write!(
        out,
        ",\n\"statuses\":{}",
        json!(STATUSES.map(|s| text.status_word(s)))
    )?;
    write!(out, ",\n\"causes\":")?;
    json::array(causes(report, text), out)?;
    columns.write(out)?;
    write!(out, ",\n\"id\":")?;
    json::array(verdicts.iter().map(|v| visible(&v.resource.id)), out)?;
    write!(out, "}}")
}

/// Worst first: failures, then unknown; by severity, check, account, Region and id.
fn order(verdict: &Verdict) -> impl Ord + '_ {
    let r = &verdict.resource;
    (
        verdict.status,
        Reverse(verdict.severity),
        &verdict.rule,
        &r.account,
        &r.region,
        &r.id,
    )
}

fn causes(report: &Report, text: Text) -> Vec<Value> {
    let coverage = coverage(report);
    let cause = |cause: &crate::summary::Cause<'_>| {
        json!({
            "reason": cause.reason.map(|r| text.gap_reason(r)),
            "what": cause.what,
            "blinds": if cause.verdicts > 0 { text.blinds(cause.rules.len(), cause.verdicts) } else { String::new() },
            "rules": cause.rules,
            "regions": cause.regions,
            "details": cause.details,
            "remedy": cause.reason.map(|r| text.gap_remedy(r)),
        })
    };
    let note = (coverage.verdicts > 0)
        .then(|| json!({"note": text.not_judged(coverage.verdicts, coverage.rules)}));
    note.into_iter()
        .chain(coverage.causes.iter().map(cause))
        .collect()
}

/// Verdicts by column. Each cell is an index into a list of what differs.
///
/// In a text, U+0001 stands for the resource's id, U+0002 for its account and U+0003 for its Region, so that
/// `arn:aws:s3:::` and a fix that names the bucket are stored once for all buckets.
#[derive(Default)]
struct Columns {
    rules: Distinct<String>,
    accounts: Distinct<SmolStr>,
    regions: Distinct<SmolStr>,
    kinds: Distinct<SmolStr>,
    texts: Distinct<String>,
    status: String,
    rule: Vec<usize>,
    account: Vec<usize>,
    region: Vec<usize>,
    kind: Vec<usize>,
    arn: Vec<usize>,
    fix: Vec<usize>,
    evidence: Vec<usize>,
    missing: Vec<usize>,
    reason: Vec<usize>,
}

impl Columns {
    fn add(&mut self, verdict: &Verdict) -> io::Result<()> {
        let resource = &verdict.resource;
        let severity = SEVERITIES.iter().position(|s| *s == verdict.severity);
        let service = identity::service(verdict);
        let rule = json!([
            verdict.rule,
            service,
            severity,
            verdict.title,
            verdict.why,
            verdict.maps
        ])
        .to_string();
        self.status.push(match verdict.status {
            Status::Fail => '0',
            Status::Unknown => '1',
            Status::Pass => '2',
            Status::NotApplicable => '3',
        });
        self.rule.push(self.rules.index(rule));
        self.account
            .push(self.accounts.index(resource.account.clone()));
        self.region
            .push(self.regions.index(resource.region.clone()));
        self.kind.push(self.kinds.index(resource.kind.clone()));
        let evidence = if verdict.evidence.is_empty() {
            String::new()
        } else {
            serde_json::to_string(&verdict.evidence)?
        };
        let mut text = |text: &str| self.texts.index(template(text, verdict));
        self.arn
            .push(text(resource.arn.as_deref().unwrap_or_default()));
        self.fix.push(text(&verdict.fix));
        self.evidence.push(text(&evidence));
        self.missing.push(text(&verdict.missing.join("\n")));
        self.reason
            .push(text(verdict.reason.as_deref().unwrap_or_default()));
        Ok(())
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, ",\n\"rules\":[{}]", self.rules.items.join(",\n"))?;
        for (name, items) in [
            ("accounts", &self.accounts),
            ("regions", &self.regions),
            ("kinds", &self.kinds),
        ] {
            write!(
                out,
                ",\n\"{name}\":{}",
                serde_json::to_string(&items.items)?
            )?;
        }
        write!(
            out,
            ",\n\"texts\":{}",
            serde_json::to_string(&self.texts.items)?
        )?;
        write!(out, ",\n\"status\":\"{}\"", self.status)?;
        let columns = [
            ("rule", &self.rule),
            ("account", &self.account),
            ("region", &self.region),
            ("kind", &self.kind),
            ("arn", &self.arn),
            ("fix", &self.fix),
            ("evidence", &self.evidence),
            ("missing", &self.missing),
            ("reason", &self.reason),
        ];
        for (name, cells) in columns {
            write!(out, ",\n\"{name}\":{}", serde_json::to_string(cells)?)?;
        }
        Ok(())
    }
}

/// A list without repeats, in the order of first sight.
struct Distinct<T> {
    items: Vec<T>,
    at: HashMap<T, usize>,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            at: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Distinct<T> {
    fn index(&mut self, item: T) -> usize {
        *self.at.entry(item).or_insert_with_key(|item| {
            self.items.push(item.clone());
            self.items.len() - 1
        })
    }
}

fn template(text: &str, verdict: &Verdict) -> String {
    let resource = &verdict.resource;
    let mut text = visible(text).into_owned();
    for (value, mark) in [
        (&resource.id, "\u{1}"),
        (&resource.account, "\u{2}"),
        (&resource.region, "\u{3}"),
    ] {
        if value.len() >= 4 {
            text = text.replace(value.as_str(), mark);
        }
    }
    text
}

/// `text` with each character that a reader cannot see, or that reorders what is read, replaced by U+FFFD.
fn visible(text: &str) -> Cow<'_, str> {
    let hides = |c: char| is_unsafe(c) && !matches!(c, '\n' | '\t');
    if text.contains(hides) { text.replace(hides, "\u{fffd}").into() } else { text.into() }
}

/// Writes JSON so that it cannot end the script element around it: in JSON `<` stands in strings only, where
/// `\u003c` means the same.
struct ScriptSafe<'a>(&'a mut dyn Write);

impl Write for ScriptSafe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut between: &[u8] = b"";
        for part in bytes.split(|b| *b == b'<') {
            self.0.write_all(between)?;
            self.0.write_all(part)?;
            between = b"\\u003c";
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The list for paper: counts, failures under their check, what could not be seen.
fn printed(report: &Report, text: Text, out: &mut dyn Write) -> io::Result<()> {
    let (meta, summary) = (&report.meta, Summary::of(&report.verdicts));
    let caller = meta
        .caller
        .as_ref()
        .map(|c| format!(" · {} {c}", text.caller()))
        .unwrap_or_default();
    let facts = format!(
        "{} {} · {} {} · {}{caller} · Yagura {}",
        text.accounts(),
        meta.accounts.join(", "),
        text.regions(),
        meta.regions.join(", "),
        meta.taken_at.strftime("%Y-%m-%d %H:%M UTC"),
        meta.tool
    );
    writeln!(
        out,
        "<h1>Yagura: {}</h1><p>{}</p>",
        escape(text.report_title()),
        escape(&facts)
    )?;
    if meta.demo {
        writeln!(
            out,
            "<p><strong>{}</strong></p>",
            escape(text.sample_note())
        )?;
    }
    write!(out, "<table><tr><th>{}", escape(text.severity()))?;
    for status in STATUSES {
        write!(out, "<th>{}", escape(text.status_word(status)))?;
    }
    for severity in SEVERITIES {
        if let Some(counts) = summary.by_severity.get(&severity) {
            write!(out, "<tr><td>{}", escape(text.severity_word(severity)))?;
            for status in STATUSES {
                write!(out, "<td>{}", grouped(counts.of(status)))?;
            }
        }
    }
    writeln!(
        out,
        "<tr><td>{}<td>{}</table>",
        escape(text.total()),
        STATUSES.map(|s| grouped(summary.total.of(s))).join("<td>")
    )?;
    printed_failures(report, text, out)?;
    let coverage = coverage(report);
    writeln!(out, "<h2>{}</h2>", escape(text.unseen()))?;
    if coverage.verdicts == 0 && coverage.causes.is_empty() {
        return writeln!(out, "<p>{}</p>", escape(text.all_seen()));
    }
    writeln!(
        out,
        "<p>{}</p><ul>",
        escape(&text.not_judged(coverage.verdicts, coverage.rules))
    )?;
    for cause in &coverage.causes {
        let reason = cause
            .reason
            .map(|r| format!("{}: ", text.gap_reason(r)))
            .unwrap_or_default();
        let remedy = cause.reason.map(|r| text.gap_remedy(r)).unwrap_or_default();
        let blinds = if cause.verdicts > 0 {
            format!(" ({})", text.blinds(cause.rules.len(), cause.verdicts))
        } else {
            String::new()
        };
        writeln!(
            out,
            "<li>{}<code>{}</code>{}<br>{}",
            escape(&reason),
            escape(&cause.what),
            escape(&blinds),
            prose(remedy)
        )?;
    }
    writeln!(out, "</ul>")
}

fn printed_failures(report: &Report, text: Text, out: &mut dyn Write) -> io::Result<()> {
    let groups = failures(&report.verdicts);
    writeln!(out, "<h2>{}</h2>", escape(text.all_failed()))?;
    let mut left: usize = groups.iter().map(|g| g.verdicts.len()).sum();
    if left == 0 {
        writeln!(out, "<p>{}</p>", escape(text.nothing_failed()))?;
    }
    let mut room = PRINTED;
    for group in &groups {
        let (Some(first), true) = (group.first(), room > 0) else {
            break;
        };
        let severity = text.severity_word(group.severity);
        writeln!(
            out,
            "<h3><span class=\"sev s{}\">{}</span> {}</h3><p><code>{}</code> · {}</p><p>{}</p><ul>",
            SEVERITIES
                .iter()
                .position(|s| *s == group.severity)
                .unwrap_or(0),
            escape(severity),
            escape(&first.title),
            escape(&first.rule),
            escape(&text.count_resources(group.verdicts.len())),
            prose(&first.why),
        )?;
        for verdict in group.verdicts.iter().take(room) {
            let r = &verdict.resource;
            writeln!(
                out,
                "<li><strong>{}</strong> {} {}<br>{}",
                escape(&r.id),
                escape(&r.account),
                escape(if identity::is_global(&r.region) { text.global() } else { &r.region }),
                prose(&verdict.fix)
            )?;
        }
        writeln!(out, "</ul>")?;
        let shown = group.verdicts.len().min(room);
        (room, left) = (room - shown, left - shown);
    }
    if left > 0 {
        writeln!(
            out,
            "<p><strong>{}</strong></p>",
            escape(&fill(
                text.not_shown_page(),
                &[("n", &grouped(left as u64))]
            ))
        )?;
    }
    Ok(())
}

/// Escaped text in which what stands in backticks is code.
fn prose(text: &str) -> String {
    let escaped = escape(text);
    let parts: Vec<&str> = escaped.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped.into_owned();
    }
    let mark = |(n, part): (usize, &&str)| if n % 2 == 1 { format!("<code>{part}</code>") } else { (*part).to_owned() };
    parts.iter().enumerate().map(mark).collect()
}

/// Text between tags or in a quoted attribute.
fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| matches!(c, '&' | '<' | '>' | '"' | '\'') || is_unsafe(c)) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn escaped_text_opens_no_tag_and_ends_no_attribute(text in any::<String>()) {
            prop_assert!(!escape(&text).contains(['<', '>', '"', '\'', '\0']));
        }

        #[test]
        fn embedded_json_ends_no_script_and_means_the_same(text in "(</script>|<!--|[<>/]|\\PC){0,20}") {
            let mut bytes = Vec::new();
            serde_json::to_writer(&mut ScriptSafe(&mut bytes), &text).unwrap();
            prop_assert!(!bytes.contains(&b'<'));
            prop_assert_eq!(serde_json::from_slice::<String>(&bytes).unwrap(), text);
        }
    }
}

//! One self-contained page: no network, no framework, fast at 100,000 verdicts.
//!
//! Verdicts are embedded as JSON in columns. Texts that repeat, and texts that differ only by the resource's own names,
//! are stored once ([`Columns`]). A content security policy lets only the page's own style and script run, by hash.
//! Printing (and a browser without JavaScript) shows a plain list instead, which stops at [`printed::PRINTED`] failures.

mod columns;
mod printed;

use columns::{Columns, visible};
use printed::printed;

use crate::summary::{SEVERITIES, coverage};
use crate::terminal::is_unsafe;
use crate::text::Text;
use crate::{Report, json};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::io::{self, Write};
use yagura_model::{Status, Verdict};

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/app.js");

const STATUSES: [Status; 4] = [Status::Fail, Status::Unknown, Status::Pass, Status::NotApplicable];

pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let text = Text(report.meta.lang);
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        out.write_all(before.as_bytes())?;
        match name {
            "lang" => out.write_all(text.0.pick("en", "ja").as_bytes())?,
            "policy" => write!(out, "script-src '{}'; style-src '{}'", source_hash(SCRIPT), source_hash(STYLE))?,
            "style" => out.write_all(STYLE.as_bytes())?,
            "script" => out.write_all(SCRIPT.as_bytes())?,
            "compliance" => {
                let mut sections = String::new();
                for framework in &report.compliance {
                    crate::compliance::html(framework, text.0, &mut sections);
                }
                out.write_all(sections.as_bytes())?;
            }
            "data" => data(report, text, &mut ScriptSafe(&mut *out))?,
            "printed" => printed(report, text, out)?,
            word => out.write_all(
                escape(text.all().into_iter().find(|(n, _)| *n == word).map_or(word, |(_, w)| w)).as_bytes(),
            )?,
        }
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// How a content security policy names an inline text that it lets through.
pub(crate) fn source_hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

fn data(report: &Report, text: Text, out: &mut dyn Write) -> io::Result<()> {
    let mut verdicts: Vec<&Verdict> = report.verdicts.iter().collect();
    verdicts.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut columns = Columns::default();
    for verdict in &verdicts {
        columns.add(verdict)?;
    }
    let words: serde_json::Map<String, Value> = text.all().into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect();
    write!(out, "{{\"meta\":{}", serde_json::to_string(&report.meta)?)?;
    write!(out, ",\n\"words\":{}", serde_json::to_string(&words)?)?;
    write!(out, ",\n\"severities\":{}", json!(SEVERITIES.map(|s| text.severity_word(s))))?;
    write!(out, ",\n\"statuses\":{}", json!(STATUSES.map(|s| text.status_word(s))))?;
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
    (verdict.status, Reverse(verdict.severity), &verdict.rule, &r.account, &r.region, &r.id)
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
    let note = (coverage.verdicts > 0).then(|| json!({"note": text.not_judged(coverage.verdicts, coverage.rules)}));
    note.into_iter().chain(coverage.causes.iter().map(cause)).collect()
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

/// Escaped text in which what stands in backticks is code.
pub(crate) fn prose(text: &str) -> String {
    let escaped = escape(text);
    let parts: Vec<&str> = escaped.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped.into_owned();
    }
    let mark = |(n, part): (usize, &&str)| {
        if n % 2 == 1 { format!("<code>{part}</code>") } else { (*part).to_owned() }
    };
    parts.iter().enumerate().map(mark).collect()
}

/// Text that can stand between tags or in a quoted attribute: markup is escaped, what cannot be seen is made visible.
pub fn escape(text: &str) -> Cow<'_, str> {
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

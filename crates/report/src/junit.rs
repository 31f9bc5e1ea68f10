//! JUnit XML as Jenkins, GitLab and GitHub actions read it: a suite per service, a case per verdict.
//!
//! A failure is a `failure`. What could not be judged is an `error`: a CI job must not go green on what nobody saw.
//! What does not apply is `skipped`.

use crate::text::Text;
use crate::{Counts, Report, Summary, identity};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use yagura_model::{Status, Verdict};

pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let summary = Summary::of(&report.verdicts);
    let mut suites: BTreeMap<&str, Vec<&Verdict>> = BTreeMap::new();
    for verdict in &report.verdicts {
        suites.entry(identity::service(verdict)).or_default().push(verdict);
    }
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let total = summary.total;
    writeln!(
        out,
        "<testsuites name=\"yagura\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
        all(total),
        total.fail,
        total.unknown
    )?;
    for (service, verdicts) in suites {
        let counts = summary.by_service.get(service).map(|s| s.total).unwrap_or_default();
        suite(report, service, counts, &verdicts, out)?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(report: &Report, service: &str, counts: Counts, verdicts: &[&Verdict], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" timestamp=\"{}\">",
        escape(service),
        all(counts),
        counts.fail,
        counts.unknown,
        counts.not_applicable,
        report.meta.taken_at.strftime("%Y-%m-%dT%H:%M:%S"),
    )?;
    for verdict in verdicts {
        case(verdict, Text(report.meta.lang), out)?;
    }
    writeln!(out, "</testsuite>")
}

fn case(verdict: &Verdict, text: Text, out: &mut dyn Write) -> io::Result<()> {
    let resource = &verdict.resource;
    let place = format!("{}/{}", resource.account, resource.region);
    let name = format!("{} [{} {place}]", verdict.title, resource.id);
    write!(out, "<testcase classname=\"{}\" name=\"{}\"", escape(&verdict.rule), escape(&name))?;
    if let Some(place) = &verdict.place {
        write!(out, " file=\"{}\" line=\"{}\"", escape(&place.file), place.line)?;
    }
    let element = match verdict.status {
        Status::Pass => return writeln!(out, "/>"),
        Status::Fail => "failure",
        Status::Unknown => "error",
        Status::NotApplicable => "skipped",
    };
    let message = verdict.reason.as_deref().unwrap_or(&verdict.title);
    let severity = text.severity_word(verdict.severity);
    write!(out, "><{element} message=\"{}\"", escape(message))?;
    if verdict.status == Status::NotApplicable {
        return writeln!(out, "/></testcase>");
    }
    write!(out, " type=\"{}\">", escape(severity))?;
    let mut lines = vec![
        format!("{}: {}", text.resource(), resource.arn.as_deref().unwrap_or(&resource.id)),
        format!("{}: {}", text.why(), verdict.why),
        format!("{}: {}", text.fix(), verdict.fix),
    ];
    if !verdict.missing.is_empty() {
        lines.push(format!("{}: {}", text.missing(), verdict.missing.join(", ")));
    }
    if !verdict.evidence.is_empty() {
        lines.push(format!("{}: {}", text.evidence(), serde_json::to_string(&verdict.evidence)?));
    }
    writeln!(out, "{}</{element}></testcase>", escape(&lines.join("\n")))
}

fn all(counts: Counts) -> u64 {
    counts.fail + counts.unknown + counts.pass + counts.not_applicable
}

/// Text and attribute values: markup escaped, and characters that XML 1.0 forbids (§2.2) replaced by U+FFFD.
fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| matches!(c, '<' | '>' | '&' | '"' | '\'') || c.is_control() || !is_legal(c)) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            c if is_legal(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    out.into()
}

fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn escaped_text_has_no_markup_and_only_legal_characters(text in any::<String>()) {
            let escaped = escape(&text);
            prop_assert!(escaped.chars().all(|c| is_legal(c) && !matches!(c, '<' | '>' | '"' | '\'')));
            let back = escaped
                .replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'")
                .replace("&#10;", "\n").replace("&#13;", "\r").replace("&#9;", "\t").replace("&amp;", "&");
            let want: String = text.chars().map(|c| if is_legal(c) { c } else { '\u{fffd}' }).collect();
            prop_assert_eq!(back, want);
        }
    }
}

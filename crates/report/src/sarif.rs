//! SARIF 2.1.0 (OASIS) for code scanning: failures as results of their level, what could not be judged as results of
//! kind `open` ("insufficient information to decide"). What passed or does not apply is left out.
//!
//! GitHub shows a result only with a physical location: the line that declares the resource, or, for one that AWS told
//! of, the content file of its check. The resource is the logical location.

use crate::text::Text;
use crate::{Report, json};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use yagura_model::{Severity, Status, Verdict};

pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let shown = || report.verdicts.iter().filter(|v| matches!(v.status, Status::Fail | Status::Unknown));
    let mut rules: BTreeMap<&str, &Verdict> = BTreeMap::new();
    for verdict in shown() {
        rules.entry(&verdict.rule).or_insert(verdict);
    }
    let index: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(at, rule)| (*rule, at)).collect();

    writeln!(
        out,
        "{{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{{"
    )?;
    writeln!(out, "\"tool\":{{\"driver\":{{\"name\":\"Yagura\",\"version\":{},\"rules\":", json!(report.meta.tool))?;
    json::array(rules.values().map(|verdict| rule(report, verdict)), out)?;
    writeln!(out, "}}}},\n\"language\":{},", json!(report.meta.lang))?;
    writeln!(out, "\"columnKind\":\"unicodeCodePoints\",")?;
    write!(out, "\"invocations\":[{{\"executionSuccessful\":true,\"startTimeUtc\":{}", json!(report.meta.taken_at))?;
    write!(out, ",\"toolExecutionNotifications\":")?;
    let notes = report.meta.notes.iter().map(|note| json!({"level": "note", "message": {"text": plain(note)}}));
    json::array(report.gaps.iter().map(|gap| notification(report, gap)).chain(notes), out)?;
    writeln!(out, "}}],\n\"results\":")?;
    json::array(shown().map(|verdict| result(report, verdict, index.get(verdict.rule.as_str()).copied())), out)?;
    writeln!(out, "}}]}}")
}

fn rule(report: &Report, verdict: &Verdict) -> Value {
    let text = Text(report.meta.lang);
    let mut tags = vec!["security"];
    tags.extend(verdict.maps.iter().take(19).map(|map| map.as_str()));
    json!({
        "id": verdict.rule,
        "name": verdict.rule,
        "shortDescription": {"text": plain(&verdict.title)},
        "fullDescription": {"text": plain(&verdict.why)},
        "help": {
            "text": plain(&format!("{}: {}", text.why(), verdict.why)),
            "markdown": format!("**{}**\n\n{}", text.why(), plain(&verdict.why)),
        },
        "defaultConfiguration": {"level": level(verdict.severity)},
        "properties": {
            "tags": tags,
            "precision": "very-high",
            "security-severity": security_severity(verdict.severity),
            "problem.severity": level(verdict.severity),
        },
    })
}

fn result(report: &Report, verdict: &Verdict, rule_index: Option<usize>) -> Value {
    let text = Text(report.meta.lang);
    let resource = &verdict.resource;
    let name = resource.arn.as_ref().unwrap_or(&resource.id);
    let (kind, level) = match verdict.status {
        Status::Fail => ("fail", level(verdict.severity)),
        _ => ("open", "none"),
    };
    let mut message = format!("{}: {} ({} / {})", verdict.title, resource.id, resource.account, resource.region);
    if let Some(reason) = &verdict.reason {
        message.push_str(&format!("\n{}: {reason}", text.reason()));
    }
    message.push_str(&format!("\n{}: {}", text.fix(), verdict.fix));
    let (uri, line) = match &verdict.place {
        Some(place) => (uri(&place.file), place.line),
        None => (artifact(&verdict.rule), 1),
    };
    json!({
        "ruleId": verdict.rule,
        "ruleIndex": rule_index,
        "kind": kind,
        "level": level,
        "message": {"text": plain(&message)},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri},
                "region": {"startLine": line},
            },
            "logicalLocations": [{"name": resource.id, "fullyQualifiedName": name, "kind": "resource"}],
        }],
        "partialFingerprints": {"yagura/v1": verdict.resource.fingerprint(&verdict.rule)},
        "properties": {
            "account": resource.account,
            "region": resource.region,
            "kind": resource.kind,
            "evidence": verdict.evidence,
            "missing": verdict.missing,
        },
    })
}

fn notification(report: &Report, gap: &yagura_model::Gap) -> Value {
    json!({
        "level": "warning",
        "message": {"text": plain(&gap.say(report.meta.lang))},
        "properties": {"region": gap.region, "call": gap.call},
    })
}

/// `s3.bucket_blocks_public_access` → `content/checks/s3/bucket_blocks_public_access.yaml`, as a URI.
fn artifact(rule: &str) -> String {
    format!("content/checks/{}.yaml", uri(&rule.replacen('.', "/", 1)))
}

/// A path as a URI reference (RFC 3986): relative to the repository where it is relative.
fn uri(path: &str) -> String {
    path.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'/' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// GitHub's reading of it: above 9 critical, 7 high, 4 medium, below low.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "1.0",
    }
}

/// Plain text of a message: SARIF (§3.11.6) reads `[text](target)` as a link unless the brackets are escaped.
fn plain(text: &str) -> String {
    if text.contains("](") {
        text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
    } else {
        text.to_owned()
    }
}

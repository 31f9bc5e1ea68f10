//! A CloudTrail record of a call that changed something.

use super::words;
use serde_json::Value;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// The most texts that are taken of one event.
const MOST: usize = 4096;
/// The deepest that they are looked for.
const DEPTH: usize = 24;

/// A call that changed something, as CloudTrail records it ("CloudTrail record contents" in its user guide).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ApiEvent {
    /// Its own id.
    pub id: SmolStr,
    /// The service, without `.amazonaws.com`.
    pub source: SmolStr,
    /// The operation.
    pub name: SmolStr,
    /// The account whose resources it concerns.
    pub account: SmolStr,
    /// The Region.
    pub region: SmolStr,
    /// When, in its own form.
    pub time: SmolStr,
    /// Names of members and the texts that stand there, in `resources`, `requestParameters` and `responseElements`.
    pub(crate) texts: BTreeSet<(String, SmolStr)>,
    /// Those of `responseElements` alone.
    pub(crate) answered: BTreeSet<(String, SmolStr)>,
}

impl ApiEvent {
    /// The event of a record; `None` where it changed no configuration: it only reads, failed, or is about data (an object, an item).
    pub fn read(record: &Value) -> Option<Self> {
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        let is = |name: &str, wanted: bool| match record.get(name) {
            Some(Value::Bool(b)) => *b == wanted,
            Some(Value::String(s)) => *s == wanted.to_string(),
            _ => false,
        };
        let failed = ["errorCode", "errorMessage"].iter().any(|n| record.get(n).is_some_and(|v| !v.is_null()));
        if !is("readOnly", false) || is("managementEvent", false) || failed {
            return None;
        }
        let owner = record.pointer("/userIdentity/accountId").and_then(Value::as_str).unwrap_or_default();
        let account = Some(text("recipientAccountId")).filter(|a| !a.is_empty()).unwrap_or(owner);
        let source = text("eventSource");
        let mut event = Self {
            id: text("eventID").into(),
            source: source.split('.').next().unwrap_or(source).into(),
            name: text("eventName").into(),
            account: account.into(),
            region: text("awsRegion").into(),
            time: text("eventTime").into(),
            ..Self::default()
        };
        if event.name.is_empty() || event.source.is_empty() {
            return None;
        }
        for name in ["resources", "requestParameters"] {
            collect(record.get(name).unwrap_or(&Value::Null), "", DEPTH, &mut event.texts);
        }
        collect(record.get("responseElements").unwrap_or(&Value::Null), "", DEPTH, &mut event.answered);
        event.texts.extend(event.answered.iter().cloned());
        Some(event)
    }
}

/// Names that say nothing of what stands there: Amazon EC2's and IAM's events wrap lists so.
const WRAPS: [&str; 7] = ["content", "entry", "item", "member", "tag", "value", "resource"];

fn collect(value: &Value, name: &str, depth: usize, into: &mut BTreeSet<(String, SmolStr)>) {
    if depth == 0 || into.len() >= MOST {
        return;
    }
    match value {
        Value::String(text) if text.len() > 1 && text.len() <= 2048 => {
            into.insert((name.to_owned(), text.into()));
        }
        Value::Array(items) => items.iter().for_each(|v| collect(v, name, depth - 1, into)),
        Value::Object(members) => {
            for (key, v) in members {
                let own = words::member(key);
                let name = if WRAPS.contains(&own.as_str()) { name } else { &own };
                collect(v, name, depth - 1, into);
            }
        }
        _ => {}
    }
}

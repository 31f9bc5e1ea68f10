//! One CloudTrail record (CloudTrail User Guide, `cloudtrail-event-reference-record-contents`).

use serde_json::Value;
use smol_str::{SmolStr, format_smolstr};

/// A record.
#[derive(Debug, Clone, Copy)]
pub struct Record<'r>(pub &'r Value);

impl<'r> Record<'r> {
    pub(crate) fn text(self, key: &str) -> Option<&'r str> {
        self.0.get(key)?.as_str()
    }

    /// `eventTime`.
    pub fn time(self) -> Option<&'r str> {
        self.text("eventTime")
    }

    /// The service part of `eventSource`, and `eventName`.
    pub(crate) fn call(self) -> Option<(&'r str, &'r str)> {
        let source = self.text("eventSource")?;
        let service = source.split_once(".amazonaws.com").map_or(source, |(service, _)| service);
        Some((service, self.text("eventName")?))
    }

    /// `service:Operation` for messages.
    pub(crate) fn operation(self) -> Option<SmolStr> {
        self.call().map(|(service, name)| format_smolstr!("{service}:{name}"))
    }

    /// Whether AWS refused the call for want of permission.
    pub(crate) fn is_denied(self) -> bool {
        let code = self.text("errorCode").unwrap_or_default();
        ["AccessDenied", "UnauthorizedOperation", "NotAuthorized", "Forbidden"].iter().any(|c| code.contains(c))
    }

    /// `awsRegion`.
    pub(crate) fn region(self) -> &'r str {
        self.text("awsRegion").unwrap_or("*")
    }

    /// The account that received the call.
    pub(crate) fn account(self) -> &'r str {
        let own = || self.0.get("userIdentity")?.get("accountId")?.as_str();
        self.text("recipientAccountId").or_else(own).unwrap_or("*")
    }

    /// ARNs of `resources`.
    pub(crate) fn arns(self) -> impl Iterator<Item = &'r str> {
        let all = self.0.get("resources").and_then(Value::as_array);
        all.into_iter().flatten().filter_map(|r| r.get("ARN").or_else(|| r.get("arn"))?.as_str())
    }

    /// Every text among the request's parameters, with the name it stands under.
    pub(crate) fn parameters(self) -> Vec<(&'r str, &'r str)> {
        let mut found = Vec::new();
        if let Some(parameters) = self.0.get("requestParameters") {
            walk(parameters, "", 0, &mut found);
        }
        found
    }
}

/// Depth and number of parameters that are looked at.
const MAX_DEPTH: usize = 8;
const MAX_PARAMETERS: usize = 500;

fn walk<'v>(value: &'v Value, name: &'v str, depth: usize, found: &mut Vec<(&'v str, &'v str)>) {
    if depth > MAX_DEPTH || found.len() > MAX_PARAMETERS {
        return;
    }
    match value {
        Value::String(text) => found.push((name, text)),
        Value::Array(items) => items.iter().for_each(|item| walk(item, name, depth + 1, found)),
        Value::Object(members) => members.iter().for_each(|(key, item)| walk(item, key, depth + 1, found)),
        _ => {}
    }
}

/// The ARN of the user or role that a record is of: for a session, its role's.
pub fn principal_of(record: &Value) -> Option<&str> {
    let identity = record.get("userIdentity")?;
    let issuer = identity.pointer("/sessionContext/sessionIssuer/arn").and_then(Value::as_str);
    let by_role = identity.get("type").and_then(Value::as_str) == Some("AssumedRole");
    issuer.filter(|_| by_role).or_else(|| identity.get("arn")?.as_str())
}

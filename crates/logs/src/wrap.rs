//! What records come wrapped in.

use crate::json::{Kind, Raw};
use crate::record::Object;

/// The records that something known is wrapped around: EventBridge's events, `lookup-events`, events of CloudWatch Logs, answers of
/// search services.
pub(crate) fn wrapped<'a>(object: &Object<'a>) -> Option<Vec<Raw<'a>>> {
    if let Some(event) = object.get("CloudTrailEvent") {
        return Some(vec![event]);
    }
    if let Some(detail) = object.get("detail").filter(|d| d.kind == Kind::Object)
        && (object.has("detail-type") || object.has("source"))
    {
        let findings = detail.get("findings").filter(|f| f.kind == Kind::Array);
        let item = detail.get("configurationItem").filter(|i| i.kind == Kind::Object);
        return Some(findings.map(Raw::elements).or(item.map(|i| vec![i])).unwrap_or_else(|| vec![detail]));
    }
    if let Some(data) = object.get("eventData").filter(|d| d.kind == Kind::Object) {
        return Some(vec![data]);
    }
    if let Some(source) = object.get("_source").filter(|d| d.kind == Kind::Object) {
        return Some(vec![source]);
    }
    let message = object.get("message").filter(|m| matches!(m.kind, Kind::Str | Kind::Escaped));
    // Amazon Data Firehose delivers flow logs as `{"message":"2 111122223333 eni-…"}`.
    message.filter(|_| is_event(object) || object.names().count() == 1).map(|message| vec![message])
}

/// Whether an object with a message looks like an event of CloudWatch Logs.
pub(crate) fn is_event(object: &Object<'_>) -> bool {
    object.has("message") && ["timestamp", "@timestamp", "ingestionTime", "id"].iter().any(|n| object.has(n))
}

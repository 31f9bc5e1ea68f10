//! What a queue's message says: where CloudTrail's files lie, or an event itself.

use crate::commands::store::keys;
use serde_json::Value;

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Objects to read: bucket and key.
    Objects(Vec<(String, String)>),
    /// A CloudTrail event as EventBridge delivers it.
    Event(String),
    /// Amazon S3 or Amazon SNS tries whether anybody listens.
    Test,
    /// Something else.
    Unknown,
}

/// How many envelopes are opened: SNS around EventBridge around S3 is the most there is.
const ENVELOPES: usize = 4;

/// Reads a message: Amazon S3's notification ("Event message structure"), CloudTrail's ("Configuring Amazon SNS notifications"),
/// EventBridge's events `Object Created` and `AWS API Call via CloudTrail`; each of them also as Amazon SNS sends it on.
pub fn message(body: &str) -> Message {
    let mut text = body.to_owned();
    for _ in 0..ENVELOPES {
        if text.starts_with("CloudTrail validation message") {
            return Message::Test;
        }
        let Ok(json) = serde_json::from_str::<Value>(&text) else { return Message::Unknown };
        let is = |name: &str, wanted: &str| json.get(name).and_then(Value::as_str) == Some(wanted);
        let of_sns = json.get("TopicArn").is_some() || is("Type", "Notification");
        if let Some(inner) = json.get("Message").and_then(Value::as_str).filter(|_| of_sns) {
            text = inner.to_owned();
            continue;
        }
        if is("Event", "s3:TestEvent") {
            return Message::Test;
        }
        if let Some(records) = json.get("Records").and_then(Value::as_array) {
            let objects: Vec<_> = records.iter().filter_map(|r| located(r.get("s3")?, true)).collect();
            return if objects.is_empty() { Message::Unknown } else { Message::Objects(objects) };
        }
        if let (Some(bucket), Some(keys)) = (json.get("s3Bucket").and_then(Value::as_str), json.get("s3ObjectKey")) {
            let keys = keys.as_array().cloned().unwrap_or_else(|| vec![keys.clone()]);
            let keys = keys.iter().filter_map(|k| Some((bucket.to_owned(), k.as_str()?.to_owned())));
            return Message::Objects(keys.collect());
        }
        let Some(detail) = json.get("detail").filter(|_| json.get("detail-type").is_some()) else {
            return if json.get("eventSource").is_some() { Message::Event(text) } else { Message::Unknown };
        };
        if is("detail-type", "Object Created") {
            return located(detail, false).map_or(Message::Unknown, |one| Message::Objects(vec![one]));
        }
        return if detail.get("eventSource").is_some() { Message::Event(text) } else { Message::Unknown };
    }
    Message::Unknown
}

/// Bucket and key. In Amazon S3's own notifications keys are encoded as in URLs.
fn located(at: &Value, encoded: bool) -> Option<(String, String)> {
    let text = |path: &str| at.pointer(path)?.as_str();
    let key = text("/object/key")?;
    let key = if encoded { keys::decoded(key) } else { key.to_owned() };
    Some((text("/bucket/name")?.to_owned(), key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_are_understood_in_every_envelope() {
        let s3 =
            json!({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": "AWSLogs/1/a%3Db+c.json.gz"}}}]});
        let sns =
            |inner: &Value| json!({"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": inner.to_string()});
        let created = json!({"detail-type": "Object Created", "source": "aws.s3", "detail": {"bucket": {"name": "b"}, "object": {"key": "a=b"}}});
        let trail = json!({"s3Bucket": "b", "s3ObjectKey": ["x", "y"]});
        let call = json!({"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": {"eventSource": "s3.amazonaws.com", "eventName": "PutBucketPolicy"}});
        let one = |key: &str| Message::Objects(vec![("b".to_owned(), key.to_owned())]);
        let both = Message::Objects([("b".to_owned(), "x".to_owned()), ("b".to_owned(), "y".to_owned())].to_vec());
        for (what, body, wanted) in [
            ("S3", s3.clone(), one("AWSLogs/1/a=b c.json.gz")),
            ("S3 by SNS", sns(&s3), one("AWSLogs/1/a=b c.json.gz")),
            ("S3 by EventBridge", created.clone(), one("a=b")),
            ("S3 by EventBridge by SNS", sns(&created), one("a=b")),
            ("CloudTrail by SNS", sns(&trail), both),
            ("an event", call.clone(), Message::Event(call.to_string())),
            ("S3's test", json!({"Service": "Amazon S3", "Event": "s3:TestEvent"}), Message::Test),
            ("another event", json!({"detail-type": "Scheduled Event", "detail": {}}), Message::Unknown),
            ("no records", json!({"Records": []}), Message::Unknown),
            ("a number", json!(7), Message::Unknown),
        ] {
            assert_eq!(message(&body.to_string()), wanted, "{what}");
        }
        assert_eq!(message("no JSON"), Message::Unknown);
    }
}

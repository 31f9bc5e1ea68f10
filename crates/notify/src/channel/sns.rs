//! Amazon SNS (<https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>). The key is the message attribute `yagura-key`; of a FIFO
//! topic also the deduplication id, by which SNS itself drops what comes twice within five minutes.

use super::{Channel, Kind, Message, Refused, Sent, region_of_arn};
use crate::text::cut;
use crate::world::World;
use async_trait::async_trait;
use serde_json::json;
use yagura_rule::yaml::{Reader, Yaml};

pub(super) const KIND: Kind = Kind {
    name: "sns",
    keys: &["topic", "format"],
    make: |r, at| Sns::read(r, at).map(|s| Box::new(s) as Box<dyn Channel>),
};

#[derive(Debug)]
struct Sns {
    topic: String,
    json: bool,
}

impl Sns {
    fn read(r: &mut Reader<'_>, at: &Yaml) -> Option<Self> {
        let topic = String::from(r.want_text(at, "topic"));
        let is_arn = topic.starts_with("arn:") && topic.split(':').count() == 6;
        if !topic.is_empty() && !is_arn {
            r.complain(at.get("topic").unwrap_or(at), "`topic` is the ARN of an SNS topic");
        }
        let json = match r.text(at, "format").as_deref() {
            None | Some("text") => false,
            Some("json") => true,
            Some(_) => {
                r.complain(at.get("format").unwrap_or(at), "`format` is text or json");
                false
            }
        };
        Some(Self { topic, json })
    }
}

#[async_trait]
impl Channel for Sns {
    fn is_aws(&self) -> bool {
        true
    }

    async fn send(&self, message: &Message, world: &World) -> Sent {
        let region = region_of_arn(&self.topic).ok_or_else(|| Refused::for_good("the topic's ARN names no Region"))?;
        let events = || message.notices.iter().map(|n| n.event(message.lang)).collect::<Vec<_>>();
        let text = if self.json { json!({"events": events()}).to_string() } else { message.plain() };
        let mut input = json!({
            "TopicArn": self.topic,
            "Subject": subject(&message.headline()),
            "Message": within(&text, 250 << 10, self.json)?,
            "MessageAttributes": {"yagura-key": {"DataType": "String", "StringValue": message.id}},
        });
        if let (true, Some(map)) = (self.topic.ends_with(".fifo"), input.as_object_mut()) {
            map.insert("MessageGroupId".to_owned(), json!("yagura"));
            map.insert("MessageDeduplicationId".to_owned(), json!(message.id));
        }
        world.change("sns:Publish", Some(region), input).await.map(drop)
    }
}

/// ASCII, one line, at most 99 characters, as `Publish` wants it. A Japanese one is kept to what of it is ASCII.
fn subject(headline: &str) -> String {
    let ascii: String = headline.chars().map(|c| if c.is_ascii() { c } else { ' ' }).collect();
    let text = ascii.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let text: String = if text.starts_with("Yagura") { text.to_owned() } else { format!("Yagura: {text}") };
    text.chars().take(99).collect::<String>().trim_end().to_owned()
}

/// `Publish` takes 256 KiB: text is cut there, and JSON, which would break, is refused.
fn within(text: &str, bytes: usize, whole: bool) -> Result<String, Refused> {
    if text.len() <= bytes {
        return Ok(text.to_owned());
    }
    if whole {
        return Err(Refused::for_good(
            "the message is longer than SNS takes (256 KiB): group less into one, or use format: text",
        ));
    }
    Ok(cut(text, bytes / 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_ascii_lines() {
        assert_eq!(subject("New finding (high), check failed: x"), "Yagura: New finding (high), check failed: x");
        assert_eq!(subject("新しい検出結果（高、不合格）: バケット x"), "Yagura: x");
        assert!(subject(&"x".repeat(500)).len() < 100);
    }
}

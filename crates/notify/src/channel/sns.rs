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
        let text = if self.json { as_json(message, MOST)? } else { cut_to(&message.plain(), MOST) };
        let mut input = json!({
            "TopicArn": self.topic,
            "Subject": subject(&message.headline()),
            "Message": text,
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

/// `Publish` takes 256 KiB, attributes included.
const MOST: usize = 250 << 10;

/// Text is cut; a character takes four bytes at most.
fn cut_to(text: &str, bytes: usize) -> String {
    if text.len() <= bytes { text.to_owned() } else { cut(text, bytes / 4) }
}

/// The events, their details as long as fits; what a detail had to leave out is named in it.
fn as_json(message: &Message, bytes: usize) -> Result<String, Refused> {
    for shift in 0..8_usize {
        let one = |n: &crate::notice::Notice| match shift {
            0 => n.event(message.lang),
            _ => n.event_within(message.lang, (22 << 10) >> shift),
        };
        let text = json!({"events": message.notices.iter().map(one).collect::<Vec<_>>()}).to_string();
        if text.len() <= bytes {
            return Ok(text);
        }
    }
    Err(Refused::for_good("the message is longer than SNS takes (256 KiB): group less into one, or use format: text"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]
mod tests {
    use super::*;
    use crate::channel::tests_of_messages::hostile;

    #[test]
    fn subjects_are_ascii_lines() {
        assert_eq!(subject("New finding (high), check failed: x"), "Yagura: New finding (high), check failed: x");
        assert_eq!(subject("新しい検出結果（高、不合格）: バケット x"), "Yagura: x");
        assert!(subject(&"x".repeat(500)).len() < 100);
    }

    #[test]
    fn json_is_shortened_until_it_fits_and_stays_json() {
        let mut message = hostile(50);
        for n in &mut message.notices {
            n.detail =
                (0..40).map(|i| (format!("m{i}"), json!("x".repeat(500)))).collect::<serde_json::Map<_, _>>().into();
        }
        let text = as_json(&message, MOST).unwrap();
        assert!(text.len() <= MOST, "{}", text.len());
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        let events = parsed["events"].as_array().unwrap();
        assert_eq!(events.len(), 50);
        assert!(events.iter().all(|e| e["detail"]["notice"].is_string() && e["detail"]["left_out"].is_array()));
    }
}
